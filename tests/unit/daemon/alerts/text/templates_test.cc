#include "daemon/alerts/text/templates.h"

#include <gtest/gtest.h>

#include "samples.h"

namespace bkmon::alerts {
namespace {

std::string wrong(const std::string& text, TemplateKind kind = TemplateKind::alert, TemplatePart part = TemplatePart::html) {
    const auto checked = check_template(text, kind, part);
    return checked ? std::string() : checked.error().what;
}

TEST(Templates, TheBuiltInOnesPass) {
    for (const auto kind : {TemplateKind::alert, TemplateKind::digest})
        for (const auto part : {TemplatePart::subject, TemplatePart::text, TemplatePart::html}) {
            EXPECT_EQ(wrong(built_in(kind, part), kind, part), "");
            EXPECT_NE(built_in(kind, part).front(), '\n');
        }
}

TEST(Templates, AWrongNameIsFoundWhereItStands) {
    EXPECT_EQ(wrong("a\n  {{sevrity}}"), "2:3: there is no variable 'sevrity' (did you mean 'severity'?)");
    EXPECT_EQ(wrong("{{subject}}{{xyzzyx}}"), "1:12: there is no variable 'xyzzyx'");
    EXPECT_EQ(wrong("{{#targets}}{{id}}{{/targets}}{{id}}"), "1:31: 'id' is there inside of {{#targets}} … {{/targets}} alone");
    EXPECT_EQ(wrong("{{#targets}}{{#rows}}{{value}}{{/rows}}{{id}}{{headline}}{{/targets}}{{! a word }}"), "");
    EXPECT_NE(wrong("{{#targets}}"), "");
    EXPECT_NE(wrong("{{severity"), "");
    EXPECT_EQ(wrong(""), "");
}

TEST(Templates, EachKindHasItsNames) {
    EXPECT_EQ(wrong("{{#sections}}{{title}}{{/sections}}", TemplateKind::digest), "");
    EXPECT_NE(wrong("{{#sections}}{{title}}{{/sections}}", TemplateKind::alert), "");
    EXPECT_NE(wrong("{{cause}}", TemplateKind::digest), "");
}

TEST(Templates, NothingFromOutsideBecomesHtml) {
    EXPECT_EQ(wrong("{{{reason}}}"), "1:1: write {{reason}}: what comes from outside would become HTML");
    EXPECT_EQ(wrong("{{&reason}}"), "1:1: write {{reason}}: what comes from outside would become HTML");
    EXPECT_EQ(wrong("{{{reason}}}", TemplateKind::alert, TemplatePart::text), "");
    EXPECT_EQ(wrong("{{>other}}"), "1:1: a template cannot take in another one");
    EXPECT_NE(wrong("{{=<% %>=}}<%reason%>"), "");
}

/// Each name that a template may use is something in a rich mail.
TEST(Templates, EveryNameIsThere) {
    auto story = sample_story(Word::flapping);
    story.trait = "agent";
    story.value = "a";
    story.suppressed = 1;
    story.acked_by = "anna";
    story.silenced = SilenceTold{"*", sample_now(), "anna", "why", 1};
    auto noted = story;
    noted.acked_by.clear();
    noted.note = "a note";
    auto held = sample_story(Word::opened);
    held.told.front().status = core::Status::held;
    held.told.front().sha256 = std::string(64, 'a');
    auto several = sample_group(Word::opened);
    several.told.front().reason_code = "no_report";
    auto all = sample_digest(false);
    for (int i = 0; i < 60; ++i) all.fresh.push_back(all.fresh.front());
    for (int i = 0; i < 30; ++i) all.silences.push_back(all.silences.front());
    DigestStory nothing;
    for (const auto kind : {TemplateKind::alert, TemplateKind::digest})
        for (const auto& [inside, name] : template_names(kind)) {
            const auto n = std::string(name), in = std::string(inside);
            auto probe = "{{#" + n + "}}there{{/" + n + "}}";
            if (!in.empty()) probe = "{{#" + in + "}}" + probe + "{{/" + in + "}}";
            if (in == "commands" && kind == TemplateKind::digest) probe += "{{#sections}}{{#items}}" + probe + "{{/items}}{{/sections}}";
            if (in == "items") probe = "{{#sections}}" + probe + "{{/sections}}";
            EXPECT_EQ(wrong(probe, kind), "") << n;
            const Templates with{{}, probe, {}};
            std::string out;
            if (kind == TemplateKind::alert)
                for (const auto& s : {story, noted, held, several}) out += compose(s, with).value().text;
            else
                for (const auto& s : {all, nothing, sample_digest(true)}) out += compose_digest(s, with).value().text;
            EXPECT_NE(out.find("there"), std::string::npos) << in << " " << n;
        }
}

TEST(Templates, AUsersOwnReplacesOnePart) {
    const auto mail = compose(sample_story(Word::opened), {"{{site}}: {{headline}}\n second line", "", "<p>{{headline}}</p>"}).value();
    EXPECT_EQ(mail.subject, "main: deposit/sirpacam_douala_newbell/SDMC_2023 is missing  second line");
    EXPECT_EQ(mail.html, "<p>deposit/sirpacam_douala_newbell/SDMC_2023 is missing</p>");
    EXPECT_NE(mail.text.find("What to do"), std::string::npos);
    EXPECT_FALSE(compose(sample_story(Word::opened), {"", "{{#targets}}", ""}));
}

}  // namespace
}  // namespace bkmon::alerts

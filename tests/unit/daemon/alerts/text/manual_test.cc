// What bkmon.yaml(5) says about templates is so.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <regex>

#include "daemon/alerts/text/compose.h"

namespace bkmon::alerts {
namespace {

std::string section() {
    std::ifstream in(std::string(BKMON_SOURCE_DIR) + "/etc/man/bkmon.yaml.5.scd");
    const std::string page{std::istreambuf_iterator<char>(in), {}};
    const auto begin = page.find("# TEMPLATES\n");
    EXPECT_NE(begin, std::string::npos);
    std::string text = page.substr(begin, page.find("\n# DEPOSITS", begin) - begin);
    text.erase(std::remove(text.begin(), text.end(), '\\'), text.end());
    return text;
}

TEST(TemplatesInTheManual, EachVariableThatItNamesIsThere) {
    const auto text = section();
    const std::regex variable(R"(\{\{[#/]?([a-z_]+)\}\})");
    std::size_t named = 0;
    for (std::sregex_iterator at(text.begin(), text.end(), variable), end; at != end; ++at, ++named) {
        const auto is = [&](const TemplateName& known) { return known.name == (*at)[1].str(); };
        const auto &alert = template_names(TemplateKind::alert), &digest = template_names(TemplateKind::digest);
        EXPECT_TRUE(std::any_of(alert.begin(), alert.end(), is) || std::any_of(digest.begin(), digest.end(), is)) << (*at)[1].str();
    }
    EXPECT_GT(named, 50U);
}

TEST(TemplatesInTheManual, ItsExampleIsATemplate) {
    const auto text = section();
    const auto begin = text.find("```\n"), end = text.find("\n```", begin + 4);
    ASSERT_NE(end, std::string::npos);
    const auto example = text.substr(begin + 4, end - begin - 4);
    EXPECT_NE(example.find("{{#targets}}"), std::string::npos);
    const auto checked = check_template(example, TemplateKind::alert, TemplatePart::text);
    EXPECT_TRUE(checked) << checked.error().what;

    Story story;
    const auto tell = [&](const char* name) {
        Told told;
        told.target = TargetId::of("deposit", {"SHOP", name});
        told.status = core::Status::missing;
        told.severity = core::Severity::critical;
        story.told.push_back(told);
    };
    Templates own;
    own.text = example;
    tell("A");
    const auto one = compose(story, own);
    ASSERT_TRUE(one);
    EXPECT_NE(one->text.find("bkmonctl explain"), std::string::npos) << one->text;
    EXPECT_NE(one->text.find("never"), std::string::npos) << "no healthy backup yet, a row of its own\n" << one->text;
    tell("B");
    const auto two = compose(story, own);
    ASSERT_TRUE(two);
    for (const char* id : {"\n  deposit/SHOP/A: ", "\n  deposit/SHOP/B: "}) EXPECT_NE(two->text.find(id), std::string::npos) << two->text;
}

}  // namespace
}  // namespace bkmon::alerts

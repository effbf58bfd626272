// The folder of templates: read, checked, and named by rules.
#include <sys/stat.h>

#include "tests/support/temp_tree.h"
#include "tests/unit/daemon/config/support.h"

namespace bkmon::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class MailTemplates : public ::testing::Test {
protected:
    MailTemplates() { tree.make_dirs("mails"); }

    Loaded load(const std::string& more = "") {
        const auto check = [this](const std::string& name, const std::string& part, const std::string& text) -> Result<void> {
            asked.push_back(name + "/" + part);
            if (text.find("{{wrong}}") != std::string::npos) return fail(Errc::invalid, "3:7: there is no variable 'wrong'");
            if (text.find("{{") != std::string::npos) return fail(Errc::invalid, "cannot be read");
            return {};
        };
        return load_sources({{"bkmon.yaml", "mail: {server: \"smtp://a\", from: a@b, to: [a@b],\n  templates: " + tree.at("mails") + "}\n" + more}},
                            check);
    }
    /// Without the folder before it.
    std::vector<std::string> problems_of_files() {
        std::vector<std::string> out;
        for (const auto& line : lines(load())) out.push_back(line.starts_with(tree.at("mails/")) ? line.substr(tree.at("mails/").size()) : line);
        return out;
    }

    test::TempTree tree;
    std::vector<std::string> asked;
};

TEST_F(MailTemplates, AreReadByNameAndPart) {
    tree.put("mails/default.subject", "one line\n");
    tree.put("mails/default.txt", "text");
    tree.put("mails/default.html", "<p>");
    tree.put("mails/loud.subject", "LOUD");
    tree.put("mails/.hidden", "");
    tree.put("mails/default.txt~", "{{old}}");
    const auto loaded = load("alerts: {rules: [{kind: deposit, text: loud}, {text: default}]}\n");
    EXPECT_EQ(loaded.text(), "");
    const auto& texts = loaded.settings.mail.texts;
    ASSERT_EQ(texts.size(), 2U);
    EXPECT_EQ(texts.at("default"), (core::MailTemplate{"one line\n", "text", "<p>"}));
    EXPECT_EQ(texts.at("loud"), (core::MailTemplate{"LOUD", "", ""}));
    EXPECT_THAT(asked, ElementsAre("default/html", "default/subject", "default/txt", "loud/subject"));
    EXPECT_EQ(loaded.settings.alerts.rules[0].text, "loud");
}

TEST_F(MailTemplates, WhatTheyHoldIsEffectiveSoThatAReloadSeesAChange) {
    const auto value = [&] {
        for (const auto& e : load().effective)
            if (e.path == "mail.templates.default.txt") return e.value + " " + e.origin;
        return std::string();
    };
    tree.put("mails/default.txt", "text");
    const auto before = value();
    EXPECT_THAT(before, HasSubstr("4 bytes, "));
    EXPECT_THAT(before, HasSubstr(tree.at("mails/default.txt")));
    tree.put("mails/default.txt", "tixt");
    EXPECT_NE(value(), before);
}

TEST_F(MailTemplates, WhatIsWrongIsSaidAtItsPlaceInTheFile) {
    tree.put("mails/a.txt", "{{wrong}}");
    tree.put("mails/b.txt", "{{");
    tree.put("mails/c.txt", " \n");
    tree.put("mails/d.txt", "\xFF");
    tree.put("mails/e.subject", "two\nlines");
    tree.put("mails/f.subject", std::string(4097, 'x'));
    tree.put("mails/g.txt", std::string((256 << 10) + 1, 'x'));
    tree.put("mails/h.htm", "x");
    tree.put("mails/i", "x");
    tree.put("mails/a b.txt", "x");
    tree.put("mails/k.txt", std::string("a\0b", 3));
    EXPECT_THAT(problems_of_files(),
                ElementsAre(HasSubstr("a b.txt: is no template"), "a.txt:3:7: there is no variable 'wrong'", "b.txt: cannot be read",
                            HasSubstr("c.txt: is empty"), HasSubstr("d.txt: holds bytes that are no UTF-8"), "e.subject: a subject is one line",
                            HasSubstr("f.subject: a subject is no longer than"), HasSubstr("g.txt: is larger than 256.0 KiB"),
                            HasSubstr("h.htm: is no template"), HasSubstr("i: is no template"), HasSubstr("k.txt: holds bytes")));
}

TEST_F(MailTemplates, NeverWaitForAFifo) {
    ASSERT_EQ(::mkfifo(tree.at("mails/default.txt").c_str(), 0600), 0);
    EXPECT_THAT(problems_of_files(), ElementsAre("default.txt: is no plain file"));
}

TEST_F(MailTemplates, AFolderThatIsNotThereIsSaidWhereItIsNamed) {
    tree.put("file", "x");
    const auto at = [](const std::string& folder) {
        return lines(load_sources({{"bkmon.yaml", "mail: {server: \"smtp://a\", from: a@b, to: [a@b],\n  templates: " + folder + "}\n"}},
                                  [](const std::string&, const std::string&, const std::string&) -> Result<void> { return {}; }));
    };
    EXPECT_THAT(at(tree.at("nowhere")), ElementsAre(HasSubstr("bkmon.yaml:2:14: templates: '" + tree.at("nowhere") + "' cannot be read")));
    EXPECT_THAT(at(tree.at("file")), ElementsAre(HasSubstr("cannot be read")));
    for (int i = 0; i < 301; ++i) tree.put("mails/n" + std::to_string(i) + ".txt", "x");
    EXPECT_THAT(at(tree.at("mails")), ElementsAre(HasSubstr("holds more than 300 files")));
}

TEST_F(MailTemplates, ARuleNamesOneThatIsThere) {
    tree.put("mails/loud.txt", "x");
    EXPECT_THAT(lines(load("alerts: {rules: [{text: lowd}]}\n")),
                ElementsAre("bkmon.yaml:3:25: text: there is no template 'lowd' in " + tree.at("mails") + " (did you mean 'loud'?)"));
}

TEST_F(MailTemplates, WithoutSomebodyToCheckThemTheyAreLeftAlone) {
    tree.put("mails/h.htm", "x");
    const auto loaded =
        read("mail: {server: \"smtp://a\", from: a@b, to: [a@b],\n  templates: " + tree.at("mails") + "}\nalerts: {rules: [{text: lowd}]}\n");
    EXPECT_THAT(lines(loaded), IsEmpty());
    EXPECT_THAT(loaded.settings.mail.texts, IsEmpty());
}

}  // namespace
}  // namespace bkmon::config

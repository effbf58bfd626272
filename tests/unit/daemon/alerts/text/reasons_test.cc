#include "daemon/alerts/text/reasons.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>

#include "common/base/text.h"
#include "daemon/alerts/text/phrases.h"
#include "daemon/core/reason_codes.h"

namespace bkmon::alerts {
namespace {

/// Commands in `…` and names of settings: the same in each language.
std::set<std::string> code_words(std::string_view view) {
    static const std::regex kCode("`[^`]*`|[a-z]+[._][a-z]+");
    const std::string text(view);
    std::set<std::string> out;
    for (auto at = std::sregex_iterator(text.begin(), text.end(), kCode); at != std::sregex_iterator(); ++at) out.insert(at->str());
    return out;
}

TEST(ReasonTexts, EveryCodeSpeaksEachLanguage) {
    std::set<std::string_view> codes, translated;
    for (const auto& r : core::kReasons) codes.insert(r.code);
    for (const auto& t : kReasonTexts) EXPECT_TRUE(translated.insert(t.code).second) << t.code << " twice";
    EXPECT_EQ(translated, codes);
    for (const auto code : codes) {
        const std::set<std::string_view> texts{meaning(Language::en, code), meaning(Language::es, code), meaning(Language::fr, code)};
        EXPECT_EQ(texts.size(), 3U) << code;
        for (const auto text : texts) {
            EXPECT_GT(text.size(), 15U) << code;
            EXPECT_TRUE(valid_utf8(text)) << code;
            EXPECT_TRUE(text.back() == '.' || text.back() == '?') << text;
            EXPECT_EQ(text.find_first_of("{}"), std::string_view::npos) << text;
        }
    }
    EXPECT_EQ(meaning(Language::es, "news"), "");
}

TEST(ReasonTexts, NameTheSameCommandsAndSettings) {
    for (const auto& t : kReasonTexts) {
        const auto en = code_words(meaning(Language::en, t.code));
        EXPECT_EQ(code_words(t.es), en) << t.code;
        EXPECT_EQ(code_words(t.fr), en) << t.code;
    }
}

TEST(ReasonTexts, NoEnglishIsLeft) {
    const std::set<std::string> english{"the", "is",   "of",     "and",     "it",     "was",  "than", "that",
                                        "not", "file", "backup", "agent's", "cannot", "read", "its",  "let"};
    for (const auto& t : kReasonTexts)
        for (const auto text : {t.es, t.fr})
            for (const auto& word : split(lower(text), ' ')) EXPECT_EQ(english.count(word), 0U) << t.code << ": " << text;
}

}  // namespace
}  // namespace bkmon::alerts

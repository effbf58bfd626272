#include "daemon/alerts/text/phrases.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "common/base/text.h"

namespace bkmon::alerts {
namespace {

constexpr std::array kLanguages{Language::en, Language::es, Language::fr};

std::ptrdiff_t gaps(std::string_view text) {
    std::ptrdiff_t n = 0;
    for (auto at = text.find("{}"); at != std::string_view::npos; at = text.find("{}", at + 2)) ++n;
    return n;
}

TEST(Phrases, EachIsThereInEachLanguageWithTheSameGaps) {
    for (std::size_t i = 0; i < kPhrases; ++i) {
        const auto p = static_cast<Phrase>(i);
        const auto en = phrase(Language::en, p);
        for (const auto language : kLanguages) {
            const auto text = phrase(language, p);
            EXPECT_FALSE(text.empty()) << i;
            EXPECT_EQ(gaps(text), gaps(en)) << text;
            EXPECT_EQ(std::count(text.begin(), text.end(), '{'), gaps(text)) << text;
            EXPECT_EQ(std::count(text.begin(), text.end(), '}'), gaps(text)) << text;
            EXPECT_TRUE(valid_utf8(text)) << text;
            EXPECT_TRUE(language == Language::en || text != en) << text;
        }
    }
    for (const auto language : kLanguages) {
        for (const auto status : core::kStatuses) {
            EXPECT_FALSE(status_word(language, status).empty());
            EXPECT_FALSE(status_words(language, status).empty());
            if (language == Language::en) continue;
            EXPECT_NE(status_word(language, status), status_word(Language::en, status));
            EXPECT_NE(status_words(language, status), status_words(Language::en, status));
        }
        for (const auto s : {core::Severity::ok, core::Severity::warning, core::Severity::unknown, core::Severity::critical}) {
            EXPECT_FALSE(severity_word(language, s).empty());
            EXPECT_EQ(severity_word(language, s) == severity_word(Language::en, s), language == Language::en);
        }
    }
    EXPECT_EQ(severity_word(Language::en, core::Severity::critical), core::name_of(core::Severity::critical));
}

/// A word that no other language has stands in no text of theirs: what was copied and not translated.
TEST(Phrases, NoEnglishIsLeft) {
    const std::set<std::string_view> english{"the",  "is",   "are",    "of",      "and",  "it",    "was", "since", "until", "last",
                                             "file", "size", "backup", "targets", "mail", "mails", "by",  "this",  "not",   "for"};
    for (const auto language : {Language::es, Language::fr})
        for (std::size_t i = 0; i < kPhrases; ++i)
            for (const auto& word : split(lower(phrase(language, static_cast<Phrase>(i))), ' '))
                EXPECT_EQ(english.count(word), 0U) << phrase(language, static_cast<Phrase>(i));
}

TEST(Phrases, LanguagesAreNamedByTheirCode) {
    for (const auto language : kLanguages) EXPECT_EQ(language_of(code_of(language)), language);
    EXPECT_FALSE(language_of("de"));
    EXPECT_EQ(trait_word(Language::fr, "subnet"), "sous-réseau");
    EXPECT_EQ(trait_word(Language::fr, "colour"), "colour");
}

TEST(Phrases, DatesAndDurationsSpeakTheLanguage) {
    EXPECT_EQ(date_words(Language::en, "2026-11-02"), "2 Nov 2026");
    EXPECT_EQ(date_words(Language::es, "2026-01-22"), "22 ene 2026");
    EXPECT_EQ(date_words(Language::fr, "2026-12-22"), "22 déc. 2026");
    EXPECT_EQ(date_words(Language::fr, "2026-13-22"), "2026-13-22");
    EXPECT_EQ(day_words(Language::en, "2026-11-22"), "Sun 22 Nov");
    EXPECT_EQ(day_words(Language::es, "2026-11-04"), "mié  4 nov");
    EXPECT_EQ(day_words(Language::fr, "2026-02-28"), "sam. 28 févr.");
    EXPECT_EQ(day_words(Language::fr, "yesterday"), "yesterday");
    EXPECT_EQ(duration_words(Language::en, std::chrono::hours(76)), "3 d 4 h");
    EXPECT_EQ(duration_words(Language::es, std::chrono::hours(76)), "3 d 4 h");
    EXPECT_EQ(duration_words(Language::fr, std::chrono::hours(76)), "3 j 4 h");
    EXPECT_EQ(duration_words(Language::fr, std::chrono::hours(72)), "3 j");
    EXPECT_EQ(duration_words(Language::es, milliseconds(9)), "menos de 1 s");
    EXPECT_EQ(duration_words(Language::fr, milliseconds(0)), "moins de 1 s");
}

}  // namespace
}  // namespace bkmon::alerts

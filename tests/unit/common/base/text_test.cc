#include "common/base/text.h"

#include <gtest/gtest.h>

#include <random>

#include "common/base/utf8.h"
#include "tests/support/cpu_spent.h"

namespace bkmon {
namespace {

using namespace std::string_literals;

TEST(Size, ReadsDecimalAndBinaryUnits) {
    EXPECT_EQ(parse_size("512").value(), 512U);
    EXPECT_EQ(parse_size("512B").value(), 512U);
    EXPECT_EQ(parse_size("1KiB").value(), 1024U);
    EXPECT_EQ(parse_size("20GB").value(), 20000000000U);
    EXPECT_EQ(parse_size("20gb").value(), 20000000000U);
    EXPECT_EQ(parse_size("1.5GiB").value(), 1610612736U);
    EXPECT_EQ(parse_size("1.5 GiB").value(), 1610612736U);
    EXPECT_EQ(parse_size("2TiB").value(), 2199023255552U);
    EXPECT_EQ(parse_size("0.000001MB").value(), 1U);
    EXPECT_EQ(parse_size("18446744073709551609").value(), 18446744073709551609U);
}

TEST(Size, RefusesTheAmbiguousAndTheTooLarge) {
    for (const char* text : {"", "MB", "-1", "+1", "1.5", "1.5B", "1.MB", "20G", "20k", "1PB", "1KiBs", " 1MB", "1MB ", "1e3", "99999999999999999999",
                             "18446744073709551TB", "1.1234567MB"}) {
        const auto size = parse_size(text);
        ASSERT_FALSE(size) << text;
        EXPECT_EQ(size.error().code, Errc::invalid) << text;
    }
}

TEST(Size, WordsRoundIntoTheNextUnit) {
    EXPECT_EQ(size_words(0), "0 B");
    EXPECT_EQ(size_words(1023), "1023 B");
    EXPECT_EQ(size_words(1024), "1.0 KiB");
    EXPECT_EQ(size_words(197342003), "188.2 MiB");
    EXPECT_EQ(size_words(1048575), "1.0 MiB");
    EXPECT_EQ(size_words(18446744073709551615U), "16.0 EiB");
}

TEST(Text, LowerTouchesAsciiOnly) {
    EXPECT_EQ(lower("SDMC_É-Z"), "sdmc_É-z");
    EXPECT_TRUE(equal_ignoring_case("SDMC", "sdmc"));
    EXPECT_FALSE(equal_ignoring_case("SDMC", "sdm"));
    EXPECT_FALSE(equal_ignoring_case("[", "{"));
}

TEST(Text, TrimsAndSplits) {
    EXPECT_EQ(trim(" \t a b\r\n"), "a b");
    EXPECT_EQ(trim("  "), "");
    EXPECT_EQ(split("a,,b", ','), (std::vector<std::string>{"a", "", "b"}));
    EXPECT_EQ(split("", ','), std::vector<std::string>{""});
    EXPECT_EQ(split("a,", ','), (std::vector<std::string>{"a", ""}));
}

TEST(Utf8, KnowsTheWellFormed) {
    for (const auto& good : {"a"s, "é"s, "漢"s, "😀"s, "\xF4\x8F\xBF\xBF"s, "\0"s, "\xED\x9F\xBF"s, "\xEE\x80\x80"s})
        EXPECT_TRUE(valid_utf8(good)) << printable(good);
    for (const auto& bad : {"\x80"s, "\xC0\x80"s, "\xC1\xBF"s, "\xE0\x80\xAF"s, "\xE0\x9F\xBF"s, "\xF0\x8F\xBF\xBF"s, "\xED\xA0\x80"s,
                            "\xF4\x90\x80\x80"s, "\xF5\x80\x80\x80"s, "\xFF"s, "\xC3"s, "\xE6\xBC"s, "\xF0\x9F\x98"s, "a\xC3z"s})
        EXPECT_FALSE(valid_utf8(bad)) << printable(bad);
}

TEST(Printable, ShowsWhatCannotBeSeen) {
    EXPECT_EQ(printable("plain é 漢"), "plain é 漢");
    EXPECT_EQ(printable("a\nb\rc\td"), "a\\nb\\rc\\td");
    EXPECT_EQ(printable("\x1b[31mred"), "\\x1b[31mred");
    EXPECT_EQ(printable("nul\0!"s), "nul\\x00!");
    EXPECT_EQ(printable("\x7F"), "\\x7f");
    EXPECT_EQ(printable("\xC2\x9B"
                        "1m"),
              "\\u{009b}1m")
        << "the one-character CSI";
    EXPECT_EQ(printable("exe\u202Egpj"), "exe\\u{202e}gpj");
    EXPECT_EQ(printable("\u2066x\u2069\u200F\u061C"), "\\u{2066}x\\u{2069}\\u{200f}\\u{061c}");
    EXPECT_EQ(printable("a\u2028b\u2029"), "a\\u{2028}b\\u{2029}");
    EXPECT_EQ(printable("a\u200Bb\uFEFF"), "a\\u{200b}b\\u{feff}");
    EXPECT_EQ(printable("tag\U000E0041"), "tag\\u{e0041}");
    EXPECT_EQ(printable("\xFF\xC3z"), "\\xff\\xc3z");
    EXPECT_EQ(printable("C:\\new"), "C:\\\\new");
}

TEST(Printable, NoTwoTextsLookTheSame) {
    EXPECT_NE(printable("\n"), printable("\\n"));
    EXPECT_NE(printable("\xFF"), printable("\\xff"));
}

TEST(Printable, CutsBetweenWholePieces) {
    EXPECT_EQ(printable("abcdef", 6), "abcdef");
    EXPECT_EQ(printable("abcdefg", 6), "abc…");
    EXPECT_EQ(printable("ab\n\nxyz", 7), "ab\\n…") << "an escape is never cut in two";
    EXPECT_EQ(printable("漢漢漢", 8), "漢…");
    EXPECT_EQ(printable("abc", 2), "");
    EXPECT_EQ(printable("", 0), "");
    EXPECT_EQ(printable(std::string(100000, 'x')).size(), 512U);
}

TEST(Printable, RunsOfPlainTextAreCutAsSingleCharactersAre) {
    // Character by character, as the header says it.
    const auto one_by_one = [](const std::vector<std::string>& characters, std::size_t limit) {
        std::string all, safe;
        for (const auto& c : characters) {
            const auto piece = printable(c);
            if (all.size() + piece.size() > limit) return limit < 3 ? safe : safe + "…";
            all += piece;
            if (all.size() + 3 <= limit) safe = all;
        }
        return all;
    };
    const std::vector<std::string> alphabet{"a", "b", "~", " ", "\\", "\n", "é", "\x1b", "\xff", "\u202E", "x", "y", "z"};
    std::minstd_rand random(7);  // NOLINT(cert-msc51-cpp): the same each time
    for (int n = 0; n < 300; ++n) {
        std::vector<std::string> characters;
        std::string text;
        for (auto left = random() % 30; left > 0; --left) text += characters.emplace_back(alphabet[random() % alphabet.size()]);
        for (std::size_t limit = 0; limit < 60; ++limit)
            ASSERT_EQ(printable(text, limit), one_by_one(characters, limit)) << printable(text) << " " << limit;
    }
}

TEST(Utf8Cut, EndsWithAWholeCharacter) {
    EXPECT_EQ(utf8_cut("abc", 3), "abc");
    EXPECT_EQ(utf8_cut("abc", 2), "ab");
    EXPECT_EQ(utf8_cut("a\u00e4b", 2), "a");
    EXPECT_EQ(utf8_cut("\U0001F600", 3), "");
    EXPECT_EQ(utf8_cut("\U0001F600x", 4), "\U0001F600");
    EXPECT_EQ(utf8_cut("", 0), "");
}

TEST(Printable, WhatIsCutOffCostsNothing) {
    const std::string shorter(4096, 'a'), longer(4 << 20, 'a');
    const auto spent = [](const std::string& text) {
        return test::cpu_spent([&] {
            for (int i = 0; i < 20; ++i) EXPECT_EQ(printable(text, 512).size(), 512U);
        });
    };
    EXPECT_LT(spent(longer), 100 * spent(shorter) + 0.1) << "a thousand times as long";
}

TEST(Printable, AnyBytesBecomeOneLineOfUtf8WithinTheLimit) {
    std::uint32_t seed = 12345;
    for (int round = 0; round < 2000; ++round) {
        std::string bytes;
        for (int i = 0; i < 40; ++i) {
            seed = seed * 1664525U + 1013904223U;
            bytes.push_back(static_cast<char>(seed >> 24U));
        }
        const std::size_t limit = seed % 200;
        const auto out = printable(bytes, limit);
        ASSERT_LE(out.size(), limit);
        ASSERT_TRUE(valid_utf8(out));
        for (const char c : out) ASSERT_GE(static_cast<unsigned char>(c), 0x20);
    }
}

TEST(Width, CountsColumnsNotBytes) {
    EXPECT_EQ(display_width(""), 0U);
    EXPECT_EQ(display_width("abc"), 3U);
    EXPECT_EQ(display_width("é"), 1U);
    EXPECT_EQ(display_width("e\u0301"), 1U) << "a combining accent";
    EXPECT_EQ(display_width("漢字"), 4U);
    EXPECT_EQ(display_width("한"), 2U);
    EXPECT_EQ(display_width("ｆ"), 2U);
    EXPECT_EQ(display_width("😀"), 2U);
    EXPECT_EQ(display_width("…"), 1U);
    EXPECT_EQ(display_width("\u05D0\u05B0"), 1U);
    EXPECT_EQ(display_width("─│"), 2U);
}

TEST(Width, FitsAndSaysThatItCut) {
    EXPECT_EQ(fit_width("abcdef", 6), "abcdef");
    EXPECT_EQ(fit_width("abcdefg", 6), "abcde…");
    EXPECT_EQ(fit_width("漢字漢", 5), "漢字…");
    EXPECT_EQ(fit_width("漢字漢", 4), "漢…");
    EXPECT_EQ(fit_width("e\u0301e\u0301", 2), "e\u0301e\u0301");
    EXPECT_EQ(fit_width("e\u0301xx", 2), "e\u0301…");
    EXPECT_EQ(fit_width("abc", 1), "…");
    EXPECT_EQ(fit_width("abc", 0), "");
}

TEST(Nearest, FindsTypingMistakesButNoStrangers) {
    const std::vector<std::string> names{"status", "start", "history", "deposits"};
    EXPECT_EQ(nearest("staus", names), "status");
    EXPECT_EQ(nearest("statsu", names), "status") << "two neighbours swapped count once";
    EXPECT_EQ(nearest("STATUS", names), "status");
    EXPECT_EQ(nearest("hisotry", names), "history");
    EXPECT_EQ(nearest("deposit", names), "deposits");
    EXPECT_EQ(nearest("x", names), "");
    EXPECT_EQ(nearest("abc", names), "");
    EXPECT_EQ(nearest("", names), "");
    EXPECT_EQ(nearest("ab", {"ac"}), "") << "one of two letters is not less than half";
    EXPECT_EQ(nearest(std::string(1000000, 'a'), {std::string(1000000, 'a')}), "");
}

TEST(Glob, MatchesAsAShellDoes) {
    EXPECT_TRUE(glob_match("*", ""));
    EXPECT_TRUE(glob_match("SDMC_*", "sdmc_2023"));
    EXPECT_TRUE(glob_match("*.sql.gz", "a.sql.sql.gz"));
    EXPECT_FALSE(glob_match("*.gz", "a.gz.tmp"));
    EXPECT_TRUE(glob_match("a?c", "aéc")) << "one character, not one byte";
    EXPECT_FALSE(glob_match("a?c", "ac"));
    EXPECT_TRUE(glob_match("[a-c]x", "Bx"));
    EXPECT_FALSE(glob_match("[!a-c]x", "bx"));
    EXPECT_TRUE(glob_match("[^a-c]x", "dx"));
    EXPECT_TRUE(glob_match("[]]", "]"));
    EXPECT_TRUE(glob_match("[a-]", "-"));
    EXPECT_TRUE(glob_match("a[b", "a[b")) << "a bracket that is never closed";
    EXPECT_TRUE(glob_match("[é-ü]", "ö"));
    EXPECT_TRUE(glob_match("deposit/*/x", "deposit/a/b/x")) << "a slash is a character like any other";
    EXPECT_FALSE(glob_match("", "a"));
    EXPECT_TRUE(glob_match("", ""));
    EXPECT_TRUE(glob_match("?", "\xFF"));
    EXPECT_FALSE(glob_match("\xFF", "\xFE"));
    EXPECT_TRUE(glob_match("*\xFF", "a\xFF"));
}

/// Slow and plain: characters are pieces here.
using Pieces = std::vector<std::string>;
bool slow_glob(const Pieces& p, std::size_t i, const Pieces& t, std::size_t j) {
    if (i == p.size()) return j == t.size();
    if (p[i] == "*") return slow_glob(p, i + 1, t, j) || (j < t.size() && slow_glob(p, i, t, j + 1));
    if (j == t.size()) return false;
    const auto lower = [](const std::string& c) { return c == "B" ? "b"s : c; };
    return (p[i] == "?" || lower(p[i]) == lower(t[j])) && slow_glob(p, i + 1, t, j + 1);
}

/// All sequences of up to `most` of the pieces.
std::vector<Pieces> sequences(const Pieces& of, std::size_t most) {
    std::vector<Pieces> all{{}};
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (all[i].size() >= most) continue;
        for (const auto& piece : of) {
            auto longer = all[i];
            longer.push_back(piece);
            all.push_back(std::move(longer));
        }
    }
    return all;
}

std::string joined(const Pieces& pieces) {
    std::string text;
    for (const auto& piece : pieces) text += piece;
    return text;
}

TEST(Glob, EveryShortPatternMeansWhatItSays) {
    const auto texts = sequences({"a", "b", "B", "\u00e9", "\xFF"}, 4);
    std::size_t hits = 0;
    for (const auto& pattern : sequences({"a", "B", "\u00e9", "\xFF", "*", "?"}, 4))
        for (const auto& text : texts) {
            const bool expected = slow_glob(pattern, 0, text, 0);
            hits += expected ? 1U : 0U;
            if (glob_match(joined(pattern), joined(text)) != expected) FAIL() << joined(pattern) << " and " << joined(text);
        }
    EXPECT_GT(hits, 10000U);
}

TEST(Glob, NoPatternMakesItSlow) {
    std::string pattern;
    for (int i = 0; i < 100; ++i) pattern += "a*";
    const std::string text(20000, 'a');
    EXPECT_TRUE(glob_match(pattern, text));
    EXPECT_FALSE(glob_match(pattern + "b", text)) << "would not end in the age of the universe if every star were tried again";
}

TEST(Sha256, IsSixtyFourHexDigits) {
    EXPECT_TRUE(is_sha256(std::string(64, 'a')));
    EXPECT_TRUE(is_sha256(std::string(64, 'F')));
    EXPECT_FALSE(is_sha256(std::string(63, 'a')));
    EXPECT_FALSE(is_sha256(std::string(65, 'a')));
    EXPECT_FALSE(is_sha256(std::string(63, 'a') + "g"));
    const unsigned char bytes[] = {0, 0x0A, 0xFF};
    EXPECT_EQ(to_hex(bytes, 3), "000aff");
}

TEST(Csv, QuotesOnlyWhereNeeded) {
    EXPECT_EQ(csv_field("plain text"), "plain text");
    EXPECT_EQ(csv_field("a,b"), "\"a,b\"");
    EXPECT_EQ(csv_field("say \"hi\""), "\"say \"\"hi\"\"\"");
    EXPECT_EQ(csv_field("two\nlines"), "\"two\nlines\"");
    EXPECT_EQ(csv_field(""), "");
}

}  // namespace
}  // namespace bkmon

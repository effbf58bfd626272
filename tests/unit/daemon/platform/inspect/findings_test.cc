#include <gtest/gtest.h>

#include "daemon/platform/inspect/inspector.h"

namespace bkmon::inspect {
namespace {

Findings sample() {
    Findings f;
    f.state = Findings::State::damaged;
    f.code = "truncated";
    f.detail = "it ends in the middle";
    f.format = "gzip+mysqldump";
    f.checksum_in_frame = false;
    f.empty = true;
    f.database = "SDMC \"2023\" \\ é";
    f.server = "8.0.36";
    f.content_bytes = 18446744073709551615ULL;
    f.written_at = from_ms(1749732966000);
    return f;
}

TEST(FindingsJson, ComesBackAsItWent) {
    const Findings f = sample();
    const auto back = from_json(to_json(f));
    ASSERT_TRUE(back) << back.error().what;
    EXPECT_EQ(back->state, f.state);
    EXPECT_EQ(back->code, f.code);
    EXPECT_EQ(back->detail, f.detail);
    EXPECT_EQ(back->format, f.format);
    EXPECT_EQ(back->checksum_in_frame, f.checksum_in_frame);
    EXPECT_EQ(back->empty, f.empty);
    EXPECT_EQ(back->database, f.database);
    EXPECT_EQ(back->server, f.server);
    EXPECT_EQ(back->content_bytes, f.content_bytes);
    EXPECT_EQ(back->written_at, f.written_at);
    EXPECT_EQ(to_json(f).find('\n'), std::string::npos);
}

TEST(FindingsJson, LongAndBrokenNamesAreCutNotRefused) {
    Findings f = sample();
    f.database = std::string(100000, '\xff');
    f.server = std::string(300, 'x') + "é";
    f.detail = std::string(70000, 'd');
    const auto back = from_json(to_json(f));
    ASSERT_TRUE(back) << back.error().what;
    EXPECT_LE(to_json(f).size(), 16384U);
}

TEST(FindingsJson, TheReaderTrustsNothing) {
    const std::string good = to_json(sample());
    ASSERT_TRUE(from_json(good));
    const auto with = [&good](const std::string& from, const std::string& to) {
        std::string s = good;
        const auto at = s.find(from);
        EXPECT_NE(at, std::string::npos) << from;
        return s.replace(at, from.size(), to);
    };
    const std::string bad[] = {
        "",
        "{}",
        "[]",
        "null",
        good.substr(0, good.size() - 1),
        good + "x",
        with("\"damaged\"", "\"fine\""),
        with("\"damaged\"", "7"),
        with("\"truncated\"", "\"promoted\""),
        with("\"truncated\"", "\"\""),
        with("\"damaged\"", "\"whole\""),
        with("\"damaged\"", "\"not_inspected\""),
        with("18446744073709551615", "-1"),
        with("18446744073709551615", "1.5"),
        with("18446744073709551615", "18446744073709551616"),
        with("\"empty\":true", "\"empty\":1"),
        with("\"empty\":true", "\"empty\":true,\"more\":1"),
        with("\"written_at\":\"", "\"written_at\":\"x"),
        with("gzip+mysqldump", "gzip\xff"),
        with("gzip+mysqldump", std::string(4000, 'x')),
        good + std::string(20000, ' '),
        std::string(10000, '['),
    };
    for (const auto& text : bad) EXPECT_FALSE(from_json(text)) << text.substr(0, 300);
}

TEST(FindingsJson, WhatIsShownIsPrintable) {
    Findings f = sample();
    f.detail = "red \x1b[31m text\r\n";
    const auto back = from_json(to_json(f));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->detail.find('\x1b'), std::string::npos);
    EXPECT_EQ(back->detail.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace bkmon::inspect

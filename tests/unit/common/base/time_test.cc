#include "common/base/time.h"

#include <gtest/gtest.h>

#include <limits>

namespace bkmon {
namespace {

using namespace std::chrono;
using namespace std::chrono_literals;

constexpr Time kMoment = sys_days(2026y / 11 / 22) + 3h + 4min + 5s;

TEST(Rfc3339, WritesMillisecondsOnlyWhenThereAreSome) {
    EXPECT_EQ(rfc3339(kMoment), "2026-11-22T03:04:05Z");
    EXPECT_EQ(rfc3339(kMoment + 250ms), "2026-11-22T03:04:05.250Z");
    EXPECT_EQ(rfc3339(kMoment + 7ms), "2026-11-22T03:04:05.007Z");
    EXPECT_EQ(rfc3339(from_ms(-1)), "1969-12-31T23:59:59.999Z");
}

TEST(Rfc3339, StaysInFourDigitYears) {
    EXPECT_EQ(rfc3339(from_ms(std::numeric_limits<std::int64_t>::max())), "9999-12-31T23:59:59.999Z");
    EXPECT_EQ(rfc3339(from_ms(std::numeric_limits<std::int64_t>::min())), "0000-01-01T00:00:00Z");
}

TEST(Rfc3339, ReadsZonesAndFractions) {
    EXPECT_EQ(parse_rfc3339("2026-11-22T03:04:05Z").value(), kMoment);
    EXPECT_EQ(parse_rfc3339("2026-11-22t03:04:05z").value(), kMoment);
    EXPECT_EQ(parse_rfc3339("2026-11-22T04:04:05+01:00").value(), kMoment);
    EXPECT_EQ(parse_rfc3339("2026-11-21T21:34:05-05:30").value(), kMoment);
    EXPECT_EQ(parse_rfc3339("2026-11-22T03:04:05.25Z").value(), kMoment + 250ms);
    EXPECT_EQ(parse_rfc3339("2026-11-22T03:04:05.123456789012345Z").value(), kMoment + 123ms);
    EXPECT_EQ(parse_rfc3339("2016-12-31T23:59:60Z").value(), sys_days(2017y / 1 / 1)) << "a leap second";
    EXPECT_EQ(parse_rfc3339("2024-02-29T00:00:00Z").value(), sys_days(2024y / 2 / 29));
}

TEST(Rfc3339, RefusesWhatItCannotMean) {
    for (const char* text : {"", "2026-11-22", "2026-11-22T03:04:05", "2026-11-22T03:04:05+0100", "2026-11-22T03:04:05 Z", "2026-11-22T03:04Z",
                             "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-11-22T24:00:00Z", "2026-11-22T03:60:00Z",
                             "2026-11-22T03:04:61Z", "2026-11-22T03:04:05.Z", "2026-11-22T03:04:05Zx", "2026-11-22T03:04:05+24:00",
                             "2026-11-22T03:04:05+01:60", "-026-11-22T03:04:05Z", "2026-1-22T03:04:05Z", "1792638245"}) {
        const auto time = parse_rfc3339(text);
        ASSERT_FALSE(time) << text;
        EXPECT_EQ(time.error().code, Errc::invalid) << text;
    }
    EXPECT_NE(parse_rfc3339("2026-11-22T03:04:05").error().what.find("no zone"), std::string::npos);
}

TEST(Rfc3339, QuotesWhatItRefusesWithoutItsControlCharacters) {
    const auto t = parse_rfc3339("2026-11-22\x1b[2J\n\x9b");
    ASSERT_FALSE(t);
    EXPECT_EQ(t.error().what.find_first_of("\x1b\n\x9b"), std::string::npos) << t.error().what;
    const auto d = parse_duration("5\x1b[2J\n\x9b");
    ASSERT_FALSE(d);
    EXPECT_EQ(d.error().what.find_first_of("\x1b\n\x9b"), std::string::npos) << d.error().what;
    EXPECT_LT(parse_duration(std::string(100000, 'x')).error().what.size(), 300U);
}

TEST(Rfc3339, ReadsBackWhatItWrote) {
    for (std::int64_t ms = -62167219200000; ms < 253402300800000; ms += 987654321987)
        EXPECT_EQ(parse_rfc3339(rfc3339(from_ms(ms))).value(), from_ms(ms)) << ms;
}

TEST(Duration, ReadsUnitsLargestFirst) {
    EXPECT_EQ(parse_duration("250ms").value(), 250ms);
    EXPECT_EQ(parse_duration("90s").value(), 90s);
    EXPECT_EQ(parse_duration("30min").value(), 30min);
    EXPECT_EQ(parse_duration("26h").value(), 26h);
    EXPECT_EQ(parse_duration("7d").value(), 168h);
    EXPECT_EQ(parse_duration("2w").value(), 336h);
    EXPECT_EQ(parse_duration("1h30min").value(), 90min);
    EXPECT_EQ(parse_duration("1w1d1h1min1s1ms").value(), 193h + 1min + 1001ms);
    EXPECT_EQ(parse_duration("0s").value(), 0ms);
}

TEST(Duration, RefusesAndSaysWhy) {
    for (const char* text : {"", "5", "h", "-5s", "+5s", "1.5h", "5 s", "5m", "5S", "30min1h", "1h1h", "1h30", "5y", "99999999999999999999s",
                             "15250284453w", "9223372036854775808ms"}) {
        const auto d = parse_duration(text);
        ASSERT_FALSE(d) << text;
        EXPECT_EQ(d.error().code, Errc::invalid) << text;
    }
    EXPECT_NE(parse_duration("5m").error().what.find("minutes are written min"), std::string::npos);
    EXPECT_NE(parse_duration("5").error().what.find("a unit is missing"), std::string::npos);
    EXPECT_EQ(parse_duration("9223372036854775799ms").value().count(), 9223372036854775799);
}

TEST(Duration, TextIsShortExactAndReadBack) {
    EXPECT_EQ(duration_text(26h), "26h");
    EXPECT_EQ(duration_text(24h), "1d");
    EXPECT_EQ(duration_text(90s), "90s");
    EXPECT_EQ(duration_text(90min), "1h30min");
    EXPECT_EQ(duration_text(0ms), "0s");
    EXPECT_EQ(duration_text(60s), "1min");
    EXPECT_EQ(duration_text(250ms), "250ms");
    EXPECT_EQ(duration_text(3661s), "1h1min1s");
    EXPECT_EQ(duration_text(-90s), "-90s");
    for (std::int64_t ms = 1; ms < 100000000000; ms = ms * 3 + 7)
        EXPECT_EQ(parse_duration(duration_text(milliseconds(ms))).value(), milliseconds(ms)) << ms;
    for (std::int64_t s = 0; s < 400000; s += 61) EXPECT_EQ(parse_duration(duration_text(seconds(s))).value(), seconds(s)) << s;
    EXPECT_FALSE(duration_text(milliseconds::min()).empty());
}

TEST(Duration, WordsHaveAtMostTwoUnits) {
    EXPECT_EQ(duration_words(76h + 59min), "3 d 4 h");
    EXPECT_EQ(duration_words(2h + 10min + 5s), "2 h 10 min");
    EXPECT_EQ(duration_words(2min), "2 min");
    EXPECT_EQ(duration_words(2min + 1s), "2 min 1 s");
    EXPECT_EQ(duration_words(45s + 999ms), "45 s");
    EXPECT_EQ(duration_words(999ms), "less than 1 s");
    EXPECT_EQ(duration_words(-999ms), "less than 1 s");
    EXPECT_EQ(duration_words(-3h), "-3 h");
    EXPECT_FALSE(duration_words(milliseconds::min()).empty());
}

TEST(SystemClock, ShowsTheTimeOfDayAndTheTimeSinceBoot) {
    const auto wall = floor<milliseconds>(std::chrono::system_clock::now());
    const auto boot = bkmon::system_clock().boot();
    EXPECT_LT(abs(bkmon::system_clock().now() - wall), 5s);
    EXPECT_GT(boot.time_since_epoch(), 0ms);
    EXPECT_GE(bkmon::system_clock().boot(), boot);
}

}  // namespace
}  // namespace bkmon

#include "daemon/core/schedule.h"

#include <gtest/gtest.h>

#include <chrono>

namespace bkmon::core {
namespace {

using namespace std::chrono_literals;

Schedule schedule(std::string_view text, std::string_view zone = "UTC") {
    auto s = Schedule::parse(text, zone);
    EXPECT_TRUE(s) << text << ": " << (s ? "" : s.error().what);
    return s ? *s : Schedule();
}
std::string error(std::string_view text, std::string_view zone = "UTC") {
    const auto s = Schedule::parse(text, zone);
    return s ? "no error" : s.error().what;
}
Time at(std::string_view text) { return parse_rfc3339(text).value(); }
std::string next(const Schedule& s, std::string_view t) {
    const auto n = s.next_after(at(t));
    return n ? rfc3339(*n) : "never";
}
std::string last(const Schedule& s, std::string_view t) {
    const auto n = s.last_at_or_before(at(t));
    return n ? rfc3339(*n) : "never";
}

TEST(Schedule, NextIsAfterAndLastIsAtOrBefore) {
    const auto s = schedule("0 13 * * *");
    EXPECT_EQ(next(s, "2026-11-22T12:59:59.999Z"), "2026-11-22T13:00:00Z");
    EXPECT_EQ(next(s, "2026-11-22T13:00:00Z"), "2026-11-23T13:00:00Z");
    EXPECT_EQ(last(s, "2026-11-22T13:00:00Z"), "2026-11-22T13:00:00Z");
    EXPECT_EQ(last(s, "2026-11-22T12:59:59.999Z"), "2026-11-21T13:00:00Z");
    EXPECT_EQ(s.text(), "0 13 * * *");
    EXPECT_EQ(s.zone(), "UTC");
}

TEST(Schedule, FollowsItsZone) {
    const auto s = schedule("0 13 * * *", "Europe/Berlin");
    EXPECT_EQ(next(s, "2026-07-01T00:00:00Z"), "2026-07-01T11:00:00Z");
    EXPECT_EQ(next(s, "2026-12-01T00:00:00Z"), "2026-12-01T12:00:00Z");
    EXPECT_EQ(next(schedule("0 13 * * *", "Asia/Kolkata"), "2026-12-01T00:00:00Z"), "2026-12-01T07:30:00Z");
    EXPECT_EQ(next(schedule("0 13 * * *", "Etc/GMT+3"), "2026-12-01T00:00:00Z"), "2026-12-01T16:00:00Z");
    EXPECT_EQ(next(schedule("0 13 * * *", "Europe/Berlin"), "2045-07-01T00:00:00Z"), "2045-07-01T11:00:00Z") << "rules reach beyond 2037";
}

// Berlin 2026: 29 March 02:00 -> 03:00 at 01:00Z, 25 October 03:00 -> 02:00 at 01:00Z.
TEST(Schedule, AFixedHourInAGapRunsOnceAtItsEnd) {
    const auto s = schedule("30 2 * * *", "Europe/Berlin");
    EXPECT_EQ(next(s, "2026-03-28T02:00:00Z"), "2026-03-29T01:00:00Z");
    EXPECT_EQ(next(s, "2026-03-29T01:00:00Z"), "2026-03-30T00:30:00Z");
    EXPECT_EQ(last(s, "2026-03-29T00:59:59Z"), "2026-03-28T01:30:00Z");
    EXPECT_EQ(last(s, "2026-03-29T12:00:00Z"), "2026-03-29T01:00:00Z");
    const auto many = schedule("*/15 2,3 * * *", "Europe/Berlin");
    EXPECT_EQ(next(many, "2026-03-29T00:59:00Z"), "2026-03-29T01:00:00Z");
    EXPECT_EQ(next(many, "2026-03-29T01:00:00Z"), "2026-03-29T01:15:00Z") << "four in the gap and 03:00 are one moment";
}

TEST(Schedule, AFixedHourThatRepeatsRunsOnceAtTheFirstPass) {
    const auto s = schedule("30 2 * * *", "Europe/Berlin");
    EXPECT_EQ(next(s, "2026-10-25T00:00:00Z"), "2026-10-25T00:30:00Z");
    EXPECT_EQ(next(s, "2026-10-25T00:30:00Z"), "2026-10-26T01:30:00Z");
    EXPECT_EQ(next(s, "2026-10-25T01:10:00Z"), "2026-10-26T01:30:00Z") << "asked in the second pass";
    EXPECT_EQ(last(s, "2026-10-25T01:10:00Z"), "2026-10-25T00:30:00Z");
    EXPECT_EQ(last(s, "2026-10-25T01:45:00Z"), "2026-10-25T00:30:00Z");
}

TEST(Schedule, EverySoOftenFollowsRealTime) {
    const auto s = schedule("*/30 * * * *", "Europe/Berlin");
    EXPECT_EQ(next(s, "2026-03-29T00:30:00Z"), "2026-03-29T01:00:00Z");
    EXPECT_EQ(next(s, "2026-03-29T01:00:00Z"), "2026-03-29T01:30:00Z");
    EXPECT_EQ(next(s, "2026-10-25T00:30:00Z"), "2026-10-25T01:00:00Z") << "the second pass begins";
    EXPECT_EQ(next(s, "2026-10-25T01:00:00Z"), "2026-10-25T01:30:00Z");
    EXPECT_EQ(last(s, "2026-10-25T01:29:00Z"), "2026-10-25T01:00:00Z");
    EXPECT_EQ(last(s, "2026-10-25T00:59:00Z"), "2026-10-25T00:30:00Z");
    const auto even = schedule("0 */2 * * *", "Europe/Berlin");
    EXPECT_EQ(next(even, "2026-03-28T23:00:00Z"), "2026-03-29T02:00:00Z") << "02:00 does not exist";
    EXPECT_EQ(next(even, "2026-10-25T00:00:00Z"), "2026-10-25T01:00:00Z") << "02:00 comes twice";
}

// Lord Howe 2026: 5 April 02:00 -> 01:30 at 15:00Z of the 4th, 4 October 02:00 -> 02:30 at 15:30Z of the 3rd.
TEST(Schedule, ChangesOfHalfAnHour) {
    const auto fixed = schedule("15 2 * * *", "Australia/Lord_Howe");
    EXPECT_EQ(next(fixed, "2026-10-03T15:00:00Z"), "2026-10-03T15:30:00Z");
    const auto twice = schedule("45 * * * *", "Australia/Lord_Howe");
    EXPECT_EQ(next(twice, "2026-04-04T14:00:00Z"), "2026-04-04T14:45:00Z");
    EXPECT_EQ(next(twice, "2026-04-04T14:45:00Z"), "2026-04-04T15:15:00Z");
    EXPECT_EQ(twice.shortest_period(at("2026-01-01T00:00:00Z")), 30min);
}

// Samoa had no 30 December 2011: after the 29th came the 31st, at 10:00Z.
TEST(Schedule, ADayThatDoesNotExist) {
    const auto daily = schedule("0 13 * * *", "Pacific/Apia");
    EXPECT_EQ(next(daily, "2011-12-29T23:00:00Z"), "2011-12-30T10:00:00Z");
    EXPECT_EQ(next(daily, "2011-12-30T10:00:00Z"), "2011-12-30T23:00:00Z");
    EXPECT_EQ(last(daily, "2011-12-30T22:59:00Z"), "2011-12-30T10:00:00Z");
    EXPECT_EQ(next(schedule("*/20 * * * *", "Pacific/Apia"), "2011-12-30T09:50:00Z"), "2011-12-30T10:00:00Z");
    EXPECT_EQ(last(schedule("50 * * * *", "Pacific/Apia"), "2011-12-30T10:00:00Z"), "2011-12-30T09:50:00Z");
}

TEST(Schedule, Names) {
    const std::string t = "2026-11-22T03:04:05Z";  // a Sunday
    EXPECT_EQ(next(schedule("@hourly"), t), "2026-11-22T04:00:00Z");
    EXPECT_EQ(next(schedule("@daily"), t), "2026-11-23T00:00:00Z");
    EXPECT_EQ(next(schedule(" @midnight "), t), "2026-11-23T00:00:00Z");
    EXPECT_EQ(next(schedule("@weekly"), t), "2026-11-29T00:00:00Z");
    EXPECT_EQ(next(schedule("@monthly"), t), "2026-12-01T00:00:00Z");
    EXPECT_EQ(next(schedule("@yearly"), t), "2027-01-01T00:00:00Z");
    EXPECT_EQ(next(schedule("@annually"), t), "2027-01-01T00:00:00Z");
}

TEST(Schedule, Once) {
    const auto s = schedule("@once 2026-01-10T06:00:00", "Europe/Berlin");
    EXPECT_EQ(next(s, "2026-01-01T00:00:00Z"), "2026-01-10T05:00:00Z");
    EXPECT_EQ(next(s, "2026-01-10T05:00:00Z"), "never");
    EXPECT_EQ(last(s, "2026-01-10T05:00:00Z"), "2026-01-10T05:00:00Z");
    EXPECT_EQ(last(s, "2026-01-10T04:59:59Z"), "never");
    EXPECT_FALSE(s.shortest_period(at("2026-01-01T00:00:00Z")));
    EXPECT_EQ(next(schedule("@once 2026-01-10T06:00:00Z", "Europe/Berlin"), "2026-01-01T00:00:00Z"), "2026-01-10T06:00:00Z");
    EXPECT_EQ(next(schedule("@once 2026-01-10T06:00:00+02:00", "Europe/Berlin"), "2026-01-01T00:00:00Z"), "2026-01-10T04:00:00Z");
    EXPECT_EQ(next(schedule("@once 2026-03-29T02:30:00", "Europe/Berlin"), "2026-01-01T00:00:00Z"), "2026-03-29T01:00:00Z") << "in the gap: its end";
    EXPECT_EQ(next(schedule("@once 2026-10-25 02:30", "Europe/Berlin"), "2026-01-01T00:00:00Z"), "2026-10-25T00:30:00Z") << "ambiguous: the first";
}

TEST(Schedule, EveryIsRealTimeFromItsAnchor) {
    const auto s = schedule("@every 36h from 2026-03-28T06:00:00", "Europe/Berlin");
    EXPECT_EQ(next(s, "2026-01-01T00:00:00Z"), "2026-03-28T05:00:00Z");
    EXPECT_EQ(last(s, "2026-03-28T04:59:00Z"), "never");
    EXPECT_EQ(next(s, "2026-03-28T05:00:00Z"), "2026-03-29T17:00:00Z") << "36 real hours, although the clock changed";
    EXPECT_EQ(last(s, "2026-03-29T16:59:59.999Z"), "2026-03-28T05:00:00Z");
    EXPECT_EQ(last(s, "2026-03-29T17:00:00Z"), "2026-03-29T17:00:00Z");
    EXPECT_EQ(s.shortest_period(at("2026-01-01T00:00:00Z")), 36h);
}

TEST(Schedule, ShortestPeriodKnowsChangesOfTheClock) {
    const Time t = at("2026-01-01T00:00:00Z");
    EXPECT_EQ(schedule("0 13 * * *").shortest_period(t), 24h);
    EXPECT_EQ(schedule("0 13 * * *", "Europe/Berlin").shortest_period(t), 23h);
    EXPECT_EQ(schedule("30 2 * * *", "Europe/Berlin").shortest_period(t), 23h + 30min) << "moved to the end of the gap, then the usual hour";
    EXPECT_EQ(schedule("0 8,18 * * *", "Europe/Berlin").shortest_period(t), 10h);
    EXPECT_EQ(schedule("0 0,12,23 * * *").shortest_period(t), 1h) << "over midnight";
    EXPECT_EQ(schedule("* * * * *").shortest_period(t), 1min);
    EXPECT_EQ(schedule("0 0 * * mon,thu").shortest_period(t), 72h);
    EXPECT_EQ(schedule("0 0 1 * *").shortest_period(t), 28 * 24h);
    EXPECT_EQ(schedule("0 0 1 1 *").shortest_period(t), 365 * 24h);
    EXPECT_EQ(schedule("0 0 29 2 *").shortest_period(t), 4 * 365 * 24h + 24h);
    EXPECT_EQ(schedule("30 2,3 * * *", "Europe/Berlin").shortest_period(t), 30min) << "02:30 moves to 03:00 in March";
    EXPECT_FALSE(schedule("0 0 30 2 *").shortest_period(t));
}

TEST(Schedule, NothingOutsideTheYearsItKnows) {
    for (const auto* text : {"* * * * *", "0 13 * * *", "@every 36h from 2026-01-10T06:00:00", "@once 2026-01-10T06:00:00"}) {
        const auto s = schedule(text, "Europe/Berlin");
        EXPECT_FALSE(s.next_after(Time::max())) << text;
        EXPECT_FALSE(s.last_at_or_before(Time::min())) << text;
        ASSERT_TRUE(s.next_after(Time::min())) << text;
        EXPECT_GE(*s.next_after(Time::min()), at("1900-01-01T00:00:00Z")) << text;
        ASSERT_TRUE(s.last_at_or_before(Time::max())) << text;
    }
    EXPECT_EQ(next(schedule("0 0 30 2 *"), "2026-01-01T00:00:00Z"), "never");
    EXPECT_EQ(next(schedule("0 13 * * *"), "1970-01-01T00:00:00Z"), "1970-01-01T13:00:00Z");
    EXPECT_FALSE(Schedule().next_after(at("2026-01-01T00:00:00Z"))) << "an empty schedule has no moments";
    EXPECT_EQ(Schedule().text(), "");
}

TEST(Schedule, Errors) {
    EXPECT_EQ(error("0 25 * * *"), "hour: 25 is not in 0..23 (column 3)");
    EXPECT_EQ(error("@fortnightly").find("'@fortnightly' is not a schedule: allowed are"), 0U);
    EXPECT_EQ(error("@every 36h"), "@every: it needs an interval and a beginning, such as \"@every 36h from 2026-01-10T06:00:00\"");
    EXPECT_EQ(error("@every 30s from 2026-01-10T06:00:00"), "@every: 30s is not in 1min..3660d");
    EXPECT_EQ(error("@every x from 2026-01-10T06:00:00").find("@every: "), 0U);
    EXPECT_EQ(error("@every 36h from tomorrow"), "@every: time: 'tomorrow' is not a date and time; write it as 2026-01-10T06:00:00");
    EXPECT_EQ(error("@once 2026-02-30T06:00:00"), "@once: time: '2026-02-30T06:00:00' is not a day of the calendar; write it as 2026-01-10T06:00:00");
    EXPECT_EQ(error("@once 2026-02-20T24:00:00").find("@once: time: '2026-02-20T24:00:00' is not a time of day"), 0U);
    EXPECT_EQ(error("@once 0026-02-20T06:00:00Z"), "@once: time: '0026-02-20T06:00:00Z' is not in 1900..9999");
    EXPECT_NE(error("@once "), "no error");
    EXPECT_NE(error(""), "no error");
    EXPECT_EQ(error(std::string(600, '*')), "the schedule is longer than 512 characters");
}

TEST(Zone, OnlyNamesOfTheDatabase) {
    for (const auto* zone : {"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+3", "America/Port-au-Prince"})
        EXPECT_TRUE(zone_exists(zone)) << zone;
    for (const auto* zone : {"", "Europe/Paname", "/etc/localtime", "../../etc/localtime", "localtime", "right/Europe/Berlin", "europe/berlin",
                             "Europe", "zone.tab", "file:Europe/Berlin", "UTC\n", "Europe/Berlin/"})
        EXPECT_FALSE(zone_exists(zone)) << zone;
    EXPECT_EQ(error("0 13 * * *", "europe/berlin"), "time zone: 'europe/berlin' is not a name of the zone database (did you mean Europe/Berlin?)");
    EXPECT_EQ(error("0 13 * * *", "utc"), "time zone: 'utc' is not a name of the zone database (did you mean UTC?)");
    EXPECT_EQ(error("0 13 * * *", "CEST"), "time zone: 'CEST' is not a name of the zone database (such as Europe/Berlin or UTC)");
}

TEST(Zone, LocalText) {
    const Time t = at("2026-11-22T23:30:00Z");
    EXPECT_EQ(local_text(t, "Europe/Berlin"), "2026-11-23 00:30");
    EXPECT_EQ(local_text(t, "Europe/Berlin", true), "2026-11-23 00:30 CET");
    EXPECT_EQ(local_date(t, "Europe/Berlin"), "2026-11-23");
    EXPECT_EQ(local_date(t, "UTC"), "2026-11-22");
    EXPECT_EQ(local_text(t, "Nowhere/City", true), "2026-11-22 23:30 UTC");
    EXPECT_EQ(local_date(at("1969-12-31T23:59:59.999Z"), "UTC"), "1969-12-31");
}

TEST(Zone, FromCivil) {
    EXPECT_EQ(from_civil("2026-11-22T13:00:00", "Europe/Berlin").value(), at("2026-11-22T12:00:00Z"));
    EXPECT_EQ(from_civil("2025-06-20 08:37:35.142592", "UTC").value(), at("2025-06-20T08:37:35.142Z"));
    EXPECT_EQ(from_civil("2025-06-20 08:37:35.1", "UTC").value(), at("2025-06-20T08:37:35.100Z"));
    EXPECT_EQ(from_civil("2026-03-29T02:30:00", "Europe/Berlin").value(), at("2026-03-29T01:00:00Z"));
    EXPECT_EQ(from_civil("2026-03-29T02:30:00.5", "Europe/Berlin").value(), at("2026-03-29T01:00:00Z"));
    EXPECT_EQ(from_civil("2026-10-25T02:30:00", "Europe/Berlin").value(), at("2026-10-25T00:30:00Z"));
    for (const auto* bad :
         {"", "2026-11-22", "2026-11-22T13", "2026-11-22T13:00:00Z", "2026-11-22T13:00:60", "2026-02-29T13:00:00", "2026-13-01T00:00:00",
          "1899-12-31T00:00:00", " 2026-11-22T13:00:00", "2026-11-22T13:00:00.", "2026-11-22T13:0x:00", "20261122T130000"})
        EXPECT_FALSE(from_civil(bad, "UTC")) << bad;
    EXPECT_FALSE(from_civil("2026-11-22T13:00:00", "Nowhere/City"));
}

}  // namespace
}  // namespace bkmon::core

#include "daemon/core/cron.h"

#include <gtest/gtest.h>

namespace bkmon::core {
namespace {

using cctz::civil_day;
using cctz::civil_minute;

Cron cron(std::string_view text) {
    auto c = Cron::parse(text);
    EXPECT_TRUE(c) << text << ": " << (c ? "" : c.error().what);
    return c ? *c : *Cron::parse("* * * * *");
}

std::string error(std::string_view text) {
    const auto c = Cron::parse(text);
    return c ? "no error" : c.error().what;
}

TEST(Cron, ReadsListsRangesAndSteps) {
    const Cron c = cron("0,30 8-18/5,22 1 jan-mar *");
    for (const int hour : {8, 13, 18, 22}) EXPECT_TRUE(c.matches(civil_minute(2026, 2, 1, hour, 30))) << hour;
    for (const int hour : {7, 9, 19, 23}) EXPECT_FALSE(c.matches(civil_minute(2026, 2, 1, hour, 30))) << hour;
    EXPECT_FALSE(c.matches(civil_minute(2026, 2, 1, 8, 15)));
    EXPECT_FALSE(c.matches(civil_minute(2026, 2, 2, 8, 0)));
    EXPECT_FALSE(c.matches(civil_minute(2026, 4, 1, 8, 0)));
}

TEST(Cron, NamesInAnyCaseAndSevenIsSunday) {
    const civil_day sunday(2026, 11, 22);
    for (const auto* text : {"0 0 * * 0", "0 0 * * 7", "0 0 * * SUN", "0 0 * NOV Sunday", "0 0 * november fri-sun", "0 0 * * 6-7", "0 0 * * 5-0"})
        EXPECT_TRUE(cron(text).matches_day(sunday)) << text;
    for (const auto* text : {"0 0 * * 1-6", "0 0 * * mon-sat", "0 0 * dec *"}) EXPECT_FALSE(cron(text).matches_day(sunday)) << text;
    for (int day = 22; day < 29; ++day) EXPECT_TRUE(cron("0 0 * * 0-7").matches_day(civil_day(2026, 11, day)));
}

TEST(Cron, EitherDayWhenBothAreRestricted) {
    const Cron both = cron("0 0 13 * fri");
    EXPECT_TRUE(both.matches_day(civil_day(2026, 11, 13)));  // Friday the 13th
    EXPECT_TRUE(both.matches_day(civil_day(2026, 11, 20)));  // a Friday
    EXPECT_TRUE(both.matches_day(civil_day(2026, 12, 13)));  // a 13th
    EXPECT_FALSE(both.matches_day(civil_day(2026, 11, 12)));
    const Cron star = cron("0 0 */2 * fri");  // a field with a star does not restrict: both must match
    EXPECT_TRUE(star.matches_day(civil_day(2026, 11, 13)));
    EXPECT_FALSE(star.matches_day(civil_day(2026, 11, 20)));
    EXPECT_FALSE(star.matches_day(civil_day(2026, 11, 15)));
}

TEST(Cron, KnowsWhatMeansEverySoOften) {
    for (const auto* text : {"*/15 * * * *", "0 */2 * * *", "0 0-23/6 * * *"}) EXPECT_TRUE(cron(text).every_so_often()) << text;
    for (const auto* text : {"*/15 3 * * *", "0 0,6,12,18 * * *", "0 8-18 * * *"}) EXPECT_FALSE(cron(text).every_so_often()) << text;
}

TEST(Cron, JumpsToTheNearestMatchInBothDirections) {
    const Cron leap = cron("30 4 29 2 *");
    EXPECT_EQ(leap.at_or_after(civil_minute(2026, 1, 1, 0, 0)), civil_minute(2028, 2, 29, 4, 30));
    EXPECT_EQ(leap.at_or_after(civil_minute(2028, 2, 29, 4, 30)), civil_minute(2028, 2, 29, 4, 30));
    EXPECT_EQ(leap.at_or_after(civil_minute(2096, 2, 29, 4, 31)), civil_minute(2104, 2, 29, 4, 30)) << "2100 is no leap year";
    EXPECT_EQ(leap.at_or_before(civil_minute(2026, 1, 1, 0, 0)), civil_minute(2024, 2, 29, 4, 30));
    const Cron sundays = cron("0 0 29 2 */7");  // 29 February and a Sunday
    EXPECT_EQ(sundays.at_or_after(civil_minute(2026, 1, 1, 0, 0)), civil_minute(2032, 2, 29, 0, 0));
    EXPECT_EQ(sundays.at_or_after(civil_minute(2088, 3, 1, 0, 0)), civil_minute(2128, 2, 29, 0, 0)) << "40 years apart";
    EXPECT_FALSE(cron("0 0 30 2 *").at_or_after(civil_minute(2026, 1, 1, 0, 0)));
    EXPECT_FALSE(cron("0 0 31 4,6,9,11 *").at_or_before(civil_minute(2026, 1, 1, 0, 0)));
}

TEST(Cron, ShapeOfADay) {
    EXPECT_EQ(cron("*/15 * * * *").shortest_step_of_day(), 15);
    EXPECT_EQ(cron("5,55 8,9 * * *").shortest_step_of_day(), 10);
    EXPECT_EQ(cron("0 13 * * *").shortest_step_of_day(), 24 * 60);
    EXPECT_EQ(cron("0 8,18 * * *").shortest_step_of_day(), 600);
    EXPECT_EQ(cron("30 8,18 * * *").first_minute_of_day(), 510);
    EXPECT_EQ(cron("30 8,18 * * *").last_minute_of_day(), 1110);
}

TEST(Cron, ErrorsSayWhichFieldWhereAndWhatIsAllowed) {
    EXPECT_EQ(error("0 25 * * *"), "hour: 25 is not in 0..23 (column 3)");
    EXPECT_EQ(error("0  1,2,24 * * *"), "hour: 24 is not in 0..23 (column 8)");
    EXPECT_EQ(error("60 * * * *"), "minute: 60 is not in 0..59 (column 1)");
    EXPECT_EQ(error("0 0 0 * *"), "day of month: 0 is not in 1..31 (column 5)");
    EXPECT_EQ(error("0 0 1 13 *"), "month: 13 is not in 1..12 or jan..dec (column 7)");
    EXPECT_EQ(error("0 0 * * 8"), "day of week: 8 is not in 0..7 or sun..sat (column 9)");
    EXPECT_EQ(error("0 0 * * someday"), "day of week: someday is not in 0..7 or sun..sat (column 9)");
    EXPECT_EQ(error("*/0 * * * *"), "minute: step '0' is not in 1..59 (column 3)");
    EXPECT_EQ(error("*/ * * * *"), "minute: step '' is not in 1..59 (column 3)");
    EXPECT_EQ(error("*/90 * * * *"), "minute: step '90' is not in 1..59 (column 3)");
    EXPECT_EQ(error("5/15 * * * *"), "minute: a step needs * or a range before it: write 5-59/15 (column 1)");
    EXPECT_EQ(error("0 22-2 * * *"), "hour: the range 22-2 runs backwards: write 22-23,0-2 (column 3)");
    EXPECT_EQ(error("0 0 * * sat-mon"), "day of week: the range 6-1 runs backwards: write 6-6,0-1 (column 9)");
    EXPECT_EQ(error("0 1, * * *"), "hour: a value is missing; allowed are * and 0..23 (column 5)");
    EXPECT_EQ(error("0 -5 * * *"), "hour: a value is missing; allowed are * and 0..23 (column 3)");
    EXPECT_EQ(error("0 0 L * *"), "day of month: L is not in 1..31 (column 5)");
    EXPECT_EQ(error("0 0 99999999999999999999 * *"), "day of month: 99999999999999999999 is not in 1..31 (column 5)");
    EXPECT_EQ(error("13:00"), "'13:00' has 1 fields, 5 are needed: minute hour day-of-month month day-of-week, such as \"0 13 * * *\"");
    EXPECT_EQ(error("0 0 0 * * *").find("'0 0 0 * * *' has 6 fields, 5 are needed"), 0U);
    EXPECT_EQ(error("0 \x1b[31m * * *").find('\x1b'), std::string::npos) << "what is quoted is fit for a terminal";
}

}  // namespace
}  // namespace bkmon::core

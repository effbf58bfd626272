#include "ctl/render/report_rows.h"

#include <gtest/gtest.h>

#include "ctl/render/spark.h"

namespace bkmon::ctl {
namespace {

protocol::Params row(const std::string& date, const std::string& target, const std::string& status, const std::string& severity,
                     const std::string& code = "x") {
    return protocol::Params::parse(R"({"date":")" + date + R"(","target":")" + target + R"(","status":")" + status + R"(","severity":")" + severity +
                                   R"(","reason_code":")" + code + R"(","reason":"why"})")
        .value();
}

TEST(ReportRows, WhatCountsAsGood) {
    EXPECT_EQ(level_of("ok", "OK", ""), Level::good);
    EXPECT_EQ(level_of("unchanged", "WARNING", ""), Level::good);
    EXPECT_EQ(level_of("held", "WARNING", ""), Level::warning);
    EXPECT_EQ(level_of("missing", "CRITICAL", ""), Level::critical);
    EXPECT_EQ(level_of("unknown", "UNKNOWN", ""), Level::unknown);
    EXPECT_EQ(level_of("unknown", "UNKNOWN", "first_due"), Level::none);
    EXPECT_EQ(level_of("paused", "OK", ""), Level::none);
    EXPECT_EQ(level_of("brand_new", "OK", ""), Level::unknown);
}

TEST(ReportRows, DaysTargetsAndHowLongTheyAreBad) {
    const Report report = read_report({row("2026-11-21", "a", "missing", "CRITICAL"), row("2026-11-20", "a", "ok", "OK"),
                                       row("2026-11-22", "A", "failed", "CRITICAL"), row("2026-11-22", "b", "held", "WARNING"),
                                       row("2026-11-20", "c", "unreachable", "CRITICAL"), row("2026-11-22", "d", "paused", "OK")});
    ASSERT_EQ(report.days.size(), 3U);
    EXPECT_EQ(report.days[0].date, "2026-11-20");
    EXPECT_EQ(report.days[0].total(), 2);
    EXPECT_EQ(report.days[2].counts, (std::array<std::int64_t, kLevels>{0, 1, 1, 0}));
    EXPECT_EQ(report.days[2].by_status, (std::map<std::string, std::int64_t>{{"failed", 1}, {"held", 1}}));
    ASSERT_EQ(report.targets.size(), 4U);
    EXPECT_EQ(report.targets[0].bad_days, 2);
    EXPECT_EQ(report.targets[0].bad_since, "2026-11-21");
    EXPECT_EQ(report.targets[0].good, 1);
    EXPECT_EQ(report.targets[0].days, (std::vector<Level>{Level::good, Level::critical, Level::critical}));
    EXPECT_EQ(report.targets[2].days, (std::vector<Level>{Level::critical, Level::none, Level::none}));
    EXPECT_EQ(report.now(), (std::array<std::int64_t, kLevels>{0, 1, 2, 0}));
    EXPECT_EQ(report.problems(), (std::vector<std::size_t>{0, 2, 1}));  // critical first, then bad for longest
    EXPECT_TRUE(read_report({}).problems().empty());
}

TEST(Spark, OneMarkADay) {
    const std::vector<SparkDay> days{{10, 10}, {9, 10}, {0, 10}, {0, 0}, {999, 1000}};
    EXPECT_EQ(spark({}, days, 30).text, "█▇▁·▇");
    EXPECT_EQ(spark({}, days, 30).each, 1U);
    EXPECT_EQ(spark({}, days, 3).text, "▇▁▇");
    EXPECT_EQ(spark({}, days, 3).each, 2U);
    EXPECT_EQ(spark({}, days, 0).text, "");
    Terminal colour;
    colour.colour = true;
    EXPECT_EQ(spark(colour, {{10, 10}, {9, 10}, {1, 10}}, 9).text, "\033[32m█\033[0m\033[33m▇\033[0m\033[1;31m▁\033[0m");
}

}  // namespace
}  // namespace bkmon::ctl

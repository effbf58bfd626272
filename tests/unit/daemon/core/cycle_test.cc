#include "daemon/core/cycle.h"

#include <gtest/gtest.h>

#include <random>

namespace bkmon::core {
namespace {

using namespace std::chrono_literals;

CycleRule rule(std::string_view text, std::string_view zone = "UTC", milliseconds early = 30min, milliseconds deadline = 2h) {
    return CycleRule{Schedule::parse(text, zone).value(), early, deadline};
}
Time at(std::string_view text) { return parse_rfc3339(text).value(); }

TEST(Cycle, DailyAtOne) {
    const auto r = rule("0 13 * * *");
    const auto c = cycle_of(r, at("2026-11-22T12:30:00Z")).value();
    EXPECT_EQ(c.due, at("2026-11-22T13:00:00Z"));
    EXPECT_EQ(c.opens, at("2026-11-22T12:30:00Z"));
    EXPECT_EQ(c.closes, at("2026-11-23T12:30:00Z"));
    EXPECT_EQ(c.deadline, at("2026-11-22T15:00:00Z"));
    EXPECT_EQ(cycle_of(r, at("2026-11-23T12:29:59.999Z")), c);
    EXPECT_EQ(cycle_of(r, at("2026-11-22T12:29:59.999Z"))->due, at("2026-11-21T13:00:00Z"));
    EXPECT_EQ(next_cycle(r, c), cycle_of(r, c.closes));
}

TEST(Cycle, NewestPastDeadline) {
    const auto r = rule("0 13 * * *");
    EXPECT_EQ(newest_past_deadline(r, at("2026-11-22T15:00:00Z"))->due, at("2026-11-22T13:00:00Z"));
    EXPECT_EQ(newest_past_deadline(r, at("2026-11-22T14:59:59.999Z"))->due, at("2026-11-21T13:00:00Z"));
    EXPECT_EQ(newest_past_deadline(r, at("2026-11-29T08:00:00Z"))->due, at("2026-11-28T13:00:00Z")) << "after a week's downtime only the newest";
}

TEST(Cycle, OnceHasOneThatNeverCloses) {
    const auto r = rule("@once 2026-11-22T13:00:00");
    EXPECT_FALSE(cycle_of(r, at("2026-11-22T12:29:59Z")));
    const auto c = cycle_of(r, at("2026-11-22T12:30:00Z")).value();
    EXPECT_EQ(c.closes, Time::max());
    EXPECT_EQ(cycle_of(r, at("2036-11-22T12:30:00Z")), c);
    EXPECT_FALSE(next_cycle(r, c));
    EXPECT_FALSE(newest_past_deadline(r, at("2026-11-22T14:59:59Z")));
    EXPECT_EQ(newest_past_deadline(r, at("2026-11-22T15:00:00Z")), c);
}

TEST(Cycle, NoneWithoutMoments) {
    EXPECT_FALSE(cycle_of(rule("0 0 30 2 *"), at("2026-11-22T12:30:00Z")));
    EXPECT_FALSE(newest_past_deadline(rule("0 0 30 2 *"), at("2026-11-22T12:30:00Z")));
    EXPECT_FALSE(cycle_of(rule("@every 36h from 2026-11-22T13:00:00"), at("2026-11-22T12:00:00Z"))) << "before the first";
    EXPECT_FALSE(cycle_of(CycleRule{}, at("2026-11-22T12:30:00Z")));
    EXPECT_TRUE(cycle_of(rule("0 13 * * *"), Time::max()));
    EXPECT_FALSE(cycle_of(rule("0 13 * * *"), Time::min()));
    EXPECT_FALSE(newest_past_deadline(rule("0 13 * * *"), Time::min()));
}

// Cycles tile the time line: each closes where the next opens, and owns exactly the moments between.
TEST(Cycle, TileTheTimeLine) {
    std::mt19937_64 random(11);
    for (const auto* zone : {"UTC", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Casablanca", "America/Sao_Paulo", "Pacific/Apia"}) {
        for (const auto* text :
             {"0 13 * * *", "30 2 * * *", "0 0,6,12,18 * * *", "0 */4 * * *", "0 3 * * sun", "@every 36h from 2009-01-10T06:00:00"}) {
            const auto r = rule(text, zone, 30min, 90min);
            for (const auto* begin : {"2011-12-20T00:00:00Z", "2026-01-01T00:00:00Z"}) {
                auto c = cycle_of(r, at(begin)).value();
                ASSERT_LE(c.opens, at(begin));
                ASSERT_GT(c.closes, at(begin));
                for (int i = 0; i < 700; ++i) {
                    SCOPED_TRACE(std::string(text) + " in " + zone + " due " + rfc3339(c.due));
                    const auto next = next_cycle(r, c).value();
                    ASSERT_EQ(c.closes, next.opens);
                    ASSERT_LT(c.opens, c.closes);
                    ASSERT_LT(c.deadline, c.closes) << "early + deadline is shorter than the shortest period";
                    const auto length = static_cast<std::uint64_t>((c.closes - c.opens).count());
                    for (const Time t : {c.opens, c.due, c.deadline, c.closes - 1ms, c.opens + milliseconds(random() % length)})
                        ASSERT_EQ(cycle_of(r, t), c);
                    ASSERT_EQ(cycle_of(r, c.closes), next);
                    ASSERT_EQ(newest_past_deadline(r, c.deadline), c);
                    ASSERT_EQ(newest_past_deadline(r, next.deadline - 1ms), c);
                    c = next;
                }
            }
        }
    }
}

TEST(Clock, OrdinaryDelaysAreBelieved) {
    const Time end = at("2026-11-22T13:10:00Z");
    for (const milliseconds delay : std::initializer_list<milliseconds>{0ms, 250ms, 20min, 54min, 66min, 90min, 15h + 6min, 400 * 24h}) {
        const auto c = check_clock(end, end + delay, false);
        EXPECT_EQ(c.effective, end) << duration_text(delay);
        EXPECT_FALSE(c.zone_offset) << duration_text(delay);
        EXPECT_FALSE(c.future);
    }
    EXPECT_EQ(check_clock(end + 10min, end, false).effective, end + 10min) << "clocks may differ a little";
    EXPECT_FALSE(check_clock(end + 10min, end, false).future);
}

TEST(Clock, WholeHoursLookLikeAWrongZone) {
    const Time arrival = at("2026-11-22T13:10:00Z");
    for (const int hours : {1, 2, 3, 14, -1, -3, -14}) {
        for (const milliseconds lag : std::initializer_list<milliseconds>{0ms, 5min, -5min, 61s}) {
            const auto c = check_clock(arrival + std::chrono::hours(hours) + lag, arrival, false);
            EXPECT_EQ(c.zone_offset, std::chrono::hours(hours)) << hours;
            EXPECT_EQ(c.effective, arrival);
            EXPECT_FALSE(c.future);
        }
        EXPECT_FALSE(check_clock(arrival + std::chrono::hours(hours) + 5min + 1ms, arrival, false).zone_offset) << hours;
        EXPECT_FALSE(check_clock(arrival + std::chrono::hours(hours) - 5min - 1ms, arrival, false).zone_offset) << hours;
    }
    EXPECT_FALSE(check_clock(arrival - 15h, arrival, false).zone_offset);
    EXPECT_TRUE(check_clock(arrival + 15h, arrival, false).future);
}

TEST(Clock, AStatedZoneIsBelieved) {
    const Time arrival = at("2026-11-22T13:10:00Z");
    for (const int hours : {-14, -3, -1, 1, 2, 14}) {
        const Time end = arrival + std::chrono::hours(hours);
        const auto c = check_clock(end, arrival, true);
        EXPECT_FALSE(c.zone_offset) << hours;
        EXPECT_EQ(c.future, hours > 0) << hours;
        EXPECT_EQ(c.effective, hours > 0 ? arrival : end) << "a delay of whole hours makes an old backup no newer: " << hours;
    }
    EXPECT_FALSE(check_clock(arrival + 10min, arrival, true).future);
    EXPECT_TRUE(check_clock(arrival + 10min + 1ms, arrival, true).future);
}

TEST(Clock, TheFutureIsNotBelieved) {
    const Time arrival = at("2026-11-22T13:10:00Z");
    for (const milliseconds ahead : std::initializer_list<milliseconds>{10min + 1ms, 30min, 90min, 20h, 24h * 3650}) {
        const auto c = check_clock(arrival + ahead, arrival, false);
        EXPECT_TRUE(c.future) << duration_text(ahead);
        EXPECT_EQ(c.effective, arrival);
    }
    EXPECT_TRUE(check_clock(Time::max(), Time::min(), false).future);
    EXPECT_FALSE(check_clock(Time::min(), Time::max(), false).future);
}

}  // namespace
}  // namespace bkmon::core

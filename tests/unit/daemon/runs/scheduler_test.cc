#include "daemon/runs/scheduler.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "tests/support/fake_store.h"
#include "tests/support/manual_loop.h"

namespace bkmon::runs {
namespace {

using namespace std::chrono_literals;

Time at(std::string_view text) { return parse_rfc3339(text).value(); }

class SchedulerTest : public ::testing::Test {
protected:
    void SetUp() override { start(); }

    void start() {
        scheduler = std::make_unique<Scheduler>(loop, store);
        scheduler->load([](Result<void> r) { ASSERT_TRUE(r); });
        loop.run_posted();
    }
    /// The process ends, time goes on, the process starts.
    void down_for(milliseconds d) {
        scheduler.reset();
        loop.advance(d);
        start();
    }
    Scheduler::Entry entry(const std::string& id, std::string_view text, milliseconds offset = 0ms, std::string_view zone = "UTC") {
        Scheduler::Entry e;
        e.id = id;
        e.what = "test of " + id;
        e.schedule = core::Schedule::parse(text, zone).value();
        e.offset = offset;
        e.fire = [this, id](Time due) {
            fired[id].push_back(rfc3339(due));
            when.push_back(loop.clock().now());
            return "fired " + id;
        };
        return e;
    }
    void set(const std::string& id, std::string_view text, milliseconds offset = 0ms, std::string_view zone = "UTC") {
        scheduler->set(entry(id, text, offset, zone));
        loop.run_posted();
    }
    /// The clock is set; the kernel says so.
    void set_clock(Time t) {
        loop.manual_clock().wall = t;
        scheduler->clock_changed();
        loop.run_posted();
    }
    using List = std::vector<std::string>;
    history::ScheduleStateRow row(const std::string& id) {
        const auto states = store.tables().schedule_states().value();
        for (const auto& r : states)
            if (r.id == id) return r;
        return {};
    }

    test::ManualLoop loop;  // begins at 2026-11-22T00:00Z
    test::FakeStore store{loop};
    std::unique_ptr<Scheduler> scheduler;
    std::map<std::string, List> fired;
    std::vector<Time> when;
};

TEST_F(SchedulerTest, FiresAtEachMomentPlusOffset) {
    set("a", "0 13 * * *", 2h);
    loop.advance(14h + 59min + 59s + 999ms);
    EXPECT_TRUE(fired.empty());
    loop.advance(1ms);
    EXPECT_EQ(fired["a"], List{"2026-11-22T13:00:00Z"});
    EXPECT_EQ(when[0], at("2026-11-22T15:00:00Z"));
    loop.advance(72h);
    EXPECT_EQ(fired["a"], (List{"2026-11-22T13:00:00Z", "2026-11-23T13:00:00Z", "2026-11-24T13:00:00Z", "2026-11-25T13:00:00Z"}));
}

TEST_F(SchedulerTest, RemembersAndShowsWhatItDid) {
    set("b", "@daily", 0ms, "Europe/Berlin");
    set("a", "0 13 * * *", 2h);
    auto views = scheduler->list();
    ASSERT_EQ(views.size(), 2U);
    EXPECT_EQ(views[0].id, "a");
    EXPECT_EQ(views[0].what, "test of a");
    EXPECT_EQ(views[0].expression, "0 13 * * *");
    EXPECT_EQ(views[0].next_at, at("2026-11-22T13:00:00Z"));
    EXPECT_FALSE(views[0].last_at);
    EXPECT_EQ(views[1].timezone, "Europe/Berlin");
    EXPECT_EQ(views[1].next_at, at("2026-11-22T23:00:00Z"));
    loop.advance(15h);
    views = scheduler->list();
    EXPECT_EQ(views[0].last_at, at("2026-11-22T13:00:00Z"));
    EXPECT_EQ(views[0].last_result, "fired a");
    EXPECT_EQ(views[0].next_at, at("2026-11-23T13:00:00Z"));
    EXPECT_EQ(row("a").last_at, at("2026-11-22T13:00:00Z"));
    EXPECT_EQ(row("a").last_result, "fired a");
    down_for(1h);
    set("a", "0 13 * * *", 2h);
    EXPECT_EQ(scheduler->list()[0].last_result, "fired a");
    EXPECT_EQ(scheduler->list()[0].last_at, at("2026-11-22T13:00:00Z"));
}

TEST_F(SchedulerTest, MomentsBeforeItWasKnownAreNobodys) {
    loop.advance(14h);
    set("a", "0 13 * * *", 2h);  // due an hour ago, its deadline is yet to come
    loop.advance(4h);
    EXPECT_TRUE(fired.empty());
    loop.advance(24h);
    EXPECT_EQ(fired["a"], List{"2026-11-23T13:00:00Z"});
}

TEST_F(SchedulerTest, DowntimeFiresOnceForTheNewestPassedMoment) {
    set("a", "0 13 * * *", 2h);
    loop.advance(16h);
    down_for(24h * 5);  // from the 22nd 16:00 to the 27th 16:00
    EXPECT_EQ(fired["a"].size(), 1U);
    set("a", "0 13 * * *", 2h);
    EXPECT_EQ(fired["a"], (List{"2026-11-22T13:00:00Z", "2026-11-27T13:00:00Z"}));
    loop.advance(23h);
    EXPECT_EQ(fired["a"].back(), "2026-11-28T13:00:00Z");
    EXPECT_EQ(fired["a"].size(), 3U);
}

TEST_F(SchedulerTest, ARestartRightAfterOrInTheMiddleFiresNothingTwice) {
    set("a", "0 13 * * *", 2h);
    loop.advance(15h);
    for (int i = 0; i < 5; ++i) {
        down_for(1min);
        set("a", "0 13 * * *", 2h);
    }
    EXPECT_EQ(fired["a"].size(), 1U);
    down_for(22h);  // the 23rd, 13:05: between due time and deadline
    set("a", "0 13 * * *", 2h);
    EXPECT_EQ(fired["a"].size(), 1U);
    loop.advance(2h);
    EXPECT_EQ(fired["a"].size(), 2U);
}

TEST_F(SchedulerTest, ADowntimeBeforeTheFirstFireIsCaughtUp) {
    set("a", "0 13 * * *");
    loop.advance(1h);
    down_for(20h);
    set("a", "0 13 * * *");
    EXPECT_EQ(fired["a"], List{"2026-11-22T13:00:00Z"});
}

TEST_F(SchedulerTest, WithoutCatchUpOnlyPunctualMoments) {
    const auto no_catch_up = [&] {
        auto e = entry("a", "0 * * * *");
        e.catch_up = false;
        scheduler->set(std::move(e));
        loop.run_posted();
    };
    no_catch_up();
    loop.advance(2h + 30min);
    EXPECT_EQ(fired["a"].size(), 2U);
    down_for(3h);
    no_catch_up();
    EXPECT_EQ(fired["a"].size(), 2U);
    set_clock(loop.clock().now() + 5h);
    EXPECT_EQ(fired["a"].size(), 2U);
    loop.advance(1h);
    EXPECT_EQ(fired["a"].size(), 3U);
}

TEST_F(SchedulerTest, ClockSetForwardFiresTheNewestPassed) {
    set("a", "0 * * * *");
    loop.advance(30min);
    set_clock(at("2026-11-22T05:10:00Z"));
    EXPECT_EQ(fired["a"], List{"2026-11-22T05:00:00Z"});
    loop.advance(50min);
    EXPECT_EQ(fired["a"].back(), "2026-11-22T06:00:00Z");
}

TEST_F(SchedulerTest, ClockSetBackNeverFiresAMomentTwice) {
    set("a", "*/10 * * * *");
    loop.advance(2h + 5min);
    EXPECT_EQ(fired["a"].size(), 12U);
    set_clock(at("2026-11-22T01:05:00Z"));
    loop.advance(59min);
    EXPECT_EQ(fired["a"].size(), 12U) << "01:10 to 02:00 were fired before";
    loop.advance(6min);
    EXPECT_EQ(fired["a"].size(), 13U);
    EXPECT_EQ(fired["a"].back(), "2026-11-22T02:10:00Z");
    EXPECT_EQ(when.back(), at("2026-11-22T02:10:00Z"));
}

TEST_F(SchedulerTest, ClockSetBackAndRestartedNeverFiresAMomentTwice) {
    set("a", "0 * * * *");
    loop.advance(5h + 1min);
    EXPECT_EQ(fired["a"].size(), 5U);
    loop.manual_clock().wall -= 3h;
    down_for(10min);
    set("a", "0 * * * *");
    loop.advance(2h + 50min);
    EXPECT_EQ(fired["a"].size(), 5U);
    loop.advance(1h);
    EXPECT_EQ(fired["a"].back(), "2026-11-22T06:00:00Z");
    EXPECT_EQ(fired["a"].size(), 6U);
}

// A clock that stands ten years ahead for a while must not silence the schedule for ten years once it is right again.
TEST_F(SchedulerTest, AWrongFutureIsForgotten) {
    set("a", "0 13 * * *");
    loop.advance(13h + 30min);
    set_clock(at("2036-11-22T14:00:00Z"));
    EXPECT_EQ(fired["a"], (List{"2026-11-22T13:00:00Z", "2036-11-22T13:00:00Z"}));
    set_clock(at("2026-11-22T12:30:00Z"));
    loop.advance(1h);
    EXPECT_EQ(fired["a"].size(), 2U) << "13:00 had been fired";
    loop.advance(48h);
    EXPECT_EQ(fired["a"].size(), 4U);
    EXPECT_EQ(fired["a"].back(), "2026-11-24T13:00:00Z");
}

TEST_F(SchedulerTest, AWrongFutureIsForgottenOverARestart) {
    set("a", "0 13 * * *");
    loop.advance(13h + 30min);
    set_clock(at("2036-11-22T14:00:00Z"));
    loop.manual_clock().wall = at("2026-11-22T14:05:00Z");
    down_for(1min);
    set("a", "0 13 * * *");
    EXPECT_EQ(fired["a"].size(), 2U);
    loop.advance(23h);
    EXPECT_EQ(fired["a"].back(), "2026-11-23T13:00:00Z");
    down_for(24h);
    set("a", "0 13 * * *");
    EXPECT_EQ(fired["a"].back(), "2026-11-24T13:00:00Z") << "and catching up works again";
    EXPECT_EQ(fired["a"].size(), 4U);
}

TEST_F(SchedulerTest, WhatFiredUnderAWrongClockNeverFiresAgain) {
    set("a", "0 13 * * *");
    loop.advance(13h + 30min);
    set_clock(at("2026-11-25T14:00:00Z"));  // three days ahead
    loop.manual_clock().wall = at("2026-11-22T14:05:00Z");
    down_for(1min);
    set("a", "0 13 * * *");
    loop.advance(24h * 4);
    EXPECT_EQ(fired["a"],
              (List{"2026-11-22T13:00:00Z", "2026-11-25T13:00:00Z", "2026-11-23T13:00:00Z", "2026-11-24T13:00:00Z", "2026-11-26T13:00:00Z"}));
}

TEST_F(SchedulerTest, WhatWasJumpedOverFiresOnceToo) {
    set("a", "0 * * * *");
    loop.advance(30min);
    set_clock(at("2026-11-22T05:10:00Z"));
    set_clock(at("2026-11-22T00:30:00Z"));
    loop.advance(2h);
    EXPECT_EQ(fired["a"], (List{"2026-11-22T05:00:00Z", "2026-11-22T01:00:00Z", "2026-11-22T02:00:00Z"}));
    set_clock(at("2026-11-22T00:30:00Z"));
    loop.advance(3h);
    EXPECT_EQ(fired["a"].size(), 4U) << "01:00 and 02:00 not again";
    EXPECT_EQ(fired["a"].back(), "2026-11-22T03:00:00Z");
    loop.advance(3h);
    EXPECT_EQ(fired["a"].size(), 6U) << "04:00 and 06:00";
}

TEST_F(SchedulerTest, ComesBackFromTheEndOfTime) {
    set("a", "0 13 * * *");
    set_clock(at("9999-12-31T12:00:00Z"));
    EXPECT_FALSE(scheduler->list()[0].next_at);
    set_clock(at("2026-11-22T12:00:00Z"));
    loop.advance(2h);
    EXPECT_EQ(fired["a"].back(), "2026-11-22T13:00:00Z");
}

// A machine without a hardware clock starts in 1970 and is put right later.
TEST_F(SchedulerTest, AStartIn1970) {
    set("a", "0 13 * * *", 2h);
    loop.advance(16h);
    scheduler.reset();
    loop.manual_clock().wall = at("1970-01-01T00:00:10Z");
    start();
    set("a", "0 13 * * *", 2h);
    loop.advance(1min);
    EXPECT_EQ(fired["a"].size(), 1U);
    set_clock(at("2026-11-22T17:00:00Z"));
    EXPECT_EQ(fired["a"].size(), 1U) << "nothing new has passed";
    loop.advance(24h);
    EXPECT_EQ(fired["a"], (List{"2026-11-22T13:00:00Z", "2026-11-23T13:00:00Z"}));
}

TEST_F(SchedulerTest, AFirstStartIn1970) {
    scheduler.reset();
    loop.manual_clock().wall = at("1970-01-01T00:00:10Z");
    start();
    set("a", "0 13 * * *");
    set_clock(at("2026-11-22T12:00:00Z"));
    loop.advance(2h);
    EXPECT_EQ(fired["a"].back(), "2026-11-22T13:00:00Z");
    EXPECT_LE(fired["a"].size(), 2U);
}

TEST_F(SchedulerTest, AJumpThatNobodyReportsIsNoticedWithinTheHour) {
    set("a", "0 13 * * *");
    set("b", "0 3,5 * * *");
    set("once", "@once 2026-11-22T00:10:00");
    loop.advance(20min);
    EXPECT_EQ(fired["once"].size(), 1U);
    loop.jump(14h);
    EXPECT_TRUE(fired["a"].empty());
    loop.advance(1h);
    EXPECT_EQ(fired["a"], List{"2026-11-22T13:00:00Z"});
    EXPECT_EQ(fired["b"], List{"2026-11-22T05:00:00Z"});
    loop.jump(-20h);  // the 21st, about 19:20
    loop.advance(30h);
    EXPECT_EQ(fired["a"].size(), 1U) << "not again";
    EXPECT_EQ(fired["b"], (List{"2026-11-22T05:00:00Z", "2026-11-22T03:00:00Z"})) << "what was only jumped over comes in its time";
    EXPECT_EQ(fired["once"].size(), 1U);
    loop.advance(12h);
    EXPECT_EQ(fired["a"].back(), "2026-11-23T13:00:00Z");
    EXPECT_EQ(fired["a"].size(), 2U);
}

// While suspended, both clocks go on but no timer fires; at wake-up the timer is late.
TEST_F(SchedulerTest, SuspendFiresOnceForTheNewestPassed) {
    set("a", "0 * * * *");
    set("b", "0 13 * * *");
    loop.advance(30min);
    loop.manual_clock().wall += 30h;
    loop.manual_clock().up += 30h;
    loop.advance(0ms);
    EXPECT_EQ(fired["a"], List{"2026-11-23T06:00:00Z"});
    EXPECT_EQ(fired["b"], List{"2026-11-22T13:00:00Z"});
}

TEST_F(SchedulerTest, DaylightSavingTime) {
    scheduler.reset();
    loop.manual_clock().wall = at("2026-03-27T12:00:00Z");
    start();
    set("fixed", "30 2 * * *", 0ms, "Europe/Berlin");
    set("often", "*/30 * * * *", 0ms, "Europe/Berlin");
    loop.advance(72h);
    EXPECT_EQ(fired["fixed"], (List{"2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"}));
    EXPECT_EQ(fired["often"].size(), 144U);
    fired.clear();
    set_clock(at("2026-10-24T12:00:00Z"));
    fired.clear();
    loop.advance(24h);
    EXPECT_EQ(fired["fixed"], List{"2026-10-25T00:30:00Z"});
    EXPECT_EQ(fired["often"].size(), 48U);
}

TEST_F(SchedulerTest, ReplacingKeepsWhatIsRemembered) {
    set("a", "0 13 * * *");
    loop.advance(13h + 10min);
    set("a", "0 13 * * *");
    loop.advance(1h);
    EXPECT_EQ(fired["a"].size(), 1U);
    set("a", "0 14 * * *");  // 14:00 has passed: it was not this entry's moment then
    loop.advance(1h);
    EXPECT_EQ(fired["a"].size(), 1U);
    loop.advance(24h);
    EXPECT_EQ(fired["a"].back(), "2026-11-23T14:00:00Z");
}

TEST_F(SchedulerTest, AReloadRemovesAndSetsWithoutLosingAMoment) {
    set("a", "0 13 * * *");
    loop.advance(12h + 59min);
    scheduler->remove("a");
    loop.advance(2min);
    EXPECT_TRUE(fired.empty());
    EXPECT_TRUE(scheduler->list().empty());
    set("a", "0 13 * * *");
    EXPECT_EQ(fired["a"], List{"2026-11-22T13:00:00Z"});
    scheduler->remove("a");
    loop.advance(24h * 3);
    set("a", "0 13 * * *");
    EXPECT_EQ(fired["a"].size(), 1U) << "days without the entry are nobody's";
    EXPECT_EQ(scheduler->list()[0].last_at, at("2026-11-22T13:00:00Z"));
}

TEST_F(SchedulerTest, AShorterOffsetFiresWhatIsPastItNow) {
    set("a", "0 13 * * *", 5h);
    loop.advance(15h);
    EXPECT_TRUE(fired.empty());
    set("a", "0 13 * * *", 1h);
    EXPECT_EQ(fired["a"], List{"2026-11-22T13:00:00Z"});
    set("a", "0 13 * * *", 5h);
    loop.advance(6h);
    EXPECT_EQ(fired["a"].size(), 1U) << "never twice";
}

TEST_F(SchedulerTest, SetBeforeLoadFiresAfterIt) {
    set("a", "0 13 * * *");
    loop.advance(1h);
    scheduler.reset();
    loop.advance(20h);
    scheduler = std::make_unique<Scheduler>(loop, store);
    scheduler->set(entry("a", "0 13 * * *"));
    loop.advance(30s);
    EXPECT_TRUE(fired.empty());
    scheduler->load({});
    loop.run_posted();
    EXPECT_EQ(fired["a"], List{"2026-11-22T13:00:00Z"});
}

TEST_F(SchedulerTest, AHistoryThatCannotBeReadIsSaid) {
    scheduler = std::make_unique<Scheduler>(loop, store);
    store.fail_next_reads(1, Error{Errc::corrupt, "malformed", 0});
    Errc code = Errc::internal;
    scheduler->load([&](Result<void> r) { code = r ? Errc::internal : r.error().code; });
    loop.run_posted();
    EXPECT_EQ(code, Errc::corrupt);
}

TEST_F(SchedulerTest, WhatTheHistoryRefusedIsWrittenAgain) {
    set("a", "0 13 * * *");
    store.fail_next_writes(2, Error{Errc::no_space, "disk full", 0});
    loop.advance(13h);
    EXPECT_EQ(fired["a"].size(), 1U);
    EXPECT_FALSE(row("a").last_at);
    loop.advance(2min);
    EXPECT_EQ(row("a").last_at, at("2026-11-22T13:00:00Z"));
    EXPECT_EQ(fired["a"].size(), 1U);
}

TEST_F(SchedulerTest, ACallbackMayReplaceAndRemove) {
    auto e = entry("a", "0 13 * * *");
    e.fire = [&](Time) {
        scheduler->remove("b");
        set("c", "0 14 * * *");
        scheduler->remove("a");
        return std::string("gone");
    };
    scheduler->set(std::move(e));
    set("b", "0 13 * * *");
    loop.advance(13h);
    EXPECT_TRUE(fired["b"].empty());
    loop.advance(1h);
    EXPECT_EQ(fired["c"].size(), 1U);
    ASSERT_EQ(scheduler->list().size(), 1U);
}

TEST_F(SchedulerTest, ACallbackMayDestroyTheScheduler) {
    auto e = entry("a", "0 13 * * *");
    e.fire = [&](Time) {
        scheduler.reset();
        return std::string();
    };
    scheduler->set(std::move(e));
    set("b", "0 13 * * *");
    loop.advance(14h);
    EXPECT_EQ(scheduler, nullptr);
    EXPECT_TRUE(fired["b"].empty());
}

TEST_F(SchedulerTest, NothingLeftToFireDoesNotSpin) {
    set("once", "@once 2026-11-22T01:00:00");
    set("never", "0 0 30 2 *");
    loop.advance(24h * 30);
    EXPECT_EQ(fired["once"].size(), 1U);
    EXPECT_EQ(loop.armed_timers(), 1U);
    scheduler->remove("once");
    scheduler->remove("never");
    loop.advance(2h);
    EXPECT_EQ(loop.armed_timers(), 0U);
}

TEST_F(SchedulerTest, ThousandsAtOneMomentAreSpreadOverTurns) {
    constexpr int kEntries = 1000;
    int most = 0;
    int in_turn = 0;
    for (int i = 0; i < kEntries; ++i) {
        auto e = entry("job" + std::to_string(i), "0 13 * * *");
        e.fire = [&](Time) {
            if (in_turn++ == 0) loop.post(Task([&] { in_turn = 0; }));
            most = std::max(most, in_turn);
            fired["all"].push_back("");
            return std::string();
        };
        scheduler->set(std::move(e));
    }
    loop.run_posted();
    const int commits = store.commits();
    loop.advance(13h);
    EXPECT_EQ(fired["all"].size(), static_cast<std::size_t>(kEntries));
    EXPECT_LE(most, 200);
    EXPECT_EQ(store.commits(), commits + 1) << "and written together";
}

// Whatever happens to clock and process: no moment fires twice, and at rest nothing that is due is left out.
TEST_F(SchedulerTest, RandomClocksAndRestartsNeverFireAMomentTwice) {
    std::mt19937 random(3);
    const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    for (int round = 0; round < 40; ++round) {
        scheduler.reset();
        test::ManualLoop fresh_loop;
        test::FakeStore fresh_store(fresh_loop);
        std::multiset<Time> moments;
        std::unique_ptr<Scheduler> s;
        const char* text = round % 2 == 0 ? "0 13 * * *" : "0 */6 * * *";
        const auto begin = [&] {
            s = std::make_unique<Scheduler>(fresh_loop, fresh_store);
            s->load({});
            Scheduler::Entry e;
            e.id = "a";
            e.schedule = core::Schedule::parse(text, "Europe/Berlin").value();
            e.offset = 2h;
            e.fire = [&](Time due) {
                EXPECT_LE(due + 2h, fresh_loop.clock().now());
                moments.insert(due);
                return std::string();
            };
            s->set(std::move(e));
            fresh_loop.run_posted();
        };
        begin();
        for (int i = 0; i < 60; ++i) {
            fresh_loop.advance(std::chrono::minutes(pick(600)));
            switch (pick(4)) {
                case 0:  // a restart
                    s.reset();
                    fresh_loop.advance(std::chrono::minutes(pick(3000)));
                    begin();
                    break;
                case 1:  // a step of up to three hours, either way
                    fresh_loop.jump(std::chrono::minutes(pick(360) - 180));
                    if (pick(2) == 0) s->clock_changed();
                    break;
                default: break;
            }
        }
        fresh_loop.advance(4h);
        const std::size_t before = moments.size();
        fresh_loop.advance(24h * 10);
        EXPECT_GE(moments.size() - before, round % 2 == 0 ? 10U : 39U);
        for (const Time m : moments) EXPECT_EQ(moments.count(m), 1U) << rfc3339(m) << " in round " << round;
    }
}

}  // namespace
}  // namespace bkmon::runs

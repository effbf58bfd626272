// When modes are scanned by themselves, how old a proof may get, and when days end.
#include "daemon/core/schedule.h"
#include "daemon/outlets/stock.h"
#include "tests/unit/daemon/outlets/bench.h"

namespace bkmon::test {
namespace {

using std::chrono::hours;

class Schedules : public OutletsTest {
protected:
    std::string last_result(const std::string& id) {
        for (const auto& s : scheduler->list())
            if (s.id == id) return s.last_result;
        return "<none>";
    }
};

TEST_F(Schedules, AModeIsScannedAtItsMoments) {
    settings.modes[0].schedules = {{"0 13 * * *", ""}};
    start();
    pass(hours(1) + seconds(30), seconds(1));
    EXPECT_EQ(status(1), "ok fresh");
    EXPECT_EQ(last_result("outlets/d-drive/1").find("run 2026"), 0U) << last_result("outlets/d-drive/1");
    EXPECT_EQ(servers.orders.size(), 3U);
}

TEST_F(Schedules, OnlyPendingAndOnlyProblems) {
    settings.modes[0].schedules = {{"0 13 * * *", ""}, {"30 13 * * *", "pending"}, {"0 14 * * *", "problems"}};
    shop(3).answer = [](const smb::Order&, int) { return refused(smb::Outcome::no_folder); };
    start();
    pass(hours(1) + seconds(30), seconds(1));
    EXPECT_EQ(servers.orders.size(), 3U);
    pass(seconds(1800), seconds(1));
    EXPECT_EQ(servers.orders.size(), 3U) << "all have a result";
    pass(seconds(1800), seconds(1));
    ASSERT_EQ(servers.orders.size(), 4U);
    EXPECT_EQ(servers.orders.back().address, address(3));
}

TEST_F(Schedules, AMomentAtWhichNothingCanBeRecordedIsMadeUpFor) {
    settings.modes[0].schedules = {{"0 13 * * *", ""}};
    start();
    hold_off = "the disk is full";
    pass(hours(1) + seconds(600), seconds(1));
    EXPECT_TRUE(servers.orders.empty());
    EXPECT_EQ(last_result("outlets/d-drive/1").find("waits: "), 0U);
    hold_off.clear();
    pass(seconds(60), seconds(1));
    EXPECT_EQ(servers.orders.size(), 3U);
    pass(seconds(600), seconds(1));
    EXPECT_EQ(servers.orders.size(), 3U) << "once";
}

TEST_F(Schedules, AWholeScanThatFallsIntoAPartOneComesAfterIt) {
    settings.modes[0].schedules = {{"0 13 * * *", ""}};
    start();
    pass(hours(1) - seconds(1), seconds(1));
    shop(1).visit_takes = seconds(5);
    begin({"d-drive", {code(1)}, false, false, "", {}});
    pass(seconds(30), milliseconds(100));
    EXPECT_EQ(shop(1).visits, 2);
    EXPECT_EQ(shop(2).visits, 1);
}

TEST_F(Schedules, AMomentMissedWhileDownIsScannedAtTheStart) {
    settings.modes[0].schedules = {{"0 13 * * *", ""}};
    start();
    part.reset();
    runs_engine.reset();
    scheduler.reset();
    loop.advance(hours(2));
    start();
    pass(seconds(5));
    EXPECT_EQ(servers.orders.size(), 3U);
}

TEST_F(Schedules, GoWithTheirMode) {
    settings.modes[0].schedules = {{"0 13 * * *", ""}, {"0 15 * * *", ""}};
    start();
    EXPECT_EQ(scheduler->list().size(), 2U);
    settings.modes[0].schedules.pop_back();
    reconfigure();
    EXPECT_EQ(scheduler->list().size(), 1U);
    part.reset();
    EXPECT_TRUE(scheduler->list().empty());
}

TEST_F(Schedules, OldProofTurnsUnknown) {
    settings.modes[0].schedules = {{"0 13 * * *", ""}};
    start();
    scan();
    EXPECT_EQ(status(1), "ok fresh");
    part.reset();
    pass(hours(49), hours(1));
    EXPECT_EQ(status(1), "unknown no_evidence");
}

TEST(Interval, IsTheLongestPauseBetweenWholeScans) {
    const Time now = *parse_rfc3339("2026-11-22T12:00:00Z");
    core::OutletMode mode;
    mode.timezone = "UTC";
    const auto of = [&](std::vector<core::OutletSchedule> schedules) {
        mode.schedules = std::move(schedules);
        return outlets::evidence_interval(mode, now);
    };
    EXPECT_EQ(of({{"0 7 * * *", ""}}), milliseconds(hours(24)));
    EXPECT_EQ(of({{"0 7 * * 1-5", ""}}), milliseconds(hours(72))) << "a weekend is no reason to doubt";
    EXPECT_EQ(of({{"0 7 * * *", ""}, {"0 19 * * *", ""}}), milliseconds(hours(12)));
    EXPECT_EQ(of({{"*/30 6-11 * * *", "pending"}}), milliseconds(hours(24))) << "once a day each";
    EXPECT_EQ(of({{"0 7 * * *", ""}, {"*/15 * * * *", "problems"}}), milliseconds(hours(24))) << "what is well is not looked at then";
    EXPECT_EQ(of({{"* * * * *", ""}}), milliseconds(60000));
    EXPECT_EQ(of({{"0 7 1 * *", ""}}), milliseconds(hours(24 * 31)));
    EXPECT_EQ(of({}), mode.max_age);
    mode.max_age.reset();
    EXPECT_EQ(of({}), std::nullopt);
}

}  // namespace
}  // namespace bkmon::test

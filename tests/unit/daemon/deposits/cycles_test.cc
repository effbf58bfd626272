// A job through its days: late, missing, filled, closed; restarts, downtime and jumps of the clock.
#include "tests/unit/daemon/deposits/bench.h"

namespace bkmon::test {
namespace {

using Strings = std::vector<std::string>;

TEST_F(DepositsTest, FirstDueIsSaidBeforeAnythingCame) {
    start();
    EXPECT_EQ(status(), "unknown");
    EXPECT_EQ(shown().reason_code, "first_due");
    EXPECT_NE(shown().reason.find("2026-11-22 13:00"), std::string::npos) << shown().reason;
}

TEST_F(DepositsTest, LateBetweenDueAndDeadlineMissingAfterIt) {
    start();
    until("2026-11-22T12:59:50Z");
    EXPECT_EQ(status(), "unknown");
    until("2026-11-22T13:00:05Z");
    EXPECT_EQ(status(), "late");
    EXPECT_EQ(shown().severity, core::Severity::warning);
    until("2026-11-22T14:59:50Z");
    EXPECT_EQ(status(), "late");
    until("2026-11-22T15:00:05Z");
    EXPECT_EQ(status(), "missing");
    EXPECT_EQ(shown().severity, core::Severity::critical);
    until("2026-11-23T12:50:00Z");
    EXPECT_EQ(verdicts("missing"), 1U) << "once per cycle";
    EXPECT_EQ(days(), Strings({"2026-11-22 missing"}));
}

TEST_F(DepositsTest, GoodReportInTimeIsOkAndStaysOkUntilTheNextDueTime) {
    start();
    until("2026-11-22T13:10:00Z");
    push("first");
    EXPECT_EQ(status(), "ok") << shown().reason;
    EXPECT_EQ(in_vault(), "first");
    until("2026-11-23T12:59:00Z");
    EXPECT_EQ(status(), "ok");
    until("2026-11-23T13:00:10Z");
    EXPECT_EQ(status(), "late");
    push("second");
    EXPECT_EQ(status(), "ok");
    EXPECT_EQ(days(), Strings({"2026-11-22 ok", "2026-11-23 ok"}));
    EXPECT_EQ(verdicts("missing"), 0U);
}

TEST_F(DepositsTest, EarlyReportBelongsToTheCycleThatOpens) {
    start();
    until("2026-11-22T12:29:00Z");
    push("too early: yesterday's");
    EXPECT_EQ(days(), Strings({"2026-11-21 ok"}));
    until("2026-11-22T12:31:00Z");
    push("today's");
    EXPECT_EQ(days(), Strings({"2026-11-21 ok", "2026-11-22 ok"}));
    until("2026-11-22T15:30:00Z");
    EXPECT_EQ(status(), "ok");
}

TEST_F(DepositsTest, GoodReportAfterTheDeadlineClosesWithHowLateItIs) {
    start();
    until("2026-11-22T15:10:05Z");
    EXPECT_EQ(status(), "missing");
    push("late one");
    EXPECT_EQ(status(), "ok");
    EXPECT_NE(shown().reason.find("2 h 10 min late"), std::string::npos) << shown().reason;
    EXPECT_EQ(in_vault(), "late one");
    EXPECT_EQ(days(), Strings({"2026-11-22 ok"}));
}

TEST_F(DepositsTest, FailedAfterOkIsFailedAndSaysThatAnEarlierOneIsThere) {
    start();
    until("2026-11-22T13:10:00Z");
    push("good");
    pass(std::chrono::minutes(5));
    put_report(report("MAIN", "x", loop.clock().now(), false));
    look();
    EXPECT_EQ(status(), "failed");
    EXPECT_NE(shown().reason.find("earlier backup of this cycle is in the vault"), std::string::npos) << shown().reason;
    EXPECT_EQ(in_vault(), "good");
}

TEST_F(DepositsTest, OlderReportOfACycleIsSuperseded) {
    start();
    until("2026-11-22T13:10:00Z");
    const Time earlier = loop.clock().now() - std::chrono::minutes(5);
    put_file("MAIN", "newest");
    put_report(report("MAIN", "newest", loop.clock().now()), "B.json");
    put_report(report("MAIN", "older", earlier, false), "A.json");
    look();
    EXPECT_EQ(status(), "ok");
    EXPECT_EQ(verdicts("failed"), 0U);
}

TEST_F(DepositsTest, DowntimeGivesOneMissingAndFillsTheDays) {
    start();
    until("2026-11-22T13:10:00Z");
    push("before the holidays");
    part.reset();
    loop.manual_clock().wall = *parse_rfc3339("2026-11-26T16:00:00Z");
    loop.manual_clock().up += std::chrono::hours(99);
    start();
    EXPECT_EQ(status(), "missing");
    EXPECT_EQ(days(), Strings({"2026-11-22 ok", "2026-11-23 missing", "2026-11-24 missing", "2026-11-25 missing", "2026-11-26 missing"}));
    EXPECT_EQ(in_vault(), "before the holidays");
}

TEST_F(DepositsTest, WhatCameDuringDowntimeIsScannedBeforeAnythingIsMissing) {
    start();
    until("2026-11-22T13:10:00Z");
    push("first");
    part.reset();
    loop.manual_clock().wall = *parse_rfc3339("2026-11-23T13:20:00Z");
    put_file("MAIN", "second");
    put_report(report("MAIN", "second", loop.clock().now()));
    loop.manual_clock().wall = *parse_rfc3339("2026-11-23T18:00:00Z");
    loop.manual_clock().up += std::chrono::hours(29);
    start();
    EXPECT_EQ(status(), "ok") << shown().reason;
    EXPECT_EQ(verdicts("missing"), 0U);
    EXPECT_EQ(in_vault(), "second");
}

TEST_F(DepositsTest, AMissedCycleIsNotHiddenByTheNextOneOfItsDay) {
    settings.jobs[0].schedule = "0 6,18 * * *";
    start();
    until("2026-11-22T18:10:00Z");
    push("evening");
    until("2026-11-23T08:00:05Z");
    EXPECT_EQ(status(), "missing");
    until("2026-11-23T18:10:00Z");
    push("next evening");
    EXPECT_EQ(status(), "ok");
    EXPECT_EQ(days(), Strings({"2026-11-22 ok", "2026-11-23 missing"})) << "the morning is still missing";
    // Its own report, late, heals it.
    put_file("MAIN", "morning");
    put_report(report("MAIN", "morning", *parse_rfc3339("2026-11-23T06:10:00Z")), "LATE.json");
    look();
    EXPECT_EQ(status(), "ok");
    EXPECT_EQ(days(), Strings({"2026-11-22 ok", "2026-11-23 ok"}));
    EXPECT_EQ(in_vault(), "next evening");
}

TEST_F(DepositsTest, AReloadDecidesHowManyVersionsStay) {
    settings.jobs[0].keep = 3;
    settings.jobs[0].keep_replaced = milliseconds(1000);
    start();
    for (const char* day : {"2026-11-22T13:10:00Z", "2026-11-23T13:10:00Z", "2026-11-24T13:10:00Z"}) {
        until(day);
        push(day);
    }
    const auto versions = [&] {
        int n = 0;
        for (const auto& e : std::filesystem::recursive_directory_iterator(tree.at("vault/.versions"))) n += e.is_regular_file() ? 1 : 0;
        return n;
    };
    pass(std::chrono::minutes(30));
    EXPECT_EQ(versions(), 2);
    settings.jobs[0].keep = 2;
    ASSERT_TRUE(part->reconfigure(settings, [](Result<void> done) { ASSERT_TRUE(done); }));
    pass(seconds(10));
    EXPECT_EQ(versions(), 1);
    // The other way round: what is to stay longer stays, although its last promotion was made under another rule.
    settings.jobs[0].keep = 1;
    settings.jobs[0].keep_replaced = std::chrono::hours(24 * 30);
    ASSERT_TRUE(part->reconfigure(settings, [](Result<void> done) { ASSERT_TRUE(done); }));
    pass(std::chrono::minutes(30));
    EXPECT_EQ(versions(), 1);
}

TEST_F(DepositsTest, DueTimesBeforeTheJobWasKnownAreNeverMissing) {
    until("2026-11-22T15:30:00Z");
    start();
    pass(std::chrono::hours(1));
    EXPECT_EQ(status(), "unknown");
    EXPECT_EQ(verdicts("missing"), 0U);
}

TEST_F(DepositsTest, ClockSetForwardAndBackGivesNoSecondMissing) {
    start();
    until("2026-11-22T15:01:00Z");
    EXPECT_EQ(verdicts("missing"), 1U);
    loop.jump(-std::chrono::hours(1));
    part->clock_changed();
    pass(std::chrono::hours(2));
    EXPECT_EQ(verdicts("missing"), 1U);
    EXPECT_EQ(status(), "missing");
}

TEST_F(DepositsTest, AClockThatRanYearsAheadForAWhileSwallowsNothing) {
    start();
    until("2026-11-22T13:10:00Z");
    push("good");
    constexpr auto kYears = std::chrono::hours(24 * 3653 + 3);
    loop.jump(kYears);
    part->clock_changed();
    pass(std::chrono::minutes(10));
    EXPECT_EQ(status(), "missing");
    loop.jump(-kYears);
    part->clock_changed();
    pass(seconds(3));
    EXPECT_EQ(status(), "ok") << shown().reason;
    EXPECT_NE(shown().reason.find("the clock had run ahead"), std::string::npos) << shown().reason;
    until("2026-11-23T15:00:10Z");
    EXPECT_EQ(status(), "missing");
    push("the next one");
    EXPECT_EQ(status(), "ok") << shown().reason;
}

TEST_F(DepositsTest, RestartInTheMiddleOfACycleJudgesNothingTwice) {
    settings.jobs[0].consume = false;
    start();
    until("2026-11-22T13:10:00Z");
    push("one");
    const auto since = target().current.since;
    start();
    pass(std::chrono::minutes(2));
    EXPECT_EQ(status(), "ok");
    EXPECT_EQ(target().current.since, since);
    EXPECT_EQ(verdicts("ok"), 1U);
}

TEST_F(DepositsTest, JobWithoutScheduleIsNeverMissingAndTurnsUnknown) {
    settings.jobs[0].schedule.reset();
    settings.jobs[0].max_age = std::chrono::hours(10);
    start();
    push("one");
    EXPECT_EQ(status(), "ok") << shown().reason;
    pass(std::chrono::hours(19));
    EXPECT_EQ(status(), "ok");
    pass(std::chrono::hours(2));
    EXPECT_EQ(status(), "unknown");
    EXPECT_EQ(shown().reason_code, "no_evidence");
    EXPECT_EQ(verdicts("missing"), 0U);
}

TEST_F(DepositsTest, ReportWithoutTheDatabaseWaitsForTheDeadline) {
    add_job("OTHER");
    start();
    until("2026-11-22T13:10:00Z");
    push("only main");
    until("2026-11-22T14:50:00Z");
    EXPECT_EQ(status("OTHER"), "late");
    until("2026-11-22T15:00:10Z");
    EXPECT_EQ(status("OTHER"), "missing");
    EXPECT_EQ(status("MAIN"), "ok");
}

TEST_F(DepositsTest, EmptyMountPointIsNotAllFilesGone) {
    start();
    until("2026-11-22T13:10:00Z");
    push("one");
    Result<std::string> marked = std::string();
    part->init([&](Result<std::string> id) { marked = std::move(id); });
    pass(seconds(1));
    ASSERT_TRUE(marked) << marked.error().what;
    part.reset();
    std::filesystem::rename(tree.at("deposits"), tree.at("away"));
    tree.make_dirs("deposits");
    start();
    until("2026-11-23T15:30:00Z");
    EXPECT_EQ(status(), "unreachable");
    EXPECT_EQ(shown().reason_code, "deposit_unavailable");
    EXPECT_EQ(registry->shown(*registry->find(TargetId::of("bkmon", {"deposits"}))).status, core::Status::unreachable);
}

}  // namespace
}  // namespace bkmon::test

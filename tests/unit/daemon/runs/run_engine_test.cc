#include "daemon/runs/run_engine.h"

#include <gtest/gtest.h>

#include "daemon/runs/run_id.h"
#include "tests/support/fake_store.h"
#include "tests/support/manual_loop.h"

namespace bkmon::runs {
namespace {

using namespace std::chrono_literals;

class Runs : public ::testing::Test {
protected:
    std::vector<history::RunRow> rows() { return store.tables().runs(100).value(); }  // newest first
    std::vector<history::EventRow> events() { return store.tables().events_after(0, 100).value(); }

    test::ManualLoop loop;
    test::FakeStore store{loop};
    std::unique_ptr<RunEngine> engine = std::make_unique<RunEngine>(loop, store);
};

TEST_F(Runs, RowsAreWrittenAtStartAndEnd) {
    auto run = engine->begin("rescan", "all agents", {});
    ASSERT_EQ(rows().size(), 1U);
    EXPECT_EQ(rows()[0].id, run->id());
    EXPECT_EQ(rows()[0].kind, "rescan");
    EXPECT_EQ(rows()[0].what, "all agents");
    EXPECT_EQ(rows()[0].state, "running");
    EXPECT_EQ(rows()[0].started_at, loop.clock().now());
    EXPECT_FALSE(rows()[0].ended_at);
    const int commits = store.commits();
    for (int i = 0; i < 50; ++i) run->progress(i, 100, "agent " + std::to_string(i));
    loop.advance(5s);
    EXPECT_EQ(store.commits(), commits) << "progress is not written";
    run->progress(100, 100, "");
    run->finish("done", "");
    EXPECT_EQ(rows()[0].state, "done");
    EXPECT_EQ(rows()[0].ended_at, loop.clock().now());
    EXPECT_EQ(rows()[0].done, 100);
    EXPECT_EQ(rows()[0].total, 100);
    loop.run_posted();
    EXPECT_TRUE(engine->active().empty());
    ASSERT_EQ(events().size(), 1U);
    EXPECT_EQ(events()[0].type, "run");
    EXPECT_EQ(events()[0].run, run->id());
}

TEST_F(Runs, BriefRunsWriteOnlyTheirEndAndNoEvent) {
    auto run = engine->begin("intake", "deposit/a/b", {}, true);
    EXPECT_TRUE(rows().empty());
    EXPECT_EQ(engine->active().size(), 1U);
    run->finish("failed", "no such file");
    ASSERT_EQ(rows().size(), 1U);
    EXPECT_EQ(rows()[0].state, "failed");
    EXPECT_EQ(rows()[0].error, "no such file");
    EXPECT_TRUE(events().empty());
}

TEST_F(Runs, DestroyedUnfinishedIsFailed) {
    engine->begin("scan", "x", {}).reset();
    EXPECT_EQ(rows()[0].state, "failed");
    EXPECT_EQ(rows()[0].error, "it ended without a result");
}

TEST_F(Runs, TheFirstEndCounts) {
    auto run = engine->begin("scan", "x", {});
    run->finish("done", "");
    run->finish("failed", "late");
    run->progress(7, 7, "late");
    run.reset();
    EXPECT_EQ(rows()[0].state, "done");
    EXPECT_EQ(rows()[0].done, 0);
}

TEST_F(Runs, QueuedUntilStarted) {
    auto run = engine->queue("backup", "instance/x", {});
    EXPECT_EQ(rows()[0].state, "queued");
    EXPECT_FALSE(rows()[0].started_at);
    loop.advance(10s);
    run->start();
    EXPECT_EQ(rows()[0].state, "running");
    EXPECT_EQ(rows()[0].started_at, loop.clock().now());
    loop.advance(10s);
    run->start();
    EXPECT_EQ(rows()[0].started_at, loop.clock().now() - 10s) << "once";
}

TEST_F(Runs, ARestartFindsThemInterrupted) {
    auto running = engine->begin("scan", "x", {});
    auto queued = engine->queue("scan", "y", {});
    auto ended = engine->begin("scan", "z", {});
    ended->finish("done", "");
    engine.reset();  // the process dies: nobody writes an end
    running.reset();
    queued.reset();
    loop.advance(1h);
    engine = std::make_unique<RunEngine>(loop, store);
    bool loaded = false;
    engine->load([&](Result<void> r) { loaded = r.has_value(); });
    loop.run_posted();
    EXPECT_TRUE(loaded);
    EXPECT_EQ(rows()[0].state, "done");
    EXPECT_EQ(rows()[1].state, "interrupted");
    EXPECT_EQ(rows()[2].state, "interrupted");
    EXPECT_EQ(rows()[2].ended_at, loop.clock().now());
}

TEST_F(Runs, ACleanStopInterruptsWhatIsActive) {
    auto run = engine->begin("scan", "x", {});
    Progress last;
    const auto token = engine->follow(run->id(), [&](const Progress& p) { last = p; }).value();
    engine->interrupt_all();
    EXPECT_TRUE(last.final);
    EXPECT_EQ(last.row.state, "interrupted");
    run->finish("failed", "stopping");
    EXPECT_EQ(rows()[0].state, "interrupted");
}

TEST_F(Runs, CancelAsksTheOwner) {
    int asked = 0;
    std::unique_ptr<runs::Run> run;
    run = engine->begin("scan", "x", [&] { ++asked; });
    EXPECT_FALSE(run->cancelled());
    EXPECT_TRUE(engine->cancel(run->id()));
    EXPECT_TRUE(run->cancelled());
    EXPECT_EQ(engine->cancel(run->id()).error().code, Errc::busy);
    EXPECT_EQ(asked, 1);
    run->finish("cancelled", "");
    EXPECT_EQ(engine->cancel(run->id()).error().code, Errc::invalid);
    loop.run_posted();
    EXPECT_EQ(engine->cancel(run->id()).error().code, Errc::invalid) << "still known to be over";
    EXPECT_EQ(engine->cancel("20261122T000000-0000000").error().code, Errc::not_found);
    EXPECT_EQ(rows()[0].state, "cancelled");
}

TEST_F(Runs, TheOwnerMayEndAndDestroyTheRunWhenItIsCancelled) {
    std::unique_ptr<runs::Run> run;
    run = engine->begin("scan", "x", [&] {
        run->finish("cancelled", "");
        run.reset();
    });
    EXPECT_TRUE(engine->cancel(std::string(run->id())));
    EXPECT_EQ(rows()[0].state, "cancelled");
}

TEST_F(Runs, FollowersSeeThePresentThenChangesThenTheEnd) {
    auto run = engine->begin("scan", "x", {});
    run->progress(1, 10, "one");
    std::vector<Progress> seen;
    auto token = engine->follow(run->id(), [&](const Progress& p) { seen.push_back(p); }).value();
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_EQ(seen[0].row.done, 1);
    EXPECT_EQ(seen[0].text, "one");
    EXPECT_EQ(seen[0].seq, 2U);
    EXPECT_FALSE(seen[0].final);
    run->progress(2, 10, "two");
    loop.advance(1s);
    ASSERT_EQ(seen.size(), 2U);
    EXPECT_EQ(seen[1].text, "two");
    run->finish("done", "");
    ASSERT_EQ(seen.size(), 3U);
    EXPECT_TRUE(seen[2].final);
    EXPECT_EQ(seen[2].row.state, "done");
    EXPECT_GT(seen[2].seq, seen[1].seq);
    loop.advance(10s);
    EXPECT_EQ(seen.size(), 3U) << "nothing after the end";
}

TEST_F(Runs, ManyChangesAreToldTogetherAndTheNumbersShowTheGap) {
    auto run = engine->begin("scan", "x", {});
    std::vector<Progress> seen;
    auto token = engine->follow(run->id(), [&](const Progress& p) { seen.push_back(p); }).value();
    for (int i = 1; i <= 10'000; ++i) {
        run->progress(i, 10'000, "");
        if (i % 100 == 0) loop.advance(10ms);  // 100 steps of 10 ms: a second
    }
    EXPECT_LE(seen.size(), 12U);
    EXPECT_GE(seen.size(), 9U);
    EXPECT_GT(seen[2].seq, seen[1].seq + 100);
    run->finish("done", "");
    EXPECT_EQ(seen.back().seq, 10'002U) << "one, ten thousand changes, the end";
    EXPECT_TRUE(seen.back().final);
}

TEST_F(Runs, TheSameAgainIsNoChange) {
    auto run = engine->begin("scan", "x", {});
    run->progress(1, 2, "a");
    run->progress(1, 2, "a");
    EXPECT_EQ(engine->active()[0].seq, 2U);
}

TEST_F(Runs, ADeadTokenHearsNothing) {
    auto run = engine->begin("scan", "x", {});
    int calls = 0;
    auto token = engine->follow(run->id(), [&](const Progress&) { ++calls; }).value();
    run->progress(1, 2, "a");
    token.reset();
    loop.advance(1s);
    run->finish("done", "");
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(engine->follow("nothing", [](const Progress&) {}).error().code, Errc::not_found);
}

TEST_F(Runs, ListenersMayDoAnything) {
    auto run = engine->begin("scan", "x", {});
    int second = 0;
    std::shared_ptr<void> first_token, second_token;
    first_token = engine
                      ->follow(run->id(),
                               [&](const Progress& p) {
                                   if (p.row.done == 0) return;
                                   first_token.reset();   // drops itself
                                   second_token.reset();  // and another
                                   if (run) run->finish("done", "");
                                   run.reset();
                               })
                      .value();
    second_token = engine->follow(run->id(), [&](const Progress&) { ++second; }).value();
    std::vector<bool> third;
    auto third_token = engine->follow(run->id(), [&](const Progress& p) { third.push_back(p.final); }).value();
    run->progress(1, 2, "go");
    loop.advance(1s);
    EXPECT_EQ(run, nullptr);
    EXPECT_EQ(third, (std::vector<bool>{false, true})) << "the end is the last that anybody hears";
    EXPECT_EQ(second, 1) << "its token died before its turn";
    EXPECT_EQ(rows()[0].state, "done");
}

TEST_F(Runs, AListenerMayDestroyTheEngine) {
    auto run = engine->begin("scan", "x", {});
    auto token = engine->follow(run->id(), [&](const Progress& p) { p.row.done > 0 ? engine.reset() : void(); }).value();
    run->progress(1, 2, "go");
    loop.advance(1s);
    EXPECT_EQ(engine, nullptr);
    run->progress(2, 2, "nobody hears");
    run->finish("done", "");
    run.reset();
    loop.run_posted();
}

TEST_F(Runs, AListenerIsLetGoAfterTheEnd) {
    auto run = engine->begin("scan", "x", {});
    auto held = std::make_shared<int>(1);
    auto token = engine->follow(run->id(), [held](const Progress&) {}).value();
    EXPECT_EQ(held.use_count(), 2);
    run->finish("done", "");
    EXPECT_EQ(held.use_count(), 1) << "so that a listener may own its own token";
}

TEST_F(Runs, AnEndedRunStaysInViewUntilItIsDurable) {
    store.hold();
    auto run = engine->begin("scan", "x", {});
    const std::string id = run->id();
    run->finish("done", "");
    ASSERT_EQ(engine->active().size(), 1U);
    EXPECT_TRUE(engine->active()[0].final);
    Progress seen;
    EXPECT_TRUE(engine->follow(id, [&](const Progress& p) { seen = p; }));
    EXPECT_TRUE(seen.final) << "who follows now is told the end at once";
    store.release();
    loop.run_posted();
    EXPECT_TRUE(engine->active().empty());
}

TEST_F(Runs, WhatTheHistoryRefusedIsWrittenAgain) {
    store.fail_next_writes(3, Error{Errc::no_space, "disk full", 0});
    auto run = engine->begin("scan", "x", {});
    loop.run_posted();
    run->finish("done", "");
    loop.run_posted();
    EXPECT_TRUE(rows().empty());
    EXPECT_EQ(engine->active().size(), 1U);
    loop.advance(1min);
    ASSERT_EQ(rows().size(), 1U);
    EXPECT_EQ(rows()[0].state, "done");
    EXPECT_EQ(events().size(), 1U);
    EXPECT_TRUE(engine->active().empty());
    EXPECT_EQ(loop.armed_timers(), 0U);
}

TEST_F(Runs, EndedRunsDoNotPileUpWithoutBound) {
    store.fail_next_writes(1'000'000, Error{Errc::no_space, "disk full", 0});
    for (int i = 0; i < 1500; ++i) engine->begin("intake", "x", {}, true)->finish("done", "");
    auto alive = engine->begin("scan", "x", {});
    loop.advance(1min);
    EXPECT_EQ(engine->active().size(), 1001U);
    EXPECT_EQ(engine->active().back().row.id, alive->id()) << "what still runs is never dropped";
}

TEST(RunIds, SortByTimeAndNeverRepeat) {
    RunIds ids;
    Time t = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22) + 3h + 4min + 5s + 500ms;
    std::string last = ids.next(t);
    EXPECT_EQ(last.substr(0, 19), "20261122T030405-1f4");
    EXPECT_EQ(last.size(), 23U);
    for (int i = 0; i < 200'000; ++i) {
        if (i % 1000 == 0) t += 1ms;
        if (i % 5000 == 0) t -= 40ms;  // small steps back keep the order
        const std::string id = ids.next(t);
        ASSERT_GT(id, last);
        last = id;
    }
    t -= 24h;
    EXPECT_EQ(ids.next(t).substr(0, 8), "20261121") << "a clock put right is followed";
}

}  // namespace
}  // namespace bkmon::runs

#include "daemon/platform/loop/libevent.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <fstream>
#include <set>
#include <thread>
#include <vector>

#include "loop_fixture.h"

namespace bkmon::test {
namespace {

using Loop = LoopTest;

struct Pipe {
    Pipe() {
        std::array<int, 2> ends{};
        EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
        read.reset(ends[0]);
        write.reset(ends[1]);
    }
    void put() const { EXPECT_EQ(::write(write.get(), "x", 1), 1); }
    void get() const {
        char c = 0;
        EXPECT_EQ(::read(read.get(), &c, 1), 1);
    }
    UniqueFd read, write;
};

TEST_F(Loop, RunsWhatManyThreadsPostInEachThreadsOrder) {
    constexpr int kThreads = 8, kEach = 4000;
    std::vector<int> next(kThreads, 0);
    int ran = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < kEach; ++i) {
                const bool taken = loop_->post([&, t, i] {
                    EXPECT_TRUE(loop_->on_loop_thread());
                    EXPECT_EQ(next[static_cast<std::size_t>(t)]++, i);
                    if (++ran == kThreads * kEach) loop_->stop();
                });
                EXPECT_TRUE(taken);
            }
        });
    run();
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(ran, kThreads * kEach);
}

TEST_F(Loop, AfterStopTasksAreDestroyedUnrun) {
    const auto token = std::make_shared<int>(0);
    bool ran = false;
    EXPECT_TRUE(loop_->post([&] {
        EXPECT_TRUE(loop_->post([token, &ran] { ran = true; }));
        loop_->stop();
        EXPECT_FALSE(loop_->post([token, &ran] { ran = true; }));
    }));
    EXPECT_TRUE(loop_->post([token, &ran] { ran = true; }));
    run();
    EXPECT_FALSE(ran);
    EXPECT_EQ(token.use_count(), 1) << "the loop still owns a task";
}

TEST_F(Loop, AnotherThreadCanStopIt) {
    std::thread other([this] { loop_->stop(); });
    run();
    other.join();
}

TEST_F(Loop, KnowsItsThread) {
    EXPECT_TRUE(loop_->on_loop_thread());
    std::thread other([this] { EXPECT_FALSE(loop_->on_loop_thread()); });
    other.join();
}

TEST_F(Loop, TimersFireByDeadlineThenByOrderOfArming) {
    std::vector<int> fired;
    std::vector<std::unique_ptr<loop::Timer>> timers;
    for (int i = 0; i < 5; ++i)
        timers.push_back(loop_->make_timer([&, i] {
            fired.push_back(i);
            if (fired.size() == 4) loop_->stop();
        }));
    timers[0]->arm(30ms);
    timers[1]->arm(10ms);
    timers[2]->arm(1h);
    timers[2]->arm(20ms);
    timers[3]->arm(-5ms);
    timers[4]->arm(5ms);
    timers[4]->cancel();
    EXPECT_TRUE(timers[0]->armed());
    EXPECT_FALSE(timers[4]->armed());
    run();
    EXPECT_EQ(fired, (std::vector<int>{3, 1, 2, 0}));
    EXPECT_FALSE(timers[0]->armed());
}

TEST_F(Loop, ATimerIsNeverEarlyByTheClockItsOwnerReads) {
    const auto before = loop_->clock().boot();
    auto timer = loop_->make_timer([&] {
        EXPECT_GE(loop_->clock().boot() - before, 25ms);
        loop_->stop();
    });
    timer->arm(25ms);
    run();
}

TEST_F(Loop, ATimerMayDestroyItselfAndAnother) {
    const auto owned = std::make_shared<int>(7);
    std::unique_ptr<loop::Timer> self, other;
    bool other_fired = false;
    other = loop_->make_timer([&] { other_fired = true; });
    self = loop_->make_timer([&, owned] {
        self.reset();
        other.reset();
        EXPECT_EQ(*owned, 7) << "the callback outlives its timer";
        stop_after(20ms);
    });
    self->arm(1ms);
    other->arm(1ms);
    run();
    EXPECT_FALSE(other_fired);
    EXPECT_EQ(owned.use_count(), 1);
}

TEST_F(Loop, ATimerThatArmsItselfForNowStarvesNobody) {
    int fired = 0;
    std::unique_ptr<loop::Timer> greedy;
    greedy = loop_->make_timer([&] {
        if (++fired == 3) static_cast<void>(loop_->post([&] { loop_->stop(); }));
        greedy->arm(0ms);
    });
    greedy->arm(0ms);
    run();
    EXPECT_LT(fired, 1000);
}

TEST_F(Loop, TimersRunOnTheClockThatCountsSuspendedTime) {
    std::set<std::string> clocks;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fdinfo")) {
        std::ifstream info(entry.path());
        for (std::string line; std::getline(info, line);)
            if (line.starts_with("clockid:")) clocks.insert(line);
    }
    EXPECT_EQ(clocks, std::set<std::string>{"clockid: 7"}) << "7 is CLOCK_BOOTTIME";
}

TEST_F(Loop, TheLongestTimerIsSimplyFarAway) {
    auto timer = loop_->make_timer([] { FAIL(); });
    timer->arm(milliseconds::max());
    EXPECT_TRUE(timer->armed());
    stop_after(5ms);
    run();
    EXPECT_TRUE(timer->armed());
}

TEST_F(Loop, AWatchFollowsItsInterest) {
    const Pipe pipe;
    int reads = 0, writes = 0;
    std::unique_ptr<loop::FdWatch> writable;
    writable = loop_->watch(pipe.write.get(), false, false, [&](bool r, bool w) {
        EXPECT_TRUE(w && !r);
        ++writes;
        pipe.put();
        writable->want(false, false);
    });
    const auto readable = loop_->watch(pipe.read.get(), true, false, [&](bool r, bool w) {
        EXPECT_TRUE(r && !w);
        pipe.get();
        if (++reads == 3) return stop_after(10ms);
        writable->want(false, true);
    });
    writable->want(false, true);
    run();
    EXPECT_EQ(reads, 3);
    EXPECT_EQ(writes, 3);
}

TEST_F(Loop, AWatchMayDestroyItself) {
    const Pipe pipe;
    const auto owned = std::make_shared<int>(7);
    int called = 0;
    std::unique_ptr<loop::FdWatch> watch;
    watch = loop_->watch(pipe.read.get(), true, false, [&, owned](bool, bool) {
        ++called;
        watch.reset();
        EXPECT_EQ(*owned, 7);
        stop_after(10ms);
    });
    pipe.put();
    run();
    EXPECT_EQ(called, 1);
    EXPECT_EQ(owned.use_count(), 1);
}

TEST_F(Loop, AHangUpIsSeen) {
    Pipe pipe;
    const auto watch = loop_->watch(pipe.read.get(), true, false, [&](bool r, bool) {
        char c = 0;
        EXPECT_TRUE(r);
        EXPECT_EQ(::read(pipe.read.get(), &c, 1), 0);
        loop_->stop();
    });
    pipe.write.reset();
    run();
}

TEST_F(Loop, ARegularFileCannotBeWatched) {
    const UniqueFd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    EXPECT_EQ(loop_->watch(file.get(), true, false, [](bool, bool) {}), nullptr);
}

TEST_F(Loop, TimersAndWatchesMayOutliveIt) {
    const Pipe pipe;
    auto timer = loop_->make_timer([] {});
    auto watch = loop_->watch(pipe.read.get(), true, false, [](bool, bool) {});
    timer->arm(1s);
    loop_.reset();
    timer->arm(2s);
    watch->want(true, true);
}

TEST_F(Loop, ClosesWhatItOpened) {
    const auto before = open_descriptors();
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(loop::LibeventLoop::create());
    EXPECT_EQ(open_descriptors(), before);
}

TEST_F(Loop, LongWorkIsSpreadOverTurnsSoThatDescriptorsAreServed) {
    const Pipe pipe;
    int tasks = 0, tasks_when_served = 0;
    for (int i = 0; i < 10; ++i)
        EXPECT_TRUE(loop_->post([&] {
            burn(15ms);
            if (++tasks == 10) loop_->stop();
        }));
    const auto watch = loop_->watch(pipe.read.get(), true, false, [&](bool, bool) {
        pipe.get();
        tasks_when_served = tasks;
    });
    pipe.put();
    run();
    EXPECT_EQ(tasks, 10);
    EXPECT_LT(tasks_when_served, 3);
    EXPECT_LT(loop_->probe().longest().cpu, 100ms) << "150 ms of work were one turn";
}

TEST_F(Loop, ManyTimersAtOnceAreSpreadOverTurnsToo) {
    const Pipe pipe;
    int fired = 0, fired_when_served = -1;
    std::vector<std::unique_ptr<loop::Timer>> timers;
    for (int i = 0; i < 10; ++i) {
        timers.push_back(loop_->make_timer([&] {
            burn(15ms);
            if (++fired == 1) pipe.put();
            if (fired == 10) loop_->stop();
        }));
        timers.back()->arm(1ms);
    }
    const auto watch = loop_->watch(pipe.read.get(), true, false, [&](bool, bool) {
        pipe.get();
        fired_when_served = fired;
    });
    std::this_thread::sleep_for(5ms);  // all are due at the first turn
    run();
    EXPECT_EQ(fired, 10);
    EXPECT_GE(fired_when_served, 1);
    EXPECT_LT(fired_when_served, 4);
}

TEST_F(Loop, AfterStopNoOtherCallbackOfThatTurnBegins) {
    const Pipe a, b;
    int called = 0;
    const auto ready = [&](bool, bool) {
        ++called;
        loop_->stop();
    };
    const auto first = loop_->watch(a.read.get(), true, false, ready), second = loop_->watch(b.read.get(), true, false, ready);
    a.put();
    b.put();
    run();
    EXPECT_EQ(called, 1);
}

TEST_F(Loop, TellsOfATurnThatUsedTheProcessorTooLong) {
    std::vector<loop::Turn> slow;
    loop_->on_slow_turn(50ms, [&](const loop::Turn& turn) {
        slow.push_back(turn);
        loop_->stop();
    });
    auto timer = loop_->make_timer([] { burn(60ms); });
    timer->arm(1ms);
    run();
    ASSERT_EQ(slow.size(), 1U);
    EXPECT_GE(slow[0].cpu, 60ms);
    EXPECT_GE(slow[0].wall, slow[0].cpu - 1ms);
    EXPECT_GE(loop_->probe().longest().cpu, 60ms);
}

TEST_F(Loop, WaitingIsNoWork) {
    loop_->on_slow_turn(20ms, [](const loop::Turn&) { ADD_FAILURE(); });
    EXPECT_TRUE(loop_->post([&] {
        std::this_thread::sleep_for(30ms);
        stop_after(30ms);
    }));
    run();
    EXPECT_GE(loop_->probe().longest().wall, 30ms) << "but blocking is seen";
    EXPECT_LT(loop_->probe().longest().cpu, 20ms);
    EXPECT_GE(loop_->probe().turns(), 2U);
    const auto load = loop_->load();
    EXPECT_EQ(load.turns, loop_->probe().turns());
    EXPECT_EQ(load.longest_wall, loop_->probe().longest().wall);
    EXPECT_EQ(load.longest_cpu, loop_->probe().longest().cpu);
    EXPECT_GE(load.wall_p999, 30ms);
}

TEST(BusyProbe, ShowsQuantilesWithinAnEighth) {
    loop::BusyProbe probe;
    EXPECT_EQ(probe.quantile(0.999).cpu, 0us);
    for (int i = 1; i <= 10000; ++i) probe.record({std::chrono::microseconds(i), std::chrono::microseconds(2 * i)});
    const auto near = [](std::chrono::microseconds t, std::int64_t us) { return t.count() >= us && t.count() <= us + us / 8; };
    EXPECT_TRUE(near(probe.quantile(0.5).cpu, 5000)) << probe.quantile(0.5).cpu.count();
    EXPECT_TRUE(near(probe.quantile(0.5).wall, 10000));
    EXPECT_TRUE(near(probe.quantile(0.999).cpu, 9990));
    EXPECT_EQ(probe.quantile(1).cpu, 10000us) << "never more than the longest";
    EXPECT_EQ(probe.longest().wall, 20000us);
    EXPECT_EQ(probe.quantile(0).cpu, 1us);
    probe.record({1h, 100h * 24 * 365});
    EXPECT_EQ(probe.longest().cpu, 1h);
    probe.reset();
    EXPECT_EQ(probe.turns(), 0U);
}

TEST(BusyProbe, SmallTimesAreExact) {
    for (int us = 0; us < 16; ++us) {
        loop::BusyProbe probe;
        probe.record({std::chrono::microseconds(us), 1h});
        probe.record({std::chrono::microseconds(1000), 1h});
        EXPECT_EQ(probe.quantile(0.5).cpu.count(), us);
    }
}

}  // namespace
}  // namespace bkmon::test

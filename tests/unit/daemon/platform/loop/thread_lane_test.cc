#include "daemon/platform/loop/thread_lane.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <sys/prctl.h>

#include <array>
#include <atomic>
#include <csignal>
#include <future>
#include <latch>
#include <mutex>

#include "loop_fixture.h"

namespace bkmon::test {
namespace {

using loop::ThreadLane;
using Submit = LoopTest;

TEST(ThreadLane, RunsAsManyAtOnceAsItHasThreads) {
    ThreadLane lane("disk", 3);
    std::latch all_three(3);  // would wait for ever if only two ran together
    std::promise<void> done;
    std::atomic<int> left = 3;
    for (int i = 0; i < 3; ++i)
        lane.run([&](std::stop_token) {
            all_three.arrive_and_wait();
            if (--left == 0) done.set_value();
        });
    EXPECT_EQ(done.get_future().wait_for(20s), std::future_status::ready);
}

TEST(ThreadLane, OneThreadKeepsTheOrder) {
    std::vector<int> ran;
    std::promise<void> done;
    ThreadLane lane("disk", 1);
    for (int i = 0; i < 100; ++i)
        lane.run([&, i](std::stop_token) {
            ran.push_back(i);
            if (i == 99) done.set_value();
        });
    ASSERT_EQ(done.get_future().wait_for(20s), std::future_status::ready);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(ran[static_cast<std::size_t>(i)], i);
}

TEST(ThreadLane, StopDestroysTheQueuedAndAsksTheRunning) {
    const auto token = std::make_shared<int>(0);
    std::promise<void> running;
    std::atomic<bool> asked = false, queued_ran = false;
    {
        ThreadLane lane("disk", 1);
        lane.run([&, token](std::stop_token stop) {
            running.set_value();
            while (!stop.stop_requested()) std::this_thread::yield();
            asked = true;
        });
        running.get_future().wait();
        for (int i = 0; i < 10; ++i) lane.run([&, token](std::stop_token) { queued_ran = true; });
        EXPECT_EQ(lane.queued(), 10U);
        EXPECT_EQ(lane.running(), 1U);
        lane.begin_stop();
        EXPECT_EQ(lane.queued(), 0U);
        lane.run([&, token](std::stop_token) { queued_ran = true; });
        EXPECT_EQ(lane.queued(), 0U) << "destroyed at once";
        EXPECT_TRUE(lane.wait_stopped(20s));
    }
    EXPECT_TRUE(asked);
    EXPECT_FALSE(queued_ran);
    EXPECT_EQ(token.use_count(), 1);
}

TEST(ThreadLane, SaysWhenItsWorkDoesNotStop) {
    std::promise<void> running, release;
    ThreadLane lane("hung-nfs", 1);
    lane.run([&](std::stop_token) {
        running.set_value();
        release.get_future().wait();
    });
    running.get_future().wait();
    lane.begin_stop();
    EXPECT_FALSE(lane.wait_stopped(20ms));
    release.set_value();
    EXPECT_TRUE(lane.wait_stopped(20s));
}

TEST(ThreadLane, ItsThreadsHaveItsNameAndTakeNoSignals) {
    std::promise<std::pair<std::string, bool>> seen;
    ThreadLane lane("a-name-of-more-than-fifteen", 1);
    lane.run([&](std::stop_token) {
        std::array<char, 17> name{};
        sigset_t mask;
        pthread_sigmask(SIG_SETMASK, nullptr, &mask);
        // The name is set by the creator just after the start.
        for (int i = 0; i < 1000 && std::string_view(name.data()) != "a-name-of-more-"; ++i) {
            ::prctl(PR_GET_NAME, name.data());
            std::this_thread::sleep_for(1ms);
        }
        seen.set_value({name.data(), sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGPIPE) == 1});
    });
    const auto [name, blocked] = seen.get_future().get();
    EXPECT_EQ(name, "a-name-of-more-");
    EXPECT_TRUE(blocked);
    sigset_t mine;
    pthread_sigmask(SIG_SETMASK, nullptr, &mine);
    EXPECT_EQ(sigismember(&mine, SIGPIPE), 0) << "the creator's own mask is as before";
}

TEST_F(Submit, BringsTheResultBackToTheLoopThread) {
    const auto owner = std::make_shared<int>(0);
    std::unique_ptr<int> got;
    ThreadLane lane("disk", 2);
    loop::submit(
        lane, *loop_, owner,
        [this, given = std::make_unique<int>(41)](std::stop_token) {
            EXPECT_FALSE(loop_->on_loop_thread());
            return std::make_unique<int>(*given + 1);
        },
        [&, mine = std::make_unique<int>(0)](std::unique_ptr<int> result) {
            EXPECT_TRUE(loop_->on_loop_thread());
            got = std::move(result);
            loop_->stop();
        });
    run();
    ASSERT_TRUE(got);
    EXPECT_EQ(*got, 42);
}

TEST_F(Submit, ADeadOwnerIsNotTold) {
    auto owner = std::make_shared<int>(0);
    std::promise<void> release;
    ThreadLane lane("disk", 1);
    loop::submit(
        lane, *loop_, owner, [&](std::stop_token) { return release.get_future().wait(), 1; }, [](int) { ADD_FAILURE() << "done was called"; });
    lane.run([this](std::stop_token) { EXPECT_TRUE(loop_->post([this] { loop_->stop(); })); });
    owner.reset();
    release.set_value();
    run();
}

TEST_F(Submit, ManyLanesAndAStoppedLoopAreClean) {
    const auto owner = std::make_shared<int>(0);
    std::atomic<int> worked = 0;
    int done = 0;
    {
        ThreadLane a("a", 2), b("b", 2);
        for (int i = 0; i < 500; ++i)
            loop::submit(
                i % 2 == 0 ? a : b, *loop_, owner, [&, i](std::stop_token) { return ++worked, i; },
                [&](int) {
                    if (++done == 250) loop_->stop();
                });
        run();
    }
    EXPECT_GE(done, 250);
    EXPECT_GE(worked, done);
}

TEST(ThreadLaneIdle, GivesWayToEverybody) {
    ThreadLane lane("idle", 1, ThreadLane::Priority::idle), plain("plain", 1);
    const auto ask = [](ThreadLane& of) {
        std::promise<std::pair<int, long>> said;
        of.run([&](std::stop_token) {
            said.set_value({::getpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid))), ::syscall(SYS_ioprio_get, 1, 0) >> 13});
        });
        return said.get_future().get();
    };
    EXPECT_EQ(ask(lane), (std::pair<int, long>{19, 3}));
    EXPECT_NE(ask(plain).first, 19);
    EXPECT_NE(::getpriority(PRIO_PROCESS, 0), 19) << "not the whole process";
}

}  // namespace
}  // namespace bkmon::test

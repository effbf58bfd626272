#include <sys/eventfd.h>
#include <unistd.h>

#include <csignal>
#include <vector>

#include "daemon/platform/loop/clock_watch.h"
#include "daemon/platform/loop/signal_watch.h"
#include "loop_fixture.h"
#include "tests/support/manual_loop.h"

namespace bkmon::test {
namespace {

using Signals = LoopTest;
using ClockSet = LoopTest;

TEST_F(Signals, ComeAsEventsWithTheirSender) {
    std::vector<std::pair<int, int>> caught;
    auto watch = loop::SignalWatch::create(*loop_, {SIGUSR1, SIGUSR2}, [&](int signal, int pid) {
        EXPECT_TRUE(loop_->on_loop_thread());
        caught.emplace_back(signal, pid);
        if (caught.size() == 2) loop_->stop();
    });
    ASSERT_TRUE(watch);
    ::kill(::getpid(), SIGUSR2);
    ::kill(::getpid(), SIGUSR1);
    run();
    EXPECT_EQ(caught, (std::vector<std::pair<int, int>>{{SIGUSR1, ::getpid()}, {SIGUSR2, ::getpid()}}));
}

TEST_F(Signals, TheCallbackMayDestroyTheWatchAndTheSignalStaysHarmless) {
    Result<std::unique_ptr<loop::SignalWatch>> watch = loop::SignalWatch::create(*loop_, {SIGUSR1, SIGUSR2}, [&](int, int) {
        watch->reset();
        loop_->stop();
    });
    ASSERT_TRUE(watch);
    ::kill(::getpid(), SIGUSR1);
    run();
    ::kill(::getpid(), SIGUSR2);  // would end this program if it were not blocked any more
}

TEST_F(ClockSet, TellsHowFarTheClockJumped) {
    ManualClock clock;
    const UniqueFd trigger(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    std::vector<milliseconds> jumps;
    auto watch = loop::ClockWatch::create_on(UniqueFd(::dup(trigger.get())), clock, *loop_, [&](milliseconds by) {
        jumps.push_back(by);
        if (jumps.size() == 3) return loop_->stop();
        // The second set goes back a day; the third event is a suspend: both clocks went on.
        clock.wall += jumps.size() == 1 ? -24h : 2h;
        clock.up += jumps.size() == 1 ? 0h : 2h;
        ::eventfd_write(trigger.get(), 1);
    });
    ASSERT_TRUE(watch);
    clock.wall += 3h;
    ::eventfd_write(trigger.get(), 1);
    run();
    EXPECT_EQ(jumps, (std::vector<milliseconds>{3h, -24h, 0h}));
}

TEST_F(ClockSet, TheRealWatchIsAcceptedAndQuietWhileNobodySetsTheClock) {
    auto watch = loop::ClockWatch::create(*loop_, [](milliseconds) { ADD_FAILURE(); });
    ASSERT_TRUE(watch) << watch.error().what;
    stop_after(30ms);
    run();
}

}  // namespace
}  // namespace bkmon::test

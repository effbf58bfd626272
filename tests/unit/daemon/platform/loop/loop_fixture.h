#pragma once
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>

#include "daemon/platform/loop/libevent.h"

namespace bkmon::test {

using namespace std::chrono_literals;

/// A real loop on the test's own thread. A test that never stops it fails instead of hanging.
class LoopTest : public testing::Test {
protected:
    void run(milliseconds longest = 20s) {
        auto guard = loop_->make_timer([this] {
            ADD_FAILURE() << "nothing stopped the loop";
            loop_->stop();
        });
        guard->arm(longest);
        loop_->run();
    }
    void stop_after(milliseconds d) {
        stopper_ = loop_->make_timer([this] { loop_->stop(); });
        stopper_->arm(d);
    }
    std::unique_ptr<loop::LibeventLoop> loop_ = loop::LibeventLoop::create().value();
    std::unique_ptr<loop::Timer> stopper_;
};

inline std::ptrdiff_t open_descriptors() {
    const std::filesystem::directory_iterator fds("/proc/self/fd");
    return std::distance(begin(fds), end(fds));
}

/// Uses the processor of this thread for `d`.
inline void burn(milliseconds d) {
    const auto cpu = [] {
        timespec t{};
        ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
    };
    for (const auto until = cpu() + d; cpu() < until;) continue;
}

}  // namespace bkmon::test

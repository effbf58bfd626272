#pragma once
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "daemon/platform/loop/event_loop.h"
#include "daemon/platform/loop/lane.h"

namespace bkmon::test {

/// Time that moves only when a test says so.
class ManualClock final : public Clock {
public:
    Time wall{std::chrono::sys_days(std::chrono::year(2026) / 11 / 22)};
    BootTime up{milliseconds(1000000)};
    Time now() const override { return wall; }
    BootTime boot() const override { return up; }
};

/// An EventLoop without threads or descriptors: advance() fires due timers in order, run_posted() runs what was posted.
/// Timers follow the boot clock; jump() moves the wall clock alone.
class ManualLoop final : public loop::EventLoop {
public:
    bool post(Task task) override;
    std::unique_ptr<loop::Timer> make_timer(std::function<void()> fire) override;
    /// Not watched by anything; tests that need descriptors use the real loop.
    std::unique_ptr<loop::FdWatch> watch(int fd, bool readable, bool writable, std::function<void(bool, bool)> ready) override;
    const Clock& clock() const override { return clock_; }
    bool on_loop_thread() const override { return true; }

    ManualClock& manual_clock() { return clock_; }
    /// Until nothing is posted any more.
    void run_posted();
    /// Both clocks go on by `d`; timers fire at their moments, posted tasks run between them.
    void advance(milliseconds d);
    void jump(milliseconds d) { clock_.wall += d; }
    std::size_t armed_timers() const;

private:
    struct ManualTimer;
    ManualClock clock_;
    std::mutex mutex_;
    std::deque<Task> posted_;
    std::shared_ptr<std::vector<ManualTimer*>> timers_ = std::make_shared<std::vector<ManualTimer*>>();
    std::uint64_t order_ = 0;
};

/// Runs work at once, on the calling thread; done comes back through the loop as always.
class InlineLane final : public loop::Lane {
public:
    void run(std::function<void(std::stop_token)> work) override { work(std::stop_token{}); }
};

/// Keeps work until the test runs it.
class HeldLane final : public loop::Lane {
public:
    void run(std::function<void(std::stop_token)> work) override { queue.push_back(std::move(work)); }
    bool step() {
        if (queue.empty()) return false;
        auto work = std::move(queue.front());
        queue.pop_front();
        work(std::stop_token{});
        return true;
    }
    std::deque<std::function<void(std::stop_token)>> queue;
};

}  // namespace bkmon::test

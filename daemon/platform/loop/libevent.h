#pragma once
#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <thread>

#include "common/base/c_ptr.h"
#include "common/base/guarded.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "daemon/platform/loop/busy_probe.h"
#include "daemon/platform/loop/event_loop.h"

struct event;
extern "C" void event_free(struct event*);

namespace bkmon::loop {

/// The real loop, on libevent and epoll. Timers run on one CLOCK_BOOTTIME timerfd, so that a suspended hour is an hour.
/// Posted tasks and due timers keep their order; a turn that took 10 ms leaves the rest of them to the next, so that
/// descriptors are served in between.
class LibeventLoop final : public EventLoop {
public:
    static Result<std::unique_ptr<LibeventLoop>> create();
    /// Timers and watches may outlive the loop; they never fire then.
    ~LibeventLoop() override;

    /// Runs on the calling thread, which is the loop thread from now on, until stop(). Tasks still queued are then destroyed unrun.
    void run();
    /// Any thread. No callback and no task begins after it returns on the loop thread; run() returns.
    void stop();

    bool post(Task task) override;
    std::unique_ptr<Timer> make_timer(std::function<void()> fire) override;
    std::unique_ptr<FdWatch> watch(int fd, bool readable, bool writable, std::function<void(bool, bool)> ready) override;
    const Clock& clock() const override { return system_clock(); }
    /// Before run(): the thread that created the loop.
    bool on_loop_thread() const override { return thread_.load() == std::this_thread::get_id(); }
    LoopLoad load() const override { return {probe_.turns(), probe_.longest().cpu, probe_.longest().wall, probe_.quantile(0.999).wall}; }

    /// Loop thread only.
    BusyProbe& probe() { return probe_; }
    /// `tell` runs on the loop thread after each turn that used more than `cpu_limit` of processor time; its own time is not counted.
    void on_slow_turn(milliseconds cpu_limit, std::function<void(const Turn&)> tell);

    struct Core;  ///< what timers and watches share with the loop

private:
    explicit LibeventLoop(std::shared_ptr<Core> core);
    bool add_sources();
    void wake();
    void run_posted();
    void fire_due_timers();
    void set_timerfd();
    void one_turn();

    std::shared_ptr<Core> core_;
    UniqueFd wake_fd_, timer_fd_;
    std::atomic<std::thread::id> thread_;
    std::atomic<bool> stopping_{false};  // written under mutex_, so that no task is queued after it

    Mutex mutex_;
    std::deque<Task> posted_ BKMON_GUARDED_BY(mutex_);
    bool woken_ BKMON_GUARDED_BY(mutex_) = false;

    // Loop thread only.
    std::deque<Task> batch_;             // taken from posted_, not yet run
    std::int64_t timer_fd_set_for_ = 0;  // nanoseconds since boot; 0: not set
    BusyProbe probe_;
    milliseconds slow_limit_{0};
    std::function<void(const Turn&)> tell_slow_;

    CPtr<event, &event_free> wake_event_, timer_event_;  // last: they must go before the descriptors and the base
};

}  // namespace bkmon::loop

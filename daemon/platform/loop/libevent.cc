#include "daemon/platform/loop/libevent.h"

#include <event2/event.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <map>
#include <utility>

namespace bkmon::loop {
namespace {

using std::chrono::microseconds;

constexpr std::int64_t kNever = 0;
constexpr std::int64_t kTurnBudgetNs = 10'000'000;
constexpr milliseconds kLongestTimer = std::chrono::hours(24 * 36525);  // a hundred years still fit into 63 bits of nanoseconds

std::int64_t read_ns(clockid_t id) {
    timespec t{};
    ::clock_gettime(id, &t);
    return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

class BootTimer;

}  // namespace

struct LibeventLoop::Core {
    using Deadline = std::pair<std::int64_t, std::uint64_t>;  // nanoseconds since boot, then the order of arm()

    CPtr<event_base, &event_base_free> base;
    std::map<Deadline, BootTimer*> timers;  // armed ones
    std::uint64_t order = 0;
    std::int64_t turn_began = kNever;  // CLOCK_MONOTONIC at the first callback of this turn

    void enter() {
        if (turn_began == kNever) turn_began = read_ns(CLOCK_MONOTONIC);
    }
    bool over_budget() const { return read_ns(CLOCK_MONOTONIC) - turn_began > kTurnBudgetNs; }
};

namespace {

class BootTimer final : public Timer {
public:
    BootTimer(std::shared_ptr<LibeventLoop::Core> core, std::function<void()> fire)
        : core_(std::move(core)), fire_(std::make_shared<std::function<void()>>(std::move(fire))) {}
    BootTimer(const BootTimer&) = delete;
    BootTimer& operator=(const BootTimer&) = delete;
    ~BootTimer() override { BootTimer::cancel(); }

    void arm(milliseconds after) override {
        cancel();
        const std::chrono::nanoseconds delay = std::clamp(after, milliseconds(0), kLongestTimer);
        deadline_ = {read_ns(CLOCK_BOOTTIME) + delay.count(), ++core_->order};
        core_->timers.emplace(deadline_, this);
        armed_ = true;
    }
    void cancel() override {
        if (std::exchange(armed_, false)) core_->timers.erase(deadline_);
    }
    bool armed() const override { return armed_; }

    /// The callback may destroy this timer.
    void fire() {
        cancel();
        const auto keep = fire_;
        (*keep)();
    }

private:
    std::shared_ptr<LibeventLoop::Core> core_;
    std::shared_ptr<std::function<void()>> fire_;
    LibeventLoop::Core::Deadline deadline_{};
    bool armed_ = false;
};

class EventWatch final : public FdWatch {
public:
    EventWatch(std::shared_ptr<LibeventLoop::Core> core, int fd, std::function<void(bool, bool)> ready)
        : core_(std::move(core)), fd_(fd), ready_(std::make_shared<std::function<void(bool, bool)>>(std::move(ready))) {}

    void want(bool readable, bool writable) override { static_cast<void>(set(readable, writable)); }

    bool set(bool readable, bool writable) {
        const short interest = static_cast<short>((readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));
        if (interest == interest_) return true;
        event_.reset();
        interest_ = 0;
        if (interest == 0) return true;
        event_.reset(event_new(core_->base.get(), fd_, static_cast<short>(interest | EV_PERSIST), &EventWatch::fired, this));
        if (!event_ || event_add(event_.get(), nullptr) != 0) return false;
        interest_ = interest;
        return true;
    }

private:
    static void fired(evutil_socket_t, short what, void* self) {
        auto* const watch = static_cast<EventWatch*>(self);
        watch->core_->enter();
        const auto keep = watch->ready_;  // the callback may destroy the watch
        (*keep)((what & EV_READ) != 0, (what & EV_WRITE) != 0);
    }

    std::shared_ptr<LibeventLoop::Core> core_;
    int fd_;
    std::shared_ptr<std::function<void(bool, bool)>> ready_;
    short interest_ = 0;
    CPtr<event, &event_free> event_;  // last: it must go before the base
};

}  // namespace

LibeventLoop::LibeventLoop(std::shared_ptr<Core> core) : core_(std::move(core)), thread_(std::this_thread::get_id()) {}

LibeventLoop::~LibeventLoop() { LibeventLoop::stop(); }

Result<std::unique_ptr<LibeventLoop>> LibeventLoop::create() {
    auto core = std::make_shared<Core>();
    const CPtr<event_config, &event_config_free> config(event_config_new());
    // Only the loop thread touches the base: post() has a lock and an eventfd of its own.
    if (!config || event_config_set_flag(config.get(), EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV) != 0)
        return fail(Errc::internal, "event loop: libevent refused its configuration");
    core->base.reset(event_base_new_with_config(config.get()));
    if (!core->base) return sys_fail("event loop: epoll", errno);
    std::unique_ptr<LibeventLoop> loop(new LibeventLoop(std::move(core)));
    loop->wake_fd_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!loop->wake_fd_) return sys_fail("event loop: eventfd", errno);
    loop->timer_fd_.reset(::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!loop->timer_fd_) return sys_fail("event loop: timerfd", errno);
    if (!loop->add_sources()) return fail(Errc::unavailable, "event loop: epoll refused the loop's own descriptors");
    return loop;
}

bool LibeventLoop::add_sources() {
    const auto add = [this](int fd, event_callback_fn callback) {
        CPtr<event, &event_free> source(event_new(core_->base.get(), fd, EV_READ | EV_PERSIST, callback, this));
        if (source && event_add(source.get(), nullptr) != 0) source.reset();
        return source;
    };
    wake_event_ = add(wake_fd_.get(), [](evutil_socket_t, short, void* self) { static_cast<LibeventLoop*>(self)->run_posted(); });
    timer_event_ = add(timer_fd_.get(), [](evutil_socket_t, short, void* self) { static_cast<LibeventLoop*>(self)->fire_due_timers(); });
    return wake_event_ && timer_event_;
}

void LibeventLoop::wake() { static_cast<void>(::eventfd_write(wake_fd_.get(), 1)); }

bool LibeventLoop::post(Task task) {
    MutexLock lock(mutex_);  // held over the write: the loop may be destroyed as soon as the task has run
    if (stopping_) return false;
    posted_.push_back(std::move(task));
    if (!std::exchange(woken_, true)) wake();
    return true;
}

void LibeventLoop::stop() {
    {
        MutexLock lock(mutex_);
        stopping_ = true;
        wake();
    }
    if (on_loop_thread()) event_base_loopbreak(core_->base.get());
}

void LibeventLoop::run_posted() {
    core_->enter();
    {
        MutexLock lock(mutex_);
        eventfd_t count = 0;
        static_cast<void>(::eventfd_read(wake_fd_.get(), &count));
        woken_ = false;
        std::move(posted_.begin(), posted_.end(), std::back_inserter(batch_));
        posted_.clear();
    }
    while (!batch_.empty() && !stopping_) {
        Task task = std::move(batch_.front());
        batch_.pop_front();
        task();
        task = Task();  // what it owned goes now, within the time that is measured
        if (!batch_.empty() && core_->over_budget()) return wake();
    }
}

void LibeventLoop::fire_due_timers() {
    core_->enter();
    std::uint64_t expirations = 0;
    if (::read(timer_fd_.get(), &expirations, sizeof expirations) < 0 && errno == EAGAIN) return;
    timer_fd_set_for_ = kNever;
    // Read once: a timer that arms itself for "now" waits for the next turn.
    const auto now = read_ns(CLOCK_BOOTTIME);
    auto& timers = core_->timers;
    while (!timers.empty() && timers.begin()->first.first <= now && !stopping_) {
        timers.begin()->second->fire();
        if (core_->over_budget()) return;
    }
}

void LibeventLoop::set_timerfd() {
    const auto earliest = core_->timers.empty() ? kNever : core_->timers.begin()->first.first;
    if (earliest == timer_fd_set_for_) return;
    itimerspec when{};
    when.it_value.tv_sec = earliest / 1'000'000'000;
    when.it_value.tv_nsec = earliest % 1'000'000'000;
    ::timerfd_settime(timer_fd_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
    timer_fd_set_for_ = earliest;
}

void LibeventLoop::one_turn() {
    set_timerfd();
    core_->turn_began = kNever;
    const auto cpu_before = read_ns(CLOCK_THREAD_CPUTIME_ID);
    if (event_base_loop(core_->base.get(), EVLOOP_ONCE) < 0) {
        // epoll itself failed: nothing would ever be decided again. A restart is the only way on.
        std::fputs("bkmond: the event loop broke\n", stderr);
        std::abort();
    }
    if (core_->turn_began == kNever) return;
    const auto us = [](std::int64_t ns) { return microseconds(ns / 1000); };
    const Turn turn{us(read_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_before), us(read_ns(CLOCK_MONOTONIC) - core_->turn_began)};
    probe_.record(turn);
    if (tell_slow_ && turn.cpu > slow_limit_) tell_slow_(turn);
}

void LibeventLoop::run() {
    thread_ = std::this_thread::get_id();
    while (!stopping_) one_turn();
    // Destroyed outside the lock: a task may own what posts in its destructor.
    std::deque<Task> unrun;
    {
        MutexLock lock(mutex_);
        unrun.swap(posted_);
    }
    batch_.clear();
}

void LibeventLoop::on_slow_turn(milliseconds cpu_limit, std::function<void(const Turn&)> tell) {
    slow_limit_ = cpu_limit;
    tell_slow_ = std::move(tell);
}

std::unique_ptr<Timer> LibeventLoop::make_timer(std::function<void()> fire) { return std::make_unique<BootTimer>(core_, std::move(fire)); }

std::unique_ptr<FdWatch> LibeventLoop::watch(int fd, bool readable, bool writable, std::function<void(bool, bool)> ready) {
    auto watch = std::make_unique<EventWatch>(core_, fd, std::move(ready));
    if (!watch->set(readable, writable)) return nullptr;
    return watch;
}

}  // namespace bkmon::loop

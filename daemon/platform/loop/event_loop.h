#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "common/base/task.h"
#include "common/base/time.h"

namespace bkmon::loop {

/// One shot. Destroying it cancels, also from inside its own callback.
class Timer {
public:
    virtual ~Timer() = default;
    virtual void arm(milliseconds after) = 0;  ///< replaces an earlier arm(); measured on CLOCK_BOOTTIME as far as the kernel wakes us
    virtual void cancel() = 0;
    virtual bool armed() const = 0;
};

/// Watches a descriptor that the caller keeps open longer than this. Destroying it stops the watch, also from inside its callback.
class FdWatch {
public:
    virtual ~FdWatch() = default;
    virtual void want(bool readable, bool writable) = 0;
};

/// How long a loop was ever busy, since it began: a turn is all that it did between two waits.
struct LoopLoad {
    std::uint64_t turns = 0;
    std::chrono::microseconds longest_cpu{0};   ///< processor time of its thread in one turn
    std::chrono::microseconds longest_wall{0};  ///< with what the machine and the disk cost it
    std::chrono::microseconds wall_p999{0};     ///< 999 of 1000 turns took no longer; at most an eighth too large
};

/// The daemon's one thread of decisions. Everything is called on the loop thread except post().
class EventLoop {
public:
    virtual ~EventLoop() = default;
    /// Queues `task` for the loop thread. Any thread. False once stop() has begun: the task is destroyed unrun.
    virtual bool post(Task task) = 0;
    virtual std::unique_ptr<Timer> make_timer(std::function<void()> fire) = 0;
    /// `ready(readable, writable)`; starts with the interest given. An error or hang-up counts as all that was asked for: the next read or
    /// write tells which. nullptr when the kernel refuses: a regular file, or no memory.
    virtual std::unique_ptr<FdWatch> watch(int fd, bool readable, bool writable, std::function<void(bool, bool)> ready) = 0;
    virtual const Clock& clock() const = 0;
    /// True on the loop thread: for assertions.
    virtual bool on_loop_thread() const = 0;
    virtual LoopLoad load() const { return {}; }  ///< nothing where nobody measures
};

}  // namespace bkmon::loop

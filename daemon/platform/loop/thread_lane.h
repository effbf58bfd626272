#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "common/base/guarded.h"
#include "common/base/time.h"
#include "daemon/platform/loop/lane.h"

namespace bkmon::loop {

/// A lane with threads of its own. Signals are blocked in them: those belong to the loop thread.
class ThreadLane final : public Lane {
public:
    enum class Priority {
        normal,
        idle,  ///< nice 19 and ioprio idle: only what nobody else wants of processor and disk
    };
    /// `name` is shown by ps and top (the first 15 bytes). At least one thread.
    ThreadLane(const std::string& name, std::size_t threads, Priority priority = Priority::normal);
    /// begin_stop(), then waits for the work that runs: it must heed its stop_token.
    ~ThreadLane() override;

    void run(std::function<void(std::stop_token)> work) override;

    /// Any thread. Queued work is destroyed unrun, running work is asked to stop.
    void begin_stop();
    /// True when no work runs any more, false when some still did after `longest`: the caller then knows that the destructor would hang.
    bool wait_stopped(milliseconds longest);

    std::size_t queued() const;   ///< any thread
    std::size_t running() const;  ///< any thread

private:
    using Work = std::function<void(std::stop_token)>;
    void serve(Priority priority);

    std::stop_source stop_;
    mutable Mutex mutex_;
    Condition work_;  ///< something is queued, or stop has begun
    Condition idle_;  ///< some work has ended
    std::deque<Work> queue_ BKMON_GUARDED_BY(mutex_);
    std::size_t running_ BKMON_GUARDED_BY(mutex_) = 0;
    std::vector<std::thread> threads_;  // constant after construction
};

}  // namespace bkmon::loop

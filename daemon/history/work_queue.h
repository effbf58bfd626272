#pragma once
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

#include "common/base/time.h"

namespace bkmon::history {

/// A queue between the loop and one thread that also tells how long that thread has owed an answer.
template <class Job>
class WorkQueue {
public:
    /// False once close() was called: the job is given back to nobody, the caller still has it.
    bool push(Job& job) {
        std::lock_guard lock(mutex_);
        if (closed_) return false;
        if (jobs_.empty() && !busy_) answered_ = Steady::now();
        jobs_.push_back(std::move(job));
        wake_.notify_one();
        return true;
    }

    /// Waits for work, at most `patience`; takes up to `most`. Empty after a vain wait; nullopt once closed and empty.
    std::optional<std::vector<Job>> take(std::size_t most, milliseconds patience) {
        std::unique_lock lock(mutex_);
        busy_ = false;
        wake_.wait_for(lock, patience, [this] { return closed_ || !jobs_.empty(); });
        if (jobs_.empty() && closed_) return std::nullopt;
        std::vector<Job> taken;
        while (!jobs_.empty() && taken.size() < most) {
            taken.push_back(std::move(jobs_.front()));
            jobs_.pop_front();
        }
        busy_ = !taken.empty();
        return taken;
    }

    /// The thread says that it got on.
    void progress() {
        std::lock_guard lock(mutex_);
        answered_ = Steady::now();
    }

    /// True when nothing is owed, or the thread got on within the time given.
    bool alive(milliseconds within) const {
        std::lock_guard lock(mutex_);
        return (jobs_.empty() && !busy_) || Steady::now() - answered_ <= within;
    }

    void close() {
        std::lock_guard lock(mutex_);
        closed_ = true;
        wake_.notify_one();
    }

    /// What is still queued, for a thread that will not do it any more.
    std::deque<Job> drain() {
        std::lock_guard lock(mutex_);
        return std::exchange(jobs_, {});
    }

private:
    using Steady = std::chrono::steady_clock;
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    // Under mutex_:
    std::deque<Job> jobs_;
    bool busy_ = false, closed_ = false;
    Steady::time_point answered_{};
};

}  // namespace bkmon::history

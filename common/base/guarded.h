#pragma once
#include <chrono>
#include <condition_variable>
#include <mutex>

/// clang proves with these (-Wthread-safety) that what a mutex guards is touched only under it; g++ ignores them.
#if defined(__clang__)
#define BKMON_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define BKMON_THREAD_ATTRIBUTE(x)
#endif
#define BKMON_GUARDED_BY(mutex) BKMON_THREAD_ATTRIBUTE(guarded_by(mutex))
#define BKMON_REQUIRES(mutex) BKMON_THREAD_ATTRIBUTE(requires_capability(mutex))

namespace bkmon {

/// std::mutex, known to the analysis.
class BKMON_THREAD_ATTRIBUTE(capability("mutex")) Mutex {
public:
    void lock() BKMON_THREAD_ATTRIBUTE(acquire_capability()) { mutex_.lock(); }
    void unlock() BKMON_THREAD_ATTRIBUTE(release_capability()) { mutex_.unlock(); }

private:
    std::mutex mutex_;
};

/// Holds a Mutex for a scope.
class BKMON_THREAD_ATTRIBUTE(scoped_lockable) MutexLock {
public:
    explicit MutexLock(Mutex& mutex) BKMON_THREAD_ATTRIBUTE(acquire_capability(mutex)) : mutex_(mutex) { mutex_.lock(); }
    ~MutexLock() BKMON_THREAD_ATTRIBUTE(release_capability()) { mutex_.unlock(); }
    MutexLock(const MutexLock&) = delete;
    MutexLock& operator=(const MutexLock&) = delete;

private:
    Mutex& mutex_;
};

/// Waits in a loop of the caller's, so that the analysis sees the condition being read under the mutex.
class Condition {
public:
    void wait(Mutex& mutex) BKMON_REQUIRES(mutex) { condition_.wait(mutex); }
    /// False when `until` came first.
    bool wait_until(Mutex& mutex, std::chrono::steady_clock::time_point until) BKMON_REQUIRES(mutex) {
        return condition_.wait_until(mutex, until) == std::cv_status::no_timeout;
    }
    void notify_one() { condition_.notify_one(); }
    void notify_all() { condition_.notify_all(); }

private:
    std::condition_variable_any condition_;
};

}  // namespace bkmon

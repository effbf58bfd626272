#include "daemon/platform/loop/thread_lane.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <utility>

namespace bkmon::loop {
namespace {

/// Of the calling thread alone. Where it is not allowed the work is done all the same.
void give_way() {
    constexpr int kWhoProcess = 1, kIdleClass = 3 << 13;  // IOPRIO_WHO_PROCESS, IOPRIO_CLASS_IDLE: no header of glibc has them
    static_cast<void>(::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), 19));
    static_cast<void>(::syscall(SYS_ioprio_set, kWhoProcess, 0, kIdleClass));
}

}  // namespace

ThreadLane::ThreadLane(const std::string& name, std::size_t threads, Priority priority) {
    // A new thread inherits the mask: so no signal can reach it even in its first instant.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (std::size_t i = 0; i < std::max<std::size_t>(threads, 1); ++i) {
        threads_.emplace_back([this, priority] { serve(priority); });
        pthread_setname_np(threads_.back().native_handle(), name.substr(0, 15).c_str());
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

ThreadLane::~ThreadLane() {
    begin_stop();
    for (auto& thread : threads_) thread.join();
}

void ThreadLane::run(Work work) {
    MutexLock lock(mutex_);
    // The refused work is destroyed by the caller's frame, after the lock.
    if (stop_.stop_requested()) return;
    queue_.push_back(std::move(work));
    work_.notify_one();
}

void ThreadLane::begin_stop() {
    stop_.request_stop();    // outside the lock: work may have registered callbacks that call us
    std::deque<Work> unrun;  // destroyed outside the lock as well
    MutexLock lock(mutex_);
    unrun.swap(queue_);
    work_.notify_all();
}

bool ThreadLane::wait_stopped(milliseconds longest) {
    const auto until = std::chrono::steady_clock::now() + longest;
    MutexLock lock(mutex_);
    while (running_ != 0)
        if (!idle_.wait_until(mutex_, until)) return running_ == 0;
    return true;
}

std::size_t ThreadLane::queued() const {
    MutexLock lock(mutex_);
    return queue_.size();
}

std::size_t ThreadLane::running() const {
    MutexLock lock(mutex_);
    return running_;
}

void ThreadLane::serve(Priority priority) {
    if (priority == Priority::idle) give_way();
    for (;;) {
        Work work;
        {
            MutexLock lock(mutex_);
            while (queue_.empty() && !stop_.stop_requested()) work_.wait(mutex_);
            if (stop_.stop_requested()) return;
            work = std::move(queue_.front());
            queue_.pop_front();
            ++running_;
        }
        work(stop_.get_token());
        work = nullptr;  // what it owned goes before the lane calls itself idle
        {
            MutexLock lock(mutex_);
            --running_;
            idle_.notify_all();
        }
    }
}

}  // namespace bkmon::loop

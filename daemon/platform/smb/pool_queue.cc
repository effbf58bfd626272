#include "daemon/platform/smb/pool_queue.h"

#include <algorithm>
#include <cstring>

namespace bkmon::smb {
namespace {

bool same(const Credential& a, const Credential& b) { return a.user == b.user && a.domain == b.domain && a.password == b.password; }

}  // namespace

void wipe(std::string& secret) {
    ::explicit_bzero(secret.data(), secret.size());
    secret.clear();
}

Job::~Job() { wipe(order.credential.password); }

Queue& Waiting::of(const Job& job) {
    for (auto& queue : queues_)
        if (same(queue.credential, job.order.credential)) return queue;
    return queues_.emplace_back(job.order.credential);
}

Queue& Waiting::add(const std::shared_ptr<Job>& job) {
    auto& queue = of(*job);
    job->number = ++next_;
    job->place = queue.jobs.insert(queue.jobs.end(), job);
    job->waiting = true;
    ++count_;
    return queue;
}

void Waiting::add_again(const std::shared_ptr<Job>& job) {
    auto& jobs = of(*job).jobs;
    const auto later = std::find_if(jobs.begin(), jobs.end(), [&](const auto& other) { return other->number > job->number; });
    job->place = jobs.insert(later, job);
    job->waiting = true;
    ++count_;
}

void Waiting::remove(Job& job) {
    job.waiting = false;
    --count_;
    of(job).jobs.erase(job.place);
}

std::shared_ptr<Job> Waiting::take(Queue& queue) {
    auto job = queue.jobs.front();
    queue.jobs.pop_front();
    job->waiting = false;
    --count_;
    return job;
}

Queue* Waiting::neediest() {
    Queue* best = nullptr;
    for (auto& queue : queues_) {
        if (queue.jobs.empty()) continue;
        if (best == nullptr || queue.workers < best->workers ||
            (queue.workers == best->workers && queue.jobs.front()->number < best->jobs.front()->number))
            best = &queue;
    }
    return best;
}

std::shared_ptr<Job> Waiting::oldest() {
    const Queue* best = nullptr;
    for (const auto& queue : queues_)
        if (!queue.jobs.empty() && (best == nullptr || queue.jobs.front()->number < best->jobs.front()->number)) best = &queue;
    return best == nullptr ? nullptr : best->jobs.front();
}

bool Waiting::should_give_way(const Queue& mine, int limit) const {
    if (mine.jobs.empty()) return count_ > 0;
    const auto in_use = std::count_if(queues_.begin(), queues_.end(), [](const Queue& q) { return q.workers > 0 || !q.jobs.empty(); });
    const int share = std::max(1, limit / std::max(1, static_cast<int>(in_use)));
    if (mine.workers <= share) return false;
    return std::any_of(queues_.begin(), queues_.end(), [&](const Queue& q) { return &q != &mine && !q.jobs.empty() && q.workers < share; });
}

void Waiting::forget_unused() {
    queues_.remove_if([](const Queue& queue) { return queue.workers == 0 && queue.jobs.empty(); });
}

}  // namespace bkmon::smb

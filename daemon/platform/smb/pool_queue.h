#pragma once
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "daemon/platform/smb/pool.h"

namespace bkmon::smb {

/// Overwrites before it empties.
void wipe(std::string& secret);

/// An order with whom it is for. Its password is wiped with it.
struct Job {
    Job(Order o, Connection c, std::function<void(Visit)> d) : order(std::move(o)), connection(std::move(c)), done(std::move(d)) {}
    ~Job();
    Job(const Job&) = delete;
    Job& operator=(const Job&) = delete;

    Order order;
    Connection connection;  ///< until it was sent
    std::function<void(Visit)> done;
    std::uint64_t number = 0;  ///< in the order of visit()
    int unread = 0;            ///< workers that went without looking at it
    bool waiting = false;
    std::list<std::shared_ptr<Job>>::iterator place;  ///< while it waits
};

/// Those that wait with one credential, first come, first served; and how many workers were given it. A worker never sees a second credential.
struct Queue {
    explicit Queue(Credential c) : credential(std::move(c)) {}
    ~Queue() { wipe(credential.password); }
    Queue(const Queue&) = delete;
    Queue& operator=(const Queue&) = delete;

    Credential credential;
    std::list<std::shared_ptr<Job>> jobs;
    int workers = 0;
};

/// What waits, by credential.
class Waiting {
public:
    /// Behind all others, or (again) before them.
    Queue& add(const std::shared_ptr<Job>& job);
    void add_again(const std::shared_ptr<Job>& job);
    void remove(Job& job);
    /// The first of `queue`, which has one.
    std::shared_ptr<Job> take(Queue& queue);

    bool empty() const { return count_ == 0; }
    std::size_t size() const { return count_; }
    /// That a new worker would help most: the fewest workers, then the longest wait. nullptr when nothing waits.
    Queue* neediest();
    /// Of those that wait, whoever came first; nullptr when nothing waits.
    std::shared_ptr<Job> oldest();
    /// True when a worker of `mine`, free while all `limit` are there, should go: it has nothing to do and others have, or it has more than
    /// its share and others that wait have less.
    bool should_give_way(const Queue& mine, int limit) const;
    /// Drops the credentials that nobody needs any more.
    void forget_unused();

private:
    Queue& of(const Job& job);
    std::list<Queue> queues_;  // addresses stay
    std::size_t count_ = 0;
    std::uint64_t next_ = 0;
};

}  // namespace bkmon::smb

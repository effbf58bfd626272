#pragma once
#include <functional>
#include <memory>
#include <string>

#include "daemon/platform/loop/event_loop.h"
#include "daemon/platform/smb/connection.h"
#include "daemon/platform/smb/visit.h"
#include "daemon/platform/smb/worker_source.h"

namespace bkmon::smb {

/// Visits servers. Loop thread only. An interface, so that a scan can be tested without any.
class Visitor {
public:
    /// Destroying it gives the visit up (its worker is killed when it has begun); done is then not called.
    class Ticket {
    public:
        virtual ~Ticket() = default;
    };
    virtual ~Visitor() = default;
    /// `connection`: to the order's address and port, for the first thing that is said there, instead of one of its own; none, an old one or one
    /// that has ended costs nothing but that. `done` once, on the loop, never from inside visit().
    virtual std::unique_ptr<Ticket> visit(Order order, Connection connection, std::function<void(Visit)> done) = 0;
    /// How many are done at the same time from now on; workers above it end when they are free.
    virtual void set_workers(int workers, milliseconds deadline) = 0;
};

/// A pool of bkmon-smb-worker processes: started when there is something to do, at most `workers`, one order in flight each, gone when
/// nothing was asked for ten seconds. A worker that dies, talks nonsense or too much costs the visit it had (`worker_crashed`); one that
/// does not answer within `deadline`, which begins when it gets the order, is killed (`timeout`).
/// First come, first served; a worker is never given a second credential, and where several wait each has its share of the workers.
/// A worker that cannot be started, or goes before it reads its order, is tried again after a pause; when that is hopeless for the moment all
/// that wait are told (`internal`). After a first burst of `workers` at most 25 are started in a second, whatever they die of.
/// What `source` keeps for the next worker goes with the last one, and after one that died of a signal: a server that made it do so shall learn
/// nothing by it about the next. `loop` outlives it.
struct PoolOptions {
    int workers = 32;
    milliseconds deadline{std::chrono::seconds(20)};
};
std::unique_ptr<Visitor> make_pool(std::unique_ptr<WorkerSource> source, loop::EventLoop& loop, PoolOptions options);

}  // namespace bkmon::smb

#pragma once
#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "common/base/unique_fd.h"
#include "daemon/platform/loop/child.h"
#include "daemon/platform/loop/event_loop.h"
#include "daemon/platform/smb/worker_source.h"

namespace bkmon::smb {

/// One process of the pool and the socket to it (SOCK_SEQPACKET; the other end is its fd 0). Knows messages, not what they mean.
/// Loop thread only. Destroying it kills the process; nothing is told any more.
class PoolWorker {
public:
    struct Events {
        std::function<void()> readable;                       ///< hear() has something; said again on each turn until it was asked
        std::function<void(const loop::ChildResult&)> ended;  ///< the process is no more and is reaped. It may destroy this
    };
    /// Errors as of WorkerSource::start, and those of socketpair. No event comes from inside.
    static Result<std::unique_ptr<PoolWorker>> start(WorkerSource& source, loop::EventLoop& loop, Events events);

    PoolWorker(const PoolWorker&) = delete;
    PoolWorker& operator=(const PoolWorker&) = delete;

    /// With a copy of `descriptor`, unless that is -1. False when nobody is there to take it.
    bool send(std::string& message, int descriptor);

    struct Nothing {};
    struct HungUp {};
    struct TooLong {};
    using Heard = std::variant<Nothing, HungUp, TooLong, std::string>;
    /// The next message, at most kMaxMessage bytes; never waits. Descriptors that come with one are closed by the kernel.
    Heard hear();
    /// True when it went without having read what was sent to it. Known once hear() said HungUp.
    bool left_unread() const { return left_unread_; }

    /// No more messages; `ended` tells when it is gone.
    void kill();

private:
    PoolWorker() = default;
    Events events_;
    UniqueFd socket_;
    std::unique_ptr<loop::FdWatch> watch_;  // goes before its descriptor
    std::unique_ptr<loop::Child> child_;
    bool left_unread_ = false;
};

/// "died of signal 11 (Segmentation fault)", "ended with code 3: <its last line>". Printable.
std::string how_it_ended(const loop::ChildResult& result);

}  // namespace bkmon::smb

#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/base/unique_fd.h"
#include "daemon/platform/loop/child.h"
#include "daemon/platform/loop/event_loop.h"

namespace bkmon::smb {

/// Where the workers of a pool come from. Loop thread only.
class WorkerSource {
public:
    virtual ~WorkerSource() = default;
    /// A process whose fd 0 is `socket`; it knows nothing else. What comes back may not be born yet: kill() then counts for it, and a failure to make
    /// it is told as its end. `ended` once, on the loop, never from inside start(), and only after `socket` is closed on this side: what was sent to
    /// one that never came is seen to be unread.
    virtual Result<std::unique_ptr<loop::Child>> start(UniqueFd socket, std::function<void(loop::ChildResult)> ended) = 0;
    /// No worker is wanted for a while: nothing is kept for the next one.
    virtual void rest() {}
    /// What comes from now on has nothing in common with those that came before (addresses of memory, canaries).
    virtual void renew() {}
};

/// Each from `executable`, anew. `runner` outlives it.
std::unique_ptr<WorkerSource> make_spawner(loop::ChildRunner& runner, std::string executable);

/// One process of `executable` (argument --nursery) that has loaded the libraries, and makes workers by forking when it is asked: they share what was
/// loaded, and start in a twentieth of the time. They are children of this process (CLONE_PARENT), live on when the nursery dies, and know
/// how they were born from nobody: the nursery is never told an order. It is there while workers are wanted; one that dies, cannot
/// start or says nothing for ten seconds costs those that were asked of it (`ended`), and the next start() has a new one.
/// Where the kernel or the system does not let a process fork so, each worker is started by itself, and `note` says so, once.
std::unique_ptr<WorkerSource> make_nursery(loop::ChildRunner& runner, loop::EventLoop& loop, std::string executable,
                                           std::function<void(const std::string&)> note);

/// The nursery's answer to each descriptor it was sent, in the order of these. With it comes the pidfd. Both ends are of one machine and version.
struct Birth {
    std::int32_t error = 0;  ///< an errno: there is none
    std::int32_t pid = 0;
};

}  // namespace bkmon::smb

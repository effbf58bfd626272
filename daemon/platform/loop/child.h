#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "common/base/unique_fd.h"
#include "daemon/platform/loop/event_loop.h"

namespace bkmon::loop {

struct ChildSpec {
    std::vector<std::string> argv;                                  ///< argv[0] is the path; never through a shell
    std::vector<std::string> env;                                   ///< the whole environment: nothing is inherited
    UniqueFd stdin_fd;                                              ///< what the child reads as fd 0; /dev/null when absent
    std::size_t max_output = 1 << 16;                               ///< stdout beyond this kills the child
    std::optional<milliseconds> deadline{std::chrono::minutes(1)};  ///< then SIGKILL; none: it ends when its owner says so
    bool last_err = false;                                          ///< keep the end of stderr instead of its beginning: for one that lives long
    bool bears = false;  ///< it makes children of this process (CLONE_PARENT): those still in its group are killed and reaped when it ends
};

struct ChildResult {
    int exit_code = -1;  ///< -1 when it died of a signal
    int signal = 0;
    bool timed_out = false;
    bool output_too_long = false;
    std::string out;  ///< stdout
    std::string err;  ///< first 4 KiB of stderr, or the last
    milliseconds elapsed{0};
};

/// A running child. Destroying it kills (SIGKILL) and reaps without blocking the loop; done is then not called.
class Child {
public:
    virtual ~Child() = default;
    virtual void kill() = 0;
    virtual int pid() const = 0;
};

/// Starts children by posix_spawn in a session of their own, all other descriptors closed, signals reset. Loop thread only.
/// An interface so that tests can answer for a child.
class ChildRunner {
public:
    virtual ~ChildRunner() = default;
    /// `done` runs once, on the loop thread, never from inside spawn().
    virtual Result<std::unique_ptr<Child>> spawn(ChildSpec spec, std::function<void(ChildResult)> done) = 0;
    /// A child of this process that another child has made, from now on as if it had been spawned here, without output and deadline. `pidfd`: its
    /// own; without one it is killed. `done` as with spawn(). Errc::invalid when it is no child of ours that waits to be reaped.
    virtual Result<std::unique_ptr<Child>> adopt(int pid, UniqueFd pidfd, std::function<void(ChildResult)> done);
};

inline Result<std::unique_ptr<Child>> ChildRunner::adopt(int, UniqueFd, std::function<void(ChildResult)>) {
    return fail(Errc::unavailable, "children are not adopted here");
}

}  // namespace bkmon::loop

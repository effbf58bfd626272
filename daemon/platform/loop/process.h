#pragma once
#include <memory>

#include "daemon/platform/loop/child.h"

namespace bkmon::loop {

/// Real children: posix_spawn, a pidfd and two pipes on the loop, no SIGCHLD. The child leads a session of its own; when it ends,
/// is killed or runs into its deadline, what it left in its process group is killed with it. SIGCHLD must not be ignored.
/// The loop must outlive the runner; a Child may outlive it.
class ProcessRunner final : public ChildRunner {
public:
    explicit ProcessRunner(EventLoop& loop);
    /// Children whose owners are gone were killed already; those not yet reaped stay zombies until this process ends.
    ~ProcessRunner() override;

    /// Errc::not_found or denied when argv[0] cannot be executed.
    Result<std::unique_ptr<Child>> spawn(ChildSpec spec, std::function<void(ChildResult)> done) override;

    Result<std::unique_ptr<Child>> adopt(int pid, UniqueFd pidfd, std::function<void(ChildResult)> done) override;

    /// Killed children whose end the kernel has not yet reported.
    std::size_t unreaped() const;

private:
    class Graveyard;
    class Process;
    EventLoop& loop_;
    std::shared_ptr<Graveyard> graveyard_;
};

}  // namespace bkmon::loop

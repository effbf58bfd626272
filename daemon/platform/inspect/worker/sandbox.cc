#include "daemon/platform/inspect/worker/sandbox.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/platform/jail/attempts.h"

namespace bkmon::inspect {
namespace {

[[maybe_unused]] constexpr rlim_t kMemory = rlim_t{512} << 20;

Result<void> set_limits(std::uint64_t cpu_seconds) {
    auto done = jail::set_limits({{RLIMIT_CPU, cpu_seconds, cpu_seconds + 5}});
    // Run by hand with the answer into a file, that file must be writable; bkmond gives a pipe.
    struct stat out {};
    if (done && (fstat(STDOUT_FILENO, &out) != 0 || !S_ISREG(out.st_mode))) done = jail::set_limits({{RLIMIT_FSIZE, 0, 0}});
#ifndef BKMON_SANITIZED
    if (done) done = jail::set_limits({{RLIMIT_AS, kMemory, kMemory}, {RLIMIT_NPROC, 0, 0}, {RLIMIT_NOFILE, 3, 3}});
#endif
    return done;
}

Result<void> wall_off_calls() {
    jail::Calls calls;
    calls.allow_living().allow({SCMP_SYS(pread64), SCMP_SYS(lseek), SCMP_SYS(fadvise64)});
    for (unsigned fd : {1U, 2U}) calls.allow(SCMP_SYS(write), {jail::argument(0, SCMP_CMP_EQ, fd)});
    return calls.load();
}

}  // namespace

Result<jail::State> enter_sandbox(std::uint64_t cpu_seconds, jail::Walls walls) {
    if (auto done = jail::harden(); !done) return fail(std::move(done.error()));
    closefrom(3);
    return jail::put_up(
        walls, false, [&] { return set_limits(cpu_seconds); }, wall_off_calls);
}

bool sandbox_holds(const jail::State& state, std::string& report) {
    close(0);  // the limit of descriptors would forbid an open by itself: with room, the walls must do it
    jail::Attempts attempts(state);
    attempts.usual("/tmp/bkmon-inspect-self-test");
    attempts.made("socket", socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return attempts.all_failed(report);
}

}  // namespace bkmon::inspect

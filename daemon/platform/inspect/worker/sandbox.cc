#include "daemon/platform/inspect/worker/sandbox.h"

#include <fcntl.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "common/base/json_writer.h"
#include "common/base/unique_fd.h"

namespace bkmon::inspect {
namespace {

[[maybe_unused]] constexpr rlim_t kMemory = rlim_t{512} << 20;

bool limit(__rlimit_resource what, rlim_t soft, rlim_t hard) {
    const rlimit l{soft, hard};
    return setrlimit(what, &l) == 0;
}

Result<void> set_limits(std::uint64_t cpu_seconds) {
    bool ok = limit(RLIMIT_CPU, cpu_seconds, cpu_seconds + 5) && limit(RLIMIT_CORE, 0, 0);
    // Run by hand with the answer into a file, that file must be writable; bkmond gives a pipe.
    struct stat out {};
    if (fstat(STDOUT_FILENO, &out) != 0 || !S_ISREG(out.st_mode)) ok = ok && limit(RLIMIT_FSIZE, 0, 0);
#ifndef BKMON_SANITIZED
    ok = ok && limit(RLIMIT_AS, kMemory, kMemory) && limit(RLIMIT_NPROC, 0, 0) && limit(RLIMIT_NOFILE, 3, 3);
#endif
    if (!ok) return sys_fail("setrlimit", errno);
    return {};
}

// linux/landlock.h of the running kernel may know more than the one that is installed: the numbers are those of the kernel's interface.
struct LandlockRuleset {
    std::uint64_t fs, net, scoped;
};
constexpr std::array<unsigned, 8> kFsRightsOfAbi{0, 13, 14, 15, 15, 16, 16, 16};

/// A ruleset without any rule: nothing that it handles is allowed. False where the kernel has no Landlock.
Result<bool> wall_off_files() {
    const long abi = syscall(SYS_landlock_create_ruleset, nullptr, 0, 1U);
    if (abi <= 0) return false;
    const auto known = static_cast<std::size_t>(abi) < kFsRightsOfAbi.size() ? static_cast<std::size_t>(abi) : kFsRightsOfAbi.size() - 1;
    LandlockRuleset all{(std::uint64_t{1} << kFsRightsOfAbi[known]) - 1, abi >= 4 ? 3U : 0U, abi >= 6 ? 3U : 0U};
    const std::size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
    const UniqueFd ruleset(static_cast<int>(syscall(SYS_landlock_create_ruleset, &all, size, 0U)));
    if (!ruleset) return sys_fail("landlock_create_ruleset", errno);
    if (syscall(SYS_landlock_restrict_self, ruleset.get(), 0U) != 0) return sys_fail("landlock_restrict_self", errno);
    return true;
}

/// What SCMP_A0 … are, without C's compound literals. With MASKED_EQ: the masked value must be 0.
scmp_arg_cmp argument(unsigned n, scmp_compare op, scmp_datum_t value) { return {n, op, value, 0}; }

Result<void> wall_off_calls() {
    auto* filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (filter == nullptr) return fail(Errc::internal, "seccomp_init");
    struct Release {
        scmp_filter_ctx f;
        ~Release() { seccomp_release(f); }
    } release{filter};
    int bad = 0;
    for (int call : {SCMP_SYS(read),
                     SCMP_SYS(pread64),
                     SCMP_SYS(lseek),
                     SCMP_SYS(fstat),
                     SCMP_SYS(brk),
                     SCMP_SYS(munmap),
                     SCMP_SYS(mremap),
                     SCMP_SYS(madvise),
                     SCMP_SYS(exit),
                     SCMP_SYS(exit_group),
                     SCMP_SYS(clock_gettime),
                     SCMP_SYS(gettimeofday),
                     SCMP_SYS(rt_sigreturn),
                     SCMP_SYS(rt_sigprocmask),
                     SCMP_SYS(rt_sigaction),
                     SCMP_SYS(sigaltstack),
                     SCMP_SYS(futex),
                     SCMP_SYS(getrandom),
                     SCMP_SYS(fadvise64),
                     SCMP_SYS(close),
                     SCMP_SYS(getpid),
                     SCMP_SYS(gettid),
                     SCMP_SYS(sched_yield),
                     SCMP_SYS(restart_syscall),
                     SCMP_SYS(clock_nanosleep)})
        bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
    for (unsigned fd : {1U, 2U}) bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(write), 1, argument(0, SCMP_CMP_EQ, fd));
    for (int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)})
        bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1, argument(2, SCMP_CMP_MASKED_EQ, PROT_EXEC));
#ifdef BKMON_SANITIZED
    // The sanitizers find out through a pipe whether memory may be read.
    for (int call : {SCMP_SYS(pipe), SCMP_SYS(pipe2), SCMP_SYS(write)}) bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
#endif
    // A signal to itself alone: abort() after a broken assumption should look like one.
    bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, argument(0, SCMP_CMP_EQ, static_cast<scmp_datum_t>(getpid())));
    if (bad != 0) return fail(Errc::internal, "seccomp_rule_add");
    if (const int rc = seccomp_load(filter); rc != 0) return sys_fail("seccomp_load", -rc);
    return {};
}

const char* name_of_errno(int e) {
    const char* name = strerrorname_np(e);
    return name != nullptr ? name : "?";
}

}  // namespace

Result<SandboxState> enter_sandbox(std::uint64_t cpu_seconds, Walls walls) {
    SandboxState state;
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return sys_fail("prctl", errno);
    closefrom(3);
    if (walls.landlock) {
        auto done = wall_off_files();
        if (!done) return fail(std::move(done.error()));
        state.landlock = *done;
    }
    if (auto done = set_limits(cpu_seconds); !done) return fail(std::move(done.error()));
    if (walls.seccomp) {
        if (auto done = wall_off_calls(); !done) return fail(std::move(done.error()));
        state.seccomp = true;
    }
    return state;
}

bool sandbox_holds(const SandboxState& state, std::string& report) {
    JsonWriter w;
    bool all = true;
    w.begin_object().field("landlock", state.landlock).field("seccomp", state.seccomp);
    const auto attempt = [&](const char* what, long result) {
        all = all && result < 0;
        w.field(what, result < 0 ? name_of_errno(errno) : "allowed");
    };
    close(0);  // the limit of descriptors would forbid an open by itself: with room, the walls must do it
    attempt("open", open("/etc/passwd", O_RDONLY | O_CLOEXEC));
    attempt("open_directory", open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    attempt("create", open("/tmp/bkmon-inspect-self-test", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    attempt("socket", socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    attempt("unix_socket", socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const long child = syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr);
    if (child == 0) _exit(0);
    attempt("fork", child);
    attempt("exec", execl("/bin/true", "true", nullptr));
    attempt("signal_parent", syscall(SYS_kill, getppid(), 0));
    auto* executable = mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    attempt("executable_memory", executable == MAP_FAILED ? -1 : 0);
    w.end_object();
    report = w.take();
    return all;
}

}  // namespace bkmon::inspect

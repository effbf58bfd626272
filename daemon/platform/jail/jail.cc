#include "daemon/platform/jail/jail.h"

#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/base/unique_fd.h"

namespace bkmon::jail {
namespace {

// linux/landlock.h of the running kernel may know more than the one that is installed: the numbers are those of the kernel's interface.
struct LandlockRuleset {
    std::uint64_t fs, net, scoped;
};
constexpr std::array<unsigned, 8> kFsRightsOfAbi{0, 13, 14, 15, 15, 16, 16, 16};
constexpr std::uint64_t kBindTcp = 1, kConnectTcp = 2, kAbstractSocketsAndSignals = 3;

}  // namespace

Result<void> harden() {
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return sys_fail("prctl", errno);
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    const std::array<__user_cap_data_struct, 2> none{};
    // bkmond's unit does not permit the call to anybody: the other walls stand without it, and no file can be opened behind them.
    if (syscall(SYS_capset, &header, none.data()) != 0 && errno != EPERM) return sys_fail("capset", errno);
    return set_limits({{RLIMIT_CORE, 0, 0}});
}

Result<void> set_limits(std::initializer_list<Limit> limits) {
    for (const auto& limit : limits) {
        const rlimit l{limit.soft, limit.hard};
        if (setrlimit(limit.what, &l) != 0) return sys_fail("setrlimit", errno);
    }
    return {};
}

Result<bool> wall_off_files(bool connects) {
    const long abi = syscall(SYS_landlock_create_ruleset, nullptr, 0, 1U);
    if (abi <= 0) return false;
    const auto known = static_cast<std::size_t>(abi) < kFsRightsOfAbi.size() ? static_cast<std::size_t>(abi) : kFsRightsOfAbi.size() - 1;
    LandlockRuleset all{(std::uint64_t{1} << kFsRightsOfAbi[known]) - 1, abi >= 4 ? (connects ? kBindTcp : kBindTcp | kConnectTcp) : 0,
                        abi >= 6 ? kAbstractSocketsAndSignals : 0};
    const std::size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
    const UniqueFd ruleset(static_cast<int>(syscall(SYS_landlock_create_ruleset, &all, size, 0U)));
    if (!ruleset) return sys_fail("landlock_create_ruleset", errno);
    if (syscall(SYS_landlock_restrict_self, ruleset.get(), 0U) != 0) return sys_fail("landlock_restrict_self", errno);
    return true;
}

Calls::Calls() : filter_(seccomp_init(SCMP_ACT_ERRNO(EPERM))) {}
Calls::~Calls() {
    if (filter_ != nullptr) seccomp_release(filter_);
}

Calls& Calls::allow(std::initializer_list<int> calls) {
    for (const int call : calls) bad_ |= filter_ == nullptr ? -1 : seccomp_rule_add(filter_, SCMP_ACT_ALLOW, call, 0);
    return *this;
}

Calls& Calls::allow(int call, std::initializer_list<scmp_arg_cmp> arguments) {
    bad_ |=
        filter_ == nullptr ? -1 : seccomp_rule_add_array(filter_, SCMP_ACT_ALLOW, call, static_cast<unsigned>(arguments.size()), arguments.begin());
    return *this;
}

Calls& Calls::allow_living() {
    allow({SCMP_SYS(read),           SCMP_SYS(fstat),        SCMP_SYS(brk),
           SCMP_SYS(munmap),         SCMP_SYS(mremap),       SCMP_SYS(madvise),
           SCMP_SYS(exit),           SCMP_SYS(exit_group),   SCMP_SYS(clock_gettime),
           SCMP_SYS(gettimeofday),   SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask),
           SCMP_SYS(rt_sigaction),   SCMP_SYS(sigaltstack),  SCMP_SYS(futex),
           SCMP_SYS(getrandom),      SCMP_SYS(close),        SCMP_SYS(getpid),
           SCMP_SYS(gettid),         SCMP_SYS(sched_yield),  SCMP_SYS(restart_syscall),
           SCMP_SYS(clock_nanosleep)});
    for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)}) allow(call, {argument(2, SCMP_CMP_MASKED_EQ, PROT_EXEC)});
#ifdef BKMON_SANITIZED
    // The sanitizers find out through a pipe whether memory may be read.
    allow({SCMP_SYS(pipe), SCMP_SYS(pipe2), SCMP_SYS(write)});
#endif
    // A signal to itself alone: abort() after a broken assumption should look like one.
    return allow(SCMP_SYS(tgkill), {argument(0, SCMP_CMP_EQ, static_cast<scmp_datum_t>(getpid()))});
}

Result<void> Calls::load() {
    if (bad_ != 0) return fail(Errc::internal, "seccomp_rule_add");
    if (const int rc = seccomp_load(filter_); rc != 0) return sys_fail("seccomp_load", -rc);
    return {};
}

Result<State> put_up(Walls walls, bool connects, const std::function<Result<void>()>& limits, const std::function<Result<void>()>& calls) {
    State state;
    if (walls.landlock) {
        auto done = wall_off_files(connects);
        if (!done) return fail(std::move(done.error()));
        state.landlock = *done;
    }
    if (auto done = limits(); !done) return fail(std::move(done.error()));
    if (walls.seccomp) {
        if (auto done = calls(); !done) return fail(std::move(done.error()));
        state.seccomp = true;
    }
    return state;
}

}  // namespace bkmon::jail

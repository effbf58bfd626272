#include "daemon/platform/smb/worker/client/sandbox.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "common/base/unique_fd.h"
#include "daemon/platform/jail/attempts.h"
#include "daemon/platform/smb/worker/client/hooks.h"
#include "daemon/platform/smb/worker/nursery.h"

namespace bkmon::smb::client {
namespace {

// 200,000 entries of a folder are some 100 MiB in the library, and its shared objects take their part of the address space.
[[maybe_unused]] constexpr rlim_t kMemory = rlim_t{512} << 20;
[[maybe_unused]] constexpr rlim_t kDescriptors = 64;
constexpr scmp_datum_t kSocketFlags = SOCK_CLOEXEC | SOCK_NONBLOCK;

Result<void> set_limits(bool writes_file) {
    Result<void> done;
    if (!writes_file) done = jail::set_limits({{RLIMIT_FSIZE, 0, 0}});
#ifndef BKMON_SANITIZED
    if (done) done = jail::set_limits({{RLIMIT_AS, kMemory, kMemory}, {RLIMIT_NPROC, 0, 0}, {RLIMIT_NOFILE, kDescriptors, kDescriptors}});
#endif
    return done;
}

Result<void> wall_off_calls(bool makes_workers = false) {
    jail::Calls calls;
    if (makes_workers) {
        calls.allow({SCMP_SYS(dup2), SCMP_SYS(pipe2), SCMP_SYS(setsid), SCMP_SYS(getppid), SCMP_SYS(close_range)});
        // What a worker shuts itself in with; and a signal to itself, whatever its number is.
        calls.allow({SCMP_SYS(prctl), SCMP_SYS(seccomp), SCMP_SYS(capset), SCMP_SYS(setrlimit), SCMP_SYS(prlimit64), SCMP_SYS(tgkill),
                     SCMP_SYS(landlock_create_ruleset), SCMP_SYS(landlock_restrict_self)});
        calls.allow(SCMP_SYS(clone), {jail::argument(0, SCMP_CMP_EQ, nursery_clone_flags())});
    }
    calls.allow_living().allow({SCMP_SYS(write),         SCMP_SYS(readv),        SCMP_SYS(writev),      SCMP_SYS(recvfrom),   SCMP_SYS(sendto),
                                SCMP_SYS(recvmsg),       SCMP_SYS(sendmsg),      SCMP_SYS(connect),     SCMP_SYS(shutdown),   SCMP_SYS(getsockopt),
                                SCMP_SYS(setsockopt),    SCMP_SYS(getsockname),  SCMP_SYS(getpeername), SCMP_SYS(poll),       SCMP_SYS(ppoll),
                                SCMP_SYS(epoll_create1), SCMP_SYS(epoll_create), SCMP_SYS(epoll_ctl),   SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait),
                                SCMP_SYS(dup3),          SCMP_SYS(getuid),       SCMP_SYS(geteuid),     SCMP_SYS(getgid),     SCMP_SYS(getegid),
                                SCMP_SYS(lseek)});
    for (const scmp_datum_t family : {AF_INET, AF_INET6})
        calls.allow(SCMP_SYS(socket), {jail::argument(0, SCMP_CMP_EQ, family), jail::argument(1, SCMP_CMP_MASKED_EQ, ~kSocketFlags, SOCK_STREAM)});
    for (const scmp_datum_t what : {F_GETFD, F_SETFD, F_GETFL, F_SETFL}) calls.allow(SCMP_SYS(fcntl), {jail::argument(1, SCMP_CMP_EQ, what)});
    for (const scmp_datum_t what : {FIONREAD, FIONBIO}) calls.allow(SCMP_SYS(ioctl), {jail::argument(1, SCMP_CMP_EQ, what)});
    return calls.load();
}

Result<void> lead_nowhere() {
    const UniqueFd nowhere(open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!nowhere || dup2(nowhere.get(), STDOUT_FILENO) < 0 || dup2(nowhere.get(), STDERR_FILENO) < 0) return sys_fail("/dev/null", errno);
    return {};
}

Result<jail::State> shut_in(jail::Walls walls, bool writes_file) {
    if (auto done = jail::harden(); !done) return fail(std::move(done.error()));
    return jail::put_up(
        walls, true, [&] { return set_limits(writes_file); }, [] { return wall_off_calls(); });
}

}  // namespace

Result<jail::State> enter_sandbox(jail::Walls walls) {
    // A report by hand may go into a file.
    struct stat out {};
    const bool writes_file = fstat(STDOUT_FILENO, &out) == 0 && S_ISREG(out.st_mode);
    if (auto done = lead_nowhere(); !done) return fail(std::move(done.error()));
    return shut_in(walls, writes_file);
}

Result<void> enter_nursery() {
    if (auto done = lead_nowhere(); !done) return done;
    if (auto done = jail::harden(); !done) return done;
    const auto limits = [] {
        auto done = jail::set_limits({{RLIMIT_FSIZE, 0, 0}});
#ifndef BKMON_SANITIZED
        if (done) done = jail::set_limits({{RLIMIT_AS, kMemory, kMemory}});
#endif
        return done;
    };
    const auto walled = jail::put_up({}, true, limits, [] { return wall_off_calls(true); });
    return walled ? Result<void>() : Result<void>(fail(walled.error()));
}

Result<jail::State> enter_sandbox_in_nursery() { return shut_in({}, false); }

bool sandbox_holds(const jail::State& state, std::string& report) {
    jail::Attempts attempts(state);
    attempts.report().field("missing_hooks", missing_hooks());
    attempts.made("udp_socket", socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    attempts.made("raw_socket", socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_TCP));
    attempts.made("netlink_socket", socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0));
    const UniqueFd tcp(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto* address = reinterpret_cast<const sockaddr*>(&here);
    attempts.made("bind", bind(tcp.get(), address, sizeof here));
    attempts.made("listen", listen(tcp.get(), 1));
    here.sin_port = htons(9);
    attempts.made("connect_elsewhere", connect(tcp.get(), address, sizeof here));
    attempts.usual("/tmp/bkmon-smb-worker-probe");
    return attempts.all_failed(report);
}

}  // namespace bkmon::smb::client

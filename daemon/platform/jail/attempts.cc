#include "daemon/platform/jail/attempts.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "common/base/unique_fd.h"

namespace bkmon::jail {
namespace {

/// "EPERM".
const char* name_of_errno(int e) {
    const char* name = strerrorname_np(e);
    return name != nullptr ? name : "?";
}

}  // namespace

Attempts::Attempts(const State& state) { report_.begin_object().field("landlock", state.landlock).field("seccomp", state.seccomp); }

void Attempts::made(const char* what, long result) {
    all_ = all_ && result < 0;
    report_.field(what, result < 0 ? name_of_errno(errno) : "allowed");
}

void Attempts::usual(const char* file) {
    made("open", open("/etc/passwd", O_RDONLY | O_CLOEXEC));
    made("open_directory", open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const UniqueFd created(open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    made("create", created.get());
    if (created) unlink(file);  // no wall: then it leaves nothing behind at least
    made("unix_socket", socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const long child = syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr);
    if (child == 0) _exit(0);
    made("fork", child);
    made("exec", execl("/bin/true", "true", nullptr));
    made("signal_parent", syscall(SYS_kill, getppid(), 0));
    auto* executable = mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    made("executable_memory", executable == MAP_FAILED ? -1 : 0);
}

bool Attempts::all_failed(std::string& report) {
    report_.end_object();
    report = report_.take();
    return all_;
}

}  // namespace bkmon::jail

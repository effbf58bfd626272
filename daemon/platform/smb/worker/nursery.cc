#include "daemon/platform/smb/worker/nursery.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "common/base/unique_fd.h"
#include "daemon/platform/smb/envelope.h"
#include "daemon/platform/smb/worker_source.h"

namespace bkmon::smb {
namespace {

constexpr int kSocket = 0;

/// Where the C library keeps the number of this thread: it told the kernel to clear it at its end. Null where the kernel does not say.
int* place_of_thread_number() {
    int* place = nullptr;
    return prctl(PR_GET_TID_ADDRESS, &place) == 0 ? place : nullptr;
}

/// As fork(), but the child is the parent's child. The signal of its end is that of this process, SIGCHLD.
long fork_sibling(UniqueFd& pidfd) {
    auto* const place = place_of_thread_number();
    if (place == nullptr) {
        errno = ENOSYS;
        return -1;
    }
    int fd = -1;
    // Of the last two, which processors take in different order, one is the place and the other does not count.
    const long pid = syscall(SYS_clone, nursery_clone_flags(), nullptr, &fd, place, place);
    if (pid > 0) pidfd.reset(fd);
    return pid;
}

/// In the copy. Never comes back.
[[noreturn]] void live(UniqueFd socket, UniqueFd go, pid_t parent, const std::function<int()>& worker) {
    char word = 0;
    if (read(go.get(), &word, 1) != 1) _exit(0);  // nobody knows of it
    if (dup2(socket.get(), kSocket) < 0) _exit(1);
    closefrom(3);
    setsid();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(0);  // which had gone before
    _exit(worker());
}

class Room {
public:
    Room(const std::function<bool()>& may_fork, const std::function<int()>& worker) : may_fork_(may_fork), worker_(worker), parent_(getppid()) {}

    bool answer(UniqueFd socket) {
        std::array<int, 2> ends{};
        UniqueFd pidfd;
        if (!socket) return say({EPROTO, 0}, -1);
        if (!may_fork_()) return say({ENOSYS, 0}, -1);
        if (pipe2(ends.data(), O_CLOEXEC) != 0) return say({errno, 0}, -1);
        UniqueFd go(ends[0]), tell(ends[1]);
        const long pid = fork_sibling(pidfd);
        if (pid < 0) return say({errno, 0}, -1);
        if (pid == 0) {
            tell.reset();
            live(std::move(socket), std::move(go), parent_, worker_);
        }
        // Its end of the socket is the only one when its end is heard of.
        socket.reset();
        go.reset();
        if (!say({0, static_cast<std::int32_t>(pid)}, pidfd.get())) return false;
        const char word = 1;
        static_cast<void>(!write(tell.get(), &word, 1));  // dead already? Who has the pidfd will see
        return true;
    }

private:
    static bool say(Birth birth, int pidfd) { return send_with(kSocket, &birth, sizeof birth, pidfd) == sizeof birth; }

    const std::function<bool()>& may_fork_;
    const std::function<int()>& worker_;
    pid_t parent_;
};

}  // namespace

unsigned long nursery_clone_flags() { return CLONE_PARENT | CLONE_PIDFD | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD; }

int run_nursery(const std::function<bool()>& may_fork, const std::function<int()>& worker) {
    Room room(may_fork, worker);
    for (;;) {
        char please = 0;
        UniqueFd socket;
        const auto n = receive_with(kSocket, &please, sizeof please, socket);
        if (n == 0) return 0;
        if (n < 0 || !room.answer(std::move(socket))) return 1;
    }
}

}  // namespace bkmon::smb

#include "ctl/commands/interrupt.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

namespace bkmon::ctl {

namespace {

std::atomic<int> wake_fd{-1};
static_assert(std::atomic<int>::is_always_lock_free, "it is read in a signal handler");

extern "C" void on_signal(int) {
    const int saved = errno;
    const char byte = 1;
    if (const int fd = wake_fd.load(); fd >= 0) {
        const ssize_t n = ::write(fd, &byte, 1);
        static_cast<void>(n);  // a full pipe says the same
    }
    errno = saved;
}

}  // namespace

Interrupt::Interrupt() {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0) {
        reading_.reset(ends[0]);
        writing_.reset(ends[1]);
    }
    wake_fd = writing_.get();
    struct sigaction action {};
    action.sa_handler = on_signal;
    ::sigaction(SIGINT, &action, &old_int_);
    ::sigaction(SIGTERM, &action, &old_term_);
}

Interrupt::~Interrupt() {
    ::sigaction(SIGINT, &old_int_, nullptr);
    ::sigaction(SIGTERM, &old_term_, nullptr);
    wake_fd = -1;
}

bool Interrupt::wait(milliseconds time) const {
    const BootTime end = system_clock().boot() + time;
    for (milliseconds left = time; left.count() > 0; left = end - system_clock().boot()) {
        pollfd watched{reading_.get(), POLLIN, 0};
        if (::poll(&watched, 1, static_cast<int>(left.count())) > 0) return true;
    }
    return false;
}

}  // namespace bkmon::ctl

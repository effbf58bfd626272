#include "daemon/platform/loop/signal_watch.h"

#include <pthread.h>
#include <sys/signalfd.h>

#include <cerrno>
#include <csignal>
#include <utility>

namespace bkmon::loop {

Result<std::unique_ptr<SignalWatch>> SignalWatch::create(EventLoop& loop, std::initializer_list<int> signals, std::function<void(int, int)> caught) {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : signals) sigaddset(&set, signal);
    if (const int rc = pthread_sigmask(SIG_BLOCK, &set, nullptr); rc != 0) return sys_fail("block signals", rc);
    std::unique_ptr<SignalWatch> self(new SignalWatch);
    self->caught_ = std::make_shared<std::function<void(int, int)>>(std::move(caught));
    self->fd_.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!self->fd_) return sys_fail("signalfd", errno);
    self->watch_ = loop.watch(self->fd_.get(), true, false, [raw = self.get()](bool, bool) { raw->read_one(); });
    if (!self->watch_) return fail(Errc::unavailable, "signalfd: epoll refused it");
    return self;
}

void SignalWatch::read_one() {
    // One a turn: epoll comes again while there are more, and the callback may have destroyed us.
    signalfd_siginfo info{};
    if (::read(fd_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return;
    const auto keep = caught_;
    (*keep)(static_cast<int>(info.ssi_signo), static_cast<int>(info.ssi_pid));
}

}  // namespace bkmon::loop

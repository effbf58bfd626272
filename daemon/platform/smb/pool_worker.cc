#include "daemon/platform/smb/pool_worker.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "common/base/text.h"
#include "daemon/platform/smb/envelope.h"
#include "daemon/platform/smb/visit.h"

namespace bkmon::smb {
namespace {

struct Ends {
    UniqueFd ours, theirs;
};

/// Ours does not block, the worker's does.
Result<Ends> make_ends() {
    std::array<int, 2> fds{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds.data()) != 0) return sys_fail("socketpair", errno);
    Ends ends{UniqueFd(fds[0]), UniqueFd(fds[1])};
    if (::fcntl(ends.ours.get(), F_SETFL, O_NONBLOCK) != 0) return sys_fail("socketpair", errno);
    return ends;
}

std::string last_line(const std::string& text) {
    const auto lines = split(trim(text), '\n');
    return printable(lines.back(), 200);
}

}  // namespace

Result<std::unique_ptr<PoolWorker>> PoolWorker::start(WorkerSource& source, loop::EventLoop& loop, Events events) {
    auto ends = make_ends();
    if (!ends) return fail(std::move(ends.error()));
    std::unique_ptr<PoolWorker> worker(new PoolWorker);
    auto* const self = worker.get();
    self->events_ = std::move(events);
    self->socket_ = std::move(ends->ours);
    self->watch_ = loop.watch(self->socket_.get(), true, false, [self](bool, bool) { self->events_.readable(); });
    if (!self->watch_) return fail(Errc::unavailable, "epoll refused the worker's socket");
    auto child = source.start(std::move(ends->theirs), [self](const loop::ChildResult& result) {
        const auto ended = self->events_.ended;  // outlives what it destroys
        ended(result);
    });
    if (!child) return fail(std::move(child.error()));
    self->child_ = std::move(*child);
    return worker;
}

bool PoolWorker::send(std::string& message, int descriptor) {
    if (send_with(socket_.get(), message.data(), message.size(), descriptor) >= 0) return true;
    // Too many descriptors are on their way just now: then without.
    return errno == ETOOMANYREFS && descriptor >= 0 && send_with(socket_.get(), message.data(), message.size(), -1) >= 0;
}

PoolWorker::Heard PoolWorker::hear() {
    if (!socket_) return HungUp{};
    static thread_local std::array<char, kMaxMessage> buffer;
    for (;;) {
        // Without room for control data: descriptors that were sent along never become ours.
        const auto n = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_TRUNC);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return Nothing{};
        // The kernel says ECONNRESET, once, when the other end was closed with something unread.
        if (n < 0 && errno == ECONNRESET) left_unread_ = true;
        if (n <= 0) return HungUp{};  // an empty message, too, is no message
        const auto size = static_cast<std::size_t>(n);
        if (size > buffer.size()) return TooLong{};
        return std::string(buffer.data(), size);
    }
}

void PoolWorker::kill() {
    child_->kill();
    watch_.reset();
    socket_.reset();
}

std::string how_it_ended(const loop::ChildResult& result) {
    auto text = result.output_too_long ? std::string("printed too much")
                : result.signal != 0   ? fmt::format("died of signal {} ({})", result.signal, strsignal(result.signal))
                                       : fmt::format("ended with code {}", result.exit_code);
    auto line = last_line(result.err);
    if (line.empty()) line = last_line(result.out);  // where Samba writes why it gives up
    if (!line.empty()) text += ": " + line;
    return text;
}

}  // namespace bkmon::smb

#include "daemon/platform/service/notify.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/text.h"

namespace bkmon::service {
namespace {

constexpr std::size_t kMostWaiting = 64;
constexpr std::string_view kStatus = "STATUS=";

std::int64_t monotonic_us() {
    timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return std::int64_t{t.tv_sec} * 1'000'000 + t.tv_nsec / 1000;
}

}  // namespace

std::unique_ptr<Notifier> Notifier::from_environment() {
    std::unique_ptr<Notifier> self(new Notifier);
    std::uint64_t watchdog_us = 0;
    if (::sd_watchdog_enabled(1, &watchdog_us) > 0) self->watchdog_interval_ = milliseconds(watchdog_us / 1000);
    const char* const value = std::getenv("NOTIFY_SOCKET");
    std::string address = value != nullptr ? value : "";
    ::unsetenv("NOTIFY_SOCKET");
    // A path, or '@' and the name of an abstract socket, which the kernel spells with a leading zero byte.
    const bool usable = address.size() > 1 && (address.front() == '/' || address.front() == '@') && address.size() < sizeof(sockaddr_un::sun_path);
    if (!usable) return self;
    if (address.front() == '@') address.front() = '\0';
    self->address_ = std::move(address);
    self->socket_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    return self;
}

// sd_notify() itself would wait for a manager that does not read; the protocol is one datagram of lines.
bool Notifier::try_send(const std::string& message) const {
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    std::memcpy(to.sun_path, address_.data(), address_.size());
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
    // What fails for another reason than a full queue will not do better later.
    return ::sendto(socket_.get(), message.data(), message.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&to), length) >= 0 ||
           (errno != EAGAIN && errno != ENOBUFS && errno != EINTR);
}

bool Notifier::send_waiting() {
    while (!waiting_.empty() && try_send(waiting_.front())) waiting_.pop_front();
    return waiting_.empty();
}

void Notifier::send(std::string message) {
    if (!socket_ || (send_waiting() && try_send(message))) return;
    if (message.starts_with(kStatus)) std::erase_if(waiting_, [](const std::string& m) { return m.starts_with(kStatus); });
    if (waiting_.size() < kMostWaiting) waiting_.push_back(std::move(message));
}

void Notifier::ready(std::string_view status_line) {
    send("READY=1\n");
    if (!status_line.empty()) status(status_line);
}

void Notifier::status(std::string_view line) { send(fmt::format("{}{}\n", kStatus, printable(line))); }
void Notifier::reloading() { send(fmt::format("RELOADING=1\nMONOTONIC_USEC={}\n", monotonic_us())); }
void Notifier::stopping() { send("STOPPING=1\n"); }
void Notifier::extend_timeout(milliseconds d) { send(fmt::format("EXTEND_TIMEOUT_USEC={}\n", std::max(d, milliseconds(0)).count() * 1000)); }

void Notifier::watchdog() {
    if (socket_ && send_waiting()) static_cast<void>(try_send("WATCHDOG=1\n"));
}

bool Notifier::flush(milliseconds longest) {
    const auto until = std::chrono::steady_clock::now() + longest;
    while (!send_waiting()) {
        if (std::chrono::steady_clock::now() >= until) return false;
        std::this_thread::sleep_for(milliseconds(5));
    }
    return true;
}

Result<UniqueFd> take_listen_socket(std::string_view name) {
    char** names = nullptr;
    const int count = ::sd_listen_fds_with_names(1, &names);
    if (count < 0) return sys_fail("sockets passed by the service manager", -count);
    std::vector<UniqueFd> wanted;
    for (int i = 0; i < count; ++i) {
        UniqueFd fd(SD_LISTEN_FDS_START + i);
        if (names != nullptr && name == names[i]) wanted.push_back(std::move(fd));
    }
    for (char** n = names; n != nullptr && *n != nullptr; ++n) std::free(*n);
    std::free(names);
    if (wanted.empty()) return UniqueFd();
    if (wanted.size() > 1)
        return fail(Errc::invalid,
                    fmt::format("the service manager passed {} sockets named '{}': one ListenStream= is expected", wanted.size(), name));
    if (::sd_is_socket_unix(wanted[0].get(), SOCK_STREAM, 1, nullptr, 0) <= 0)
        return fail(Errc::invalid, fmt::format("what the service manager passed as '{}' is no listening Unix stream socket", name));
    return std::move(wanted[0]);
}

}  // namespace bkmon::service

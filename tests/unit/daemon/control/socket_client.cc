#include "tests/unit/daemon/control/socket_client.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstring>
#include <vector>

namespace bkmon::test {

SocketClient::SocketClient(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof address.sun_path - 1));
    if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fd_.reset();
}

std::size_t SocketClient::send(std::string_view bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
        const auto n = ::send(fd_.get(), bytes.data() + sent, bytes.size() - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n <= 0) break;
        sent += static_cast<std::size_t>(n);
    }
    return sent;
}

void SocketClient::send_with_fd(std::string_view bytes, int fd) {
    iovec part{const_cast<char*>(bytes.data()), bytes.size()};  // NOLINT: sendmsg reads it
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(c), &fd, sizeof fd);
    static_cast<void>(::sendmsg(fd_.get(), &message, MSG_NOSIGNAL));
}

void SocketClient::end_sending() { ::shutdown(fd_.get(), SHUT_WR); }

void SocketClient::read() {
    std::vector<char> bytes(1 << 16);
    for (;;) {
        const auto n = ::recv(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (n > 0) {
            static_cast<void>(in_.append({bytes.data(), static_cast<std::size_t>(n)}));
            continue;
        }
        if (n == 0 || (errno != EAGAIN && errno != EINTR)) end_ = true;
        return;
    }
}

std::optional<protocol::ReplyFrame> SocketClient::reply() {
    if (!in_.has_frame()) read();
    const auto frame = in_.next();
    if (!frame) return std::nullopt;
    auto parsed = protocol::parse_reply(*frame);
    return parsed ? std::optional(std::move(*parsed)) : std::nullopt;
}

bool SocketClient::at_end() {
    read();
    return end_;
}

}  // namespace bkmon::test

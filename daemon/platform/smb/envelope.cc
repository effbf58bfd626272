#include "daemon/platform/smb/envelope.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace bkmon::smb {

ssize_t send_with(int socket, const void* data, std::size_t size, int descriptor) {
    iovec text{const_cast<void*>(data), size};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof descriptor)> control{};
    msghdr envelope{};
    envelope.msg_iov = &text;
    envelope.msg_iovlen = 1;
    if (descriptor >= 0) {
        envelope.msg_control = control.data();
        envelope.msg_controllen = control.size();
        auto* const enclosed = CMSG_FIRSTHDR(&envelope);
        enclosed->cmsg_level = SOL_SOCKET;
        enclosed->cmsg_type = SCM_RIGHTS;
        enclosed->cmsg_len = CMSG_LEN(sizeof descriptor);
        std::memcpy(CMSG_DATA(enclosed), &descriptor, sizeof descriptor);
    }
    for (;;) {
        const auto n = ::sendmsg(socket, &envelope, MSG_NOSIGNAL);
        if (n >= 0 || errno != EINTR) return n;
    }
}

ssize_t receive_with(int socket, void* data, std::size_t size, UniqueFd& descriptor) {
    iovec text{data, size};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    for (;;) {
        msghdr envelope{};
        envelope.msg_iov = &text;
        envelope.msg_iovlen = 1;
        envelope.msg_control = control.data();
        envelope.msg_controllen = CMSG_LEN(sizeof(int));
        const auto n = ::recvmsg(socket, &envelope, MSG_TRUNC | MSG_CMSG_CLOEXEC);
        if (n < 0 && errno == EINTR) continue;
        const auto* const enclosed = n < 0 ? nullptr : CMSG_FIRSTHDR(&envelope);
        if (enclosed != nullptr && enclosed->cmsg_level == SOL_SOCKET && enclosed->cmsg_type == SCM_RIGHTS &&
            enclosed->cmsg_len >= CMSG_LEN(sizeof(int))) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(enclosed), sizeof fd);
            descriptor.reset(fd);
        }
        return n;
    }
}

}  // namespace bkmon::smb

#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "common/base/unique_fd.h"
#include "common/protocol/codec.h"

namespace bkmon::test {

/// A client in the test's own thread: never blocks; what cannot be sent or read now is simply not.
class SocketClient {
public:
    explicit SocketClient(const std::string& path);  ///< connects
    explicit SocketClient(UniqueFd fd) : fd_(std::move(fd)) {}
    bool connected() const { return static_cast<bool>(fd_); }
    int fd() const { return fd_.get(); }
    /// How many bytes the socket took.
    std::size_t send(std::string_view bytes);
    void call(std::string_view method, std::string_view params = "{}", bool more = false) { send(protocol::call_frame(method, params, more)); }
    void send_with_fd(std::string_view bytes, int fd);
    void hang_up() { fd_.reset(); }
    void end_sending();
    /// The next whole reply that has arrived.
    std::optional<protocol::ReplyFrame> reply();
    /// The server closed.
    bool at_end();

private:
    void read();
    UniqueFd fd_;
    protocol::FrameBuffer in_{std::size_t{64} << 20};
    bool end_ = false;
};

}  // namespace bkmon::test

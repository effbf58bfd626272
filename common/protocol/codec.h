#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/protocol/params.h"

namespace bkmon::protocol {

/// Varlink (https://varlink.org/Method-Call): JSON objects, each ended by one NUL byte, over a byte stream.

/// The longest call a server reads, without its NUL.
inline constexpr std::size_t kMaxCallBytes = std::size_t{1} << 20;

/// Cuts a byte stream into frames. Not more than `limit` bytes without a NUL are ever kept.
class FrameBuffer {
public:
    explicit FrameBuffer(std::size_t limit) : limit_(limit) {}
    /// Errc::invalid when a frame grows beyond the limit; the stream cannot be used after that.
    Result<void> append(std::string_view bytes);
    /// The next whole frame, without its NUL; nullopt when there is none yet.
    std::optional<std::string> next();
    bool has_frame() const { return size() > tail_; }
    bool half() const { return tail_ > 0; }                     ///< a frame has begun and has no end yet
    std::size_t size() const { return data_.size() - start_; }  ///< bytes not handed out yet

private:
    std::size_t limit_;
    std::string data_;
    std::size_t start_ = 0;  ///< first byte not handed out
    std::size_t tail_ = 0;   ///< bytes after the last NUL
};

struct CallFrame {
    std::string method;
    Params parameters;
    bool more = false, oneway = false, upgrade = false;
};

struct ReplyFrame {
    Params parameters;
    bool continues = false;
    std::string error;  ///< full name of an error, or empty
};

/// Limits on what a call may look like, beyond its length: as Params::parse. Members that the protocol does not know are refused.
Result<CallFrame> parse_call(std::string_view frame);
/// Errc::corrupt when it is no reply. No limit on the number of values: for clients, who trust their server.
Result<ReplyFrame> parse_reply(std::string_view frame);

/// Whole frames, NUL included. `parameters` is a JSON object; empty means {}.
std::string call_frame(std::string_view method, std::string_view parameters, bool more = false, bool oneway = false);
std::string reply_frame(std::string_view parameters, bool continues = false);
std::string error_frame(std::string_view error, std::string_view parameters);

}  // namespace bkmon::protocol

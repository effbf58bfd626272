#pragma once
#include <cstddef>

#include "common/base/time.h"
#include "common/protocol/codec.h"

namespace bkmon::control {

/// What a client can make the daemon hold. Strangers are callers without a role.
struct Limits {
    std::size_t frame = protocol::kMaxCallBytes;
    std::size_t stranger_frame = std::size_t{16} << 10;
    std::size_t output = std::size_t{4} << 20;         ///< bytes that wait for a slow reader, beside the one frame that was being added
    std::size_t ready_below = std::size_t{256} << 10;  ///< Call::ready() while less than this waits
    milliseconds half_frame{seconds(5)};               ///< from a frame's first byte to its NUL
    milliseconds stranger_idle{seconds(5)};
    milliseconds idle{std::chrono::minutes(5)};  ///< without a call; also without reading what waits
    std::size_t calls_per_uid = 32;
    std::size_t streams_per_uid = 32;  ///< `more` calls under way, counted apart
    std::size_t strangers_per_uid = 4;
    std::size_t strangers = 32;
    std::size_t connections = 256;
    std::size_t kept_for_admins = 8;  ///< of these
};

}  // namespace bkmon::control

#pragma once
#include "common/base/time.h"
#include "common/base/unique_fd.h"

namespace bkmon::smb {

/// A TCP connection to the port of a server over which nobody has said anything yet; or none. Closing it is a reset, which leaves nothing behind
/// on either side; whoever speaks over it turns that off.
struct Connection {
    /// A server, or what lies between, may have given up one that waited longer.
    static constexpr milliseconds kLongestWait{5000};

    UniqueFd socket;   ///< does not block, gone at an exec
    BootTime since{};  ///< when it was made

    explicit operator bool() const { return static_cast<bool>(socket); }
    /// Closes it when it has waited for too long.
    void drop_old(BootTime now) {
        if (now - since > kLongestWait) socket.reset();
    }
};

}  // namespace bkmon::smb

#pragma once
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/time.h"

namespace bkmon::smb {

/// A socket address with its text.
struct Endpoint {
    sockaddr_storage address{};
    socklen_t length = 0;
    std::string text;  ///< numeric, without the port
};

/// An IPv4 address of four decimal parts, or an IPv6 address (a zone like %eth0 is allowed); anything else is a name. Asks nobody.
std::optional<Endpoint> numeric(const std::string& address, std::uint16_t port);

/// What a name stands for.
struct Resolved {
    std::vector<Endpoint> endpoints;  ///< at most kMostAddresses, each once
    std::string problem;              ///< printable; empty when there is one
    bool definite = true;             ///< the name service has answered, be it that there is no such name
};
inline constexpr std::size_t kMostAddresses = 3;

/// Blocks as long as the name service likes: off the loop. Any thread.
Resolved resolve(const std::string& name, std::uint16_t port);

}  // namespace bkmon::smb

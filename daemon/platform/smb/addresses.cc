#include "daemon/platform/smb/addresses.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "common/base/c_ptr.h"
#include "common/base/text.h"

namespace bkmon::smb {
namespace {

Endpoint endpoint(const sockaddr* address, socklen_t length) {
    Endpoint e;
    std::memcpy(&e.address, address, std::min<std::size_t>(length, sizeof e.address));
    e.length = length;
    std::array<char, NI_MAXHOST> text{};
    if (::getnameinfo(address, length, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) == 0) e.text = text.data();
    return e;
}

}  // namespace

std::optional<Endpoint> numeric(const std::string& address, std::uint16_t port) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    if (::inet_pton(AF_INET, address.c_str(), &v4.sin_addr) == 1) return endpoint(reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    const auto zone = address.find('%');
    if (::inet_pton(AF_INET6, address.substr(0, zone).c_str(), &v6.sin6_addr) != 1) return {};
    if (zone != std::string::npos) v6.sin6_scope_id = ::if_nametoindex(address.substr(zone + 1).c_str());
    return endpoint(reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
}

Resolved resolve(const std::string& name, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    const int rc = ::getaddrinfo(name.c_str(), std::to_string(port).c_str(), &hints, &list);
    Resolved resolved;
    if (rc != 0) {
        resolved.problem = rc == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(rc);
        resolved.definite = rc == EAI_NONAME || rc == EAI_NODATA || rc == EAI_ADDRFAMILY;
        return resolved;
    }
    const CPtr<addrinfo, &::freeaddrinfo> owned(list);
    for (const auto* a = list; a != nullptr && resolved.endpoints.size() < kMostAddresses; a = a->ai_next) {
        auto e = endpoint(a->ai_addr, a->ai_addrlen);
        const bool known = std::any_of(resolved.endpoints.begin(), resolved.endpoints.end(), [&](const Endpoint& o) { return o.text == e.text; });
        if (!known) resolved.endpoints.push_back(std::move(e));
    }
    if (resolved.endpoints.empty()) resolved.problem = "it has no address";
    return resolved;
}

}  // namespace bkmon::smb

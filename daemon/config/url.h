#pragma once
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace bkmon::config {

/// "smtp://mail.example.org:587", "https://hc.example.org/ping/…".
struct Url {
    std::string scheme;
    std::string host;  ///< without the brackets of an IPv6 address
    int port = 0;      ///< 0: the scheme's own
    std::string rest;  ///< from the first '/', '?' on
};

/// `schemes`: those that are accepted, separated by a space; of smtp and smtps nothing may follow host and port. Refused everywhere: a user or
/// password in it, a fragment, blanks, bytes outside ASCII. Errc::invalid, whose text never quotes more than the host: there may be a secret in it.
Result<Url> parse_url(std::string_view text, std::string_view schemes);

/// localhost, 127.0.0.0/8, ::1.
bool is_loopback(std::string_view host);

}  // namespace bkmon::config

#pragma once
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace bkmon::core {

/// A mailbox (RFC 5322, 3.4) as bkmon accepts one: ASCII local part without quotes, a domain or an address literal. `name` is shown, UTF-8.
struct MailAddress {
    std::string name;
    std::string address;
    bool operator==(const MailAddress&) const = default;
};

/// "ops@example.org" or "Operators <ops@example.org>". Errc::invalid says what is wrong: nothing that an SMTP server would take for syntax
/// (CR, LF, NUL, blanks, angle brackets, a leading '-') gets through, nor more than 254 bytes.
Result<MailAddress> parse_mail_address(std::string_view text);

}  // namespace bkmon::core

#pragma once
#include <string>
#include <string_view>

#include "daemon/core/mail_address.h"

namespace bkmon::alerts {

struct Address : core::MailAddress {
    /// "ops <ops@example.org>", as the mail's header has it.
    std::string header() const;
    bool operator==(const Address&) const = default;
};

/// As core::parse_mail_address().
Result<Address> parse_address(std::string_view text);

}  // namespace bkmon::alerts

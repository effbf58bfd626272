#include "daemon/alerts/message/address.h"

#include "daemon/alerts/message/header_text.h"

namespace bkmon::alerts {

std::string Address::header() const {
    if (name.empty()) return address;
    return phrase(name) + " <" + address + ">";
}

Result<Address> parse_address(std::string_view text) {
    auto parsed = core::parse_mail_address(text);
    if (!parsed) return fail(std::move(parsed.error()));
    return Address{std::move(*parsed)};
}

}  // namespace bkmon::alerts

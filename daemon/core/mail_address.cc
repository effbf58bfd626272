#include "daemon/core/mail_address.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.h"

namespace bkmon::core {
namespace {

constexpr std::size_t kMaxLocal = 64, kMaxAddress = 254, kMaxName = 128;  // RFC 5321, 4.5.3.1

bool alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

/// atext of RFC 5322 and the dot.
bool local_char(char c) { return alphanumeric(c) || std::string_view(".!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos; }

bool dots_in_place(std::string_view text) { return text.front() != '.' && text.back() != '.' && text.find("..") == std::string_view::npos; }

bool is_local(std::string_view local) {
    return !local.empty() && local.size() <= kMaxLocal && local.front() != '-' && std::all_of(local.begin(), local.end(), local_char) &&
           dots_in_place(local);
}

bool is_domain(std::string_view domain) {
    if (domain.size() > 2 && domain.front() == '[' && domain.back() == ']')
        return std::all_of(domain.begin() + 1, domain.end() - 1, [](char c) { return alphanumeric(c) || c == '.' || c == ':'; });
    return !domain.empty() && domain.front() != '-' && dots_in_place(domain) &&
           std::all_of(domain.begin(), domain.end(), [](char c) { return alphanumeric(c) || c == '.' || c == '-'; });
}

Result<MailAddress> refused(std::string_view text, const char* why) {
    return fail(Errc::invalid, fmt::format("'{}' is no mail address: {}", printable(text, 200), why));
}

}  // namespace

Result<MailAddress> parse_mail_address(std::string_view text) {
    MailAddress out;
    std::string spec = trim(text);
    const auto open = spec.find('<');
    if (open != std::string::npos) {
        if (spec.back() != '>') return refused(text, "something follows the '>'");
        out.name = trim(std::string_view(spec).substr(0, open));
        spec = spec.substr(open + 1, spec.size() - open - 2);
        if (out.name.size() >= 2 && out.name.front() == '"' && out.name.back() == '"') out.name = out.name.substr(1, out.name.size() - 2);
        if (out.name.size() > kMaxName) return refused(text, "the name before it is too long");
        if (!valid_utf8(out.name) || printable(out.name, kMaxName * 4) != out.name)
            return refused(text, "the name before it has characters that cannot be shown");
    }
    const auto at = spec.rfind('@');
    if (at == std::string::npos) return refused(text, "there is no '@'");
    if (spec.size() > kMaxAddress) return refused(text, "it is longer than 254 bytes");
    if (!is_local(std::string_view(spec).substr(0, at))) return refused(text, "what stands before the '@' is not acceptable");
    if (!is_domain(std::string_view(spec).substr(at + 1))) return refused(text, "what stands behind the '@' is no domain");
    out.address = std::move(spec);
    return out;
}

}  // namespace bkmon::core

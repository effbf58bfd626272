#include "daemon/config/url.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "common/base/text.h"

namespace bkmon::config {
namespace {

using Bytes = std::array<unsigned char, 16>;

bool parsed_as(int family, std::string_view host, Bytes& bytes) { return ::inet_pton(family, std::string(host).c_str(), bytes.data()) == 1; }

bool digits(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_label(const std::string& label) {
    return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' && std::all_of(label.begin(), label.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
}

/// A name, or an IPv4 address: "127.1" and the like mean different hosts to different programs.
bool is_host(const std::string& host) {
    const auto labels = split(host, '.');
    Bytes bytes{};
    if (digits(labels.back())) return parsed_as(AF_INET, host, bytes);
    return host.size() <= 253 && std::all_of(labels.begin(), labels.end(), is_label);
}

Result<void> read_port(std::string_view text, Url& into) {
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), into.port);
    if (!digits(text) || error != std::errc() || stop != text.data() + text.size() || into.port < 1 || into.port > 65535)
        return fail(Errc::invalid, "the port behind the host is no number from 1 to 65535");
    return {};
}

Result<void> read_host(std::string_view authority, Url& into) {
    std::string_view port;
    bool has_port = false;
    if (authority.starts_with('[')) {
        const auto end = authority.find(']');
        Bytes bytes{};
        if (end == std::string_view::npos || !parsed_as(AF_INET6, authority.substr(1, end - 1), bytes))
            return fail(Errc::invalid, "between '[' and ']' stands no IPv6 address");
        into.host = authority.substr(1, end - 1);
        port = authority.substr(end + 1);
        if (!port.empty() && !port.starts_with(':')) return fail(Errc::invalid, "only ':' and a port may follow the ']'");
        has_port = !port.empty();
    } else {
        const auto colon = authority.find(':');
        into.host = authority.substr(0, colon);
        has_port = colon != std::string_view::npos;
        if (has_port) port = authority.substr(colon);
        if (into.host.empty()) return fail(Errc::invalid, "there is no host in it");
        if (!is_host(into.host)) return fail(Errc::invalid, fmt::format("'{}' cannot be the name or address of a host", printable(into.host, 100)));
    }
    return has_port ? read_port(port.substr(1), into) : Result<void>();
}

}  // namespace

Result<Url> parse_url(std::string_view text, std::string_view schemes) {
    Url url;
    const auto known = split(schemes, ' ');
    const auto end = text.find("://");
    if (end != std::string_view::npos) url.scheme = lower(text.substr(0, end));
    if (std::find(known.begin(), known.end(), url.scheme) == known.end())
        return fail(Errc::invalid, fmt::format("it must begin with {}://", fmt::join(known, ":// or ")));
    if (std::any_of(text.begin(), text.end(), [](char c) { return c <= ' ' || static_cast<unsigned char>(c) >= 0x7F || c == '\\'; }))
        return fail(Errc::invalid, "blanks, '\\' and characters outside ASCII cannot stand in it");
    if (text.find('#') != std::string_view::npos) return fail(Errc::invalid, "a '#' has no meaning here");
    const auto after = text.substr(end + 3);
    const auto authority = after.substr(0, after.find_first_of("/?"));
    url.rest = after.substr(authority.size());
    if (authority.find('@') != std::string_view::npos)
        return fail(Errc::invalid, "a user or password does not belong into it: everybody who may look at the configuration would see it");
    if (auto host = read_host(authority, url); !host) return fail(std::move(host.error()));
    if (url.scheme.starts_with("smtp") && !url.rest.empty()) return fail(Errc::invalid, "nothing may follow the host and its port");
    return url;
}

bool is_loopback(std::string_view host) {
    Bytes bytes{};
    if (equal_ignoring_case(host, "localhost")) return true;
    if (parsed_as(AF_INET, host, bytes)) return bytes[0] == 127;
    if (!parsed_as(AF_INET6, host, bytes)) return false;
    return bytes.back() == 1 && std::all_of(bytes.begin(), bytes.end() - 1, [](unsigned char b) { return b == 0; });
}

}  // namespace bkmon::config

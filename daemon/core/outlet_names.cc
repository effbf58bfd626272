#include "daemon/core/outlet_names.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/base/text.h"

namespace bkmon::core {
namespace {

constexpr std::size_t kMostOfCode = 64, kMostOfName = 128, kMostOfShare = 80, kMostOfFolder = 1024, kMostOfHost = 253, kMostOfLabel = 256;

std::string shown(std::string_view raw) { return printable(raw, 100); }

bool letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

/// Everything printable() would escape, a backslash apart, which it doubles.
bool plain(std::string_view text) {
    std::string without(text);
    std::replace(without.begin(), without.end(), '\\', '/');
    return printable(without, without.size() + 1) == without;
}

Result<void> check_plain(std::string_view what, std::string_view text, std::size_t most) {
    if (text.size() > most) return fail(Errc::invalid, fmt::format("the {} '{}' is longer than {} bytes", what, printable(text, 40), most));
    if (!plain(text)) return fail(Errc::invalid, fmt::format("the {} '{}' holds characters that cannot be shown", what, shown(text)));
    if (trim(text) != text) return fail(Errc::invalid, fmt::format("the {} '{}' has blanks around it", what, shown(text)));
    return {};
}

bool is_label(std::string_view label) {
    return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
           std::all_of(label.begin(), label.end(), [](char c) { return letter_or_digit(c) || c == '-' || c == '_'; });
}

bool is_number(std::string_view label) { return !label.empty() && label.find_first_not_of("0123456789") == std::string_view::npos; }

bool is_host_name(std::string_view host) {
    if (host.ends_with('.')) host.remove_suffix(1);
    const auto labels = split(host, '.');
    // "10.0.7" and "0x7f.1" mean an address to some programs and a name to others.
    if (is_number(labels.back()) || lower(labels.back()).starts_with("0x")) return false;
    return host.size() <= kMostOfHost && std::all_of(labels.begin(), labels.end(), [](const std::string& l) { return is_label(l); });
}

using Bytes = std::array<unsigned char, 16>;

/// Empty: it may be the address of a server.
std::string_view useless(const Bytes& bytes, std::size_t n) {
    const bool zero = std::all_of(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n), [](unsigned char b) { return b == 0; });
    if (zero) return "stands for no server";
    if (n == 4 && bytes[0] == 0) return "stands for no server";
    if (n == 4 ? bytes[0] >= 224 : bytes[0] == 0xFF) return "is a group or broadcast address, not that of a server";
    return {};
}

}  // namespace

Result<void> check_outlet_code(std::string_view code) {
    if (code.empty()) return fail(Errc::invalid, "the code is empty");
    if (auto r = check_plain("code", code, kMostOfCode); !r) return r;
    if (code.find_first_of("*?[]/\\") != std::string_view::npos)
        return fail(Errc::invalid, fmt::format("the code '{}' holds one of * ? [ ] / \\", shown(code)));
    return {};
}

Result<void> check_address(std::string_view address) {
    if (address.empty()) return fail(Errc::invalid, "the address is empty");
    Bytes bytes{};
    const std::string text(address);
    std::string_view why;
    if (address.find('\0') == std::string_view::npos && ::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1)
        why = useless(bytes, 4);
    else if (address.find('\0') == std::string_view::npos && ::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1)
        why = useless(bytes, 16);
    else if (!is_host_name(address))
        why = "is neither an IP address nor the name of a host";
    if (why.empty()) return {};
    return fail(Errc::invalid, fmt::format("'{}' {}", shown(address), why));
}

Result<void> check_outlet_name(std::string_view name) { return check_plain("name", name, kMostOfName); }

Result<void> check_outlet_label(std::string_view name, std::string_view value) {
    if (name.empty()) return fail(Errc::invalid, "a label has no name");
    if (name.find('=') != std::string_view::npos) return fail(Errc::invalid, fmt::format("'{}' cannot be the name of a label", shown(name)));
    if (auto r = check_plain("label", name, kMostOfCode); !r) return r;
    return check_plain(fmt::format("value of the label {},", shown(name)), value, kMostOfLabel);
}

Result<std::string> normal_folder(std::string_view folder) {
    std::string text(folder), out;
    if (text.size() > kMostOfFolder) return fail(Errc::invalid, fmt::format("it is longer than {} bytes", kMostOfFolder));
    std::replace(text.begin(), text.end(), '\\', '/');
    if (!plain(text)) return fail(Errc::invalid, "it holds characters that cannot be shown");
    for (const auto& part : split(text, '/')) {
        if (part.empty()) continue;
        if (part == "." || part == "..") return fail(Errc::invalid, fmt::format("'{}' has no meaning there", part));
        if (part.find_first_of(":*?\"<>|") != std::string::npos)
            return fail(Errc::invalid, fmt::format("the name '{}' holds one of : * ? \" < > |", shown(part)));
        if (part.back() == '.' || part.back() == ' ' || part.front() == ' ')
            return fail(Errc::invalid, fmt::format("the name '{}' begins or ends with a blank or a dot that Windows would drop", shown(part)));
        out += (out.empty() ? "" : "/") + part;
    }
    return out;
}

Result<void> check_share(std::string_view share) {
    if (share.empty()) return fail(Errc::invalid, "a share is empty");
    if (auto r = check_plain("share", share, kMostOfShare); !r) return r;
    if (share.find_first_of("\"/\\[]:|<>+=;,*?%") == std::string_view::npos) return {};
    return fail(Errc::invalid, fmt::format("'{}' is no share: name it alone, such as d$ (no \\, no /, no *)", shown(share)));
}

Result<void> check_database_glob(std::string_view glob) {
    for (std::size_t i = 0; i < glob.size(); ++i) {
        if (glob[i] == '}') return fail(Errc::invalid, "there is a '}' without its '{'");
        if (glob[i] != '{') continue;
        const auto end = glob.find('}', i);
        if (end == std::string_view::npos) return fail(Errc::invalid, "there is a '{' without its '}'");
        const auto field = glob.substr(i + 1, end - i - 1);
        const bool label = field.starts_with("label:") && field.size() > 6 && field.find('{') == std::string_view::npos;
        if (field != "code" && !label)
            return fail(Errc::invalid, fmt::format("there is no field {{{}}}, only {{code}} and {{label:NAME}}", shown(field)));
        i = end;
    }
    return {};
}

}  // namespace bkmon::core

#include "common/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

#include "common/base/utf8.h"

namespace bkmon {
namespace {

char lower_char(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool digit(char c) { return c >= '0' && c <= '9'; }
bool blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// 0 when the unit is unknown.
std::uint64_t size_unit(std::string_view unit) {
    const auto name = lower(unit);
    if (name.empty() || name == "b") return 1;
    std::uint64_t decimal = 1, binary = 1;
    for (const char prefix : std::string_view("kmgt")) {
        decimal *= 1000;
        binary *= 1024;
        if (name.front() != prefix) continue;
        if (name.substr(1) == "b") return decimal;
        if (name.substr(1) == "ib") return binary;
    }
    return 0;
}

/// Characters that a reader does not see, or that move what he sees: their number must be shown instead.
bool unseen(char32_t c) {
    const auto between = [c](char32_t first, char32_t last) { return c >= first && c <= last; };
    return c < 0x20 || between(0x7F, 0x9F) || c == 0xAD || c == 0x34F || c == 0x61C || between(0x115F, 0x1160) || between(0x17B4, 0x17B5) ||
           between(0x180B, 0x180F) || between(0x200B, 0x200F) || between(0x2028, 0x202E) || between(0x2060, 0x206F) || c == 0x3164 ||
           between(0xFE00, 0xFE0F) || c == 0xFEFF || c == 0xFFA0 || between(0xFFF0, 0xFFFB) || between(0xE0000, 0xE0FFF);
}

/// The first character of `text` as printable() shows it, and its length in `text`.
std::pair<std::string, std::size_t> shown(std::string_view text) {
    const auto [code, length] = first_utf8(text);
    if (length == 0) return {fmt::format("\\x{:02x}", static_cast<unsigned char>(text.front())), 1};
    switch (code) {
        case '\\': return {"\\\\", 1};
        case '\n': return {"\\n", 1};
        case '\r': return {"\\r", 1};
        case '\t': return {"\\t", 1};
        default: break;
    }
    if (!unseen(code)) return {std::string(text.substr(0, length)), length};
    if (code < 0x80) return {fmt::format("\\x{:02x}", static_cast<unsigned>(code)), length};
    return {fmt::format("\\u{{{:04x}}}", static_cast<unsigned>(code)), length};
}

constexpr bool shown_as_it_is(char c) { return c >= ' ' && c <= '~' && c != '\\'; }

constexpr std::string_view kEllipsis = "…";

}  // namespace

Result<std::uint64_t> parse_size(std::string_view text) {
    const auto bad = [&](std::string_view why) {
        return fail(Errc::invalid, fmt::format("'{}' is not a size: {} (write it like 512, 100MB or 1.5GiB)", printable(text, 100), why));
    };
    std::string_view rest = text;
    if (rest.empty() || !digit(rest.front())) return bad("it does not begin with a number");
    constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t whole = 0;
    for (; !rest.empty() && digit(rest.front()); rest.remove_prefix(1)) {
        if (whole > (kMost - 9) / 10) return bad("the number is too large");
        whole = whole * 10 + static_cast<std::uint64_t>(rest.front() - '0');
    }
    std::uint64_t fraction = 0, scale = 1;
    if (!rest.empty() && rest.front() == '.') {
        rest.remove_prefix(1);
        for (; !rest.empty() && digit(rest.front()); rest.remove_prefix(1)) {
            if (scale == 1000000) return bad("it has more than six decimals");
            fraction = fraction * 10 + static_cast<std::uint64_t>(rest.front() - '0');
            scale *= 10;
        }
        if (scale == 1) return bad("digits are missing after the point");
    }
    while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
    const std::uint64_t unit = size_unit(rest);
    if (unit == 0) return bad("the unit is none of B, kB, MB, GB, TB, KiB, MiB, GiB, TiB");
    if (unit == 1 && scale != 1) return bad("there is no part of a byte");
    const std::uint64_t part = fraction * unit / scale;  // < 10^6 * 2^40
    if (whole > (kMost - part) / unit) return bad("it is too large");
    return whole * unit + part;
}

std::string size_words(std::uint64_t bytes) {
    if (bytes < 1024) return fmt::format("{} B", bytes);
    constexpr std::array<std::string_view, 6> kNames{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double amount = static_cast<double>(bytes) / 1024;
    std::size_t i = 0;
    // 1023.95 would be rounded to "1024.0" of the smaller unit.
    while (amount >= 1023.95 && i + 1 < kNames.size()) {
        amount /= 1024;
        ++i;
    }
    return fmt::format("{:.1f} {}", amount, kNames[i]);
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), lower_char);
    return out;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower_char(x) == lower_char(y); });
}

std::string trim(std::string_view text) {
    while (!text.empty() && blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && blank(text.back())) text.remove_suffix(1);
    return std::string(text);
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    for (;;) {
        const auto at = text.find(separator);
        parts.emplace_back(text.substr(0, at));
        if (at == std::string_view::npos) return parts;
        text.remove_prefix(at + 1);
    }
}

bool valid_utf8(std::string_view text) {
    while (!text.empty()) {
        const auto length = first_utf8(text).length;
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

std::string printable(std::string_view text, std::size_t limit) {
    std::string out;
    std::size_t safe = 0;  // how much of out leaves room for the ellipsis
    while (!text.empty()) {
        // Most texts consist of nothing else; where it gets tight they are counted one by one. What there is no room for is not looked at.
        const auto room = limit - out.size();
        const auto near = text.substr(0, room > kEllipsis.size() ? room - kEllipsis.size() : 0);
        const auto plain = static_cast<std::size_t>(std::find_if_not(near.begin(), near.end(), shown_as_it_is) - near.begin());
        if (plain > 0) {
            out += near.substr(0, plain);
            safe = out.size();
            text.remove_prefix(plain);
            continue;
        }
        const auto [piece, length] = shown(text);
        if (out.size() + piece.size() > limit) {
            out.resize(safe);
            if (limit >= kEllipsis.size()) out += kEllipsis;
            return out;
        }
        out += piece;
        if (out.size() + kEllipsis.size() <= limit) safe = out.size();
        text.remove_prefix(length);
    }
    return out;
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
    constexpr std::size_t kLongest = 64;  // names of commands and settings; keeps the table below small whatever comes from outside
    constexpr std::size_t kFarthest = 2;
    const auto wanted = lower(word);
    if (wanted.size() > kLongest) return {};
    std::string best;
    std::size_t best_distance = kFarthest + 1;
    for (const auto& candidate : candidates) {
        const auto other = lower(candidate);
        if (other.size() > wanted.size() + kFarthest || wanted.size() > other.size() + kFarthest) continue;
        // Optimal string alignment: rows i-2, i-1 and i of the distance table.
        std::vector<std::size_t> before(other.size() + 1), last(other.size() + 1), row(other.size() + 1);
        std::iota(last.begin(), last.end(), std::size_t{0});
        for (std::size_t i = 1; i <= wanted.size(); ++i) {
            row[0] = i;
            for (std::size_t j = 1; j <= other.size(); ++j) {
                row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (wanted[i - 1] == other[j - 1] ? 0U : 1U)});
                const bool swapped = i > 1 && j > 1 && wanted[i - 1] == other[j - 2] && wanted[i - 2] == other[j - 1];
                if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
            }
            before.swap(last);
            last.swap(row);
        }
        const auto distance = last[other.size()];
        if (distance < best_distance && distance * 2 < wanted.size()) {
            best = candidate;
            best_distance = distance;
        }
    }
    return best;
}

bool is_sha256(std::string_view text) {
    return text.size() == 64 &&
           std::all_of(text.begin(), text.end(), [](char c) { return digit(c) || (lower_char(c) >= 'a' && lower_char(c) <= 'f'); });
}

std::string to_hex(const unsigned char* bytes, std::size_t n) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string out;
    out.reserve(n * 2);
    for (std::size_t i = 0; i < n; ++i) {
        out.push_back(kDigits[bytes[i] >> 4U]);
        out.push_back(kDigits[bytes[i] & 15U]);
    }
    return out;
}

std::string csv_field(std::string_view text) {
    if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"') out.push_back('"');
        out.push_back(c);
    }
    out.push_back('"');
    return out;
}

}  // namespace bkmon

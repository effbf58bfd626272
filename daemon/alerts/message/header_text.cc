#include "daemon/alerts/message/header_text.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "common/base/still_printable.h"
#include "common/base/text.h"

namespace bkmon::alerts {
namespace {

constexpr std::size_t kLine = 78, kBodyLine = 76;
constexpr std::size_t kMostHeader = 4000;
// An encoded word has at most 75 characters, 12 of which are "=?UTF-8?B?" and "?=": 63 of base64, which is 45 bytes and a little.
constexpr std::size_t kWordBytes = 45;

bool plain(std::string_view text) {
    return text.find("=?") == std::string_view::npos && std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

std::string base64(std::string_view bytes) {
    static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const auto byte = [&](std::size_t at) -> std::uint32_t { return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0; };
        const std::uint32_t three = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
        for (std::size_t digit = 0; digit < 4; ++digit) out += digit <= bytes.size() - i ? kDigits[three >> (18 - 6 * digit) & 63] : '=';
    }
    return out;
}

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

std::string encoded_words(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        auto n = std::min(kWordBytes, text.size());
        while (n < text.size() && n > 1 && continues(text[n])) --n;
        out += (out.empty() ? "=?UTF-8?B?" : " =?UTF-8?B?") + base64(text.substr(0, n)) + "?=";
        text.remove_prefix(n);
    }
    return out;
}

void put_encoded(std::string& out, char c) {
    static constexpr std::string_view kHex = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    out += '=';
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
}

/// One line of text, without its end.
void put_line(std::string& out, std::string_view line) {
    std::size_t column = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        const bool last = i + 1 == line.size();
        const bool at_start = column == 0 && (c == '.' || line.substr(i, 5) == "From ");
        const bool as_it_is = c >= 0x20 && c < 0x7f && c != '=' && !at_start && !(c == ' ' && last);
        const bool tab = c == '\t' && !last;
        const std::size_t wide = as_it_is || tab ? 1 : 3;
        if (column + wide > (last ? kBodyLine : kBodyLine - 1)) {
            out += "=\r\n";
            column = 0;
            --i;  // it may need another form at the start of a line
            continue;
        }
        if (wide == 1)
            out += c;
        else
            put_encoded(out, c);
        column += wide;
    }
}

}  // namespace

std::string unstructured(std::string_view text) {
    const std::string shown = still_printable(text, kMostHeader);
    return plain(shown) ? shown : encoded_words(shown);
}

std::string phrase(std::string_view text) {
    const std::string shown = printable(text, kMostHeader);
    if (!plain(shown)) return encoded_words(shown);
    const bool words = std::all_of(shown.begin(), shown.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ' ' || c == '-' || c == '_';
    });
    if (words) return shown;
    std::string out = "\"";
    for (const char c : shown) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + '"';
}

std::string header_line(std::string_view name, std::string_view value) {
    std::string out = std::string(name) + ": ";
    std::size_t column = out.size();
    while (!value.empty()) {
        const auto blank = value.find(' ', 1);
        const auto word = value.substr(0, blank);  // with the blank before it
        if (column + word.size() > kLine && word.front() == ' ' && word.size() > 1) {
            out += "\r\n";
            column = 0;
        }
        out += word;
        column += word.size();
        value.remove_prefix(word.size());
    }
    return out + "\r\n";
}

std::string quoted_printable(std::string_view text) {
    std::string out;
    out.reserve(text.size() + text.size() / 8);
    while (!text.empty()) {
        const auto end = text.find('\n');
        auto line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (end != std::string_view::npos && !line.empty() && line.back() == '\r') line.remove_suffix(1);
        put_line(out, line);
        out += "\r\n";
    }
    return out;
}

}  // namespace bkmon::alerts

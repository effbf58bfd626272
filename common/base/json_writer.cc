#include "common/base/json_writer.h"

#include <array>
#include <charconv>
#include <cmath>

#include "common/base/utf8.h"

namespace bkmon {
namespace {

void append_quoted(std::string& out, std::string_view text) {
    constexpr std::string_view kHex = "0123456789abcdef";
    out.push_back('"');
    while (!text.empty()) {
        // Most text is plain ASCII: copied a run at a time.
        std::size_t plain = 0;
        while (plain < text.size()) {
            const auto c = static_cast<unsigned char>(text[plain]);
            if (c < 0x20 || c == '"' || c == '\\' || c >= 0x80) break;
            ++plain;
        }
        out.append(text.substr(0, plain));
        text.remove_prefix(plain);
        if (text.empty()) break;
        const auto c = static_cast<unsigned char>(text.front());
        if (c >= 0x80) {
            const auto length = first_utf8(text).length;
            out.append(length != 0 ? text.substr(0, length) : std::string_view("\xEF\xBF\xBD"));
            text.remove_prefix(length != 0 ? length : 1);
            continue;
        }
        switch (c) {
            case '"': out += "\\\""; break;
            case '\\': out += "\\\\"; break;
            case '\n': out += "\\n"; break;
            case '\r': out += "\\r"; break;
            case '\t': out += "\\t"; break;
            default:
                out += "\\u00";
                out.push_back(kHex[c >> 4U]);
                out.push_back(kHex[c & 15U]);
        }
        text.remove_prefix(1);
    }
    out.push_back('"');
}

template <class T>
void append_number(std::string& out, T number) {
    std::array<char, 32> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
    out.append(buffer.data(), end.ptr);
}

}  // namespace

/// Needs no state but the last character: a value that ended never ends in one of these, strings being closed by their quote.
void JsonWriter::separate() {
    if (!out_.empty() && out_.back() != '{' && out_.back() != '[' && out_.back() != ':') out_.push_back(',');
}

JsonWriter& JsonWriter::begin_object() { return raw("{"); }
JsonWriter& JsonWriter::begin_array() { return raw("["); }

JsonWriter& JsonWriter::end_object() {
    out_.push_back('}');
    return *this;
}

JsonWriter& JsonWriter::end_array() {
    out_.push_back(']');
    return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
    separate();
    append_quoted(out_, name);
    out_.push_back(':');
    return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
    separate();
    append_quoted(out_, text);
    return *this;
}

JsonWriter& JsonWriter::value(std::int64_t number) {
    separate();
    append_number(out_, number);
    return *this;
}

JsonWriter& JsonWriter::value(std::uint64_t number) {
    separate();
    append_number(out_, number);
    return *this;
}

JsonWriter& JsonWriter::value(double number) {
    if (!std::isfinite(number)) return null();
    separate();
    append_number(out_, number);
    return *this;
}

JsonWriter& JsonWriter::value(bool flag) { return raw(flag ? "true" : "false"); }
JsonWriter& JsonWriter::value(Time t) { return value(std::string_view(rfc3339(t))); }
JsonWriter& JsonWriter::null() { return raw("null"); }

JsonWriter& JsonWriter::raw(std::string_view json) {
    separate();
    out_.append(json);
    return *this;
}

std::string json_quote(std::string_view text) {
    std::string out;
    append_quoted(out, text);
    return out;
}

}  // namespace bkmon

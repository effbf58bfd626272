#include "common/base/target_id.h"

#include <fmt/format.h>

#include <initializer_list>
#include <optional>

#include "common/base/text.h"

namespace bkmon {
namespace {

constexpr std::size_t kMostBytes = 4096;

bool kept(unsigned char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-'; }

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::optional<std::string> decode_component(std::string_view encoded) {
    std::string raw;
    for (std::size_t i = 0; i < encoded.size(); ++i) {
        if (encoded[i] != '%') {
            if (!kept(static_cast<unsigned char>(encoded[i]))) return {};
            raw.push_back(encoded[i]);
            continue;
        }
        if (i + 2 >= encoded.size()) return {};
        const int high = hex_digit(encoded[i + 1]), low = hex_digit(encoded[i + 2]);
        if (high < 0 || low < 0) return {};
        raw.push_back(static_cast<char>(high * 16 + low));
        i += 2;
    }
    return raw;
}

}  // namespace

std::string encode_component(std::string_view raw) {
    std::string out;
    out.reserve(raw.size());
    for (const char c : raw) {
        const auto byte = static_cast<unsigned char>(c);
        if (kept(byte))
            out.push_back(c);
        else
            out += fmt::format("%{:02X}", byte);
    }
    return out;
}

TargetId TargetId::of(std::string_view kind, std::initializer_list<std::string_view> parts) {
    std::string name = encode_component(kind);
    for (const auto part : parts) {
        name.push_back('/');
        name += encode_component(part);
    }
    return named(std::move(name));
}

Result<TargetId> TargetId::parse(std::string_view text) {
    const auto bad = [&](std::string_view why) {
        return fail(Errc::invalid,
                    fmt::format("'{}' is not a target: {} (it looks like kind/name, e.g. deposit/site/server)", printable(text, 200), why));
    };
    if (text.size() > kMostBytes) return bad("it is too long");
    const auto components = split(text, '/');
    if (components.size() < 2) return bad("the name after the kind is missing");
    std::string name;
    for (const auto& component : components) {
        if (component.empty()) return bad("a part is empty");
        const auto raw = decode_component(component);
        if (!raw) return bad("other bytes than letters, digits, dot, dash and underscore are written %XX");
        // Encoded again, so that one name has one spelling: a%2Eb and a.b are the same target.
        if (!name.empty()) name.push_back('/');
        name += encode_component(*raw);
    }
    return named(std::move(name));
}

std::string TargetId::kind() const { return str().substr(0, str().find('/')); }

const std::string& TargetId::nothing() {
    static const std::string none;
    return none;
}

TargetId TargetId::named(std::string text) {
    TargetId id;
    text.shrink_to_fit();
    auto key = lower(text);
    id.names_ = std::make_shared<const Names>(Names{std::move(text), std::move(key)});
    return id;
}

}  // namespace bkmon

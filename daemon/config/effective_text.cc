#include "daemon/config/effective_text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace bkmon::config {

namespace {

std::size_t shared_start(std::string_view a, std::string_view b) {
    const auto end = std::min(a.size(), b.size());
    return static_cast<std::size_t>(std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(end), b.begin()).first - a.begin());
}

void append_number(std::string& out, std::uint32_t n) {
    std::array<char, sizeof n> bytes{};
    std::memcpy(bytes.data(), &n, sizeof n);
    out.append(bytes.data(), bytes.size());
}

std::uint32_t take_number(std::string_view& rest) {
    std::uint32_t n = 0;
    std::memcpy(&n, rest.data(), sizeof n);
    rest.remove_prefix(sizeof n);
    return n;
}

/// The next text off `rest`, of which the one before it in the same column is the beginning.
void take_text(std::string_view& rest, std::string& column) {
    const auto shared = take_number(rest), length = take_number(rest);
    column.resize(shared);
    column.append(rest.substr(0, length));
    rest.remove_prefix(length);
}

void take(std::string_view& rest, EffectiveSetting& s) {
    take_text(rest, s.path);
    take_text(rest, s.value);
    take_text(rest, s.origin);
}

}  // namespace

EffectiveText::EffectiveText(const std::vector<EffectiveSetting>& settings) {
    const EffectiveSetting none;
    const auto* before = &none;
    const auto put = [this](const std::string& text, const std::string& last) {
        const auto shared = shared_start(text, last);
        append_number(bytes_, static_cast<std::uint32_t>(shared));
        append_number(bytes_, static_cast<std::uint32_t>(text.size() - shared));
        bytes_.append(text, shared);
    };
    for (const auto& s : settings) {
        put(s.path, before->path);
        put(s.value, before->value);
        put(s.origin, before->origin);
        before = &s;
    }
    bytes_.shrink_to_fit();
}

std::vector<EffectiveSetting> EffectiveText::all() const {
    std::vector<EffectiveSetting> settings;
    EffectiveSetting s;
    for (std::string_view rest = bytes_; !rest.empty();) {
        take(rest, s);
        settings.push_back(s);
    }
    return settings;
}

bool EffectiveText::same_values(const EffectiveText& other) const {
    std::string_view a = bytes_, b = other.bytes_;
    EffectiveSetting of_a, of_b;
    while (!a.empty() && !b.empty()) {
        take(a, of_a);
        take(b, of_b);
        if (of_a.path != of_b.path || of_a.value != of_b.value) return false;
    }
    return a.empty() && b.empty();
}

}  // namespace bkmon::config

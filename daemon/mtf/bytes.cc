#include "daemon/mtf/bytes.h"

#include <array>
#include <cmath>

#include "common/base/utf8.h"

namespace bkmon::mtf {
namespace {

constexpr char32_t kReplacement = 0xfffd;

bool high(std::uint64_t unit) { return unit >= 0xd800 && unit < 0xdc00; }
bool low(std::uint64_t unit) { return unit >= 0xdc00 && unit < 0xe000; }

/// The character at `at`, which moves behind it. A surrogate without its other half becomes U+FFFD.
char32_t next_utf16(Bytes b, std::size_t& at) {
    const auto first = little(b, at, 2);
    at += 2;
    if (high(first) && at + 2 <= b.size() && low(little(b, at, 2))) {
        const auto second = little(b, at, 2);
        at += 2;
        return static_cast<char32_t>(0x10000 + ((first - 0xd800) << 10U) + (second - 0xdc00));
    }
    return high(first) || low(first) ? kReplacement : static_cast<char32_t>(first);
}

}  // namespace

std::uint64_t little(Bytes b, std::uint64_t at, std::size_t width) {
    if (at > b.size() || b.size() - at < width) return 0;
    std::uint64_t v = 0;
    for (std::size_t i = width; i-- > 0;) v = v << 8U | b[static_cast<std::size_t>(at) + i];
    return v;
}

Bytes from(Bytes b, std::uint64_t at) { return at < b.size() ? b.subspan(static_cast<std::size_t>(at)) : Bytes(); }

std::string_view text_of(Bytes b) { return {reinterpret_cast<const char*>(b.data()), b.size()}; }

bool all_zero(Bytes b) { return b.empty() || (b[0] == 0 && std::equal(b.begin() + 1, b.end(), b.begin())); }

double entropy(Bytes bytes) {
    std::array<std::size_t, 256> count{};
    for (const auto c : bytes) ++count[c];
    double e = 0;
    for (const std::size_t n : count)
        if (n > 0) {
            const double p = static_cast<double>(n) / static_cast<double>(bytes.size());
            e -= p * std::log2(p);
        }
    return e;
}

bool is_block(Bytes at, std::string_view type) {
    if (at.size() < kHeader || !text_of(at).starts_with(type)) return false;
    std::uint64_t x = 0;
    for (std::size_t i = 0; i < 50; i += 2) x ^= little(at, i, 2);
    return x == little(at, 50, 2);
}

std::string text_at(Bytes record, std::size_t pair, unsigned type, std::size_t most) {
    const auto size = little(record, pair, 2), offset = little(record, pair + 2, 2);
    if (size == 0 || offset + size > record.size()) return {};
    const Bytes b = record.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
    std::string out;
    for (std::size_t at = 0; at + (type == 1 ? 1 : 2) <= b.size();) {
        const char32_t c = type == 1 ? (b[at] < 0x80 ? b[at] : kReplacement) : next_utf16(b, at);
        if (type == 1) ++at;
        if (c == 0) break;
        const auto before = out.size();
        append_utf8(out, c);
        if (out.size() > most) {
            out.resize(before);
            break;
        }
    }
    return out;
}

std::optional<Time> date_at(Bytes b, std::size_t at) {
    if (b.size() < at + 5) return std::nullopt;
    std::uint64_t v = 0;
    for (std::size_t i = 0; i < 5; ++i) v = v << 8U | b[at + i];
    const auto year = static_cast<int>(v >> 26U);
    const auto day = std::chrono::year(year) / static_cast<unsigned>(v >> 22U & 15U) / static_cast<unsigned>(v >> 17U & 31U);
    const auto hour = v >> 12U & 31U, minute = v >> 6U & 63U, second = v & 63U;
    if (year < 1980 || year > 9000 || !day.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
    return Time(std::chrono::sys_days(day)) + std::chrono::hours(hour) + std::chrono::minutes(minute) + seconds(second);
}

Bytes stream_of(Bytes block, std::string_view id) {
    constexpr int kMost = 16;
    Bytes s = from(block, (little(block, 8, 2) + 3) / 4 * 4);
    for (int i = 0; i < kMost && s.size() >= kStreamHeader; ++i) {
        const auto length = little(s, 8, 8);
        const Bytes content = s.subspan(kStreamHeader);
        if (text_of(s).starts_with(id)) return content.first(static_cast<std::size_t>(std::min<std::uint64_t>(length, content.size())));
        if (text_of(s).starts_with("SPAD") || length > content.size()) break;
        s = from(s, (kStreamHeader + length + 3) / 4 * 4);
    }
    return {};
}

Seen::Seen(const View& view) : size_(view.size) {
    const Bytes head = view.head.first(static_cast<std::size_t>(std::min<std::uint64_t>(view.head.size(), size_)));
    const Bytes tail = view.tail.last(static_cast<std::size_t>(std::min<std::uint64_t>(view.tail.size(), size_)));
    struct Window {
        Bytes bytes;
        std::uint64_t at;
    };
    std::array<Window, 3> windows{Window{head, 0}, Window{tail, size_ - tail.size()}, Window{}};
    if (view.third_at < size_) {
        const auto n = std::min<std::uint64_t>(view.third.size(), size_ - view.third_at);
        windows[2] = {view.third.first(static_cast<std::size_t>(n)), view.third_at};
    }
    std::sort(windows.begin(), windows.end(), [](const Window& a, const Window& b) { return a.at < b.at; });
    for (const auto& w : windows) add(w.bytes, w.at);
}

Bytes Seen::tail() const {
    if (pieces_.empty() || pieces_.back().at + pieces_.back().bytes.size() != size_) return {};
    return pieces_.back().bytes;
}

void Seen::add(Bytes bytes, std::uint64_t at) {
    if (bytes.empty()) return;
    if (pieces_.empty() || pieces_.back().at + pieces_.back().bytes.size() < at) {
        pieces_.push_back({at, bytes, {}});
        return;
    }
    auto& last = pieces_.back();
    const Bytes fresh = from(bytes, last.at + last.bytes.size() - at);
    if (fresh.empty()) return;
    if (last.joined.empty()) last.joined.assign(last.bytes.begin(), last.bytes.end());
    last.joined.insert(last.joined.end(), fresh.begin(), fresh.end());
    last.bytes = last.joined;
}

Bytes Seen::at(std::uint64_t offset) const {
    for (const auto& p : pieces_)
        if (offset >= p.at && offset < p.at + p.bytes.size()) return from(p.bytes, offset - p.at);
    return {};
}

bool Seen::only_zeros() const {
    return std::all_of(pieces_.begin(), pieces_.end(), [](const Piece& p) { return all_zero(p.bytes); });
}

}  // namespace bkmon::mtf

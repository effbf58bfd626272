#include "daemon/mtf/ends.h"

namespace bkmon::mtf {
namespace {

constexpr std::size_t kMarks = 72;  ///< where a filemark's array begins

End read_end(const Seen& seen, std::uint64_t at, std::uint64_t block) {
    End e;
    e.at = at;
    const Bytes mark = seen.at(at);
    const auto used = little(mark, 56, 4), capacity = little(mark, 52, 4);
    e.sound = used <= capacity && used <= (block - kMarks) / 8 && mark.size() >= kMarks + used * 8;
    e.capped = used == (block - kMarks) / 8;
    if (!e.sound) return e;
    for (std::uint64_t i = 0; i < used; ++i) e.marks.push_back(little(mark, kMarks + i * 8, 8));
    return e;
}

/// Zeros at the end may be those of the filemark's own block too: only one place can hold it.
std::optional<End> padded_end(const Seen& seen, std::uint64_t block) {
    const Bytes tail = seen.tail();
    std::size_t n = tail.size();
    while (n > 0 && tail[n - 1] == 0) --n;
    if (n == 0 || n == tail.size()) return std::nullopt;
    const std::uint64_t at = (seen.tail_at() + n - 1) / block * block;
    if (at + block >= seen.size() || !is_block(seen.at(at), "SFMB")) return std::nullopt;
    End e = read_end(seen, at, block);
    // Behind its marks a filemark is empty: what else lies there is no padding.
    if (!e.sound || seen.tail_at() + n > at + kMarks + 8 * e.marks.size()) return std::nullopt;
    e.padding = seen.size() - at - block;
    return e;
}

}  // namespace

std::optional<End> end_of(const Seen& seen, std::uint64_t block) {
    if (seen.size() < block) return std::nullopt;
    if (is_block(seen.at(seen.size() - block), "SFMB")) return read_end(seen, seen.size() - block, block);
    return padded_end(seen, block);
}

bool ends_as_sql_server_writes(const Seen& seen, std::uint64_t block) {
    if (block <= kMarks || seen.size() < block) return false;
    const Bytes mark = seen.at(seen.size() - block);
    return is_block(mark, "SFMB") && little(mark, 52, 4) == (block - kMarks) / 8 && little(mark, 60, 4) == kMarks;
}

bool ends_as_sql_server_writes(const Seen& seen) {
    for (std::uint64_t block = kStep; block <= kWindow; block *= 2)
        if (ends_as_sql_server_writes(seen, block)) return true;
    return false;
}

std::optional<std::uint64_t> last_set_of(const End& end, std::uint64_t block) {
    if (!end.sound || end.marks.size() < 2 || (!end.capped && end.marks.size() % 2 != 0)) return std::nullopt;
    if (end.marks[0] >= end.at || end.marks[1] >= end.marks[0]) return std::nullopt;
    return end.marks[1] + block;
}

std::optional<MapEntry> last_of_map(const Seen& seen, std::uint64_t first, std::uint64_t second, std::uint64_t unit, bool& missing) {
    missing = false;
    const std::uint64_t at = first + unit;
    if (second < at + kStreamHeader) return std::nullopt;
    const Bytes map = seen.at(at);
    if (map.size() < kStreamHeader) return std::nullopt;
    if (!text_of(map).starts_with("TSMP")) {
        missing = true;
        return std::nullopt;
    }
    const auto length = std::min(little(map, 8, 8), second - at - kStreamHeader);
    const Bytes content = map.subspan(kStreamHeader);
    if (content.size() < length) return std::nullopt;
    MapEntry e;
    e.family = little(content, 0, 4);
    e.sets = little(content, 4, 2);
    Bytes entry = from(content.first(static_cast<std::size_t>(length)), 8);
    for (std::uint64_t i = 0; i < e.sets; ++i) {
        const auto size = little(entry, 0, 2);
        if (size < 86 || size > entry.size()) return std::nullopt;
        e.set_at = little(entry, 12, 8);
        e.number = little(entry, 30, 2);
        e.date = entry.subspan(80, 5);
        auto volumes = little(entry, 60, 2);
        for (entry = from(entry, size); volumes > 0; --volumes) {
            const auto n = little(entry, 0, 2);
            if (n < 2 || n > entry.size()) return std::nullopt;
            entry = from(entry, n);
        }
    }
    return e.sets > 0 ? std::optional(e) : std::nullopt;
}

}  // namespace bkmon::mtf

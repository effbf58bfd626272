#include "daemon/platform/inspect/worker/mtf.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.h"

namespace bkmon::inspect {
namespace {

using std::chrono::minutes;

Bytes from(Bytes b, std::uint64_t at) { return at < b.size() ? b.subspan(static_cast<std::size_t>(at)) : Bytes(); }

void append_utf8(std::string& to, std::uint32_t c) {
    if (c < 0x80)
        to += static_cast<char>(c);
    else if (c < 0x800)
        to += {static_cast<char>(0xc0 | c >> 6), static_cast<char>(0x80 | (c & 0x3f))};
    else if (c < 0x10000)
        to += {static_cast<char>(0xe0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 0x3f)), static_cast<char>(0x80 | (c & 0x3f))};
    else
        to += {static_cast<char>(0xf0 | c >> 18), static_cast<char>(0x80 | (c >> 12 & 0x3f)), static_cast<char>(0x80 | (c >> 6 & 0x3f)),
               static_cast<char>(0x80 | (c & 0x3f))};
}

/// UTF-16LE; a lone surrogate becomes U+FFFD, a NUL ends it.
std::string utf16(Bytes b) {
    std::string out;
    for (std::size_t i = 0; i + 1 < b.size(); i += 2) {
        auto c = static_cast<std::uint32_t>(little(b, i, 2));
        if (c == 0) break;
        if (c >= 0xd800 && c < 0xdc00 && i + 3 < b.size()) {
            const auto low = static_cast<std::uint32_t>(little(b, i + 2, 2));
            if (low >= 0xdc00 && low < 0xe000) {
                c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
                i += 2;
            }
        }
        append_utf8(out, c >= 0xd800 && c < 0xe000 ? 0xfffd : c);
    }
    return out;
}

/// A {size, offset} pair at `at` of a record that the offset counts from.
std::string string_at(Bytes record, std::size_t at, std::uint64_t limit) {
    const auto size = little(record, at, 2), offset = little(record, at + 2, 2);
    if (size == 0 || offset + size > std::min<std::uint64_t>(limit, record.size())) return {};
    return utf16(record.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size)));
}

/// Five bytes: year 14 bits, month 4, day 5, hour 5, minute 6, second 6; local time of the server.
std::optional<Time> date_at(Bytes b, std::size_t at) {
    if (b.size() < at + 5) return std::nullopt;
    std::uint64_t v = 0;
    for (std::size_t i = 0; i < 5; ++i) v = v << 8 | b[at + i];
    const auto day = std::chrono::year(static_cast<int>(v >> 26)) / static_cast<unsigned>(v >> 22 & 15) / static_cast<unsigned>(v >> 17 & 31);
    const auto hour = v >> 12 & 31, minute = v >> 6 & 63, second = v & 63;
    if (!day.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
    return Time(std::chrono::sys_days(day)) + std::chrono::hours(hour) + minutes(minute) + seconds(second);
}

/// The body of the first SCIN record of a configuration block (MSCI or MSLS).
Bytes scin_of(Bytes block) {
    const std::uint64_t stream = (little(block, 8, 2) + 3) / 4 * 4;
    const Bytes s = from(block, stream);
    if (s.size() < 22 + 112 || !text_of(s).starts_with("MQCI")) return {};
    const Bytes record = s.subspan(22);
    const auto length = little(record, 4, 4);
    if (!text_of(record).starts_with("SCIN") || length < 112) return {};
    return record.first(static_cast<std::size_t>(std::min<std::uint64_t>(length, record.size())));
}

Bytes find_block(Bytes in, std::string_view type) {
    for (std::size_t at = 0; at + kMtfHeader <= in.size(); at += kMtfStep)
        if (mtf_block(in.subspan(at), type)) return in.subspan(at);
    return {};
}

struct Geometry {
    std::uint64_t block = 0, logical = 0, unit = 0;
    bool soft_marks = false;
};

class Mtf {
public:
    explicit Mtf(const MtfView& v) : v_(v) {}

    void run(Findings& f) {
        if (!mtf_block(v_.head, "TAPE")) return apply(f, broken("the backup's media header has a wrong checksum"));
        if (little(v_.head, 86, 2) != 0x1200) {
            f.state = Findings::State::not_applicable;
            f.detail = "a backup in Microsoft Tape Format that SQL Server did not write";
            return;
        }
        g_.block = 512 * little(v_.head, 64, 2);
        g_.logical = little(v_.head, 84, 2);
        g_.unit = std::max(g_.block, g_.logical);
        g_.soft_marks = (little(v_.head, 56, 4) & 1) != 0;
        const bool known = g_.block >= 512 && g_.block <= 65536 && (g_.block & (g_.block - 1)) == 0 && (g_.logical == 512 || g_.logical == 1024);
        describe(f);
        if (!g_.soft_marks || !known) {
            f.state = Findings::State::not_applicable;
            f.detail = what_ + "; written without soft filemarks: whether it is whole cannot be said";
            return;
        }
        if (v_.first_set.empty())
            return apply(f, v_.size > g_.unit + 2 * g_.block ? broken("the backup holds no backup set")
                                                             : cut_short("the backup ends before its first backup set"));
        if (v_.first_set_at != g_.unit + g_.block)
            return apply(f, broken(fmt::format("the first backup set begins at byte {} instead of {}", v_.first_set_at, g_.unit + g_.block)));
        if (auto bad = check_end()) return apply(f, std::move(*bad));
        f.state = Findings::State::whole;
        f.detail = what_ + (padded_ ? "; whole by its length, with zero padding behind its end (likely)"
                                    : "; whole by its length: the content of the middle carries no checksum that was tested");
    }

private:
    std::uint64_t tail_start() const { return v_.size - v_.tail.size(); }

    /// A block at an absolute offset, as far as head or tail show it.
    Bytes at(std::uint64_t offset) const {
        if (offset >= tail_start()) return from(v_.tail, offset - tail_start());
        return from(v_.head, offset);
    }
    bool in_view(std::uint64_t offset) const { return offset >= tail_start() || offset + kMtfStep <= v_.head.size(); }

    Outcome check_end() {
        std::uint64_t end = v_.size;
        if (end < g_.block || !mtf_block(at(end - g_.block), "SFMB")) {
            end = padded_end();
            if (end == 0) return cut_short("the backup does not end as SQL Server ends one (no filemark at its end): it is not complete");
            padded_ = true;
        }
        const std::uint64_t last = end - g_.block;
        const Bytes mark = at(last);
        const auto capacity = little(mark, 52, 4), used = little(mark, 56, 4);
        if (used < 2 || used > capacity || 72 + used * 8 > g_.block) return broken("the filemark at the backup's end is damaged");
        std::uint64_t above = last;
        for (std::uint64_t i = 0; i < used; ++i) {
            const auto m = little(mark, 72 + static_cast<std::size_t>(i) * 8, 8);
            if (m >= above) return broken("the filemark at the backup's end names places that cannot be: bytes are missing or were added");
            if (!std::binary_search(v_.marks.begin(), v_.marks.end(), m))
                return broken("a filemark is not where the backup's end says: bytes are missing or were added");
            above = m;
        }
        const auto seen = std::count_if(v_.marks.begin(), v_.marks.end(), [&](std::uint64_t m) { return m >= above && m < last; });
        if (static_cast<std::uint64_t>(seen) != used)
            return broken("it has filemarks that its end does not know: the rest of another backup lies in the file");
        return check_set(last, little(mark, 72, 8), little(mark, 80, 8), used == capacity ? 0 : used / 2);
    }

    /// Between the newest mark and the end lie the end-of-set block, the map of all sets, and the end-of-set block again.
    Outcome check_set(std::uint64_t last, std::uint64_t newest, std::uint64_t before, std::uint64_t sets) {
        const std::uint64_t span = last - newest;
        if (span < g_.block + 3 * g_.unit || (span - g_.block) % g_.unit != 0 || (span - g_.block) / g_.unit > 1024)
            return broken("the end of the backup set has another length than it must have");
        const std::uint64_t first_eset = newest + g_.block, second_eset = last - g_.unit;
        if (in_view(first_eset)) {
            const Bytes e = at(first_eset);
            if (!mtf_block(e, "ESET")) return broken("the end of the backup set is damaged");
            if ((little(e, 4, 4) & 1U << 18) != 0) return cut_short("the backup was aborted");
        }
        if (in_view(second_eset)) {
            const Bytes e = at(second_eset);
            if (!mtf_block(e, "ESET") || little(e, 60, 8) != first_eset) return broken("the end of the backup set is damaged or of another backup");
        }
        if (v_.last_set_at != before + g_.block)
            return broken(fmt::format("the last backup set begins at byte {} instead of {}: two backups in one file, or bytes are missing",
                                      v_.last_set_at, before + g_.block));
        if (sets > 1) what_ += fmt::format("; the last of {} backup sets", sets);
        return {};
    }

    /// Where the backup ends when only zeros follow it; 0 when not so.
    std::uint64_t padded_end() const {
        std::size_t n = v_.tail.size();
        while (n > 0 && v_.tail[n - 1] == 0) --n;
        if (n == v_.tail.size() || n == 0) return 0;
        // The block's own end is zeros too: look at each place from which it would reach beyond the last byte that is not zero.
        const std::uint64_t last_byte = tail_start() + n - 1;
        const std::uint64_t lowest = last_byte >= g_.block ? (last_byte - g_.block) / kMtfStep * kMtfStep : 0;
        for (std::uint64_t p = last_byte / kMtfStep * kMtfStep; p >= tail_start(); p -= kMtfStep) {
            if (mtf_block(at(p), "SFMB") && p + g_.block <= v_.size && p + g_.block > last_byte) return p + g_.block;
            if (p <= lowest || p < kMtfStep) break;
        }
        return 0;
    }

    void describe(Findings& f) {
        const Bytes set = v_.last_set;
        const Bytes start = scin_of(find_block(set, "MSCI")), finish = scin_of(find_last_msls());
        const Bytes scin = finish.empty() ? start : finish;
        f.database = string_at(scin, 104, scin.size());
        f.server = string_at(scin, 108, scin.size());
        const int zone = set.size() > 95 ? static_cast<signed char>(set[95]) : 127;
        auto local = finish.empty() ? std::nullopt : date_at(finish, 82);
        if (!local) local = date_at(scin, 77);
        if (!local) local = date_at(set, 88);
        if (local && zone != 127) f.written_at = *local - minutes(15 * zone);
        what_ = "SQL Server " + kind(set, scin);
        if (const auto families = family_count(); families > 1)
            what_ += fmt::format(", part {} of {}: this file alone cannot be restored", little(raid_, 24, 2), families);
    }

    Bytes find_last_msls() const {
        Bytes found;
        for (std::size_t p = 0; p + kMtfHeader <= v_.tail.size(); p += kMtfStep)
            if (const Bytes b = aligned_tail(p); mtf_block(b, "MSLS")) found = b;
        return found;
    }
    Bytes aligned_tail(std::size_t p) const {
        const std::size_t shift = (kMtfStep - static_cast<std::size_t>(tail_start() % kMtfStep)) % kMtfStep;
        return from(v_.tail, p + shift);
    }

    std::string kind(Bytes set, Bytes scin) const {
        const auto bits = little(set, 52, 4);
        const char letter = scin.size() > 87 ? static_cast<char>(scin[87]) : '?';
        if (bits == 4 && letter == 'D') return "full backup";
        if (bits == 8 && letter == 'I') return "differential backup";
        if (bits == 6 && letter == 'D') return "copy-only backup (likely)";
        if ((bits & 0x10) != 0 && letter == 'L') return "log backup (likely)";
        return "backup";
    }

    std::uint64_t family_count() {
        Bytes s = from(v_.head, (little(v_.head, 8, 2) + 3) / 4 * 4);
        for (int i = 0; i < 8 && s.size() >= 22; ++i) {
            const auto length = little(s, 8, 8);
            if (text_of(s).starts_with("RAID") && s.size() >= 22 + 32 && length >= 26) {
                raid_ = s.subspan(22, 32);
                return little(raid_, 20, 2);
            }
            if (text_of(s).starts_with("SPAD") || length > s.size()) break;
            s = from(s, (22 + length + 3) / 4 * 4);
        }
        return 1;
    }

    const MtfView& v_;
    Geometry g_;
    Bytes raid_;
    std::string what_;
    bool padded_ = false;
};

}  // namespace

bool mtf_block(Bytes at, std::string_view type) {
    if (at.size() < kMtfHeader || !text_of(at).starts_with(type)) return false;
    std::uint64_t x = 0;
    for (std::size_t i = 0; i < 50; i += 2) x ^= little(at, i, 2);
    return x == little(at, 50, 2);
}

void judge_mtf(const MtfView& view, Findings& findings) { Mtf(view).run(findings); }

void judge_mssql_packed(const MtfView& v, Findings& f) {
    std::uint64_t block = 0;
    for (std::size_t at = kMtfStep; at + kMtfHeader <= v.head.size(); at += kMtfStep)
        if (mtf_block(v.head.subspan(at), "SFMB")) {
            block = little(v.head, at + 8, 2);
            break;
        }
    if (block < 512 || (block & (block - 1)) != 0) {
        f.state = Findings::State::not_applicable;
        f.detail = "SQL Server backup, compressed or encrypted; whether it is whole cannot be said";
        return;
    }
    if (v.size < block || v.tail.size() < block || !mtf_block(v.tail.last(static_cast<std::size_t>(block)), "SFMB"))
        return apply(f, cut_short("the compressed SQL Server backup does not end with a filemark: it is likely not complete"));
    f.state = Findings::State::whole;
    f.detail = "SQL Server backup, compressed or encrypted; it ends as a whole one ends (likely whole)";
}

}  // namespace bkmon::inspect

#include "daemon/mtf/plain.h"

#include <fmt/format.h>

#include "common/base/text.h"
#include "daemon/mtf/backup_set.h"
#include "daemon/mtf/length.h"
#include "daemon/mtf/limits.h"

namespace bkmon::mtf {
namespace {

struct Sight {
    std::optional<End> end;
    std::uint64_t set_at = 0;  ///< of the last set, or of the first when nobody knows of others
    bool last = false;
    Bytes sset, msls;
};

/// The configuration's copy at a set's end: it reaches to the filemark that ends the set's data, with what pads it to a block.
Bytes find_msls(const Seen& seen, std::uint64_t set_at, std::uint64_t data_end, std::uint64_t block) {
    constexpr std::uint64_t kFar = 4 << 20, kSlack = 8192;
    const std::uint64_t lowest = std::max(set_at, data_end - std::min(data_end, kFar));
    for (std::uint64_t at = data_end / kStep * kStep; at >= lowest + kStep; at -= kStep) {
        const Bytes b = seen.at(at - kStep);
        if (!is_block(b, "MSLS")) continue;
        const auto length = little(b, (little(b, 8, 2) + 3) / 4 * 4 + 8, 8);
        if (length <= data_end - at && data_end - at - length <= kSlack + block) return b;
    }
    return {};
}

Sight sight_of(const Seen& seen, const Media& m) {
    Sight s;
    s.set_at = m.first_set();
    if (m.known) s.end = end_of(seen, m.block);
    if (s.end)
        if (const auto at = last_set_of(*s.end, m.block)) {
            s.set_at = *at;
            s.last = true;
            s.msls = find_msls(seen, *at, s.end->data_end(), m.block);
        }
    s.sset = seen.at(s.set_at);
    return s;
}

int count_sets(const Sight& s, const Seen& seen, const Media& m) {
    if (!s.end || !s.last) return 0;
    std::uint64_t n = s.end->sets();
    bool missing = false;
    if (n == 0)
        if (const auto map = last_of_map(seen, s.end->data_end() + m.block, s.end->at - m.unit, m.unit, missing)) n = map->sets;
    return static_cast<int>(std::min<std::uint64_t>(n, kMaxSets));
}

void describe_media(const Media& m, Reading& r) {
    r.claims.push_back({"SQL Server backup", "yes", m.by_vendor() && m.by_name() ? Sure::proven : Sure::likely,
                        fmt::format("TAPE with its checksum, vendor 0x{:x} at 86, software \"{}\"", m.vendor, printable(m.software, 60))});
    r.part = m.part;
    r.parts = m.parts;
    if (m.parts > 1)
        r.claims.push_back(
            {"part", fmt::format("{} of {}: this file alone cannot be restored", m.part, m.parts), Sure::proven, "TAPE, stream RAID at 20 and 24"});
}

}  // namespace

void read_plain(const View& view, const Seen& seen, const Media& m, Reading& r) {
    const Sight s = sight_of(seen, m);
    describe_media(m, r);
    Judgement j = judge_length(view, seen, m, s.end);
    r.whole = j.whole;
    r.why = std::move(j.why);
    r.claims.push_back({"whole", whole_words(r), r.whole.sure, std::move(j.rests_on)});
    r.sets = count_sets(s, seen, m);
    if (r.sets > 0)
        r.claims.push_back({"sets", fmt::format("{}; what follows is of the last one", r.sets), Sure::proven, "marks of the last SFMB, or TSMP"});
    // Without its end nobody knows which set is the last: what is read is the first one's.
    const BackupSet set(s.sset, s.msls);
    if (!s.last)
        r.claims.push_back(
            {"of which set", "the first: its end, which names the last, was not found", Sure::likely, fmt::format("SSET at byte {}", s.set_at)});
    set.describe(r, s.last || r.whole.value == Whole::incomplete ? Sure::proven : Sure::likely);
    r.claims.push_back({"restorable", "not known", Sure::unknown, "nothing but a restore proves the content: pages in the middle were not read"});
}

std::optional<std::uint64_t> third_of_plain(const Seen& seen, const Media& m) {
    if (!m.known) return std::nullopt;
    const Sight s = sight_of(seen, m);
    if (s.set_at + kHeader > seen.size()) return std::nullopt;
    const BackupSet start(s.sset, {});
    if (!start.named()) {
        // A block that is there and is none is damage: reading it again changes nothing.
        const bool none = s.sset.size() >= kHeader && !is_block(s.sset, "SSET");
        const bool all = s.sset.size() >= kWindow || s.set_at + s.sset.size() >= seen.size();
        return none || all ? std::nullopt : std::optional(s.set_at);
    }
    if (!s.last || !s.msls.empty() || seen.has(s.set_at, s.end->data_end() - s.set_at)) return std::nullopt;
    // The copy at the end is as long as the one at the start, and padded to a block.
    const std::uint64_t reach = start.configuration_bytes() + 4096 + m.block;
    const std::uint64_t at = s.end->data_end() - std::min(s.end->data_end() - s.set_at, std::max<std::uint64_t>(reach, kWindow));
    return at / kStep * kStep;
}

}  // namespace bkmon::mtf

#include "daemon/mtf/packed.h"

#include <fmt/format.h>
#include <zstd.h>

#include "common/base/c_ptr.h"
#include "daemon/mtf/backup_set.h"
#include "daemon/mtf/ends.h"
#include "daemon/mtf/length.h"
#include "daemon/mtf/limits.h"
#include "daemon/mtf/xpress.h"

namespace bkmon::mtf {
namespace {

constexpr std::size_t kMostPlain = 1 << 16;  ///< of one chunk, and of all that are unpacked: MSCI begins within 4 KiB
constexpr std::uint64_t kXpress = 3, kZstd = 131;
constexpr std::uint64_t kSmallest = 1024;  ///< its own header, and a filemark

struct Container {
    std::uint64_t version = 0, method = 0;
    std::uint64_t mark = 0;   ///< the first soft filemark, in clear behind the media header; 0: not in view
    std::uint64_t block = 0;  ///< its size
};

Container container_of(const Seen& seen) {
    const Bytes head = seen.at(0);
    Container c{little(head, 8, 4), little(head, 12, 4)};
    for (std::size_t at = kStep; at + kHeader <= head.size() && at <= kWindow && c.mark == 0; at += kStep) {
        if (!is_block(head.subspan(at), "SFMB")) continue;
        const auto size = little(head, at + 8, 2) == 0 ? kWindow : little(head, at + 8, 2);
        if (size >= kStep && (size & (size - 1)) == 0) c = {c.version, c.method, at, size};
    }
    return c;
}

std::vector<std::uint8_t> unpack_zstd(Bytes in, std::size_t most) {
    std::vector<std::uint8_t> out(most);
    const CPtr<ZSTD_DCtx, &ZSTD_freeDCtx> ctx(ZSTD_createDCtx());
    if (!ctx || ZSTD_isError(ZSTD_DCtx_setParameter(ctx.get(), ZSTD_d_windowLogMax, 20)) != 0) return {};
    ZSTD_inBuffer from_{in.data(), in.size(), 0};
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    // What cannot be unpacked to its end may hold what is wanted at its beginning.
    while (from_.pos < from_.size && to.pos < to.size) {
        const auto rc = ZSTD_decompressStream(ctx.get(), &to, &from_);
        if (ZSTD_isError(rc) != 0 || rc == 0) break;
    }
    out.resize(to.pos);
    return out;
}

struct Chunk {
    std::uint64_t header = 28;
    bool raw = false;
    std::uint64_t bytes = 0;  ///< packed
};

/// 0x21 packed or 0x24 raw, plain size / 512, packed size; containers of version 1 have shorter headers.
std::optional<Chunk> chunk_at(Bytes at, std::uint64_t version) {
    const auto mark = little(at, 0, 1);
    if (at.size() < 32 || (mark != 0x21 && mark != 0x24)) return std::nullopt;
    Chunk c{version <= 1 ? 8U : 28U, mark == 0x24, little(at, 2, 2)};
    if (c.raw && c.bytes == 0) c.bytes = little(at, 1, 1) * 512;
    return c.bytes == 0 ? std::nullopt : std::optional(c);
}

std::vector<std::uint8_t> unpack(Bytes at, const Chunk& c) {
    Bytes data = from(at, c.header);
    data = data.first(static_cast<std::size_t>(std::min<std::uint64_t>(data.size(), c.bytes)));
    if (c.raw) return {data.begin(), data.begin() + static_cast<std::ptrdiff_t>(std::min(data.size(), kMostPlain))};
    return little(data, 0, 4) == ZSTD_MAGICNUMBER ? unpack_zstd(data, kMostPlain) : unpack_xpress(data, kMostPlain);
}

bool configured(Bytes plain) { return BackupSet(plain, {}).named(); }

/// What the chunks behind the first filemark hold, from SSET on. Empty: nothing of theirs that its checksum confirms.
std::vector<std::uint8_t> first_blocks(const Seen& seen, const Container& c) {
    constexpr std::uint64_t kSearch = 1024;
    constexpr int kMostTries = 8, kMostChunks = 3;
    int tries = 0;
    for (std::uint64_t skip = 0; skip <= kSearch && tries < kMostTries; skip += 4) {
        Bytes at = seen.at(c.mark + c.block + skip);
        auto chunk = chunk_at(at, c.version);
        if (!chunk) continue;
        ++tries;
        auto plain = unpack(at, *chunk);
        if (!is_block(plain, "SSET")) continue;
        for (int i = 1; i < kMostChunks && chunk && !configured(plain) && plain.size() < kMostPlain; ++i) {
            at = from(at, chunk->header + chunk->bytes);
            chunk = chunk_at(at, c.version);
            if (!chunk) break;
            const auto more = unpack(at, *chunk);
            plain.insert(plain.end(), more.begin(), more.end());
        }
        return plain;
    }
    return {};
}

std::optional<End> end_of_any(const Seen& seen, const Container& c) {
    if (c.block != 0) return end_of(seen, c.block);
    for (std::uint64_t block = kStep; block <= kWindow; block *= 2)
        if (auto e = end_of(seen, block); e && e->padding == 0) return e;
    return std::nullopt;
}

void judge_end(const Seen& seen, const Container& c, const std::optional<End>& end, bool understood, Reading& r) {
    std::string rests_on;
    if (end && c.mark != 0 && end->at == c.mark) {
        r.whole = {Whole::incomplete, Sure::likely};
        r.why = "it ends behind its media header";
        rests_on = fmt::format("the only SFMB, at byte {}, is the first", c.mark);
    } else if (end && end->sound && !end->capped && end->marks.size() % 2 != 0) {
        r.why = "the filemark that it ends with is not the one of a backup set's end, as far as is known of this form";
        rests_on = fmt::format("SFMB at byte {} has {} marks", end->at, end->marks.size());
    } else if (end) {
        r.whole = {Whole::whole, Sure::likely};
        r.why = end->padding > 0 ? fmt::format("it ends as a whole one ends; {} zero bytes follow", end->padding) : "it ends as a whole one ends";
        rests_on = fmt::format("SFMB with its checksum at byte {}", end->at);
    } else if (c.mark != 0 && understood) {
        r.whole = {Whole::incomplete, Sure::likely};
        r.why = "it does not end with a filemark";
        rests_on = fmt::format("SFMB at byte {} behind the media header, none at byte {}", c.mark, seen.size() - std::min(seen.size(), c.block));
    } else if (c.mark == 0 && seen.size() < kSmallest) {
        r.whole = {Whole::incomplete, Sure::likely};
        r.why = "it ends within its media header";
        rests_on = fmt::format("{} bytes", seen.size());
    } else if (c.mark == 0 && understood && seen.has(0, seen.size())) {
        r.whole = {Whole::incomplete, Sure::likely};
        r.why = "it ends before the filemark behind its media header";
        rests_on = fmt::format("no SFMB in all {} bytes", seen.size());
    } else {
        r.why = c.mark != 0 ? "it is packed in a way that is not known: whether it is whole cannot be said" : "whether it is whole cannot be said";
        rests_on = c.mark != 0 ? fmt::format("method {} at byte 12 is neither XPRESS nor ZSTD", c.method) : "no SFMB in view";
    }
    r.claims.push_back({"whole", whole_words(r), r.whole.sure, std::move(rests_on)});
}

}  // namespace

void read_packed(const Seen& seen, Reading& r) {
    r.form = Form::packed;
    const Container c = container_of(seen);
    r.claims.push_back({"SQL Server backup", "yes, compressed or encrypted", Sure::proven, "MSSQLBAK at byte 0"});
    const auto plain = c.mark != 0 ? first_blocks(seen, c) : std::vector<std::uint8_t>();
    const auto end = end_of_any(seen, c);
    judge_end(seen, c, end, !plain.empty() || c.method == kXpress || c.method == kZstd, r);
    if (end && end->sound) r.sets = static_cast<int>(std::min<std::uint64_t>(end->sets(), kMaxSets));
    if (plain.empty()) {
        r.claims.push_back({"kind, database, server, times", "not known", Sure::unknown,
                            fmt::format("method {} at byte 12: nothing of it could be unpacked", c.method)});
        return;
    }
    const BackupSet set(plain, {});
    if (r.sets <= 1) {
        r.claims.push_back({"of which set", "the first", Sure::likely, "the chunk behind the first SFMB, unpacked: SSET with its checksum"});
        return set.describe(r, Sure::likely);
    }
    Reading first;
    set.describe(first, Sure::likely);
    r.claims.push_back({"sets", fmt::format("{}: the last one is packed too far behind to be read", r.sets), Sure::likely,
                        fmt::format("marks of SFMB at byte {}", end->at)});
    for (auto& claim : first.claims) {
        claim.question = "of the first set: " + claim.question;
        r.claims.push_back(std::move(claim));
    }
}

std::optional<std::uint64_t> third_of_packed(const Seen& seen) {
    const Container c = container_of(seen);
    const std::uint64_t at = c.mark != 0 ? c.mark + c.block : kWindow;
    return at >= seen.size() || seen.has(at, std::min<std::uint64_t>(4096, seen.size() - at)) ? std::nullopt : std::optional(at);
}

}  // namespace bkmon::mtf

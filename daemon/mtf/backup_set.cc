#include "daemon/mtf/backup_set.h"

#include <fmt/format.h>

#include "common/base/text.h"
#include "daemon/mtf/limits.h"

namespace bkmon::mtf {
namespace {

constexpr std::size_t kScinFixed = 112;
constexpr std::uint64_t kCopy = 2, kNormal = 4, kDifferential = 8, kIncremental = 0x10, kKinds = 0x3e;

/// The block of this type that lies between SSET and the data, or nothing: blocks follow each other in units of 512.
Bytes block_behind(Bytes sset, std::string_view type) {
    constexpr std::size_t kFar = 1 << 16;
    for (std::size_t at = kStep; at + kHeader <= sset.size() && at <= kFar; at += kStep) {
        const Bytes b = sset.subspan(at);
        if (is_block(b, type)) return b;
        if (is_block(b, "SFMB") || is_block(b, "SSET")) break;
    }
    return {};
}

struct KindRule {
    std::uint64_t bits;
    char letter;
    Kind kind;
    Sure sure;
};
constexpr KindRule kRules[]{
    {kNormal, 'D', Kind::full, Sure::proven},
    {kDifferential, 'I', Kind::differential, Sure::proven},
    {kCopy | kNormal, 'D', Kind::copy_only, Sure::likely},
    {kIncremental, 'L', Kind::log, Sure::likely},
    {kIncremental | kCopy, 'L', Kind::log, Sure::likely},
};

/// SSET's bits alone, when there is no letter or it says something else.
Kind kind_by_bits(std::uint64_t bits) {
    if (bits == kNormal) return Kind::full;
    if (bits == kDifferential) return Kind::differential;
    if (bits == (kCopy | kNormal)) return Kind::copy_only;
    if ((bits & kIncremental) != 0) return Kind::log;
    return Kind::unknown;
}

std::string words(Kind kind) {
    switch (kind) {
        case Kind::full: return "full";
        case Kind::differential: return "differential";
        case Kind::log: return "log";
        case Kind::copy_only: return "copy-only";
        case Kind::unknown: break;
    }
    return "not known";
}

}  // namespace

Bytes scin_of(Bytes block) {
    const Bytes record = stream_of(block, "MQCI");
    const auto length = little(record, 4, 4);
    if (record.size() < kScinFixed || !text_of(record).starts_with("SCIN") || length < kScinFixed) return {};
    return record.first(static_cast<std::size_t>(std::min<std::uint64_t>(length, record.size())));
}

BackupSet::BackupSet(Bytes sset, Bytes msls) {
    if (is_block(sset, "SSET") && sset.size() >= 96) {
        sset_ = sset;
        const Bytes volume = block_behind(sset, "VOLB"), msci = block_behind(sset, "MSCI");
        machine_ = text_at(volume, 64, static_cast<unsigned>(little(volume, 48, 1)), kMaxName);
        start_ = scin_of(msci);
        start_type_ = static_cast<unsigned>(little(msci, 48, 1));
        if (!start_.empty()) configuration_bytes_ = little(msci, (little(msci, 8, 2) + 3) / 4 * 4 + 8, 8);
    }
    finish_ = scin_of(msls);
    finish_type_ = static_cast<unsigned>(little(msls, 48, 1));
}

void BackupSet::describe(Reading& r, Sure most) const {
    describe_kind(r, most);
    describe_names(r, most);
    describe_times(r, most);
    if (const auto v = version(); !v.empty())
        r.claims.push_back({"written by", "SQL Server " + v, at_most(Sure::proven, most), "SCIN, version at 24"});
}

std::string BackupSet::version() const {
    const Bytes scin = finish_.empty() ? start_ : finish_;
    if (scin.empty()) return {};
    return fmt::format("{}.{}.{}", scin[27], scin[26], little(scin, 24, 2));
}

void BackupSet::describe_kind(Reading& r, Sure most) const {
    const Bytes scin = finish_.empty() ? start_ : finish_;
    const char letter = scin.empty() ? '\0' : static_cast<char>(scin[87]);
    const std::string shown = scin.empty() ? "not read" : printable(std::string_view(&letter, 1), 16);
    if (!known()) {
        r.claims.push_back({"kind", "not known", Sure::unknown, "the block SSET of this set was not read; SCIN's type letter: " + shown});
        return;
    }
    const auto bits = little(sset_, 52, 4) & kKinds;
    for (const auto& rule : kRules)
        if (rule.bits == bits && rule.letter == letter) r.kind = {rule.kind, at_most(rule.sure, most)};
    if (r.kind.value == Kind::unknown && (letter == '\0' || letter == 'D' || letter == 'I' || letter == 'L')) {
        const Kind by_bits = kind_by_bits(bits);
        if (by_bits != Kind::unknown) r.kind = {by_bits, at_most(Sure::likely, most)};
    }
    r.claims.push_back({"kind", words(r.kind.value), r.kind.sure, fmt::format("SSET kind bits 0x{:x}; SCIN type letter {}", bits, shown)});
}

void BackupSet::describe_names(Reading& r, Sure most) const {
    const bool late = !finish_.empty();
    const Bytes scin = late ? finish_ : start_;
    const unsigned type = late ? finish_type_ : start_type_;
    const std::string where = late ? "SCIN in MSLS, at the set's end" : "SCIN in MSCI, at the set's start";
    r.database.value = text_at(scin, 104, type, kMaxName);
    if (!r.database.value.empty()) r.database.sure = most;
    // Both copies are there and differ: one of them is not of this set.
    const bool differ = late && !start_.empty() && text_at(start_, 104, start_type_, kMaxName) != r.database.value;
    if (differ) r.database.sure = at_most(r.database.sure, Sure::likely);
    r.claims.push_back({"database", r.database.value.empty() ? "not known" : printable(r.database.value, 200), r.database.sure,
                        r.database.value.empty() ? "no configuration (SCIN) was read"
                                                 : where + (differ ? "; the copy in MSCI has another name" : ", database name at 104")});
    r.server.value = text_at(scin, 108, type, kMaxName);
    std::string rests = where + ", server name at 108";
    if (!r.server.value.empty()) {
        r.server.sure = most;
    } else if (!machine_.empty()) {
        r.server = {machine_, at_most(Sure::likely, most)};
        rests = "VOLB, machine name at 64: without the instance";
    } else {
        rests = "no configuration (SCIN) was read";
    }
    r.claims.push_back({"server", r.server.value.empty() ? "not known" : printable(r.server.value, 200), r.server.sure, rests});
}

void BackupSet::describe_times(Reading& r, Sure most) const {
    const Bytes scin = finish_.empty() ? start_ : finish_;
    auto began = date_at(sset_, 88);
    if (!began) began = date_at(scin, 77);
    const auto ended = date_at(finish_, 82);
    const int quarters = sset_.size() > 95 ? static_cast<signed char>(sset_[95]) : kNoZone;
    const bool zoned = quarters >= -56 && quarters <= 56;  // 14 hours: no zone is further from UTC
    const auto utc = [&](std::optional<Time> local) {
        if (local && zoned) *local -= std::chrono::minutes(15 * quarters);
        return local;
    };
    r.started_at = utc(began);
    r.finished_at = utc(ended);
    const bool any = r.started_at || r.finished_at;
    r.times = any ? at_most(zoned ? Sure::proven : Sure::likely, most) : Sure::unknown;
    const std::string zone =
        zoned ? fmt::format("the server's zone, SSET at 95: {} quarters of an hour from UTC", quarters) : "no zone in the file: taken for UTC";
    r.claims.push_back(
        {"started", r.started_at ? rfc3339(*r.started_at) : "not known", r.started_at ? r.times : Sure::unknown, "SSET at 88; " + zone});
    r.claims.push_back({"finished", r.finished_at ? rfc3339(*r.finished_at) : "not known", r.finished_at ? r.times : Sure::unknown,
                        r.finished_at ? "SCIN at 82 in MSLS; " + zone : "MSLS, which has it, lies where nobody read or names no time"});
}

}  // namespace bkmon::mtf

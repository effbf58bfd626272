#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/base/text.h"
#include "daemon/core/schedule.h"
#include "daemon/outlets/judgement/finding.h"
#include "daemon/outlets/judgement/words.h"

namespace bkmon::outlets {
namespace {

using core::Status;
using mtf::Form;
using mtf::Sure;
using mtf::Whole;

/// Formats that a backup may well have without being SQL Server's: what the file begins with, and the names that go with it.
struct Known {
    std::string_view begin;  ///< in hex
    std::string_view name, endings;
};
constexpr std::array kKnown{
    Known{"504b0304", "a zip archive", ".zip"},
    Known{"504b0506", "an empty zip archive", ".zip"},
    Known{"1f8b", "gzip", ".gz .tgz"},
    Known{"28b52ffd", "zstd", ".zst .zstd"},
    Known{"377abcaf271c", "a 7-Zip archive", ".7z"},
    Known{"526172211a07", "a RAR archive", ".rar"},
    Known{"fd377a585a00", "xz", ".xz"},
    Known{"425a68", "bzip2", ".bz2"},
    Known{"4d534346", "a Windows cabinet", ".cab"},
    Known{"5047444d50", "a PostgreSQL dump", ".dump .backup .pgdump"},
    Known{"53514c69746520666f726d6174203300", "an SQLite database", ".db .sqlite .sqlite3"},
    Known{"636f6e6563746978", "a virtual disk (VHD)", ".vhd"},
    Known{"7668647866696c65", "a virtual disk (VHDX)", ".vhdx"},
    Known{"54415045", "Microsoft Tape Format", ".bkf .mtf"},
};

const Known* known_format(std::string_view first_bytes) {
    for (const auto& k : kKnown)
        if (first_bytes.starts_with(k.begin)) return &k;
    return nullptr;
}

bool named_as(const Known& format, const std::string& file) {
    const auto name = lower(file);
    for (const auto& ending : split(format.endings, ' '))
        if (name.ends_with(ending)) return true;
    return false;
}

int nibble(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 0; }

/// A script, a dump as text: letters, digits and signs only, after a byte order mark or not.
bool begins_as_text(std::string_view hex) {
    std::string bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) bytes += static_cast<char>(nibble(hex[i]) * 16 + nibble(hex[i + 1]));
    if (bytes.starts_with("\xef\xbb\xbf")) bytes.erase(0, 3);
    if (bytes.starts_with("\xff\xfe") || bytes.starts_with("\xfe\xff")) bytes.erase(0, 2), std::erase(bytes, '\0');
    return bytes.size() >= 4 &&
           std::all_of(bytes.begin(), bytes.end(), [](char c) { return (c >= ' ' && c <= '~') || c == '\n' || c == '\r' || c == '\t'; });
}

std::string because(const mtf::Reading& r) { return r.why.empty() ? std::string() : ": " + shown(r.why, 300); }
std::string first_bytes(const mtf::Reading& r) { return r.first_bytes.empty() ? "nothing" : shown(r.first_bytes, 40); }

/// The form says that it is no backup of SQL Server.
std::vector<Finding> judge_form(const mtf::Reading& r, const std::string& file) {
    const auto* format = known_format(r.first_bytes);
    const bool may_be_known = r.form == Form::random || r.form == Form::other || r.form == Form::other_tape;
    if (may_be_known && format != nullptr && named_as(*format, file)) return {};
    if (r.form == Form::other_tape)
        return {{Status::warning, "other_format", "it is a backup in Microsoft Tape Format, but not one of SQL Server" + because(r)}};
    if (may_be_known && format != nullptr)
        return {
            {Status::warning, "other_format", fmt::format("it is no backup of SQL Server: it begins as {} does ({})", format->name, first_bytes(r))}};
    switch (r.form) {
        case Form::zeros: return {{Status::corrupt, "zeros", "all that was read of it is zeros: a copy that was cut off, or a disk that fails"}};
        case Form::random:
            return {{Status::corrupt, "scrambled",
                     fmt::format(
                         "it is no backup any more: its bytes ({} …) are as even as encrypted ones are; if nobody encrypts it on purpose, think of "
                         "malware and look at the server at once",
                         first_bytes(r))}};
        case Form::nothing: return {{Status::corrupt, "truncated", "it is too short to be a backup of SQL Server" + because(r)}};
        case Form::other:
            if (begins_as_text(r.first_bytes))
                return {
                    {Status::warning, "other_format", fmt::format("it is no backup of SQL Server: it begins as a text does ({})", first_bytes(r))}};
            return {{Status::corrupt, "lost_header",
                     fmt::format("it does not begin as a backup of SQL Server does, nor as anything else that is known ({}){}", first_bytes(r),
                                 because(r))}};
        case Form::plain:
        case Form::packed:
        case Form::other_tape: break;
    }
    return {};
}

std::vector<Finding> judge_wholeness(const mtf::Reading& r) {
    const bool proven = r.whole.sure == Sure::proven;
    if (r.whole.sure == Sure::unknown || r.whole.value == Whole::unknown || r.whole.value == Whole::whole) return {};
    const auto [code, what] = r.whole.value == Whole::incomplete ? std::pair("truncated", "its end is missing")
                              : r.whole.value == Whole::damaged  ? std::pair("damaged", "it is damaged")
                                                                 : std::pair("aborted", "SQL Server itself gave it up");
    // A false alarm about a thousand healthy files would teach people to look away: what the format does not prove is said, and is a warning.
    if (!proven) return {{Status::warning, "maybe_damaged", fmt::format("it looks as if {}, which its format does not prove{}", what, because(r))}};
    return {{Status::corrupt, code, r.why.starts_with(what) ? shown(r.why, 300) : what + because(r)}};
}

/// Written long before the file's own date: an old backup that was copied or touched.
std::vector<Finding> judge_date(const mtf::Reading& r, const smb::FoundFile& file, const core::OutletMode& mode) {
    const auto written = r.finished_at ? r.finished_at : r.started_at;
    if (!written || r.times == Sure::unknown || file.modified - *written <= copy_slack(mode)) return {};
    return {{Status::held, "old_copy",
             fmt::format("the backup in it was written {} before the date of its file, on {}: an old backup was copied or touched",
                         age_words(file.modified - *written), core::local_text(*written, mode.timezone, true))}};
}

Finding other_than(Sure sure, std::string_view code, const std::string& what) {
    if (sure == Sure::proven) return {Status::held, code, what};
    return {Status::warning, code, what + " (likely, not proven)"};
}

std::vector<Finding> judge_subject(const mtf::Reading& r, const core::OutletMode& mode, const core::Outlet& outlet) {
    std::vector<Finding> out;
    const auto wanted = expected_database(mode.database, outlet);
    if (!wanted.empty() && r.database.sure != Sure::unknown && !glob_match(wanted, r.database.value))
        out.push_back(other_than(r.database.sure, "other_database",
                                 fmt::format("it is a backup of the database '{}', not of '{}'", shown(r.database.value, 128), shown(wanted, 128))));
    const std::string kind(mtf::word(r.kind.value));
    if (!mode.kinds.empty() && r.kind.sure != Sure::unknown && r.kind.value != mtf::Kind::unknown &&
        std::find(mode.kinds.begin(), mode.kinds.end(), kind) == mode.kinds.end())
        out.push_back(other_than(r.kind.sure, "other_kind", fmt::format("it is a {} backup, not {}", kind, one_of(mode.kinds))));
    return out;
}

template <class T>
void append(std::vector<T>& to, std::vector<T> more) {
    to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

/// " (likely)" where it is no more than that.
std::string hedge(Sure sure) { return sure == Sure::proven ? "" : " (likely)"; }

std::string reading_words(const mtf::Reading& r) {
    if (r.form != Form::plain && r.form != Form::packed) return "another format than SQL Server's: its content is unknown";
    std::string out = r.form == Form::plain ? "SQL Server backup" : "SQL Server backup, compressed or encrypted";
    if (r.database.sure != Sure::unknown) out += fmt::format(" of '{}'{}", shown(r.database.value, 128), hedge(r.database.sure));
    if (r.kind.sure != Sure::unknown) out += fmt::format(", {}{}", mtf::word(r.kind.value), hedge(r.kind.sure));
    if (r.sets > 1) out += fmt::format(", the last of {} in this file", r.sets);
    if (r.parts > 1) out += fmt::format(", part {} of {}: it cannot be restored without the others", r.part, r.parts);
    if (r.whole.value == Whole::whole && r.whole.sure != Sure::unknown)
        return out + ", whole by its length" + hedge(r.whole.sure) + "; its middle was not read";
    return out + ", whether it is whole is unknown";
}

}  // namespace

int weight(Status status) {
    switch (status) {
        case Status::missing:
        case Status::unreachable: return 4;
        case Status::corrupt: return 3;
        case Status::held: return 2;
        case Status::warning: return 1;
        default: return 0;
    }
}

milliseconds copy_slack(const core::OutletMode& mode) {
    // Two days: a copy to a drive that is plugged in on the next working day, and any difference between time zones, which the file does not name.
    return std::max<milliseconds>(mode.max_age.value_or(milliseconds(0)), std::chrono::hours(48));
}

std::vector<Finding> judge_content(const core::OutletMode& mode, const core::Outlet& outlet, const smb::Visit& visit, const Occasion&) {
    if (visit.content != smb::Visit::Content::read || !visit.reading || !visit.newest) return {};
    const auto& r = *visit.reading;
    auto out = judge_form(r, visit.newest->name);
    if (r.form != Form::plain && r.form != Form::packed) return out;
    append(out, judge_wholeness(r));
    append(out, judge_date(r, *visit.newest, mode));
    append(out, judge_subject(r, mode, outlet));
    return out;
}

std::string content_words(const smb::Visit& visit) {
    const auto why = visit.content_detail.empty() ? std::string() : " (" + shown(visit.content_detail) + ")";
    switch (visit.content) {
        case smb::Visit::Content::read: return visit.reading ? reading_words(*visit.reading) : "its content is unknown";
        case smb::Visit::Content::not_opened: return "it could not be opened" + why + ", so its content is unknown";
        case smb::Visit::Content::in_use: return "another program has it open" + why + ", so its content is unknown";
        case smb::Visit::Content::changed: return "it changed while it was read" + why + ", so its content is unknown";
        case smb::Visit::Content::not_asked: break;
    }
    return "seen from outside only";
}

}  // namespace bkmon::outlets

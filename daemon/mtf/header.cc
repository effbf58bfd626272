#include "daemon/mtf/header.h"

#include <fmt/format.h>

#include "common/base/text.h"
#include "daemon/mtf/ends.h"
#include "daemon/mtf/length.h"
#include "daemon/mtf/limits.h"
#include "daemon/mtf/other.h"
#include "daemon/mtf/packed.h"
#include "daemon/mtf/plain.h"

namespace bkmon::mtf {
namespace {

/// TAPE as the first block of a tape has it, be its checksum right or wrong: no text that begins with the word.
bool looks_like_tape(Bytes head) {
    return text_of(head).starts_with("TAPE") && (head.size() < kHeader || std::count(head.begin(), head.begin() + kHeader, 0) >= 8);
}

/// Neither vendor nor name is part of the checksum: where they are others, the end decides whose it is.
bool of_sql_server(const Seen& seen, const Media& m) {
    if (m.by_vendor() && m.by_name()) return true;
    return m.known && ends_as_sql_server_writes(seen, m.block);
}

void read_tape(const View& view, const Seen& seen, Bytes head, Reading& r) {
    r.form = Form::plain;
    if (head.size() < 128 && seen.size() < 128) {
        r.whole = {Whole::incomplete, is_block(head, "TAPE") ? Sure::proven : Sure::likely};
        r.why = "it ends within its first block";
        r.claims.push_back({"whole", whole_words(r), r.whole.sure, fmt::format("TAPE at byte 0, {} bytes", seen.size())});
        return;
    }
    if (!is_block(head, "TAPE")) {
        r.whole = {Whole::damaged, Sure::proven};
        r.why = "its media header has a wrong checksum";
        r.claims.push_back({"whole", whole_words(r), r.whole.sure, "TAPE at byte 0, checksum at 50"});
        return;
    }
    const Media media = media_of(head);
    if (of_sql_server(seen, media)) return read_plain(view, seen, media, r);
    if (ends_as_sql_server_writes(seen)) {
        r.whole = {Whole::damaged, Sure::proven};
        r.why = "its media header is not that of SQL Server, its end is";
        r.claims.push_back(
            {"whole", whole_words(r), r.whole.sure, "TAPE: vendor at 86, software at 80; its last bytes are a SFMB with its checksum"});
        return;
    }
    r.form = Form::other_tape;
    r.why = "a backup in Microsoft Tape Format that SQL Server did not write: '" + printable(media.software, 60) + "'";
    r.claims.push_back({"SQL Server backup", "no", Sure::proven, "TAPE: vendor at 86, software at 80"});
}

}  // namespace

Reading read(const View& view) {
    const Seen seen(view);
    const Bytes head = seen.at(0);
    Reading r;
    r.first_bytes = to_hex(head.data(), std::min<std::size_t>(head.size(), kMaxFirstBytes / 2));
    if (looks_like_tape(head))
        read_tape(view, seen, head, r);
    else if (text_of(head).starts_with("MSSQLBAK"))
        read_packed(seen, r);
    else
        read_other(seen, r);
    for (auto& c : r.claims) {
        if (c.answer.size() > kMaxSentence) c.answer = printable(c.answer, kMaxSentence);
        if (c.rests_on.size() > kMaxSentence) c.rests_on = printable(c.rests_on, kMaxSentence);
    }
    return r;
}

std::optional<std::uint64_t> third_read(const View& view) {
    const Seen seen(view);
    const Bytes head = seen.at(0);
    if (text_of(head).starts_with("MSSQLBAK")) return third_of_packed(seen);
    if (!is_block(head, "TAPE")) return std::nullopt;
    const Media media = media_of(head);
    return of_sql_server(seen, media) ? third_of_plain(seen, media) : std::nullopt;
}

}  // namespace bkmon::mtf

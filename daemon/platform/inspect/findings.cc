#include "common/base/json_writer.h"
#include "daemon/platform/inspect/inspector.h"

namespace bkmon::inspect {
namespace {

std::string_view word(Findings::State s) {
    switch (s) {
        case Findings::State::whole: return "whole";
        case Findings::State::damaged: return "damaged";
        case Findings::State::not_applicable: return "not_applicable";
        case Findings::State::not_inspected: break;
    }
    return "not_inspected";
}

/// Not more than the reader accepts; whole characters as far as they were.
std::string_view cut(std::string_view s, std::size_t limit) {
    if (s.size() <= limit) return s;
    while (limit > 0 && (static_cast<unsigned char>(s[limit]) & 0xc0) == 0x80) --limit;
    return s.substr(0, limit);
}

}  // namespace

std::string to_json(const Findings& f) {
    JsonWriter w;
    w.begin_object();
    w.field("state", word(f.state)).field("code", cut(f.code, 64)).field("detail", cut(f.detail, 1000)).field("format", cut(f.format, 64));
    w.field("checksum_in_frame", f.checksum_in_frame).field("empty", f.empty);
    w.field("database", cut(f.database, 250)).field("server", cut(f.server, 250));
    w.field("content_bytes", f.content_bytes).field("written_at", f.written_at);
    w.end_object();
    return w.take();
}

}  // namespace bkmon::inspect

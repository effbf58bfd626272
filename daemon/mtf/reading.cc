#include "daemon/mtf/reading.h"

#include <algorithm>
#include <utility>

#include "common/base/json_writer.h"
#include "daemon/mtf/limits.h"

namespace bkmon::mtf {
namespace {

/// Whole characters, not more than the reader accepts.
std::string_view cut(std::string_view s, std::size_t limit) {
    if (s.size() <= limit) return s;
    while (limit > 0 && (static_cast<unsigned char>(s[limit]) & 0xc0) == 0x80) --limit;
    return s.substr(0, limit);
}

template <class T>
void answer(JsonWriter& w, std::string_view name, const T& value, Sure sure) {
    w.key(name).begin_object().field("value", value).field("sure", word(sure)).end_object();
}

void claim(JsonWriter& w, const Claim& c) {
    w.begin_object().field("question", cut(c.question, kMaxQuestion)).field("answer", cut(c.answer, kMaxSentence));
    w.field("sure", word(c.sure)).field("rests_on", cut(c.rests_on, kMaxSentence)).end_object();
}

}  // namespace

std::string_view word(Sure sure) {
    switch (sure) {
        case Sure::unknown: break;
        case Sure::likely: return "likely";
        case Sure::proven: return "proven";
    }
    return "unknown";
}

std::string_view word(Form form) {
    switch (form) {
        case Form::plain: return "plain";
        case Form::packed: return "packed";
        case Form::other_tape: return "other_tape";
        case Form::zeros: return "zeros";
        case Form::random: return "random";
        case Form::other: return "other";
        case Form::nothing: break;
    }
    return "nothing";
}

std::string_view word(Whole whole) {
    switch (whole) {
        case Whole::unknown: break;
        case Whole::whole: return "whole";
        case Whole::incomplete: return "incomplete";
        case Whole::damaged: return "damaged";
        case Whole::aborted: return "aborted";
    }
    return "unknown";
}

std::string_view word(Kind kind) {
    switch (kind) {
        case Kind::unknown: break;
        case Kind::full: return "full";
        case Kind::differential: return "differential";
        case Kind::log: return "log";
        case Kind::copy_only: return "copy_only";
    }
    return "unknown";
}

std::string to_json(const Reading& r) {
    JsonWriter w;
    w.begin_object().field("form", word(r.form));
    answer(w, "whole", word(r.whole.value), r.whole.sure);
    w.field("why", cut(r.why, kMaxSentence));
    answer(w, "kind", word(r.kind.value), r.kind.sure);
    answer(w, "database", cut(r.database.value, kMaxName), r.database.sure);
    answer(w, "server", cut(r.server.value, kMaxName), r.server.sure);
    w.field("started_at", r.started_at).field("finished_at", r.finished_at).field("times", word(r.times));
    w.field("sets", r.sets).field("part", r.part).field("parts", r.parts).field("first_bytes", cut(r.first_bytes, kMaxFirstBytes));
    w.key("claims").begin_array();
    for (std::size_t i = 0; i < std::min(r.claims.size(), kMaxClaims); ++i) claim(w, r.claims[i]);
    w.end_array().end_object();
    return w.take();
}

}  // namespace bkmon::mtf

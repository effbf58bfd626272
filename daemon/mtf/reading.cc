#include "daemon/mtf/reading.h"

#include <algorithm>

#include "common/base/utf8.h"
#include "daemon/mtf/limits.h"

namespace bkmon::mtf {
namespace {

/// A netstring (D. J. Bernstein, "Netstrings", 1997): "5:hello,". Nothing in a text has to be escaped.
void put(std::string& out, std::string_view text) { out.append(std::to_string(text.size())).append(1, ':').append(text).append(1, ','); }
void put(std::string& out, std::int64_t number) { put(out, std::to_string(number)); }
void put(std::string& out, const std::optional<Time>& time) { put(out, time ? std::to_string(to_ms(*time)) : std::string()); }

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

std::string encode(const Reading& r) {
    std::string out;
    out.reserve(4096);
    put(out, word(r.form));
    put(out, word(r.whole.value));
    put(out, word(r.whole.sure));
    put(out, utf8_cut(r.why, kMaxSentence));
    put(out, word(r.kind.value));
    put(out, word(r.kind.sure));
    put(out, utf8_cut(r.database.value, kMaxName));
    put(out, word(r.database.sure));
    put(out, utf8_cut(r.server.value, kMaxName));
    put(out, word(r.server.sure));
    put(out, r.started_at);
    put(out, r.finished_at);
    put(out, word(r.times));
    for (const int number : {r.sets, r.part, r.parts}) put(out, std::int64_t{number});
    put(out, utf8_cut(r.first_bytes, kMaxFirstBytes));
    for (std::size_t i = 0; i < std::min(r.claims.size(), kMaxClaims); ++i) {
        const auto& c = r.claims[i];
        put(out, utf8_cut(c.question, kMaxQuestion));
        put(out, utf8_cut(c.answer, kMaxSentence));
        put(out, word(c.sure));
        put(out, utf8_cut(c.rests_on, kMaxSentence));
    }
    return out;
}

}  // namespace bkmon::mtf

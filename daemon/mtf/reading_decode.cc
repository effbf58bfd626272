#include <array>
#include <charconv>

#include "common/base/still_printable.h"
#include "common/base/text.h"
#include "daemon/mtf/limits.h"
#include "daemon/mtf/reading.h"

namespace bkmon::mtf {
namespace {

constexpr std::array kSures{Sure::unknown, Sure::likely, Sure::proven};
constexpr std::array kForms{Form::plain, Form::packed, Form::other_tape, Form::zeros, Form::random, Form::other, Form::nothing};
constexpr std::array kWholes{Whole::unknown, Whole::whole, Whole::incomplete, Whole::damaged, Whole::aborted};
constexpr std::array kKinds{Kind::unknown, Kind::full, Kind::differential, Kind::log, Kind::copy_only};
constexpr std::int64_t kYear10000 = 253402300800000;

/// All of it, and written in the one way that there is.
std::optional<std::int64_t> number_of(std::string_view text) {
    std::int64_t n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error != std::errc() || end != text.data() + text.size() || n < 0 || (text.front() == '0' && text.size() > 1)) return std::nullopt;
    return n;
}

/// Takes the fields one after the other; the first that is not as it must be stays as the problem.
class Fields {
public:
    explicit Fields(std::string_view text) : rest_(text) {}

    std::string text(const char* name, std::size_t limit) {
        const auto value = next();
        if (value.size() > limit || !valid_utf8(value) || value.find('\0') != std::string_view::npos)
            return note(name, "is too long or no UTF-8"), "";
        return std::string(value);
    }
    /// One that is shown as it is.
    std::string sentence(const char* name, std::size_t limit) {
        auto value = text(name, limit);
        if (!is_printable(value)) note(name, "is not printable");
        return value;
    }
    template <class T, std::size_t N>
    T one_of(const char* name, const std::array<T, N>& values) {
        const auto said = next();
        for (const T v : values)
            if (word(v) == said) return v;
        return note(name, "is none of its words"), T{};
    }
    int number(const char* name, int most) {
        const auto n = number_of(next());
        if (!n || *n > most) return note(name, "is no number that can be"), 0;
        return static_cast<int>(*n);
    }
    std::optional<Time> time(const char* name) {
        const auto value = next();
        if (value.empty()) return std::nullopt;
        const auto ms = number_of(value);
        if (!ms || *ms >= kYear10000) return note(name, "is no time"), std::nullopt;
        return from_ms(*ms);
    }

    bool more() const { return !rest_.empty() && problem_.empty(); }
    const std::string& problem() const { return problem_; }
    void note(const char* name, const char* what) {
        if (problem_.empty()) problem_ = std::string(name) + " " + what;
    }

private:
    std::string_view next() {
        const auto colon = rest_.substr(0, 8).find(':');
        const auto length = colon == std::string_view::npos ? std::nullopt : number_of(rest_.substr(0, colon));
        if (!length || static_cast<std::size_t>(*length) >= rest_.size() - colon - 1 || rest_[colon + 1 + static_cast<std::size_t>(*length)] != ',') {
            note("a field", "is missing or has another length");
            rest_ = {};
            return {};
        }
        const auto value = rest_.substr(colon + 1, static_cast<std::size_t>(*length));
        rest_.remove_prefix(colon + 2 + value.size());
        return value;
    }

    std::string_view rest_;
    std::string problem_;
};

template <class T, std::size_t N>
Answer<T> word_answer(Fields& f, const char* name, const std::array<T, N>& values) {
    const T value = f.one_of(name, values);
    return {value, f.one_of(name, kSures)};
}

Answer<std::string> text_answer(Fields& f, const char* name) {
    auto value = f.text(name, kMaxName);
    return {std::move(value), f.one_of(name, kSures)};
}

Claim claim_of(Fields& f) {
    Claim c;
    c.question = f.sentence("question", kMaxQuestion);
    c.answer = f.sentence("answer", kMaxSentence);
    c.sure = f.one_of("sure", kSures);
    c.rests_on = f.sentence("rests_on", kMaxSentence);
    return c;
}

Reading reading_of(Fields& f) {
    Reading r;
    r.form = f.one_of("form", kForms);
    r.whole = word_answer(f, "whole", kWholes);
    r.why = f.sentence("why", kMaxSentence);
    r.kind = word_answer(f, "kind", kKinds);
    r.database = text_answer(f, "database");
    r.server = text_answer(f, "server");
    r.started_at = f.time("started_at");
    r.finished_at = f.time("finished_at");
    r.times = f.one_of("times", kSures);
    r.sets = f.number("sets", kMaxSets);
    r.part = f.number("part", kMaxParts);
    r.parts = f.number("parts", kMaxParts);
    r.first_bytes = f.text("first_bytes", kMaxFirstBytes);
    if (r.first_bytes.find_first_not_of("0123456789abcdef") != std::string::npos) f.note("first_bytes", "are not hexadecimal");
    while (f.more()) {
        if (r.claims.size() == kMaxClaims) return f.note("claims", "are too many"), r;
        r.claims.push_back(claim_of(f));
    }
    return r;
}

}  // namespace

Result<Reading> decode(std::string_view text) {
    constexpr const char* kContext = "what was read of a backup's header cannot be used: ";
    if (text.size() > kMaxEncoded) return fail(Errc::invalid, std::string(kContext) + "it is too long");
    Fields fields(text);
    auto r = reading_of(fields);
    if (!fields.problem().empty()) return fail(Errc::invalid, kContext + fields.problem());
    return r;
}

}  // namespace bkmon::mtf

#include <array>
#include <nlohmann/json.hpp>

#include "common/base/text.h"
#include "daemon/mtf/limits.h"
#include "daemon/mtf/reading.h"

namespace bkmon::mtf {
namespace {

using Json = nlohmann::json;

constexpr std::array kSures{Sure::unknown, Sure::likely, Sure::proven};
constexpr std::array kForms{Form::plain, Form::packed, Form::other_tape, Form::zeros, Form::random, Form::other, Form::nothing};
constexpr std::array kWholes{Whole::unknown, Whole::whole, Whole::incomplete, Whole::damaged, Whole::aborted};
constexpr std::array kKinds{Kind::unknown, Kind::full, Kind::differential, Kind::log, Kind::copy_only};

/// Nothing is left to escape: printable() would only double the backslashes.
bool fit_to_show(std::string_view text) {
    std::string doubled;
    for (const char c : text) doubled.append(c == '\\' ? 2 : 1, c);
    return printable(text, std::string::npos) == doubled;
}

/// Takes the members of one object one after the other; the first that is not as it must be stays as the problem.
class Members {
public:
    Members(const Json& object, std::size_t count, std::string& problem) : object_(object), problem_(problem) {
        if (!object.is_object() || object.size() != count) note("an object does not have its members");
    }

    std::string text(const char* key, std::size_t limit) {
        const Json* v = find(key);
        if (v == nullptr || !v->is_string()) return note(key, " is missing or no text"), std::string();
        auto value = v->get<std::string>();
        if (value.size() > limit || !valid_utf8(value)) return note(key, " is too long or no UTF-8"), std::string();
        return value;
    }
    /// One that is shown as it is.
    std::string sentence(const char* key, std::size_t limit) {
        auto value = text(key, limit);
        if (!fit_to_show(value)) note(key, " is not printable");
        return value;
    }
    template <class T, std::size_t N>
    T one_of(const char* key, const std::array<T, N>& values) {
        const auto said = text(key, 32);
        for (const T v : values)
            if (word(v) == said) return v;
        return note(key, " is none of its words"), T{};
    }
    int number(const char* key, int most) {
        const Json* v = find(key);
        if (v == nullptr || !v->is_number_unsigned() || v->get<std::uint64_t>() > static_cast<std::uint64_t>(most))
            return note(key, " is missing or no number that can be"), 0;
        return v->get<int>();
    }
    std::optional<Time> time(const char* key) {
        const Json* v = find(key);
        if (v == nullptr) return note(key, " is missing"), std::nullopt;
        if (v->is_null()) return std::nullopt;
        const auto parsed = parse_rfc3339(text(key, 64));
        if (!parsed) return note(key, " is no time"), std::nullopt;
        return *parsed;
    }
    const Json& member(const char* key) {
        static const Json kNone;
        const Json* v = find(key);
        if (v == nullptr) note(key, " is missing");
        return v == nullptr ? kNone : *v;
    }

private:
    const Json* find(const char* key) const {
        if (!object_.is_object()) return nullptr;
        const auto it = object_.find(key);
        return it == object_.end() ? nullptr : &*it;
    }
    void note(const std::string& key, const char* what = "") {
        if (problem_.empty()) problem_ = key + what;
    }

    const Json& object_;
    std::string& problem_;
};

template <class T, std::size_t N>
Answer<T> word_answer(const Json& object, const std::array<T, N>& values, std::string& problem) {
    Members m(object, 2, problem);
    return {m.one_of("value", values), m.one_of("sure", kSures)};
}

Answer<std::string> text_answer(const Json& object, std::string& problem) {
    Members m(object, 2, problem);
    return {m.text("value", kMaxName), m.one_of("sure", kSures)};
}

Claim claim_of(const Json& object, std::string& problem) {
    Members m(object, 4, problem);
    return {m.sentence("question", kMaxQuestion), m.sentence("answer", kMaxSentence), m.one_of("sure", kSures), m.sentence("rests_on", kMaxSentence)};
}

Reading reading_of(const Json& object, std::string& problem) {
    Members m(object, 14, problem);
    Reading r;
    r.form = m.one_of("form", kForms);
    r.whole = word_answer(m.member("whole"), kWholes, problem);
    r.why = m.sentence("why", kMaxSentence);
    r.kind = word_answer(m.member("kind"), kKinds, problem);
    r.database = text_answer(m.member("database"), problem);
    r.server = text_answer(m.member("server"), problem);
    r.started_at = m.time("started_at");
    r.finished_at = m.time("finished_at");
    r.times = m.one_of("times", kSures);
    r.sets = m.number("sets", kMaxSets);
    r.part = m.number("part", kMaxParts);
    r.parts = m.number("parts", kMaxParts);
    r.first_bytes = m.text("first_bytes", kMaxFirstBytes);
    if (r.first_bytes.find_first_not_of("0123456789abcdef") != std::string::npos && problem.empty()) problem = "first_bytes are not hexadecimal";
    const Json& claims = m.member("claims");
    if (!claims.is_array() || claims.size() > kMaxClaims) {
        if (problem.empty()) problem = "claims are missing or too many";
        return r;
    }
    for (const auto& c : claims) r.claims.push_back(claim_of(c, problem));
    return r;
}

}  // namespace

Result<Reading> from_json(std::string_view text) {
    constexpr const char* kContext = "what was read of a backup's header cannot be used: ";
    if (text.size() > kMaxJson) return fail(Errc::invalid, std::string(kContext) + "it is too long");
    const Json parsed = Json::parse(text.begin(), text.end(), nullptr, false);
    if (parsed.is_discarded()) return fail(Errc::invalid, std::string(kContext) + "it is no JSON");
    std::string problem;
    auto r = reading_of(parsed, problem);
    if (!problem.empty()) return fail(Errc::invalid, kContext + problem);
    return r;
}

}  // namespace bkmon::mtf

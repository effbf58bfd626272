#include <array>
#include <nlohmann/json.hpp>

#include "common/base/text.h"
#include "daemon/platform/inspect/inspector.h"

namespace bkmon::inspect {
namespace {

using Json = nlohmann::json;
using State = Findings::State;

constexpr std::size_t kMaxAnswer = 16384;
// A replaced byte of a name becomes three: room for that beside the writer's own limits.
constexpr std::size_t kMaxText = 3000;
constexpr std::array kDamageCodes{"truncated", "broken_archive", "wrong_type", "no_end_mark"};

Error bad(const std::string& what) { return {Errc::invalid, "the inspector's answer cannot be used: " + what, 0}; }

Result<std::string> text(const Json& object, const char* key) {
    const auto it = object.find(key);
    if (it == object.end() || !it->is_string()) return fail(bad(std::string(key) + " is missing or no text"));
    auto value = it->get<std::string>();
    if (value.size() > kMaxText || !valid_utf8(value)) return fail(bad(std::string(key) + " is too long or no UTF-8"));
    return value;
}

Result<bool> flag(const Json& object, const char* key) {
    const auto it = object.find(key);
    if (it == object.end() || !it->is_boolean()) return fail(bad(std::string(key) + " is missing or no boolean"));
    return it->get<bool>();
}

Result<State> state_of(const std::string& word) {
    if (word == "whole") return State::whole;
    if (word == "damaged") return State::damaged;
    if (word == "not_applicable") return State::not_applicable;
    if (word == "not_inspected") return State::not_inspected;
    return fail(bad("unknown state"));
}

bool code_fits(State state, const std::string& code) {
    switch (state) {
        case State::damaged: return std::find(kDamageCodes.begin(), kDamageCodes.end(), code) != kDamageCodes.end();
        case State::not_inspected: return code == "inspection_failed";
        default: return code.empty();
    }
}

Result<Findings> read(const Json& object) {
    if (!object.is_object() || object.size() != 10) return fail(bad("it is not the object expected"));
    Findings f;
    std::string state;
    const std::array<std::pair<const char*, std::string*>, 6> texts{
        {{"state", &state}, {"code", &f.code}, {"detail", &f.detail}, {"format", &f.format}, {"database", &f.database}, {"server", &f.server}}};
    for (const auto& [key, to] : texts) {
        auto value = text(object, key);
        if (!value) return fail(std::move(value.error()));
        *to = std::move(*value);
    }
    const std::array<std::pair<const char*, bool*>, 2> flags{{{"checksum_in_frame", &f.checksum_in_frame}, {"empty", &f.empty}}};
    for (const auto& [key, to] : flags) {
        auto value = flag(object, key);
        if (!value) return fail(std::move(value.error()));
        *to = *value;
    }
    auto known = state_of(state);
    if (!known) return fail(std::move(known.error()));
    f.state = *known;
    if (!code_fits(f.state, f.code)) return fail(bad("state and code do not fit"));
    const auto bytes = object.find("content_bytes");
    if (bytes == object.end() || !bytes->is_number_unsigned()) return fail(bad("content_bytes is missing or no number"));
    f.content_bytes = bytes->get<std::uint64_t>();
    const auto when = object.find("written_at");
    if (when == object.end() || (!when->is_null() && !when->is_string())) return fail(bad("written_at is missing or no time"));
    if (when->is_string()) {
        auto time = parse_rfc3339(when->get<std::string>());
        if (!time) return fail(bad("written_at is no time"));
        f.written_at = *time;
    }
    f.detail = printable(f.detail, kMaxText);
    f.format = printable(f.format, 200);
    return f;
}

}  // namespace

Result<Findings> from_json(std::string_view answer) {
    if (answer.size() > kMaxAnswer) return fail(bad("it is too long"));
    const Json parsed = Json::parse(answer.begin(), answer.end(), nullptr, false);
    if (parsed.is_discarded()) return fail(bad("it is no JSON"));
    return read(parsed);
}

}  // namespace bkmon::inspect

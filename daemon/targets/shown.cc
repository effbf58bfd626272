#include "daemon/targets/shown.h"

#include <fmt/format.h>

#include "common/base/json_writer.h"
#include "common/base/text.h"

namespace bkmon::targets {

namespace {

/// From when on the proof behind a verdict is too old; nullopt when it does not age.
std::optional<Time> stale_from(const Target& target) {
    const auto& verdict = target.current.verdict;
    if (!target.spec.interval || !(core::is_good(verdict.status) || promoted_with_warning(verdict))) return std::nullopt;
    return target.current.last_proof_at.value_or(verdict.at) + 2 * *target.spec.interval;
}

bool paused_at(const Target& target, Time now) { return target.pause && (!target.pause->until || now < *target.pause->until); }

core::Verdict as_paused(core::Verdict verdict, const history::PauseRow& pause) {
    verdict.status = core::Status::paused;
    verdict.severity = severity_of(core::Status::paused);
    verdict.reason_code = "paused";
    verdict.reason = pause_sentence(pause);
    return verdict;
}

core::Verdict as_stale(core::Verdict verdict, const Target& target) {
    const Time proof = target.current.last_proof_at.value_or(verdict.at);
    verdict.reason = fmt::format("The last proof is of {}, older than twice the interval of {}; it was '{}'.", rfc3339(proof),
                                 duration_words(*target.spec.interval), name_of(verdict.status));
    verdict.status = core::Status::unknown;
    verdict.severity = severity_of(core::Status::unknown);
    verdict.reason_code = "no_evidence";
    return verdict;
}

}  // namespace

bool promoted_with_warning(const core::Verdict& verdict) { return verdict.status == core::Status::warning && !verdict.sha256.empty(); }

View view_of(const Target& target, Time now) {
    if (paused_at(target, now)) return View::paused;
    if (target.overruled) return View::overruled;
    const auto stale = stale_from(target);
    return stale && target.running_since.value_or(now) >= *stale ? View::stale : View::stored;
}

std::optional<Time> next_change(const Target& target, Time now) {
    if (paused_at(target, now)) return target.pause->until;
    if (target.running_since || target.overruled) return std::nullopt;
    const auto stale = stale_from(target);
    return stale && now < *stale ? stale : std::nullopt;
}

core::Status status_at(const Target& target, Time now) {
    switch (view_of(target, now)) {
        case View::paused: return core::Status::paused;
        case View::overruled: return target.overruled->status;
        case View::stale: return core::Status::unknown;
        case View::stored: break;
    }
    return target.current.verdict.status;
}

core::Verdict verdict_at(const Target& target, Time now) {
    switch (view_of(target, now)) {
        case View::paused: return as_paused(target.current.verdict, *target.pause);
        case View::overruled: return *target.overruled;
        case View::stale: return as_stale(target.current.verdict, target);
        case View::stored: break;
    }
    return target.current.verdict;
}

Time since_at(const Target& target, Time now) {
    switch (view_of(target, now)) {
        case View::paused: return target.pause->since;
        case View::overruled: return target.overruled->at;
        case View::stale: return *stale_from(target);
        case View::stored: break;
    }
    return target.current.since;
}

std::string pause_sentence(const history::PauseRow& pause) {
    const std::string until = pause.until ? " until " + rfc3339(*pause.until) : std::string();
    return fmt::format("Paused by {}{}: {}", printable(pause.by), until, printable(pause.reason));
}

void put_json(JsonWriter& out, const Target& target, Time now, const std::function<std::string(const Target&)>& silence) {
    std::optional<core::Verdict> made;
    if (view_of(target, now) != View::stored) made = verdict_at(target, now);
    const core::Verdict& verdict = made ? *made : target.current.verdict;
    const bool paused = verdict.status == core::Status::paused && target.pause;
    const auto text = [&out](std::string_view name, const std::string& value) {
        out.key(name);
        value.empty() ? out.null() : out.value(value);
    };
    out.begin_object();
    out.field("id", target.spec.id.str()).field("kind", target.spec.id.kind());
    out.field("status", name_of(verdict.status)).field("severity", name_of(verdict.severity));
    out.field("reason_code", verdict.reason_code).field("reason", verdict.reason);
    out.field("since", since_at(target, now)).field("judged_at", verdict.at);
    out.field("last_ok_at", target.current.last_ok_at).field("running_since", target.running_since);
    out.field("due_at", verdict.due).field("backup_at", verdict.backup_at);
    text("file", verdict.file);
    out.field("size_bytes", verdict.size_bytes);
    text("sha256", verdict.sha256);
    out.key("labels").begin_object();
    for (const auto& [name, value] : target.spec.labels) out.field(name, value);
    out.end_object();
    out.field("paused_by", paused ? std::optional(target.pause->by) : std::nullopt);
    out.field("paused_reason", paused ? std::optional(target.pause->reason) : std::nullopt);
    out.field("paused_until", paused ? target.pause->until : std::nullopt);
    const bool problem = !core::is_good(verdict.status) && verdict.status != core::Status::paused && verdict.status != core::Status::late;
    text("silenced", problem && silence ? silence(target) : std::string());
    out.end_object();
}

}  // namespace bkmon::targets

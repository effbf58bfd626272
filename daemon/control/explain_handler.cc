#include <algorithm>

#include "common/base/json_writer.h"
#include "common/base/text.h"
#include "daemon/control/moments.h"
#include "daemon/control/rows_json.h"
#include "daemon/control/selection.h"
#include "daemon/control/targets_handlers.h"
#include "daemon/core/day.h"
#include "daemon/core/reason_codes.h"
#include "daemon/core/schedule.h"

namespace bkmon::control {

namespace {

constexpr int kRecent = 5;

/// What is asked: what was true at a moment, or on a day.
struct AsOf {
    std::string text;
    Time until{};      ///< nothing after it counts
    std::string date;  ///< empty: the moment alone
    std::string zone;  ///< of the target
};

struct Found {
    std::optional<history::VerdictRow> verdict;
    std::vector<history::VerdictRow> recent;
};

std::string_view advice_for(std::string_view code) {
    const auto it = std::find_if(core::kReasons.begin(), core::kReasons.end(), [&](const core::Reason& r) { return r.code == code; });
    return it == core::kReasons.end() ? std::string_view() : it->meaning;
}

/// What the vault holds for the target.
struct Held {
    std::vector<history::HealthyRow> versions;
    std::optional<history::HeldRow> held;
};

constexpr int kVersions = 1000;

Result<void> look_into_vault(history::Reader& reader, const TargetId& target, Held& out) {
    out = {};
    if (target.kind() != "deposit") return {};
    auto rows = reader.healthy(target, kVersions);
    if (!rows) return fail(std::move(rows.error()));
    for (auto& row : *rows)
        if (!row.vault_path.empty()) out.versions.push_back(std::move(row));
    auto held = reader.held();
    if (!held) return fail(std::move(held.error()));
    for (auto& row : *held)
        if (row.target == target) out.held = std::move(row);
    return {};
}

/// HealthyRow and HeldRow say most of it with the same members.
template <class Row>
void put_file(JsonWriter& w, std::string_view kind, const std::string& path, Time taken, const Row& row) {
    w.begin_object().field("kind", kind).field("path", printable(path)).field("sha256", row.sha256).field("size_bytes", row.size_bytes);
    w.field("backup_at", row.backup_at).field("read_at", row.verified_at.value_or(taken)).field("damaged_at", row.damaged_at).key("damage");
    row.damaged_at ? w.value(row.damage) : w.null();
    w.end_object();
}

void put_vault(JsonWriter& w, const Held& vault) {
    w.key("vault").begin_array();
    for (const auto& row : vault.versions) put_file(w, row.current ? "current" : "version", row.vault_path, row.promoted_at, row);
    if (vault.held) put_file(w, "held", vault.held->path, vault.held->held_at, *vault.held);
    w.end_array();
}

void answer(ControlParts& parts, Call& call, const targets::Target& target, const history::VerdictRow& row,
            const std::vector<history::VerdictRow>& recent, const Held& vault) {
    JsonWriter w;
    w.begin_object().key("target").raw(parts.registry.json(target)).key("verdict");
    put_verdict(w, row);
    const auto& evidence = row.verdict.evidence;
    w.key("evidence").raw(!evidence.empty() && evidence.front() == '{' ? std::string_view(evidence) : "{}");
    w.field("advice", advice_for(row.verdict.reason_code)).key("recent").begin_array();
    for (const auto& r : recent) put_verdict(w, r);
    w.end_array();
    put_vault(w, vault);
    call.reply(w.end_object().take());
}

/// The newest verdict up to a moment, or the one of a day's cycle; a day without a record of its own gives the last verdict made on it.
Result<void> look_back(history::Reader& reader, const TargetId& target, const AsOf& as_of, Found& found) {
    found = {};
    history::VerdictQuery query;
    query.target_glob = target.str();
    query.limit = kRecent + 1;
    query.until = as_of.until;
    auto rows = reader.verdicts(query);
    if (!rows) return fail(std::move(rows.error()));
    if (!as_of.date.empty()) {
        history::DailyQuery day;
        day.target_glob = target.str();
        day.from = day.to = as_of.date;
        auto days = reader.daily(day);
        if (!days) return fail(std::move(days.error()));
        if (!days->empty()) found.verdict = history::VerdictRow{0, target, days->front().verdict};
    }
    if (!found.verdict && !rows->empty() && (as_of.date.empty() || core::local_date(rows->front().verdict.at, as_of.zone) == as_of.date))
        found.verdict = rows->front();
    for (auto& row : *rows) {
        const auto& v = row.verdict;
        if (found.verdict && v.at == found.verdict->verdict.at && v.reason_code == found.verdict->verdict.reason_code) {
            found.verdict->id = row.id;
            continue;
        }
        if (found.recent.size() < kRecent) found.recent.push_back(std::move(row));
    }
    return {};
}

void explain_then(ControlParts& parts, const CallPtr& call, const TargetId& target, const AsOf& as_of) {
    const auto found = std::make_shared<Found>();
    parts.store.read([found, target, as_of](history::Reader& reader) { return look_back(reader, target, as_of, *found); },
                     [&parts, call, found, target, as_of](Result<void> done) {
                         if (!done) return call->fail(done.error());
                         const auto* known = parts.registry.find(target);
                         if (known == nullptr) return refuse_unknown(parts.registry, target.str(), *call);
                         if (found->verdict) return answer(parts, *call, *known, *found->verdict, found->recent, {});
                         JsonWriter w;
                         call->error("io.bkmon.Targets.NoSuchRecord",
                                     w.begin_object().field("target", target.str()).field("as_of", as_of.text).end_object().take());
                     });
}

void explain_now(ControlParts& parts, const CallPtr& call, const TargetId& target) {
    const auto rows = std::make_shared<std::vector<history::VerdictRow>>();
    const auto vault = std::make_shared<Held>();
    const auto evidence = std::make_shared<std::string>();
    parts.store.read(
        [rows, vault, evidence, target](history::Reader& reader) -> Result<void> {
            history::VerdictQuery query;
            query.target_glob = target.str();
            query.limit = kRecent + 1;
            auto got = reader.verdicts(query);
            if (!got) return fail(std::move(got.error()));
            *rows = std::move(*got);
            auto current = reader.current(target);
            if (!current) return fail(std::move(current.error()));
            *evidence = *current ? std::move((*current)->verdict.evidence) : std::string();
            return look_into_vault(reader, target, *vault);
        },
        [&parts, call, rows, vault, evidence, target](Result<void> done) {
            if (!done) return call->fail(done.error());
            const auto* known = parts.registry.find(target);
            if (known == nullptr) return refuse_unknown(parts.registry, target.str(), *call);
            history::VerdictRow now{0, known->spec.id, parts.registry.shown(*known)};
            if (now.verdict.evidence.empty()) now.verdict.evidence = std::move(*evidence);
            // The stored one behind it, unless time or a pause made another of it.
            if (!rows->empty() && rows->front().verdict.status == now.verdict.status &&
                rows->front().verdict.reason_code == now.verdict.reason_code) {
                now.id = rows->front().id;
                rows->erase(rows->begin());
            }
            if (rows->size() > kRecent) rows->resize(kRecent);
            answer(parts, *call, *known, now, *rows, *vault);
        });
}

}  // namespace

void handle_explain(ControlParts& parts, const CallPtr& call) {
    const auto name = call->params().string("target");
    if (!name || !*name) return call->invalid("target", "the target's id is needed");
    const auto as_of = call->params().string("as_of");
    if (!as_of) return call->invalid("as_of", as_of.error().what);
    const auto* target = find_or_refuse(parts.registry, **name, *call);
    if (target == nullptr) return;
    if (!*as_of || (*as_of)->empty()) return explain_now(parts, call, target->spec.id);
    const auto& zone = target->spec.timezone;
    const auto until = parse_moment(**as_of, zone, parts.loop.clock().now(), Sense::to);
    if (!until) return call->invalid("as_of", until.error().what);
    explain_then(parts, call, target->spec.id, {**as_of, *until, core::parse_date(**as_of) ? **as_of : "", zone});
}

}  // namespace bkmon::control

#include "daemon/control/rows_json.h"

#include "common/base/text.h"
#include "daemon/core/status.h"

namespace bkmon::control {

namespace {
std::optional<double> in_seconds(std::optional<milliseconds> d) { return d ? std::optional(static_cast<double>(d->count()) / 1000.0) : std::nullopt; }

void put_judgement(JsonWriter& w, const core::Verdict& v) {
    w.field("status", core::name_of(v.status)).field("severity", core::name_of(v.severity));
    w.field("reason_code", v.reason_code).field("reason", v.reason);
}

void put_backup(JsonWriter& w, const core::Verdict& v) {
    put_text(w, "file", v.file).field("size_bytes", v.size_bytes);
    put_text(w, "sha256", v.sha256).field("duration", in_seconds(v.duration));
}
}  // namespace

JsonWriter& put_text(JsonWriter& w, std::string_view name, std::string_view text) {
    w.key(name);
    return text.empty() ? w.null() : w.value(text);
}

void put_verdict(JsonWriter& w, const history::VerdictRow& row) {
    const auto& v = row.verdict;
    w.begin_object().field("id", row.id).field("target", row.target.str());
    put_judgement(w, v);
    w.field("at", v.at).field("due_at", v.due).field("backup_at", v.backup_at);
    put_text(w, "run", v.run);
    put_backup(w, v);
    w.end_object();
}

void put_day(JsonWriter& w, const history::DailyRow& row, const history::OutletRow* outlet) {
    const auto& v = row.verdict;
    w.begin_object().field("target", row.target.str()).field("kind", row.target.kind()).field("date", row.date);
    put_judgement(w, v);
    w.field("at", v.at).field("due_at", v.due).field("backup_at", v.backup_at);
    put_backup(w, v);
    put_text(w, "drive", v.place);
    put_text(w, "address", outlet != nullptr ? std::string_view(outlet->address) : "");
    put_text(w, "name", outlet != nullptr ? std::string_view(outlet->name) : "");
    w.end_object();
}

void put_run(JsonWriter& w, const history::RunRow& row) {
    w.begin_object().field("id", row.id).field("kind", row.kind).field("what", row.what).field("state", row.state);
    w.field("started_at", row.started_at).field("ended_at", row.ended_at).field("done", row.done).field("total", row.total);
    put_text(w, "error", row.error).end_object();
}

void put_counts(JsonWriter& w, const targets::Counts& counts) {
    w.begin_object();
    for (std::size_t i = 0; i < counts.size(); ++i) w.field(core::name_of(core::kStatuses[i]), static_cast<std::uint64_t>(counts[i]));
    w.end_object();
}

}  // namespace bkmon::control

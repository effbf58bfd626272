#include "daemon/deposits/judgement/evidence.h"

#include <fmt/format.h>

#include "common/base/json_writer.h"
#include "common/base/text.h"

namespace bkmon::deposits {
namespace {

constexpr std::size_t kQuote = 2000;

std::string quoted(std::string_view raw) { return printable(raw, kQuote); }

std::string_view name_of(core::Dialect d) {
    switch (d) {
        case core::Dialect::current: return "current";
        case core::Dialect::older: return "older";
        case core::Dialect::text: return "text";
    }
    return "current";
}

std::string_view name_of(inspect::Findings::State s) {
    switch (s) {
        case inspect::Findings::State::whole: return "whole";
        case inspect::Findings::State::damaged: return "damaged";
        case inspect::Findings::State::not_applicable: return "not_applicable";
        case inspect::Findings::State::not_inspected: return "not_inspected";
    }
    return "not_inspected";
}

void write_stage(JsonWriter& w, std::string_view name, const core::Stage& s) {
    w.key(name);
    if (!s.present) {
        w.null();
        return;
    }
    w.begin_object().field("status", s.status).field("start_time", s.start).field("end_time", s.end).field("size_bytes", s.size_bytes);
    w.field("sha256", s.sha256).field("error_message", quoted(s.error_message)).end_object();
}

void write_report(JsonWriter& w, const Candidate& c) {
    const auto& r = *c.report;
    w.key("report").begin_object();
    w.field("dialect", name_of(r.dialect)).field("agent_id", quoted(r.agent_id));
    w.field("operation_start_time", r.operation_start).field("operation_end_time", r.operation_end).field("overall_status", quoted(r.overall_status));
    w.field("zone_assumed", r.zone_assumed).field("report_timezone", c.job->report_timezone);
    w.key("database");
    if (c.entry) {
        const auto& e = *c.entry;
        w.begin_object().field("name", quoted(e.name));
        write_stage(w, "BACKUP", e.backup);
        write_stage(w, "COMPRESS", e.compress);
        write_stage(w, "TRANSFER", e.transfer);
        w.field("staged_file_name", quoted(e.staged_file_name_raw)).field("logs_summary", quoted(e.logs_summary));
        w.field("invalid", quoted(e.invalid)).end_object();
    } else {
        w.null();
    }
    w.end_object();
}

void write_times(JsonWriter& w, const Candidate& c) {
    w.field("arrived_at", c.arrival).field("backup_at", backup_time(c));
    w.key("cycle");
    if (c.cycle)
        w.begin_object().field("opens", c.cycle->opens).field("due", c.cycle->due).field("deadline", c.cycle->deadline).end_object();
    else
        w.null();
    w.key("clock").begin_object().field("effective", c.clock.effective).field("future", c.clock.future);
    w.key("zone_offset_hours");
    if (c.clock.zone_offset)
        w.value(static_cast<std::int64_t>(c.clock.zone_offset->count()))
            .field("note", "the report's time is off by whole hours: agent clock or zone");
    else
        w.null();
    w.end_object();
}

void write_content(JsonWriter& w, const inspect::Findings& f, bool empty) {
    w.key("content").begin_object().field("state", name_of(f.state)).field("code", f.code).field("detail", quoted(f.detail));
    w.field("format", quoted(f.format)).field("checksum_in_frame", f.checksum_in_frame).field("empty", empty);
    w.field("database", quoted(f.database))
        .field("server", quoted(f.server))
        .field("content_bytes", f.content_bytes)
        .field("written_at", f.written_at);
    w.end_object();
}

void write_baseline(JsonWriter& w, const Baseline& b) {
    w.key("baseline").begin_object().field("last_sha256", b.last_sha256).field("last_backup_at", b.last_backup_at);
    w.key("sizes").begin_array();
    for (const auto size : b.sizes) w.value(size);
    w.end_array();
    if (!b.expected_by.empty()) w.field("expected_by", b.expected_by).field("stand_ins", static_cast<std::uint64_t>(b.stand_ins));
    w.field("sha_was_healthy_before", b.sha_was_healthy_before).field("always_empty", b.always_empty).end_object();
}

void write_gates(JsonWriter& w, const GateInput& in, const std::vector<GateWord>& words) {
    const auto& g = in.candidate.job->gates;
    const auto& j = in.size_figures;
    w.key("thresholds").begin_object().field("not_newer", g.not_newer).field("replay", g.replay).field("future", g.future);
    w.field("empty", g.empty).field("database", g.database);
    w.key("size").begin_object().field("enabled", g.size.enabled).field("z", g.size.z).field("floor", g.size.floor_factor);
    w.field("ceiling", g.size.ceiling_factor).field("min_size", g.size.min_size).end_object().end_object();
    w.key("figures").begin_object().field("baseline", static_cast<std::uint64_t>(j.baseline)).field("median", j.median).field("spread", j.spread);
    w.field("z", j.z).field("lowest", j.lowest).field("highest", j.highest).end_object();
    w.key("gates").begin_array();
    for (const auto& word : words) w.begin_object().field("rule", word.code).field("says", word.sentence).end_object();
    w.end_array();
}

}  // namespace

std::string entry_evidence(const Candidate& c, std::string_view rule) {
    JsonWriter w;
    w.begin_object().field("rule", rule);
    write_report(w, c);
    write_times(w, c);
    return w.end_object().take();
}

std::string copy_evidence(const GateInput& in, std::string_view rule, const std::string& sha256, const std::vector<GateWord>& gates) {
    JsonWriter w;
    w.begin_object().field("rule", rule);
    write_report(w, in.candidate);
    write_times(w, in.candidate);
    w.key("file")
        .begin_object()
        .field("name", quoted(in.candidate.entry->staged_file_name))
        .field("size_bytes", in.size)
        .field("sha256", sha256)
        .end_object();
    write_content(w, in.findings, in.empty);
    write_baseline(w, in.baseline);
    write_gates(w, in, gates);
    return w.end_object().take();
}

}  // namespace bkmon::deposits

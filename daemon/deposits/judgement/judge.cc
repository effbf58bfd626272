#include "daemon/deposits/judgement/judge.h"

#include <fmt/format.h>

#include <array>

#include "common/base/text.h"
#include "daemon/core/path_template.h"
#include "daemon/deposits/judgement/evidence.h"
#include "daemon/deposits/judgement/gates.h"

namespace bkmon::deposits {
namespace {

using core::Status;
using inspect::Findings;

constexpr std::array<std::pair<std::string_view, core::Stage core::ReportDatabase::*>, 3> kStages{
    {{"BACKUP", &core::ReportDatabase::backup}, {"COMPRESS", &core::ReportDatabase::compress}, {"TRANSFER", &core::ReportDatabase::transfer}}};

std::string name_shown(std::string_view raw) { return printable(raw, 128); }

std::string moment(Time t, const Candidate& c) { return core::local_text(t, c.job->timezone, true); }

core::Verdict start(const Candidate& c, Time now, Status status, std::string_view code, std::string reason) {
    auto v = core::plain_verdict(status, std::string(code), std::move(reason), now);
    if (c.cycle) v.due = c.cycle->due;
    v.backup_at = backup_time(c);
    if (c.entry) v.file = name_shown(c.entry->staged_file_name);
    return v;
}

core::Verdict failed(const Candidate& c, Time now, std::string_view code, std::string reason) {
    auto v = start(c, now, Status::failed, code, std::move(reason));
    v.evidence = entry_evidence(c, code);
    return v;
}

/// The agent's own words about a stage: its message, and the log when that says something else.
std::string in_its_words(const core::Stage& stage, const core::ReportDatabase& entry) {
    std::string words;
    for (const auto* text : {&stage.error_message, &entry.logs_summary})
        if (!trim(*text).empty() && (words.empty() || *text != stage.error_message))
            words += fmt::format("{}\"{}\"", words.empty() ? ": " : ", log: ", printable(*text, 300));
    return words.empty() ? ", without a message" : words;
}

std::optional<core::Verdict> judge_stages(const Candidate& c, Time now) {
    for (const auto& [name, member] : kStages) {
        const auto& stage = (*c.entry).*member;
        if (stage.status == false)
            return failed(c, now, "stage_failed",
                          fmt::format("the agent says that {} of '{}' failed{}; look at the agent's machine", name, name_shown(c.entry->name),
                                      in_its_words(stage, *c.entry)));
    }
    if (!c.entry->invalid.empty())
        return failed(c, now, "report_invalid",
                      fmt::format("the report cannot be used: {}; fix what it names on the agent", printable(c.entry->invalid)));
    for (const auto& [name, member] : kStages) {
        const auto& stage = (*c.entry).*member;
        if (stage.status || (!stage.present && name == "COMPRESS")) continue;  // a dump that is not compressed has no such stage
        return failed(c, now, "stage_failed",
                      fmt::format("the report does not say that {} of '{}' succeeded{}; look at the agent's machine", name, name_shown(c.entry->name),
                                  stage.present ? in_its_words(stage, *c.entry) : ": it has no such stage"));
    }
    return {};
}

std::optional<core::Verdict> judge_name(const Candidate& c, Time now) {
    const auto& file = c.entry->staged_file_name;
    if (file.empty())
        return failed(c, now, "report_invalid",
                      fmt::format("the report names no file for '{}' (staged_file_name); fix it on the agent", name_shown(c.entry->name)));
    if (!core::acceptable_component(file))
        return failed(c, now, "bad_name",
                      fmt::format("the file name '{}' is not acceptable (letters, digits, . _ - only, not starting with a dot, at most 128 bytes); "
                                  "rename it on the agent",
                                  name_shown(file)));
    return {};
}

std::optional<core::Verdict> judge_absent(const Candidate& c, Time now) {
    if (!c.cycle || now < c.cycle->deadline) return {};  // another report may follow
    auto v = start(c, now, Status::missing, "not_in_report",
                   fmt::format("the agent's report of {} does not name '{}': was it dropped from the agent's list?", moment(c.clock.effective, c),
                               name_shown(c.job->database)));
    v.backup_at.reset();
    v.evidence = entry_evidence(c, "not_in_report");
    return v;
}

bool says_good(std::string_view overall_status) {
    const auto word = lower(trim(overall_status));
    for (const std::string_view good : {"", "completed", "complete", "success", "successful", "succeeded", "ok", "done", "true"})
        if (word == good) return true;
    return false;
}

std::string_view damage_code(const Findings& f) {
    if (f.state == Findings::State::not_inspected) return "inspection_failed";
    for (const std::string_view code : {"truncated", "broken_archive", "wrong_type", "no_end_mark", "inspection_failed"})
        if (f.code == code) return code;
    return "broken_archive";
}

/// What stands behind an `ok`: never more than was looked at.
std::string proof(const GateInput& in) {
    const auto& f = in.findings;
    const auto& c = in.candidate;
    std::string text = size_words(in.size);
    if (const auto made = backup_time(c)) text += ", made " + moment(*made, c);
    text += "; size and SHA-256 are as the agent declared";
    if (f.state == Findings::State::not_applicable)
        text += fmt::format("; nothing can be asked of the content ({})", printable(f.detail.empty() ? f.format : f.detail, 160));
    else
        text += fmt::format("; {} read to the last byte{}", printable(f.format.empty() ? "content" : f.format, 60),
                            c.job->end_mark ? "" : " (no end mark is asked for)");
    if (!f.checksum_in_frame) text += "; the compressed frame carries no checksum of its own, so beyond the hash nothing vouches for the content";
    if (in.empty) text += "; it is empty, as it always was";
    if (c.clock.zone_offset && c.clock.zone_offset->count() > 0)
        text += fmt::format("; its times are {} h ahead: agent clock or zone", c.clock.zone_offset->count());
    return text;
}

/// A time of the report, put right where it named no zone and is ahead by whole hours: by as many as the report's end is, or itself.
std::optional<Time> credible(std::optional<Time> said, bool zone_assumed, const Candidate& c) {
    if (!said || !zone_assumed) return said;
    const auto offset = c.clock.zone_offset ? c.clock.zone_offset : core::check_clock(*said, c.arrival, false).zone_offset;
    if (offset && offset->count() > 0) *said -= *offset;
    return said;
}

/// The last healthy bytes under a newer report. These bytes were believed before: of the gates only those about the clock may object.
bool is_last_again(const GateInput& in, const std::string& sha256, const std::vector<GateWord>& gates) {
    if (in.baseline.last_sha256.empty() || !equal_ignoring_case(sha256, in.baseline.last_sha256)) return false;
    for (const auto& gate : gates)
        if (gate.code == "future" || gate.code == "clock") return false;
    const auto end = credible(in.candidate.report->operation_end, in.candidate.report->zone_assumed, in.candidate);
    return !in.baseline.last_backup_at || !end || *end > *in.baseline.last_backup_at;
}

struct Conclusion {
    Status status;
    std::string code, reason;
};

Conclusion conclude(const GateInput& in, const std::string& sha256, const std::vector<GateWord>& gates) {
    const auto& c = in.candidate;
    const auto& f = in.findings;
    const auto file = name_shown(c.entry->staged_file_name);
    const bool judged_by_gate = in.size == 0 && c.job->gates.empty;  // of a file without bytes the gate says it better
    if (!judged_by_gate && (f.state == Findings::State::damaged || f.state == Findings::State::not_inspected)) {
        const bool damaged = f.state == Findings::State::damaged;
        const auto detail = f.detail.empty() ? std::string(damage_code(f)) : printable(f.detail, 300);
        return {Status::corrupt, std::string(damage_code(f)),
                damaged ? fmt::format("'{}' is as the agent hashed it, but damaged: {}; the last healthy backup stays, the agent must make a new one",
                                      file, detail)
                        : fmt::format("'{}' could not be inspected: {}; the last healthy backup stays", file, detail)};
    }
    const auto& last = in.baseline.last_backup_at;
    if (is_last_again(in, sha256, gates))
        return {
            Status::unchanged, "same_content",
            fmt::format("'{}' is newer but byte-identical to the last healthy backup{}: the database did not change, or the agent sends old dumps",
                        file, last ? " of " + moment(*last, c) : "")};
    if (!gates.empty())
        return {Status::held, gates.front().code,
                fmt::format("{}{}; held, the last healthy backup stays: release it if it is right, else reject it", gates.front().sentence,
                            gates.size() > 1 ? fmt::format(" ({} more in the evidence)", gates.size() - 1) : "")};
    if (!says_good(c.report->overall_status))
        return {Status::warning, "overall_status",
                fmt::format("all stages are true, but the agent's overall status is '{}': read the agent's log. The file is in order: {}",
                            printable(c.report->overall_status, 100), proof(in))};
    return {Status::ok, f.checksum_in_frame ? "promoted" : "no_checksum_in_frame", proof(in)};
}

}  // namespace

std::optional<Time> backup_time(const Candidate& c) {
    if (c.entry && c.entry->backup.end) return credible(c.entry->backup.end, c.entry->backup.end_zone_assumed, c);
    if (c.entry && c.entry->backup.start) return credible(c.entry->backup.start, c.entry->backup.start_zone_assumed, c);
    return credible(c.report->operation_end, c.report->zone_assumed, c);
}

bool clock_implausible(Time end) { return end < std::chrono::sys_days(std::chrono::year(2000) / 1 / 1); }

std::optional<core::Verdict> judge_entry(const Candidate& c, Time now) {
    if (!equal_ignoring_case(c.report->agent_id, c.job->agent))
        return failed(
            c, now, "agent_mismatch",
            fmt::format("the report names the agent '{}', but lies in the folder of '{}': correct agent_id, or give each agent its own folder",
                        name_shown(c.report->agent_id), name_shown(c.job->agent)));
    if (!c.entry) return judge_absent(c, now);
    if (auto v = judge_stages(c, now)) return v;
    return judge_name(c, now);
}

core::Verdict judge_copy(const Candidate& c, const Baseline& baseline, const std::string& sha256, std::uint64_t size,
                         const inspect::Findings& findings, Time now) {
    GateInput in{c, baseline, size, findings, holds_nothing(size, findings), core::judge_size(size, baseline.sizes, c.job->gates.size)};
    const auto gates = ask_gates(in);
    auto end = conclude(in, sha256, gates);
    auto v = start(c, now, end.status, end.code, std::move(end.reason));
    if (v.status == Status::unchanged && c.job->unchanged_ok) v.severity = core::Severity::ok;
    v.size_bytes = size;
    v.sha256 = sha256;
    v.evidence = copy_evidence(in, v.reason_code, sha256, gates);
    return v;
}

bool job_matches(const core::DepositJob& job, std::string_view database, std::string* year) {
    return core::database_matches(job.database, database, year);
}

}  // namespace bkmon::deposits

// What is said, in one transaction with what was judged; and what is taken away afterwards.
#include <fmt/format.h>

#include <algorithm>

#include "common/base/json_writer.h"
#include "common/base/text.h"
#include "daemon/deposits/part_impl.h"

namespace bkmon::deposits {

namespace {

constexpr milliseconds kAskAgain{std::chrono::minutes(1)};  ///< whether an agent's folder may be written to by now

}  // namespace

core::Verdict Part::Impl::plain_verdict(core::Status status, std::string code, std::string reason) const {
    return core::plain_verdict(status, std::move(code), std::move(reason), now());
}

targets::Registry::Publication Part::Impl::publication(Job& job, core::Verdict v, const std::optional<core::Cycle>& cycle) {
    targets::Registry::Publication p;
    p.target = job.id;
    if (cycle) {
        v.due = cycle->due;
        p.date = core::local_date(cycle->due, job.settings.timezone);
    }
    const auto* target = rooms.registry.find(job.id);
    const auto shown_due = target != nullptr ? target->current.verdict.due : std::nullopt;
    p.current = !cycle || !shown_due || *shown_due <= cycle->due || target->current.verdict.reason_code == "first_due" || runs_ahead(job, *target);
    p.verdict = std::move(v);
    return p;
}

history::JudgedRow Part::Impl::judged_row(const Job& job, const std::string& report_sha256, const core::Verdict& v, std::optional<Time> when,
                                          const std::string& file_identity) const {
    return history::JudgedRow{
        job.id, lower(job.agent->folder), report_sha256, v.sha256, std::string(core::name_of(v.status)), v.reason_code, now(), when, file_identity};
}

void Part::Impl::remember(Job& job, const history::JudgedRow& row) {
    if (row.report_end && (!job.last_report_at || *job.last_report_at < *row.report_end)) job.last_report_at = row.report_end;
    if (job.agent != nullptr) job.agent->judged.insert_or_assign({job.id.key(), row.report_sha256}, row);
}

/// What the rules of one report cannot know: lateness, and a healthy backup of the same cycle beside a bad verdict.
void Part::Impl::add_context(const Job& job, core::Verdict& v, const std::optional<core::Cycle>& cycle, Time arrived) const {
    if (!cycle) return;
    if (arrived > cycle->deadline && (v.status == core::Status::ok || v.status == core::Status::unchanged || v.status == core::Status::warning))
        v.reason += fmt::format("; {} late", duration_words(arrived - cycle->due));
    const auto* target = rooms.registry.find(job.id);
    if (target == nullptr || core::is_good(v.status) || v.status == core::Status::late) return;
    if (target->current.last_ok_at && *target->current.last_ok_at >= cycle->opens && damaged.count(job.id.key()) == 0)
        v.reason += "; an earlier backup of this cycle is in the vault";
}

void Part::Impl::publish_entry(Job& job, const Case& c, core::Verdict v, const SeenFile* file) {
    job.busy = true;
    job.saying = core::name_of(v.status);
    job.waiting.reset();
    v.at = now();
    if (v.file.empty() && file != nullptr) v.file = printable(file->name);
    if (!v.size_bytes && file != nullptr) v.size_bytes = file->id.size;
    add_context(job, v, c.cycle, c.report->arrival);
    const auto row =
        judged_row(job, c.report->sha256, v, c.report->refused.empty() ? c.report->order() : std::nullopt, file != nullptr ? file->id.text() : "");
    // The same bytes with the same outcome as before: no event.
    auto before = job.agent->judged.find({job.id.key(), c.report->sha256});
    const bool known =
        before != job.agent->judged.end() && before->second.reason_code == row.reason_code && before->second.file_sha256 == row.file_sha256;
    if (v.evidence == "{}" || v.evidence.empty()) {
        JsonWriter w;
        w.begin_object().field("report", printable(c.report->file)).field("report_sha256", c.report->sha256).field("arrived_at", c.report->arrival);
        if (c.report->report) w.field("operation_end", c.report->report->operation_end).field("overall_status", c.report->report->overall_status);
        if (c.entry != nullptr) {
            const auto& sent = sent_stage(*c.entry);
            w.field("declared_size", sent.size_bytes).field("declared_sha256", sent.sha256).field("staged_file_name", c.entry->staged_file_name);
        }
        if (file != nullptr) w.field("file_size", static_cast<std::uint64_t>(file->id.size));
        w.field("logs_summary", c.entry != nullptr ? printable(c.entry->logs_summary, 2000) : std::string()).end_object();
        v.evidence = w.take();
    }
    auto done = [this, &job, row, self = weak_from_this()](Result<void> result) {
        if (self.expired()) return;
        if (result)
            remember(job, row);
        else
            block(job);
        finished(job, "done", "");
    };
    if (known) {
        rooms.store.write([row](history::Session& s) { return s.put_judged(row); }, std::move(done));
        return;
    }
    auto p = publication(job, std::move(v), c.cycle);
    p.with.push_back([row](history::Session& s) { return s.put_judged(row); });
    rooms.registry.publish(std::move(p), std::move(done));
}

bool Part::Impl::may_consume(const AgentState& agent) const { return vault && (!agent.read_only || boot() - *agent.read_only >= kAskAgain); }

/// False when it still lies there. Whether that is for good is seen by trying again: a disk that was full or read-only may be well by then.
bool Part::Impl::consumed(AgentState& agent, const Result<void>& done) {
    if (done) {
        agent.read_only.reset();
        agent.stuck.clear();
        return true;
    }
    const auto& error = done.error();
    if (error.code == Errc::busy || error.code == Errc::not_found) return true;
    const bool known = error.code == Errc::denied ? agent.read_only.has_value() : agent.stuck == error.what;
    if (error.code == Errc::denied)
        agent.read_only = boot();
    else
        agent.stuck = error.what;
    if (!known)
        rooms.journal.log(journal::Level::notice, journal::msg::deposit_read_only,
                          fmt::format("agent {}: judged deposits stay where they are: {}", printable(agent.folder), error.what),
                          {{"BKMON_AGENT", agent.folder}});
    return false;
}

void Part::Impl::consume_file(Job& job, const SeenFile& file, std::function<void(bool)> gone) {
    AgentState& agent = *job.agent;
    if (!job.settings.consume || !may_consume(agent)) return;
    vault->consume(agent.folder, file.folder, file.name, file.id, [this, &agent, gone = std::move(gone), self = weak_from_this()](Result<void> done) {
        if (self.expired()) return;
        const bool went = consumed(agent, done);
        if (gone) gone(went);
    });
}

/// A report goes once everything it says was judged for good; a bad verdict may still be mended until its deadline.
void Part::Impl::consume_reports(AgentState& agent) {
    if (agent.jobs.empty() || !may_consume(agent)) return;
    for (const auto& [sha, known] : agent.reports) {
        bool all = !known.too_old && !agent.jobs.empty();
        std::vector<std::pair<Job*, const SeenFile*>> files;
        std::size_t named = 0;
        for (Job* job : agent.jobs) {
            const core::ReportDatabase* entry = nullptr;
            if (known.report && known.refused.empty())
                for (const auto& e : known.report->databases)
                    if (job_matches(job->settings, e.name)) entry = &e;
            if (entry == nullptr && known.refused.empty()) continue;
            ++named;
            auto row = agent.judged.find({job->id.key(), sha});
            if (row == agent.judged.end() || !job->settings.consume || job->busy) {
                all = false;
                continue;
            }
            const Case c{&known, entry, job->rule ? core::cycle_of(*job->rule, known.when()) : std::nullopt};
            const bool good = row->second.status != "corrupt" && row->second.status != "failed" && row->second.status != "unreachable";
            if (!good && (now() < mendable_until(*job, c) || row->second.status == "unreachable")) all = false;
            // Held, but not kept aside: the agent's copy is the only one.
            const auto kept = held.find(job->id.key());
            const bool only_here = row->second.status == "held" && (kept == held.end() || kept->second.sha256 != row->second.file_sha256);
            if (only_here) all = false;
            const SeenFile* file = entry != nullptr ? find_file(agent, entry->staged_file_name) : nullptr;
            // Only what was hashed is taken away: nobody knows what the rest is.
            const bool hashed = !row->second.file_sha256.empty() && row->second.file_identity == (file != nullptr ? file->id.text() : "");
            if (file != nullptr && !only_here && hashed) files.emplace_back(job, file);
        }
        if (known.report && known.refused.empty() && named < known.report->databases.size()) all = false;
        if (!all || named == 0) continue;
        // The report last: without it nobody would know that the files may go.
        const auto left = std::make_shared<std::size_t>(files.size());
        const auto take_report = [this, &agent, file = known.file, id = known.id] {
            vault->consume(agent.folder, "log", file, id, [this, &agent, self = weak_from_this()](Result<void> done) {
                if (!self.expired()) consumed(agent, done);
            });
        };
        if (files.empty()) take_report();
        for (const auto& [job, file] : files)
            consume_file(*job, *file, [left, take_report](bool gone) {
                if (gone && --*left == 0) take_report();
            });
    }
}

}  // namespace bkmon::deposits

// What did not come: late, missing, and the days in between. Level-triggered: each look derives everything from the clock, the
// schedule and what is recorded, so that a jump of the clock or a long downtime needs no special case.
#include <fmt/format.h>

#include "common/base/json_writer.h"
#include "common/base/text.h"
#include "daemon/deposits/part_impl.h"

namespace bkmon::deposits {

namespace {

constexpr int kMostFilledDays = 62;

/// True when the cycle is decided: by a verdict of its own (a `late` is none), or because a later one is spoken of.
bool has_verdict(const targets::Target& target, const core::Cycle& cycle, bool runs_ahead) {
    const auto& v = target.current.verdict;
    if (!v.due || v.reason_code == "first_due" || runs_ahead) return false;
    return *v.due > cycle.due || (*v.due == cycle.due && v.status != core::Status::late);
}

std::string evidence(const Job& job, const core::Cycle& cycle, const AgentState& agent) {
    JsonWriter w;
    w.begin_object().field("due_at", cycle.due).field("deadline_at", cycle.deadline).field("agent_folder_present", agent.seen);
    w.key("reports_present").begin_array();
    int n = 0;
    for (const auto& [sha, known] : agent.reports)
        if (++n <= 20)
            w.begin_object()
                .field("file", printable(known.file))
                .field("refused", printable(known.refused))
                .field("arrived_at", known.arrival)
                .end_object();
    w.end_array().key("files_present").begin_array();
    n = 0;
    for (const auto& file : agent.files)
        if (++n <= 20) w.begin_object().field("file", printable(file.name)).field("size_bytes", file.id.size).end_object();
    w.end_array().field("schedule", job.settings.schedule).end_object();
    return w.take();
}

}  // namespace

void Part::Impl::check_deadlines(Job& job) {
    if (!job.rule || job.busy || !settled) return;
    const auto* target = rooms.registry.find(job.id);
    if (target == nullptr) return;
    if (runs_ahead(job, *target) && job.put_right != target->current.verdict.due) return put_right(job, *target->current.verdict.due);
    const Time first_known = target->current.first_known;
    const auto passed = core::newest_past_deadline(*job.rule, now());
    if (passed && passed->due >= first_known && !has_verdict(*target, *passed, runs_ahead(job, *target))) return miss(job, *passed);
    if (escalate_held(job, *target)) return;
    const auto open = core::cycle_of(*job.rule, now());
    if (!open || now() < open->due || now() >= open->deadline || open->due < first_known) return;
    const auto& v = target->current.verdict;
    if (v.due && *v.due >= open->due && v.reason_code != "first_due" && !runs_ahead(job, *target)) return;
    say_late(job, *open);
}

/// The verdict speaks of a cycle that has not begun: the clock ran ahead when it was given, and was set back since. Nothing may wait until
/// that cycle comes.
bool Part::Impl::runs_ahead(const Job& job, const targets::Target& target) const {
    const auto& v = target.current.verdict;
    return v.due && job.rule && v.reason_code != "first_due" && *v.due - job.rule->early > now();
}

/// What was true before the clock ran ahead is said again: the newest verdict of a cycle that did begin. Without one the clock and the
/// deposits decide, as for a job that is new.
void Part::Impl::put_right(Job& job, Time ahead) {
    constexpr int kNewest = 2000;
    job.busy = true;
    auto before = std::make_shared<std::optional<core::Verdict>>();
    rooms.store.read(
        [before, id = job.id, t = now(), until = now() + job.rule->early](history::Reader& r) -> Result<void> {
            auto rows = r.verdicts({id.str(), "", {}, {}, {}, 0, kNewest});
            if (!rows) return fail(std::move(rows.error()));
            for (const auto& row : *rows) {
                const auto& due = row.verdict.due;
                if (!due || *due > until || row.verdict.status == core::Status::late) continue;
                if (row.verdict.status == core::Status::missing && row.verdict.at > t) continue;  // by the wrong clock, before its deadline
                if (!*before || *(*before)->due < *due) *before = row.verdict;                    // newest first: of one cycle the last word
            }
            return {};
        },
        [this, &job, ahead, before, self = weak_from_this()](Result<void> read) {
            if (self.expired()) return;
            if (!read) {
                block(job);
                return finished(job, "done", "");
            }
            job.put_right = ahead;
            const auto cycle = *before ? core::cycle_of(*job.rule, *(*before)->due) : std::nullopt;
            if (!cycle) return finished(job, "done", "");
            auto v = std::move(**before);
            v.reason += "; said again, because the clock had run ahead";
            v.at = now();
            say_by_clock(job, std::move(v), *cycle);
        });
}

/// A verdict that the clock alone brought: published, and the job is free again once it is on disk.
void Part::Impl::say_by_clock(Job& job, core::Verdict v, const core::Cycle& cycle) {
    job.busy = true;
    job.saying = core::name_of(v.status);
    rooms.registry.publish(publication(job, std::move(v), cycle), [this, &job, self = weak_from_this()](Result<void> done) {
        if (self.expired()) return;
        if (!done) block(job);
        finished(job, "done", "");
    });
}

/// Held, and its deadline has passed without an ok: now somebody must act.
bool Part::Impl::escalate_held(Job& job, const targets::Target& target) {
    const auto& current = target.current;
    if (current.verdict.status != core::Status::held || current.verdict.severity == core::Severity::critical || !current.verdict.due) return false;
    const auto cycle = core::cycle_of(*job.rule, *current.verdict.due);
    if (!cycle || current.since > cycle->deadline || now() < cycle->deadline) return false;
    core::Verdict v = current.verdict;
    v.severity = core::Severity::critical;
    v.reason += "; the deadline has passed without a healthy backup";
    v.at = now();
    say_by_clock(job, std::move(v), *cycle);
    return true;
}

void Part::Impl::miss(Job& job, const core::Cycle& cycle) {
    fill_days(job, cycle);
    AgentState& agent = *job.agent;
    core::Verdict v;
    bool reported = false;
    for (const auto& [sha, known] : agent.reports) {
        if (!known.report || !known.refused.empty()) continue;
        const auto owner = core::cycle_of(*job.rule, known.when());
        reported = reported || (owner && owner->due == cycle.due);
    }
    if (arrival && !arrival->root().usable)
        v = plain_verdict(core::Status::unreachable, "deposit_unavailable", "the deposit root cannot be read: " + arrival->root().problem);
    else if (!agent.refused.empty())
        v = plain_verdict(core::Status::failed, "folder_changed", agent.refused + "; the deadline has passed");
    else if (job.waiting)
        v = plain_verdict(job.waiting->status, job.waiting->reason_code, job.waiting->what + " and the deadline has passed");
    else if (reported)
        v = plain_verdict(
            core::Status::missing, "not_in_report",
            fmt::format("the agent reported, but did not name this database (due {})", core::local_text(cycle.due, job.settings.timezone, true)));
    else
        v = plain_verdict(
            core::Status::missing, "no_report",
            fmt::format("no report for the backup due {}, the deadline was {}{}", core::local_text(cycle.due, job.settings.timezone, true),
                        core::local_text(cycle.deadline, job.settings.timezone), agent.seen ? "" : "; the agent's folder is not there"));
    v.evidence = evidence(job, cycle, agent);
    say_by_clock(job, std::move(v), cycle);
}

/// Days between the last verdict and this cycle for which nothing came: recorded, not announced.
void Part::Impl::fill_days(Job& job, const core::Cycle& newest) {
    const auto* target = rooms.registry.find(job.id);
    const Time known = std::max(target->current.verdict.due.value_or(target->current.first_known), target->current.first_known);
    if (target->current.verdict.reason_code == "first_due" && !target->current.last_proof_at && target->current.first_known >= newest.due) return;
    auto cycle = core::cycle_of(*job.rule, known);
    for (int i = 0; i < kMostFilledDays && cycle && cycle->due < newest.due; ++i) {
        const bool recorded =
            target->current.verdict.due && *target->current.verdict.due >= cycle->due && target->current.verdict.status != core::Status::late;
        if (!recorded && cycle->due >= target->current.first_known) {
            auto p =
                publication(job, plain_verdict(core::Status::missing, "no_report", "nothing came for this day; it was noticed afterwards"), *cycle);
            p.current = false;
            rooms.registry.publish(std::move(p), [](Result<void>) {});
        }
        cycle = core::next_cycle(*job.rule, *cycle);
    }
}

void Part::Impl::say_late(Job& job, const core::Cycle& cycle) {
    auto v = plain_verdict(core::Status::late, "report_late",
                           fmt::format("due {}, deadline {}: {}", core::local_text(cycle.due, job.settings.timezone, true),
                                       core::local_text(cycle.deadline, job.settings.timezone), job.waiting ? job.waiting->what : "no report yet"));
    v.evidence = evidence(job, cycle, *job.agent);
    say_by_clock(job, std::move(v), cycle);
}

/// The scheduler shows when a backup is due and looks at its deadline; `late` and everything else comes from tick().
void Part::Impl::schedule(Job& job) {
    const std::string id = job.id.str();
    if (!job.rule) return rooms.scheduler.remove(id);
    runs::Scheduler::Entry entry;
    entry.id = id;
    entry.what = "backup of " + id;
    entry.schedule = job.rule->schedule;
    entry.offset = job.rule->deadline;
    entry.fire = [self = weak_from_this(), key = job.id.key()](Time) -> std::string {
        auto me = self.lock();
        if (!me) return "";
        auto it = me->jobs.find(key);
        if (it == me->jobs.end()) return "";
        me->consider(*it->second);
        const auto* target = me->rooms.registry.find(it->second->id);
        if (it->second->busy && !it->second->saying.empty()) return it->second->saying;  // judged just now, not yet on disk
        return target == nullptr ? "" : std::string(core::name_of(me->rooms.registry.shown(*target).status));
    };
    rooms.scheduler.set(std::move(entry));
}

/// Every second: whose due time or deadline has passed. Cheap: one comparison a job.
void Part::Impl::tick() {
    tick_timer->arm(milliseconds(1000));
    if (!settled) {
        // Jobs with work of their own are busy: they wait for it, not for that of others.
        settled = round_done && pending_parses == 0 && pending_loads == 0;
        if (settled) return tick_all();
    }
    const Time t = now();
    for (auto& [key, job] : jobs) {
        if (!job->rule || job->busy) continue;
        if (job->next_look && t < *job->next_look && t >= job->looked_at) continue;
        job->looked_at = t;
        const auto open = core::cycle_of(*job->rule, t);
        job->next_look = t + std::chrono::minutes(1);
        if (open && t < open->deadline) job->next_look = std::min(*job->next_look, t < open->due ? open->due : open->deadline);
        if (const auto due = job->rule->schedule.next_after(t)) job->next_look = std::min(*job->next_look, *due);
        if (job->agent->loaded) consider(*job);
    }
}

void Part::Impl::tick_all() {
    for (auto& [key, job] : jobs) job->next_look.reset(), job->looked_at = Time{};
    tick();
}

}  // namespace bkmon::deposits

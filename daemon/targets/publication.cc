#include "daemon/targets/publication.h"

#include "common/base/json_writer.h"
#include "daemon/core/schedule.h"
#include "daemon/targets/shown.h"

namespace bkmon::targets {

namespace {

/// Of the same backup: by its hash, and where none is known by all that is.
bool of_one_file(const core::Verdict& a, const core::Verdict& b) {
    if (!a.sha256.empty() || !b.sha256.empty()) return a.sha256 == b.sha256;
    return a.file == b.file && a.size_bytes == b.size_bytes && a.backup_at == b.backup_at && a.place == b.place;
}

/// A change of severity alone (a held backup whose next deadline passed) is news too.
bool says_the_same(const core::Verdict& a, const core::Verdict& b) {
    return a.status == b.status && a.severity == b.severity && a.reason_code == b.reason_code && a.due == b.due && of_one_file(a, b);
}

std::string date_of(const Entry& entry, const core::Verdict& verdict) {
    return core::local_date(verdict.due.value_or(verdict.at), entry.target.spec.timezone);
}

std::string mark_of(const std::string& date, core::Status status) { return date + ' ' + std::string(name_of(status)); }

/// Looks back at a day: judged now, of then.
bool looks_back(const Registry::Publication& publication) { return !publication.current && !publication.verdict.due && !publication.date.empty(); }

/// A bad day of a target that was switched off is a paused day.
core::Verdict day_verdict(const Entry& entry, const Registry::Publication& publication, Time now) {
    const auto& verdict = publication.verdict;
    const auto& pause = entry.target.pause;
    if (!pause || view_of(entry.target, now) != View::paused || core::is_good(verdict.status)) return verdict;
    const bool covered = looks_back(publication) ? publication.date >= core::local_date(pause->since, entry.target.spec.timezone)
                                                 : verdict.due.value_or(verdict.at) >= pause->since;
    if (!covered) return verdict;
    auto shown = verdict;
    shown.status = core::Status::paused;
    shown.severity = severity_of(core::Status::paused);
    shown.reason_code = "paused";
    shown.reason = pause_sentence(*pause);
    return shown;
}

history::CurrentRow next_current(const Entry& entry, const core::Verdict& verdict, Time now) {
    history::CurrentRow next = entry.target.current;
    if (!entry.has_current) next.first_known = now;
    if (!entry.has_current || next.verdict.status != verdict.status) next.since = verdict.at;
    next.target = entry.target.spec.id;
    next.verdict = verdict;
    const bool with_warning = promoted_with_warning(verdict);
    if (verdict.status == core::Status::ok || with_warning) next.last_ok_at = verdict.at;
    if (core::is_good(verdict.status) || with_warning) next.last_proof_at = verdict.at;
    return next;
}

}  // namespace

std::string event_body(const core::Verdict& verdict, std::optional<core::Status> previous, const std::string& text) {
    JsonWriter out;
    out.begin_object();
    out.field("status", name_of(verdict.status)).field("severity", name_of(verdict.severity));
    out.key("previous");
    previous ? out.value(name_of(*previous)) : out.null();
    out.field("reason_code", verdict.reason_code).field("reason", verdict.reason);
    if (!text.empty()) out.field("text", text);
    out.end_object();
    return out.take();
}

Plan plan_of(const Entry& entry, const Registry::Publication& publication, Time now) {
    const auto& verdict = publication.verdict;
    const bool known = entry.has_current;
    const bool equal = publication.current && known && says_the_same(entry.target.current.verdict, verdict);
    Plan plan;
    plan.current = publication.current;
    plan.recorded = !equal && !looks_back(publication);
    plan.next = next_current(entry, verdict, now);
    if (known) plan.from = entry.target.current.verdict.status;

    const auto day = day_verdict(entry, publication, now);
    const std::string date = publication.date.empty() ? date_of(entry, verdict) : publication.date;
    plan.daily_mark = mark_of(date, day.status);
    std::string written = entry.daily_mark;
    if (written.empty() && known) written = mark_of(date_of(entry, entry.target.current.verdict), entry.target.current.verdict.status);
    const bool other_words = known && entry.target.current.verdict.reason != verdict.reason;
    if (!equal || plan.daily_mark != written || other_words) plan.daily = history::DailyRow{entry.target.spec.id, date, day};

    if (!equal && publication.current)
        plan.event = history::EventRow{0, verdict.at, "verdict", entry.target.spec.id, verdict.run, event_body(verdict, plan.from)};
    return plan;
}

namespace {

/// What memory does not keep: a verdict made of the current one has its evidence.
Result<void> recall_evidence(history::Session& session, Plan& plan) {
    auto stored = session.current(plan.next.target);
    if (!stored) return fail(std::move(stored.error()));
    const std::string evidence = *stored ? std::move((*stored)->verdict.evidence) : "{}";
    plan.next.verdict.evidence = evidence;
    if (plan.daily) plan.daily->verdict.evidence = evidence;
    return {};
}

/// Takes out of the plan of what is not current (an older cycle, a look back) what its day says already.
Result<void> leave_out_known_day(history::Session& session, Plan& plan) {
    history::DailyQuery query;
    query.target_glob = plan.next.target.str();
    query.from = query.to = plan.daily->date;
    query.evidence = false;
    auto days = session.daily(query);
    if (!days) return fail(std::move(days.error()));
    for (const auto& day : *days) {
        if (day.target != plan.next.target || !says_the_same(day.verdict, plan.daily->verdict) || day.verdict.reason != plan.daily->verdict.reason)
            continue;
        plan.daily.reset();
        plan.recorded = false;
        return {};
    }
    return {};
}

}  // namespace

Result<void> write_plan(history::Session& session, Plan plan, const std::vector<history::Store::Work>& participants, std::int64_t& seq) {
    if (!plan.current && plan.daily)
        if (auto r = leave_out_known_day(session, plan); !r) return r;
    if (plan.next.verdict.evidence.empty())
        if (auto r = recall_evidence(session, plan); !r) return r;
    plan.next.told_by = 0;
    if (plan.recorded) {
        auto id = session.add_verdict({0, plan.next.target, plan.next.verdict});
        if (!id) return fail(std::move(id.error()));
        plan.next.told_by = *id;
        if (plan.daily) plan.daily->told_by = *id;  // its evidence is the same
    }
    if (plan.current)
        if (auto r = session.put_current(plan.next); !r) return r;
    if (plan.event) {
        auto r = session.add_event(*plan.event);
        if (!r) return fail(std::move(r.error()));
        seq = *r;
    }
    if (plan.daily)
        if (auto r = session.put_daily(*plan.daily); !r) return r;
    for (const auto& participant : participants)
        if (auto r = participant(session); !r) return r;
    return {};
}

}  // namespace bkmon::targets

// What a verdict, or time alone, makes of an incident: rows, in the transaction that they are given.
#include <algorithm>

#include "daemon/alerts/part_impl.h"

namespace bkmon::alerts {

namespace {

using core::Incident;
using history::NoticeRow;

/// The incident that a verdict belongs to: the one that is not over, else a new one, which knows how often the last ones came and went.
Result<Incident> incident_for(history::Session& s, const TargetId& target) {
    auto last = s.last_incident(target);
    if (!last) return fail(std::move(last.error()));
    if (*last && ((*last)->bad_in_row > 0 || (*last)->flapping)) return std::move(**last);
    Incident fresh;
    fresh.target = target;
    if (*last) fresh.turns = (*last)->turns;
    return fresh;
}

/// Who hears of it: whom the rule names, and who heard of it before.
std::vector<std::string> hearers(const Incident& i, const Notice& notice, const Decision& d) {
    std::vector<std::string> to = notice.word == Word::recovered && !i.told.empty() ? std::vector<std::string>() : d.to;
    for (const auto& who : i.told)
        if (std::find(to.begin(), to.end(), who) == to.end()) to.push_back(who);
    return to;
}

/// What was to be said and what is: the first state and the last, in one notice.
void merge(const NoticeRow& before, NoticeRow& row) {
    row.id = before.id;
    row.at = before.at;
    const bool first_words = before.word == Word::opened || before.word == Word::flapping;
    if (!first_words || row.word != Word::recovered) row.from = before.from;  // else what it was in between
    if (row.word == Word::reminder || (first_words && row.word != Word::recovered && row.word != Word::flapping)) row.word = before.word;
}

Result<void> put_notices(history::Session& s, const Incident& i, const std::vector<std::string>& to, const Notice& notice, const Prepared& what) {
    auto current = s.current(i.target);
    if (!current) return fail(std::move(current.error()));
    Facts facts;
    if (*current) facts.told = told_of(**current);
    facts.told.target = i.target;
    facts.told.status = notice.to;
    facts.told.before = notice.from;
    facts.told.severity = i.severity;
    facts.told.reason_code = i.reason_code;
    facts.told.reason = i.reason;
    facts.told.problem_at = i.problem_at;
    if (notice.word == Word::recovered) facts.told.lasted = std::max(milliseconds(0), notice.at - i.problem_at);
    if (*current && notice.word != Word::recovered) facts.traits = causes_of((*current)->verdict);
    facts.traits.insert(facts.traits.end(), what.traits.begin(), what.traits.end());
    for (const auto& who : to) {
        NoticeRow row;
        row.incident = i.id;
        row.target = i.target;
        row.recipient = who;
        row.word = notice.word;
        row.at_once = notice.mail == core::AlertRule::Mail::at_once;
        row.from = notice.from;
        row.to = notice.to;
        row.severity = i.severity;
        row.at = notice.at;
        row.text = what.decision.text;
        row.facts = text_of(facts);
        auto waiting = s.notice_of(i.id, who, row.at_once);
        if (!waiting) return fail(std::move(waiting.error()));
        if (*waiting) merge(**waiting, row);
        if (auto r = s.put_notice(row); !r) return fail(std::move(r.error()));
    }
    return {};
}

std::optional<Time> when_next(const Incident& i, const Prepared& what, const FlapRules& flap) {
    if (i.bad_in_row > 0 && what.silenced && !i.flapping) return what.silence_ends;  // no reminder before
    return next_tick(i, what.decision, flap);
}

Result<void> store(history::Session& s, Incident& i, const std::optional<Notice>& notice, const Prepared& what, Time now, const FlapRules& flap) {
    i.next_at = when_next(i, what, flap);
    if (i.next_at && *i.next_at <= now) i.next_at = now + std::chrono::minutes(1);  // whatever it is, it is looked at now and again, not all the time
    const auto to = notice ? hearers(i, *notice, what.decision) : std::vector<std::string>();
    if (notice && notice->word != Word::recovered) i.told = to;
    auto id = s.put_incident(i);
    if (!id) return fail(std::move(id.error()));
    i.id = *id;
    return notice ? put_notices(s, i, to, *notice, what) : Result<void>();
}

}  // namespace

Result<void> apply_turn(history::Session& session, const Prepared& what, Time now, const FlapRules& flap) {
    if (what.gone) return {};  // what is open ends with time
    auto incident = incident_for(session, what.target);
    if (!incident) return fail(std::move(incident.error()));
    auto current = session.current(what.target);
    if (!current) return fail(std::move(current.error()));
    const bool newest = *current && (*current)->verdict.status == what.verdict.status && (*current)->verdict.at == what.verdict.at;
    Turn t;
    t.status = what.verdict.status;
    t.at = now;
    t.problem_at = newest ? problem_time((*current)->verdict) : what.verdict.at;
    t.decision = what.decision;
    t.silenced = what.silenced;
    const auto notice = turn(*incident, t, flap);
    if (incident->id == 0 && incident->bad_in_row == 0) return {};  // good, and was
    if (incident->id == 0) incident->opened_at = now;
    if (incident->bad_in_row > 0 && what.verdict.status != core::Status::late) {
        incident->reason_code = what.verdict.reason_code;
        incident->reason = what.verdict.reason;
    }
    return store(session, *incident, notice, what, now, flap);
}

Result<void> apply_tick(history::Session& session, const core::Incident& listed, const Prepared& what, Time now, const FlapRules& flap) {
    auto stored = session.incident(listed.id);
    if (!stored) return fail(std::move(stored.error()));
    if (!*stored) return {};
    auto& incident = **stored;
    if (!what.defined && !what.gone) {  // a part that could not begin has not defined it yet
        incident.next_at = now + std::chrono::minutes(1);
        auto r = session.put_incident(incident);
        return r ? Result<void>() : Result<void>(fail(std::move(r.error())));
    }
    if (what.gone) {  // nobody watches it any more: there is nothing to say
        if (!incident.closed_at) incident.closed_at = now;
        incident.bad_in_row = 0;
        incident.flapping = false;
        incident.next_at.reset();
        auto r = session.put_incident(incident);
        return r ? Result<void>() : Result<void>(fail(std::move(r.error())));
    }
    const auto notice = tick(incident, what.decision, what.silenced, now, flap);
    return store(session, incident, notice, what, now, flap);
}

}  // namespace bkmon::alerts

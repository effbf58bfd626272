#include "daemon/alerts/rules/incident.h"

#include <algorithm>
#include <array>

namespace bkmon::alerts {
namespace {

using Mail = core::AlertRule::Mail;

/// Whatever rules say: an incident is there also when nobody is told of it.
bool is_problem(core::Status status, const Decision& d) {
    return status != core::Status::paused && !(core::is_good(status) && d.severity == core::Severity::ok);
}

void forget_old_turns(Incident& i, Time now, const FlapRules& flap) {
    std::erase_if(i.turns, [&](Time t) { return t + flap.within <= now; });
}

/// The wall clock may have been set back: what would be in the future was now.
void no_future(Incident& i, Time now) {
    i.said_at = std::min(i.said_at, now);
    i.changed_at = std::min(i.changed_at, now);
    for (auto& t : i.turns) t = std::min(t, now);
}

Notice say(Incident& i, Word word, Mail mail, Time now) {
    Notice n{word, mail, i.said.value_or(core::Status::unknown), i.status, now};
    i.said_at = now;
    if (word == Word::recovered)
        i.said.reset();
    else
        i.said = i.status;
    if (word == Word::opened || word == Word::recovered) i.turns.push_back(now);
    if (word == Word::opened) {
        i.at_once = mail == Mail::at_once;
        i.reminders = 0;
    }
    return n;
}

/// The first words about it, unless they would be one change too many.
std::optional<Notice> open(Incident& i, const Decision& d, Time now, const FlapRules& flap) {
    forget_old_turns(i, now, flap);
    const auto openings = (i.turns.size() + 1) / 2;  // they alternate, and begin with one
    if (openings < static_cast<std::size_t>(flap.openings)) return say(i, Word::opened, d.mail, now);
    i.flapping = true;
    i.at_once = d.mail == Mail::at_once;
    return say(i, Word::flapping, d.mail, now);
}

Notice change(Incident& i, const Decision& d, bool worse, Time now) {
    i.at_once = i.at_once || d.mail == Mail::at_once;
    if (worse) i.acked_at.reset(), i.acked_by.clear();  // what was acknowledged was less than this
    return say(i, worse ? Word::worse : Word::better, d.mail, now);
}

std::optional<Notice> close(Incident& i, Time now) {
    i.closed_at = now;
    i.bad_in_row = 0;
    i.acked_by.clear();
    i.acked_at.reset();
    if (!i.said || i.flapping) return std::nullopt;
    return say(i, Word::recovered, i.at_once ? Mail::at_once : Mail::digest, now);
}

}  // namespace

int rank(core::Status status) {
    using S = core::Status;
    static constexpr std::array kOrder{S::ok,      S::paused,      S::late,    S::unchanged, S::warning, S::held,
                                       S::unknown, S::unreachable, S::corrupt, S::failed,    S::missing};
    return static_cast<int>(std::find(kOrder.begin(), kOrder.end(), status) - kOrder.begin());
}

std::optional<Notice> turn(Incident& i, const Turn& t, const FlapRules& flap) {
    no_future(i, t.at);
    if (t.status == core::Status::late) return std::nullopt;  // shown only: what was before stands
    const bool was_open = i.bad_in_row > 0;
    const auto before = i.status;
    const auto severity_before = i.severity;
    i.status = t.status;
    i.severity = t.decision.severity;
    if (!was_open || before != t.status) i.changed_at = t.at;
    if (!is_problem(t.status, t.decision)) return was_open ? close(i, t.at) : std::nullopt;
    if (!was_open) {
        i.problem_at = t.problem_at;
        i.closed_at.reset();
    }
    ++i.bad_in_row;
    if (i.flapping || t.silenced || i.bad_in_row < t.decision.after || t.decision.mail == Mail::never) return std::nullopt;
    if (!i.said) return open(i, t.decision, t.at, flap);
    if (before == t.status && severity_before == i.severity) return std::nullopt;
    return change(i, t.decision, std::pair(i.severity, rank(i.status)) > std::pair(severity_before, rank(*i.said)), t.at);
}

std::optional<Notice> tick(Incident& i, const Decision& d, bool silenced, Time now, const FlapRules& flap) {
    no_future(i, now);
    if (i.flapping) {
        if (now - i.changed_at < flap.hold) return std::nullopt;
        i.flapping = false;
        i.turns.clear();
        const auto mail = i.at_once ? Mail::at_once : Mail::digest;
        if (i.bad_in_row == 0) return say(i, Word::recovered, mail, now);
        return silenced ? std::nullopt : std::optional(say(i, Word::opened, mail, now));
    }
    if (i.bad_in_row == 0 || silenced || d.mail == Mail::never) return std::nullopt;
    if (!i.said) return i.bad_in_row >= d.after ? open(i, d, now, flap) : std::nullopt;
    if (*i.said != i.status && i.bad_in_row >= d.after) return change(i, d, rank(i.status) > rank(*i.said), now);  // in silence
    if (d.remind.count() == 0 || i.acked_at || i.reminders >= d.reminders || now - i.said_at < d.remind) return std::nullopt;
    ++i.reminders;
    return say(i, Word::reminder, d.mail, now);
}

std::optional<Time> next_tick(const Incident& i, const Decision& d, const FlapRules& flap) {
    if (i.flapping) return i.changed_at + flap.hold;
    if (i.bad_in_row == 0 || !i.said || d.mail == Mail::never) return std::nullopt;
    if (d.remind.count() == 0 || i.acked_at || i.reminders >= d.reminders) return std::nullopt;
    return i.said_at + d.remind;
}

}  // namespace bkmon::alerts

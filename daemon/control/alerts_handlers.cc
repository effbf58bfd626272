#include "daemon/control/alerts_handlers.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.h"
#include "daemon/control/moments.h"
#include "daemon/control/rows_json.h"
#include "daemon/control/selection.h"

namespace bkmon::control {

namespace {

using CallPtr = std::shared_ptr<Call>;

constexpr std::int64_t kDefaultLimit = 100, kMostIncidents = 1000;

std::string_view name_of(core::AlertRule::Mail mail) {
    switch (mail) {
        case core::AlertRule::Mail::at_once: return "at_once";
        case core::AlertRule::Mail::digest: return "digest";
        case core::AlertRule::Mail::never: break;
    }
    return "never";
}

/// What hides the open ones: of all of them the words, of some how many.
std::string silenced_text(const AlertsDoor& door, const IncidentGroup& group) {
    std::string first;
    std::size_t open = 0, silenced = 0;
    for (const auto& m : group.members) {
        if (m.closed_at) continue;
        ++open;
        const auto text = door.silenced(m.target);
        if (text.empty()) continue;
        ++silenced;
        if (first.empty()) first = text;
    }
    return silenced == 0 || silenced == open ? first : fmt::format("{} of {} targets: {}", silenced, open, first);
}

void put_incident_and_mails(const AlertsDoor& door, const CallPtr& call, const IncidentGroup& group, const std::vector<history::MailRow>& mails) {
    JsonWriter w;
    w.begin_object().key("incident");
    put_incident(w, door, group);
    w.key("mails").begin_array();
    for (const auto& row : mails) put_mail(w, row);
    call->reply(w.end_array().end_object().take());
}

void refuse_incident(Call& call, std::int64_t id) {
    call.error("io.bkmon.Alerts.NoSuchIncident", JsonWriter().begin_object().field("id", id).end_object().take());
}

std::optional<std::int64_t> id_of(Call& call) {
    const auto id = call.params().integer("id");
    if (id && *id && **id > 0) return **id;
    call.invalid("id", "the incident's number is needed");
    return std::nullopt;
}

/// The note that was given; nullopt: the call was refused.
std::optional<std::string> note_of(Call& call) {
    const auto note = call.params().string("note");
    if (note && note->value_or("").size() <= kMostNote) return trim(note->value_or(""));
    call.invalid("note", note ? "at most 500 bytes" : note.error().what);
    return std::nullopt;
}

// ---- List

bool read_list(AlertsDoor& door, Call& call, GroupQuery& query) {
    const auto& params = call.params();
    const auto target = params.string("target"), since = params.string("since");
    const auto open = params.boolean("open");
    const auto limit = params.integer("limit"), before = params.integer("before");
    const auto refuse = [&](std::string_view parameter, std::string_view why) { return call.invalid(parameter, why), false; };
    if (!target) return refuse("target", target.error().what);
    if (!open) return refuse("open", open.error().what);
    if (!since) return refuse("since", since.error().what);
    if (!limit || limit->value_or(1) < 1 || limit->value_or(1) > kMostIncidents) return refuse("limit", "from 1 to 1000");
    if (!before || before->value_or(1) < 1) return refuse("before", "the number of an incident, or nothing");
    query.pattern = target->value_or("");
    query.open_only = open->value_or(false);
    query.limit = static_cast<std::size_t>(limit->value_or(kDefaultLimit));
    query.before = before->value_or(0);
    if (*since && !(*since)->empty()) {
        const auto moment = parse_moment(**since, door.settings().timezone, door.clock.now(), Sense::from);
        if (!moment) return refuse("since", moment.error().what);
        query.since = *moment;
    }
    return true;
}

void list(AlertsDoor& door, const CallPtr& call) {
    GroupQuery query;
    if (!read_list(door, *call, query)) return;
    const auto groups = std::make_shared<std::vector<IncidentGroup>>();
    door.store.read(
        [groups, query, may = may_touch_of(call->caller())](history::Reader& reader) -> Result<void> {
            auto found = read_groups(reader, query, may);
            if (!found) return fail(std::move(found.error()));
            *groups = std::move(*found);
            return {};
        },
        [&door, call, groups, query](Result<void> done) {
            if (!done) return call->fail(done.error());
            // Not watched (any more): it may have a past, else it is a mistake.
            const bool mistake = groups->empty() && !query.pattern.empty() && is_literal(query.pattern) && query.before == 0;
            if (mistake && !is_known(door.registry, query.pattern, call->caller())) return refuse_unknown(door.registry, query.pattern, *call);
            JsonWriter w;
            w.begin_object().key("incidents").begin_array();
            for (const auto& group : *groups) put_incident(w, door, group);
            call->reply(w.end_array().end_object().take());
        });
}

// ---- Show and Ack

struct Shown {
    std::optional<FoundGroup> found;
    std::vector<history::MailRow> mails;
};

/// `then` with the incident, and with its mails if they are wanted; NoSuchIncident is answered here.
void with_incident(AlertsDoor& door, const CallPtr& call, bool mails, std::function<void(std::int64_t, const Shown&)> then) {
    const auto id = id_of(*call);
    if (!id) return;
    const auto shown = std::make_shared<Shown>();
    const bool limited = !call->caller().targets.empty();
    door.store.read(
        [shown, id, mails, limited, may = may_touch_of(call->caller())](history::Reader& reader) -> Result<void> {
            *shown = {};
            auto found = read_group(reader, *id, may);
            if (!found) return fail(std::move(found.error()));
            if (*found && mails) {
                auto about = read_mails_about(reader, (*found)->group, limited);
                if (!about) return fail(std::move(about.error()));
                shown->mails = std::move(*about);
            }
            shown->found = std::move(*found);
            return {};
        },
        [call, shown, id, then = std::move(then)](Result<void> done) {
            if (!done) return call->fail(done.error());
            if (!shown->found) return refuse_incident(*call, *id);
            then(*id, *shown);
        });
}

void show(AlertsDoor& door, const CallPtr& call) {
    with_incident(door, call, true,
                  [&door, call](std::int64_t, const Shown& shown) { put_incident_and_mails(door, call, shown.found->group, shown.mails); });
}

/// The incident as it is in the history now.
void answer_incident(AlertsDoor& door, const CallPtr& call) {
    with_incident(door, call, false, [&door, call](std::int64_t, const Shown& shown) {
        JsonWriter w;
        w.begin_object().key("incident");
        put_incident(w, door, shown.found->group);
        call->reply(w.end_object().take());
    });
}

void ack(AlertsDoor& door, const CallPtr& call) {
    auto note = note_of(*call);
    if (!note) return;
    with_incident(door, call, false, [&door, call, note = std::move(*note)](std::int64_t id, const Shown& shown) {
        const auto& group = shown.found->group;
        if (shown.found->hidden > 0)
            return call->invalid("id", fmt::format("incident {} is also about targets that you may not change: who may must acknowledge it", id));
        if (!group.open()) return call->invalid("id", fmt::format("incident {} is over: there is nothing to acknowledge", id));
        door.ack(group.members.front().id, by_text(call->caller()), note, [&door, call, id](const Result<core::Incident>& done) {
            if (done) return answer_incident(door, call);
            done.error().code == Errc::not_found ? refuse_incident(*call, id) : call->fail(done.error());
        });
    });
}

// ---- Expect and Explain

const targets::Target* target_of(AlertsDoor& door, Call& call) {
    const auto name = call.params().string("target");
    if (name && *name && !(*name)->empty()) return find_or_refuse(door.registry, **name, call);
    call.invalid("target", "a target's id is needed");
    return nullptr;
}

void expect(AlertsDoor& door, const CallPtr& call) {
    const auto note = note_of(*call);
    if (!note) return;
    const auto* target = target_of(door, *call);
    if (target == nullptr) return;
    door.expect(target->spec.id, by_text(call->caller()), *note, [call, id = target->spec.id](Result<std::uint64_t> size) {
        JsonWriter w;
        if (size) return call->reply(w.begin_object().field("size_bytes", *size).end_object().take());
        if (size.error().code != Errc::not_found) return call->fail(size.error());
        call->error("io.bkmon.Alerts.NothingToExpect", w.begin_object().field("target", id.str()).end_object().take());
    });
}

std::string explanation(const AlertsDoor& door, const alerts::Explanation& e) {
    JsonWriter w;
    w.begin_object().field("target", e.target.str()).field("status", core::name_of(e.status)).field("severity", core::name_of(e.severity));
    put_text(w, "rule", e.rule).field("mail", name_of(e.mail)).key("to").begin_array();
    for (const auto& to : e.to) w.value(to);
    w.end_array().field("after", e.after);
    put_text(w, "remind", e.remind.count() > 0 ? duration_text(e.remind) : "").field("reminders", e.reminders);
    put_text(w, "template", e.text);
    put_text(w, "silenced", e.silenced).field("paused", e.paused).key("incident");
    e.incident ? put_incident(w, door, group_incidents({*e.incident}).front()) : static_cast<void>(w.null());
    put_text(w, "subject", e.subject);
    return put_text(w, "text", e.body).end_object().take();
}

void explain(AlertsDoor& door, const CallPtr& call) {
    const auto* target = target_of(door, *call);
    if (target == nullptr) return;
    door.explain(target->spec.id, [&door, call, id = target->spec.id](const Result<alerts::Explanation>& e) {
        if (e) return call->reply(explanation(door, *e));
        e.error().code == Errc::not_found ? refuse_unknown(door.registry, id.str(), *call) : call->fail(e.error());
    });
}

}  // namespace

std::string by_text(const Caller& caller) {
    return fmt::format("{} (uid {})", caller.user.empty() ? std::to_string(caller.uid) : printable(caller.user, 64), caller.uid);
}

MayTouch may_touch_of(const Caller& caller) {
    return [caller](const std::string& target) { return caller.may_touch(target); };
}

void put_incident(JsonWriter& w, const AlertsDoor& door, const IncidentGroup& group) {
    const auto sum = group.sum();
    w.begin_object().field("id", group.id).key("targets").begin_array();
    for (const auto& m : group.members) w.value(m.target.str());
    w.end_array().field("status", core::name_of(sum.status)).field("severity", core::name_of(sum.severity));
    w.field("reason_code", sum.reason_code).field("reason", sum.reason);
    put_text(w, "cause", sum.cause);
    w.field("problem_at", sum.problem_at).field("opened_at", sum.opened_at).field("closed_at", sum.closed_at);
    w.field("said", sum.said.has_value()).field("said_at", sum.said ? std::optional(sum.said_at) : std::nullopt).field("reminders", sum.reminders);
    put_text(w, "acked_by", sum.acked_by).field("acked_at", sum.acked_at);
    put_text(w, "note", sum.note);
    put_text(w, "silenced", silenced_text(door, group)).field("flapping", sum.flapping).end_object();
}

void bind_alerts(Dispatcher& dispatcher, AlertsDoor& door) {
    const auto bind = [&](std::string_view method, AlertsHandler handler) {
        dispatcher.bind(method, [&door, handler](const CallPtr& call) { handler(door, call); });
    };
    bind("io.bkmon.Alerts.List", list);
    bind("io.bkmon.Alerts.Show", show);
    bind("io.bkmon.Alerts.Ack", ack);
    bind("io.bkmon.Alerts.Silence", handle_silence);
    bind("io.bkmon.Alerts.Silences", handle_silences);
    bind("io.bkmon.Alerts.Unsilence", handle_unsilence);
    bind("io.bkmon.Alerts.Expect", expect);
    bind("io.bkmon.Alerts.Outbox", handle_outbox);
    bind("io.bkmon.Alerts.Retry", handle_retry);
    bind("io.bkmon.Alerts.Test", handle_test);
    bind("io.bkmon.Alerts.Explain", explain);
}

}  // namespace bkmon::control

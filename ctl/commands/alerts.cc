#include "ctl/commands/alerts.h"

#include <fmt/format.h>

#include <algorithm>

#include "ctl/commands/command.h"
#include "ctl/commands/times.h"
#include "ctl/render/json.h"
#include "ctl/render/words.h"

namespace bkmon::ctl {

namespace {

using protocol::Params;

constexpr std::int64_t kMostAtOnce = 1000;
constexpr std::size_t kMostTargets = 20;  // listed below each other

bool is(const Params& object, std::string_view name) {
    const auto value = object.boolean(name);
    return value && value->value_or(false);
}

/// The worst target, and how many more.
std::string targets_cell(const Params& incident) {
    const auto targets = texts_of(incident, "targets");
    if (targets.empty()) return "-";
    return targets.size() == 1 ? targets.front() : fmt::format("{} and {} more", targets.front(), targets.size() - 1);
}

Cell state_cell(const Params& incident) {
    if (!text_of(incident, "closed_at").empty()) return {"over", Tone::dim};
    if (const auto by = text_of(incident, "acked_by"); !by.empty()) return {"acked: " + by, Tone::notice};
    if (!text_of(incident, "silenced").empty()) return {"silenced", Tone::warning};
    if (is(incident, "flapping")) return {"flapping", Tone::warning};
    return is(incident, "said") ? Cell{"said"} : Cell{"not said", Tone::warning};
}

/// How long it has been a problem, or was one.
std::string lasted(const Params& incident, Time now) {
    const auto since = time_of(incident, "problem_at"), end = time_of(incident, "closed_at");
    return since ? duration_words(std::max(end.value_or(now), *since) - *since) : "-";
}

void worst_first(std::vector<Params>& incidents) {
    std::stable_sort(incidents.begin(), incidents.end(), [](const Params& a, const Params& b) {
        const int rank_a = rank_of(text_of(a, "severity")), rank_b = rank_of(text_of(b, "severity"));
        if (rank_a != rank_b) return rank_a > rank_b;
        return time_of(a, "problem_at") < time_of(b, "problem_at");
    });
}

std::string incident_json(const Params& reply) { return "{\"incident\":" + reply.dump("incident") + "}"; }

void add_times(JsonWriter& writer, const Params& incident) {
    for (const auto& [member, name] : {std::pair("problem_at", "problem since"), std::pair("opened_at", "noticed"), std::pair("closed_at", "over"),
                                       std::pair("said_at", "last said")})
        if (const std::string value = text_of(incident, member); !value.empty()) writer.field(name, value);
    if (const auto n = number_of(incident, "reminders"); n > 0) writer.field("reminders", n);
}

std::string facts(const Session& session, const Params& incident) {
    JsonWriter writer;
    writer.begin_object();
    add_times(writer, incident);
    for (const auto& [member, name] : {std::pair("cause", "in common"), std::pair("acked_by", "acknowledged by"),
                                       std::pair("acked_at", "acknowledged"), std::pair("note", "note"), std::pair("silenced", "silenced by")})
        if (const std::string value = text_of(incident, member); !value.empty()) writer.field(name, value);
    if (is(incident, "flapping")) writer.field("flapping", true);
    return json_tree(writer.end_object().str(), session.now(), session.terminal().width);
}

std::string targets_text(const std::vector<std::string>& targets) {
    std::string out;
    for (std::size_t i = 0; i < targets.size() && i < kMostTargets; ++i) out += "  " + shown(targets[i]) + "\n";
    if (targets.size() > kMostTargets) out += fmt::format("  … and {} more; all of them with --json\n", targets.size() - kMostTargets);
    return out;
}

std::string for_people(const Session& session, const Params& incident, const std::vector<Params>& mails) {
    const Terminal& terminal = session.terminal();
    const std::string status = text_of(incident, "status");
    const auto id = number_of(incident, "id");
    const bool over = !text_of(incident, "closed_at").empty();
    std::string out = paint(terminal, Tone::strong, fmt::format("incident {}", id)) + ": ";
    out += paint(terminal, tone_of(status, text_of(incident, "severity")), shown(status));
    out += fmt::format(" ({}), {} {}\n", shown(text_of(incident, "severity")), over ? "over, lasted" : "for", lasted(incident, session.now()));
    out += targets_text(texts_of(incident, "targets"));
    for (const std::string& line : wrap(shown(text_of(incident, "reason")), terminal.width > 24 ? terminal.width - 2 : 0)) out += "  " + line + "\n";
    out += "\n" + facts(session, incident);
    if (!mails.empty()) {
        out += "\n" + paint(terminal, Tone::strong, "mails") + "\n";
        out += mails_table(mails, session.now()).text(terminal, session.globals().legend);
    }
    if (!session.globals().legend) return out;
    const auto targets = texts_of(incident, "targets");
    const std::string target = targets.empty() ? "TARGET" : shell_word(shown(targets.front()));
    out += "\n" + paint(terminal, Tone::strong, "next") + "\n  bkmonctl explain " + target + "\n  bkmonctl alerts explain " + target + "\n";
    if (!over && text_of(incident, "acked_by").empty()) out += fmt::format("  bkmonctl alerts ack {} --note TEXT\n", id);
    return out;
}

std::string explain_facts(const Session& session, const Params& e) {
    JsonWriter writer;
    writer.begin_object();
    const std::string rule = text_of(e, "rule");
    writer.field("rule", rule.empty() ? "none fits: as usual" : rule);
    std::string to;
    for (const std::string& one : texts_of(e, "to")) to += (to.empty() ? "" : ", ") + one;
    writer.field("to", to.empty() ? "nobody" : to);
    if (const auto after = number_of(e, "after"); after > 1) writer.field("after", fmt::format("{} bad verdicts in a row", after));
    const std::string remind = text_of(e, "remind");
    writer.field("reminders", remind.empty() ? "none" : fmt::format("each {}, at most {}", remind, number_of(e, "reminders")));
    for (const auto& [member, name] : {std::pair("template", "template"), std::pair("silenced", "silenced by")})
        if (const std::string value = text_of(e, member); !value.empty()) writer.field(name, value);
    if (is(e, "paused")) writer.field("paused", true);
    if (const auto incident = e.object("incident")) {
        const auto state = state_cell(*incident);
        writer.field("incident", fmt::format("{} ({})", number_of(*incident, "id"), state.text));
    }
    return json_tree(writer.end_object().str(), session.now(), session.terminal().width);
}

/// The mail's own lines, each made fit for a terminal.
std::string mail_text(const Params& e) {
    std::string out = "  Subject: " + shown(text_of(e, "subject")) + "\n\n";
    const std::string text = text_of(e, "text");
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        std::string line = text.substr(begin, end - begin);
        if (!line.empty() && line.back() == '\r') line.pop_back();
        out += (line.empty() ? "" : "  " + shown(line)) + "\n";
        begin = end + 1;
    }
    return out;
}

std::string_view what_is_mailed(const std::string& mail) {
    if (mail == "at_once") return "is mailed at once";
    return mail == "digest" ? "comes in the daily mail" : "is not mailed";
}

}  // namespace

Outcome<std::vector<Params>> rows_below(const Session& session, std::string_view method, std::string_view member, std::int64_t limit,
                                        const std::function<void(JsonWriter&)>& filters) {
    std::vector<Params> all;
    std::optional<std::int64_t> before;
    while (true) {
        const auto wanted = std::min(limit - static_cast<std::int64_t>(all.size()), kMostAtOnce);
        JsonWriter writer;
        writer.begin_object();
        filters(writer);
        writer.field("limit", wanted);
        if (before) writer.field("before", *before);
        const auto reply = session.call(method, writer.end_object().str());
        if (!reply) return Refusal(reply.error());
        auto rows = reply->objects(member);
        const auto got = static_cast<std::int64_t>(rows.size());
        if (got > 0) before = number_of(rows.back(), "id");
        std::move(rows.begin(), rows.end(), std::back_inserter(all));
        if (got < wanted || static_cast<std::int64_t>(all.size()) >= limit) return all;
    }
}

Outcome<std::int64_t> read_id(std::string_view what, const std::string& text) {
    const auto id = read_number(what, text, 1);
    if (!id) return refuse(kUsage, "usage", fmt::format("'{}' is no number of {}", text, what));
    return *id;
}

int run_alerts_list(Session& session, const Arguments& arguments) {
    const auto limit = read_number("--limit", arguments.maybe("--limit").value_or("100"), 1);
    if (!limit) return session.fail(limit.error());
    std::optional<Time> since;
    if (const auto text = arguments.maybe("--since")) {
        const auto moment = read_moment("--since", *text, Direction::back, session.now());
        if (!moment) return session.fail(moment.error());
        since = *moment;
    }
    auto incidents = rows_below(session, "io.bkmon.Alerts.List", "incidents", *limit, [&](JsonWriter& writer) {
        if (const auto target = arguments.maybe("--target")) writer.field("target", *target);
        if (arguments.has("--open")) writer.field("open", true);
        if (since) writer.field("since", *since);
    });
    if (!incidents) return session.fail(incidents.error());
    if (arguments.has("--open")) worst_first(*incidents);
    if (session.json()) return session.print_json("{\"incidents\":" + array_json(*incidents) + "}");
    if (session.csv())
        return session.print_csv({"id", "targets", "status", "severity", "reason_code", "reason", "cause", "problem_at", "opened_at", "closed_at",
                                  "said", "said_at", "reminders", "acked_by", "acked_at", "note", "silenced", "flapping"},
                                 *incidents);
    Table table({{"ID", true},
                 {"STATUS"},
                 {"FOR", true},
                 {"TARGET", false, true, true, 24},
                 {"STATE", false, true, false, 8, 1},
                 {"IN COMMON", false, true, false, 8, 3},
                 {"REASON", false, true, false, 16, 2}});
    std::int64_t open = 0;
    for (const Params& incident : *incidents) {
        const std::string status = text_of(incident, "status");
        const bool over = !text_of(incident, "closed_at").empty();
        open += over ? 0 : 1;
        table.add({{std::to_string(number_of(incident, "id"))},
                   {status, over ? Tone::dim : tone_of(status, text_of(incident, "severity"))},
                   {lasted(incident, session.now())},
                   {targets_cell(incident)},
                   state_cell(incident),
                   {text_of(incident, "cause").empty() ? "-" : text_of(incident, "cause")},
                   {text_of(incident, "reason")}});
    }
    return session.print_table(
        table, "no incident matches",
        fmt::format("{}, {} open; look further: bkmonctl alerts show ID", counted(static_cast<std::int64_t>(table.size()), "incident"), open));
}

int run_alerts_show(Session& session, const Arguments& arguments) {
    const auto id = read_id("an incident", arguments.one("incident"));
    if (!id) return session.fail(id.error());
    const auto reply = session.call("io.bkmon.Alerts.Show", JsonWriter().begin_object().field("id", *id).end_object().str());
    if (!reply) return session.fail(reply.error());
    if (session.json()) return session.print_json(reply->dump());
    session.print(for_people(session, reply->object("incident").value_or(Params()), reply->objects("mails")));
    return kDone;
}

int run_alerts_ack(Session& session, const Arguments& arguments) {
    const auto id = read_id("an incident", arguments.one("incident"));
    if (!id) return session.fail(id.error());
    JsonWriter writer;
    writer.begin_object().field("id", *id);
    if (const auto note = arguments.maybe("--note")) writer.field("note", *note);
    const auto reply = session.call("io.bkmon.Alerts.Ack", writer.end_object().str());
    if (!reply) return session.fail(reply.error());
    if (session.json()) return session.print_json(incident_json(*reply));
    const Params incident = reply->object("incident").value_or(Params());
    session.print(fmt::format("incident {} ({}) is acknowledged: no reminders; it is said when it gets worse and when it is over\n",
                              number_of(incident, "id"), shown(targets_cell(incident))));
    return kDone;
}

int run_alerts_expect(Session& session, const Arguments& arguments) {
    JsonWriter writer;
    writer.begin_object().field("target", arguments.one("target"));
    if (const auto note = arguments.maybe("--note")) writer.field("note", *note);
    const auto reply = session.call("io.bkmon.Alerts.Expect", writer.end_object().str());
    if (!reply) return session.fail(reply.error());
    if (session.json()) return session.print_json(reply->dump());
    session.print(fmt::format("{} is the new normal size of {}\n", size_cell(*reply, "size_bytes"), shown(arguments.one("target"))));
    return kDone;
}

int run_alerts_explain(Session& session, const Arguments& arguments) {
    JsonWriter writer;
    const auto reply = session.call("io.bkmon.Alerts.Explain", writer.begin_object().field("target", arguments.one("target")).end_object().str());
    if (!reply) return session.fail(reply.error());
    if (session.json()) return session.print_json(reply->dump());
    const Terminal& terminal = session.terminal();
    const std::string status = text_of(*reply, "status"), severity = text_of(*reply, "severity");
    std::string out =
        paint(terminal, Tone::strong, shown(text_of(*reply, "target"))) + " is " + paint(terminal, tone_of(status, severity), shown(status));
    out += fmt::format(" ({}), which {}\n", shown(severity), what_is_mailed(text_of(*reply, "mail")));
    out += explain_facts(session, *reply);
    if (!text_of(*reply, "subject").empty()) out += "\n" + paint(terminal, Tone::strong, "what the mail says") + "\n" + mail_text(*reply);
    session.print(out);
    return kDone;
}

}  // namespace bkmon::ctl

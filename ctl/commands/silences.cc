// Times in which nothing is mailed about some targets.
#include <fmt/format.h>

#include "common/base/json_writer.h"
#include "ctl/commands/alerts.h"
#include "ctl/commands/command.h"
#include "ctl/commands/times.h"
#include "ctl/render/words.h"

namespace bkmon::ctl {

namespace {

using protocol::Params;

struct Span {
    std::optional<Time> from;
    Time until;
};

Outcome<Span> read_span(const Session& session, const Arguments& arguments) {
    if (arguments.has("--until") == arguments.has("--for"))
        return refuse(kUsage, "usage", "say when it ends, by --until TIME or by --for DURATION: a silence ends by itself");
    Span span;
    if (const auto text = arguments.maybe("--from")) {
        const auto from = read_moment("--from", *text, Direction::forth, session.now());
        if (!from) return Refusal(from.error());
        span.from = *from;
    }
    const Time begin = span.from.value_or(session.now());
    if (const auto text = arguments.maybe("--for")) {
        const auto length = parse_duration(*text);
        if (!length || length->count() <= 0) return refuse(kUsage, "usage", fmt::format("--for: '{}' is no duration; write 90min, 2h or 7d", *text));
        span.until = begin + *length;
    } else {
        const auto until = read_moment("--until", arguments.one("--until"), Direction::forth, session.now());
        if (!until) return Refusal(until.error());
        span.until = *until;
    }
    if (span.until <= session.now())
        return refuse(kUsage, "usage", fmt::format("it would have ended already: {} {}", local_time(span.until), zone_name(span.until)));
    if (span.until <= begin) return refuse(kUsage, "usage", "it would end before it begins");
    return span;
}

void put_all(JsonWriter& writer, const Arguments& arguments, std::string_view option, std::string_view member) {
    if (!arguments.has(option)) return;
    writer.key(member).begin_array();
    for (const std::string& value : arguments.all(option)) writer.value(value);
    writer.end_array();
}

std::string joined(const std::vector<std::string>& words, std::string_view before = "") {
    std::string out;
    for (const std::string& word : words) out += (out.empty() ? "" : ", ") + std::string(before) + word;
    return out;
}

/// "outlet/*, kind deposit, region=north"; what is not said is everything.
std::string what_cell(const Params& silence) {
    std::string out = joined(texts_of(silence, "targets"));
    for (const std::string& part : {joined(texts_of(silence, "kinds"), "kind "), joined(texts_of(silence, "labels"))})
        if (!part.empty()) out += (out.empty() ? "" : "; ") + part;
    return out.empty() ? "everything" : out;
}

std::string when_cell(const Params& silence, Time now) {
    const auto from = time_of(silence, "from"), until = time_of(silence, "until");
    std::string out = from && *from > now ? "from " + local_minute(*from) + " " : "";
    out += until ? (*until <= now ? "ended " : "until ") + local_minute(*until) : "for ever";
    const std::string windows = joined(texts_of(silence, "windows"));
    return windows.empty() ? out : out + ", " + windows + " " + text_of(silence, "timezone");
}

Cell state_cell(const Params& silence, Time now) {
    const auto active = silence.boolean("active");
    const auto from = time_of(silence, "from"), until = time_of(silence, "until");
    if (active && active->value_or(false)) return {"in force", Tone::warning};
    if (until && *until <= now) return {"over", Tone::dim};
    return {from && *from > now ? "to come" : "waits", Tone::plain};  // for its next window
}

}  // namespace

int run_alerts_silence(Session& session, const Arguments& arguments) {
    const auto span = read_span(session, arguments);
    if (!span) return session.fail(span.error());
    if (!arguments.has("target") && !arguments.has("--kind") && !arguments.has("--label")) {
        const auto sure = session.confirmed("silence everything, so that nobody is mailed about any backup?", true,
                                            "without a target, kind or label nobody is mailed about any backup");
        if (!sure) return session.fail(sure.error());
        if (!*sure) return session.fail({kFailed, "declined", "nothing was changed"});
    }
    JsonWriter writer;
    writer.begin_object();
    put_all(writer, arguments, "target", "targets");
    put_all(writer, arguments, "--kind", "kinds");
    put_all(writer, arguments, "--label", "labels");
    if (span->from) writer.field("from", *span->from);
    writer.field("until", span->until);
    put_all(writer, arguments, "--window", "windows");
    if (const auto zone = arguments.maybe("--timezone")) writer.field("timezone", *zone);
    const auto reply = session.call("io.bkmon.Alerts.Silence", writer.field("reason", arguments.one("--reason")).end_object().str());
    if (!reply) return session.fail(reply.error());
    if (session.json()) return session.print_json(reply->dump());
    const auto id = number_of(*reply, "id");
    session.print(fmt::format("silence {} ends by itself at {} {}; sooner: bkmonctl alerts unsilence {}\n", id, local_time(span->until),
                              zone_name(span->until), id));
    return kDone;
}

int run_alerts_silences(Session& session, const Arguments& arguments) {
    const auto reply = session.call("io.bkmon.Alerts.Silences", JsonWriter().begin_object().field("all", arguments.has("--all")).end_object().str());
    if (!reply) return session.fail(reply.error());
    const auto silences = reply->objects("silences");
    if (session.json()) return session.print_json("{\"silences\":" + array_json(silences) + "}");
    if (session.csv())
        return session.print_csv(
            {"id", "targets", "kinds", "labels", "from", "until", "windows", "timezone", "reason", "by", "at", "origin", "active", "hidden"},
            silences);
    Table table({{"ID", true},
                 {"STATE"},
                 {"HIDES", true},
                 {"WHAT", false, true, true, 20},
                 {"WHEN", false, true, false, 16},
                 {"BY", false, true, false, 10, 1},
                 {"REASON", false, true, false, 12}});
    std::int64_t hidden = 0;
    for (const Params& silence : silences) {
        const auto id = maybe_number(silence, "id");
        const std::string by = text_of(silence, "by");
        const auto hides = number_of(silence, "hidden");
        hidden += hides;
        table.add({{id ? std::to_string(*id) : "-"},
                   state_cell(silence, session.now()),
                   {std::to_string(hides), hides > 0 ? Tone::warning : Tone::plain},
                   {what_cell(silence)},
                   {when_cell(silence, session.now())},
                   {by.empty() ? text_of(silence, "origin") : by},
                   {text_of(silence, "reason")}});
    }
    return session.print_table(table, "nothing is silenced",
                               fmt::format("{}, hiding {} now; times in {}", counted(static_cast<std::int64_t>(table.size()), "silence"),
                                           counted(hidden, "problem"), zone_name(session.now())));
}

int run_alerts_unsilence(Session& session, const Arguments& arguments) {
    const auto id = read_id("a silence", arguments.one("silence"));
    if (!id) return session.fail(id.error());
    const std::string parameters = JsonWriter().begin_object().field("id", *id).end_object().take();
    const auto reply = session.call("io.bkmon.Alerts.Unsilence", parameters);
    if (!reply) return session.fail(reply.error());
    if (session.json()) return session.print_json(parameters);
    session.print(fmt::format("silence {} has ended; what it hid and still stands is said now\n", *id));
    return kDone;
}

}  // namespace bkmon::ctl

#include <fmt/format.h>

#include <algorithm>

#include "common/base/json_writer.h"
#include "ctl/commands/command.h"
#include "ctl/commands/follow.h"
#include "ctl/commands/times.h"
#include "ctl/render/bar.h"
#include "ctl/render/words.h"

namespace bkmon::ctl {

namespace {

using protocol::Params;

std::string id_json(const std::string& id) { return JsonWriter().begin_object().field("id", id).end_object().take(); }

Tone tone_of_state(const std::string& state) {
    if (state == "done") return Tone::good;
    if (state == "failed") return Tone::critical;
    if (state == "cancelled" || state == "interrupted") return Tone::warning;
    return Tone::notice;
}

std::string took(const Params& run, Time now) {
    const auto start = time_of(run, "started_at");
    const auto end = time_of(run, "ended_at");
    if (!start) return "-";
    return duration_words(std::max(end.value_or(now), *start) - *start);
}

std::string progress_cell(const Params& run) {
    const auto total = number_of(run, "total");
    return total > 0 ? fmt::format("{}/{}", number_of(run, "done"), total) : std::to_string(number_of(run, "done"));
}

}  // namespace

int detached(Session& session, const std::string& run) {
    if (run.empty()) return session.fail({kFailed, "detached", "detached before bkmond had named the run; `bkmonctl runs list` shows it"});
    return session.fail({kFailed, "detached", fmt::format("detached; the run goes on, follow it again: bkmonctl runs follow {}", run)});
}

int say_end(Session& session, const Params& run) {
    const std::string id = text_of(run, "id");
    const std::string state = text_of(run, "state");
    if (state != "done") {
        const std::string error = text_of(run, "error");
        return session.fail({kFailed, "run_" + (state.empty() ? std::string("lost") : state),
                             fmt::format("run {} {}{}", id,
                                         state == "failed" ? "failed"
                                         : state.empty()   ? "is lost"
                                                           : "was " + state,
                                         error.empty() ? "" : ": " + error)});
    }
    if (!session.json()) session.print_now(fmt::format("run {} is done: {} in {}\n", shown(id), progress_cell(run), took(run, session.now())));
    return kDone;
}

int follow_run(Session& session, const std::string& id, const Interrupt& interrupt) {
    Bar bar(session.world().err, session.world().err_terminal, session.world().clock);
    std::optional<std::int64_t> after;
    Params last;
    milliseconds waited{0};
    bool connected_once = false;
    while (true) {
        JsonWriter writer;
        writer.begin_object().field("id", id);
        if (after) writer.field("after", *after);
        auto client = session.connect();
        Outcome<StreamEnd> end = StreamEnd::complete;
        if (client) {
            connected_once = true;
            end = client->stream("io.bkmon.Runs.Follow", writer.end_object().str(), {session.globals().timeout, milliseconds(0), interrupt.fd()},
                                 [&](const Params& reply, bool) {
                                     after = std::max(after.value_or(0), number_of(reply, "seq"));
                                     last = reply.object("run").value_or(Params());
                                     waited = milliseconds(0);
                                     if (session.json())
                                         session.print_now(session.json_line(reply.dump()));
                                     else
                                         bar.show(number_of(last, "done"), number_of(last, "total"), text_of(reply, "text"));
                                     return true;
                                 });
        }
        bar.clear();
        if (client && end) return *end == StreamEnd::interrupted ? detached(session, id) : say_end(session, last);
        const Trouble trouble = client ? end.error() : client.error();
        if (trouble.exit != kUnreachable || !connected_once || waited >= session.globals().timeout) return session.fail(trouble);
        if (interrupt.wait(milliseconds(500))) return detached(session, id);
        waited += milliseconds(500);
    }
}

int run_runs_list(Session& session, const Arguments& arguments) {
    const auto limit = read_number("--limit", arguments.maybe("--limit").value_or("50"), 1);
    if (!limit) return session.fail(limit.error());
    JsonWriter writer;
    const auto reply = session.call("io.bkmon.Runs.List", writer.begin_object().field("limit", *limit).end_object().str());
    if (!reply) return session.fail(reply.error());
    const auto runs = reply->objects("runs");
    if (session.json()) return session.print_json("{\"runs\":" + array_json(runs) + "}");
    if (session.csv()) return session.print_csv({"id", "kind", "what", "state", "started_at", "ended_at", "done", "total", "error"}, runs);
    Table table({{"RUN"},
                 {"KIND"},
                 {"STATE"},
                 {"STARTED"},
                 {"TOOK", true, false, false, 8, 2},
                 {"DONE", true, false, false, 8, 3},
                 {"WHAT", false, true, true, 24},
                 {"ERROR", false, true, false, 8, 1}});
    for (const Params& run : runs) {
        const std::string state = text_of(run, "state");
        table.add({{text_of(run, "id")},
                   {text_of(run, "kind")},
                   {state, tone_of_state(state)},
                   {time_cell(run, "started_at")},
                   {took(run, session.now())},
                   {progress_cell(run)},
                   {text_of(run, "what")},
                   {text_of(run, "error")}});
    }
    return session.print_table(table, "no runs yet",
                               counted(static_cast<std::int64_t>(table.size()), "run") + ", times in " + zone_name(session.now()));
}

int run_runs_show(Session& session, const Arguments& arguments) {
    const auto reply = session.call("io.bkmon.Runs.Show", id_json(arguments.one("run")));
    if (!reply) return session.fail(reply.error());
    const Params run = reply->object("run").value_or(Params());
    if (session.json()) return session.print_json("{\"runs\":[" + run.dump() + "]}");
    const std::string state = text_of(run, "state");
    std::string out = fmt::format("run {} ({}): {}\n", shown(text_of(run, "id")), shown(text_of(run, "kind")),
                                  paint(session.terminal(), tone_of_state(state), shown(state)));
    const auto fact = [&](std::string_view name, const std::string& value) {
        if (!value.empty() && value != "-") out += fmt::format("  {:<8}  {}\n", name, shown(value));
    };
    fact("what", text_of(run, "what"));
    for (const auto& [member, name] : {std::pair("started_at", "started"), std::pair("ended_at", "ended")}) {
        const auto t = time_of(run, member);
        if (t) fact(name, fmt::format("{} {} ({} ago)", local_time(*t), zone_name(*t), age(*t, session.now())));
    }
    fact("took", took(run, session.now()));
    fact("done", progress_cell(run));
    fact("error", text_of(run, "error"));
    if (session.globals().legend && (state == "running" || state == "queued"))
        out += "follow it: bkmonctl runs follow " + shell_word(shown(text_of(run, "id"))) + "\n";
    session.print(out);
    return kDone;
}

int run_runs_cancel(Session& session, const Arguments& arguments) {
    const auto reply = session.call("io.bkmon.Runs.Cancel", id_json(arguments.one("run")));
    if (!reply) return session.fail(reply.error());
    if (session.json()) return session.print_json(id_json(arguments.one("run")));
    session.print(fmt::format("run {} is asked to stop\n", shown(arguments.one("run"))));
    return kDone;
}

int run_runs_follow(Session& session, const Arguments& arguments) {
    const Interrupt interrupt;
    return follow_run(session, arguments.one("run"), interrupt);
}

}  // namespace bkmon::ctl

#include <fmt/format.h>

#include "common/base/json_writer.h"
#include "common/base/text.h"
#include "ctl/commands/command.h"
#include "ctl/commands/follow.h"
#include "ctl/render/bar.h"
#include "ctl/render/words.h"

namespace bkmon::ctl {

namespace {

using protocol::Params;

Tone tone_of_state(const std::string& state) {
    if (state == "judged") return Tone::plain;
    if (state == "working") return Tone::notice;
    if (state == "waiting" || state == "held") return Tone::warning;
    return Tone::unknown;
}

void put(JsonWriter& writer, const Arguments& arguments, std::string_view name) {
    if (const auto value = arguments.maybe(name)) writer.field(name, *value);
}

/// The YAML for people line by line; for a file or pipe as it came.
std::string yaml_text(const Session& session, const std::string& yaml) {
    if (!session.terminal().tty) return yaml.empty() || yaml.back() == '\n' ? yaml : yaml + "\n";
    std::string out;
    for (const std::string& line : split(yaml, '\n')) out += shown(line, 65536) + "\n";
    if (out.size() >= 2 && out[out.size() - 2] == '\n') out.pop_back();
    return out;
}

/// A run that was started and is followed.
struct Started {
    std::string run;
    Params last;
    bool final = false;
};

std::string run_document(const Started& started, const Params& run) {
    JsonWriter writer;
    writer.begin_object().field("run", started.run).key("done").raw(started.last.dump("done")).key("total").raw(started.last.dump("total"));
    return writer.key("state").raw(run.dump("state")).key("error").raw(run.dump("error")).end_object().take();
}

/// After the last reply: did the run do what it should? Older or very short runs may not be on record: then the reply's word counts.
int end_of_run(Session& session, const Started& started) {
    JsonWriter writer;
    const auto shown_run = session.call("io.bkmon.Runs.Show", writer.begin_object().field("id", started.run).end_object().str());
    const Params run = shown_run ? shown_run->object("run").value_or(Params()) : Params();
    const std::string state = text_of(run, "state");
    if (session.json()) {
        static_cast<void>(session.print_json(run_document(started, run)));
        return state.empty() || state == "done" ? kDone : kFailed;
    }
    if (!state.empty()) return say_end(session, run);
    session.print_now(fmt::format("run {} is done: {}\n", shown(started.run), shown(text_of(started.last, "text"))));
    return kDone;
}

/// Starts a run and follows it to its end, or only starts it (--detach).
int start_and_follow(Session& session, const Arguments& arguments, std::string_view method, const std::string& parameters) {
    const Interrupt interrupt;
    auto client = session.connect();
    if (!client) return session.fail(client.error());
    Started started;
    const bool detach = arguments.has("--detach");
    Bar bar(session.world().err, session.world().err_terminal, session.world().clock);
    const auto end = client->stream(std::string(method), parameters, {session.globals().timeout, milliseconds(0), interrupt.fd()},
                                    [&](const Params& reply, bool final) {
                                        started.run = text_of(reply, "run");
                                        started.last = reply;
                                        started.final = final;
                                        if (!session.json() && !detach)
                                            bar.show(number_of(reply, "done"), number_of(reply, "total"), text_of(reply, "text"));
                                        return !detach;
                                    });
    bar.clear();
    // A dropped connection is no end of the run.
    if (!end)
        return end.error().exit == kUnreachable && !started.run.empty() ? follow_run(session, started.run, interrupt) : session.fail(end.error());
    if (*end == StreamEnd::interrupted) return detached(session, started.run);
    if (*end == StreamEnd::stopped) {
        if (session.json()) return session.print_json(run_document(started, Params()));
        session.print_now(fmt::format("run {} goes on; follow it: bkmonctl runs follow {}\n", shown(started.run), shell_word(shown(started.run))));
        return kDone;
    }
    return end_of_run(session, started);
}

Outcome<bool> really(Session& session, const Arguments& arguments, std::string_view what) {
    return session.confirmed(fmt::format("{} the held file {}… of {}?", what, arguments.one("--sha256").substr(0, 12), arguments.one("target")),
                             true);
}

int not_done(Session& session) { return session.fail({kFailed, "declined", "nothing was changed"}); }

/// release and reject differ in a word.
int end_of_held(Session& session, const Arguments& arguments, std::string_view method, std::string_view question, std::string_view done) {
    const std::string sha256 = lower(arguments.one("--sha256"));
    if (!is_sha256(sha256)) {
        return session.fail({kUsage, "usage", "--sha256 must be the 64 hexadecimal digits that `bkmonctl explain` shows for the held file"});
    }
    const auto sure = really(session, arguments, question);
    if (!sure) return session.fail(sure.error());
    if (!*sure) return not_done(session);
    JsonWriter writer;
    writer.begin_object().field("target", arguments.one("target")).field("sha256", sha256);
    const auto reply = session.call(method, writer.end_object().str());
    if (!reply) return session.fail(reply.error());
    if (session.json()) return session.print_json(reply->dump());
    const std::string file = text_of(*reply, "file");
    session.print(fmt::format("{} {}{}\n", done, shown(arguments.one("target")), file.empty() ? "" : ": now in the vault as " + shown(file)));
    return kDone;
}

}  // namespace

int run_deposits_list(Session& session, const Arguments& arguments) {
    JsonWriter writer;
    writer.begin_object();
    put(writer, arguments, "target");
    const auto reply = session.call("io.bkmon.Deposits.List", writer.end_object().str());
    if (!reply) return session.fail(reply.error());
    const auto deposits = reply->objects("deposits");
    if (session.json()) return session.print_json("{\"deposits\":" + array_json(deposits) + "}");
    if (session.csv())
        return session.print_csv({"agent", "database", "target", "state", "file", "size_bytes", "report", "detail", "since"}, deposits);
    Table table({{"STATE"},
                 {"AGENT", false, true, true, 20},
                 {"DATABASE", false, true, true, 16},
                 {"FILE", false, true, true, 12, 2},
                 {"SIZE", true, false, false, 8, 3},
                 {"FOR", true, false, false, 8, 1},
                 {"DETAIL", false, true, false, 24}});
    for (const Params& deposit : deposits) {
        const std::string state = text_of(deposit, "state");
        table.add({{state, tone_of_state(state)},
                   {text_of(deposit, "agent")},
                   {text_of(deposit, "database")},
                   {text_of(deposit, "file")},
                   {size_cell(deposit, "size_bytes")},
                   {age_cell(deposit, "since", session.now())},
                   {text_of(deposit, "detail")}});
    }
    return session.print_table(table, "nothing lies in the deposit folders", counted(static_cast<std::int64_t>(table.size()), "deposit"));
}

int run_deposits_rescan(Session& session, const Arguments& arguments) {
    JsonWriter writer;
    writer.begin_object();
    put(writer, arguments, "agent");
    return start_and_follow(session, arguments, "io.bkmon.Deposits.Rescan", writer.end_object().str());
}

int run_deposits_verify(Session& session, const Arguments& arguments) {
    JsonWriter writer;
    writer.begin_object();
    if (arguments.has("target")) {
        writer.key("targets").begin_array();
        for (const std::string& target : arguments.all("target")) writer.value(target);
        writer.end_array();
    }
    return start_and_follow(session, arguments, "io.bkmon.Deposits.Verify", writer.end_object().str());
}

int run_deposits_unexpected(Session& session, const Arguments&) {
    const auto reply = session.call("io.bkmon.Deposits.Unexpected");
    if (!reply) return session.fail(reply.error());
    const auto unexpected = reply->objects("unexpected");
    if (session.json()) return session.print_json("{\"unexpected\":" + array_json(unexpected) + "}");
    if (session.csv()) return session.print_csv({"agent", "database", "first_seen", "report", "detail"}, unexpected);
    Table table({{"AGENT", false, true, true, 20},
                 {"DATABASE", false, true, true, 16},
                 {"FIRST SEEN"},
                 {"REPORT", false, true, true, 12, 1},
                 {"DETAIL", false, true, false, 24}});
    for (const Params& one : unexpected) {
        table.add({{text_of(one, "agent")},
                   {text_of(one, "database")},
                   {time_cell(one, "first_seen")},
                   {text_of(one, "report")},
                   {text_of(one, "detail")}});
    }
    return session.print_table(table, "nothing unexpected", "what would expect one: bkmonctl deposits adopt AGENT [DATABASE]");
}

namespace {

/// What is asked before something is written: a folder in another's hands is another question than jobs.
std::string adopt_question(Session& session, const Arguments& arguments) {
    if (arguments.has("--all")) return "write jobs for everything unexpected to conf.d and reload?";
    const std::string agent = arguments.one("agent");
    if (!arguments.has("database")) {
        JsonWriter writer;
        writer.begin_object().field("agent", agent).field("write", false).end_object();
        const auto now = session.call("io.bkmon.Deposits.Adopt", writer.take());
        if (const auto owner = now ? maybe_number(*now, "owner") : std::nullopt)
            return fmt::format("from now on take what lies in the folder of {}, which belongs to uid {}?", agent, *owner);
    }
    return fmt::format("write jobs for {} to conf.d and reload?", agent);
}

}  // namespace

int run_deposits_adopt(Session& session, const Arguments& arguments) {
    const bool all = arguments.has("--all");
    const bool write = arguments.has("--write");
    if (all == arguments.has("agent"))
        return session.fail({kUsage, "usage", "name an agent, or everything with --all; `bkmonctl deposits unexpected` lists what there is"});
    if (write) {
        const auto sure = session.confirmed(adopt_question(session, arguments), false);
        if (!sure) return session.fail(sure.error());
        if (!*sure) return not_done(session);
    }
    JsonWriter writer;
    writer.begin_object();
    put(writer, arguments, "agent");
    put(writer, arguments, "database");
    const auto reply = session.call("io.bkmon.Deposits.Adopt", writer.field("write", write).field("all", all).end_object().str());
    if (!reply) return session.fail(reply.error());
    if (session.json()) return session.print_json(reply->dump());
    const std::string file = text_of(*reply, "file");
    if (const auto owner = maybe_number(*reply, "owner"); owner && write) {
        session.print(fmt::format("the folder of {} may belong to uid {} from now on; it is looked at now\n", shown(arguments.one("agent")), *owner));
    } else if (file.empty()) {
        session.print(yaml_text(session, text_of(*reply, "yaml")));
    } else {
        session.print(fmt::format("{} in {}; the configuration was read again\n", counted(number_of(*reply, "jobs"), "job"), shown(file)));
    }
    return kDone;
}

int run_deposits_release(Session& session, const Arguments& arguments) {
    return end_of_held(session, arguments, "io.bkmon.Deposits.Release", "promote", "released");
}

int run_deposits_reject(Session& session, const Arguments& arguments) {
    return end_of_held(session, arguments, "io.bkmon.Deposits.Reject", "drop", "rejected");
}

int run_deposits_init(Session& session, const Arguments&) {
    const auto sure = session.confirmed("mark what is mounted now as bkmon's vault and deposit root?", true);
    if (!sure) return session.fail(sure.error());
    if (!*sure) return not_done(session);
    const auto reply = session.call("io.bkmon.Deposits.Init");
    if (!reply) return session.fail(reply.error());
    if (session.json()) return session.print_json(reply->dump());
    session.print(fmt::format("{} is marked as bkmon's vault ({})\n", shown(text_of(*reply, "vault")), shown(text_of(*reply, "marker"))));
    return kDone;
}

}  // namespace bkmon::ctl

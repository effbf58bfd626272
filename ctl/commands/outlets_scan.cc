#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "common/base/json_writer.h"
#include "common/base/text.h"
#include "ctl/commands/command.h"
#include "ctl/commands/follow.h"
#include "ctl/commands/requests.h"
#include "ctl/commands/times.h"
#include "ctl/render/bar.h"
#include "ctl/render/words.h"

namespace bkmon::ctl {

namespace {

using protocol::Params;

constexpr std::string_view kStatuses[] = {"ok",     "unchanged", "warning",     "held",    "late",  "missing",
                                          "failed", "corrupt",   "unreachable", "unknown", "paused"};

double real_of(const Params& object, std::string_view name) {
    const auto value = object.number(name);
    return value && *value ? **value : 0;
}

std::string seconds_words(double seconds) { return duration_words(milliseconds(static_cast<std::int64_t>(std::max(seconds, 0.0) * 1000))); }

/// "990 ok, 3 missing": what there is, good ones first.
std::string counts_words(const Params& scan) {
    const Params counts = scan.object("counts").value_or(Params());
    std::string out;
    for (const std::string_view status : kStatuses)
        if (const auto n = number_of(counts, status); n > 0) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", n, status);
    return out;
}

/// Beside the bar: rate, time left, counts, and the newest result for as far as there is room.
std::string bar_words(const Params& scan) {
    std::string out;
    const auto add = [&](const std::string& words) { out += (out.empty() || words.empty() ? "" : "  ") + words; };
    if (const double rate = real_of(scan, "rate"); rate > 0) add(rate < 10 ? fmt::format("{:.1f}/s", rate) : fmt::format("{:.0f}/s", rate));
    if (const auto left = scan.number("left"); left && *left && **left >= 0.5) add(seconds_words(std::ceil(**left)) + " left");
    add(counts_words(scan));
    add(text_of(scan, "text"));
    return out;
}

/// One scan that is followed to its end.
struct Watched {
    Params scan;  ///< as last heard
    bool joined = false, final = false;
    std::string run() const { return text_of(scan, "run"); }
};

/// How the watching ended, if it was not by the scan's end.
enum class Left { no, detached, interrupted };

/// Where progress is shown: a bar on a terminal; elsewhere a line for each tenth of the scan, or with --json an object for each change.
class Show {
public:
    explicit Show(Session& session) : session_(session), bar_(session.world().err, session.world().err_terminal, session.world().clock) {}
    void progress(const Params& scan) {
        if (session_.json()) {
            session_.world().err << session_.json_line(scan.dump()) << std::flush;
            return;
        }
        const auto done = number_of(scan, "done");
        const auto total = number_of(scan, "total");
        const auto tenth = total > 0 ? done * 10 / total : 0;
        if (!session_.world().err_terminal.tty && tenth == std::exchange(tenth_, tenth)) return;
        bar_.show(done, total, bar_words(scan));
    }
    void clear() { bar_.clear(); }

private:
    Session& session_;
    Bar bar_;
    std::int64_t tenth_ = -1;
};

void put_counts(JsonWriter& writer, const Params& scan) {
    for (const char* name : {"run",
                             "mode",
                             "date",
                             "total",
                             "counts",
                             "duration",
                             "state",
                             "error",
                             "done",
                             "rate",
                             "back_dated",
                             "growing",
                             "in_future",
                             "retried",
                             "added",
                             "changed",
                             "deactivated",
                             "bad_rows",
                             "inventory_problem",
                             "worst"})
        writer.key(name).raw(scan.dump(name));
}

std::string document(const Watched& watched) {
    JsonWriter writer;
    writer.begin_object();
    put_counts(writer, watched.scan);
    return writer.field("joined", watched.joined).end_object().take();
}

/// For CSV: the counts as columns.
Params flat(const Watched& watched) {
    JsonWriter writer;
    writer.begin_object();
    put_counts(writer, watched.scan);
    const Params counts = watched.scan.object("counts").value_or(Params());
    for (const std::string_view status : kStatuses) writer.field(status, number_of(counts, status));
    return Params::parse(writer.end_object().str()).value_or(Params());
}

const std::vector<std::string_view> kMembers{
    "run",     "mode",      "date",    "state",   "total",       "ok",          "unchanged", "warning",           "held",
    "late",    "missing",   "failed",  "corrupt", "unreachable", "unknown",     "paused",    "duration",          "rate",
    "growing", "in_future", "retried", "added",   "changed",     "deactivated", "bad_rows",  "inventory_problem", "error"};

std::string inventory_words(const Params& scan) {
    std::string out;
    const auto add = [&](std::string_view member, std::string_view words) {
        if (const auto n = number_of(scan, member); n > 0) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", n, words);
    };
    add("added", "added");
    add("changed", "changed");
    add("deactivated", "deactivated");
    add("bad_rows", "skipped as bad (bkmonctl outlets list --bad)");
    return out;
}

std::string worst_table(const Session& session, const Params& scan) {
    Table table({{""}, {"STATUS"}, {"TARGET", false, true, true, 30}, {"REASON", false, true, false, 24}});
    for (const Params& one : scan.objects("worst")) {
        const std::string status = text_of(one, "status");
        table.add({{""}, {status, tone_of_status(status)}, {text_of(one, "target")}, {text_of(one, "reason")}});
        if (const auto alike = number_of(one, "alike"); alike > 0)
            table.add({{""}, {status, tone_of_status(status)}, {fmt::format("and {} more", alike)}, {text_of(one, "reason_code")}});
    }
    return table.empty() ? "" : table.text(session.terminal(), false);
}

/// What came of it, for people: the worst first.
std::string summary(const Session& session, const Params& scan) {
    const auto total = number_of(scan, "total");
    const bool past = scan.boolean("back_dated").value_or(std::nullopt).value_or(false);
    std::string out = fmt::format("{} {} {}: ", paint(session.terminal(), Tone::strong, shown(text_of(scan, "mode"))),
                                  past ? "as at the end of" : "on", shown(text_of(scan, "date")));
    if (total == 0 && text_of(scan, "state") == "done") return out + "nothing to look at\n";
    out += number_of(scan, "done") < total ? fmt::format("{} of {}", number_of(scan, "done"), counted(total, "outlet")) : counted(total, "outlet");
    out += fmt::format(" in {}", seconds_words(real_of(scan, "duration")));
    if (const double rate = real_of(scan, "rate"); rate > 0) out += fmt::format(" ({:.0f} a second)", rate);
    out += "\n";
    const auto line = [&, width = session.terminal().width](std::string_view name, const std::string& words) {
        if (words.empty()) return;
        for (const std::string& part : wrap(shown(words), width > 40 ? width - 13 : 0))
            out += fmt::format("  {:<10} {}\n", std::exchange(name, ""), part);
    };
    line("found", counts_words(scan));
    line("inventory", inventory_words(scan));
    line("", text_of(scan, "inventory_problem"));
    const auto few = [&](std::string_view member, std::string_view words) {
        if (const auto n = number_of(scan, member); n > 0) line(member == "growing" ? "besides" : "", fmt::format("{} {}", n, words));
    };
    few("growing", "still being written: what was known of them stays");
    few("in_future", "dated in the future: clocks to look at");
    few("retried", "looked at twice");
    const std::string worst = worst_table(session, scan);
    if (!worst.empty()) out += paint(session.terminal(), Tone::strong, "worst first") + "\n" + worst;
    if (session.globals().legend)
        out += past ? fmt::format("all of it: bkmonctl report --kind outlet --mode {} --from {} --to {}\n", shell_word(shown(text_of(scan, "mode"))),
                                  shown(text_of(scan, "date")), shown(text_of(scan, "date")))
                    : "all problems: bkmonctl status --kind outlet --problems\n";
    return out;
}

int say_detached(Session& session, const std::string& run) {
    if (run.empty()) return detached(session, run);
    return session.fail({kFailed, "detached", fmt::format("detached; the scan goes on, follow it again: bkmonctl outlets follow {}", run)});
}

/// Nothing is known of the scan any more (bkmond was started anew): how its run ended.
int say_lost(Session& session, const std::string& run) {
    JsonWriter writer;
    const auto reply = session.call("io.bkmon.Runs.Show", writer.begin_object().field("id", run).end_object().str());
    if (!reply) return session.fail(reply.error());
    return say_end(session, reply->object("run").value_or(Params()));
}

/// The end of one scan on stdout.
int say_scan(Session& session, const Watched& watched) {
    const std::string state = text_of(watched.scan, "state");
    if (session.json()) static_cast<void>(session.print_json(document(watched)));
    if (!session.json() && !session.csv()) session.print_now(summary(session, watched.scan));
    if (state == "done" || session.json()) return state == "done" ? kDone : kFailed;
    const std::string error = text_of(watched.scan, "error");
    return session.fail(
        {kFailed, "run_" + state,
         fmt::format("the scan {}{}; what was recorded stays", state == "failed" ? "failed" : "was " + state, error.empty() ? "" : ": " + error)});
}

/// Watches a scan that `method` begins or finds, and goes on by its run when the connection drops. The exit code, or nothing for the scan's end.
std::optional<int> watch_scan(Session& session, const Interrupt& interrupt, std::string method, std::string parameters, bool detach, Watched& watched,
                              Left& left) {
    Show show(session);
    milliseconds waited{0};
    bool heard = false;
    while (true) {
        auto client = session.connect();
        Outcome<StreamEnd> end = StreamEnd::complete;
        if (client)
            end = client->stream(method, parameters, {session.globals().timeout, milliseconds(0), interrupt.fd()},
                                 [&](const Params& reply, bool final) {
                                     if (const auto joined = reply.boolean("joined"); joined && *joined) watched.joined = **joined;
                                     if (watched.joined && !std::exchange(heard, true))
                                         session.note("a scan of this mode is under way: this goes along with it");
                                     heard = true;
                                     watched.scan = reply.object("scan").value_or(Params());
                                     watched.final = final;
                                     waited = milliseconds(0);
                                     if (!detach && !final) show.progress(watched.scan);
                                     return !detach;
                                 });
        show.clear();
        if (client && end) {
            left = *end == StreamEnd::interrupted ? Left::interrupted : *end == StreamEnd::stopped ? Left::detached : Left::no;
            return std::nullopt;
        }
        const Trouble trouble = client ? end.error() : client.error();
        if (heard && trouble.code == "no_such_scan") return say_lost(session, watched.run());
        if (trouble.exit != kUnreachable || !heard || waited >= session.globals().timeout) return session.fail(trouble);
        method = "io.bkmon.Outlets.Follow";
        JsonWriter writer;
        parameters = writer.begin_object().field("run", watched.run()).end_object().take();
        if (interrupt.wait(milliseconds(500))) {
            left = Left::interrupted;
            return std::nullopt;
        }
        waited += milliseconds(500);
    }
}

Outcome<std::vector<std::string>> wanted_modes(const Session& session, const Arguments& arguments) {
    if (arguments.has("--mode")) return std::vector<std::string>{arguments.one("--mode")};
    const auto reply = session.call("io.bkmon.Outlets.Modes");
    if (!reply) return Refusal(reply.error());
    std::vector<std::string> modes;
    for (const Params& mode : reply->objects("modes")) modes.push_back(text_of(mode, "name"));
    if (modes.empty()) return refuse(kNoSuchObject, "no_such_mode", "no modes are configured (outlets.modes)");
    return modes;
}

Outcome<std::string> scan_parameters(const Session& session, const Arguments& arguments, const std::string& mode) {
    JsonWriter writer;
    writer.begin_object().field("mode", mode);
    put_list(writer, arguments, "--outlet", "outlets");
    if (arguments.has("--problems")) writer.field("problems", true);
    if (arguments.has("--pending")) writer.field("pending", true);
    if (arguments.has("--date")) {
        const auto day = read_day("--date", arguments.one("--date"), session.now());
        if (!day) return Refusal(day.error());
        writer.field("date", *day);
    }
    return writer.end_object().take();
}

/// With --detach: it is on its way.
int say_started(Session& session, const Watched& watched) {
    if (session.json()) return session.print_json(document(watched));
    if (!session.csv())
        session.print_now(fmt::format("{}: run {} goes on; follow it: bkmonctl outlets follow {}\n", shown(text_of(watched.scan, "mode")),
                                      shown(watched.run()), shell_word(shown(watched.run()))));
    return kDone;
}

}  // namespace

int run_outlets_scan(Session& session, const Arguments& arguments) {
    const auto modes = wanted_modes(session, arguments);
    if (!modes) return session.fail(modes.error());
    const Interrupt interrupt;
    int code = kDone;
    std::vector<Params> rows;
    for (const std::string& mode : *modes) {
        const auto parameters = scan_parameters(session, arguments, mode);
        if (!parameters) return session.fail(parameters.error());
        Watched watched;
        Left left = Left::no;
        if (const auto failed = watch_scan(session, interrupt, "io.bkmon.Outlets.Scan", *parameters, arguments.has("--detach"), watched, left))
            return *failed;
        if (left == Left::interrupted) return say_detached(session, watched.run());
        code = std::max(code, left == Left::detached ? say_started(session, watched) : say_scan(session, watched));
        rows.push_back(flat(watched));
    }
    if (session.csv()) session.print_csv(kMembers, rows);
    return code;
}

int run_outlets_follow(Session& session, const Arguments& arguments) {
    const Interrupt interrupt;
    JsonWriter writer;
    Watched watched;
    Left left = Left::no;
    const std::string parameters = writer.begin_object().field("run", arguments.one("run")).end_object().take();
    if (const auto failed = watch_scan(session, interrupt, "io.bkmon.Outlets.Follow", parameters, false, watched, left)) return *failed;
    if (left == Left::interrupted) return say_detached(session, arguments.one("run"));
    if (session.csv()) session.print_csv(kMembers, {flat(watched)});
    return say_scan(session, watched);
}

}  // namespace bkmon::ctl

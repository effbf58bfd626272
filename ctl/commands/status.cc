#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "common/base/json_writer.h"
#include "common/base/text.h"
#include "ctl/commands/command.h"
#include "ctl/commands/status_reply.h"
#include "ctl/render/paint.h"
#include "ctl/render/words.h"

namespace bkmon::ctl {

namespace {

using protocol::Params;

constexpr std::array<std::string_view, 11> kWorstFirst{"corrupt", "missing", "failed",    "unreachable", "unknown", "held",
                                                       "warning", "late",    "unchanged", "paused",      "ok"};

const std::vector<std::string_view> kMembers{"id",        "kind",       "status",        "severity",      "reason_code",  "reason",  "since",
                                             "judged_at", "last_ok_at", "running_since", "due_at",        "backup_at",    "file",    "size_bytes",
                                             "sha256",    "labels",     "paused_by",     "paused_reason", "paused_until", "silenced"};

struct Line {
    std::string id, status, severity, reason;
    std::optional<Time> since;
    const Params* target;
};

std::vector<Line> worst_first(const std::vector<Params>& targets) {
    std::vector<Line> lines;
    lines.reserve(targets.size());
    for (const Params& t : targets)
        lines.push_back({text_of(t, "id"), text_of(t, "status"), text_of(t, "severity"), text_of(t, "reason"), time_of(t, "since"), &t});
    std::stable_sort(lines.begin(), lines.end(), [](const Line& a, const Line& b) {
        const int rank_a = rank_of(a.severity);
        const int rank_b = rank_of(b.severity);
        if (rank_a != rank_b) return rank_a > rank_b;
        if (a.since != b.since) return !b.since || (a.since && *a.since < *b.since);  // the oldest first; an age that is not known last
        return a.id < b.id;
    });
    return lines;
}

/// What changes how a problem is to be read: somebody works on it, or nobody is told of it.
std::string note_on(const Line& line, Time now) {
    const auto since = time_of(*line.target, "running_since");
    const std::string silenced = text_of(*line.target, "silenced");
    return (since ? fmt::format(" (running since {})", age(*since, now)) : std::string()) +
           (silenced.empty() ? std::string() : fmt::format(" (silenced {})", shown(silenced)));
}

std::string head_line(const Session& session, const StatusReply& reply) {
    const Time as_of = reply.as_of.value_or(session.now());
    const std::string site = reply.site.empty() ? "" : ", " + shown(reply.site);
    return fmt::format("as of {} ({}){}; {}", local_time(as_of), zone_name(as_of), site,
                       counted(static_cast<std::int64_t>(reply.targets.size()), "target"));
}

/// "2 missing  1 held  117 ok": only what there is, worst first, wrapped to the width.
std::string counts_text(const Terminal& terminal, const std::map<std::string, std::int64_t>& counts) {
    std::string out;
    std::size_t used = 0;
    const auto add = [&](const std::string& status, std::int64_t n) {
        const std::string word = fmt::format("{} {}", n, shown(status));
        const std::size_t width = display_width(word);
        if (used > 0 && terminal.width > 0 && used + 3 + width > terminal.width) out += "\n", used = 0;
        if (used > 0) out += "   ", used += 3;
        out += paint(terminal, tone_of_status(status), word);
        used += width;
    };
    for (const std::string_view status : kWorstFirst) {
        const auto found = counts.find(std::string(status));
        if (found != counts.end() && found->second > 0) add(found->first, found->second);
    }
    for (const auto& [status, n] : counts) {  // words of a newer bkmond
        if (n > 0 && std::find(kWorstFirst.begin(), kWorstFirst.end(), status) == kWorstFirst.end()) add(status, n);
    }
    return out.empty() ? out : out + "\n";
}

std::string degraded_text(const Terminal& terminal, const StatusReply& reply) {
    std::string out;
    auto all = reply.stale;
    all.insert(all.end(), reply.degraded.begin(), reply.degraded.end());
    for (const std::string& what : all) {
        const auto lines = wrap(shown(what), terminal.width > 20 ? terminal.width - 14 : 0);
        for (std::size_t i = 0; i < lines.size(); ++i) {
            out += i == 0 ? paint(terminal, Tone::critical, "bkmon itself: ") : std::string(14, ' ');
            out += lines[i] + "\n";
        }
    }
    return out;
}

bool is_problem(const Line& line) { return line.status != "ok" && line.status != "unchanged" && line.status != "paused"; }

/// A line for the target and up to `most` for the reason.
std::string roomy(const Terminal& terminal, const std::vector<Line>& problems, Time now, std::size_t most) {
    std::string out;
    std::size_t widest = 0;
    for (const Line& line : problems) widest = std::max(widest, display_width(line.status));
    for (const Line& line : problems) {
        const std::string since = line.since ? "since " + age(*line.since, now) : "since when is not known";
        const std::size_t fixed = widest + 2 + 2 + display_width(since);
        const std::string id = terminal.width > fixed + 8 ? fit_middle(shown(line.id), terminal.width - fixed) : shown(line.id);
        out += paint(terminal, tone_of(line.status, line.severity), shown(line.status)) +
               std::string(widest + 2 - display_width(shown(line.status)), ' ');
        out += paint(terminal, Tone::strong, id) + "  " + since + "\n";
        const std::size_t room = terminal.width > widest + 12 ? terminal.width - widest - 2 : 0;
        auto reason = wrap(shown(line.reason) + note_on(line, now), room);
        if (reason.size() > most) {
            for (std::size_t i = most; i < reason.size(); ++i) reason[most - 1] += " " + reason[i];
            reason.resize(most);
            if (room > 0) reason.back() = fit_width(reason.back(), room);
        }
        for (const std::string& part : reason) out += std::string(widest + 2, ' ') + part + "\n";
    }
    return out;
}

/// One line a problem. Where too little room is left for a sentence, the reason's short name says more than its first words.
std::string compact(const Terminal& terminal, const std::vector<Line>& problems, Time now) {
    const bool narrow = terminal.width > 0 && terminal.width < 110;
    Table table({{"STATUS"}, {"TARGET", false, true, true, 34}, {"SINCE"}, {"REASON", false, true, false, 8}});
    for (const Line& line : problems) {
        std::string reason = line.reason + note_on(line, now);
        const std::string code = text_of(*line.target, "reason_code");
        if (narrow && !code.empty()) {
            reason = code;
            std::replace(reason.begin(), reason.end(), '_', ' ');
        }
        table.add(
            {{line.status, tone_of(line.status, line.severity)}, {line.id}, {line.since ? "since " + age(*line.since, now) : "since ?"}, {reason}});
    }
    return table.text(terminal, false);
}

/// How to go on. The id is whole, so that it can be copied; it has a line of its own when it would not fit.
std::string next_steps(const Terminal& terminal, const std::string& worst) {
    const std::string command = "bkmonctl explain " + shell_word(shown(worst));
    const std::string line = "look into one: " + command + "\n";
    return terminal.width > 0 && display_width(line) > terminal.width ? "look into one:\n" + command + "\n" : line;
}

/// Lines on the screen, those counted that the terminal breaks.
std::size_t screen_lines(const Terminal& terminal, const std::string& text) {
    std::size_t n = 0;
    for (const std::string& line : split(text, '\n'))
        n += terminal.width > 0 ? 1 + (std::max<std::size_t>(display_width(line), 1) - 1) / terminal.width : 1;
    return n - 1;  // behind the last line end there is nothing
}

/// When nothing is wrong: one line, with the proof that has aged most.
std::string all_well(const Terminal& terminal, const std::vector<Line>& lines, Time now) {
    const Line* oldest = nullptr;
    std::optional<Time> proof;
    std::size_t proven = 0;
    std::size_t paused = 0;
    for (const Line& line : lines) {
        if (line.status == "paused") ++paused;
        if (line.status != "ok" && line.status != "unchanged") continue;
        ++proven;
        const auto at = time_of(*line.target, "last_ok_at");
        if (line.id.rfind("bkmon/", 0) == 0 || !at || (proof && *proof <= *at)) continue;
        proof = at;
        oldest = &line;
    }
    if (proven == 0) return paint(terminal, Tone::unknown, paused > 0 ? "everything is paused: nothing is proven" : "nothing is proven") + "\n";
    std::string text = proven == 1 ? "the one target is well" : fmt::format("all {} targets are well", proven);
    if (paused > 0) text += fmt::format(" ({} paused)", paused);
    std::string out = paint(terminal, Tone::good, text);
    if (oldest != nullptr) {
        const std::string rest = fmt::format("; oldest proof {} ago: ", age(*proof, now));
        const std::size_t used = display_width(text) + display_width(rest);
        out += rest + (terminal.width > used + 12 ? fit_middle(shown(oldest->id), terminal.width - used) : shown(oldest->id));
    }
    return out + "\n";
}

constexpr std::string_view kNothingWatched =
    "nothing is watched yet: name jobs in /etc/bkmon/bkmon.yaml, or look at `bkmonctl deposits unexpected`\n";

/// The screen of 3 a.m.: it never scrolls on a terminal.
std::string overview(const Session& session, const StatusReply& reply) {
    const Terminal& terminal = session.terminal();
    const Time now = reply.as_of.value_or(session.now());
    const std::vector<Line> lines = worst_first(reply.targets);
    std::vector<Line> problems;
    std::copy_if(lines.begin(), lines.end(), std::back_inserter(problems), is_problem);
    std::string out = fit_width(head_line(session, reply), terminal.width > 0 ? terminal.width : 1000) + "\n";
    out += counts_text(terminal, reply.counts) + degraded_text(terminal, reply);
    if (lines.empty()) return out + paint(terminal, Tone::unknown, kNothingWatched);
    if (problems.empty())
        return reply.degraded.empty() && reply.stale.empty() ? out + all_well(terminal, lines, now) : out + "every target is well or paused\n";
    out += "\n";
    const std::string next = session.globals().legend ? next_steps(terminal, problems.front().id) : "";
    // Below: an empty line, how many more there are, how to go on, and the prompt.
    const std::size_t used = screen_lines(terminal, out) + screen_lines(terminal, next) + (session.globals().legend ? 3 : 1);
    const std::size_t room = terminal.height > used + 2 ? terminal.height - used : 2;
    const std::size_t total = problems.size();
    if (terminal.height > 0 && total * 2 <= room + 1) {  // nothing is left out then, nor said about it
        out += roomy(terminal, problems, now, std::clamp<std::size_t>(room / total, 2, 4) - 1);
    } else {
        if (terminal.height > 0) problems.resize(std::min(total, total == room + 1 ? total : room));
        out += compact(terminal, problems, now);
    }
    if (!session.globals().legend) return out;
    out += "\n";
    if (problems.size() < total) out += fmt::format("… and {} more: bkmonctl status --problems\n", total - problems.size());
    return out + next;
}

std::string full_table(const Session& session, const StatusReply& reply) {
    const Time now = reply.as_of.value_or(session.now());
    Table table({{"STATUS"},
                 {"TARGET", false, true, true, 34},
                 {"SINCE", true},
                 {"LAST OK", true, false, false, 8, 1},
                 {"SIZE", true, false, false, 8, 2},
                 {"FILE", false, true, true, 12, 3},
                 {"REASON", false, true, false, 24}});
    for (const Line& line : worst_first(reply.targets)) {
        const Params& t = *line.target;
        table.add({{line.status, tone_of(line.status, line.severity)},
                   {line.id},
                   {line.since ? age(*line.since, now) : "-"},
                   {age_cell(t, "last_ok_at", now)},
                   {size_cell(t, "size_bytes")},
                   {text_of(t, "file")},
                   {line.reason + note_on(line, now)}});
    }
    const Terminal& terminal = session.terminal();
    if (!session.globals().legend) return table.text(terminal, false);
    std::string out = head_line(session, reply) + "\n" + counts_text(terminal, reply.counts) + degraded_text(terminal, reply) + "\n";
    return out + (table.empty() ? "no target matches\n" : table.text(terminal, true));
}

}  // namespace

std::string status_parameters(const Arguments& arguments) {
    JsonWriter writer;
    writer.begin_object();
    const auto list = [&](std::string_view name, const std::vector<std::string>& values) {
        if (values.empty()) return;
        writer.key(name).begin_array();
        for (const std::string& value : values) writer.value(value);
        writer.end_array();
    };
    list("targets", arguments.all("target"));
    if (arguments.has("--kind")) writer.field("kind", arguments.one("--kind"));
    if (arguments.has("--status")) writer.field("status", arguments.one("--status"));
    if (arguments.has("--problems")) writer.field("problems", true);
    list("labels", arguments.all("--label"));
    return writer.end_object().take();
}

Outcome<StatusReply> ask_status(const Session& session, const std::string& parameters) {
    StatusReply reply;
    bool first = true;
    const auto asked = session.pages("io.bkmon.Targets.Status", parameters, [&](const Params& page) {
        if (first) {
            reply.as_of = time_of(page, "as_of");
            reply.site = text_of(page, "site");
            reply.degraded = texts_of(page, "degraded");
            reply.stale = texts_of(page, "stale");
            if (auto counts = page.object("counts")) reply.counts_json = counts->dump();
        }
        first = false;
        for (Params& target : page.objects("targets")) reply.targets.push_back(std::move(target));
        return true;
    });
    if (!asked) return Refusal(asked.error());
    // Of what was asked for, so that the line above a table always adds up to its rows.
    for (const Params& target : reply.targets) ++reply.counts[text_of(target, "status")];
    if (reply.counts_json.empty()) {
        JsonWriter writer;
        writer.begin_object();
        for (const std::string_view status : closed_words(Words::status)) writer.field(status, reply.counts[std::string(status)]);
        reply.counts_json = writer.end_object().take();
    }
    return reply;
}

int run_status(Session& session, const Arguments& arguments) {
    const std::string parameters = status_parameters(arguments);
    const auto reply = ask_status(session, parameters);
    if (!reply) return session.fail(reply.error());
    if (session.csv()) return session.print_csv(kMembers, reply->targets);
    if (session.json()) {
        JsonWriter writer;
        writer.begin_object().field("as_of", reply->as_of).field("site", reply->site).key("counts").raw(reply->counts_json);
        writer.field("total", static_cast<std::uint64_t>(reply->targets.size()))
            .key("targets")
            .raw(array_json(reply->targets))
            .key("degraded")
            .begin_array();
        for (const std::string& what : reply->degraded) writer.value(what);
        writer.end_array().key("stale").begin_array();
        for (const std::string& what : reply->stale) writer.value(what);
        return session.print_json(writer.end_array().end_object().str());
    }
    if (parameters == "{}")
        session.print_now(overview(session, *reply));
    else
        session.print(full_table(session, *reply));
    return kDone;
}

}  // namespace bkmon::ctl

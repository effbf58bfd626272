#include <fmt/format.h>

#include "ctl/commands/command.h"
#include "ctl/commands/requests.h"
#include "ctl/commands/times.h"
#include "ctl/render/words.h"

namespace bkmon::ctl {

namespace {

using protocol::Params;

const std::vector<std::string_view> kVerdictMembers{"target",    "status", "severity", "reason_code", "reason", "at",       "due_at",
                                                    "backup_at", "run",    "file",     "size_bytes",  "sha256", "duration", "id"};

std::string duration_cell(const Params& object) {
    const auto value = object.number("duration");
    return value && *value && **value >= 0 ? duration_words(milliseconds(static_cast<std::int64_t>(**value * 1000))) : "-";
}

Outcome<std::string> history_parameters(const Session& session, const Arguments& arguments, std::int64_t limit) {
    JsonWriter writer;
    writer.begin_object();
    put(writer, arguments, "target", "target");
    put(writer, arguments, "--kind", "kind");
    for (const auto& [option, name] : {std::pair("--since", "since"), std::pair("--until", "until")}) {
        if (!arguments.has(option)) continue;
        const auto t = read_moment(option, arguments.one(option), Direction::back, session.now());
        if (!t) return Refusal(t.error());
        writer.field(name, *t);
    }
    put(writer, arguments, "--status", "status");
    // Left out it would mean 100, or all since a time: bkmond has its own idea.
    writer.field("limit", limit > 0 ? limit : std::int64_t{1'000'000});
    return writer.end_object().take();
}

}  // namespace

int run_history(Session& session, const Arguments& arguments) {
    const auto limit = read_number("--limit", arguments.maybe("--limit").value_or("100"), 0);
    if (!limit) return session.fail(limit.error());
    const auto parameters = history_parameters(session, arguments, *limit);
    if (!parameters) return session.fail(parameters.error());
    const auto verdicts = collect(session, "io.bkmon.Targets.History", *parameters, "verdicts", static_cast<std::size_t>(*limit));
    if (!verdicts) return session.fail(verdicts.error());
    if (session.csv()) return session.print_csv(kVerdictMembers, *verdicts);
    if (session.json()) return session.print_json(document("verdicts", *verdicts));
    Table table({{"WHEN"},
                 {"STATUS"},
                 {"TARGET", false, true, true, 34},
                 {"SIZE", true, false, false, 8, 2},
                 {"TOOK", true, false, false, 8, 3},
                 {"FILE", false, true, true, 12, 4},
                 {"REASON", false, true, false, 24}});
    for (const Params& verdict : *verdicts) {
        table.add({{time_cell(verdict, "at")},
                   status_cell(verdict),
                   {text_of(verdict, "target")},
                   {size_cell(verdict, "size_bytes")},
                   {duration_cell(verdict)},
                   {text_of(verdict, "file")},
                   {text_of(verdict, "reason")}});
    }
    const bool cut = *limit > 0 && verdicts->size() == static_cast<std::size_t>(*limit);
    const std::string zone = "times in " + zone_name(session.now());
    return session.print_table(
        table, "no verdict matches",
        counted(static_cast<std::int64_t>(table.size()), "verdict") + ", " + zone + (cut ? "; there may be older ones: --limit 0 shows all" : ""));
}

}  // namespace bkmon::ctl

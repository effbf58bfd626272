#include "ctl/commands/command.h"
#include "ctl/render/words.h"

namespace bkmon::ctl {

int run_schedule_list(Session& session, const Arguments&) {
    const auto reply = session.call("io.bkmon.Schedule.List");
    if (!reply) return session.fail(reply.error());
    const auto schedules = reply->objects("schedules");
    if (session.json()) return session.print_json("{\"schedules\":" + array_json(schedules) + "}");
    if (session.csv()) return session.print_csv({"id", "what", "expression", "timezone", "next_at", "last_at", "last_result"}, schedules);
    Table table({{"NEXT"},
                 {"IN", true, false, false, 8, 2},
                 {"ID", false, true, true, 30},
                 {"EXPRESSION"},
                 {"ZONE", false, true, false, 6, 4},
                 {"LAST", false, false, false, 8, 3},
                 {"RESULT", false, true, false, 6, 1},
                 {"WHAT", false, true, false, 8, 5}});
    for (const protocol::Params& entry : schedules) {
        const auto next = time_of(entry, "next_at");
        table.add({{time_cell(entry, "next_at")},
                   {next ? (*next > session.now() ? duration_words(*next - session.now()) : "now") : "-"},
                   {text_of(entry, "id")},
                   {text_of(entry, "expression")},
                   {text_of(entry, "timezone")},
                   {time_cell(entry, "last_at")},
                   {text_of(entry, "last_result")},
                   {text_of(entry, "what")}});
    }
    return session.print_table(table, "nothing is scheduled", "next and last in " + zone_name(session.now()) + ", expressions in their own zone");
}

}  // namespace bkmon::ctl

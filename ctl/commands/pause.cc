#include <fmt/format.h>

#include "common/base/json_writer.h"
#include "ctl/commands/command.h"
#include "ctl/commands/times.h"
#include "ctl/render/words.h"

namespace bkmon::ctl {

namespace {

int say_which(Session& session, const protocol::Params& reply, std::string_view member, std::string_view nothing) {
    if (session.json()) return session.print_json(reply.dump());
    std::string out;
    for (const std::string& id : texts_of(reply, member)) out += fmt::format("{} {}\n", member, shown(id));
    session.print(out.empty() ? std::string(nothing) + "\n" : out);
    return kDone;
}

}  // namespace

int run_pause(Session& session, const Arguments& arguments) {
    JsonWriter writer;
    writer.begin_object().field("target", arguments.one("target")).field("reason", arguments.one("--reason"));
    if (arguments.has("--until")) {
        const auto until = read_moment("--until", arguments.one("--until"), Direction::forth, session.now());
        if (!until) return session.fail(until.error());
        if (*until <= session.now()) {
            return session.fail({kUsage, "usage", fmt::format("--until: {} {} has passed already", local_time(*until), zone_name(*until))});
        }
        writer.field("until", *until);
    }
    const auto reply = session.call("io.bkmon.Targets.Pause", writer.end_object().str());
    if (!reply) return session.fail(reply.error());
    return say_which(session, *reply, "paused", "nothing was paused");
}

int run_resume(Session& session, const Arguments& arguments) {
    JsonWriter writer;
    const auto reply = session.call("io.bkmon.Targets.Resume", writer.begin_object().field("target", arguments.one("target")).end_object().str());
    if (!reply) return session.fail(reply.error());
    return say_which(session, *reply, "resumed", "nothing was paused");
}

}  // namespace bkmon::ctl

#include <fmt/format.h>

#include <algorithm>

#include "common/base/json_writer.h"
#include "common/base/text.h"
#include "ctl/commands/command.h"
#include "ctl/commands/interrupt.h"
#include "ctl/render/paint.h"
#include "ctl/render/words.h"

namespace bkmon::ctl {

namespace {

using protocol::Params;

/// "03:04:05  ok -> missing  deposit/a/b: no report came", on one line of the terminal; a line with the date before the first of a day.
class EventPrinter {
public:
    explicit EventPrinter(Session& session) : session_(session) {}

    void print(const Params& event) {
        if (session_.json()) return session_.print_now(session_.json_line(event.dump()));
        std::string out;
        const auto at = time_of(event, "at");
        const std::string when = at ? local_time(*at) : std::string(19, ' ');
        if (at && when.substr(0, 10) != day_) {
            day_ = when.substr(0, 10);
            if (session_.globals().legend) out += paint(session_.terminal(), Tone::dim, fmt::format("-- {} ({})", day_, zone_name(*at))) + "\n";
        }
        session_.print_now(out + line(event, when.substr(11)) + "\n");
    }

private:
    std::string line(const Params& event, const std::string& when) const {
        const std::string status = text_of(event, "status");
        const std::string previous = text_of(event, "previous");
        std::string head = when + "  ";
        if (!previous.empty() && previous != status) head += shown(previous) + " -> ";
        const std::string word = shown(status.empty() ? text_of(event, "type") : status);
        const std::string target = text_of(event, "target");
        const std::string run = text_of(event, "run");
        std::string rest = "  " + shown(!target.empty() ? target : (run.empty() ? std::string() : "run " + run));
        const std::string reason = text_of(event, "reason");
        const std::string text = reason.empty() ? text_of(event, "text") : reason;
        if (!text.empty()) rest += (rest.size() > 2 ? ": " : "") + shown(text);
        const Terminal& terminal = session_.terminal();
        const std::size_t used = display_width(head) + display_width(word);
        if (terminal.width > used) rest = fit_width(rest, terminal.width - used);
        const Tone tone = status.empty() ? Tone::strong : tone_of(status, text_of(event, "severity"));
        return head + paint(terminal, tone, word) + rest;
    }

    Session& session_;
    std::string day_;
};

}  // namespace

int run_watch(Session& session, const Arguments& arguments) {
    const Interrupt interrupt;
    EventPrinter printer(session);
    std::optional<std::int64_t> after;
    bool connected_once = false;
    milliseconds delay{500};
    while (true) {
        JsonWriter writer;
        writer.begin_object();
        if (arguments.has("--kind")) writer.field("kind", arguments.one("--kind"));
        if (after) writer.field("after", *after);
        auto client = session.connect();
        Outcome<StreamEnd> end = StreamEnd::complete;
        if (client) {
            if (connected_once) session.note("connected again");
            end = client->stream("io.bkmon.Targets.Watch", writer.end_object().str(), {milliseconds(0), milliseconds(0), interrupt.fd()},
                                 [&](const Params& reply, bool) {
                                     const Params event = reply.object("event").value_or(Params());
                                     if (const auto seq = maybe_number(event, "seq")) after = std::max(after.value_or(*seq), *seq);
                                     printer.print(event);
                                     delay = milliseconds(500);
                                     return static_cast<bool>(session.world().out);
                                 });
        }
        if (client && end) return kDone;
        const Trouble trouble = client ? end.error() : client.error();
        if (trouble.exit != kUnreachable || (!client && !connected_once)) return session.fail(trouble);
        if (client || !connected_once) session.note(trouble.message + "; trying again");
        connected_once = true;
        if (interrupt.wait(delay)) return kDone;
        delay = std::min(delay * 2, milliseconds(15'000));
    }
}

}  // namespace bkmon::ctl

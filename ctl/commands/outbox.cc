// Mails: what waits, what failed, and a test.
#include <fmt/format.h>

#include <algorithm>

#include "common/base/json_writer.h"
#include "ctl/commands/alerts.h"
#include "ctl/commands/command.h"
#include "ctl/commands/times.h"
#include "ctl/render/words.h"

namespace bkmon::ctl {

namespace {

using protocol::Params;

constexpr milliseconds kServerMayTake = std::chrono::minutes(3);

Tone tone_of_state(const std::string& state) {
    if (state == "sent") return Tone::good;
    if (state == "failed") return Tone::critical;
    return state == "leased" ? Tone::notice : Tone::warning;
}

/// When it left or was given up, or when it is tried next.
std::string when_cell(const Params& mail, Time now) {
    if (const auto ended = time_of(mail, "ended_at")) return local_minute(*ended);
    const auto next = time_of(mail, "next_at");
    if (!next) return "-";
    return *next > now ? age(*next, now) : "now";
}

std::string error_cell(const Params& mail) {
    const std::string error = text_of(mail, "last_error");
    const auto code = maybe_number(mail, "code");
    if (!code) return error.empty() ? "-" : error;
    return error.empty() ? std::to_string(*code) : fmt::format("{} {}", *code, error);
}

}  // namespace

Table mails_table(const std::vector<Params>& mails, Time now) {
    Table table({{"ID", true},
                 {"STATE"},
                 {"WRITTEN"},
                 {"SENT/NEXT"},
                 {"TRIES", true, false, false, 5, 2},
                 {"TO", false, true, true, 16},
                 {"SUBJECT", false, true, false, 20},
                 {"ANSWER", false, true, false, 10, 1}});
    for (const Params& mail : mails) {
        const std::string state = text_of(mail, "state");
        table.add({{std::to_string(number_of(mail, "id"))},
                   {state, tone_of_state(state)},
                   {time_cell(mail, "created_at")},
                   {when_cell(mail, now)},
                   {std::to_string(number_of(mail, "attempts"))},
                   {text_of(mail, "to")},
                   {text_of(mail, "subject")},
                   {error_cell(mail)}});
    }
    return table;
}

int run_alerts_outbox(Session& session, const Arguments& arguments) {
    const auto limit = read_number("--limit", arguments.maybe("--limit").value_or("100"), 1);
    if (!limit) return session.fail(limit.error());
    const auto mails = rows_below(session, "io.bkmon.Alerts.Outbox", "mails", *limit, [&](JsonWriter& writer) {
        if (const auto state = arguments.maybe("--state")) writer.field("state", *state);
    });
    if (!mails) return session.fail(mails.error());
    if (session.json()) return session.print_json("{\"mails\":" + array_json(*mails) + "}");
    if (session.csv())
        return session.print_csv({"id", "kind", "to", "subject", "state", "attempts", "created_at", "next_at", "give_up_at", "ended_at", "code",
                                  "last_error", "message_id", "incidents"},
                                 *mails);
    const auto failed = std::count_if(mails->begin(), mails->end(), [](const Params& m) { return text_of(m, "state") == "failed"; });
    std::string legend = counted(static_cast<std::int64_t>(mails->size()), "mail") + ", times in " + zone_name(session.now());
    if (failed > 0) legend += fmt::format("; {} failed: bkmonctl alerts retry", failed);
    return session.print_table(mails_table(*mails, session.now()), "no mail matches", legend);
}

int run_alerts_retry(Session& session, const Arguments& arguments) {
    JsonWriter writer;
    writer.begin_object();
    if (arguments.has("mail")) {
        writer.key("ids").begin_array();
        for (const std::string& text : arguments.all("mail")) {
            const auto id = read_id("a mail", text);
            if (!id) return session.fail(id.error());
            writer.value(*id);
        }
        writer.end_array();
    }
    const auto reply = session.call("io.bkmon.Alerts.Retry", writer.end_object().str());
    if (!reply) return session.fail(reply.error());
    if (session.json()) return session.print_json(reply->dump());
    const auto mails = number_of(*reply, "mails");
    session.print(mails == 0 ? std::string("no mail waits or failed\n")
                             : counted(mails, "mail") + (mails == 1 ? " is" : " are") + " tried now; how it goes: bkmonctl alerts outbox\n");
    return kDone;
}

int run_alerts_test(Session& session, const Arguments& arguments) {
    JsonWriter writer;
    writer.begin_object();
    if (const auto to = arguments.maybe("--to")) writer.field("to", *to);
    auto client = session.connect();
    if (!client) return session.fail(client.error());
    const auto patience = session.globals().timeout_given ? session.globals().timeout : std::max(session.globals().timeout, kServerMayTake);
    const auto reply = client->call("io.bkmon.Alerts.Test", writer.end_object().str(), patience);
    if (!reply) return session.fail(reply.error());
    const auto results = reply->objects("results");
    const auto was_sent = [](const Params& one) {
        const auto sent = one.boolean("sent");
        return sent && sent->value_or(false);
    };
    const int code = !results.empty() && std::all_of(results.begin(), results.end(), was_sent) ? kDone : kFailed;
    if (session.json()) return static_cast<void>(session.print_json("{\"results\":" + array_json(results) + "}")), code;
    if (session.csv()) return static_cast<void>(session.print_csv({"to", "sent", "code", "answer"}, results)), code;
    Table table({{"TO", false, true, true, 20}, {"SENT"}, {"CODE", true}, {"ANSWER", false, true, false, 20}});
    for (const Params& one : results) {
        const auto answer = maybe_number(one, "code");
        table.add({{text_of(one, "to")},
                   {was_sent(one) ? "yes" : "no", was_sent(one) ? Tone::good : Tone::critical},
                   {answer ? std::to_string(*answer) : "-"},
                   {text_of(one, "answer")}});
    }
    static_cast<void>(session.print_table(table, "nobody is named in mail.to"));
    return code;
}

}  // namespace bkmon::ctl

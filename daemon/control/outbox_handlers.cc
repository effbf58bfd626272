// Mails: what waits, what failed, and a test.
#include <algorithm>
#include <array>
#include <charconv>

#include "common/base/text.h"
#include "daemon/control/alerts_handlers.h"
#include "daemon/control/rows_json.h"
#include "daemon/core/mail_address.h"

namespace bkmon::control {

namespace {

using CallPtr = std::shared_ptr<Call>;

constexpr std::int64_t kDefaultLimit = 100, kMostMails = 1000;
constexpr std::array<std::string_view, 4> kStates{"waiting", "leased", "sent", "failed"};

bool can_mail(AlertsDoor& door, Call& call) {
    if (door.settings().mail.configured) return true;
    call.error("io.bkmon.Alerts.NoMail", R"({"message":"nothing can be mailed: add a 'mail:' section to the configuration, then bkmonctl reload"})");
    return false;
}

/// Positive whole numbers of a JSON list; nullopt for anything else.
std::optional<std::vector<std::int64_t>> read_ids(const std::string& json) {
    std::vector<std::int64_t> ids;
    if (json == "null" || json == "[]") return ids;
    if (json.size() < 2 || json.front() != '[' || json.back() != ']') return std::nullopt;
    for (const auto& part : split(std::string_view(json).substr(1, json.size() - 2), ',')) {
        std::int64_t id = 0;
        const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), id);
        if (error != std::errc() || end != part.data() + part.size() || id < 1) return std::nullopt;
        ids.push_back(id);
    }
    return ids;
}

}  // namespace

void put_mail(JsonWriter& w, const history::MailRow& row) {
    const bool over = row.ended_at.has_value();
    w.begin_object().field("id", row.id).field("kind", row.kind).field("to", row.recipient).field("subject", row.subject);
    w.field("state", row.state).field("attempts", row.attempts).field("created_at", row.created_at);
    w.field("next_at", over ? std::nullopt : std::optional(row.next_at)).field("give_up_at", row.give_up_at).field("ended_at", row.ended_at);
    w.field("code", row.code != 0 ? std::optional(row.code) : std::nullopt);
    put_text(w, "last_error", row.last_error).field("message_id", row.message_id).key("incidents").begin_array();
    for (const auto id : row.incidents) w.value(id);
    w.end_array().end_object();
}

void handle_outbox(AlertsDoor& door, const CallPtr& call) {
    const auto state = call->params().string("state");
    const auto limit = call->params().integer("limit"), before = call->params().integer("before");
    const auto known = [](const std::string& s) { return s.empty() || std::find(kStates.begin(), kStates.end(), s) != kStates.end(); };
    if (!state || !known(state->value_or(""))) return call->invalid("state", "waiting, leased, sent or failed");
    if (!limit || limit->value_or(1) < 1 || limit->value_or(1) > kMostMails) return call->invalid("limit", "from 1 to 1000");
    if (!before || before->value_or(1) < 1) return call->invalid("before", "the number of a mail, or nothing");
    history::MailQuery query;
    query.state = state->value_or("");
    query.limit = static_cast<int>(limit->value_or(kDefaultLimit));
    query.before_id = before->value_or(0);
    const auto rows = std::make_shared<std::vector<history::MailRow>>();
    door.store.read(
        [rows, query](history::Reader& reader) -> Result<void> {
            auto got = reader.mails(query);
            if (!got) return fail(std::move(got.error()));
            *rows = std::move(*got);
            return {};
        },
        [call, rows](Result<void> done) {
            if (!done) return call->fail(done.error());
            JsonWriter w;
            w.begin_object().key("mails").begin_array();
            for (const auto& row : *rows) put_mail(w, row);
            call->reply(w.end_array().end_object().take());
        });
}

void handle_retry(AlertsDoor& door, const CallPtr& call) {
    auto ids = read_ids(call->params().dump("ids"));
    if (!ids) return call->invalid("ids", "numbers of mails, as `bkmonctl alerts outbox` shows them; absent for all");
    // An empty list that was given means none, and none is not all.
    if (ids->empty() && call->params().dump("ids") == "[]") return call->invalid("ids", "name mails, or leave it out for all");
    if (!can_mail(door, *call)) return;
    door.retry(std::move(*ids), [call](Result<int> mails) {
        if (!mails) return call->fail(mails.error());
        call->reply(JsonWriter().begin_object().field("mails", *mails).end_object().take());
    });
}

void handle_test(AlertsDoor& door, const CallPtr& call) {
    const auto to = call->params().string("to");
    if (!to || (*to && (*to)->empty())) return call->invalid("to", "an address, or nothing for those of mail.to");
    if (*to)
        if (const auto address = core::parse_mail_address(**to); !address) return call->invalid("to", address.error().what);
    if (!can_mail(door, *call)) return;
    door.test(to->value_or(""), by_text(call->caller()), [call](const Result<std::vector<alerts::Tested>>& results) {
        if (!results) return call->fail(results.error());
        JsonWriter w;
        w.begin_object().key("results").begin_array();
        for (const auto& one : *results) {
            w.begin_object().field("to", one.to).field("sent", one.sent).field("code", one.code != 0 ? std::optional(one.code) : std::nullopt);
            w.field("answer", printable(one.answer)).end_object();
        }
        call->reply(w.end_array().end_object().take());
    });
}

}  // namespace bkmon::control

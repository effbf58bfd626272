// The outbox: mails that are to be sent, are being sent, and were.
#include <algorithm>
#include <limits>

#include "daemon/history/lists.h"
#include "daemon/history/sqlite_session.h"

namespace bkmon::history {

namespace {

#define BKMON_MAIL_COLUMNS                                                                                                                        \
    "kind, message_id, recipient, subject, state, attempts, created_at, next_at, give_up_at, lease_until, lease_by, ended_at, code, last_error, " \
    "incidents"

bool is_state(std::string_view state) { return state == "waiting" || state == "leased" || state == "sent" || state == "failed"; }

Result<void> read_mail(sql::Statement& s, MailRow& m) {
    std::string incidents;
    s.read(m.id, m.kind, m.message_id, m.recipient, m.subject, m.state, m.attempts, m.created_at, m.next_at, m.give_up_at, m.lease_until, m.lease_by,
           m.ended_at, m.code, m.last_error, incidents);
    if (!is_state(m.state)) return fail(Errc::corrupt, "history: a mail has the state '" + m.state + "'");
    return read_list(incidents, m.incidents);
}

}  // namespace

Result<void> check(const MailRow& m) {
    const bool over = m.state == "sent" || m.state == "failed";
    if (!is_state(m.state)) return fail(Errc::invalid, "a mail cannot have the state '" + m.state + "'");
    if (m.state == "leased" && !m.lease_until) return fail(Errc::invalid, "a lease of a mail must have an end");
    if (over != m.ended_at.has_value()) return fail(Errc::invalid, "a mail that is " + m.state + (over ? " must have ended" : " cannot have ended"));
    return {};
}

Result<std::vector<MailRow>> SqliteSession::mails(const MailQuery& q) {
    const std::int64_t before = q.before_id != 0 ? q.before_id : std::numeric_limits<std::int64_t>::max();
    const int limit = std::max(q.limit, 0);
    std::vector<MailRow> rows;
    const auto each = [&](sql::Statement& s) { return read_mail(s, rows.emplace_back()); };
    auto r = q.state.empty()
                 ? query("SELECT id, " BKMON_MAIL_COLUMNS " FROM mail NOT INDEXED WHERE id < ? ORDER BY id DESC LIMIT ?", each, before, limit)
                 : query("SELECT id, " BKMON_MAIL_COLUMNS " FROM mail INDEXED BY mail_state WHERE state = ? AND id < ? ORDER BY id DESC LIMIT ?",
                         each, q.state, before, limit);
    if (!r) return fail(std::move(r.error()));
    return rows;
}

Result<std::optional<MailRow>> SqliteSession::mail(std::int64_t id) {
    std::optional<MailRow> row;
    auto r = query(
        "SELECT id, " BKMON_MAIL_COLUMNS ", bytes FROM mail WHERE id = ?",
        [&](sql::Statement& s) -> Result<void> {
            if (auto mail = read_mail(s, row.emplace()); !mail) return mail;
            s.read(row->bytes);
            return {};
        },
        id);
    if (!r) return fail(std::move(r.error()));
    return row;
}

Result<std::vector<MailRow>> SqliteSession::mails_due(Time now, int limit) {
    std::vector<MailRow> rows;
    const int most = std::max(limit, 0);
    // Each half walks its own index; the leased ones are few.
    auto r = query(
        "SELECT m.id, " BKMON_MAIL_COLUMNS
        " FROM mail m WHERE m.id IN ("
        "SELECT id FROM (SELECT id FROM mail INDEXED BY mail_waiting WHERE state = 'waiting' AND next_at <= ? ORDER BY next_at, id LIMIT ?) "
        "UNION ALL SELECT id FROM mail INDEXED BY mail_leased WHERE state = 'leased' AND lease_until <= ?) ORDER BY next_at, m.id LIMIT ?",
        [&](sql::Statement& s) { return read_mail(s, rows.emplace_back()); }, now, most, now, most);
    if (!r) return fail(std::move(r.error()));
    return rows;
}

Result<std::optional<Time>> SqliteSession::next_mail_at() {
    std::optional<Time> at;
    auto r = query(
        "SELECT min(at) FROM (SELECT * FROM (SELECT next_at AS at FROM mail INDEXED BY mail_waiting WHERE state = 'waiting' ORDER BY next_at LIMIT "
        "1) "
        "UNION ALL SELECT * FROM (SELECT lease_until FROM mail INDEXED BY mail_leased WHERE state = 'leased' ORDER BY lease_until LIMIT 1))",
        [&](sql::Statement& s) -> Result<void> {
            s.read(at);
            return {};
        });
    if (!r) return fail(std::move(r.error()));
    return at;
}

Result<int> SqliteSession::mails_since(const std::string& recipient, const std::string& kind, Time since) {
    int n = 0;
    auto r = query(
        "SELECT count(*) FROM mail INDEXED BY mail_recipient WHERE recipient = ? AND kind = ? AND created_at >= ?",
        [&](sql::Statement& s) -> Result<void> {
            s.read(n);
            return {};
        },
        recipient, kind, since);
    if (!r) return fail(std::move(r.error()));
    return n;
}

Result<int> SqliteSession::mails_in(const std::string& state) {
    int n = 0;
    auto r = query(
        "SELECT count(*) FROM mail INDEXED BY mail_state WHERE state = ?",
        [&](sql::Statement& s) -> Result<void> {
            s.read(n);
            return {};
        },
        state);
    if (!r) return fail(std::move(r.error()));
    return n;
}

Result<std::int64_t> SqliteSession::put_mail(const MailRow& m) {
    if (auto r = check(m); !r) return fail(std::move(r.error()));
    if (m.id == 0) {
        std::optional<std::int64_t> known;
        auto r = query(
            "SELECT id FROM mail INDEXED BY mail_message WHERE message_id = ? AND recipient = ?",
            [&](sql::Statement& s) -> Result<void> {
                s.read(known);
                return {};
            },
            m.message_id, m.recipient);
        if (!r) return fail(std::move(r.error()));
        if (known) return *known;
    }
    const auto put = [&](std::string_view columns, const auto&... bytes) {
        return put_row("mail", m.id, columns, m.kind, m.message_id, m.recipient, m.subject, m.state, m.attempts, m.created_at, m.next_at,
                       m.give_up_at, m.lease_until, m.lease_by, m.ended_at, m.code, m.last_error, list_text(m.incidents), bytes...);
    };
    if (m.state == "sent") return put(BKMON_MAIL_COLUMNS ", bytes", "");
    if (m.id != 0 && m.bytes.empty()) return put(BKMON_MAIL_COLUMNS);
    return put(BKMON_MAIL_COLUMNS ", bytes", m.bytes);
}

}  // namespace bkmon::history

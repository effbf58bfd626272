// Incidents and what is decided about them: notices, silences, expectations. Mails are in session_mails.cc.
#include <algorithm>
#include <limits>

#include "common/base/text.h"
#include "daemon/history/columns.h"
#include "daemon/history/lists.h"
#include "daemon/history/sqlite_session.h"

namespace bkmon::history {

namespace {

#define BKMON_INCIDENT_COLUMNS                                                                                                                      \
    "status, severity, reason_code, reason, problem_at, opened_at, closed_at, bad_in_row, said, said_at, at_once, reminders, told, cause, thread, " \
    "acked_by, note, acked_at, turns, flapping, changed_at, next_at"
#define BKMON_INCIDENTS "SELECT t.name, i.id, " BKMON_INCIDENT_COLUMNS " FROM incident i "
#define BKMON_ITS_TARGET "CROSS JOIN target t ON t.id = i.target "  // CROSS: the incidents give the order
#define BKMON_NOTICE_COLUMNS "incident, target, recipient, word, at_once, from_status, to_status, severity, at, text, facts"
#define BKMON_NOTICES                                                                                                                               \
    "SELECT t.name, n.id, incident, recipient, word, at_once, from_status, to_status, severity, at, text, facts FROM notice n CROSS JOIN target t " \
    "ON t.id = n.target "

Error unknown_name(std::string_view what, const std::string& name) {
    return {Errc::corrupt, "history: a row holds the " + std::string(what) + " '" + name + "'"};
}

template <class Value, class Parse>
Result<void> take(std::string_view what, const std::string& name, Parse parse, Value& value) {
    const auto known = parse(name);
    if (!known) return fail(unknown_name(what, name));
    value = *known;
    return {};
}

Result<void> take_status(const std::string& name, core::Status& value) {
    return take(
        "status", name, [](const std::string& n) { return core::status_of(n); }, value);
}

Result<void> take_severity(const std::string& name, core::Severity& value) {
    return take(
        "severity", name, [](const std::string& n) { return core::severity_of(n); }, value);
}

Result<void> read_incident(sql::Statement& s, core::Incident& i) {
    if (auto r = read_target(s, i.target); !r) return r;
    std::string status, severity, told, turns;
    std::optional<std::string> said;
    s.read(i.id, status, severity, i.reason_code, i.reason, i.problem_at, i.opened_at, i.closed_at, i.bad_in_row, said, i.said_at, i.at_once,
           i.reminders, told, i.cause, i.thread, i.acked_by, i.note, i.acked_at, turns, i.flapping, i.changed_at, i.next_at);
    if (auto r = take_status(status, i.status); !r) return r;
    if (auto r = take_severity(severity, i.severity); !r) return r;
    i.said.reset();
    if (said)
        if (auto r = take_status(*said, i.said.emplace()); !r) return r;
    if (auto r = read_list(told, i.told); !r) return r;
    return read_list(turns, i.turns);
}

Result<void> read_notice(sql::Statement& s, NoticeRow& n) {
    if (auto r = read_target(s, n.target); !r) return r;
    std::string word, from, to, severity;
    s.read(n.id, n.incident, n.recipient, word, n.at_once, from, to, severity, n.at, n.text, n.facts);
    if (auto r = take(
            "word", word, [](const std::string& w) { return core::word_of(w); }, n.word);
        !r)
        return r;
    if (auto r = take_status(from, n.from); !r) return r;
    if (auto r = take_status(to, n.to); !r) return r;
    return take_severity(severity, n.severity);
}

Result<void> read_silence(sql::Statement& s, core::Silence& x) {
    std::string targets, kinds, labels, windows;
    s.read(x.id, targets, kinds, labels, x.from, x.until, windows, x.timezone, x.reason, x.by, x.at, x.origin);
    if (auto r = read_list(targets, x.targets); !r) return r;
    if (auto r = read_list(kinds, x.kinds); !r) return r;
    if (auto r = read_list(labels, x.labels); !r) return r;
    return read_list(windows, x.windows);
}

/// The query of a page, by the index that leaves the fewest rows to pass by: those of one target, of one thread, what is open, what was opened
/// or closed lately, or all.
std::string incident_sql(bool one_target, const IncidentQuery& q) {
    std::string sql = BKMON_INCIDENTS;
    const bool whole = !one_target && q.thread.empty() && !q.open_only;
    sql += one_target          ? "INDEXED BY incident_target "
           : !q.thread.empty() ? "INDEXED BY incident_thread "
           : q.open_only       ? "INDEXED BY incident_open "
                               : "NOT INDEXED ";
    sql += BKMON_ITS_TARGET "WHERE ";
    if (one_target) sql += "i.target = ? AND ";
    if (!q.thread.empty()) sql += "i.thread = ? AND i.thread <> '' AND ";
    if (q.open_only) sql += "i.closed_at IS NULL AND ";
    if (q.since && !whole) sql += "(i.opened_at >= ? OR i.closed_at >= ?) AND ";
    if (q.since && whole)
        sql +=
            "i.id IN (SELECT id FROM incident INDEXED BY incident_opened WHERE opened_at >= ? UNION "
            "SELECT id FROM incident INDEXED BY incident_closed WHERE closed_at >= ?) AND ";
    return sql + "i.id < ? ORDER BY i.id DESC";
}

}  // namespace

Result<void> SqliteSession::incident_rows(const IncidentQuery& q, const std::int64_t* target, bool filtered, std::vector<core::Incident>& rows) {
    auto statement = connection_.prepare(incident_sql(target != nullptr, q));
    if (!statement) return fail(in("history", std::move(statement.error())));
    if (target != nullptr) statement->bind(*target);
    if (!q.thread.empty()) statement->bind(q.thread);
    if (q.since) statement->bind(*q.since, *q.since);
    statement->bind(q.before_id != 0 ? q.before_id : std::numeric_limits<std::int64_t>::max());
    for (int taken = 0; taken < q.limit;) {
        auto row = statement->step();
        if (!row) return fail(in("history", std::move(row.error())));
        if (!*row) break;
        core::Incident incident;
        if (auto r = read_incident(*statement, incident); !r) return r;
        if (filtered && !glob_match(q.target_glob, incident.target.str())) continue;
        rows.push_back(std::move(incident));
        ++taken;
    }
    return {};
}

Result<std::vector<core::Incident>> SqliteSession::incidents(const IncidentQuery& q) {
    auto chosen = choose(q.target_glob, {});
    if (!chosen) return fail(std::move(chosen.error()));
    std::vector<core::Incident> rows;
    Result<void> found;
    if (chosen->all || chosen->ids.size() > kFewTargets) {
        found = incident_rows(q, nullptr, !chosen->all, rows);
    } else {
        for (auto id = chosen->ids.begin(); found && id != chosen->ids.end(); ++id) found = incident_rows(q, &*id, false, rows);
        std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.id > b.id; });
    }
    if (!found) return fail(std::move(found.error()));
    if (static_cast<int>(rows.size()) > q.limit) rows.resize(static_cast<std::size_t>(std::max(q.limit, 0)));
    return rows;
}

Result<std::optional<core::Incident>> SqliteSession::incident(std::int64_t id) {
    std::optional<core::Incident> row;
    auto r = query(
        BKMON_INCIDENTS BKMON_ITS_TARGET "WHERE i.id = ?", [&](sql::Statement& s) { return read_incident(s, row.emplace()); }, id);
    if (!r) return fail(std::move(r.error()));
    return row;
}

Result<std::optional<core::Incident>> SqliteSession::last_incident(const TargetId& target) {
    std::optional<core::Incident> row;
    auto r = query(
        BKMON_INCIDENTS "INDEXED BY incident_target " BKMON_ITS_TARGET
                        "WHERE i.target = (SELECT id FROM target WHERE key = ?) ORDER BY i.id DESC LIMIT 1",
        [&](sql::Statement& s) { return read_incident(s, row.emplace()); }, target.key());
    if (!r) return fail(std::move(r.error()));
    return row;
}

Result<std::vector<core::Incident>> SqliteSession::incidents_due(Time now, int limit) {
    std::vector<core::Incident> rows;
    auto r = query(
        BKMON_INCIDENTS "INDEXED BY incident_next " BKMON_ITS_TARGET "WHERE next_at <= ? ORDER BY next_at, i.id LIMIT ?",
        [&](sql::Statement& s) { return read_incident(s, rows.emplace_back()); }, now, std::max(limit, 0));
    if (!r) return fail(std::move(r.error()));
    return rows;
}

Result<std::optional<Time>> SqliteSession::next_incident_at() {
    std::optional<Time> at;
    auto r = query("SELECT next_at FROM incident INDEXED BY incident_next WHERE next_at IS NOT NULL ORDER BY next_at LIMIT 1",
                   [&](sql::Statement& s) -> Result<void> {
                       s.read(at);
                       return {};
                   });
    if (!r) return fail(std::move(r.error()));
    return at;
}

Result<std::int64_t> SqliteSession::put_incident(const core::Incident& i) {
    auto target = number_of(i.target);
    if (!target) return fail(std::move(target.error()));
    const auto said = i.said ? std::optional<std::string_view>(name_of(*i.said)) : std::nullopt;
    return put_row("incident", i.id, "target, " BKMON_INCIDENT_COLUMNS, *target, name_of(i.status), name_of(i.severity), i.reason_code, i.reason,
                   i.problem_at, i.opened_at, i.closed_at, i.bad_in_row, said, i.said_at, i.at_once, i.reminders, list_text(i.told), i.cause,
                   i.thread, i.acked_by, i.note, i.acked_at, list_text(i.turns), i.flapping, i.changed_at, i.next_at);
}

Result<int> SqliteSession::touch_incidents(const std::optional<TargetId>& target, Time at) {
    auto r = target ? run("UPDATE incident INDEXED BY incident_target SET next_at = ? WHERE target = (SELECT id FROM target WHERE key = ?) AND "
                          "(closed_at IS NULL OR flapping = 1)",
                          at, target->key())
                    : run("UPDATE incident SET next_at = ? WHERE id IN (SELECT id FROM incident INDEXED BY incident_open WHERE closed_at IS NULL "
                          "UNION SELECT id FROM incident INDEXED BY incident_flapping WHERE flapping = 1)",
                          at);
    if (!r) return fail(std::move(r.error()));
    return connection_.changes();
}

Result<std::vector<NoticeRow>> SqliteSession::notices(bool at_once, int limit) {
    std::vector<NoticeRow> rows;
    auto r = query(
        BKMON_NOTICES "WHERE at_once = ? ORDER BY n.id LIMIT ?", [&](sql::Statement& s) { return read_notice(s, rows.emplace_back()); }, at_once,
        std::max(limit, 0));
    if (!r) return fail(std::move(r.error()));
    return rows;
}

Result<std::optional<NoticeRow>> SqliteSession::notice_of(std::int64_t incident, const std::string& recipient, bool at_once) {
    std::optional<NoticeRow> row;
    auto r = query(
        BKMON_NOTICES "WHERE incident = ? AND recipient = ? AND at_once = ?", [&](sql::Statement& s) { return read_notice(s, row.emplace()); },
        incident, recipient, at_once);
    if (!r) return fail(std::move(r.error()));
    return row;
}

Result<std::int64_t> SqliteSession::put_notice(const NoticeRow& n) {
    auto target = number_of(n.target);
    if (!target) return fail(std::move(target.error()));
    std::int64_t id = n.id;
    if (id == 0) {
        auto waiting = notice_of(n.incident, n.recipient, n.at_once);
        if (!waiting) return fail(std::move(waiting.error()));
        if (*waiting) id = (*waiting)->id;
    }
    return put_row("notice", id, BKMON_NOTICE_COLUMNS, n.incident, *target, n.recipient, name_of(n.word), n.at_once, name_of(n.from), name_of(n.to),
                   name_of(n.severity), n.at, n.text, n.facts);
}

Result<void> SqliteSession::remove_notice(std::int64_t id) { return run("DELETE FROM notice WHERE id = ?", id); }

Result<std::vector<core::Silence>> SqliteSession::silences() {
    std::vector<core::Silence> rows;
    auto r = query("SELECT id, targets, kinds, labels, since, until, windows, timezone, reason, by, at, origin FROM silence ORDER BY id",
                   [&](sql::Statement& s) { return read_silence(s, rows.emplace_back()); });
    if (!r) return fail(std::move(r.error()));
    return rows;
}

Result<std::int64_t> SqliteSession::put_silence(const core::Silence& x) {
    return put_row("silence", x.id, "targets, kinds, labels, since, until, windows, timezone, reason, by, at, origin", list_text(x.targets),
                   list_text(x.kinds), list_text(x.labels), x.from, x.until, list_text(x.windows), x.timezone, x.reason, x.by, x.at, x.origin);
}

Result<std::optional<ExpectationRow>> SqliteSession::expectation(const TargetId& target) {
    std::optional<ExpectationRow> row;
    auto r = query(
        "SELECT t.name, e.size_bytes, e.at, e.by, e.note FROM target t JOIN expectation e ON e.target = t.id WHERE t.key = ?",
        [&](sql::Statement& s) -> Result<void> {
            auto& x = row.emplace();
            if (auto name = read_target(s, x.target); !name) return name;
            s.read(x.size_bytes, x.at, x.by, x.note);
            return {};
        },
        target.key());
    if (!r) return fail(std::move(r.error()));
    return row;
}

Result<void> SqliteSession::put_expectation(const ExpectationRow& x) {
    auto target = number_of(x.target);
    if (!target) return fail(std::move(target.error()));
    return run("INSERT OR REPLACE INTO expectation (target, size_bytes, at, by, note) VALUES (?, ?, ?, ?, ?)", *target, x.size_bytes, x.at, x.by,
               x.note);
}

}  // namespace bkmon::history

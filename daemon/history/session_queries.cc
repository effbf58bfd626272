#include <algorithm>
#include <limits>
#include <tuple>
#include <unordered_set>

#include "common/base/text.h"
#include "daemon/history/columns.h"
#include "daemon/history/sqlite_session.h"

namespace bkmon::history {

// Queries over tables that grow with time. Each walks one index in the order of its result, so that a page costs a page whatever the
// history's length; INDEXED BY makes a plan that would not fail loudly.

namespace {

bool has_wildcard(const std::string& glob) { return glob.find_first_of("*?[") != std::string::npos; }

}  // namespace

struct SqliteSession::Window {
    std::int64_t since = std::numeric_limits<std::int64_t>::min();
    std::int64_t until = std::numeric_limits<std::int64_t>::max();
    std::int64_t after_at = std::numeric_limits<std::int64_t>::max();  ///< rows behind (after_at, after_id) in the order
    std::int64_t after_id = std::numeric_limits<std::int64_t>::max();
    std::int64_t below_id = std::numeric_limits<std::int64_t>::max();
};

Result<SqliteSession::Chosen> SqliteSession::choose(const std::string& glob, const std::string& kind) {
    Chosen chosen;
    chosen.all = glob.empty() && kind.empty();
    if (chosen.all) return chosen;
    const bool exact = !glob.empty() && !has_wildcard(glob);
    auto r = query(
        exact ? "SELECT id, name, kind FROM target WHERE key = ?" : "SELECT id, name, kind FROM target WHERE ? <> ''",
        [&](sql::Statement& s) -> Result<void> {
            std::int64_t id = 0;
            std::string name, its_kind;
            s.read(id, name, its_kind);
            if ((kind.empty() || its_kind == kind) && (glob.empty() || exact || glob_match(glob, name))) chosen.ids.push_back(id);
            return {};
        },
        exact ? lower(glob) : std::string("all"));
    if (!r) return fail(std::move(r.error()));
    return chosen;
}

Result<SqliteSession::Window> SqliteSession::window_of(const VerdictQuery& q) {
    Window w;
    if (q.since) w.since = to_ms(*q.since);
    if (q.until) w.until = to_ms(*q.until);
    if (q.before_id == 0) return w;
    bool found = false;
    auto r = query(
        "SELECT at FROM verdict WHERE id = ?",
        [&](sql::Statement& s) -> Result<void> {
            s.read(w.after_at);
            found = true;
            return {};
        },
        q.before_id);
    if (!r) return fail(std::move(r.error()));
    if (found) {
        w.after_id = q.before_id;
        w.until = std::min(w.until, w.after_at);
    } else {
        w.below_id = q.before_id;  // it expired meanwhile, and with it all that comes after it, but for clock changes
    }
    return w;
}

#define BKMON_KEYS "SELECT at, id, target FROM verdict INDEXED BY "
#define BKMON_WINDOW "at >= ? AND at <= ? AND (at < ? OR id < ?) AND id < ? ORDER BY at DESC, id DESC"

Result<void> SqliteSession::verdict_keys(const VerdictQuery& q, const Window& w, const std::int64_t* target, const std::vector<std::int64_t>* among,
                                         std::vector<VerdictKey>& keys) {
    const char* sql = target != nullptr && q.status ? BKMON_KEYS "verdict_target WHERE target = ? AND status = ? AND " BKMON_WINDOW
                      : target != nullptr           ? BKMON_KEYS "verdict_target WHERE target = ? AND " BKMON_WINDOW
                      : q.status                    ? BKMON_KEYS "verdict_status WHERE status = ? AND " BKMON_WINDOW
                                                    : BKMON_KEYS "verdict_at WHERE " BKMON_WINDOW;
    auto statement = connection_.prepare(sql);
    if (!statement) return fail(in("history", std::move(statement.error())));
    if (target != nullptr) statement->bind(*target);
    if (q.status) statement->bind(name_of(*q.status));
    statement->bind(w.since, w.until, w.after_at, w.after_id, w.below_id);
    const std::unordered_set<std::int64_t> wanted =
        among != nullptr ? std::unordered_set(among->begin(), among->end()) : std::unordered_set<std::int64_t>{};
    for (int taken = 0; taken < q.limit;) {
        auto row = statement->step();
        if (!row) return fail(in("history", std::move(row.error())));
        if (!*row) break;
        VerdictKey key;
        std::int64_t its_target = 0;
        statement->read(key.at, key.id, its_target);
        if (among != nullptr && !wanted.contains(its_target)) continue;
        keys.push_back(key);
        ++taken;
    }
    return {};
}

Result<std::vector<VerdictRow>> SqliteSession::verdicts(const VerdictQuery& q) {
    auto chosen = choose(q.target_glob, q.kind);
    if (!chosen) return fail(std::move(chosen.error()));
    auto window = window_of(q);
    if (!window) return fail(std::move(window.error()));
    std::vector<VerdictKey> keys;
    Result<void> found;
    if (chosen->all || chosen->ids.size() > kFewTargets) {
        found = verdict_keys(q, *window, nullptr, chosen->all ? nullptr : &chosen->ids, keys);
    } else {
        for (auto id = chosen->ids.begin(); found && id != chosen->ids.end(); ++id) found = verdict_keys(q, *window, &*id, nullptr, keys);
        std::sort(keys.begin(), keys.end(), [](const auto& a, const auto& b) { return std::pair(a.at, a.id) > std::pair(b.at, b.id); });
    }
    if (!found) return fail(std::move(found.error()));
    if (static_cast<int>(keys.size()) > q.limit) keys.resize(static_cast<std::size_t>(std::max(q.limit, 0)));
    std::vector<VerdictRow> rows(keys.size());
    for (std::size_t i = 0; i < keys.size(); ++i) {
        auto r = query(
            "SELECT t.name, v.id, " BKMON_VERDICT_COLUMNS " FROM verdict v JOIN target t ON t.id = v.target WHERE v.id = ?",
            [&row = rows[i]](sql::Statement& s) -> Result<void> {
                if (auto target = read_target(s, row.target); !target) return target;
                s.read(row.id);
                return read_verdict(s, row.verdict);
            },
            keys[i].id);
        if (!r) return fail(std::move(r.error()));
    }
    return rows;
}

#define BKMON_DAYS(verdict, index, where)                                                                               \
    "SELECT d.target, t.name, d.date, " verdict " FROM daily d " index " JOIN target t ON t.id = d.target WHERE " where \
    "d.date >= ? AND d.date <= ? AND (? = '' OR d.status = ?) ORDER BY d.date, t.key"

namespace {

std::string_view days_query(bool of_one, bool evidence) {
    if (of_one && evidence) return BKMON_DAYS(BKMON_TOLD_SELECT, "INDEXED BY daily_target", "d.target = ? AND ");
    if (of_one) return BKMON_DAYS(BKMON_NO_EVIDENCE_SELECT, "INDEXED BY daily_target", "d.target = ? AND ");
    return evidence ? BKMON_DAYS(BKMON_TOLD_SELECT, "NOT INDEXED", "") : BKMON_DAYS(BKMON_NO_EVIDENCE_SELECT, "NOT INDEXED", "");
}

}  // namespace

Result<void> SqliteSession::daily_rows(const DailyQuery& q, const std::int64_t* target, const std::vector<std::int64_t>* among,
                                       std::vector<DailyRow>& rows) {
    auto statement = connection_.prepare(days_query(target != nullptr, q.evidence));
    if (!statement) return fail(in("history", std::move(statement.error())));
    if (target != nullptr) statement->bind(*target);
    const std::string_view status = q.status ? name_of(*q.status) : std::string_view();
    statement->bind(q.from, q.to.empty() ? std::string("~") : q.to, status, status);  // no date sorts after "~"
    const std::unordered_set<std::int64_t> wanted =
        among != nullptr ? std::unordered_set(among->begin(), among->end()) : std::unordered_set<std::int64_t>{};
    for (int taken = 0; taken < q.limit;) {
        auto row = statement->step();
        if (!row) return fail(in("history", std::move(row.error())));
        if (!*row) break;
        std::int64_t its_target = 0;
        statement->read(its_target);
        if (among != nullptr && !wanted.contains(its_target)) continue;
        auto& day = rows.emplace_back();
        if (auto name = read_target(*statement, day.target); !name) return name;
        statement->read(day.date);
        if (auto verdict = read_verdict(*statement, day.verdict); !verdict) return verdict;
        ++taken;
    }
    return {};
}

Result<std::vector<DailyRow>> SqliteSession::daily(const DailyQuery& q) {
    auto chosen = choose(q.target_glob, q.kind);
    if (!chosen) return fail(std::move(chosen.error()));
    std::vector<DailyRow> rows;
    Result<void> found;
    if (chosen->all || chosen->ids.size() > kFewTargets) {
        found = daily_rows(q, nullptr, chosen->all ? nullptr : &chosen->ids, rows);
    } else {
        for (auto id = chosen->ids.begin(); found && id != chosen->ids.end(); ++id) found = daily_rows(q, &*id, nullptr, rows);
        std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return std::tie(a.date, a.target) < std::tie(b.date, b.target); });
    }
    if (!found) return fail(std::move(found.error()));
    if (static_cast<int>(rows.size()) > q.limit) rows.resize(static_cast<std::size_t>(std::max(q.limit, 0)));
    return rows;
}

Result<std::vector<EventRow>> SqliteSession::events_after(std::int64_t seq, int limit) {
    std::vector<EventRow> rows;
    auto r = query(
        "SELECT t.name, e.seq, e.at, e.type, e.run, e.body FROM event e LEFT JOIN target t ON t.id = e.target WHERE e.seq > ? ORDER BY e.seq LIMIT ?",
        [&](sql::Statement& s) -> Result<void> {
            auto& row = rows.emplace_back();
            if (auto target = read_target(s, row.target); !target) return target;
            s.read(row.seq, row.at, row.type, row.run, row.body);
            return {};
        },
        seq, std::max(limit, 0));
    if (!r) return fail(std::move(r.error()));
    return rows;
}

Result<std::int64_t> SqliteSession::last_event() {
    std::int64_t seq = 0;
    auto r = query("SELECT seq FROM sqlite_sequence WHERE name = 'event'", [&](sql::Statement& s) -> Result<void> {
        s.read(seq);
        return {};
    });
    if (!r) return fail(std::move(r.error()));
    return seq;
}

}  // namespace bkmon::history

#include <algorithm>

#include "daemon/history/columns.h"
#include "daemon/history/sqlite_session.h"

namespace bkmon::history {

// The rows that stand for targets, runs and the daemon's own state. What can grow with the history's length is in session_queries.cc.

namespace {

#define BKMON_CURRENT(verdict, rest) \
    "SELECT t.name, c.since, c.last_ok_at, c.last_proof_at, c.first_known, " verdict " FROM current c JOIN target t ON t.id = c.target " rest

Result<void> read_current(sql::Statement& s, CurrentRow& row) {
    if (auto r = read_target(s, row.target); !r) return r;
    s.read(row.since, row.last_ok_at, row.last_proof_at, row.first_known);
    return read_verdict(s, row.verdict);
}

#define BKMON_RUN_SELECT "SELECT id, kind, what, state, started_at, ended_at, done, total, error FROM run "

Result<void> read_run(sql::Statement& s, RunRow& row) {
    s.read(row.id, row.kind, row.what, row.state, row.started_at, row.ended_at, row.done, row.total, row.error);
    return {};
}

#define BKMON_HEALTHY_SELECT                                                                                                           \
    "SELECT t.name, h.id, h.sha256, h.size_bytes, h.content_bytes, h.backup_at, h.promoted_at, h.vault_path, h.was_empty, h.current, " \
    "h.replaced_at, "                                                                                                                  \
    "h.replaced_uptime_ms, h.verified_at, h.damaged_at, h.damage, h.damaged_ino FROM healthy h JOIN target t ON t.id = h.target "

Result<void> read_healthy(sql::Statement& s, HealthyRow& row) {
    if (auto r = read_target(s, row.target); !r) return r;
    s.read(row.id, row.sha256, row.size_bytes, row.content_bytes, row.backup_at, row.promoted_at, row.vault_path, row.was_empty, row.current,
           row.replaced_at, row.replaced_uptime, row.verified_at, row.damaged_at, row.damage, row.damaged_ino);
    return {};
}

}  // namespace

Result<std::optional<std::int64_t>> SqliteSession::known(const TargetId& target) {
    std::optional<std::int64_t> id;
    auto r = query(
        "SELECT id FROM target WHERE key = ?",
        [&](sql::Statement& s) -> Result<void> {
            s.read(id);
            return {};
        },
        target.key());
    if (!r) return fail(std::move(r.error()));
    return id;
}

Result<std::vector<CurrentRow>> SqliteSession::currents(Evidence evidence) {
    std::vector<CurrentRow> rows;
    auto r = query(
        evidence == Evidence::with ? BKMON_CURRENT(BKMON_TOLD_SELECT, "ORDER BY t.key") : BKMON_CURRENT(BKMON_NO_EVIDENCE_SELECT, "ORDER BY t.key"),
        [&](sql::Statement& s) { return read_current(s, rows.emplace_back()); });
    if (!r) return fail(std::move(r.error()));
    return rows;
}

Result<std::optional<CurrentRow>> SqliteSession::current(const TargetId& target) {
    std::optional<CurrentRow> row;
    auto r = query(
        BKMON_CURRENT(BKMON_TOLD_SELECT, "WHERE t.key = ?"), [&](sql::Statement& s) { return read_current(s, row.emplace()); }, target.key());
    if (!r) return fail(std::move(r.error()));
    return row;
}

Result<std::vector<RunRow>> SqliteSession::runs(int limit) {
    std::vector<RunRow> rows;
    auto r = query(
        BKMON_RUN_SELECT "ORDER BY seq DESC LIMIT ?", [&](sql::Statement& s) { return read_run(s, rows.emplace_back()); }, std::max(limit, 0));
    if (!r) return fail(std::move(r.error()));
    return rows;
}

Result<std::optional<RunRow>> SqliteSession::run_of(const std::string& id) {
    std::optional<RunRow> row;
    auto r = query(
        BKMON_RUN_SELECT "WHERE id = ?", [&](sql::Statement& s) { return read_run(s, row.emplace()); }, id);
    if (!r) return fail(std::move(r.error()));
    return row;
}

Result<std::vector<ScheduleStateRow>> SqliteSession::schedule_states() {
    std::vector<ScheduleStateRow> rows;
    auto r = query("SELECT id, last_at, last_result, last_evaluated FROM schedule_state ORDER BY id", [&](sql::Statement& s) -> Result<void> {
        auto& row = rows.emplace_back();
        s.read(row.id, row.last_at, row.last_result, row.last_evaluated);
        return {};
    });
    if (!r) return fail(std::move(r.error()));
    return rows;
}

Result<std::vector<PauseRow>> SqliteSession::pauses() {
    std::vector<PauseRow> rows;
    auto r = query("SELECT t.name, p.by, p.reason, p.since, p.until FROM pause p JOIN target t ON t.id = p.target ORDER BY t.key",
                   [&](sql::Statement& s) -> Result<void> {
                       auto& row = rows.emplace_back();
                       if (auto target = read_target(s, row.target); !target) return target;
                       s.read(row.by, row.reason, row.since, row.until);
                       return {};
                   });
    if (!r) return fail(std::move(r.error()));
    return rows;
}

Result<std::vector<AuditRow>> SqliteSession::audits(int limit) {
    std::vector<AuditRow> rows;
    auto r = query(
        "SELECT at, uid, pid, user, method, parameters, outcome FROM audit ORDER BY id DESC LIMIT ?",
        [&](sql::Statement& s) -> Result<void> {
            auto& row = rows.emplace_back();
            s.read(row.at, row.uid, row.pid, row.user, row.method, row.parameters, row.outcome);
            return {};
        },
        std::max(limit, 0));
    if (!r) return fail(std::move(r.error()));
    return rows;
}

Result<std::vector<HealthyRow>> SqliteSession::healthy(const TargetId& target, int limit) {
    std::vector<HealthyRow> rows;
    auto r = query(
        BKMON_HEALTHY_SELECT "WHERE t.key = ? ORDER BY h.promoted_at DESC, h.id DESC LIMIT ?",
        [&](sql::Statement& s) { return read_healthy(s, rows.emplace_back()); }, target.key(), std::max(limit, 0));
    if (!r) return fail(std::move(r.error()));
    return rows;
}

Result<bool> SqliteSession::was_healthy(const TargetId& target, const std::string& sha256) {
    bool was = false;
    auto r = query(
        "SELECT EXISTS (SELECT 1 FROM healthy WHERE target = (SELECT id FROM target WHERE key = ?) AND sha256 = ? AND damaged_at IS NULL)",
        [&](sql::Statement& s) -> Result<void> {
            s.read(was);
            return {};
        },
        target.key(), sha256);
    if (!r) return fail(std::move(r.error()));
    return was;
}

Result<std::vector<HealthyRow>> SqliteSession::vault_files() {
    std::vector<HealthyRow> rows;
    auto r =
        query(BKMON_HEALTHY_SELECT "WHERE h.vault_path <> '' ORDER BY h.id", [&](sql::Statement& s) { return read_healthy(s, rows.emplace_back()); });
    if (!r) return fail(std::move(r.error()));
    return rows;
}

Result<std::vector<DepositStateRow>> SqliteSession::deposit_states() {
    std::vector<DepositStateRow> rows;
    auto r = query(
        "SELECT t.name, tx, phase, agent, source_file, source_dev, source_ino, source_size, source_mtime_ns, source_ctime_ns, claimed_sha256, "
        "report_file, report_sha256, temp_name, final_path, old_path, temp_ino, old_ino, old_sha256, verdict "
        "FROM deposit_state d LEFT JOIN target t ON t.id = d.target ORDER BY tx",
        [&](sql::Statement& s) -> Result<void> {
            auto& row = rows.emplace_back();
            if (auto target = read_target(s, row.target); !target) return target;
            s.read(row.tx, row.phase, row.agent, row.source_file, row.source_dev, row.source_ino, row.source_size, row.source_mtime_ns,
                   row.source_ctime_ns, row.claimed_sha256, row.report_file, row.report_sha256, row.temp_name, row.final_path, row.old_path,
                   row.temp_ino, row.old_ino, row.old_sha256, row.verdict_json);
            return {};
        });
    if (!r) return fail(std::move(r.error()));
    return rows;
}

namespace {

constexpr std::string_view kJudged =
    "SELECT t.name, j.agent, j.report_sha256, j.file_sha256, j.status, j.reason_code, j.at, j.report_end, j.file_identity "
    "FROM judged j LEFT JOIN target t ON t.id = j.target ";

Result<void> read_judged(sql::Statement& s, std::vector<JudgedRow>& rows) {
    auto& row = rows.emplace_back();
    if (auto target = read_target(s, row.target); !target) return target;
    s.read(row.agent, row.report_sha256, row.file_sha256, row.status, row.reason_code, row.at, row.report_end, row.file_identity);
    return {};
}

}  // namespace

Result<std::vector<JudgedRow>> SqliteSession::judged(const std::string& agent, int limit) {
    std::vector<JudgedRow> rows;
    auto r = query(
        std::string(kJudged) + "WHERE j.agent = ? ORDER BY j.at DESC, j.id DESC LIMIT ?", [&](sql::Statement& s) { return read_judged(s, rows); },
        agent, std::max(limit, 0));
    if (!r) return fail(std::move(r.error()));
    return rows;
}

Result<std::vector<JudgedRow>> SqliteSession::judged_report(const std::string& agent, const std::string& report_sha256) {
    std::vector<JudgedRow> rows;
    auto r = query(
        std::string(kJudged) + "WHERE j.report_sha256 = ? AND j.agent = ? ORDER BY j.at DESC, j.id DESC",
        [&](sql::Statement& s) { return read_judged(s, rows); }, report_sha256, agent);
    if (!r) return fail(std::move(r.error()));
    return rows;
}

Result<std::vector<HeldRow>> SqliteSession::held() {
    std::vector<HeldRow> rows;
    auto r = query(
        "SELECT t.name, h.sha256, h.size_bytes, h.path, h.final_path, h.held_at, h.backup_at, h.reason_code, h.reason, h.verdict, h.verified_at, "
        "h.damaged_at, h.damage "
        "FROM held h JOIN target t ON t.id = h.target ORDER BY t.key",
        [&](sql::Statement& s) -> Result<void> {
            auto& row = rows.emplace_back();
            if (auto target = read_target(s, row.target); !target) return target;
            s.read(row.sha256, row.size_bytes, row.path, row.final_path, row.held_at, row.backup_at, row.reason_code, row.reason, row.verdict_json,
                   row.verified_at, row.damaged_at, row.damage);
            return {};
        });
    if (!r) return fail(std::move(r.error()));
    return rows;
}

Result<std::optional<std::string>> SqliteSession::setting(const std::string& name) {
    std::optional<std::string> value;
    auto r = query(
        "SELECT value FROM setting WHERE name = ?",
        [&](sql::Statement& s) -> Result<void> {
            s.read(value);
            return {};
        },
        name);
    if (!r) return fail(std::move(r.error()));
    return value;
}

}  // namespace bkmon::history

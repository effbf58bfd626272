#include "daemon/history/columns.h"
#include "daemon/history/days.h"
#include "daemon/history/sqlite_session.h"

namespace bkmon::history {

Result<std::optional<std::int64_t>> SqliteSession::number_of(const TargetId& target) {
    if (target.empty()) return std::optional<std::int64_t>();
    std::optional<std::int64_t> id;
    std::string name;
    auto found = query(
        "SELECT id, name FROM target WHERE key = ?",
        [&](sql::Statement& s) -> Result<void> {
            s.read(id, name);
            return {};
        },
        target.key());
    if (!found) return fail(std::move(found.error()));
    if (id && name != target.str())
        if (auto r = run("UPDATE target SET name = ? WHERE id = ?", target.str(), *id); !r) return fail(std::move(r.error()));
    if (id) return id;
    if (auto r = run("INSERT INTO target (key, name, kind) VALUES (?, ?, ?)", target.key(), target.str(), target.kind()); !r)
        return fail(std::move(r.error()));
    return std::optional(connection_.last_insert_id());
}

Result<std::int64_t> SqliteSession::add_verdict(const VerdictRow& row) {
    auto target = number_of(row.target);
    if (!target) return fail(std::move(target.error()));
    auto statement = connection_.prepare("INSERT INTO verdict (target, " BKMON_VERDICT_COLUMNS ") VALUES (?, " BKMON_VERDICT_PARAMETERS ")");
    if (!statement) return fail(in("history", std::move(statement.error())));
    statement->bind(*target);
    bind_verdict(*statement, row.verdict);
    if (auto r = statement->run(); !r) return fail(in("history", std::move(r.error())));
    return connection_.last_insert_id();
}

Result<void> SqliteSession::put_current(const CurrentRow& row) {
    auto target = number_of(row.target);
    if (!target) return fail(std::move(target.error()));
    auto statement = connection_.prepare("INSERT OR REPLACE INTO current (target, since, last_ok_at, last_proof_at, first_known, " BKMON_TOLD_COLUMNS
                                         ") VALUES (?, ?, ?, ?, ?, " BKMON_TOLD_PARAMETERS ")");
    if (!statement) return fail(in("history", std::move(statement.error())));
    statement->bind(*target, row.since, row.last_ok_at, row.last_proof_at, row.first_known);
    bind_told(*statement, row.verdict, row.told_by);
    if (auto r = statement->run(); !r) return fail(in("history", std::move(r.error())));
    return {};
}

Result<void> SqliteSession::remove_current(const TargetId& target) {
    return run("DELETE FROM current WHERE target = (SELECT id FROM target WHERE key = ?)", target.key());
}

Result<std::int64_t> SqliteSession::add_event(const EventRow& row) {
    auto target = number_of(row.target);
    if (!target) return fail(std::move(target.error()));
    if (auto r = run("INSERT INTO event (at, type, target, run, body) VALUES (?, ?, ?, ?, ?)", row.at, row.type, *target, row.run, row.body); !r)
        return fail(std::move(r.error()));
    return connection_.last_insert_id();
}

Result<void> SqliteSession::put_run(const RunRow& row) {
    return run(
        "INSERT INTO run (id, kind, what, state, started_at, ended_at, done, total, error) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, what = excluded.what, state = excluded.state, started_at = excluded.started_at, "
        "ended_at = excluded.ended_at, done = excluded.done, total = excluded.total, error = excluded.error",
        row.id, row.kind, row.what, row.state, row.started_at, row.ended_at, row.done, row.total, row.error);
}

Result<int> SqliteSession::interrupt_runs(Time at) {
    if (auto r = run("UPDATE run SET state = 'interrupted', ended_at = ? WHERE state IN ('queued', 'running')", at); !r)
        return fail(std::move(r.error()));
    return connection_.changes();
}

Result<void> SqliteSession::put_schedule_state(const ScheduleStateRow& row) {
    return run("INSERT OR REPLACE INTO schedule_state (id, last_at, last_result, last_evaluated) VALUES (?, ?, ?, ?)", row.id, row.last_at,
               row.last_result, row.last_evaluated);
}

Result<void> SqliteSession::put_pause(const PauseRow& row) {
    auto target = number_of(row.target);
    if (!target) return fail(std::move(target.error()));
    return run("INSERT OR REPLACE INTO pause (target, by, reason, since, until) VALUES (?, ?, ?, ?, ?)", *target, row.by, row.reason, row.since,
               row.until);
}

Result<void> SqliteSession::remove_pause(const TargetId& target) {
    return run("DELETE FROM pause WHERE target = (SELECT id FROM target WHERE key = ?)", target.key());
}

Result<void> SqliteSession::add_audit(const AuditRow& row) {
    return run("INSERT INTO audit (at, uid, pid, user, method, parameters, outcome) VALUES (?, ?, ?, ?, ?, ?, ?)", row.at, row.uid, row.pid, row.user,
               row.method, row.parameters, row.outcome);
}

Result<std::int64_t> SqliteSession::put_healthy(const HealthyRow& row) {
    auto target = number_of(row.target);
    if (!target) return fail(std::move(target.error()));
    if (row.id == 0) {
        auto r = run(
            "INSERT INTO healthy (target, sha256, size_bytes, content_bytes, backup_at, promoted_at, vault_path, was_empty, current, replaced_at, "
            "replaced_uptime_ms, verified_at, damaged_at, damage, damaged_ino) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *target, row.sha256, row.size_bytes, row.content_bytes, row.backup_at, row.promoted_at, row.vault_path, row.was_empty, row.current,
            row.replaced_at, row.replaced_uptime, row.verified_at, row.damaged_at, row.damage, row.damaged_ino);
        if (!r) return fail(std::move(r.error()));
        return connection_.last_insert_id();
    }
    auto r =
        run("UPDATE healthy SET target = ?, sha256 = ?, size_bytes = ?, content_bytes = ?, backup_at = ?, promoted_at = ?, vault_path = ?, "
            "was_empty = ?, current = ?, replaced_at = ?, replaced_uptime_ms = ?, verified_at = ?, damaged_at = ?, damage = ?, damaged_ino = ? "
            "WHERE id = ?",
            *target, row.sha256, row.size_bytes, row.content_bytes, row.backup_at, row.promoted_at, row.vault_path, row.was_empty, row.current,
            row.replaced_at, row.replaced_uptime, row.verified_at, row.damaged_at, row.damage, row.damaged_ino, row.id);
    if (!r) return fail(std::move(r.error()));
    if (connection_.changes() == 0) return fail(Errc::not_found, "healthy row " + std::to_string(row.id) + " is not there");
    return row.id;
}

Result<void> SqliteSession::put_deposit_state(const DepositStateRow& row) {
    auto target = number_of(row.target);
    if (!target) return fail(std::move(target.error()));
    return run(
        "INSERT OR REPLACE INTO deposit_state (tx, phase, target, agent, source_file, source_dev, source_ino, source_size, source_mtime_ns, "
        "source_ctime_ns, claimed_sha256, report_file, report_sha256, temp_name, final_path, old_path, temp_ino, old_ino, old_sha256, verdict) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        row.tx, row.phase, *target, row.agent, row.source_file, row.source_dev, row.source_ino, row.source_size, row.source_mtime_ns,
        row.source_ctime_ns, row.claimed_sha256, row.report_file, row.report_sha256, row.temp_name, row.final_path, row.old_path, row.temp_ino,
        row.old_ino, row.old_sha256, row.verdict_json);
}

Result<void> SqliteSession::remove_deposit_state(const std::string& tx) { return run("DELETE FROM deposit_state WHERE tx = ?", tx); }

Result<void> SqliteSession::put_judged(const JudgedRow& row) {
    auto target = number_of(row.target);
    if (!target) return fail(std::move(target.error()));
    auto gone = run("DELETE FROM judged WHERE report_sha256 = ? AND target IS ? AND agent = ? AND file_identity = ?", row.report_sha256, *target,
                    row.agent, row.file_identity);
    if (!gone) return gone;
    return run(
        "INSERT INTO judged (target, agent, report_sha256, file_identity, file_sha256, status, reason_code, at, report_end) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        *target, row.agent, row.report_sha256, row.file_identity, row.file_sha256, row.status, row.reason_code, row.at, row.report_end);
}

Result<void> SqliteSession::put_held(const HeldRow& row) {
    auto target = number_of(row.target);
    if (!target) return fail(std::move(target.error()));
    return run(
        "INSERT OR REPLACE INTO held (target, sha256, size_bytes, path, final_path, held_at, backup_at, reason_code, reason, verdict, verified_at, "
        "damaged_at, damage) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        *target, row.sha256, row.size_bytes, row.path, row.final_path, row.held_at, row.backup_at, row.reason_code, row.reason, row.verdict_json,
        row.verified_at, row.damaged_at, row.damage);
}

Result<void> SqliteSession::remove_held(const TargetId& target) {
    return run("DELETE FROM held WHERE target = (SELECT id FROM target WHERE key = ?)", target.key());
}

Result<void> SqliteSession::add_report(const ReportRow& row) {
    return run("INSERT INTO report (agent, file, sha256, seen_at, outcome, archive_path) VALUES (?, ?, ?, ?, ?, ?)", row.agent, row.file, row.sha256,
               row.seen_at, row.outcome, row.archive_path);
}

Result<void> SqliteSession::put_setting(const std::string& name, const std::string& value) {
    return run("INSERT OR REPLACE INTO setting (name, value) VALUES (?, ?)", name, value);
}

#define BKMON_EXPIRED "FROM verdict WHERE at < ? ORDER BY at, id LIMIT ?"

/// Gives the verdicts that expire() deletes next to the rows that stay and have their evidence from them. Days that expire as well need nothing.
Result<void> SqliteSession::keep_evidence(Time before, int batch) {
#define BKMON_KEEP " SET evidence = v.evidence, told_by = NULL FROM (SELECT id, target, evidence " BKMON_EXPIRED ") v WHERE "
    if (auto r = run("UPDATE current" BKMON_KEEP "current.target = v.target AND current.told_by = v.id", before, batch); !r) return r;
    const std::string day = rfc3339(before).substr(0, 10);
    static_assert(kToldDays == 1);
    return run("UPDATE daily" BKMON_KEEP "daily.date IN (?, ?) AND daily.target = v.target AND daily.told_by = v.id", before, batch, day,
               days_before(day, -1));
}

Result<int> SqliteSession::expire(Time before, int batch) {
    const std::string day = rfc3339(before).substr(0, 10);
    struct Rule {
        const char* sql;
        bool by_day;
    };
    static constexpr Rule kRules[] = {
        {"DELETE FROM verdict WHERE id IN (SELECT id " BKMON_EXPIRED ")", false},
        {"DELETE FROM event WHERE seq IN (SELECT seq FROM event WHERE at < ? ORDER BY at LIMIT ?)", false},
        {"DELETE FROM run WHERE seq IN (SELECT seq FROM run WHERE ended_at < ? ORDER BY ended_at LIMIT ?)", false},
        {"DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < ? ORDER BY at LIMIT ?)", false},
        {"DELETE FROM report WHERE id IN (SELECT id FROM report WHERE seen_at < ? ORDER BY seen_at LIMIT ?)", false},
        {"DELETE FROM judged WHERE id IN (SELECT id FROM judged WHERE at < ? ORDER BY at LIMIT ?)", false},
        {"DELETE FROM incident WHERE id IN (SELECT id FROM incident INDEXED BY incident_closed WHERE closed_at < ? AND flapping = 0 "
         "ORDER BY closed_at LIMIT ?)",
         false},
        {"DELETE FROM mail WHERE id IN (SELECT id FROM mail INDEXED BY mail_ended WHERE ended_at < ? ORDER BY ended_at LIMIT ?)", false},
        {"DELETE FROM silence WHERE id IN (SELECT id FROM silence INDEXED BY silence_until WHERE until < ? ORDER BY until LIMIT ?)", false},
        {"DELETE FROM outlet WHERE key IN (SELECT key FROM outlet INDEXED BY outlet_gone WHERE gone_at < ? ORDER BY gone_at LIMIT ?)", false},
        {"DELETE FROM daily WHERE (date, target) IN (SELECT date, target FROM daily WHERE date < ? ORDER BY date, target LIMIT ?)", true},
        {"DELETE FROM daily_cycle WHERE (target, date, cycle) IN (SELECT target, date, cycle FROM daily_cycle WHERE date < ? LIMIT ?)", true},
    };
    if (auto r = keep_evidence(before, batch); !r) return fail(std::move(r.error()));
    int gone = 0;
    for (const auto& rule : kRules) {
        auto r = rule.by_day ? run(rule.sql, day, batch) : run(rule.sql, before, batch);
        if (!r) return fail(std::move(r.error()));
        gone += connection_.changes();
    }
    // The count per target walks a whole index: only once no batch is full. Waiting for nothing to be old would be waiting for ever where
    // something gets old all the time.
    if (gone >= batch) return gone;
    auto healthy = expire_healthy(batch - gone);
    if (!healthy) return healthy;
    return gone + *healthy;
}

Result<int> SqliteSession::expire_healthy(int batch) {
    std::vector<std::int64_t> targets;
    auto many = query("SELECT target FROM healthy GROUP BY target HAVING count(*) > 200", [&](sql::Statement& s) -> Result<void> {
        s.read(targets.emplace_back());
        return {};
    });
    if (!many) return fail(std::move(many.error()));
    int gone = 0;
    for (const auto target : targets) {
        if (gone >= batch) break;
        auto r =
            run("DELETE FROM healthy WHERE id IN (SELECT id FROM (SELECT id, vault_path FROM healthy WHERE target = ? "
                "ORDER BY promoted_at DESC, id DESC LIMIT -1 OFFSET 200) WHERE vault_path = '' LIMIT ?)",
                target, batch - gone);
        if (!r) return fail(std::move(r.error()));
        gone += connection_.changes();
    }
    return gone;
}

}  // namespace bkmon::history

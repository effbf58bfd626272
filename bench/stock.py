"""Ten thousand jobs with a healthy backup each, and a history as long as years of them: written by SQL, because time is what is measured elsewhere."""
import sqlite3
import time

from measure import sized

JOBS = sized(10000, 50)


def pairs(jobs=JOBS):
    """Agents with 20 databases each, due at all times of the day."""
    return [(f"SHOP_CITY_{n // 20:03}", (f"MAIN{n % 20:02}", f"{n % 60} {n // 60 % 24} * * *")) for n in range(jobs)]


def connect(daemon):
    return sqlite3.connect(daemon.state / "history.db", isolation_level=None)


def value(daemon, query):
    db = connect(daemon)
    try:
        return db.execute(query).fetchone()[0]
    finally:
        db.close()


JUDGED = """status = 'ok', severity = 'OK', reason_code = 'promoted', reason = 'whole, and the hash is the one that the agent declared',
  file = 'main.sql.gz', size_bytes = 1234567 + target, sha256 = lower(hex(randomblob(32))), run = '', duration_ms = 1500,
  evidence = '{"report":"STATUS.json","declared_size":1234567,"logs_summary":"' || printf('%.*c', 800, 'x') || '"}'"""


def all_well(daemon):
    """Every target was found healthy a minute ago. The daemon must not run."""
    db = connect(daemon)
    now = int(time.time() * 1000) - 60000
    db.execute(f"UPDATE current SET {JUDGED}, at = ?1, due = ?1, backup_at = ?1, since = ?1, last_ok_at = ?1, last_proof_at = ?1, first_known = ?1 - 86400000"
               " WHERE target IN (SELECT id FROM target WHERE kind = 'deposit')", (now,))
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def grow_history(daemon, verdicts, say):
    """So many verdicts, with their events and days. Indexes are made last, as they are: that is faster by far."""
    db = connect(daemon)
    db.execute("PRAGMA journal_mode = OFF")
    db.execute("PRAGMA synchronous = OFF")
    db.execute("PRAGMA cache_size = -500000")
    indexes = db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ('verdict', 'event', 'daily')").fetchall()
    for name, _ in indexes:
        db.execute(f"DROP INDEX {name}")
    targets = [row[0] for row in db.execute("SELECT id FROM target WHERE kind = 'deposit' ORDER BY id")]
    first, days = targets[0], verdicts // len(targets)
    begin = (int(time.time()) // 86400 - days) * 86400000
    columns = "status, severity, reason_code, reason, due, backup_at, file, size_bytes, sha256, run, duration_ms, evidence"
    values = """'ok', 'OK', 'promoted', 'whole, and the hash is the one that the agent declared', at, at, 'main.sql.gz', 1234567,
      lower(hex(randomblob(32))), '', 1500, '{"report":"STATUS.json","declared_size":1234567}'"""
    # One row for each target and day; the targets were numbered in one go.
    grid = f"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {days * len(targets)}), " \
           f"row(target, at) AS (SELECT {first} + i % {len(targets)}, {begin} + i / {len(targets)} * 86400000 + i % 86400 * 1000 FROM n) "
    assert targets == list(range(first, first + len(targets)))
    db.execute("BEGIN")
    for what, statement in (("verdicts", f"INSERT INTO verdict (target, at, {columns}) {grid} SELECT target, at, {values} FROM row"),
                            ("events", f"INSERT INTO event (at, type, target, run, body) {grid} SELECT at, 'verdict', target, '', "
                                       "'{\"status\":\"ok\",\"severity\":\"OK\",\"previous\":\"ok\",\"reason_code\":\"promoted\",\"reason\":\"whole\"}' FROM row"),
                            ("days", f"INSERT OR IGNORE INTO daily (date, target, at, {columns}) {grid} "
                                     f"SELECT date(at / 1000, 'unixepoch'), target, at, {values} FROM row"),
                            *((name, sql) for name, sql in indexes)):
        began = time.monotonic()
        db.execute(statement)
        say(f"writing the history: {what}, {time.monotonic() - began:.0f} s")
    db.execute("COMMIT")
    db.execute("PRAGMA journal_mode = WAL")
    db.close()

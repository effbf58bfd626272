#include "daemon/history/migrations.h"

#include <fmt/format.h>

#include <array>

#include "daemon/platform/sql/transaction.h"

namespace bkmon::history {

namespace {

// Times are milliseconds since 1970 UTC; texts that may be absent are empty; unsigned 64-bit numbers keep their bits.
constexpr std::string_view kVersion1 = R"sql(
CREATE TABLE target (
  id   INTEGER PRIMARY KEY,
  key  TEXT NOT NULL UNIQUE,    -- lower case
  name TEXT NOT NULL,           -- as it is spelled
  kind TEXT NOT NULL
) STRICT;

CREATE TABLE current (
  target        INTEGER PRIMARY KEY REFERENCES target (id),
  since         INTEGER NOT NULL,
  last_ok_at    INTEGER,
  last_proof_at INTEGER,
  first_known   INTEGER NOT NULL,
  at INTEGER NOT NULL, status TEXT NOT NULL, severity TEXT NOT NULL, reason_code TEXT NOT NULL, reason TEXT NOT NULL,
  due INTEGER, backup_at INTEGER, file TEXT NOT NULL, size_bytes INTEGER, sha256 TEXT NOT NULL, run TEXT NOT NULL,
  duration_ms INTEGER, evidence TEXT NOT NULL
) STRICT;

CREATE TABLE verdict (
  id     INTEGER PRIMARY KEY AUTOINCREMENT,
  target INTEGER NOT NULL REFERENCES target (id),
  at INTEGER NOT NULL, status TEXT NOT NULL, severity TEXT NOT NULL, reason_code TEXT NOT NULL, reason TEXT NOT NULL,
  due INTEGER, backup_at INTEGER, file TEXT NOT NULL, size_bytes INTEGER, sha256 TEXT NOT NULL, run TEXT NOT NULL,
  duration_ms INTEGER, evidence TEXT NOT NULL
) STRICT;
CREATE INDEX verdict_at ON verdict (at);
CREATE INDEX verdict_target ON verdict (target, at);
CREATE INDEX verdict_status ON verdict (status, at);

CREATE TABLE daily (
  date   TEXT NOT NULL,
  target INTEGER NOT NULL REFERENCES target (id),
  at INTEGER NOT NULL, status TEXT NOT NULL, severity TEXT NOT NULL, reason_code TEXT NOT NULL, reason TEXT NOT NULL,
  due INTEGER, backup_at INTEGER, file TEXT NOT NULL, size_bytes INTEGER, sha256 TEXT NOT NULL, run TEXT NOT NULL,
  duration_ms INTEGER, evidence TEXT NOT NULL,
  PRIMARY KEY (date, target)
) STRICT, WITHOUT ROWID;
CREATE INDEX daily_target ON daily (target, date);

CREATE TABLE event (
  seq    INTEGER PRIMARY KEY AUTOINCREMENT,
  at     INTEGER NOT NULL,
  type   TEXT NOT NULL,
  target INTEGER REFERENCES target (id),
  run    TEXT NOT NULL,
  body   TEXT NOT NULL
) STRICT;
CREATE INDEX event_at ON event (at);

CREATE TABLE run (
  seq        INTEGER PRIMARY KEY AUTOINCREMENT,
  id         TEXT NOT NULL UNIQUE,
  kind       TEXT NOT NULL,
  what       TEXT NOT NULL,
  state      TEXT NOT NULL,
  started_at INTEGER,
  ended_at   INTEGER,
  done       INTEGER NOT NULL,
  total      INTEGER NOT NULL,
  error      TEXT NOT NULL
) STRICT;
CREATE INDEX run_ended ON run (ended_at);
CREATE INDEX run_active ON run (state) WHERE state IN ('queued', 'running');

CREATE TABLE schedule_state (
  id             TEXT PRIMARY KEY,
  last_at        INTEGER,
  last_result    TEXT NOT NULL,
  last_evaluated INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE pause (
  target INTEGER PRIMARY KEY REFERENCES target (id),
  by     TEXT NOT NULL,
  reason TEXT NOT NULL,
  since  INTEGER NOT NULL,
  until  INTEGER
) STRICT;

CREATE TABLE audit (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  at         INTEGER NOT NULL,
  uid        INTEGER NOT NULL,
  pid        INTEGER NOT NULL,
  user       TEXT NOT NULL,
  method     TEXT NOT NULL,
  parameters TEXT NOT NULL,
  outcome    TEXT NOT NULL
) STRICT;
CREATE INDEX audit_at ON audit (at);

CREATE TABLE healthy (
  id                 INTEGER PRIMARY KEY AUTOINCREMENT,
  target             INTEGER NOT NULL REFERENCES target (id),
  sha256             TEXT NOT NULL,
  size_bytes         INTEGER NOT NULL,
  content_bytes      INTEGER NOT NULL,
  backup_at          INTEGER,
  promoted_at        INTEGER NOT NULL,
  vault_path         TEXT NOT NULL,
  current            INTEGER NOT NULL,
  replaced_at        INTEGER,
  replaced_uptime_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX healthy_target ON healthy (target, promoted_at);
CREATE INDEX healthy_hash ON healthy (target, sha256);
CREATE INDEX healthy_file ON healthy (id) WHERE vault_path <> '';

CREATE TABLE deposit_state (
  tx              TEXT PRIMARY KEY,
  phase           TEXT NOT NULL,
  target          INTEGER REFERENCES target (id),
  agent           TEXT NOT NULL,
  source_file     TEXT NOT NULL,
  source_dev      INTEGER NOT NULL,
  source_ino      INTEGER NOT NULL,
  source_size     INTEGER NOT NULL,
  source_mtime_ns INTEGER NOT NULL,
  source_ctime_ns INTEGER NOT NULL,
  claimed_sha256  TEXT NOT NULL,
  report_file     TEXT NOT NULL,
  report_sha256   TEXT NOT NULL,
  temp_name       TEXT NOT NULL,
  final_path      TEXT NOT NULL,
  old_path        TEXT NOT NULL,
  temp_ino        INTEGER NOT NULL,
  old_ino         INTEGER NOT NULL,
  old_sha256      TEXT NOT NULL,
  verdict         TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE judged (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  target        INTEGER REFERENCES target (id),
  agent         TEXT NOT NULL,
  report_sha256 TEXT NOT NULL,
  file_identity TEXT NOT NULL,
  file_sha256   TEXT NOT NULL,
  status        TEXT NOT NULL,
  reason_code   TEXT NOT NULL,
  at            INTEGER NOT NULL,
  report_end    INTEGER
) STRICT;
CREATE INDEX judged_key ON judged (report_sha256, target, agent, file_identity);
CREATE INDEX judged_agent ON judged (agent, at);
CREATE INDEX judged_at ON judged (at);

CREATE TABLE held (
  target      INTEGER PRIMARY KEY REFERENCES target (id),
  sha256      TEXT NOT NULL,
  size_bytes  INTEGER NOT NULL,
  path        TEXT NOT NULL,
  final_path  TEXT NOT NULL,
  held_at     INTEGER NOT NULL,
  backup_at   INTEGER,
  reason_code TEXT NOT NULL,
  reason      TEXT NOT NULL,
  verdict     TEXT NOT NULL
) STRICT;

CREATE TABLE report (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  agent        TEXT NOT NULL,
  file         TEXT NOT NULL,
  sha256       TEXT NOT NULL,
  seen_at      INTEGER NOT NULL,
  outcome      TEXT NOT NULL,
  archive_path TEXT NOT NULL
) STRICT;
CREATE INDEX report_seen ON report (seen_at);

CREATE TABLE setting (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
)sql";

constexpr std::string_view kVersion2 = R"sql(
ALTER TABLE healthy ADD COLUMN was_empty INTEGER NOT NULL DEFAULT 0;
)sql";

// When a file of the vault was last read again and hashed, and since when it is known to be damaged (NULL: it is not).
constexpr std::string_view kVersion3 = R"sql(
ALTER TABLE healthy ADD COLUMN verified_at INTEGER;
ALTER TABLE healthy ADD COLUMN damaged_at INTEGER;
ALTER TABLE healthy ADD COLUMN damage TEXT NOT NULL DEFAULT '';
ALTER TABLE healthy ADD COLUMN damaged_ino INTEGER NOT NULL DEFAULT 0;
ALTER TABLE held ADD COLUMN verified_at INTEGER;
ALTER TABLE held ADD COLUMN damaged_at INTEGER;
ALTER TABLE held ADD COLUMN damage TEXT NOT NULL DEFAULT '';
)sql";

// The cycles of days that have more than one, each with its newest verdict; `daily` has the worst of them. A cycle is its due time, or 0.
constexpr std::string_view kVersion4 = R"sql(
CREATE TABLE daily_cycle (
  target INTEGER NOT NULL REFERENCES target (id),
  date   TEXT NOT NULL,
  cycle  INTEGER NOT NULL,
  at INTEGER NOT NULL, status TEXT NOT NULL, severity TEXT NOT NULL, reason_code TEXT NOT NULL, reason TEXT NOT NULL,
  due INTEGER, backup_at INTEGER, file TEXT NOT NULL, size_bytes INTEGER, sha256 TEXT NOT NULL, run TEXT NOT NULL,
  duration_ms INTEGER, evidence TEXT NOT NULL,
  PRIMARY KEY (target, date, cycle)
) STRICT, WITHOUT ROWID;
)sql";

// Alerts. Lists are a line each (lists.h); the mail itself is the last column, so that a list of mails does not read it.
constexpr std::string_view kVersion5 = R"sql(
CREATE TABLE incident (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  target      INTEGER NOT NULL REFERENCES target (id),
  status      TEXT NOT NULL,
  severity    TEXT NOT NULL,
  reason_code TEXT NOT NULL,
  reason      TEXT NOT NULL,
  problem_at  INTEGER NOT NULL,
  opened_at   INTEGER NOT NULL,
  closed_at   INTEGER,
  bad_in_row  INTEGER NOT NULL,
  said        TEXT,
  said_at     INTEGER NOT NULL,
  at_once     INTEGER NOT NULL,
  reminders   INTEGER NOT NULL,
  told        TEXT NOT NULL,
  cause       TEXT NOT NULL,
  thread      TEXT NOT NULL,
  acked_by    TEXT NOT NULL,
  note        TEXT NOT NULL,
  acked_at    INTEGER,
  turns       TEXT NOT NULL,
  flapping    INTEGER NOT NULL,
  changed_at  INTEGER NOT NULL,
  next_at     INTEGER
) STRICT;
CREATE INDEX incident_target ON incident (target, id);
CREATE INDEX incident_open ON incident (id) WHERE closed_at IS NULL;
CREATE INDEX incident_thread ON incident (thread, id) WHERE thread <> '';
CREATE INDEX incident_flapping ON incident (id) WHERE flapping = 1;
CREATE INDEX incident_next ON incident (next_at, id) WHERE next_at IS NOT NULL;
CREATE INDEX incident_opened ON incident (opened_at);
CREATE INDEX incident_closed ON incident (closed_at) WHERE closed_at IS NOT NULL;

CREATE TABLE notice (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  incident    INTEGER NOT NULL,
  target      INTEGER NOT NULL REFERENCES target (id),
  recipient   TEXT NOT NULL,
  word        TEXT NOT NULL,
  at_once     INTEGER NOT NULL,
  from_status TEXT NOT NULL,
  to_status   TEXT NOT NULL,
  severity    TEXT NOT NULL,
  at          INTEGER NOT NULL,
  text        TEXT NOT NULL,
  facts       TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX notice_one ON notice (incident, recipient, at_once);
CREATE INDEX notice_kind ON notice (at_once, id);

CREATE TABLE mail (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  kind        TEXT NOT NULL,
  message_id  TEXT NOT NULL,
  recipient   TEXT NOT NULL,
  subject     TEXT NOT NULL,
  state       TEXT NOT NULL,
  attempts    INTEGER NOT NULL,
  created_at  INTEGER NOT NULL,
  next_at     INTEGER NOT NULL,
  give_up_at  INTEGER NOT NULL,
  lease_until INTEGER,
  lease_by    TEXT NOT NULL,
  ended_at    INTEGER,
  code        INTEGER NOT NULL,
  last_error  TEXT NOT NULL,
  incidents   TEXT NOT NULL,
  bytes       TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX mail_message ON mail (message_id, recipient);
CREATE INDEX mail_state ON mail (state, id);
CREATE INDEX mail_waiting ON mail (next_at, id) WHERE state = 'waiting';
CREATE INDEX mail_leased ON mail (lease_until) WHERE state = 'leased';
CREATE INDEX mail_recipient ON mail (recipient, kind, created_at);
CREATE INDEX mail_ended ON mail (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE silence (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  targets   TEXT NOT NULL,
  kinds     TEXT NOT NULL,
  labels    TEXT NOT NULL,
  since     INTEGER,
  until     INTEGER,
  windows   TEXT NOT NULL,
  timezone  TEXT NOT NULL,
  reason    TEXT NOT NULL,
  by        TEXT NOT NULL,
  at        INTEGER NOT NULL,
  origin    TEXT NOT NULL
) STRICT;
CREATE INDEX silence_until ON silence (until) WHERE until IS NOT NULL;

CREATE TABLE expectation (
  target     INTEGER PRIMARY KEY REFERENCES target (id),
  size_bytes INTEGER NOT NULL,
  at         INTEGER NOT NULL,
  by         TEXT NOT NULL,
  note       TEXT NOT NULL
) STRICT;
)sql";

// Outlets: where a backup lies, the inventory as it was last read, and where a folder was last found. Labels are a list (lists.h).
constexpr std::string_view kVersion6 = R"sql(
ALTER TABLE current ADD COLUMN place TEXT NOT NULL DEFAULT '';
ALTER TABLE verdict ADD COLUMN place TEXT NOT NULL DEFAULT '';
ALTER TABLE daily ADD COLUMN place TEXT NOT NULL DEFAULT '';
ALTER TABLE daily_cycle ADD COLUMN place TEXT NOT NULL DEFAULT '';

CREATE TABLE outlet (
  key     TEXT PRIMARY KEY,   -- the code in lower case
  code    TEXT NOT NULL,
  name    TEXT NOT NULL,
  address TEXT NOT NULL,
  active  INTEGER NOT NULL,
  labels  TEXT NOT NULL,
  gone_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX outlet_gone ON outlet (gone_at) WHERE gone_at IS NOT NULL;

CREATE TABLE remembered_share (
  target INTEGER PRIMARY KEY REFERENCES target (id),
  share  TEXT NOT NULL,
  at     INTEGER NOT NULL
) STRICT;
)sql";

// The verdict whose evidence it is, where the row has none itself.
constexpr std::string_view kVersion7 = R"sql(
ALTER TABLE current ADD COLUMN told_by INTEGER;
ALTER TABLE daily ADD COLUMN told_by INTEGER;
)sql";

constexpr std::array kMigrations{Migration{1, kVersion1}, Migration{2, kVersion2}, Migration{3, kVersion3}, Migration{4, kVersion4},
                                 Migration{5, kVersion5}, Migration{6, kVersion6}, Migration{7, kVersion7}};

Result<void> apply(sql::Connection& connection, const Migration& step) {
    auto transaction = sql::Transaction::begin(connection, sql::Transaction::Kind::write);
    if (!transaction) return fail(transaction.error());
    const auto marks = fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {};", kApplicationId, step.version);
    if (auto r = connection.execute(step.sql.data()); !r) return fail(in(fmt::format("migration {}", step.version), std::move(r.error())));
    if (auto r = connection.execute(marks.c_str()); !r) return fail(std::move(r.error()));
    return transaction->commit();
}

}  // namespace

std::span<const Migration> migrations() { return kMigrations; }

Result<int> schema_version(sql::Connection& connection, int known) {
    const auto application = connection.number("PRAGMA application_id");
    if (!application) return fail(application.error());
    const auto version = connection.number("PRAGMA user_version");
    if (!version) return fail(version.error());
    const auto tables = connection.number("SELECT EXISTS (SELECT 1 FROM sqlite_schema)");
    if (!tables) return fail(tables.error());
    const bool is_new = *application == 0 && *version == 0 && *tables == 0;
    if (!is_new && *application != kApplicationId) return fail(Errc::invalid, "is a database of another program; name another file in history.path");
    if (*version > known)
        return fail(Errc::invalid,
                    fmt::format("was written by a newer bkmond (schema {}, this one knows up to {}); install that version again", *version, known));
    return static_cast<int>(*version);
}

Result<void> migrate(sql::Connection& connection, std::span<const Migration> steps) {
    const auto version = schema_version(connection, steps.back().version);
    if (!version) return fail(version.error());
    for (const auto& step : steps)
        if (step.version > *version)
            if (auto r = apply(connection, step); !r) return r;
    return {};
}

}  // namespace bkmon::history

-- A history as the first schema left it. Never edited: what was written once must stay readable.
PRAGMA application_id = 1651207534;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
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
INSERT INTO "audit" VALUES(1,1700000000000,1001,42,'alice','m','{}','ok');
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
INSERT INTO "current" VALUES(1,1700000000000,1700000000000,1700000000500,1690000000000,1700000000500,'unchanged','WARNING','same_content','Same.',1700000000000,1699990000000,'f.gz',1234,'aa','r1',1500,'{"a":1}');
INSERT INTO "current" VALUES(2,1700000000000,NULL,NULL,1690000000000,1700000000000,'unknown','UNKNOWN','first_due','None yet.',NULL,NULL,'',NULL,'','',NULL,'{}');
CREATE TABLE daily (
  date   TEXT NOT NULL,
  target INTEGER NOT NULL REFERENCES target (id),
  at INTEGER NOT NULL, status TEXT NOT NULL, severity TEXT NOT NULL, reason_code TEXT NOT NULL, reason TEXT NOT NULL,
  due INTEGER, backup_at INTEGER, file TEXT NOT NULL, size_bytes INTEGER, sha256 TEXT NOT NULL, run TEXT NOT NULL,
  duration_ms INTEGER, evidence TEXT NOT NULL,
  PRIMARY KEY (date, target)
) STRICT, WITHOUT ROWID;
INSERT INTO "daily" VALUES('2023-11-14',1,1700000000500,'unchanged','WARNING','same_content','Same.',1700000000000,1699990000000,'f.gz',1234,'aa','r1',1500,'{"a":1}');
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
INSERT INTO "deposit_state" VALUES('t1','ready',1,'Agent','f.gz',1,2,3,4,5,'aa','STATUS.json','rr','tmp','agent/db/f.gz','',7,0,'','{}');
CREATE TABLE event (
  seq    INTEGER PRIMARY KEY AUTOINCREMENT,
  at     INTEGER NOT NULL,
  type   TEXT NOT NULL,
  target INTEGER REFERENCES target (id),
  run    TEXT NOT NULL,
  body   TEXT NOT NULL
) STRICT;
INSERT INTO "event" VALUES(1,1700000000000,'verdict',1,'r0','{}');
INSERT INTO "event" VALUES(2,1700000000500,'daemon',NULL,'','{}');
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
INSERT INTO "healthy" VALUES(1,1,'aa',1234,5000,1699990000000,1700000000000,'agent/db/f.gz',1,NULL,0);
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
INSERT INTO "held" VALUES(1,'bb',9,'.held/x','agent/db/x',1700000000000,NULL,'size_band','Small.','{}');
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
INSERT INTO "judged" VALUES(1,NULL,'Agent','rr','','','failed','report_invalid',1700000000000,NULL);
CREATE TABLE pause (
  target INTEGER PRIMARY KEY REFERENCES target (id),
  by     TEXT NOT NULL,
  reason TEXT NOT NULL,
  since  INTEGER NOT NULL,
  until  INTEGER
) STRICT;
INSERT INTO "pause" VALUES(2,'alice','moving',1700000000000,NULL);
CREATE TABLE report (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  agent        TEXT NOT NULL,
  file         TEXT NOT NULL,
  sha256       TEXT NOT NULL,
  seen_at      INTEGER NOT NULL,
  outcome      TEXT NOT NULL,
  archive_path TEXT NOT NULL
) STRICT;
INSERT INTO "report" VALUES(1,'Agent','STATUS.json','rr',1700000000000,'used','2023/rr');
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
INSERT INTO "run" VALUES(1,'r1','intake','deposit/Agent/DB','done',1700000000000,1700000000500,1,1,'');
CREATE TABLE schedule_state (
  id             TEXT PRIMARY KEY,
  last_at        INTEGER,
  last_result    TEXT NOT NULL,
  last_evaluated INTEGER
) STRICT, WITHOUT ROWID;
INSERT INTO "schedule_state" VALUES('s',1700000000000,'done',1700000000001);
CREATE TABLE setting (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "setting" VALUES('vault','marker');
CREATE TABLE target (
  id   INTEGER PRIMARY KEY,
  key  TEXT NOT NULL UNIQUE,    -- lower case
  name TEXT NOT NULL,           -- as it is spelled
  kind TEXT NOT NULL
) STRICT;
INSERT INTO "target" VALUES(1,'deposit/agent/db','deposit/Agent/DB','deposit');
INSERT INTO "target" VALUES(2,'bkmon/vault','bkmon/vault','bkmon');
CREATE TABLE verdict (
  id     INTEGER PRIMARY KEY AUTOINCREMENT,
  target INTEGER NOT NULL REFERENCES target (id),
  at INTEGER NOT NULL, status TEXT NOT NULL, severity TEXT NOT NULL, reason_code TEXT NOT NULL, reason TEXT NOT NULL,
  due INTEGER, backup_at INTEGER, file TEXT NOT NULL, size_bytes INTEGER, sha256 TEXT NOT NULL, run TEXT NOT NULL,
  duration_ms INTEGER, evidence TEXT NOT NULL
) STRICT;
INSERT INTO "verdict" VALUES(1,1,1700000000000,'ok','OK','promoted','Fine.',1700000000000,1699990000000,'f.gz',1234,'aa','r0',100,'{}');
INSERT INTO "verdict" VALUES(2,1,1700000000500,'unchanged','WARNING','same_content','Same.',1700000000000,1699990000000,'f.gz',1234,'aa','r1',1500,'{"a":1}');
CREATE INDEX verdict_at ON verdict (at);
CREATE INDEX verdict_target ON verdict (target, at);
CREATE INDEX verdict_status ON verdict (status, at);
CREATE INDEX daily_target ON daily (target, date);
CREATE INDEX event_at ON event (at);
CREATE INDEX run_ended ON run (ended_at);
CREATE INDEX run_active ON run (state) WHERE state IN ('queued', 'running');
CREATE INDEX audit_at ON audit (at);
CREATE INDEX healthy_target ON healthy (target, promoted_at);
CREATE INDEX healthy_hash ON healthy (target, sha256);
CREATE INDEX healthy_file ON healthy (id) WHERE vault_path <> '';
CREATE INDEX judged_key ON judged (report_sha256, target, agent, file_identity);
CREATE INDEX judged_agent ON judged (agent, at);
CREATE INDEX judged_at ON judged (at);
CREATE INDEX report_seen ON report (seen_at);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('verdict',2);
INSERT INTO "sqlite_sequence" VALUES('event',2);
INSERT INTO "sqlite_sequence" VALUES('run',1);
INSERT INTO "sqlite_sequence" VALUES('audit',1);
INSERT INTO "sqlite_sequence" VALUES('healthy',1);
INSERT INTO "sqlite_sequence" VALUES('judged',1);
INSERT INTO "sqlite_sequence" VALUES('report',1);
COMMIT;

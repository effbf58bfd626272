#!/usr/bin/python3
"""Judges what a crash or a fault left of a vault and its history. It shares no code with bkmond and knows the promises alone: reads the history with
Python's sqlite3, the vault with hashlib.

vault_checker.py HOME EXPECTED.json [crashed|settled]     exit status 1 and a line for each violation

HOME holds deposits/, vault/ and state/. EXPECTED: {target: {"final": path in the vault, "had": [SHA-256 that were healthy before], "new": [SHA-256 that
were deposited since], "acked": [SHA-256 that bkmond called ok], "now": SHA-256 that must be the current one in the end}}.
crashed: at any instant, nobody running. settled: bkmond was started again and came to rest."""
import hashlib
import json
import os
import pathlib
import shutil
import sqlite3
import stat
import sys
import tempfile

OURS = (".tmp", ".held", ".versions", ".quarantine")


def sha256(path):
    h = hashlib.sha256()
    with open(path, "rb") as f:
        for block in iter(lambda: f.read(1 << 20), b""):
            h.update(block)
    return h.hexdigest()


def files_below(folder):
    """{relative path: SHA-256} of all that is no directory; what is no plain file has none."""
    found = {}
    for at, folders, names in os.walk(folder):
        for name in names:
            path = os.path.join(at, name)
            found[os.path.relpath(path, folder)] = sha256(path) if stat.S_ISREG(os.lstat(path).st_mode) else None
    return found


def history(state):
    """{table: [row as dict]} of a copy: opening the real one would mend it."""
    source = pathlib.Path(state) / "history.db"
    if not source.exists():
        return None
    with tempfile.TemporaryDirectory(prefix="bkmon-test.checker.") as folder:
        for suffix in ("", "-wal"):
            if pathlib.Path(f"{source}{suffix}").exists():
                shutil.copyfile(f"{source}{suffix}", f"{folder}/h{suffix}")
        db = sqlite3.connect(f"{folder}/h")
        db.row_factory = sqlite3.Row
        try:
            said = db.execute("PRAGMA integrity_check").fetchone()[0]
            if said != "ok":
                raise sqlite3.DatabaseError(said)
            tables = {}
            for table in ("verdict", "current", "judged", "healthy", "held", "deposit_state", "run"):
                named = "" if table == "run" else "LEFT JOIN target ON target.id = t.target"
                tables[table] = [dict(row) for row in db.execute(f"SELECT t.*{'' if table == 'run' else ', target.key'} FROM {table} t {named}")]
            return tables
        finally:
            db.close()


class Judgement:
    def __init__(self, home, expected):
        self.home, self.expected = pathlib.Path(home), expected
        self.vault = files_below(self.home / "vault")
        self.bad = []
        try:
            self.rows = history(self.home / "state")
        except sqlite3.DatabaseError as e:
            self.rows = None
            self.bad.append(f"the history is damaged: {e}")
        self.tables = self.rows or {}

    def of(self, table, target):
        return [row for row in self.tables.get(table, []) if row["key"] == target]

    def final_files(self):
        return {path: sha for path, sha in self.vault.items() if path.split("/")[0] not in OURS and not path.startswith(".bkmon-")}

    def need(self, holds, words):
        if not holds:
            self.bad.append(words)

    def crashed(self):
        """R1 and R2 at every instant."""
        kept = set(self.vault.values())
        allowed = {sha for e in self.expected.values() for sha in [*e["had"], *e.get("new", [])]}
        for path, sha in self.final_files().items():
            self.need(sha in allowed, f"R1: '{path}' is no backup that was ever complete")
        for target, e in self.expected.items():
            healthy = set(e["had"]) | set(e.get("new", []))
            if e["had"]:
                self.need(kept & healthy, f"R2: no complete healthy version of {target} is in the vault")
                self.need(e["final"] in self.vault, f"R2: nothing lies under '{e['final']}'")
            under_way = {row["claimed_sha256"] for row in self.of("deposit_state", target) if row["phase"] == "ready"}
            for row in self.of("healthy", target):
                if row["current"]:
                    self.need(self.vault.get(row["vault_path"]) in {row["sha256"], *under_way}, f"R1: '{row['vault_path']}' is not what is recorded")
            self.greens(target, e)

    def greens(self, target, e):
        """What was called ok is there: neither a false green nor a lost backup."""
        kept = set(self.vault.values())
        for row in self.of("current", target):
            if row["status"] == "ok":
                self.need(row["sha256"] in kept, f"false green: {target} is ok with {row['sha256'][:8]}, which is not in the vault")
        for sha in e.get("acked", []):
            self.need(sha in kept, f"R3: {sha[:8]} of {target} was acknowledged and is not in the vault")
            if self.rows is not None:
                self.need(any(r["sha256"] == sha for r in self.of("healthy", target)), f"R3: the history forgot the acknowledged {sha[:8]} of {target}")
                self.need(any(r["sha256"] == sha and r["status"] == "ok" for r in self.of("verdict", target)), f"R3: no verdict on the acknowledged {sha[:8]}")

    def settled(self):
        """R4: every row has its file, every file its row, each deposit one verdict, and nothing is left over."""
        self.need(self.rows is not None, "there is no history")
        self.need(not self.tables.get("deposit_state"), f"R4: rows of promotions under way: {[(r['phase'], r['tx'][:6]) for r in self.tables.get('deposit_state', [])]}")
        rows = {}
        for target, e in self.expected.items():
            rows.update(self.target_settled(target, e))
            self.greens(target, e)
        for path, sha in self.vault.items():
            if not path.startswith(".bkmon-"):
                self.need(rows.get(path) == sha, f"R4: stranded in the vault: '{path}' ({str(sha)[:8]}; the history says {str(rows.get(path))[:8]})")
        extra = [p for p in self.vault if p.startswith(".bkmon-") and p != ".bkmon-vault"]
        self.need(not extra, f"R4: left over: {extra}")
        self.need(not [r for r in self.tables.get("run", []) if r["state"] in ("queued", "running")], "R4: a run that nobody runs")
        left = [p for p in files_below(self.home / "deposits") if p.split("/")[1:2] == ["database"]]
        self.need(not left, f"R4: left with the agents: {left}")

    def target_settled(self, target, e):
        """The files that the history says are there: {path: SHA-256}."""
        there = {}
        healthy, current = self.of("healthy", target), [r for r in self.of("healthy", target) if r["current"]]
        self.need(len(current) == 1, f"R4: {target} has {len(current)} current backups")
        for row in healthy:
            if not row["vault_path"]:
                continue
            there[row["vault_path"]] = row["sha256"]
            path = self.home / "vault" / row["vault_path"]
            self.need(self.vault.get(row["vault_path"]) == row["sha256"], f"R1: '{row['vault_path']}' is not what is recorded")
            if path.is_file():
                st = path.stat()
                self.need((st.st_mode & 0o7777, st.st_nlink, st.st_size) == (0o440, 1, row["size_bytes"]), f"R1: '{row['vault_path']}' has mode {st.st_mode:o}, {st.st_nlink} names, {st.st_size} bytes")
        for row in self.of("held", target):
            there[row["path"]] = row["sha256"]
        for row in current:
            self.need(row["vault_path"] == e["final"], f"R4: the current backup of {target} lies at '{row['vault_path']}'")
        if "now" in e:
            self.need([r["sha256"] for r in current] == [e["now"]], f"R4: {target} did not reach the state after: {[r['sha256'][:8] for r in current]}, not {e['now'][:8]}")
            self.need([(r["status"], r["sha256"]) for r in self.of("current", target)] == [("ok", e["now"])], f"R4: {target} is shown as {[(r['status'], r['sha256'][:8]) for r in self.of('current', target)]}")
            # Replaced a moment ago: each is kept, and each has been judged once.
            wanted = sorted({*e["had"], *e.get("new", [])})
            self.need(sorted(r["sha256"] for r in healthy if r["vault_path"]) == wanted, f"R4: {target} has {[(r['vault_path'], r['sha256'][:8]) for r in healthy]}, deposited were {[s[:8] for s in wanted]}")
            for table in ("verdict", "judged"):
                sha = "sha256" if table == "verdict" else "file_sha256"
                shas = sorted(r[sha] for r in self.of(table, target) if r["status"] == "ok")
                self.need(shas == wanted, f"R4: {len(shas)} rows of {table} for {len(wanted)} deposits of {target}: {[s[:8] for s in shas]}")
        return there


def judge(home, expected, moment):
    """The violations, as sentences."""
    judgement = Judgement(home, expected)
    getattr(judgement, moment)()
    return judgement.bad


def main(arguments):
    home, expected, *moment = arguments
    bad = judge(home, json.loads(pathlib.Path(expected).read_text()), moment[0] if moment else "settled")
    for line in bad:
        print(line)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Judges a vault from outside: hashlib and sqlite3, nothing of bkmon. A process of its own, vault_oracle.py VAULT HISTORY.

Reads commands, a JSON object a line: {"declare": {target: [sha256, ...]}} adds what agents declared; {"rest": seconds} judges everything
against the history once no intake is under way, and answers with an object. In between it looks at the vault again and again while bkmond works:
every file under a final name is whole and one of the declared ones, and a target that had one has one."""
import hashlib
import json
import os
import pathlib
import select
import sqlite3
import sys
import time


class Oracle:
    def __init__(self, vault, history):
        self.vault, self.history = pathlib.Path(vault), history
        self.declared, self.known, self.had = {}, {}, set()
        self.violations, self.hashed, self.looks = [], 0, 0

    def wrong(self, sentence):
        if len(self.violations) < 100:
            self.violations.append(sentence)

    def digest(self, path):
        """(stat, sha256) of what is there now, or None."""
        try:
            with open(path, "rb") as f:
                st = os.fstat(f.fileno())
                h = hashlib.sha256()
                while block := f.read(1 << 20):
                    h.update(block)
        except OSError:
            return None
        self.hashed += 1
        return st, h.hexdigest()

    def finals(self):
        """{target: [path]} of what lies under final names: <agent>/<database>/<file>."""
        found = {}
        for agent in os.scandir(self.vault):
            if agent.name.startswith(".") or not agent.is_dir(follow_symlinks=False):
                continue
            for database in os.scandir(agent.path):
                files = [e.path for e in os.scandir(database.path)]
                found[f"deposit/{agent.name}/{database.name}".lower()] = files
        return found

    def live(self):
        self.looks += 1
        found = self.finals()
        for target in self.had:
            if not found.get(target) and not self.finals().get(target):  # twice: a list is not one instant
                self.wrong(f"{target}: its last healthy backup is not there")
        for target, files in found.items():
            if files:
                self.had.add(target)
            for path in files:
                try:
                    st = os.lstat(path)
                except FileNotFoundError:
                    continue
                key = (st.st_dev, st.st_ino, st.st_size, st.st_mtime_ns, st.st_ctime_ns)
                if self.known.get(path) == key:
                    continue
                got = self.digest(path)
                if got is None:
                    continue
                self.known[path] = key
                if got[1] not in self.declared.get(target, ()):
                    self.wrong(f"{path}: {got[1]} was never declared")

    def rows(self):
        db = sqlite3.connect(f"file:{self.history}?mode=ro", uri=True, timeout=10)
        try:
            db.execute("BEGIN")
            busy = db.execute("SELECT count(*) FROM deposit_state").fetchone()[0]
            healthy = db.execute("SELECT t.key, h.sha256, h.size_bytes, h.vault_path, h.current FROM healthy h JOIN target t ON t.id = h.target").fetchall()
            held = db.execute("SELECT t.key, h.sha256, h.path FROM held h JOIN target t ON t.id = h.target").fetchall()
            return busy, healthy, held
        finally:
            db.close()

    def rest(self, seconds):
        """What the history and the vault say of each other when nothing moves: tried again for a while, as an end may be under way."""
        end = time.monotonic() + seconds
        while True:
            found = self.compare()
            if not found or time.monotonic() > end:
                break
            time.sleep(0.2)
        for sentence in found:
            self.wrong(sentence)
        self.live()
        return {"violations": self.violations, "hashed": self.hashed, "looks": self.looks, "targets": len(self.had)}

    def compare(self):
        busy, healthy, held = self.rows()
        if busy:
            return [f"{busy} intakes have not ended"]
        found, named = [], set()
        for target, sha, size, path, current in healthy:
            if not path:
                if current:
                    found.append(f"{target}: the current one has no file")
                continue
            named.add(path)
            got = self.digest(self.vault / path)
            if got is None:
                found.append(f"{target}: {path} is recorded and not there")
            elif got[1] != sha:
                found.append(f"{target}: {path} has {got[1]}, recorded is {sha}")
            elif sha not in self.declared.get(target, ()):
                found.append(f"{target}: {path} holds {sha}, which was never declared")
            elif (got[0].st_size, got[0].st_nlink, got[0].st_mode & 0o7777) != (size, 1, 0o440):
                found.append(f"{target}: {path} is {got[0]}")
        for target in self.had:
            if not [h for h in healthy if h[0] == target and h[4]]:
                found.append(f"{target}: had a healthy backup and has none")
        for target, sha, path in held:
            named.add(path)
            got = self.digest(self.vault / path)
            if got is None or got[1] != sha:
                found.append(f"{target}: held {path} is not what is recorded")
        for path in self.vault.rglob("*"):
            name = str(path.relative_to(self.vault))
            if path.is_dir() or name.startswith(".bkmon"):
                continue
            if path.is_symlink() or not path.is_file() or name not in named:
                found.append(f"{name} lies in the vault and nobody knows it")
        return found


def main():
    oracle = Oracle(*sys.argv[1:3])
    commands = open(0, "rb", buffering=0)  # what is buffered would not be seen by select
    while True:
        ready, _, _ = select.select([commands], [], [], 0.03)
        if not ready:
            oracle.live()
            continue
        line = commands.readline()
        if not line:
            return
        command = json.loads(line)
        for target, shas in command.get("declare", {}).items():
            oracle.declared.setdefault(target, set()).update(shas)
        if "rest" in command:
            print(json.dumps(oracle.rest(command["rest"])), flush=True)


if __name__ == "__main__":
    main()

"""Thousands of random deposits whose agents write, truncate, map, swap and relink the files and reports through every step of the intake.
An oracle that shares nothing with bkmond hashes the vault all the time. BKMON_SEED gives the same deposits again."""
import gzip
import io
import json
import lzma
import os
import pathlib
import random
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from harness import FULL, PROGRAMS, SOURCE, Case, Daemon, dump, fact, jobs, main, seed, sha256  # noqa: E402

DEPOSITS = 10000 if FULL else 150
AGENTS, DATABASES = (40, 6) if FULL else (25, 3)
THREADS = 6
ATTACK_MS = 1200
PARTS = {"BACKUP": "backup_process", "COMPRESS": "compress_process", "TRANSFER": "transfer_process"}


def moment(at, dialect):
    text = time.strftime("%Y-%m-%d %H:%M:%S.000000" if dialect == "text" else "%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
    return text


def in_dialect(rng, dialect, agent, at, files):
    """A report of one of the three dialects. files: {database: (name, bytes)}."""
    when = moment(at, dialect)
    databases = {}
    for name, (file, data) in files.items():
        entry = {}
        for part, old in PARTS.items():
            sha = sha256(data).upper() if rng.random() < 0.2 else sha256(data)
            proof = {} if part == "TRANSFER" else {"sha256_checksum": sha, "size": len(data)}
            if dialect == "older":
                proof = {{"size": "size_bytes"}.get(k, k): v for k, v in proof.items()}
                entry[old] = {"status": True, f"{old.split('_')[0]}_process_start_time": when, "timestamp": when, **proof}
            elif dialect == "text":
                proof = {{"sha256_checksum": "sha256"}.get(k, k): str(v) for k, v in proof.items()}
                entry[part] = {"status": "True", "start_time": when, "end_time": when, "error_message": "null", **proof}
            else:
                entry[part] = {"status": True, "start_time": when, "end_time": when, **proof}
        entry["staged_file_name"] = f"/home/agent/Backup/{file}" if dialect == "text" else file
        entry["logs_summary"] = ""
        databases[name] = entry
    end = {"older": "operation_timestamp"}.get(dialect, "operation_end_time")
    frame = {"operation_start_time": when, end: when, "agent_id": agent.lower() if rng.random() < 0.3 else agent, "databases": databases}
    if dialect != "text":
        frame["overall_status"] = "completed"
    return json.dumps(frame, indent=rng.choice((None, 2))).encode()


def backup(rng, kind):
    """(extension, bytes) of a healthy backup of 1 to 200 KiB; one in fifty is larger."""
    size = rng.randrange(2 << 20, 8 << 20) if rng.random() < 0.02 else rng.randrange(1 << 10, 200 << 10)
    text = rng.randbytes(8).hex()
    noise = rng.randbytes(size)
    if kind == "opaque":
        return ".bin", noise
    if kind == "sqlite":
        with tempfile.NamedTemporaryFile() as f:
            db = sqlite3.connect(f.name)
            db.execute("CREATE TABLE t (a, b)")
            db.execute("INSERT INTO t VALUES (?, ?)", (text, noise))
            db.commit()
            db.close()
            return ".sqlite", pathlib.Path(f.name).read_bytes()
    if kind == "tar":
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as tar:
            info = tarfile.TarInfo("data.bin")
            info.size = len(noise)
            tar.addfile(info, io.BytesIO(noise))
        return ".tar.gz", gzip.compress(out.getvalue(), 1)
    sql = dump(rows=5, text=text).replace(b"-- Dump completed", b"INSERT INTO `t0` VALUES (9,'" + noise.hex().encode()[:size] + b"');\n-- Dump completed")
    if kind == "plain":
        return ".sql", sql
    if kind == "xz":
        return ".sql.xz", lzma.compress(sql, preset=0)
    if kind == "zstd":
        return ".sql.zst", subprocess.run(["zstd", "-q", "-1", "--check", "-c"], input=sql, capture_output=True, check=True).stdout
    return ".sql.gz", gzip.compress(sql, 1)


def damaged(rng, data):
    """Other bytes that no report declares: mostly of the same size."""
    bad = bytearray(data)
    how = rng.randrange(6)
    if how == 0:
        return bytes(bad[:rng.randrange(len(bad))])
    if how == 1:
        return bytes(bad) + rng.randbytes(rng.randrange(1, 5000))
    if how == 2:
        return bytes(len(bad))
    if how == 3:
        return rng.randbytes(len(bad))
    at = rng.randrange(len(bad))
    bad[at] ^= 1 << rng.randrange(8)
    return bytes(bad)


class Oracle:
    def __init__(self, case, d):
        self.process = subprocess.Popen([sys.executable, str(SOURCE / "tests/support/vault_oracle.py"), str(d.vault), str(d.state / "history.db")],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        case.addCleanup(self.end)

    def end(self):
        self.process.kill()
        self.process.communicate()

    def tell(self, **command):
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()

    def judge(self, seconds=10):
        self.tell(rest=seconds)
        return json.loads(self.process.stdout.readline())


class DepositRace(Case):
    def setUp(self):
        self.seed = seed()
        self.rng = random.Random(self.seed)
        self.counts = {"deposits": 0, "promoted": 0, "hostile_acts": 0, "files_hashed": 0, "looks_during_intakes": 0, "violations": 0}

    def places(self):
        """Where the folders lie: their file system decides whether the copy is a clone."""
        yield "disk", self.folder()
        if not FULL:
            return
        memory = pathlib.Path(tempfile.mkdtemp(prefix="bkmon-test.", dir="/dev/shm"))
        self.addCleanup(shutil.rmtree, memory, ignore_errors=True)
        yield "tmpfs", memory
        image, mounted = self.folder() / "xfs", self.folder()
        with open(image, "wb") as f:
            f.truncate(4 << 30)
        subprocess.run(["mkfs.xfs", "-q", "-m", "reflink=1", str(image)], check=True)
        if os.geteuid() != 0 or subprocess.run(["mount", "-o", "loop", str(image), str(mounted)], capture_output=True).returncode != 0:
            self.skipTest("an xfs on a loop device needs root and a kernel that has both: the deposits on disk and in memory were in order")
        self.addCleanup(lambda: subprocess.run(["umount", "-l", str(mounted)], capture_output=True))
        yield "xfs", mounted

    def test_ten_thousand_hostile_deposits(self):
        started, kinds = time.monotonic(), 3 if FULL else 1
        for _, home in self.places():
            self.on(home, -(-DEPOSITS // kinds))
        fact("hostile_deposits", self.counts, time.monotonic() - started)

    def on(self, home, deposits):
        d = self.daemon(home)
        oracle = Oracle(self, d)
        for n in range(-(-deposits // (AGENTS * DATABASES))):
            self.batch(d, oracle, n)
            self.assertIsNone(d.process.poll(), d.text()[-5000:])
        found = oracle.judge(30)
        self.assertEqual(found["violations"], [], f"BKMON_SEED={self.seed}\n{d.text()[-3000:]}")
        self.assertGreaterEqual(found["targets"], len(self.well))
        self.counts["files_hashed"] += found["hashed"]
        self.counts["looks_during_intakes"] += found["looks"]
        db = sqlite3.connect(f"file:{d.state}/history.db?mode=ro", uri=True)
        self.counts["promoted"] += db.execute("SELECT count(*) FROM healthy").fetchone()[0]
        db.close()
        self.assertEqual({p.name: p.read_bytes() for p in self.outside.iterdir()}, {"canary": b"CANARY"}, "something outside of the roots was touched")
        oracle.end()
        d.stop()
        shutil.rmtree(home / "deposits")
        shutil.rmtree(home / "vault")

    def daemon(self, home):
        self.agents = [f"CO_CITY{i}_D{i}" for i in range(AGENTS)]
        self.well = set()
        self.outside = home / "outside"
        self.outside.mkdir()
        (self.outside / "canary").write_bytes(b"CANARY")
        self.stage = home / "stage"
        self.stage.mkdir()
        lines = []
        self.content = {}
        for agent in self.agents:
            for i in range(DATABASES):
                kind = self.content[agent, i] = self.rng.choice(("gzip", "gzip", "zstd", "xz", "plain", "sqlite", "tar", "opaque"))
                lines.append(f"{{agent: {agent}, database: DB{i}, content: {'opaque' if kind == 'opaque' else 'auto'}, keep: {self.rng.randrange(1, 3)}}}")
        d = Daemon(self, home=home)
        d.configure("  rescan: 5s\n" + jobs(*lines, schedule="none", deadline="4s", keep_replaced="3s", gates="{database: false, size: false}"))
        return d.start()

    def batch(self, d, oracle, n):
        rng, at = self.rng, int(time.time())
        plan, cases, declared = [], [], {}
        for agent in self.agents:
            folder = d.agent(agent)
            for part in ("database", "log"):  # what the last one left
                for left in (folder / part).iterdir():
                    left.rmdir() if left.is_dir() and not left.is_symlink() else left.unlink()
            dialect = rng.choice(("current", "older", "text"))
            files_a, files_b = {}, {}
            for i in range(DATABASES):
                ext, a = backup(rng, self.content[agent, i])
                b = backup(rng, self.content[agent, i])[1]
                file = rng.choice((f"db{i}{ext}", f"db{i}_{n}{ext}"))
                files_a[f"DB{i}"], files_b[f"DB{i}"] = (file, a), (file, b)
                mode = rng.choice(("good", "good", "good", "lurk", "lurk", "bad", "open"))
                target = f"deposit/{agent}/db{i}".lower()
                declared[target] = [sha256(a), sha256(b)]
                plan.append(self.victim(mode, folder / "database" / file, a, b, damaged(rng, a)))
                cases.append((target, mode, sha256(a)))
            text_a, text_b = (in_dialect(rng, dialect, agent, when, files) for when, files in ((at, files_a), (at - 1, files_b)))
            name = rng.choice(("STATUS.json", f"{n}_{agent}.json"))
            plan.append(self.victim("good", folder / "log" / name, text_a, text_b, damaged(rng, text_a)))
            cases[-DATABASES:] = [(*c, sha256(text_a)) for c in cases[-DATABASES:]]
        oracle.tell(declare=declared)
        rng.shuffle(plan)  # the last ones are put in this order: reports before files and after them
        done = subprocess.run([str(PROGRAMS / "hostile_writer"), "attack", str(rng.randrange(1 << 40)), str(ATTACK_MS), str(THREADS)],
                              input="".join(plan), capture_output=True, text=True, check=True)
        self.counts["hostile_acts"] += int(done.stdout)
        self.decided(d, cases)
        self.counts["deposits"] += len(cases)
        self.well.update(c[0] for c in cases if c[1] == "good")
        found = oracle.judge()
        self.assertEqual(found["violations"], [], f"BKMON_SEED={self.seed} batch {n}\n{d.text()[-3000:]}")
        shutil.rmtree(self.stage)
        self.stage.mkdir()

    def victim(self, mode, path, *kinds):
        names = []
        for data in kinds:
            names.append(self.stage / f"{len(os.listdir(self.stage))}")
            names[-1].write_bytes(data)
        return "\t".join([mode, str(path), str(self.stage), *map(str, names)]) + "\n"

    def decided(self, d, cases):
        """Every deposit has its verdict; one that ends well is in the vault."""
        db = sqlite3.connect(f"file:{d.state}/history.db?mode=ro", uri=True, timeout=10)
        self.addCleanup(db.close)

        def open_ones():
            judged = set(db.execute("SELECT t.key, j.report_sha256 FROM judged j JOIN target t ON t.id = j.target"))
            current = dict(db.execute("SELECT t.key, h.sha256 FROM healthy h JOIN target t ON t.id = h.target WHERE h.current = 1"))
            return [c for c in cases if (c[0], c[3]) not in judged or (c[1] == "good" and current.get(c[0]) != c[2])]
        try:
            self.until("all are decided", lambda: not open_ones(), 60)
        except AssertionError as e:
            left = open_ones()
            raise AssertionError(f"{e}\nBKMON_SEED={self.seed}: {left[:5]}\n{d.ctl('explain', left[0][0]).stdout}\n{d.text()[-2000:]}") from None


if __name__ == "__main__":
    main()

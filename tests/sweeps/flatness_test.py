"""Days of mixed load on one bkmond: nothing that it holds may grow. Its clock is moved by hand (tests/support/preload/movable_clock.c), so that a day
takes seconds and every timer still fires when it is due. BKMON_FLAT_SECONDS: how long it may take, instead of a number of days."""
import contextlib
import gzip
import json
import os
import pathlib
import random
import shutil
import socket
import sqlite3
import struct
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from harness import BIN, FULL, PROGRAMS, Case, Daemon, dump, fact, main, place, report, seed, sha256  # noqa: E402
from varlink_client import Client, VarlinkError  # noqa: E402

SECONDS = float(os.environ.get("BKMON_FLAT_SECONDS", "0"))
DAYS = 30 if FULL else 1
STEP = 600  # seconds of the moved clock between two looks at the world
DAY_STEPS = 86400 // STEP
KEPT = 2  # days that the history keeps
WARM_DAYS = 2  # until it has filled its caches: they are bounded, and no growth
AGENTS = [f"SHOP_CITY_{n}" for n in ("NORTH", "SOUTH", "EAST", "WEST")]
PAGE_SLACK = 64  # pages that SQLite may hold back for itself


class Flatness(Case):
    def setUp(self):
        self.rng = random.Random(seed())
        self.addCleanup(lambda: print(f"BKMON_SEED={seed()}") if sys.exc_info()[0] else None)
        self.clock = self.folder() / "clock"
        self.clock.write_bytes(struct.pack("=qq", 0, 0))
        self.ahead = 0
        self.done = {k: 0 for k in ("deposits", "reloads", "connections", "agents", "operations")}
        self.held = set()

    # the clock

    def move(self, seconds):
        self.ahead += seconds
        with open(self.clock, "r+b") as f:
            f.write(struct.pack("=q", self.ahead * 10**9))
        end = time.monotonic() + 20
        while struct.unpack("=qq", self.clock.read_bytes())[1] != self.ahead * 10**9:
            self.assertIsNone(self.d.process.poll(), self.d.text()[-3000:])
            self.assertLess(time.monotonic(), end, "the moved clock is not followed")
            time.sleep(0.001)

    def now(self, seconds=0):
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + self.ahead + seconds))

    # the daemon

    def settings(self, extra=""):
        lines = [f'    - {{agent: {a}, database: {db}, schedule: "{when}"}}'
                 for a in AGENTS for db, when in (("DAILY", "0 13 * * *"), ("OFTEN", "10 */6 * * *"))]
        return (f"state: {self.d.state}\ncontrol: {{socket: {self.d.socket}}}\nhistory: {{keep: {KEPT}d}}\n"
                f"deposits:\n  root: {self.d.root}\n  vault: {self.d.vault}\n  settle: 1s\n  held_days: 1\n"
                '  defaults: {path: "{agent}/{database}/{file}", early: 2h, deadline: 1h, keep_replaced: 1h, gates: {size: {min_size: 420}}}\n  jobs:\n'
                + "\n".join(lines) + "\n" + extra)

    def begin(self):
        shim = PROGRAMS / "libmovable_clock.so"
        self.d = d = Daemon(self, config="", env={"LD_PRELOAD": str(shim), "BKMON_TEST_CLOCK": str(self.clock)})
        d.config.write_text(self.settings())
        for a in AGENTS:
            d.agent(a)
        d.start()
        d.env = dict(os.environ)  # bkmonctl lives by the real clock
        self.pid = d.process.pid

    # the load

    def send(self, agent, database, data, file="backup.sql.gz", end=None, **claims):
        folder = self.d.agent(agent)
        entry = report(agent, {database: (file, data)}, end or self.now())
        entry["databases"][database]["COMPRESS"].update(claims)
        place(folder / "database" / f"{database}-{file}", data)
        entry["databases"][database]["staged_file_name"] = f"{database}-{file}"
        place(folder / "log" / f"{database}.json", json.dumps(entry).encode())
        self.done["deposits"] += 1

    def any_job(self):
        return self.rng.choice(AGENTS), self.rng.choice(("DAILY", "OFTEN"))

    def fresh(self, rows=60):
        return gzip.compress(dump(rows=rows, text=self.rng.randbytes(8).hex()).replace(b"    Database: MAIN", b""))

    def good(self):
        for _ in range(3):
            self.send(*self.any_job(), self.fresh())

    def damaged(self):
        self.send(*self.any_job(), self.fresh(), sha256_checksum="0" * 64)
        agent, database = self.any_job()
        self.send(agent, database, self.fresh()[:-9])

    def held_then_decided(self):
        agent, database = self.any_job()
        small = gzip.compress(dump(rows=1, text=self.rng.randbytes(3).hex()))
        self.send(agent, database, small)
        self.held.add((f"deposit/{agent}/{database}", sha256(small)))

    def decide(self):
        for target, sha in sorted(self.held):
            self.d.ctl("--yes", "deposits", self.rng.choice(("release", "reject")), target, "--sha256", sha, check=False)
            self.done["operations"] += 1
        self.held.clear()

    def unchanged(self):
        agent, database = self.any_job()
        data = self.fresh()
        self.send(agent, database, data)
        time.sleep(0.1)
        self.send(agent, database, data, end=self.now(2))

    def refused(self):
        log = self.d.agent(self.rng.choice(AGENTS)) / "log"
        place(log / "broken.json", self.rng.choice([b"{", b"\xff\xfe", b"[" * 5000, b'{"agent_id":"x","agent_id":"y"}', self.rng.randbytes(900)]))
        with contextlib.suppress(FileExistsError):
            os.symlink("/etc/shadow", log / "link.json")
        time.sleep(0.02)
        for name in ("broken.json", "link.json"):
            (log / name).unlink(missing_ok=True)

    def half_a_file(self):
        folder = self.d.agent(self.rng.choice(AGENTS)) / "database"
        half = folder / f".partial.{self.rng.randrange(10**6):06d}"
        half.write_bytes(self.rng.randbytes(3000))
        time.sleep(0.01)
        half.unlink()

    def agents_come_and_go(self):
        name = f"NEW_CITY_{self.rng.randrange(10**6)}"
        self.send(name, "MAIN", self.fresh())
        self.move(40)  # a full look falls into it
        time.sleep(0.05)
        shutil.rmtree(self.d.root / name)
        lost = self.d.root / self.rng.choice(AGENTS)
        shutil.rmtree(lost)
        self.d.agent(lost.name)
        self.done["agents"] += 2

    def reload(self):
        broken = self.rng.random() < 0.3
        extra = "nonsense: [\n" if broken else "    - {agent: EXTRA_CITY_EAST, database: X, schedule: none}\n"
        self.d.config.write_text(self.settings(extra))
        self.d.ctl("reload", check=False)
        self.d.config.write_text(self.settings())
        self.d.ctl("reload")
        self.done["reloads"] += 2

    def clients(self):
        calls = [("io.bkmon.Targets.Status", {}), ("io.bkmon.Targets.History", {"limit": 100}), ("io.bkmon.Deposits.List", {}), ("io.bkmon.Schedule.List", {}),
                 ("io.bkmon.Daemon.Version", {}), ("io.bkmon.Runs.List", {"limit": 20}), ("io.bkmon.No.Such", {})]
        for _ in range(6):
            with Client(self.d.socket) as c:
                for method, parameters in self.rng.sample(calls, 3):
                    c.send(method, parameters, more=True)
                    with contextlib.suppress(VarlinkError):
                        while c.receive()[1]:
                            pass
            self.done["connections"] += 1

    def rude_clients(self):
        for frame in (b"", b'{"method":"io.bk', b"\0\0\0", b"{}\0", self.rng.randbytes(500) + b"\0", b'{"method":"io.bkmon.Targets.Watch","more":true}\0'):
            s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            s.connect(str(self.d.socket))
            with contextlib.suppress(OSError):
                s.sendall(frame)
            self.watchers.append(s)
            self.done["connections"] += 1
        for s in self.watchers[:-3]:
            s.close()
        del self.watchers[:-3]

    def operate(self):
        target = "deposit/" + "/".join(self.any_job())
        self.d.ctl("pause", target, "--for", "30min", "--reason", "flatness", check=False)
        self.d.ctl("resume", target, check=False)
        self.d.ctl("deposits", "rescan", check=False)
        self.d.ctl("deposits", "verify", check=False)
        self.done["operations"] += 4

    LOAD = [good, damaged, held_then_decided, unchanged, refused, half_a_file, clients, decide, good, rude_clients, operate, good, agents_come_and_go, reload]

    # what it holds

    def pause(self):
        """The same state before each measurement: nobody connected, nothing on its way, nothing that waits."""
        for s in self.watchers:
            s.close()
        self.watchers.clear()
        self.decide()
        for a in AGENTS:
            for folder in ("log", "database"):
                for path in (self.d.root / a / folder).iterdir():
                    path.unlink()
        for _ in range(3):
            self.move(45)
            time.sleep(0.2)
        self.until("no run is under way", lambda: not [r for r in self.d.json("runs", "list")["runs"] if r["state"] in ("queued", "running")])
        self.until("children are gone", lambda: not self.children())
        idle = time.monotonic()
        before = self.cpu()
        while time.monotonic() < idle + 20:
            time.sleep(0.3)
            if self.cpu() - before <= 1:
                return
            before = self.cpu()

    def proc(self, name):
        return pathlib.Path(f"/proc/{self.pid}/{name}").read_text()

    def cpu(self):
        fields = self.proc("stat").rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    def children(self):
        return [c for t in pathlib.Path(f"/proc/{self.pid}/task").iterdir() for c in (t / "children").read_text().split()]

    def measure(self):
        self.pause()
        status = dict(line.split(":", 1) for line in self.proc("status").splitlines())
        fds = list(pathlib.Path(f"/proc/{self.pid}/fd").iterdir())
        watches = 0
        for fd in fds:
            with contextlib.suppress(OSError):
                watches += pathlib.Path(f"/proc/{self.pid}/fdinfo/{fd.name}").read_text().count("inotify wd:")
        database = self.d.state / "history.db"
        with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
            tables = [n for (n,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]
            rows = {t: db.execute(f'SELECT count(*) FROM "{t}"').fetchone()[0] for t in tables}
            pages = db.execute("PRAGMA page_count").fetchone()[0]
        wal = pathlib.Path(f"{database}-wal")
        return {"day": self.ahead / 86400, "fds": len(fds), "threads": int(status["Threads"]), "children": len(self.children()), "watches": watches,
                "rss_kib": int(status["RssAnon"].split()[0]), "wal": wal.stat().st_size if wal.exists() else 0, "pages": pages, "rows": rows,
                "state_files": sum(1 for p in self.d.state.rglob("*") if p.is_file()), "vault_files": sum(1 for p in self.d.vault.rglob("*") if p.is_file())}

    def day(self, steps):
        for step in range(steps):
            self.LOAD[step % len(self.LOAD)](self)
            self.move(STEP)
            time.sleep(0.03)

    def test_nothing_grows(self):
        self.watchers = []
        self.begin()
        self.addCleanup(lambda: [s.close() for s in self.watchers])
        began = time.monotonic()
        steps = DAY_STEPS if SECONDS or FULL else DAY_STEPS // 3
        self.day(WARM_DAYS * DAY_STEPS)  # the first rows, buffers, caches and threads
        samples = [self.measure()]
        while (len(samples) <= DAYS) if FULL else (time.monotonic() < began + SECONDS or len(samples) < 4):
            self.day(steps)
            samples.append(self.measure())
        took = time.monotonic() - began
        if SECONDS or FULL:
            print("\n".join(map(str, samples)))
        self.judge(samples)
        self.worked()
        first, last = samples[0], samples[-1]
        fact("flatness", {"simulated_days": round(self.ahead / 86400), **self.done, "descriptors_more": last["fds"] - first["fds"],
                          "threads_more": last["threads"] - first["threads"], "rss_kib_a_day": round(max(0, slope(samples, "rss_kib")))}, seconds=took)

    def judge(self, samples):
        first, table = samples[0], "\n".join(str({k: v for k, v in s.items() if k != "rows"}) for s in samples)
        for s in samples[1:]:
            for what in ("fds", "threads", "children", "watches"):
                self.assertLessEqual(s[what], first[what], f"{what} grew\n{table}")
            self.assertLess(s["wal"], 8 << 20, f"the WAL is not cut back\n{table}")
        days = last_day(samples) - first["day"]
        # Memory: a line through all samples; short runs are allowed what one day may cost.
        self.assertLess(slope(samples, "rss_kib"), 1024 if days > 1 else 1024 / days, f"memory grows\n{table}")
        settled = [s for s in samples if s["day"] > KEPT + 2]
        if len(settled) < 4:
            return
        half = len(settled) // 2
        for what, slack in (("pages", PAGE_SLACK), ("state_files", 40), ("vault_files", 40)):
            before, after = max(s[what] for s in settled[:half]), max(s[what] for s in settled[half:])
            self.assertLessEqual(after, before * 1.15 + slack, f"{what} grow although the history keeps {KEPT} days\n{table}")
        # What was ever promoted is told for a long time, but of each target only so often.
        self.assertLessEqual(settled[-1]["rows"]["healthy"], (200 + 20) * len(AGENTS) * 2)
        for name in set(settled[0]["rows"]) - {"healthy"}:
            before, after = max(s["rows"][name] for s in settled[:half]), max(s["rows"][name] for s in settled[half:])
            self.assertLessEqual(after, before * 1.25 + 60, f"table {name} grows: {[s['rows'][name] for s in samples]}")

    def worked(self):
        """It was load, and not a daemon that looked away."""
        with contextlib.closing(sqlite3.connect(f"file:{self.d.state}/history.db?mode=ro", uri=True)) as db:
            seen = dict(db.execute("SELECT status, count(*) FROM verdict GROUP BY status"))
        text = json.dumps(seen)
        for status in ("ok", "corrupt", "held", "missing"):
            self.assertGreater(sum(n for s, n in seen.items() if str(s) == status), 0, f"no {status}: {text}")


def last_day(samples):
    return samples[-1]["day"]


def slope(samples, what):
    """Least squares, a day."""
    n = len(samples)
    mean_x, mean_y = sum(s["day"] for s in samples) / n, sum(s[what] for s in samples) / n
    spread = sum((s["day"] - mean_x) ** 2 for s in samples)
    return sum((s["day"] - mean_x) * (s[what] - mean_y) for s in samples) / spread if spread else 0.0


if __name__ == "__main__":
    main()

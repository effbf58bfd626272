"""Lost events, limits that are used up, folders that move, and agents that flood: every complete deposit is decided, and nobody else waits."""
import gzip
import hashlib
import json
import mmap
import os
import pathlib
import random
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from harness import FULL, Case, Daemon, dump, fact, jobs, main, place, report, seed, sha256, utc  # noqa: E402

RESCAN = "30s" if FULL else "4s"
LIMIT = 60  # seconds, whatever events were lost
FILE = "main.bin"
# Limits of a user name space of one's own: those of the machine stay as they are.
LIMITED = ["unshare", "-Ur", "--", "sh", "-c", 'echo "$0" > /proc/sys/user/$1 || exit 9; shift; exec "$@"']


class Overload(Case):
    def setUp(self):
        self.rng = random.Random(seed())
        self.seconds = []

    def begin(self, agents, wrapper=(), rescan=RESCAN, **defaults):
        d = self.d = Daemon(self, wrapper=wrapper)
        lines = [a if a.startswith("{") else f"{{agent: {a}, database: MAIN}}" for a in agents]
        d.configure(f"  rescan: {rescan}\n" + jobs(*lines, **{"schedule": "none", "deadline": "10min", "content": "opaque", "gates": "{size: false}", **defaults}))
        for a in agents:
            a.startswith("{") or d.agent(a)
        d.start()
        self.until("all are looked at", lambda: d.status("bkmon/deposits")["status"] != "unknown")
        time.sleep(1)
        return d

    def bytes(self, size=3000):
        return self.rng.randbytes(size)

    def parts(self, agent, data):
        """The two files of a complete deposit, as [(path below the agent's folder, bytes)]."""
        return [("database/" + FILE, data), ("log/STATUS.json", json.dumps(report(agent, {"MAIN": (FILE, data)})).encode())]

    def put(self, folder, agent, data):
        for name, content in self.parts(agent, data):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            place(folder / name, content)

    def decided(self, wanted, since):
        """wanted: {agent: sha256}. Notes how long each took after `since`."""
        open_ones = dict(wanted)

        def none_left():
            now = time.monotonic()
            for t in self.d.json("status")["targets"]:
                agent = t["id"].split("/")[1] if t["id"].startswith("deposit/") else ""
                if agent in open_ones and t["status"] == "ok" and t["sha256"] == open_ones[agent]:
                    del open_ones[agent]
                    self.seconds.append(now - since)
            return not open_ones
        try:
            self.until("all are decided", none_left, LIMIT)
        except AssertionError as e:
            raise AssertionError(f"{e}\nnot decided: {list(open_ones)}\n{self.d.ctl('deposits', 'list').stdout}\n{self.d.text()[-3000:]}") from None

    # R8: what the watch does not tell

    def test_events_that_never_come(self):
        ways = ["log_moved", "database_removed", "agent_moved", "agent_removed", "file_linked", "report_linked", "agent_moved_in", "database_moved_in",
                "stored_after_close", "made_readable"]
        agents = {way: f"WAY_{way.upper()}_X" for way in ways}
        d = self.begin(list(agents.values()))
        shutil.rmtree(d.root / agents["agent_moved_in"])
        time.sleep(1.5)
        data = {way: self.bytes() for way in ways}
        started = time.monotonic()
        for way in ways:
            getattr(self, way)(d, agents[way], d.root / agents[way], data[way])
        self.decided({agents[w]: sha256(data[w]) for w in ways}, time.monotonic())
        fact("events_that_never_come", {"ways": len(ways), "slowest_seconds": round(max(self.seconds), 1), "allowed_seconds": LIMIT},
             time.monotonic() - started)

    def aside(self, path):
        where = self.d.home / "aside"
        where.mkdir(exist_ok=True)
        os.rename(path, where / f"{path.parent.name}-{path.name}")

    def log_moved(self, d, agent, folder, data):
        self.aside(folder / "log")
        self.put(folder, agent, data)

    def database_removed(self, d, agent, folder, data):
        shutil.rmtree(folder / "database")
        self.put(folder, agent, data)

    def agent_moved(self, d, agent, folder, data):
        self.aside(folder)
        self.put(folder, agent, data)

    def agent_removed(self, d, agent, folder, data):
        shutil.rmtree(folder)
        self.put(folder, agent, data)

    def linked(self, d, agent, folder, data, which):
        for name, content in self.parts(agent, data):
            if name.startswith(which):
                other = d.home / f"other-{agent}"
                other.write_bytes(content)
                os.link(other, folder / name)
                time.sleep(1)  # it is looked at, and has two names
                other.unlink()  # nothing tells that it has one now
            else:
                place(folder / name, content)

    def file_linked(self, d, agent, folder, data):
        self.linked(d, agent, folder, data, "database")

    def report_linked(self, d, agent, folder, data):
        self.linked(d, agent, folder, data, "log")

    def agent_moved_in(self, d, agent, folder, data):
        self.put(d.home / "new" / agent, agent, data)
        os.rename(d.home / "new" / agent, folder)

    def database_moved_in(self, d, agent, folder, data):
        self.put(d.home / "new" / agent, agent, data)
        self.aside(folder / "database")
        os.rename(d.home / "new" / agent / "database", folder / "database")
        os.rename(d.home / "new" / agent / "log/STATUS.json", folder / "log/STATUS.json")

    def stored_after_close(self, d, agent, folder, data):
        parts = self.parts(agent, data)
        path = folder / parts[0][0]
        with open(path, "w+b") as f:
            f.write(bytes(len(data)))
            f.flush()
            m = mmap.mmap(f.fileno(), len(data))
        place(folder / parts[1][0], parts[1][1])
        time.sleep(0.5)
        m[:] = data
        m.flush()
        m.close()

    def made_readable(self, d, agent, folder, data):
        parts = self.parts(agent, data)
        os.chmod(folder / "database", 0)
        place(folder / parts[1][0], parts[1][1])
        os.chmod(folder / "database", 0o775)
        place(folder / parts[0][0], parts[0][1])

    def test_twenty_thousand_events(self):
        honest = [f"HONEST_{i}_X" for i in range(10)]
        d = self.begin([*honest, "FLOOD_A_X"], rescan="30s")
        flood = d.root / "FLOOD_A_X/database"
        limit = int(pathlib.Path("/proc/sys/fs/inotify/max_queued_events").read_text())
        if limit > 20000:
            self.skipTest(f"max_queued_events is {limit}: 20,000 events do not overflow it")
        wanted, started = {}, time.monotonic()
        os.kill(d.process.pid, signal.SIGSTOP)
        try:
            for i in range(5000):  # make, close, rename away: each a name of its own, so that none is merged with the one before
                fd = os.open(flood / f"f{i}", os.O_CREAT | os.O_WRONLY)
                os.close(fd)
                os.rename(flood / f"f{i}", flood / f"g{i}")
            for agent in honest:
                data = self.bytes()
                self.put(d.root / agent, agent, data)
                wanted[agent] = sha256(data)
        finally:
            os.kill(d.process.pid, signal.SIGCONT)
        since = time.monotonic()
        self.decided(wanted, since)
        self.assertIn("a flood of changes", d.text())
        fact("inotify_overflow", {"events": 20000, "deposits_whose_events_were_lost": len(honest), "slowest_seconds": round(max(self.seconds), 1),
                                  "allowed_seconds": LIMIT}, time.monotonic() - started)

    def limited(self, name, value, says):
        if subprocess.run([*LIMITED, str(value), name, "true"], capture_output=True).returncode != 0:
            self.skipTest("no user name space of one's own here, or it has no limits of inotify")
        agents = [f"HONEST_{i}_X" for i in range(10)]
        d = self.begin(agents, [*LIMITED, str(value), name])
        wanted, started = {}, time.monotonic()
        for agent in agents:
            data = self.bytes()
            self.put(d.root / agent, agent, data)
            wanted[agent] = sha256(data)
        since = time.monotonic()
        self.decided(wanted, since)
        t = d.status("bkmon/deposits")
        self.assertEqual(t["status"], "warning", t)
        self.assertIn(says, t["reason"])
        return {"deposits": len(agents), "slowest_seconds": round(max(self.seconds), 1), "allowed_seconds": LIMIT}, time.monotonic() - started

    def test_watches_used_up(self):
        fact("watches_used_up", *self.limited("max_inotify_watches", 5, "max_user_watches"))

    def test_no_watch_at_all(self):
        fact("no_watch_at_all", *self.limited("max_inotify_instances", 0, "max_user_instances"))

    # R6: one agent floods, the others do not wait

    def test_one_agent_floods(self):
        honest = [f"HONEST_{i}_X" for i in range(20 if FULL else 4)]
        self.size, self.big, self.names = (100 << 20, 1 << 30, 50000) if FULL else (4 << 20, 128 << 20, 3000)
        flood = [f"{{agent: FLOOD_A_X, database: DB{i}}}" for i in range(8)]
        d = self.begin([*honest, *flood], keep_replaced="1s")
        d.agent("FLOOD_A_X")
        started = time.monotonic()
        idle = [self.one_honest(d, a) for a in honest]
        stop = threading.Event()
        self.floods = self.flooded = 0
        flooder = threading.Thread(target=self.flood, args=(d, stop))
        flooder.start()
        try:
            self.until("the flood is there", lambda: self.floods >= 1 and [p for p in (d.vault / ".tmp").iterdir()], 120)
            time.sleep(1)
            busy = [self.one_honest(d, a) for a in honest]
        finally:
            stop.set()
            flooder.join()
        self.until("the flood has gone", lambda: not [r for r in d.json("runs", "list")["runs"] if r["kind"] == "intake" and r["state"] in ("queued", "running")], 120)
        after = [self.one_honest(d, a) for a in honest[::2]]  # the machine may have become slower by itself meanwhile
        usual, worst = max(statistics.median(idle), statistics.median(after)), max(busy)
        allowed = 2 * usual + (5 if FULL else 15)
        fact("flood", {"honest_agents": len(honest), "honest_mib": self.size >> 20, "files_of_the_flood": self.flooded, "copies_asked_at_once": 8,
                       "mib_of_each": self.big >> 20, "idle_ms": round(usual * 1000), "median_beside_the_flood_ms": round(statistics.median(busy) * 1000),
                       "worst_beside_the_flood_ms": round(worst * 1000), "allowed_ms": round(allowed * 1000), "over_the_bar": sum(x >= allowed for x in busy)},
             time.monotonic() - started)  # recorded as it was, also when it was too slow
        self.assertLess(worst, allowed, f"idle before {idle} and after {after}, beside the flood {busy}")

    def test_one_agent_never_has_all_places(self):
        """Dumps of a few MB that take long to look through, as many as there are: another agent's is decided while they are under way."""
        d = self.begin(["HONEST_A_X", *[f"{{agent: FLOOD_A_X, database: DB{i}, content: mysql}}" for i in range(8)]], keep_replaced="1s", path='"{agent}/{database}/{file}"')
        text = dump().splitlines(keepends=True)
        filler = gzip.compress(b"-- " + b"x" * 60 + b"\n" + (b"-- " + b"y" * 60 + b"\n") * (1 << 20), 1)
        data = gzip.compress(b"".join(text[:-1])) + filler * 128 + gzip.compress(text[-1])
        d.deposit("FLOOD_A_X", {f"DB{i}": (f"db{i}.sql.gz", data) for i in range(8)})

        def running():
            return {r["what"] for r in d.json("runs", "list")["runs"] if r["kind"] == "intake" and r["state"] == "running"}
        self.until("the flood is under way", lambda: len(running()) >= 2)
        first = running()
        honest = self.bytes()
        self.put(d.root / "HONEST_A_X", "HONEST_A_X", honest)
        self.until("the other one is decided", lambda: d.status("deposit/HONEST_A_X/MAIN")["sha256"] == sha256(honest), 60)
        self.assertLessEqual(first, running(), "it had to wait until one of the flood had ended")

    def one_honest(self, d, agent):
        data = self.bytes(self.size)
        self.put(d.root / agent, agent, data)
        since, wanted = time.monotonic(), sha256(data)
        self.until(f"{agent} is decided", lambda: d.status(f"deposit/{agent}/MAIN")["sha256"] == wanted, 120)
        return time.monotonic() - since

    def flood(self, d, stop):
        """New names without end, and eight large deposits again and again: each as soon as its report was taken."""
        folder = d.root / "FLOOD_A_X"
        start = hashlib.sha256()
        for _ in range(self.big >> 20):
            start.update(bytes(1 << 20))
        while not stop.is_set():
            self.floods += 1
            entries = {}
            for i in range(8):
                tail = b"%d %d" % (self.floods, i)
                h = start.copy()
                h.update(tail)
                temporary = folder / f"database/.db{i}.bin.aB3xYz"
                with open(temporary, "wb") as f:
                    f.truncate(self.big)
                    f.seek(0, 2)
                    f.write(tail)
                os.rename(temporary, folder / f"database/db{i}.bin")
                e = report("X", {"X": (f"db{i}.bin", b"")})["databases"]["X"]
                stage = {**e["COMPRESS"], "sha256_checksum": h.hexdigest(), "size": self.big + len(tail)}
                entries[f"DB{i}"] = {**e, "BACKUP": stage, "COMPRESS": stage}
            place(folder / "log/STATUS.json", json.dumps(report("FLOOD_A_X", entries)).encode())
            end = time.monotonic() + (30 if FULL else 3)
            while time.monotonic() < end and not stop.is_set():
                for _ in range(200):
                    self.flooded += 1
                    (folder / f"database/tiny{self.flooded % self.names}").write_bytes(b"x")
                time.sleep(0.01)

    # G48: very many names, very deep

    def test_tiny_files_and_deep_folders(self):
        names, levels = (100000, 10000) if FULL else (25000, 2000)
        honest = [f"HONEST_{i}_X" for i in range(5)]
        d = self.begin([*honest, "MANY_A_X", "DEEP_A_X"], deadline="8s")
        self.addCleanup(lambda: subprocess.run(["rm", "-rf", str(d.root)], check=False))
        started = time.monotonic()
        at = os.open(d.root / "MANY_A_X/database", os.O_RDONLY)
        for i in range(names):
            os.close(os.open(f"tiny{i}", os.O_CREAT | os.O_WRONLY, dir_fd=at))
        os.close(at)
        here = os.open(d.root / "DEEP_A_X/database", os.O_RDONLY)
        for _ in range(levels):
            os.mkdir("d", dir_fd=here)
            below = os.open("d", os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
        os.close(here)
        wanted = {}
        for agent in (*honest, "DEEP_A_X"):
            data = self.bytes()
            self.put(d.root / agent, agent, data)
            wanted[agent] = sha256(data)
        self.decided(wanted, time.monotonic())
        slowest = max(self.seconds)
        self.assertLess(slowest, 10, "others waited")
        self.many_says_why(d)
        fact("tiny_and_deep", {"names": names, "levels": levels, "others": len(wanted), "slowest_other_seconds": round(slowest, 1)},
             time.monotonic() - started)

    def many_says_why(self, d):
        """The agent with too many names learns why its deposit is not found, or it is found."""
        data = self.bytes()
        self.put(d.root / "MANY_A_X", "MANY_A_X", data)
        t = self.until("it is decided", lambda: (lambda t: t if t["status"] in ("ok", "corrupt") else None)(d.status("deposit/MANY_A_X/MAIN")), 40)
        if t["status"] != "ok":
            self.assertIn("20000", t["reason"] + d.ctl("explain", "deposit/MANY_A_X/MAIN", check=False).stdout)


if __name__ == "__main__":
    main()

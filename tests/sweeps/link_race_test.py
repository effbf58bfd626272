"""Names that become something else between a look and an open, thousands of times a second: nothing outside of an agent's own deposit
is read, written, moved or deleted. Canaries outside are watched by the kernel."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from canaries import Canaries  # noqa: E402
from harness import AS_SERVICE, BIN, FULL, PROGRAMS, Case, Daemon, fact, jobs, main, report, sha256, utc  # noqa: E402

SECONDS = 15 if FULL else 1
AT_ONCE = 2 if FULL else 5
CANARY = b"CANARY" * 3000
FILE = "main.bin"


class Trick:
    """One agent and the two names that it flips. `real` is what belongs there, `twin` what takes its place."""
    opens_canary = False  # a second name of a canary is opened before it can be told from the file that was there; it is never read

    def __init__(self, case, d, name, outside):
        self.case, self.d, self.name, self.outside = case, d, name, outside
        self.agent = f"EVIL_{name.upper()}_X"
        self.target = f"deposit/{self.agent}/main".lower()
        self.folder = d.agent(self.agent)
        self.declared, self.n, self.flips = set(), 0, 0
        self.fds = {part: os.open(self.folder / part, os.O_RDONLY | os.O_DIRECTORY) for part in ("database", "log")}

    def names(self):
        """(what is flipped, its twin), and makes the twin anew."""
        return getattr(self, self.name)()

    def link(self, path, to):
        temporary = f"{path}.new"
        os.path.lexists(temporary) and os.unlink(temporary)
        os.symlink(to, temporary)
        os.rename(temporary, path)

    def twin_of(self, path):
        return path.parent / f".{path.name}.aB3xYz"

    def link_to_canary(self):
        real = self.folder / "database" / FILE
        self.link(self.twin_of(real), self.outside / "database" / FILE)
        return real, self.twin_of(real)

    def link_with_dots(self):
        real = self.folder / "database" / FILE
        self.link(self.twin_of(real), os.path.relpath(self.outside / "database" / FILE, real.parent))
        return real, self.twin_of(real)

    def folder_link(self, path, to):
        twin = self.twin_of(path)
        if not os.path.lexists(twin):
            os.symlink(to, twin)
        return path, twin

    def database_folder(self):
        return self.folder_link(self.folder / "database", self.outside / "database")

    def log_folder(self):
        return self.folder_link(self.folder / "log", self.outside / "log")

    def agent_folder(self):
        return self.folder_link(self.folder, self.outside)

    def to_another_agent(self):
        return self.folder_link(self.folder / "database", "../../VICTIM_A_B/database")

    def to_the_vault(self):
        return self.folder_link(self.folder / "database", self.d.vault / self.agent / "MAIN")

    def report_link(self):
        real = self.folder / "log/STATUS.json"
        self.link(self.twin_of(real), self.outside / "log/STATUS.json")
        return real, self.twin_of(real)

    def hard_link_in(self):
        self.opens_canary = True
        real = self.folder / "database" / FILE
        twin = self.twin_of(real)
        os.path.lexists(twin) and os.unlink(twin)
        os.link(self.outside / "linked" / FILE, twin)
        return real, twin

    def hard_link_out(self):
        real = self.folder / "database" / FILE
        twin, out = self.twin_of(real), self.d.home / "kept" / f"{self.agent}-{self.n}"
        twin.write_bytes(b"kept" * len(CANARY))
        os.link(twin, out)
        return real, twin

    def fifo(self):
        real = self.folder / "database" / FILE
        twin = self.twin_of(real)
        os.path.lexists(twin) and os.unlink(twin)
        os.mkfifo(twin)
        return real, twin

    def fifo_report(self):
        real = self.folder / "log/STATUS.json"
        twin = self.twin_of(real)
        os.path.lexists(twin) and os.unlink(twin)
        os.mkfifo(twin)
        return real, twin

    def directory(self):
        real = self.folder / "database" / FILE
        twin = self.twin_of(real)
        for path in (twin, real):
            path.is_dir() and shutil.rmtree(path)
        os.path.lexists(twin) and os.unlink(twin)
        twin.mkdir()
        (twin / FILE).write_bytes(CANARY)
        return real, twin

    def other_directory(self):
        real = self.folder / "database"
        twin = self.twin_of(real)
        if not twin.exists():
            twin.mkdir()
            (twin / FILE).write_bytes(b"other" * 1000)
        return real, twin

    def deposit(self, end=None):
        """Through the folders themselves, wherever their names are now. Every second report declares the canary's bytes."""
        self.n += 1
        data = b"%s %d " % (self.agent.encode(), self.n) * 1500
        claimed = data if self.n % 2 or end else CANARY
        self.declared.add(sha256(data))
        if claimed is CANARY:
            data = bytes(len(CANARY))
        self.put("database", FILE, data)
        text = json.dumps(report(self.agent, {"MAIN": (FILE, claimed)}, end or utc(-1000 + self.n))).encode()
        self.put("log", "STATUS.json", text)
        return sha256(data)

    def put(self, part, name, data):
        at = self.fds[part]
        fd = os.open(f".{name}.put", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o664, dir_fd=at)
        with open(fd, "wb") as f:
            f.write(data)
        for n in range(1000):
            try:
                return os.rename(f".{name}.put", name, src_dir_fd=at, dst_dir_fd=at)
            except IsADirectoryError:
                if n % 20 == 19:  # both names are folders
                    shutil.rmtree(self.folder / part / name, ignore_errors=True)
                time.sleep(0.001)
        self.case.fail(f"{self.name}: the agent could not deposit")

    def flip(self, seconds):
        real, twin = self.names()
        self.process = subprocess.Popen([str(PROGRAMS / "hostile_writer"), "flip", str(int(seconds * 1000)), str(real), str(twin)], stdout=subprocess.PIPE, text=True)
        self.until = time.monotonic() + seconds

    def go_on(self):
        self.deposit()
        if self.process.poll() is None and self.name not in ("database_folder", "log_folder", "agent_folder", "to_another_agent", "to_the_vault", "other_directory"):
            try:
                self.names()  # a deposit may have put the file where the twin was
            except (FileExistsError, FileNotFoundError, IsADirectoryError, NotADirectoryError, OSError):
                pass  # flipped meanwhile: the next one makes it

    def end(self):
        self.flips += int(self.process.communicate()[0])

    def mend(self):
        """The names are what they should be, and the twins are gone."""
        if self.name in ("database_folder", "log_folder", "agent_folder", "to_another_agent", "to_the_vault", "other_directory"):
            real = {"log_folder": self.folder / "log", "agent_folder": self.folder}.get(self.name, self.folder / "database")
            held = os.fstat(self.fds["log" if self.name == "log_folder" else "database"]) if real != self.folder else None
            twin = self.twin_of(real)
            wrong = real.is_symlink() if held is None else os.lstat(real).st_ino != held.st_ino
            if wrong:
                spare = self.d.home / f"spare-{self.name}"
                os.rename(real, spare)
                os.rename(twin, real)
                os.rename(spare, twin)
            twin.unlink() if twin.is_symlink() else shutil.rmtree(twin)
            return
        for part, at in self.fds.items():
            for name in os.listdir(at):
                path = self.folder / part / name
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


TRICKS = ("link_to_canary", "link_with_dots", "database_folder", "log_folder", "agent_folder", "to_another_agent", "to_the_vault", "report_link",
          "hard_link_in", "hard_link_out", "fifo", "fifo_report", "directory", "other_directory")


class LinkRace(Case):
    def setUp(self):
        self.outside = self.folder()
        for part in ("database", "log", "linked"):
            (self.outside / part).mkdir()
        for part in ("database", "linked"):
            (self.outside / part / FILE).write_bytes(CANARY)
        (self.outside / FILE).write_bytes(CANARY)
        for path in self.outside.rglob("*"):
            os.chmod(path, 0o700 if path.is_dir() else 0o600)
        self.canaries = Canaries(self.outside)

    def begin(self, wrapper=()):
        d = self.d = Daemon(self, wrapper=wrapper)
        (d.home / "kept").mkdir()
        if "--reuid=65534" in wrapper:
            for path in (d.home, d.root, d.vault, d.state):
                os.chown(path, 65534, 65534)
        lines = [f"{{agent: EVIL_{name.upper()}_X, database: MAIN}}" for name in TRICKS] + ["{agent: VICTIM_A_B, database: MAIN}"]
        d.configure("  rescan: 2s\n" + jobs(*lines, schedule="none", deadline="2s", content="opaque", gates="{size: false, replay: false}"))
        victim = d.agent("VICTIM_A_B") / "database" / FILE  # waits for its report: another agent's deposit is a canary too
        victim.write_bytes(CANARY)
        self.victim = Canaries(victim)
        os.chmod(victim, 0o600)
        # A report of another agent's outside: followed, it would be about every one of these.
        tricks = [Trick(self, d, name, self.outside) for name in TRICKS]
        (self.outside / "log/STATUS.json").write_text(json.dumps(report("EVIL_REPORT_LINK_X", {"MAIN": (FILE, CANARY)})))
        os.chmod(self.outside / "log/STATUS.json", 0o600)
        for trick in tricks:
            if "--reuid=65534" in wrapper:  # the agent owns its folders, the service's group may take things away
                for path in (trick.folder, trick.folder / "log", trick.folder / "database"):
                    os.chown(path, 4242, 65534)
                    os.chmod(path, 0o2775)
        d.start()
        self.pid = d.process.pid
        return tricks

    def run_tricks(self, tricks, seconds, at_once):
        flips = slowest = 0
        for i in range(0, len(tricks), at_once):
            some = tricks[i:i + at_once]
            for trick in some:
                trick.deposit(utc(-2000))
                self.d.wait_status(trick.target, "ok")
            for trick in some:
                trick.flip(seconds)
            before = self.canaries.print_of_all()  # after the links were made: they changed the canaries' times
            self.canaries.arm()
            victim = self.watch_victim()
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                for trick in some:
                    trick.go_on()
                asked = time.monotonic()
                self.d.ctl("version")
                slowest = max(slowest, time.monotonic() - asked)
                time.sleep(0.1)
            for trick in some:
                trick.end()
                self.assertGreater(trick.flips, 50 * seconds, trick.name)
                flips += trick.flips
                trick.mend()
                good = trick.deposit(utc())
                self.d.wait_status(trick.target, "ok", 40, sha256=good)
            self.judge(some, before, victim)
        self.assertLess(slowest, 5, "bkmond answered slowly")
        return flips, slowest

    def watch_victim(self):
        """Only the file: its folder is the victim's own and is listed."""
        watch = Canaries(self.d.root / "VICTIM_A_B/database")
        watch.arm()
        return watch

    def judge(self, some, before, victim):
        names = [t.name for t in some]
        seen = self.canaries.events()
        allowed = {(str(self.outside / "linked" / FILE), "opened")} if any(t.opens_canary for t in some) else set()
        self.assertEqual(seen - allowed, set(), f"{names}: canaries\n{self.d.text()[-3000:]}")
        file = str(self.d.root / "VICTIM_A_B/database" / FILE)
        self.assertEqual({e for e in victim.events() if e[0].startswith(file)}, set(), f"{names}: another agent's deposit")
        self.assertEqual(self.canaries.print_of_all(), before, names)
        self.assertEqual((self.d.root / "VICTIM_A_B/database" / FILE).read_bytes(), CANARY)
        self.assertIsNone(self.d.process.poll(), self.d.text()[-3000:])
        for trick in some:
            finals = [p for p in (self.d.vault / trick.agent).rglob("*") if p.is_file() or p.is_symlink()]
            self.assertEqual(len(finals), 1, (trick.name, finals))
            self.assertIn(sha256(finals[0].read_bytes()), trick.declared, trick.name)
        for top in (self.d.vault, self.d.state):
            for path in top.rglob("*"):
                self.assertFalse(path.is_symlink(), path)
                if path.is_file():
                    self.assertNotIn(b"CANARYCANARY", path.read_bytes(), f"{names}: {path}")
        known = {"deposits", "vault", "state", "control.sock", "bkmon.yaml", "bkmond.log", "kept"}
        self.assertEqual({p.name for p in self.d.home.iterdir()} - known, set(), f"{names}: made outside of the roots")
        inside = {t.agent for t in some} | {"VICTIM_A_B"}
        self.assertEqual({p.name for p in self.d.root.iterdir()} - inside - {f"EVIL_{n.upper()}_X" for n in TRICKS}, set(), names)

    def record(self, proof, flips, tricks, slowest, started):
        fact(proof, {"tricks": tricks, "flips": flips, "canary_reads_or_changes": 0, "slowest_answer_ms": round(slowest * 1000)}, time.monotonic() - started)

    def test_names_that_flip(self):
        started = time.monotonic()
        tricks = self.begin()
        flips, slowest = self.run_tricks(tricks, SECONDS, AT_ONCE)
        self.record("link_flips", flips, len(tricks), slowest, started)

    def test_names_that_flip_under_the_rights_of_the_service(self):
        """Root may all: what the service's user may, and CAP_DAC_READ_SEARCH, is another world."""
        if os.geteuid() != 0:
            self.skipTest("another user is needed, which needs root")
        started = time.monotonic()
        tricks = self.begin(AS_SERVICE)
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        self.assertRegex(status, r"Uid:\s+65534\s+65534")
        self.assertEqual(re.search(r"CapEff:\s+([0-9a-f]+)", status)[1], "0000000000000004")
        flips, slowest = self.run_tricks(tricks, SECONDS, AT_ONCE)
        self.record("link_flips_as_service", flips, len(tricks), slowest, started)

    def test_no_open_outside_of_the_roots(self):
        """Every open that succeeded, of bkmond and its children, through a day of tricks."""
        if not shutil.which("strace") or subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True).returncode != 0:
            self.skipTest("strace is not there or may not trace")
        started = time.monotonic()
        trace = self.folder() / "trace"
        tricks = self.begin(["strace", "-D", "-f", "-y", "-z", "-qqq", "--seccomp-bpf", "-e", "trace=open,openat,openat2,creat", "-o", str(trace)])
        self.run_tricks(tricks, max(1, SECONDS // 4), AT_ONCE)
        self.d.stop()
        home = str(self.d.home)
        allowed = tuple(f"{home}/{name}" for name in ("deposits", "vault", "state", "bkmon.yaml", "control.sock")) + (
            str(BIN), "/etc/", "/usr/", "/lib", "/proc/", "/sys/", "/dev/null", "/dev/urandom", "/run/", "anon_inode:")
        opens = [m[1] for m in re.finditer(r"= \d+<(.*)>\s*$", trace.read_text(errors="replace"), re.M)]
        self.assertGreater(len(opens), 500)
        # Its working folder is opened once, for nothing: whether openat2 may be called here.
        wrong = sorted({p for p in opens if not p.startswith(allowed) and p not in ("/", home, os.getcwd()) and not p.startswith("/etc/shadow")})
        self.assertEqual(wrong, [])
        self.assertFalse([p for p in opens if "/etc/shadow" in p])
        fact("traced_opens", {"opens": len(opens), "outside_of_the_roots": len(wrong)}, time.monotonic() - started)


if __name__ == "__main__":
    main()

"""A daemon with one healthy backup among agents that lie, and the oracle that every hostile scenario ends with."""
import ctypes
import gzip
import json
import os
import pathlib
import subprocess
import time

from harness import SANITIZED, Case, Daemon, dump, jobs, place, report, sha256, utc

AGENT = "SHOP_CITY_NORTH"
T = "deposit/shop_city_north/main"
FINAL = f"{AGENT}/MAIN/main.sql.gz"
LIBC = ctypes.CDLL(None, use_errno=True)
NO_SCHEDULE = {"schedule": "none"}


def entry(file, data, end=None, **claims):
    """One database's entry of a report; claims override what is said of the file: size=…, sha256_checksum=…"""
    e = report(AGENT, {"X": (file, data)}, end)["databases"]["X"]
    stage = {**e["COMPRESS"], **claims}
    return {**e, "BACKUP": stage, "COMPRESS": stage}


class HostileCase(Case):
    """Every test ends with sound(): the healthy backup is there, nothing of the outside came in, and the daemon rests."""

    def setUp(self):
        self.d = None
        self.expected = {}
        self.outside = self.folder()
        self.secret = self.outside / "main.sql.gz"
        self.secret.write_bytes(gzip.compress(dump(rows=77, text="CANARY-OUTSIDE")))
        self.secret_sha = sha256(self.secret.read_bytes())
        control = self.outside / "control"
        control.write_bytes(b"x")
        for path in (self.secret, control):
            os.utime(path, (1000000000, 1500000000))  # read before it was last written: the next read sets the time of access
        control.read_bytes()
        self.atime_works = os.stat(control).st_atime > 1000000000
        self.secret_stat = self.fingerprint()

    def fingerprint(self):
        st = os.stat(self.secret)
        return st.st_ino, st.st_size, st.st_mtime_ns, st.st_mode, st.st_uid, st.st_atime_ns if self.atime_works else 0

    def forget_secret_access(self):
        """After the test itself linked or read the secret."""
        self.secret_stat = self.fingerprint()

    def begin(self, *lines, healthy=True, wrapper=(), daemon=None, **defaults):
        self.d = d = daemon or Daemon(self, wrapper=wrapper)
        d.configure(jobs(*lines, **defaults))
        d.start()
        self.pid = d.process.pid
        if healthy:
            self.good = gzip.compress(dump())
            d.deposit(AGENT, {"MAIN": ("main.sql.gz", self.good)}, utc(-50))
            d.wait_status(T, "ok", sha256=sha256(self.good))
            self.expected = {FINAL: sha256(self.good)}
            if defaults.get("consume") != "false":
                self.until("the first deposit is consumed", lambda: not list((d.root / AGENT).rglob("*.*")))
        return d

    def tell(self, file="main.sql.gz", data=b"", agent=AGENT, end=None, database="MAIN", **claims):
        """Only the report."""
        end = end or utc(-10)
        place(self.d.agent(agent) / "log/STATUS.json", json.dumps(report(agent, {database: entry(file, data, end, **claims)}, end)).encode())

    def send_good(self, agent=AGENT, target=T, path=FINAL, rows=91, end=None, seconds=20):
        """The agent mends its ways: proves that nothing is stuck."""
        data = gzip.compress(dump(rows=rows))
        self.d.deposit(agent, {"MAIN": ("main.sql.gz", data)}, end or utc())
        self.d.wait_status(target, "ok", seconds, sha256=sha256(data))
        self.expected[path] = sha256(data)
        return data

    def waits(self, word="", seconds=10):
        def waiting():
            return [x for x in self.d.json("deposits", "list")["deposits"] if x["state"] == "waiting" and word in json.dumps(x)]
        try:
            return self.until(f"it waits {word}", waiting, seconds)
        except AssertionError as e:
            raise AssertionError(f"{e}\n{self.d.json('deposits', 'list')}\n{self.d.text()}") from None

    def logged(self, words, seconds=10):
        try:
            self.until(f"the journal says '{words}'", lambda: words in self.d.text(), seconds)
        except AssertionError as e:
            raise AssertionError(f"{e}\n{self.d.text()}") from None

    def no_controls(self, text):
        """No byte of an agent reaches a terminal or a log as syntax."""
        bad = [c for c in text if (ord(c) < 0x20 and c != "\n") or 0x7f <= ord(c) < 0xa0 or c in "\u202e\u2066\u2028\ufffd"]
        self.assertEqual(bad, [], text)

    def tearDown(self):
        if self.d is not None and self.d.process is not None:
            self.sound()

    def sound(self):
        d = self.d
        self.assertIsNone(d.process.poll(), "bkmond ended:\n" + d.text())
        self.assertEqual(d.process.pid, self.pid, "the test started another daemon without saying so")
        try:  # a replaced version goes aside a moment after its successor is announced
            self.until("the vault is as it should be", lambda: d.vault_files() == self.expected, 3)
        except AssertionError:
            self.assertEqual(d.vault_files(), self.expected, d.text())
        self.assertEqual(self.fingerprint(), self.secret_stat, "somebody touched or read the file outside of the roots\n" + d.text())
        for top in (d.vault, d.state):
            for path in top.rglob("*"):
                if path.is_file() and not path.is_symlink():
                    data = path.read_bytes()
                    self.assertNotEqual(sha256(data), self.secret_sha, f"{path} is the file from outside")
                    self.assertNotIn(b"CANARY-OUTSIDE", data, path)
        started = time.monotonic()
        self.assertEqual(d.ctl("status", check=False).returncode in (0, 1, 2, 3), True)
        self.assertTrue(d.json("status")["targets"])
        self.assertLess(time.monotonic() - started, 2 if not SANITIZED else 10, "the daemon answers slowly")
        before, at = self.cpu(), time.monotonic()
        time.sleep(2)
        used = (self.cpu() - before) / (time.monotonic() - at)
        self.assertLess(used, 0.3 if not SANITIZED else 0.6, "the daemon does not rest\n" + d.text()[-3000:])

    def cpu(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return sum(int(f) for f in fields[11:15]) / os.sysconf("SC_CLK_TCK")

    def restarted(self):
        self.pid = self.d.process.pid

    def mounts(self):
        """From here on this process, and what it starts, has mounts of its own."""
        if os.geteuid() != 0:
            self.skipTest("mounting needs root")
        if LIBC.unshare(0x00020000) != 0 or subprocess.run(["mount", "--make-rprivate", "/"], check=False).returncode != 0:
            self.skipTest("no mount namespace of one's own here")

    def mount_tmpfs(self, path, options):
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)], capture_output=True, text=True)
        if done.returncode != 0:
            self.skipTest("cannot mount a tmpfs: " + done.stderr)
        self.addCleanup(lambda: subprocess.run(["umount", "-l", str(path)], capture_output=True))

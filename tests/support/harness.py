"""What test scripts share: a bkmond of one's own on private paths, bkmonctl, and exit status 77 for a skip."""
import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

SOURCE = pathlib.Path(os.environ.get("BKMON_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
BIN = pathlib.Path(os.environ.get("BKMON_BIN_DIR", SOURCE / "build/dev/bin"))
# The rights that bkmond.service gives, and no more.
AS_SERVICE = ("setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all,+dac_read_search --ambient-caps=-all,+dac_read_search "
              "--bounding-set=-all,+dac_read_search").split()
PROGRAMS = BIN.parent / "tests"  # tests/support/programs
SANITIZED = bool(os.environ.get("BKMON_SANITIZE"))
SLOWER = 4 if SANITIZED else 1
# The long run of a sweep; without it the short slice that every check runs.
FULL = os.environ.get("BKMON_SWEEP") == "full"


class Case(unittest.TestCase):
    maxDiff = 4000

    def folder(self):
        """A private folder that goes when the test ends."""
        path = pathlib.Path(tempfile.mkdtemp(prefix="bkmon-test."))
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        return path

    def until(self, what, condition, seconds=20):
        """Waits until condition() is true (bounded), and gives its value."""
        end = time.monotonic() + seconds * SLOWER
        value = None
        while time.monotonic() < end:
            value = condition()
            if value:
                return value
            time.sleep(0.05)
        self.fail(f"not within {seconds * SLOWER} s: {what} (last: {value!r})")


def main():
    # "-k name$" means the end of the name, as elsewhere. unittest knows shell patterns alone: without this nothing would run.
    argv = [f"*{a[:-1]}" if before == "-k" and a.endswith("$") else a for before, a in zip(["", *sys.argv], sys.argv)]
    result = unittest.main(argv=argv, exit=False, verbosity=2).result
    if result.testsRun == 0:
        sys.exit("no test ran")
    if result.skipped and len(result.skipped) == result.testsRun:
        sys.exit(77)
    sys.exit(0 if result.wasSuccessful() else 1)


def fact(proof, counts, seconds=None):
    """What this run counted, for tests/PROMISES.md: a full run writes tests/facts/<proof>.json, a short one only into the build folder."""
    folder = SOURCE / "tests/facts" if FULL else BIN.parent / "facts"
    folder.mkdir(parents=True, exist_ok=True)
    entry = {"proof": proof, "date": time.strftime("%Y-%m-%d", time.gmtime()), "counts": counts}
    if seconds is not None:
        entry["seconds"] = round(seconds)
    temporary = folder / f".{proof}.{os.getpid()}"
    temporary.write_text(json.dumps(entry, indent=2) + "\n")
    os.rename(temporary, folder / f"{proof}.json")


def seed():
    """What randomness starts from: BKMON_SEED gives a run again."""
    return int(os.environ.get("BKMON_SEED", 20261122))


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def utc(seconds=0):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def report(agent, databases, end=None, overall="completed"):
    """A report of the present dialect. databases: {name: (file name, bytes)} or {name: entry dict}."""
    end = end or utc()
    entries = {}
    for name, what in databases.items():
        if isinstance(what, dict):
            entries[name] = what
            continue
        file, data = what
        stage = {"status": True, "start_time": end, "end_time": end, "sha256_checksum": sha256(data), "size": len(data)}
        entries[name] = {"BACKUP": stage, "COMPRESS": stage, "staged_file_name": file, "logs_summary": "",
                         "TRANSFER": {"status": True, "start_time": end, "end_time": end, "error_message": None}}
    return {"operation_start_time": end, "operation_end_time": end, "agent_id": agent, "overall_status": overall, "databases": entries}


class Daemon:
    """bkmond as an ordinary process on private paths under `home`."""

    def __init__(self, case, config=None, wrapper=(), env=None, home=None):
        self.case = case
        self.home = home or case.folder()
        self.root, self.vault, self.state = self.home / "deposits", self.home / "vault", self.home / "state"
        for path in (self.root, self.vault, self.state):
            path.mkdir(exist_ok=True)
        self.socket = self.home / "control.sock"
        self.config = self.home / "bkmon.yaml"
        self.wrapper, self.env = list(wrapper), {**os.environ, **(env or {})}
        self.process, self.program = None, BIN / "bkmond"
        self.log = self.home / "bkmond.log"
        if config is not None:
            self.configure(config)

    def configure(self, deposits):
        """deposits: the body of the deposits section below root and vault, or the whole file when it begins with 'state:'."""
        text = deposits if deposits.startswith("state:") else (
            f"state: {self.state}\ncontrol: {{socket: {self.socket}}}\ndeposits:\n  root: {self.root}\n  vault: {self.vault}\n  settle: 1s\n" + deposits)
        self.config.write_text(text)

    def start(self, wait=True):
        out = open(self.log, "ab")
        self.process = subprocess.Popen(self.wrapper + [str(self.program), "--config", str(self.config)], stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                                        env=self.env, start_new_session=True)
        out.close()
        self.case.addCleanup(self.stop)
        if wait:
            self.case.until("bkmond answers\n" + self.text(), lambda: self.process.poll() is not None or self.ctl("version", check=False).returncode == 0)
            if self.process.poll() is not None:
                self.case.fail("bkmond ended:\n" + self.text())
        return self

    def text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def stop(self, sig=signal.SIGTERM):
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(sig)
        try:
            code = self.process.wait(timeout=20 * SLOWER)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None
            self.case.fail("bkmond did not stop within 20 s:\n" + self.text())
        self.process = None
        if "Sanitizer" in self.text() or "runtime error:" in self.text():
            self.case.fail("a sanitizer spoke:\n" + self.text()[-6000:])
        return code

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def ctl(self, *args, check=True, input=None):
        done = subprocess.run([str(BIN / "bkmonctl"), "--socket", str(self.socket), *args], capture_output=True, text=True, input=input, timeout=60 * SLOWER,
                              env=self.env)
        if check and done.returncode != 0:
            self.case.fail(f"bkmonctl {' '.join(args)}: {done.returncode}\n{done.stdout}{done.stderr}\n{self.text()}")
        return done

    def json(self, *args):
        return json.loads(self.ctl("--json", *args).stdout)

    def status(self, target):
        for t in self.json("status")["targets"]:
            if t["id"].lower() == target.lower():
                return t
        return None

    def wait_status(self, target, status, seconds=20, **more):
        def right():
            t = self.status(target)
            return t if t and t["status"] == status and all(t[k] == v for k, v in more.items()) else None
        try:
            return self.case.until(f"{target} becomes {status} {more}", right, seconds)
        except AssertionError as e:
            raise AssertionError(f"{e}\nnow: {self.status(target)}\n{self.text()}") from None

    def agent(self, name):
        for folder in ("log", "database"):
            (self.root / name / folder).mkdir(parents=True, exist_ok=True)
        return self.root / name

    def deposit(self, agent, databases, end=None, report_name="STATUS.json", overall="completed", files=True):
        """Writes files and report as rsync would: under a temporary name, then renamed."""
        folder = self.agent(agent)
        if files:
            for what in databases.values():
                if not isinstance(what, dict):
                    place(folder / "database" / what[0], what[1])
        place(folder / "log" / report_name, json.dumps(report(agent, databases, end, overall)).encode())

    def vault_files(self):
        return {str(p.relative_to(self.vault)): sha256(p.read_bytes()) for p in sorted(self.vault.rglob("*"))
                if p.is_file() and not str(p.relative_to(self.vault)).startswith(".")}


def place(path, data):
    temporary = path.parent / f".{path.name}.aB3xYz"
    temporary.write_bytes(data)
    os.rename(temporary, path)


def fill_up(folder):
    """To the last block. The file that makes room again when it goes."""
    filler = folder / "filler"
    fd = os.open(filler, os.O_CREAT | os.O_WRONLY)
    try:
        while True:
            os.write(fd, bytes(4096))
    except OSError:
        os.close(fd)
    return filler


def dump(tables=1, rows=50, text="x"):
    """A small mysqldump as its tools write it."""
    lines = ["-- MariaDB dump 10.19  Distrib 10.11.6-MariaDB, for debian-linux-gnu (x86_64)", "--", "-- Host: localhost    Database: MAIN",
             "-- ------------------------------------------------------", "-- Server version\t10.11.6-MariaDB", ""]
    for t in range(tables):
        lines.append(f"CREATE TABLE `t{t}` (`a` int, `b` text);")
        lines += [f"INSERT INTO `t{t}` VALUES ({i},'{text}{i}');" for i in range(rows)]
    lines.append("-- Dump completed on 2026-11-22  3:04:05")
    return ("\n".join(lines) + "\n").encode()


DUE = "@every 24h from {}"


def jobs(*lines, **defaults):
    """A configuration of jobs that were due a minute ago."""
    base = {"schedule": f'"{DUE.format(utc(-60))}"', "path": '"{agent}/{database}/{file}"', **defaults}
    text = "  defaults: {" + ", ".join(f"{k}: {v}" for k, v in base.items()) + "}\n  jobs:\n"
    return text + "".join(f"    - {line}\n" for line in (lines or ("{agent: SHOP_CITY_NORTH, database: MAIN}",)))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]

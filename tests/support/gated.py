"""bkmond behind syscall_gate, on a home that can lie on any file system: crashes and faults at a chosen call. Works from several threads at once."""
import ctypes
import fcntl
import json
import os
import pathlib
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time

from harness import BIN, PROGRAMS, SLOWER, place, report, sha256
from varlink_client import Client, VarlinkError

GATE = PROGRAMS / "syscall_gate"
LIBC = ctypes.CDLL(None, use_errno=True)
SHUTDOWN, NOLOGFLUSH = 0x8004587D, 2
OK = "ok"


class Gate:
    """A bkmond that runs behind the gate. Commands answer with the number of calls that matched."""

    def __init__(self, home, log):
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()
        self.fired, self.ended, self.calls = None, None, []
        self.fired_event, self.ended_event = threading.Event(), threading.Event()
        self.answers = queue.Queue()
        with open(log, "ab") as out:
            self.process = subprocess.Popen([str(GATE), str(theirs_in), str(theirs_out), str(BIN / "bkmond"), "--config", str(home / "bkmon.yaml")], stdout=out,
                                            stderr=out, stdin=subprocess.DEVNULL, pass_fds=(theirs_in, theirs_out), start_new_session=True)
        os.close(theirs_in)
        os.close(theirs_out)
        self.commands, self.events = os.fdopen(ours_out, "w", buffering=1), os.fdopen(ours_in)
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        with self.events:
            for line in self.events:
                word, *rest = line.split()
                if word == "done":
                    self.answers.put(int(rest[0]))
                elif word == "call":
                    self.calls.append((rest[1], rest[2] if len(rest) > 2 else ""))
                elif word == "fired":
                    self.fired = (int(rest[0]), rest[1], rest[2] if len(rest) > 2 else "")
                    self.fired_event.set()
                elif word == "ended":
                    self.ended = int(rest[0])
        self.process.wait()
        self.ended_event.set()
        self.fired_event.set()
        self.answers.put(None)

    def command(self, *words):
        try:
            self.commands.write(" ".join(str(w) for w in words) + "\n")
        except (BrokenPipeError, ValueError):
            return None
        return self.answers.get(timeout=30)

    def arm(self, how, k=0, error=0, names="*", prefix="*"):
        self.fired = None
        self.fired_event.clear()
        return self.command("arm", how, k, error, names, prefix)

    def stop(self):
        """Ends it as systemd would."""
        self.command("stop")
        return self.gone()

    def kill(self):
        """Kills bkmond and what it started, and waits until all of it is gone."""
        if not self.ended_event.is_set():
            self.command("kill")
        return self.gone()

    def gone(self):
        if not self.ended_event.wait(30):
            os.kill(self.process.pid, signal.SIGKILL)
            raise AssertionError("what was killed does not end")
        try:
            self.commands.close()
        except BrokenPipeError:
            pass
        return self.ended


class Listener:
    """Hears of each ok of a target as the daemon says it."""

    def __init__(self, home, agent="A"):
        self.client, self.heard, self.target = Client(home.socket, timeout=60), threading.Event(), target(agent)
        self.client.send("io.bkmon.Targets.Watch", {}, more=True)
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        with self.client:
            try:
                while True:
                    event = self.client.receive()[0]["event"]
                    if (event["target"] or "").lower() == self.target and event["status"] == OK:
                        self.heard.set()
            except (OSError, EOFError, ValueError, VarlinkError):
                pass


class Home:
    """deposits/, vault/ and state/ of one bkmond, and a configuration for {target agent: [databases]}."""

    def __init__(self, path, agents=("A",), settings="rescan: 1h", defaults="content: opaque"):
        self.path, self.agents = pathlib.Path(path), list(agents)
        self.settings, self.defaults = settings, defaults
        self.gate = None
        self.log = self.path / "bkmond.log"
        self.socket = self.path / "s"

    def make(self):
        for name in ("deposits", "vault", "state"):
            (self.path / name).mkdir(parents=True, exist_ok=True)
        for agent in self.agents:
            for folder in ("log", "database"):
                (self.path / "deposits" / agent / folder).mkdir(parents=True, exist_ok=True)
        return self.configured()

    def configured(self):
        jobs = "".join(f"    - {{agent: {a}, database: MAIN}}\n" for a in self.agents)
        (self.path / "bkmon.yaml").write_text(
            f"state: {self.path}/state\ncontrol: {{socket: {self.socket}}}\ndeposits:\n  root: {self.path}/deposits\n  vault: {self.path}/vault\n"
            f"  settle: 0s\n  reserve_bytes: 0\n  {self.settings}\n  defaults: {{schedule: none, path: \"{{agent}}/{{database}}/{{file}}\", {self.defaults}}}\n  jobs:\n{jobs}")
        return self

    def copy(self, path):
        """The same home elsewhere. Inode numbers differ: only for homes at rest."""
        subprocess.run(["cp", "-a", "--reflink=auto", str(self.path), str(path)], check=True)
        return Home(path, self.agents, self.settings, self.defaults).configured()

    def start(self, wait=True, arm=("off",)):
        """arm: the gate's first command, in force from the first call on."""
        self.gate = Gate(self.path, self.log)
        self.gate.command(*arm)
        if wait and not self.until(lambda: self.status() is not None or self.gate.ended_event.is_set(), 20):
            raise AssertionError("bkmond does not answer:\n" + self.text())
        if wait and self.gate.ended_event.is_set():
            raise AssertionError(f"bkmond ended with {self.gate.ended}:\n" + self.text())
        return self.gate

    def stop(self):
        if self.gate is not None:
            self.gate.kill()
            self.gate = None

    def text(self):
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""

    def call(self, method, **parameters):
        with Client(self.socket, timeout=5 * SLOWER) as client:
            return client.call(method, **parameters)

    def status(self):
        """{target: row}, or None while nobody answers."""
        try:
            return {t["id"].lower(): t for t in self.call("io.bkmon.Targets.Status")["targets"]}
        except (OSError, EOFError, VarlinkError, ValueError):
            return None

    def is_ok(self, sha, agent="A"):
        t = (self.status() or {}).get(target(agent))
        return bool(t) and t["status"] == OK and t["sha256"] == sha

    @staticmethod
    def until(condition, seconds):
        end = time.monotonic() + seconds * SLOWER
        pause = 0.01
        while True:
            value = condition()
            if value or time.monotonic() > end:
                return value
            time.sleep(pause)
            pause = min(pause * 1.3, 0.2)

    def deposit(self, data, age, agent="A"):
        """A backup that ended `age` seconds ago, as rsync would place it."""
        folder = self.path / "deposits" / agent
        end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - age))
        place(folder / "database/main.bin", data)
        place(folder / "log/STATUS.json", json.dumps(report(agent, {"MAIN": ("main.bin", data)}, end)).encode())
        return sha256(data)

    def consumed(self, agent="A"):
        folder = self.path / "deposits" / agent / "database"
        return not any(folder.iterdir())

    def at_rest(self):
        """Nothing is under way: the history has no row of a promotion. Asked of a copy, beside the running daemon."""
        import vault_checker
        try:
            rows = vault_checker.history(self.path / "state")
        except Exception:  # a copy made while it was written
            return False
        return rows is not None and not rows["deposit_state"] and not any(r["state"] in ("queued", "running") for r in rows["run"])

    def remove(self):
        self.stop()
        shutil.rmtree(self.path, ignore_errors=True)


def target(agent):
    return f"deposit/{agent.lower()}/main"


def final(agent):
    return f"{agent}/MAIN/main.bin"


def shutdown(path):
    """What a power cut does to this file system: nothing more is written, not even its log. From here on it answers EIO."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.ioctl(fd, SHUTDOWN, NOLOGFLUSH.to_bytes(4, sys.byteorder))
    finally:
        os.close(fd)


class Disks:
    """File systems of one's own, on sparse images, in a mount namespace of this process: nothing is left when it ends."""

    def __init__(self, case):
        self.case, self.folder = case, case.folder()
        if os.geteuid() != 0:
            case.skipTest("loop devices and mounts need root")
        if LIBC.unshare(0x00020000) != 0 or subprocess.run(["mount", "--make-rprivate", "/"], check=False).returncode != 0:
            case.skipTest("no mount namespace of one's own here")

    def mount(self, kind, name, size="512M", options="", point=None):
        """A fresh one; its mount point."""
        point, image = point or self.folder / name, self.folder / f"{name}.img"
        point.mkdir(parents=True, exist_ok=True)
        if kind == "tmpfs":
            return self.attach(["-t", "tmpfs", "-o", f"size={size}"], "tmpfs", point)
        tool = shutil.which(f"mkfs.{kind}")
        if tool is None:
            self.case.skipTest(f"mkfs.{kind} is not installed")
        subprocess.run(["truncate", "-s", size, str(image)], check=True)
        more = {"ext4": ["-q", "-F"], "xfs": ["-q", "-f"], "btrfs": ["-q", "-f"]}[kind]
        subprocess.run([tool, *more, *options.split(), str(image)], check=True, capture_output=True)
        self.attach(["-t", kind, "-o", "loop"], image, point)
        return point

    def attach(self, options, source, point):
        done = subprocess.run(["mount", *options, str(source), str(point)], capture_output=True, text=True)
        if done.returncode != 0:
            self.case.skipTest(f"cannot mount {' '.join(options)}: {done.stderr.strip()}")
        self.case.addCleanup(lambda: subprocess.run(["umount", "-l", str(point)], capture_output=True))
        return point

    def again(self, kind, name, point):
        """Unmounted and mounted again, as after a power cut: the log is replayed."""
        subprocess.run(["umount", str(point)], check=True)
        subprocess.run(["mount", "-t", kind, "-o", "loop", str(self.folder / f"{name}.img"), str(point)], check=True)

"""Callers of the control socket with an identity of their own: real processes under setpriv, and what the daemon's source says they may do."""
import json
import os
import pathlib
import re
import socket
import subprocess
import sys

SUPPORT = pathlib.Path(__file__).parent
sys.path.insert(0, str(SUPPORT))
from harness import SANITIZED, SLOWER, SOURCE, Daemon, Case  # noqa: E402
from varlink_client import Client  # noqa: E402

# Numbers that no box gives to a user or a group.
ADMIN, OPERATOR, VIEWER, STRANGER, LIMITED = 4501, 4502, 4503, 4999, 4511
ADMINS, OPERATORS, VIEWERS = 4601, 4602, 4603
OVERFLOW = 65534

# What a caller's process runs: one call a line on its standard input, one answer a line on its standard output.
CALLS = r'''
import json, socket, sys
for line in sys.stdin:
    path, frame, wait = json.loads(line)
    out = {"frames": [], "closed": False}
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.settimeout(0.3 if wait == "quiet" else 20)
    rest = b""
    try:
        s.connect(path)
        s.sendall(frame.encode() + b"\0")
        while wait == "end" or not out["frames"]:
            got = s.recv(65536)
            if not got:
                out["closed"] = True
                break
            *frames, rest = (rest + got).split(b"\0")
            out["frames"] += [json.loads(f) for f in frames]
    except TimeoutError:
        out["trouble"] = "nothing more came"
    except OSError as e:
        out["trouble"] = repr(e)
    out["rest"] = len(rest)
    s.close()
    print(json.dumps(out), flush=True)
'''

# Opens connections and keeps those that the daemon keeps; says how many of them are still open when asked.
HOLDS = r'''
import select, socket, sys
path, wanted = sys.argv[1], int(sys.argv[2])
kept = []
for i in range(wanted):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.settimeout(20)
    try:
        s.connect(path)
        s.setblocking(False)
        kept.append(s)
    except OSError:
        s.close()
print("connected", flush=True)
for line in sys.stdin:
    alive = 0
    for s in kept:
        try:
            alive += s.recv(1, socket.MSG_PEEK) != b"" and 0
        except BlockingIOError:
            alive += 1
        except OSError:
            pass
    print(alive, flush=True)
'''

# Asks for the status again and again on one connection, and says how long that took at most: the wall time of each call, less what this process
# and the daemon's loop spent ready to run while the machine ran others (schedstat counts that), since that is no fault of the daemon.
PROBES = r'''
import json, select, socket, sys, time
path, pid = sys.argv[1], sys.argv[2]
def waited(who):
    with open(f"/proc/{who}/schedstat") as f:
        return int(f.read().split()[1]) / 1e9
s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
s.settimeout(20)
s.connect(path)
calls, worst, worst_wall, over = 0, 0.0, 0.0, 0
call = b'{"method":"io.bkmon.Targets.Status"}\0'
while True:
    before, began = waited("self") + waited(pid), time.monotonic()
    s.sendall(call)
    while not s.recv(1 << 20).endswith(b"\0"):
        pass
    wall = time.monotonic() - began
    own = max(0.0, wall - (waited("self") + waited(pid) - before))
    calls, worst, worst_wall, over = calls + 1, max(worst, own), max(worst_wall, wall), over + (own > 0.1)
    time.sleep(0.01)
    if select.select([0], [], [], 0)[0]:
        break
print(json.dumps({"calls": calls, "worst": worst, "worst_wall": worst_wall, "over": over}))
'''


def identity(uid, gid=None, groups=()):
    """The command line that makes a process this user, with these groups and no others, and without any right beside."""
    groups = ["--groups=" + ",".join(map(str, groups))] if groups else ["--clear-groups"]
    return ["setpriv", f"--reuid={uid}", f"--regid={uid if gid is None else gid}", *groups, "--inh-caps=-all", "--bounding-set=-all"]


class Answer:
    def __init__(self, raw):
        self.frames, self.closed, self.rest, self.trouble = raw["frames"], raw["closed"], raw["rest"], raw.get("trouble")
        self.error = self.frames[0].get("error") if self.frames else None
        self.parameters = self.frames[0].get("parameters", {}) if self.frames else {}

    def __repr__(self):
        return f"{self.frames} closed={self.closed} rest={self.rest} {self.trouble or ''}"


class Peer:
    """A process that calls as somebody. Each call has a connection of its own."""

    def __init__(self, case, path, who):
        self.path = str(path)
        self.process = subprocess.Popen([*who, "/usr/bin/python3", "-c", CALLS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/")
        case.addCleanup(self.end)

    def call(self, method, parameters=None, wait="answer", **flags):
        """wait="end": until the daemon hangs up; "quiet": a short while, since a stream may have nothing to say."""
        frame = json.dumps({"method": method, "parameters": parameters or {}, **flags})
        self.process.stdin.write(json.dumps([self.path, frame, wait]) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"the caller ended with {self.process.wait()}")
        return Answer(json.loads(line))

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


class Holder:
    """A process that opens `wanted` connections as somebody and keeps them."""

    def __init__(self, case, path, who, wanted):
        self.process = subprocess.Popen([*who, "/usr/bin/python3", "-c", HOLDS, str(path), str(wanted)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, cwd="/")
        case.addCleanup(self.end)

    def connected(self):
        if self.process.stdout.readline().strip() != "connected":
            raise AssertionError("the holder of connections ended early")

    def alive(self):
        self.process.stdin.write("?\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


class Prober:
    """Another client's view of the daemon, all the while."""

    def __init__(self, case, d):
        self.process = subprocess.Popen(["/usr/bin/python3", "-c", PROBES, str(d.socket), str(d.process.pid)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        case.addCleanup(lambda: (self.process.kill(), self.process.communicate()))

    def result(self):
        out, _ = self.process.communicate("", timeout=60)
        return json.loads(out)


def roles_of_methods():
    """{method: role} as common/protocol/methods.h has it."""
    text = (SOURCE / "common/protocol/methods.h").read_text()
    return {m[1]: m[2] for m in re.finditer(r'MethodSpec\{"([A-Za-z.]+)", Role::(viewer|oper|admin)', text)}


def methods_that_take_limited_callers():
    text = (SOURCE / "common/protocol/methods.h").read_text()
    return {m[1] for m in re.finditer(r'MethodSpec\{"([A-Za-z.]+)", [^}]*, true\}', text)}


def interfaces(path):
    """{interface: its description}, asked of the daemon itself."""
    with Client(path) as c:
        names = c.call("org.varlink.service.GetInfo")["interfaces"]
        return {n: c.call("org.varlink.service.GetInterfaceDescription", interface=n)["description"] for n in names}


def methods(path):
    """{method: [(parameter, type)]} of every interface, by a reader of the interface language that shares no line with the daemon's."""
    found = {}
    for interface, text in interfaces(path).items():
        text = re.sub(r"#[^\n]*", "", text)
        for m in re.finditer(r"\bmethod\s+(\w+)\s*\(([^()]*)\)\s*->", text):
            fields = [f.split(":", 1) for f in m[2].split(",") if f.strip()]
            found[f"{interface}.{m[1]}"] = [(name.strip(), kind.strip()) for name, kind in fields]
    return found


class ControlCase(Case):
    """A daemon with one job that was due, and callers of every kind."""
    JOB = "  jobs:\n    - {agent: SHOP_CITY_NORTH, database: MAIN, schedule: \"@every 24h from 2026-01-01T00:00:00Z\", path: \"{agent}/{database}/{file}\"}\n"
    ROLES = (f'{{admin: [root, "{ADMIN}", "@{ADMINS}"], operator: ["{OPERATOR}", "@{OPERATORS}"], '
             f'viewer: ["{VIEWER}", "@{VIEWERS}", "{OVERFLOW}", "@{OVERFLOW}", nobody, "@nogroup"]}}')

    def needs_root(self):
        if os.geteuid() != 0:
            self.skipTest("needs root: connects as other users")

    def configuration(self, d, roles=None, more=""):
        roles = f", roles: {roles}" if roles else ""
        return (f"state: {d.state}\ncontrol: {{socket: {d.socket}{roles}}}\n"
                f"deposits:\n  root: {d.root}\n  vault: {d.vault}\n  settle: 1s\n{more}{self.JOB}")

    def daemon(self, roles=None, more="", wait=True, **options):
        d = Daemon(self, **options)
        d.home.chmod(0o755)
        d.configure(self.configuration(d, roles, more))
        d.start(wait=wait)
        if not wait:
            self.until("the socket is there\n" + d.text(), d.socket.exists)
        return d

    def peer(self, d, uid, gid=None, groups=(), under=()):
        return Peer(self, d.socket, [*identity(uid, gid, groups), *under])

    def fds(self, d):
        return len(os.listdir(f"/proc/{d.process.pid}/fd"))

    def resident(self, d):
        """KiB"""
        return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{d.process.pid}/status").read_text())[1])

    def grew_less(self, d, before, kib):
        """Of a program under the address sanitizer, which keeps what was freed, nothing is asked."""
        if not SANITIZED:
            self.assertLess(self.resident(d) - before, kib)

    def audit(self, d):
        """[(uid, pid, method, outcome)] as the history has it."""
        import sqlite3
        with sqlite3.connect(f"file:{d.state}/history.db?mode=ro", uri=True) as db:
            return db.execute("SELECT uid, pid, method, outcome FROM audit ORDER BY id").fetchall()

    def refused(self, answer, method, role):
        """One refusal, no data, and nothing after it."""
        self.assertEqual(answer.frames, [{"error": "io.bkmon.NotAllowed", "parameters": {"method": method, "role": role}}], answer)
        self.assertEqual(answer.rest, 0)


def raw(path, timeout=20):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.settimeout(timeout)
    s.connect(str(path))
    return s


def answers_end(s):
    """Everything the daemon says until it hangs up."""
    said = b""
    try:
        while got := s.recv(65536):
            said += got
    except ConnectionError:
        pass
    return said

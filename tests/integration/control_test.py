"""The control socket of the real daemon, by a Varlink client that shares no line with it: who may do what, and what hostile clients achieve."""
import array
import gzip
import json
import os
import pathlib
import random
import socket
import stat
import struct
import subprocess
import sys
import threading
import time

SUPPORT = pathlib.Path(__file__).parent.parent / "support"
sys.path.insert(0, str(SUPPORT))
from harness import BIN, SLOWER, Case, Daemon, dump, main, sha256, utc  # noqa: E402
from peers import (ADMIN, ADMINS, OPERATOR, STRANGER, VIEWER as MAPPED_VIEWER, ControlCase, Holder, answers_end, identity, methods, raw)  # noqa: E402
from varlink_client import Client, VarlinkError  # noqa: E402

VIEWER = 4322
DUE = utc(-3600)
JOB = f"  jobs:\n    - {{agent: SHOP_CITY_NORTH, database: MAIN, schedule: \"@every 24h from {DUE}\"}}\n"
TARGET = "deposit/shop_city_north/main"


def configuration(d, control="", jobs=JOB):
    return (f"state: {d.state}\ncontrol: {{socket: {d.socket}{control}}}\n"
            f"deposits:\n  root: {d.root}\n  vault: {d.vault}\n  settle: 1s\n{jobs}")


class Control(Case):
    def daemon(self, control=""):
        d = Daemon(self)
        d.home.chmod(0o755)
        d.configure(configuration(d, control))
        return d.start()

    def as_user(self, uid, d, *call):
        """One call by another user: exit status and what was printed."""
        if os.geteuid() != 0:
            self.skipTest("needs root: connects as other users")
        done = subprocess.run(["/usr/bin/python3", "-", str(d.socket), *call], input=(SUPPORT / "varlink_client.py").read_text(), capture_output=True,
                              text=True, user=uid, group=uid, extra_groups=[], timeout=30 * SLOWER, cwd="/")
        return done.returncode, done.stdout.strip() or done.stderr.strip()

    def fds(self, d):
        return len(os.listdir(f"/proc/{d.process.pid}/fd"))

    def test_describes_itself(self):
        d = self.daemon()
        with Client(d.socket) as c:
            info = c.call("org.varlink.service.GetInfo")
            self.assertEqual(info["product"], "bkmond")
            self.assertTrue(info["version"])
            self.assertIn("io.bkmon.Targets", info["interfaces"])
            for name in info["interfaces"]:
                text = c.call("org.varlink.service.GetInterfaceDescription", interface=name)["description"]
                lines = [line for line in text.splitlines() if line and not line.startswith("#")]
                self.assertEqual(lines[0], f"interface {name}")
            for method, error in (("io.bkmon.Targets.Nothing", "MethodNotFound"), ("io.bkmon.Nothing.Here", "InterfaceNotFound")):
                with self.assertRaises(VarlinkError) as e:
                    c.call(method)
                self.assertEqual(e.exception.name, "org.varlink.service." + error)

    def test_every_look_is_answered(self):
        d = self.daemon()
        with Client(d.socket) as c:
            status = c.call("io.bkmon.Targets.Status")
            self.assertIn(TARGET, [t["id"].lower() for t in status["targets"]])
            self.assertEqual(sum(status["counts"].values()), status["total"])
            self.assertEqual([page["total"] for page in c.stream("io.bkmon.Targets.Status")], [status["total"]])
            self.assertEqual(c.call("io.bkmon.Targets.Explain", target=TARGET)["target"]["id"].lower(), TARGET)
            for method, member in (("Targets.History", "verdicts"), ("Targets.Report", "rows"), ("Targets.Summary", "days"), ("Runs.List", "runs"),
                                   ("Schedule.List", "schedules"), ("Deposits.List", "deposits"), ("Deposits.Unexpected", "unexpected"),
                                   ("Daemon.Settings", "settings")):
                self.assertIsInstance(c.call("io.bkmon." + method)[member], list, method)
            self.assertIn(TARGET, [w.lower() for w in c.call("io.bkmon.Daemon.Complete", what="targets", prefix="deposit/")["words"]])
            self.assertEqual(c.call("io.bkmon.Daemon.Version")["pid"], d.process.pid)

    def test_a_dropped_watcher_resumes_by_number(self):
        d = self.daemon()
        with Client(d.socket) as operator, Client(d.socket) as first:
            first.send("io.bkmon.Targets.Watch", {}, more=True)
            time.sleep(0.3)
            operator.call("io.bkmon.Targets.Pause", target=TARGET, reason="a test")
            for _ in range(10):  # bkmond's own targets may say something in between
                event, continues = first.receive()
                self.assertTrue(continues)
                if (event["event"]["target"] or "").lower() == TARGET:
                    break
            self.assertEqual((event["event"]["target"].lower(), event["event"]["status"]), (TARGET, "paused"))
            first.socket.close()
            operator.call("io.bkmon.Targets.Resume", target=TARGET)
            with Client(d.socket) as second:
                second.send("io.bkmon.Targets.Watch", {"after": event["event"]["seq"]}, more=True)
                events = (second.receive()[0]["event"] for _ in range(10))
                self.assertEqual(next(e for e in events if (e["target"] or "").lower() == TARGET)["previous"], "paused")

    def test_strangers_get_one_refusal_and_no_data(self):
        d = self.daemon()
        for method in ("io.bkmon.Targets.Status", "io.bkmon.Deposits.Release", "io.bkmon.No.Such", "org.varlink.service.GetInfo"):
            code, said = self.as_user(STRANGER, d, method)
            self.assertEqual(code, 1)
            self.assertEqual(said, "io.bkmon.NotAllowed " + json.dumps({"method": method, "role": "viewer"}))
        self.assertIn(f"(uid {STRANGER}, pid ", d.text())

    def test_roles_follow_the_configuration_also_after_a_reload(self):
        d = self.daemon(f", roles: {{admin: [root], viewer: [\"{VIEWER}\", nobody, no-such-user]}}")
        self.assertEqual(self.as_user(VIEWER, d, "io.bkmon.Targets.Status")[0], 0)
        self.assertIn("NotAllowed", self.as_user(VIEWER, d, "io.bkmon.Targets.Pause", json.dumps({"target": TARGET, "reason": "x"}))[1])
        self.assertIn("NotAllowed", self.as_user(65534, d, "io.bkmon.Targets.Status")[1])
        watching = subprocess.Popen(["/usr/bin/python3", "-", str(d.socket), "io.bkmon.Targets.Watch", "--more"], stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, user=VIEWER, group=VIEWER, extra_groups=[], cwd="/")
        self.addCleanup(lambda: (watching.kill(), watching.communicate()))
        watching.stdin.write((SUPPORT / "varlink_client.py").read_bytes())
        watching.stdin.close()
        watching.stdin = None
        time.sleep(0.5)
        self.assertIsNone(watching.poll())
        d.configure(configuration(d, ", roles: {admin: [root]}"))
        with Client(d.socket) as c:
            self.assertEqual(c.call("io.bkmon.Daemon.Reload")["problems"], [])
        self.assertNotEqual(watching.wait(timeout=10 * SLOWER), 0)   # what it may no longer see ends
        self.assertIn("NotAllowed", self.as_user(VIEWER, d, "io.bkmon.Targets.Status")[1])

    def test_hostile_clients_harm_nobody(self):
        d = self.daemon()
        with Client(d.socket) as c:
            c.call("io.bkmon.Daemon.Version")
        time.sleep(0.2)
        before = self.fds(d)
        kept = []
        for i in range(300):
            s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            s.settimeout(10)
            try:
                s.connect(str(d.socket))
                data = [b"\0" * 100, b"x" * 2_000_000, b"{" * 500_000 + b"\0", b'{"method":"\xff"}\0', b'{"method":', b"[]\0",
                        b'{"method":"io.bkmon.Targets.Status"}\0' * 20][i % 7]
                if i % 10 == 9:
                    socket.send_fds(s, [data[:1000]], [0, 1, 2])
                else:
                    s.sendall(data)
            except OSError:
                pass   # refused in the middle: that is the point
            (kept.append(s) if i % 30 == 0 else s.close())
        with Client(d.socket) as c:
            began = time.monotonic()
            c.call("io.bkmon.Targets.Status")
            self.assertLess(time.monotonic() - began, 1 * SLOWER)
        for s in kept:
            s.close()
        self.until("descriptors are back", lambda: self.fds(d) <= before)
        self.assertIsNone(d.process.poll())

    def test_stopping_ends_streams_at_once(self):
        d = self.daemon()
        with Client(d.socket) as c:
            c.send("io.bkmon.Targets.Watch", {}, more=True)
            time.sleep(0.3)
            self.assertEqual(d.stop(), 0)
            with self.assertRaises((EOFError, ConnectionError)):
                while True:
                    c.receive()
        self.assertFalse(d.socket.exists())

    def test_a_killed_daemon_leaves_a_socket_that_the_next_one_replaces(self):
        d = self.daemon()
        d.kill()
        self.assertTrue(d.socket.exists())
        d.start()
        with Client(d.socket) as c:
            c.call("io.bkmon.Daemon.Version")

    def test_a_folder_that_others_may_write_to_is_refused(self):
        d = Daemon(self)
        d.configure(configuration(d))
        d.home.chmod(0o777)
        d.start(wait=False)
        self.until("it refuses", lambda: d.process.poll() is not None)
        self.assertNotEqual(d.process.returncode, 0)
        self.assertIn("others may write to the folder", d.text())
        self.assertFalse(d.socket.exists())


SYNTAX = ["--help", "-rf", "`id`", "$(id)", "../../etc/passwd", "..", "%n%s", ";reboot", "a\nb", "a\x00b",
          "\x1b[2J", "x;uid=0;", "'", '"', "*/../*", "\u202etxt"]


class Abuse(ControlCase):
    """J1 to J16: what callers may try, and what comes of it."""
    GATES = "  defaults: {gates: {size: {min_size: 1GiB}}}\n"

    def sent(self, d, s, frame, **parameters):
        s.sendall(json.dumps({"method": frame, "parameters": parameters}).encode() + b"\0")

    def still_answers(self, d, within=1.0):
        began = time.monotonic()
        with Client(d.socket) as c:
            c.call("io.bkmon.Targets.Status")
        self.assertLess(time.monotonic() - began, within * SLOWER)

    def hold(self, d, number=1, size=20000):
        """Something is held for the target: a backup smaller than GATES allow. Gives its hash."""
        data = gzip.compress(dump(text=random.Random(number).randbytes(size // 50).hex()), 1)
        d.deposit("SHOP_CITY_NORTH", {"MAIN": ("main.sql.gz", data)}, utc(-40 + number))
        d.wait_status(TARGET, "held", sha256=sha256(data))
        return sha256(data)

    def healthy(self, d):
        """One backup is in the vault: an admin released it, where GATES hold everything. Gives its hash."""
        held = self.hold(d, 0)
        d.ctl("--yes", "deposits", "release", TARGET, "--sha256", held)
        d.wait_status(TARGET, "ok", sha256=held)
        return held

    def test_j01_a_stranger_gets_one_refusal(self):
        self.needs_root()
        d = self.daemon(self.ROLES)
        nobody = self.peer(d, STRANGER)
        for method in ("io.bkmon.Targets.Status", "io.bkmon.Deposits.Release", "io.bkmon.No.Such", "org.varlink.service.GetInfo", "", "x" * 3000):
            answer = nobody.call(method, wait="end")
            self.assertTrue(answer.closed, answer)
            self.refused(answer, method if 0 < len(method) < 256 else "", "viewer")
        self.assertIn(f"(uid {STRANGER}, pid {nobody.process.pid})", d.text())
        for secret in ("shop_city", str(d.vault), "bkmond"):
            self.assertNotIn(secret, json.dumps(answer.frames))

    def test_j02_a_viewer_releases_nothing_and_it_is_written_down(self):
        self.needs_root()
        d = self.daemon(self.ROLES, self.GATES)
        healthy = self.healthy(d)
        held = self.hold(d)
        viewer = self.peer(d, MAPPED_VIEWER)
        for method in ("io.bkmon.Deposits.Release", "io.bkmon.Deposits.Reject"):
            self.refused(viewer.call(method, {"target": TARGET, "sha256": held}), method, "admin")
        self.assertEqual(list(d.vault_files().values()), [healthy])
        self.assertEqual(d.status(TARGET)["status"], "held")
        for method in ("io.bkmon.Deposits.Release", "io.bkmon.Deposits.Reject"):
            self.until("the audit has it", lambda: (MAPPED_VIEWER, viewer.process.pid, method, "denied") in self.audit(d))
        self.assertIn(f"{MAPPED_VIEWER} (uid {MAPPED_VIEWER}, pid {viewer.process.pid}) called io.bkmon.Deposits.Release: denied", d.text())
        self.assertEqual(self.peer(d, ADMIN).call("io.bkmon.Deposits.Release", {"target": TARGET, "sha256": held}).error, None)
        self.until("done is written down as well", lambda: [
            r for r in self.audit(d) if r[0] == ADMIN and r[2:] == ("io.bkmon.Deposits.Release", "ok")])

    def test_j03_a_connection_keeps_the_rights_of_who_connected(self):
        """Root connects and passes the connection on: it stays root's, and the audit names who connected. A stranger's stays a stranger's."""
        self.needs_root()
        d = self.daemon(self.ROLES)
        pause = json.dumps({"method": "io.bkmon.Targets.Pause", "parameters": {"target": TARGET, "reason": "passed on"}})
        use = (f"import os,socket,sys\ns=socket.socket(fileno=int(sys.argv[1]))\ns.sendall({pause!r}.encode()+b'\\0')\n"
               "print(os.getuid(), s.recv(65536))")
        with raw(d.socket, timeout=None) as s:
            done = subprocess.run([*identity(STRANGER), "/usr/bin/python3", "-c", use, str(s.fileno())], pass_fds=[s.fileno()],
                                  capture_output=True, text=True)
            self.assertIn("paused", done.stdout)
            self.assertTrue(done.stdout.startswith(str(STRANGER)))
        self.until("the audit has who connected", lambda: (0, os.getpid(), "io.bkmon.Targets.Pause", "ok") in self.audit(d))
        self.assertIn(f"root (uid 0, pid {os.getpid()}) called io.bkmon.Targets.Pause: ok", d.text())
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        give = ("import array,socket,sys\ns=socket.socket(socket.AF_UNIX);s.connect(sys.argv[1])\n"
                "socket.socket(fileno=int(sys.argv[2])).sendmsg([b'x'],[(socket.SOL_SOCKET,socket.SCM_RIGHTS,array.array('i',[s.fileno()]))])")
        subprocess.run([*identity(STRANGER), "/usr/bin/python3", "-c", give, str(d.socket), str(theirs.fileno())], pass_fds=[theirs.fileno()],
                       check=True)
        _, fds, _, _ = socket.recv_fds(ours, 1, 1)
        with socket.socket(fileno=fds[0]) as s:
            s.settimeout(20)
            s.sendall(pause.encode() + b"\0")
            self.assertIn(b"io.bkmon.NotAllowed", answers_end(s))
        ours.close()
        theirs.close()

    def test_j04_a_name_that_somebody_else_made_is_refused(self):
        """What stands where the socket should be, or a way there that others can change: bkmond does not start, and touches nothing of it."""
        self.needs_root()

        def refuses(name, prepare, words):
            with self.subTest(name):
                d = Daemon(self)
                d.home.chmod(0o755)
                kept = prepare(d)
                d.configure(self.configuration(d))
                before = os.lstat(d.socket) if os.path.lexists(d.socket) else None
                d.start(wait=False)
                self.until("it refuses", lambda: d.process.poll() is not None)
                self.assertEqual(d.process.returncode, 1)
                self.assertIn(words, d.text())
                after = os.lstat(d.socket) if os.path.lexists(d.socket) else None
                self.assertEqual(before and (before.st_ino, before.st_mode, before.st_uid), after and (after.st_ino, after.st_mode, after.st_uid))
                if isinstance(kept, socket.socket):
                    kept.close()

        def link_to(target):
            return lambda d: os.symlink(target(d), d.socket)

        def foreign_socket(d):
            s = socket.socket(socket.AF_UNIX)
            s.bind(str(d.socket))
            os.chown(d.socket, STRANGER, STRANGER)
            return s

        def somebody_listens(d):
            s = socket.socket(socket.AF_UNIX)
            s.bind(str(d.socket))
            s.listen()
            return s

        def own_folder(change):
            def prepare(d):
                folder = d.home / "run"
                folder.mkdir()
                d.socket = folder / "control.sock"
                change(folder)
            return prepare

        def over_a_link(d):
            open_to_all = d.home / "open"
            open_to_all.mkdir()
            open_to_all.chmod(0o777)
            (d.home / "link").symlink_to(open_to_all)
            d.socket = d.home / "link/control.sock"

        taken = "something that is not bkmond's socket has this name"
        refuses("a file", lambda d: d.socket.write_text("mine"), taken)
        refuses("a link to nothing", link_to(lambda d: d.home / "nothing"), taken)
        refuses("a link to a file", link_to(lambda d: d.config), taken)
        refuses("a folder", lambda d: d.socket.mkdir(), taken)
        refuses("somebody else's socket", foreign_socket, taken)
        refuses("a socket that is in use", somebody_listens, "another bkmond listens there")
        writable = "others may write to the folder"
        refuses("a folder of somebody else", own_folder(lambda f: os.chown(f, STRANGER, STRANGER)), writable)
        refuses("a folder that a group may write to", own_folder(lambda f: f.chmod(0o775)), writable)
        refuses("a folder for everybody, with the sticky bit", own_folder(lambda f: f.chmod(0o1777)), writable)
        refuses("a folder that everybody may swap", lambda d: (own_folder(lambda f: None)(d), d.home.chmod(0o777))[0], writable)
        refuses("a link to a folder for everybody", over_a_link, writable)

    def test_j05_the_name_of_a_callers_own_socket_says_nothing(self):
        self.needs_root()
        d = self.daemon(self.ROLES)
        here = self.folder()
        here.chmod(0o777)
        bind = ("import socket,sys\ns=socket.socket(socket.AF_UNIX);s.settimeout(20)\n"
                "s.bind(bytes.fromhex(sys.argv[2]));s.connect(sys.argv[1])\n"
                "s.sendall(b'{\"method\":\"io.bkmon.Targets.Pause\",\"parameters\":{}}\\0');print(s.recv(65536))")
        for name in (b"x;uid=0;", b"pid=1;uid=0;socket=x;", b"uid=0\nroot (uid 0, pid 1) called", b"\x1b[2J", b"root"):
            for address in (os.fsencode(here) + b"/" + name, b"\0" + name):
                for uid, role in ((STRANGER, "viewer"), (MAPPED_VIEWER, "operator")):
                    with self.subTest(address=address, uid=uid):
                        done = subprocess.run([*identity(uid), "/usr/bin/python3", "-c", bind, str(d.socket), address.hex()],
                                              capture_output=True, text=True, cwd="/")
                        self.assertIn("io.bkmon.NotAllowed", done.stdout, done.stderr)
                        self.assertIn(f'"role":"{role}"', done.stdout)
                        if address[:1] != b"\0":
                            os.unlink(address)
        self.assertNotIn("uid 0, ", "".join(line for line in d.text().splitlines() if "denied" in line))
        self.assertTrue(all(uid in (STRANGER, MAPPED_VIEWER) for uid, _, _, outcome in self.audit(d) if outcome.startswith("denied")))
        self.assertNotIn("\x1b", d.text())

    def test_j06_the_overflow_user_of_a_namespace_is_nobody(self):
        """A daemon that sees a caller without a number here, whatever its configuration gives to 65534; the sweep has the whole matrix of it."""
        self.needs_root()
        if subprocess.run(["unshare", "--user", "--map-root-user", "true"], capture_output=True).returncode != 0:
            self.skipTest("no user namespaces here")
        d = self.daemon(self.ROLES, wrapper=["unshare", "--user", "--map-root-user"])
        for uid in (ADMIN, STRANGER, 65534):
            answer = self.peer(d, uid, None, [ADMINS]).call("io.bkmon.Targets.Status", wait="end")
            self.refused(answer, "io.bkmon.Targets.Status", "viewer")
        self.assertIn("65534", d.text())
        self.assertIn("it can have no role", d.text())

    def test_j07_many_connections_leave_a_place_for_admins(self):
        """The caps with some hundred connections of users that have rights and of strangers; the sweep opens 10,000."""
        self.needs_root()
        viewers = [4700 + i for i in range(9)]
        d = self.daemon("{admin: [root, \"%d\"], viewer: [%s]}" % (ADMIN, ", ".join(f'\"{v}\"' for v in viewers)))
        before = self.fds(d)
        strangers = [Holder(self, d.socket, identity(4800 + i), 20) for i in range(12)]
        mapped = [Holder(self, d.socket, identity(v), 50) for v in viewers]
        for h in strangers + mapped:
            h.connected()

        def capped():
            alive, uninvited = [h.alive() for h in mapped], [h.alive() for h in strangers]
            return max(uninvited) <= 4 and sum(uninvited) <= 32 and max(alive) <= 32 and sum(alive) <= 248
        self.until("those above the caps are turned away", capped)
        alive = [h.alive() for h in mapped]
        self.assertGreater(sum(alive), 150)
        self.assertLessEqual(self.fds(d) - before, 256)
        for uid in (0, ADMIN):
            self.assertIsNone(self.peer(d, uid).call("io.bkmon.Targets.Status").error)
        late = self.peer(d, viewers[-1]).call("io.bkmon.Targets.Status", wait="end")
        self.assertIn(late.error, ("io.bkmon.Busy", None) if sum(alive) < 248 else ("io.bkmon.Busy",))
        self.still_answers(d)
        for h in strangers + mapped:
            h.end()
        self.until("descriptors are back", lambda: self.fds(d) <= before)
        self.assertIsNone(self.peer(d, viewers[0]).call("io.bkmon.Targets.Status").error)

    def test_j08_half_a_frame_has_five_seconds(self):
        d = self.daemon()
        with raw(d.socket) as one, raw(d.socket) as drop_by_drop, raw(d.socket) as after_a_call:
            one.sendall(b'{"method":')
            after_a_call.sendall(b'{"method":"io.bkmon.Daemon.Version"}\0{"meth')
            began = time.monotonic()
            ended = {}
            while len(ended) < 3 and time.monotonic() - began < 15 * SLOWER:
                for name, s in (("one", one), ("drops", drop_by_drop), ("after", after_a_call)):
                    if name in ended:
                        continue
                    s.settimeout(0.05)
                    try:
                        if name == "drops":  # each byte is no new time
                            s.sendall(b" ")
                        if s.recv(65536) == b"":
                            ended[name] = time.monotonic() - began
                    except TimeoutError:
                        pass
                    except ConnectionError:
                        ended[name] = time.monotonic() - began
                self.still_answers(d)
            self.assertEqual(sorted(ended), ["after", "drops", "one"])
            for name, after in ended.items():
                self.assertGreater(after, 4, name)
                self.assertLess(after, 8 * SLOWER, name)
        self.assertIn("sent the beginning of a call and not its end", d.text())

    def test_j09_what_is_no_call_is_refused(self):
        d = self.daemon()
        status = b'{"method":"io.bkmon.Targets.Status"'
        frames = {
            "four GiB of length before it": struct.pack("<I", 0xFFFFFFFF) + status + b"}\0",
            "length and nothing": struct.pack(">I", 0xFFFFFFFF) + b"\0",
            "nothing": b"\0", "many nothings": b"\0" * 5000, "a space": b" \0", "two megabytes": b"x" * (2 << 20),
            "no end in sight": b"[" * (3 << 20),
            "deep": b'{"method":' + b"[" * 100000 + b"]" * 100000 + b"}\0",
            "deep parameters": status + b',"parameters":{"a":' + b'{"a":' * 5000 + b"1" + b"}" * 5002 + b"\0",
            "NUL within": b'{"method":"io.bkmon.\0Targets.Status"}\0', "half of UTF-8": status[:-1] + b'\xc3"}\0',
            "overlong": b'{"method":"\xc0\xae"}\0',
            "surrogate": b'{"method":"\xed\xa0\x80"}\0', "escaped surrogate": b'{"method":"\\ud800"}\0',
            "no object": b"[1,2]\0", "number": b"1e999\0", "null": b"null\0",
            "twice": status + b',"method":"x"}\0', "two values": status + b"}{}\0", "unknown member": status + b',"uid":0}\0',
            "parameters no object": status + b',"parameters":[]}\0',
            "more no flag": status + b',"more":1}\0', "method no text": b'{"method":7}\0', "no method": b"{}\0",
            "half a million values": status + b',"parameters":{"a":[' + b"0," * 500000 + b"0]}}\0",
        }
        before = self.fds(d)
        for name, data in frames.items():
            with self.subTest(name), raw(d.socket) as s:
                try:
                    s.sendall(data)
                    s.shutdown(socket.SHUT_WR)
                except OSError:
                    pass  # refused in the middle
                said = answers_end(s)
                if said:
                    first = json.loads(said.split(b"\0")[0])
                    self.assertEqual(first.get("error"), "io.bkmon.Invalid", first)
                    self.assertEqual(said.count(b"\0"), 1, "what came after it was answered")
                else:
                    self.assertGreater(len(data), 1 << 20, "no word of refusal")
            self.still_answers(d)
        self.until("descriptors are back", lambda: self.fds(d) <= before)

    def test_j10_who_never_reads_is_cut_off(self):
        d = self.daemon()
        resident = self.resident(d)
        call = b'{"method":"org.varlink.service.GetInterfaceDescription","parameters":{"interface":"io.bkmon.Targets"}}\0'
        with raw(d.socket, timeout=2) as s:
            try:
                for _ in range(40):
                    s.sendall(call * 500)
            except OSError:
                pass
            self.until("it is cut off", lambda: "does not read its answers" in d.text())
            self.still_answers(d)
            self.grew_less(d, resident, 24 << 10)
        with raw(d.socket) as s:  # who reads gets all of them
            s.sendall(call * 500)
            s.shutdown(socket.SHUT_WR)
            self.assertEqual(answers_end(s).count(b"\0"), 500)

    def test_j11_a_release_goes_on_when_its_caller_hangs_up(self):
        """What puts a file where backups are restored from is a release: it is carried to its end, and its outcome is in the audit."""
        d = self.daemon(more=self.GATES)
        self.healthy(d)
        held = self.hold(d, size=8 << 20)
        with raw(d.socket) as s:
            self.sent(d, s, "io.bkmon.Deposits.Release", target=TARGET, sha256=held)
        d.wait_status(TARGET, "ok", sha256=held, reason_code="released")
        self.assertIn(held, d.vault_files().values())
        self.until("the audit has its end", lambda: [r for r in self.audit(d) if r[2:] == ("io.bkmon.Deposits.Release", "ok")])
        with raw(d.socket) as s:  # and so does a run that somebody followed
            self.sent(d, s, "io.bkmon.Deposits.Rescan")
        self.until("the run ended", lambda: [r for r in d.json("runs", "list")["runs"] if r["kind"] == "rescan" and r["state"] == "done"])

    def test_j12_of_two_releases_of_one_target_one_is_refused(self):
        d = self.daemon(more=self.GATES)
        self.healthy(d)
        held = self.hold(d, size=8 << 20)
        with Client(d.socket) as one, Client(d.socket) as two:
            for c in (one, two):
                c.send("io.bkmon.Deposits.Release", {"target": TARGET, "sha256": held})
            ends = []
            for c in (one, two):
                try:
                    ends.append(c.receive()[0])
                except VarlinkError as e:
                    ends.append(e.name)
        self.assertEqual(sorted(type(e).__name__ for e in ends), ["dict", "str"], ends)
        self.assertIn(next(e for e in ends if isinstance(e, str)), ("io.bkmon.Deposits.NotHeld", "io.bkmon.Failed", "io.bkmon.Busy"))
        released = [v for v in d.json("history", TARGET)["verdicts"] if "released by" in v["reason"]]
        self.assertEqual(len(released), 2)  # with the one before
        self.assertEqual(list(d.vault_files().values()).count(held), 1)

    def test_j13_names_are_no_options_patterns_or_paths(self):
        """Each text of each method as each kind of syntax, and through bkmonctl's own argv: an answer, and nothing outside is touched."""
        d = self.daemon()
        good = gzip.compress(dump())
        d.deposit("SHOP_CITY_NORTH", {"MAIN": ("main.sql.gz", good)}, utc(-50))
        d.wait_status(TARGET, "ok", sha256=sha256(good))
        canary = d.home / "canary"
        canary.write_text("untouched")
        before = {p: p.stat().st_mtime_ns for p in d.home.rglob("*") if not str(p).startswith((str(d.state), str(d.log)))}
        with Client(d.socket) as c:
            for method, parameters in methods(d.socket).items():
                if method in ("io.bkmon.Targets.Watch", "io.bkmon.Runs.Follow"):
                    continue
                for name, kind in parameters:
                    if "string" not in kind:
                        continue
                    for text in SYNTAX:
                        with self.subTest(method, parameter=name, text=text):
                            others = {n: "x" for n, k in parameters if k == "string"}
                            try:
                                c.call(method, **{**others, name: [text] if kind.endswith("[]string") else text})
                            except VarlinkError as e:
                                self.assertNotIn(e.name, ("io.bkmon.Failed",) if "internal" in str(e) else (), e)
        # bkmonctl takes a name behind "--" as a name.
        for text in SYNTAX:
            if "\0" in text:
                continue
            for command in (["explain"], ["deposits", "release", "--sha256", "0" * 64], ["deposits", "adopt"], ["runs", "show"],
                            ["pause", "--reason", "x"]):
                with self.subTest(command, text=text):
                    done = d.ctl("--yes", *command, "--", text, check=False)
                    self.assertIn(done.returncode, (1, 2, 4), done.stdout + done.stderr)
                    self.assertNotIn("Usage", done.stdout)
                    self.assertFalse([ch for ch in done.stdout + done.stderr if (ord(ch) < 32 and ch != "\n") or ch == "\u202e"])
        # A report that names such databases, adopted: the configuration stays readable and nothing leaves the vault.
        names = ["--help", "`id`", "../../canary", "$(id)", "%n", ";x", "a b"]
        d.deposit("SHOP_CITY_NORTH", {n: (f"f{i}.sql.gz", good) for i, n in enumerate(names)}, utc())
        self.until("they are shown", lambda: len(d.json("deposits", "unexpected")["unexpected"]) >= len(names))
        with Client(d.socket) as c:
            try:
                c.call("io.bkmon.Deposits.Adopt", agent="SHOP_CITY_NORTH", write=True)
            except VarlinkError as e:
                self.assertNotEqual(e.name, "io.bkmon.Failed", d.text())
        check = subprocess.run([str(BIN / "bkmond"), "--check-config", "--config", str(d.config)], capture_output=True, text=True)
        self.assertEqual(check.returncode, 0, check.stdout + check.stderr)
        time.sleep(3)
        for path in d.vault_files():
            for part in path.split("/"):
                self.assertRegex(part, r"\A[A-Za-z0-9_][A-Za-z0-9._-]*\Z")
        self.assertEqual(canary.read_text(), "untouched")
        for path, at in before.items():
            theirs = str(path).startswith((str(d.vault), str(d.root), str(d.home / "conf.d"))) or path in (d.socket, d.home)
            if not theirs and path.exists():
                self.assertEqual(path.stat().st_mtime_ns, at, path)

    def test_j14_a_stale_release_is_refused(self):
        """Who releases names the hash of what he saw: when something else is held by now, or nothing, nothing happens."""
        d = self.daemon(more=self.GATES)
        healthy = self.healthy(d)
        first = self.hold(d, 1)
        second = self.hold(d, 2)
        with Client(d.socket) as c:
            for method in ("io.bkmon.Deposits.Release", "io.bkmon.Deposits.Reject"):
                with self.assertRaises(VarlinkError) as e:
                    c.call(method, target=TARGET, sha256=first)
                self.assertEqual((e.exception.name, e.exception.parameters["held"]), ("io.bkmon.Deposits.WrongHash", second))
                for sha in ("", None, second[:63], second + "0", "*", healthy):
                    with self.assertRaises(VarlinkError):
                        c.call(method, target=TARGET, sha256=sha)
            self.assertEqual(list(d.vault_files().values()), [healthy])
            self.assertEqual(d.status(TARGET)["sha256"], second)
            c.call("io.bkmon.Deposits.Release", target=TARGET, sha256=second.upper())
            for again in (second, first):
                with self.assertRaises(VarlinkError) as e:
                    c.call("io.bkmon.Deposits.Release", target=TARGET, sha256=again)
                self.assertEqual(e.exception.name, "io.bkmon.Deposits.NotHeld")
        self.assertEqual(len([v for v in d.json("history", TARGET)["verdicts"] if "released by" in v["reason"]]), 2)  # with the one before

    def test_j15_passed_descriptors_are_closed(self):
        d = self.daemon()
        with Client(d.socket) as c:
            c.call("io.bkmon.Daemon.Version")
        before = self.until("at rest", lambda: self.fds(d))
        for count in (1, 3, 253):
            with self.subTest(count), raw(d.socket) as s:
                reader, writer = os.pipe()
                socket.send_fds(s, [b'{"method":"io.bkmon.Daemon.Version"}\0'], [writer] * count)
                os.close(writer)
                self.assertEqual(answers_end(s), b"")
                self.assertEqual(os.read(reader, 1), b"")   # nobody holds the other end
                os.close(reader)
        for level, kind, data in ((socket.SOL_SOCKET, socket.SCM_CREDENTIALS, struct.pack("iII", os.getpid(), os.getuid(), os.getgid())),):
            with raw(d.socket) as s:
                s.sendmsg([b'{"method":"io.bkmon.Daemon.Version"}\0'], [(level, kind, data)])
                self.assertIn(b'"version"', s.recv(65536))   # not asked for, not looked at
        with raw(d.socket) as s:   # with each byte of a call
            try:
                for byte in b'{"method":"io.bkmon.Daemon.Version"}\0':
                    s.sendmsg([bytes([byte])], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))])
            except OSError:
                pass
            self.assertNotIn(b'"version"', answers_end(s))
        self.until("descriptors are back", lambda: self.fds(d) <= before)
        self.assertIn("passed file descriptors", d.text())

    def test_j16_noise_leaves_nothing_behind(self):
        """A slice of noise from eight threads; the sweep sends 20,000 frames of every kind."""
        d = self.daemon()
        with Client(d.socket) as c:
            c.call("io.bkmon.Daemon.Version")
        time.sleep(0.3)
        before, resident = self.fds(d), self.resident(d)
        seed = int(os.environ.get("BKMON_SEED", time.time_ns() % 10**9))

        def noise(number):
            r = random.Random(seed * 100 + number)
            for _ in range(60):
                try:
                    with raw(d.socket, timeout=5) as s:
                        for _ in range(r.randrange(1, 4)):
                            s.sendall(r.randbytes(r.choice((1, 30, 3000, 100000))))
                        if r.random() < 0.5:
                            s.shutdown(socket.SHUT_WR)
                            answers_end(s)
                except OSError:
                    pass
        threads = [threading.Thread(target=noise, args=(i,)) for i in range(8)]
        for t in threads:
            t.start()
        while any(t.is_alive() for t in threads):
            self.still_answers(d, 2)
            time.sleep(0.1)
        self.assertIsNone(d.process.poll(), f"BKMON_SEED={seed}\n" + d.text())
        self.until(f"descriptors are back (BKMON_SEED={seed})", lambda: self.fds(d) <= before)
        self.grew_less(d, resident, 16 << 10)
        self.assertTrue(stat.S_ISSOCK(os.lstat(d.socket).st_mode))


if __name__ == "__main__":
    main()

"""The control socket of the real daemon, by a Varlink client that shares no line with it: who may do what, and what hostile clients achieve."""
import json
import os
import pathlib
import socket
import subprocess
import sys
import time

SUPPORT = pathlib.Path(__file__).parent.parent / "support"
sys.path.insert(0, str(SUPPORT))
from harness import SLOWER, Case, Daemon, main, utc  # noqa: E402
from varlink_client import Client, VarlinkError  # noqa: E402

STRANGER, VIEWER = 4321, 4322
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
            event, continues = first.receive()
            self.assertTrue(continues)
            self.assertEqual((event["event"]["target"].lower(), event["event"]["status"]), (TARGET, "paused"))
            first.socket.close()
            operator.call("io.bkmon.Targets.Resume", target=TARGET)
            with Client(d.socket) as second:
                second.send("io.bkmon.Targets.Watch", {"after": event["event"]["seq"]}, more=True)
                self.assertEqual(second.receive()[0]["event"]["previous"], "paused")

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

    def test_half_a_frame_has_five_seconds(self):
        d = self.daemon()
        with Client(d.socket) as c:
            c.socket.sendall(b'{"method":')
            began = time.monotonic()
            with self.assertRaises((EOFError, ConnectionError)):
                c.receive()
            self.assertGreater(time.monotonic() - began, 4)
            self.assertLess(time.monotonic() - began, 8 * SLOWER)

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


if __name__ == "__main__":
    main()

"""Who may call what on the control socket: every method for every kind of caller, each a real process; what thousands of hostile frames achieve."""
import json
import os
import pathlib
import subprocess
import sys
import time

SUPPORT = pathlib.Path(__file__).parent.parent / "support"
sys.path.insert(0, str(SUPPORT))
from harness import FULL, SANITIZED, SLOWER, fact, main  # noqa: E402
from peers import (ADMIN, ADMINS, LIMITED, OPERATOR, OPERATORS, OVERFLOW, STRANGER, VIEWER, VIEWERS, ControlCase, Holder, Prober,  # noqa: E402
                   identity, interfaces, methods, methods_that_take_limited_callers, roles_of_methods)
from varlink_client import Client  # noqa: E402

RANK = {"none": 0, "viewer": 1, "operator": 2, "admin": 3}

# What only operators and admins may do, written down once more: a slip in the daemon's own table must not change what this expects.
ABOVE_VIEWER = {
    "io.bkmon.Alerts.Ack": "operator", "io.bkmon.Alerts.Expect": "operator", "io.bkmon.Alerts.Retry": "operator", "io.bkmon.Alerts.Silence": "operator",
    "io.bkmon.Alerts.Test": "operator", "io.bkmon.Alerts.Unsilence": "operator",
    "io.bkmon.Daemon.Reload": "admin", "io.bkmon.Daemon.Settings": "admin", "io.bkmon.Deposits.Adopt": "admin", "io.bkmon.Deposits.Init": "admin",
    "io.bkmon.Deposits.Reject": "admin", "io.bkmon.Deposits.Release": "admin", "io.bkmon.Deposits.Rescan": "operator",
    "io.bkmon.Deposits.Verify": "operator", "io.bkmon.Outlets.Import": "admin", "io.bkmon.Outlets.Scan": "operator",
    "io.bkmon.Runs.Cancel": "operator",
    "io.bkmon.Targets.Pause": "operator", "io.bkmon.Targets.Resume": "operator",
}


class Matrix(ControlCase):
    def setUp(self):
        self.needs_root()
        self.cells = self.peers = 0

    def row(self, d, name, peer, role, limited=False):
        """Every method for one caller, alone and, as streams are asked for, with more."""
        self.peers += 1
        for method, needed in self.needed.items():
            for more in (False, True):
                with self.subTest(f"{name}: {method}", more=more):
                    self.cells += 1
                    stranger = role == "none"
                    watching = more and method == "io.bkmon.Targets.Watch"  # begins, and has nothing to say yet
                    answer = peer.call(method, {}, wait="end" if stranger else "quiet" if watching else "answer", more=more)
                    if stranger:  # hears the same about each name, and then nothing more
                        self.refused(answer, method, "viewer")
                        self.assertTrue(answer.closed, answer)
                    elif RANK[role] < RANK[needed] or (limited and method not in self.takes_limited and not method.startswith("org.")):
                        self.refused(answer, method, needed)
                    elif answer.frames:
                        self.assertNotEqual(answer.error, "io.bkmon.NotAllowed", answer)
                        self.assertNotEqual(answer.error, "org.varlink.service.MethodNotImplemented", answer)
                    else:
                        self.assertTrue(watching and not answer.closed, f"no answer: {answer}")

    def learn(self, d):
        """Which methods there are, by introspection, and the role each needs, by the daemon's table; both against what stands here."""
        declared = methods(d.socket)
        table = {m: {"oper": "operator"}.get(r, r) for m, r in roles_of_methods().items()}
        self.assertEqual({m for m in declared if m.startswith("io.bkmon.")}, set(table))
        self.needed = {m: table.get(m, "viewer") for m in declared}
        self.assertEqual({m: r for m, r in self.needed.items() if r != "viewer"}, ABOVE_VIEWER)
        self.takes_limited = methods_that_take_limited_callers()

    def test_the_whole_matrix(self):
        began = time.monotonic()
        d = self.daemon(self.ROLES)
        self.learn(d)
        far = list(range(5000, 5060))  # a caller may be in more groups than the daemon makes room for at first
        rows = [("root", 0, 0, [], "admin"), ("nobody mapped", STRANGER, None, [], "none"), ("other groups", STRANGER, None, far, "none"),
                ("overflow uid", OVERFLOW, OVERFLOW, [], "none"), ("overflow uid in the group of the admins", OVERFLOW, ADMINS, [ADMINS], "none"),
                ("overflow gid", STRANGER, OVERFLOW, [OVERFLOW], "none"), ("a number as the group has it", ADMINS, STRANGER, [], "none"),
                ("viewer in the operators' group", VIEWER, None, [OPERATORS], "operator"),
                ("viewer in the admins' and the viewers' group", VIEWER, VIEWERS, [ADMINS], "admin")]
        for role, uid, gid in (("admin", ADMIN, ADMINS), ("operator", OPERATOR, OPERATORS), ("viewer", VIEWER, VIEWERS)):
            rows += [(f"{role} by user", uid, None, [], role), (f"{role} by first group", STRANGER, gid, [], role),
                     (f"{role} by another group", STRANGER, None, [gid], role),
                     (f"{role} by the last of many groups", STRANGER, None, [*far, 5999, gid], role)]
        for name, uid, gid, groups, role in rows:
            self.row(d, name, self.peer(d, uid, gid, groups), role)
        # In a namespace of its own a process may call itself what it likes.
        self.row(d, "nobody as root of a namespace", self.peer(d, STRANGER, under=["unshare", "--user", "--map-root-user"]), "none")
        self.row(d, "nobody as nobody of a namespace", self.peer(d, STRANGER, under=["unshare", "--user"]), "none")
        self.row(d, "viewer as root of a namespace", self.peer(d, VIEWER, under=["unshare", "--user", "--map-root-user"]), "viewer")
        d.stop()
        self.own_uid()
        self.nobody_named()
        self.limited()
        self.from_outside_of_the_namespace()
        fact("control_matrix", {"cells": self.cells, "kinds_of_callers": self.peers, "methods": len(self.needed)}, time.monotonic() - began)

    def own_uid(self):
        """Without roles: root, and who the daemon runs as."""
        home = self.folder()
        for path in (home, *(home / n for n in ("deposits", "vault", "state"))):
            path.mkdir(exist_ok=True)
            path.chmod(0o755)
            os.chown(path, 4330, 4330)
        d = self.daemon(home=home, wrapper=["setpriv", "--reuid=4330", "--regid=4330", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"])
        self.learn(d)
        self.row(d, "own uid", self.peer(d, 4330), "admin")
        self.row(d, "root beside another uid", self.peer(d, 0, 0), "admin")
        self.row(d, "own gid", self.peer(d, STRANGER, 4330, [4330]), "none")
        d.stop()

    def nobody_named(self):
        """With roles, only they count: root is a caller like others."""
        d = self.daemon(f'{{viewer: ["{VIEWER}"]}}', wait=False)
        self.until("roles are known", lambda: self.peer(d, VIEWER).call("io.bkmon.Daemon.Version").error is None)
        self.row(d, "root that is not named", self.peer(d, 0, 0), "none")
        self.row(d, "the only one named", self.peer(d, VIEWER), "viewer")
        d.stop()

    def limited(self):
        """A right for some targets opens only what can be limited to them."""
        d = self.daemon(f'[{{user: root, role: admin}}, {{user: "{LIMITED}", role: admin, targets: ["deposit/shop_*/*"]}}]')
        self.learn(d)
        self.row(d, "admin of some targets", self.peer(d, LIMITED), "admin", limited=True)
        d.stop()

    def from_outside_of_the_namespace(self):
        """A daemon in a user namespace sees everybody from outside as the overflow uid, whatever the configuration gives to it."""
        d = self.daemon(self.ROLES, wrapper=["unshare", "--user", "--map-root-user"])
        self.row(d, "root of the namespace", self.peer(d, 0, 0), "admin")
        self.row(d, "admin by a number that has no meaning there", self.peer(d, ADMIN, ADMINS, [ADMINS]), "none")
        self.row(d, "overflow uid from outside", self.peer(d, OVERFLOW, OVERFLOW), "none")
        d.stop()


class Frames(ControlCase):
    """What callers send that is no call, or no good one."""

    def setUp(self):
        self.needs_root()

    def rest(self, d, before, resident):
        self.assertIsNone(d.process.poll(), d.text())
        self.until("descriptors are back", lambda: self.fds(d) <= before, 30)
        with Client(d.socket) as c:
            self.assertTrue(c.call("io.bkmon.Targets.Status")["targets"])
        self.until("memory is back", lambda: SANITIZED or self.resident(d) - resident < 24 << 10, 30)

    def probed(self, prober):
        seen = prober.result()
        self.assertGreater(seen["calls"], 10, seen)
        self.assertEqual(seen["over"], 0, seen)
        return seen

    def test_hostile_frames(self):
        """By an admin, a viewer and strangers at once: each whole call is answered as its interface declares, another client waits for nothing."""
        count = 20000 if FULL else 2000
        seed = int(os.environ.get("BKMON_SEED", time.time_ns() % 10**9))
        began = time.monotonic()
        d = self.daemon(self.ROLES)
        program = (SUPPORT / "interface_reader.py").read_text() + (SUPPORT / "frame_noise.py").read_text()
        texts = interfaces(d.socket)
        time.sleep(0.5)
        before, resident = self.fds(d), self.resident(d)
        prober = Prober(self, d)
        senders = []
        for i, (uid, share) in enumerate(((ADMIN, 0.5), (VIEWER, 0.25), (STRANGER, 0.25))):
            order = {"socket": str(d.socket), "seed": seed + i, "frames": int(count * share), "stranger": uid == STRANGER, "interfaces": texts}
            p = subprocess.Popen([*identity(uid), "/usr/bin/python3", "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True, cwd="/")
            p.stdin.write(json.dumps(order))
            p.stdin.close()
            p.stdin = None
            senders.append(p)
        sent = {}
        for p in senders:
            out, err = p.communicate(timeout=3600)
            self.assertEqual(p.returncode, 0, f"BKMON_SEED={seed}\n{err}\n{d.text()[-3000:]}")
            result = json.loads(out)
            self.assertEqual(result["bad"], [], f"BKMON_SEED={seed}")
            for kind, n in result["sent"].items():
                sent[kind] = sent.get(kind, 0) + n
        self.assertGreaterEqual(len(sent), 8, sent)
        seen = self.probed(prober)
        self.rest(d, before, resident)
        fact("control_frames", {"frames": sum(sent.values()), "violations": 0, "calls_of_another_client_meanwhile": seen["calls"],
                                "its_longest_wait_ms": round(seen["worst"] * 1000)}, time.monotonic() - began)

    def test_connections_by_the_thousand(self):
        """More than anybody needs, by users with rights and by strangers, all at once: the caps hold, admins and who is connected go on."""
        each = 200 if FULL else 40
        viewers, strangers = list(range(4700, 4725)), list(range(4800, 4825))
        began = time.monotonic()
        d = self.daemon("{admin: [root], viewer: [%s]}" % ", ".join(f'"{v}"' for v in viewers))
        time.sleep(0.5)
        before, resident = self.fds(d), self.resident(d)
        prober = Prober(self, d)
        holders = {uid: Holder(self, d.socket, identity(uid), each) for uid in viewers + strangers}
        for h in holders.values():
            h.connected()
        time.sleep(1)
        alive = {uid: h.alive() for uid, h in holders.items()}
        self.assertLessEqual(max(alive[v] for v in viewers), 32)
        self.assertLessEqual(max(alive[s] for s in strangers), 4)
        self.assertLessEqual(sum(alive.values()), 248)
        self.assertLessEqual(self.fds(d) - before, 256)
        admin = self.peer(d, 0, 0)
        for _ in range(20):
            self.assertIsNone(admin.call("io.bkmon.Targets.Status").error)
        self.assertIsNone(d.process.poll())
        seen = self.probed(prober)
        for h in holders.values():
            h.end()
        self.rest(d, before, resident)
        fact("control_connections", {"connections": each * len(holders), "kept_at_once": sum(alive.values()),
                                     "refused": each * len(holders) - sum(alive.values()), "longest_wait_of_another_client_ms": round(seen["worst"] * 1000)}, time.monotonic() - began)


if __name__ == "__main__":
    main()

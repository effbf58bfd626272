"""kill -9 at the entry of every system call of a promotion that concerns a file, and again during the recovery, judged by vault_checker.py; and at random
moments under load. The long run does it on ext4, xfs and btrfs, the short one on the file system of the temporary folder and on a little ext4."""
import concurrent.futures
import os
import pathlib
import random
import re
import sys
import threading
import time

sys.path[:0] = [str(pathlib.Path(__file__).parent.parent / "support"), str(pathlib.Path(__file__).parent)]
import vault_checker  # noqa: E402
from gated import GATE, Disks, Home, final, target  # noqa: E402
from harness import FULL, Case, fact, main, seed  # noqa: E402

WORKERS = 6 if FULL else 3
PATIENCE = 10  # R4: seconds from the start to the state before or after
# Calls after which the disk is another one. A kill at the others leaves what a kill at the next of these leaves. pwrite64 is of the history's log alone
# and of the copy: what is half written there does not count.
CHANGES = "openat,mkdirat,mkdir,fallocate,ftruncate,fsync,fdatasync,fsetxattr,fchmod,renameat2,unlink,unlinkat,ioctl"
TURNS = ("renameat2", "fdatasync", "unlinkat")  # where the first crash is, when the second one is in the recovery


def role(path, home):
    """The same for the same step of two promotions."""
    path = str(path).replace(str(home), "")
    return re.sub(r"(?<=/.bkmon-judged-)[0-9a-f-]*|[0-9a-f]{8,}|\d{8}T\d{6}Z", "*", path)


class Crash(Case):
    def setUp(self):
        if not GATE.exists():
            self.skipTest(f"{GATE} is not built")
        self.lock, self.violations, self.fired, self.steps, self.slowest = threading.Lock(), [], 0, set(), 0.0
        self.number, self.rng = 0, random.Random(seed())

    def places(self):
        """{name: folder} of the file systems that this run is about."""
        found = {} if FULL else {"temporary": self.folder()}
        if FULL or os.geteuid() == 0:
            disks = Disks(self)
            found.update({kind: disks.mount(kind, kind) for kind in (("ext4", "xfs", "btrfs") if FULL else ("ext4",))})
        return found

    def template(self, folder, replacing):
        """A home at rest: bkmond has run there, and with `replacing` has one backup in its vault. Also what is expected of it."""
        home = Home(folder / f"template-{int(replacing)}").make()
        home.start()
        had = []
        if replacing:
            had = [home.deposit(b"first" * 700, 100)]
            self.assertTrue(home.until(lambda: home.is_ok(had[0]) and home.consumed() and home.at_rest(), 20), home.text())
        self.assertEqual(home.gate.stop(), 0, home.text())
        home.gate = None
        return home, had

    def fresh(self, template):
        with self.lock:
            self.number += 1
            number = self.number
        return template.copy(template.path.parent / f"p{number}")

    def expected(self, had, new, **more):
        return {target("A"): {"final": final("A"), "had": had, "new": new, **more}}

    def judge(self, where, home, expected, moment):
        bad = vault_checker.judge(home.path, expected, moment)
        if bad:
            with self.lock:
                self.violations.append(f"{where}, {moment}:\n  " + "\n  ".join(bad) + "\n" + home.text()[-1500:])

    def resting(self, home, sha):
        return home.is_ok(sha) and home.consumed() and home.at_rest()

    def crash(self, home, k, names="*", below="*"):
        """A deposit, and death at its k-th call on what lies below that path. (SHA-256, whether there was such a call)."""
        gate = home.start()
        gate.arm("kill", k, 0, names, "*" if below == "*" else f"{home.path}{below}")
        sha = home.deposit(f"second {k}".encode() * 500, 50)
        came = home.until(lambda: gate.fired_event.is_set() or self.resting(home, sha), 20)
        if gate.fired is None:
            if not came or gate.ended_event.is_set():
                with self.lock:
                    self.violations.append(f"call {k} of {names}: {'bkmond ended with ' + str(gate.ended) if gate.ended_event.is_set() else 'no end in sight'}\n{home.text()}")
            return sha, False
        gate.gone()
        with self.lock:
            self.fired += 1
            self.steps.add((gate.fired[1], role(gate.fired[2], home.path)))
        return sha, True

    def heals(self, where, home, had, sha):
        """Whoever was killed is started again, and nobody does anything else."""
        began = time.monotonic()
        home.start(wait=False)
        rests = home.until(lambda: self.resting(home, sha), PATIENCE)
        took = time.monotonic() - began
        with self.lock:
            self.slowest = max(self.slowest, took)
            if not rests:
                self.violations.append(f"{where}: R4: not at rest after {took:.1f} s: {(home.status() or {}).get(target('A'))}\n{home.text()[-1500:]}")
        home.stop()
        self.judge(where, home, self.expected(had, [sha], now=sha), "settled")

    def point(self, template, had, k, names="*", below="*"):
        home = self.fresh(template)
        try:
            sha, fired = self.crash(home, k, names, below)
            if fired:
                where = f"{template.path.parent.name}, {'replacing' if had else 'first'} promotion, killed at call {home.gate.fired}"
                self.judge(where, home, self.expected(had, [sha]), "crashed")
                self.heals(where, home, had, sha)
            return fired
        finally:
            home.remove()

    def twice(self, template, had, name, first, second):
        """Killed at the `first` call of that name in the promotion, and at the `second` call that changes something in the recovery."""
        home = self.fresh(template)
        try:
            sha, fired = self.crash(home, first, name)
            if not fired:
                return None
            where = f"{template.path.parent.name}, killed at {home.gate.fired}"
            gate = home.start(wait=False, arm=("arm", "kill", second, 0, CHANGES, "*"))
            home.until(lambda: gate.fired_event.is_set() or self.resting(home, sha), 20)
            fired = gate.fired is not None
            if fired:
                gate.gone()
                with self.lock:
                    self.fired += 1
                where += f" and in the recovery at {gate.fired}"
                self.judge(where, home, self.expected(had, [sha]), "crashed")
            home.stop()
            self.heals(where, home, had, sha)
            return fired
        finally:
            home.remove()

    def chase(self, template, had, calls):
        """Threads take turns, so that the k-th call is now this, now that one: the steps at which nobody died are counted by their own name."""
        often = set.intersection(*[set(self.trace(template)) for _ in range(3)])  # the first commit after a start may come before or after it
        steps = {s for s in calls if s in often and s[0] in CHANGES.split(",") and s[1].startswith(("/vault", "/state", "/deposits"))}
        for _ in range(4):
            for name, path in sorted(steps - self.steps):
                below = path.split("*")[0]
                same = [p for n, p in calls if n == name and p.startswith(below)]
                self.in_parallel(self.point, [(template, had, k + 1, name, below) for k, p in enumerate(same) if p == path])
        self.assertEqual(steps - self.steps, set(), "steps at which nobody died")

    def trace(self, template):
        """The calls of an undisturbed promotion: [(name, role)]."""
        home = self.fresh(template)
        try:
            gate = home.start()
            gate.arm("trace")
            sha = home.deposit(b"traced" * 500, 50)
            self.assertTrue(home.until(lambda: self.resting(home, sha), 20), home.text())
            gate.command("off")
            return [(name, role(path, home.path)) for name, path in gate.calls]
        finally:
            home.remove()

    def in_parallel(self, work, arguments):
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            return list(pool.map(lambda a: work(*a), arguments))

    def conclude(self):
        if self.violations:
            self.fail(f"{len(self.violations)} violations (BKMON_SEED={seed()}):\n" + "\n".join(self.violations[:8]))
        self.assertGreater(self.fired, 0)

    def test_at_every_call_of_a_promotion(self):
        began, fewest = time.monotonic(), 10**9
        for kind, folder in self.places().items():
            for replacing in (False, True):
                template, had = self.template(folder, replacing)
                calls = self.trace(template)
                self.assertGreater(len(calls), 80)
                points = range(1, len(calls) + 1)
                if not FULL:
                    points = sorted(self.rng.sample(points, 14 if kind == "temporary" else 6))
                self.steps = set()
                came = self.in_parallel(self.point, [(template, had, k) for k in points])
                # Threads look twice or once at what changed: a promotion may have fewer calls than the one that was traced.
                self.assertTrue(all(came[:int(len(came) * 0.75)]), f"{kind}: calls that were not reached: {[k for k, c in zip(points, came) if not c]} of {len(calls)}")
                fewest = min(fewest, sum(came))
                if FULL:
                    self.chase(template, had, calls)
        self.conclude()
        fact("crash_points", {"points": self.fired, "points_of_the_shortest_promotion": fewest, "file_systems": 3 if FULL else 2,
                              "slowest_recovery_ms": round(self.slowest * 1000), "violations": len(self.violations)}, time.monotonic() - began)

    def test_again_in_the_recovery(self):
        began = time.monotonic()
        for number, folder in enumerate(self.places().values()):
            template, had = self.template(folder, True)
            calls = [name for name, _ in self.trace(template)]
            firsts = [(name, k) for name in TURNS for k in range(1, calls.count(name) + 1)]
            if FULL:
                # On the first file system each call, on the others each third one.
                step, before = (1 if number == 0 else 3), self.fired
                self.in_parallel(self.until_recovered, [(template, had, name, k, 1 + (n % step), step) for n, (name, k) in enumerate(firsts)])
                self.assertGreater(self.fired - before, 100, "crashes in the recovery")
            else:
                self.in_parallel(self.twice, [(template, had, *self.rng.choice(firsts), self.rng.randrange(1, 40)) for _ in range(9)])
        self.conclude()
        fact("crash_points_in_the_recovery", {"points": self.fired, "slowest_recovery_ms": round(self.slowest * 1000),
                                              "violations": len(self.violations)}, time.monotonic() - began)

    def until_recovered(self, template, had, name, first, second, step):
        while self.twice(template, had, name, first, second):
            second += step

    def test_at_random_moments_under_load(self):
        """Agents that deposit all the time and know nothing of it; in the end every row and every file is compared."""
        began, kills, agents = time.monotonic(), 500 if FULL else 12, [f"A{n}" for n in range(6)]
        folder = next(iter(self.places().values()))
        home = Home(folder / "home", agents).make()
        sent, stop = {a: [] for a in agents}, threading.Event()

        def agent(name):
            while not stop.is_set():
                if not [p for p in (home.path / "deposits" / name / "database").iterdir() if not p.name.startswith(".")]:
                    data = f"{name} {len(sent[name])}\n".encode() * 300
                    sent[name].append(home.deposit(data, 80000 - len(sent[name]), name))
                stop.wait(0.03)
        threads = [threading.Thread(target=agent, args=(a,)) for a in agents]
        for thread in threads:
            thread.start()
        try:
            for _ in range(kills):
                gate = home.start(wait=False)
                gate.ended_event.wait(self.rng.uniform(0.02, 0.6))
                self.assertIsNone(gate.ended, "bkmond ended by itself:\n" + home.text())
                home.stop()
                self.fired += 1
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        home.start()
        last = {a: shas[-1] for a, shas in sent.items()}
        home.until(lambda: all(home.is_ok(sha, a) and home.consumed(a) for a, sha in last.items()) and home.at_rest(), 30)
        home.stop()
        self.judge("after random kills", home, {target(a): {"final": final(a), "had": [], "new": shas, "now": shas[-1]} for a, shas in sent.items()}, "settled")
        self.conclude()
        self.assertGreater(sum(map(len, sent.values())), kills // 2)
        fact("random_kills", {"kills": kills, "deposits": sum(map(len, sent.values())), "violations": len(self.violations)}, time.monotonic() - began)


if __name__ == "__main__":
    main()

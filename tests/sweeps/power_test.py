"""Power cuts: the file systems of vault and history are shut down (SHUTDOWN ioctl: nothing that was not synced stays) at every call of a promotion, and
mounted again. What bkmond had called ok to somebody before is still there and whole, and the rest goes on by itself."""
import concurrent.futures
import os
import pathlib
import random
import subprocess
import sys
import threading
import time

sys.path[:0] = [str(pathlib.Path(__file__).parent.parent / "support"), str(pathlib.Path(__file__).parent)]
import vault_checker  # noqa: E402
from gated import GATE, Disks, Home, Listener, final, shutdown, target  # noqa: E402
from harness import FULL, Case, fact, main, seed  # noqa: E402

WORKERS = 4 if FULL else 2


class Machine:
    """One bkmond whose vault and history lie on file systems that lose power. apart: on two, so that no sync of the one saves the other."""

    def __init__(self, disks, kind, apart, folder, name):
        self.disks, self.kind = disks, kind
        self.home = Home(folder / name)
        self.places = {}
        if apart:
            self.places = {f"{name}-{part}": self.home.path / part for part in ("vault", "state")}
        else:
            self.places = {name: self.home.path / "disk"}
        for image, point in self.places.items():
            disks.mount(kind, image, "512M" if kind == "xfs" else "128M", point=point)
        self.bound = [] if apart else ["vault", "state"]
        for part in self.bound:
            (self.home.path / "disk" / part).mkdir()
            (self.home.path / part).mkdir()
        self.bind()
        self.home.make()
        os.sync()  # the folders are of whoever installed bkmond
        self.had, self.sent = [], 0

    def bind(self):
        for part in self.bound:
            subprocess.run(["mount", "--bind", str(self.home.path / "disk" / part), str(self.home.path / part)], check=True)

    def off(self, rng):
        """The lights go out. Either at once, or with a daemon that still runs on a disk that answers nothing but errors."""
        if rng.random() < 0.7:
            self.home.stop()
        for point in rng.sample(list(self.places.values()), len(self.places)):
            shutdown(point)
        time.sleep(rng.choice((0, 0.05)))
        self.home.stop()
        for part in self.bound:
            subprocess.run(["umount", str(self.home.path / part)], check=True)
        for image, point in self.places.items():
            self.disks.again(self.kind, image, point)
        self.bind()

    def deposit(self):
        self.sent += 1
        return self.home.deposit(f"number {self.sent}\n".encode() * 400, 80000 - self.sent)

    def expected(self, sha, acked, **more):
        return {target("A"): {"final": final("A"), "had": self.had, "new": [sha], "acked": [*self.had, *([sha] if acked else [])], **more}}


class Power(Case):
    def setUp(self):
        if not GATE.exists():
            self.skipTest(f"{GATE} is not built")
        self.disks, self.lock = Disks(self), threading.Lock()
        self.violations, self.cuts, self.acknowledged = [], 0, 0

    def cut(self, machine, k, rng, arm=None, after_ok=False):
        """One deposit and a cut at its k-th call; whether that call came. What the checker finds is kept in self.violations."""
        home = machine.home
        home.start()
        listener = Listener(home)
        gate = home.gate
        gate.arm(*(arm or ("hold", k)))
        sha = machine.deposit()
        resting = lambda: home.is_ok(sha) and home.consumed() and home.at_rest()  # noqa: E731
        home.until(lambda: listener.heard.is_set() if after_ok else gate.fired_event.is_set() or resting(), 20)
        fired = gate.fired
        if fired is None and not after_ok:
            home.stop()
            machine.had.append(sha)
            return False
        machine.off(rng)
        acked = listener.heard.is_set()
        where = f"{machine.kind}, {len(machine.places)} file systems, cut at {fired}, {'' if acked else 'not '}acknowledged"
        bad = self.judge(machine, machine.expected(sha, acked), "crashed")
        if arm is None:
            home.start(wait=False)
            rests = home.until(resting, 10)
            bad += [] if rests else [f"not at rest: {(home.status() or {}).get(target('A'))}"]
            home.stop()
            bad += self.judge(machine, machine.expected(sha, True, now=sha), "settled")
        machine.had.append(sha)
        with self.lock:
            self.cuts, self.acknowledged = self.cuts + 1, self.acknowledged + acked
            if bad:
                self.violations.append(f"{where}:\n  " + "\n  ".join(bad) + "\n" + home.text()[-1500:])
        return True

    @staticmethod
    def judge(machine, expected, moment):
        return [f"{moment}: {line}" for line in vault_checker.judge(machine.home.path, expected, moment)]

    def sweep(self, kind, apart, points):
        """The points are dealt to some machines that work beside each other."""
        folder = self.folder()
        machines = [Machine(self.disks, kind, apart, folder, f"{kind}-{int(apart)}-{n}") for n in range(WORKERS)]

        def work(n):
            rng = random.Random(seed() * 1000 + n)
            machine = machines[n]
            self.cut(machine, 10**6, rng)  # a whole one first: there is something to lose
            return [self.cut(machine, k, rng) for k in points[n::WORKERS]]
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            return [came for list_ in pool.map(work, range(WORKERS)) for came in list_]

    def test_power_cuts(self):
        began = time.monotonic()
        if FULL:
            for kind in ("ext4", "xfs"):
                for apart in (True, False):
                    came = self.sweep(kind, apart, list(range(1, 290)))
                    self.assertGreater(sum(came), 200, "calls that were reached")
        else:
            self.sweep("ext4", True, sorted(random.Random(seed()).sample(range(1, 260), 12)))
        if self.violations:
            self.fail(f"{len(self.violations)} violations (BKMON_SEED={seed()}):\n" + "\n".join(self.violations[:8]))
        self.assertGreater(self.cuts, 5)
        fact("power_cuts", {"cuts": self.cuts, "of_them_after_the_ok": self.acknowledged, "violations": len(self.violations)}, time.monotonic() - began)

    def test_the_cut_is_noticed_where_nothing_is_synced(self):
        """A bkmond whose syncs do nothing must be found out, or the test above proves nothing."""
        machine = Machine(self.disks, "ext4", True, self.folder(), "liar")
        self.cut(machine, 0, random.Random(1), arm=("from", 1, 0, "fsync,fdatasync"), after_ok=True)
        self.assertEqual(len(self.violations), 1, "nothing was missed without any sync")
        self.assertIn("R3", self.violations[0])


if __name__ == "__main__":
    main()

"""Faults of the machine under the real daemon: each system call on a file fails once, or from then on until the cause is gone; file systems that are
really full, or become read-only. No healthy backup is lost, nothing is called ok that is not there, and bkmond heals by itself and takes the next one."""
import concurrent.futures
import errno
import os
import pathlib
import random
import shutil
import subprocess
import sys
import threading
import time

sys.path[:0] = [str(pathlib.Path(__file__).parent.parent / "support"), str(pathlib.Path(__file__).parent)]
import vault_checker  # noqa: E402
from gated import GATE, Disks, Home, final, target  # noqa: E402
from harness import FULL, Case, fact, main, seed  # noqa: E402

WORKERS = 40 if FULL else 8
HEALS = 100  # seconds: some things are tried again after half a minute, and one after the other
# What each call can fail with. A table and not all of all: fsync does not run out of descriptors.
LONG = ("pwrite64", "openat2", "newfstatat", "pread64", "openat")  # the longest series come first
FILLER = ".bkmon-filler"
FULL_DISK = ("ENOSPC", "EDQUOT")
FAULTS = {
    "openat": (*FULL_DISK, "EIO", "EROFS", "EMFILE", "ENOMEM"), "openat2": ("EIO", "EMFILE", "ENOMEM"), "mkdirat": (*FULL_DISK, "EIO", "EROFS", "ENOMEM"),
    "mkdir": (*FULL_DISK, "EIO", "EROFS"), "fallocate": (*FULL_DISK, "EIO"), "ftruncate": ("EIO", "EROFS"), "ioctl": ("ENOSPC", "EIO"),
    "copy_file_range": (*FULL_DISK, "EIO"), "fsync": (*FULL_DISK, "EIO", "EROFS"), "fdatasync": (*FULL_DISK, "EIO", "EROFS"), "fsetxattr": (*FULL_DISK, "EIO", "EROFS"),
    "fgetxattr": ("EIO", "ENOMEM"), "fchmod": ("ENOSPC", "EIO", "EROFS"), "renameat2": (*FULL_DISK, "EIO", "EROFS", "ENOMEM"), "linkat": (*FULL_DISK, "EIO"),
    "unlinkat": ("EIO", "EROFS", "ENOMEM"), "unlink": ("EIO", "EROFS"), "getdents64": ("EIO", "ENOMEM"), "newfstatat": ("EIO", "ENOMEM"), "statx": ("EIO", "ENOMEM"),
    "fstatfs": ("EIO", "ENOMEM"), "fadvise64": ("EIO",), "inotify_add_watch": ("ENOSPC", "ENOMEM"), "pipe2": ("EMFILE",), "pidfd_open": ("EMFILE", "ENOMEM"),
    "mmap": ("ENOMEM",), "pread64": ("EIO", "ENOMEM"), "pwrite64": (*FULL_DISK, "EIO"),
}


class Faults(Case):
    def setUp(self):
        if not GATE.exists():
            self.skipTest(f"{GATE} is not built")
        if os.geteuid() != 0:
            self.skipTest("the paths of another process's descriptors, and mounts, need root")
        self.lock, self.violations, self.runs, self.restarts, self.number, self.slowest = threading.Lock(), [], 0, 0, 0, 0.0
        self.rng = random.Random(seed())

    def conclude(self):
        if self.violations:
            self.fail(f"{len(self.violations)} violations of {self.runs} (BKMON_SEED={seed()}):\n" + "\n".join(self.violations[:12]))
        self.assertGreater(self.runs, 0)

    def complain(self, where, bad, home):
        with self.lock:
            self.violations.append(f"{where}:\n  " + "\n  ".join(bad) + "\n" + home.text()[-1800:])
            if FULL:
                print(f"[{self.runs}] {self.violations[-1]}", file=sys.stderr, flush=True)

    def restarted(self, home):
        """As systemd does it when bkmond has ended with a failure."""
        if home.gate is not None and home.gate.ended_event.is_set():
            with self.lock:
                self.restarts += 1
            home.gate = None
            home.start(wait=False)

    def resting(self, home, sha):
        self.restarted(home)
        return home.is_ok(sha) and home.consumed() and home.at_rest()

    def truthful(self, home, expected):
        """Neither a false green nor a lost backup at this moment. Twice: while the checker reads, files move."""
        bad = vault_checker.judge(home.path, expected, "crashed")
        for _ in range(5):
            if not bad:
                return []
            time.sleep(0.3)
            bad = vault_checker.judge(home.path, expected, "crashed")
        return bad

    def ends_well(self, where, home, had, sha, began):
        """The cause is gone: the deposit is taken, and the next one too; every row and file is as it would be without the fault."""
        def expected(new, **more):
            return {target("A"): {"final": final("A"), "had": had, "new": new, **more}}
        bad = [] if home.until(lambda: self.resting(home, sha), HEALS) else [f"not healed after {HEALS} s: {(home.status() or {}).get(target('A'))}"]
        took = time.monotonic() - began
        following = home.deposit(b"the one after" * 300, 10)
        if not home.until(lambda: self.resting(home, following), HEALS):
            bad.append(f"the next one is not taken: {(home.status() or {}).get(target('A'))}")
        home.stop()
        bad += vault_checker.judge(home.path, expected([sha, following], now=following), "settled")
        with self.lock:
            self.runs += 1
            if FULL and self.runs % 50 == 0:
                print(f"[{self.runs}] {where}, {took:.0f} s", file=sys.stderr, flush=True)
            self.slowest = max(self.slowest, took)
        if bad:
            self.complain(where, bad, home)

    # One call after the other.

    def template(self, folder):
        home = Home(folder / "template", settings="rescan: 2s").make()
        home.start()
        sha = home.deposit(b"first" * 700, 100)
        self.assertTrue(home.until(lambda: self.resting(home, sha), 20), home.text())
        self.assertEqual(home.gate.stop(), 0, home.text())
        return home, [sha]

    def fault(self, template, had, name, code, how, k):
        """Whether there was a k-th call of that name in the promotion."""
        with self.lock:
            self.number += 1
            number = self.number
        home = template.copy(template.path.parent / f"f{number}")
        try:
            arm = (how if how != "start" else "once", k, getattr(errno, code), name)
            if how == "start":
                sha = home.deposit(f"second {k}".encode() * 500, 50)
                gate = home.start(wait=False, arm=("arm", *arm, "*"))
            else:
                gate = home.start()
                gate.arm(*arm)
                sha = home.deposit(f"second {k}".encode() * 500, 50)
            home.until(lambda: gate.fired_event.is_set() or self.resting(home, sha), 20)
            if gate.fired is None:
                return False
            began, where = time.monotonic(), f"{name} fails {how} {gate.fired} with {code}"
            if how == "from":
                time.sleep(1)
                bad = self.truthful(home, {target("A"): {"final": final("A"), "had": had, "new": [sha]}})
                if bad:
                    self.complain(where + ", while it fails", bad, home)
            if how != "start":
                gate.command("off")
            self.ends_well(where, home, had, sha, began)
            return True
        finally:
            home.remove()

    def series(self, template, had, how):
        """Every call with every error, k = 1, 2, 3 … until no fault fires. Each worker takes the next k of the series that most are left of."""
        left = {(name, code): 1 for name in FAULTS for code in FAULTS[name]}

        def work():
            while True:
                with self.lock:
                    if not left:
                        return
                    name, code = max(left, key=lambda s: (s[0] in LONG, -left[s]))
                    k = left[name, code]
                    left[name, code] = k + 1
                if not self.fault(template, had, name, code, how, k):
                    with self.lock:
                        left.pop((name, code), None)
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            for done in [pool.submit(work) for _ in range(WORKERS)]:
                done.result()

    def calls(self, how):
        began = time.monotonic()
        template, had = self.template(self.folder())
        if FULL:
            self.series(template, had, how)
        else:
            chosen = [(n, self.rng.choice(FAULTS[n]), self.rng.randrange(1, 4)) for n in self.rng.sample(sorted(FAULTS), 8)]
            with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
                list(pool.map(lambda c: self.fault(template, had, c[0], c[1], how, c[2]), chosen))
        self.conclude()
        fact({"once": "faults_once", "from": "faults_from_then_on", "start": "faults_at_the_start"}[how], {"faults": self.runs, "restarts": self.restarts, "slowest_healing_s": round(self.slowest),
                                                                      "violations": len(self.violations)}, time.monotonic() - began)

    def test_each_call_fails_once(self):
        self.calls("once")

    def test_each_call_fails_from_then_on(self):
        self.calls("from")

    def test_each_call_fails_once_at_the_start(self):
        """bkmond may end with a failure then: systemd starts it again."""
        self.calls("start")

    # Real file systems.

    def small(self, disks, kind, name, point):
        size, options = {"tmpfs": ("16M", ""), "ext4": ("16M", ""), "btrfs": ("48M", "--mixed"), "xfs": ("320M", "")}[kind]
        return disks.mount(kind, name, size, options, point=point)

    def first_taken(self, home, where):
        """The backup that was there before; None, and a complaint, when it does not come to be."""
        had = [home.deposit(os.urandom(60000), 100)]
        if home.until(lambda: self.resting(home, had[0]), 30):
            return had
        self.complain(where, ["the first deposit is not taken"], home)
        return None

    def truthful_meanwhile(self, home, had, sha, where):
        time.sleep(2.5)
        bad = self.truthful(home, {target("A"): {"final": final("A"), "had": had, "new": [sha]}})
        if bad:
            self.complain(where, bad, home)

    def filled(self, disks, kind, part, left_kib):
        """One daemon whose vault (state, deposits) gets so full that only left_kib are left, before the deposit comes; then there is room again."""
        with self.lock:
            self.number += 1
            number = self.number
        home = Home(self.base / f"full{number}", settings="rescan: 2s")
        point = home.path / part
        try:
            self.small(disks, kind, f"full{number}", point)
            home.make()
            home.start()
            had = self.first_taken(home, f"{kind} {part}")
            if not had:
                return
            self.fill(point, left_kib)
            sha = home.deposit(os.urandom(200000), 50)
            where = f"{part} on {kind} with {left_kib} KiB left"
            self.truthful_meanwhile(home, had, sha, where + ", while it is full")
            (point / FILLER).unlink()
            self.ends_well(where, home, had, sha, time.monotonic())
        finally:
            home.stop()
            subprocess.run(["umount", "-l", str(point)], capture_output=True)
            (disks.folder / f"full{number}.img").unlink(missing_ok=True)
            shutil.rmtree(home.path, ignore_errors=True)

    @staticmethod
    def fill(point, left_kib):
        """To the last block; then what was there before makes so much room. A file that is cut would ask btrfs for more."""
        room = point / (FILLER + "-room")
        with open(room, "wb") as f:
            f.write(bytes(left_kib * 1024))
            os.fsync(f.fileno())
        with open(point / FILLER, "wb", buffering=0) as f:
            for block in (1 << 20, 1 << 16, 1 << 12):
                try:
                    while f.write(bytes(block)) == block:
                        pass
                except OSError:
                    pass
            os.fsync(f.fileno())
        room.unlink()
        os.sync()

    def test_full_file_systems(self):
        began, disks = time.monotonic(), Disks(self)
        self.base = self.folder()
        kinds = ("tmpfs", "ext4", "xfs", "btrfs") if FULL else ("tmpfs", "ext4")
        points = [0, 4, 8, 12, 16, 24, 32, 40, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 400]
        cases = [(kind, part, left) for kind in kinds for part in ("vault", "state") for left in points]
        if not FULL:
            cases = self.rng.sample(cases, 4)
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(lambda c: self.filled(disks, *c), cases))
        self.conclude()
        fact("full_file_systems", {"cases": self.runs, "slowest_healing_s": round(self.slowest), "violations": len(self.violations)}, time.monotonic() - began)

    def test_read_only_file_systems(self):
        began, disks = time.monotonic(), Disks(self)
        self.base = self.folder()
        cases = [(kind, part) for kind in (("ext4", "xfs", "btrfs") if FULL else ("ext4",)) for part in ("vault", "deposits")]
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(lambda c: self.read_only(disks, *c), cases))
        self.conclude()
        fact("read_only_file_systems", {"cases": self.runs, "slowest_healing_s": round(self.slowest), "violations": len(self.violations)}, time.monotonic() - began)

    def read_only(self, disks, kind, part):
        home = Home(self.base / f"ro-{kind}-{part}", settings="rescan: 2s")
        point = home.path / part
        self.small(disks, kind, f"ro-{kind}-{part}", point)
        home.make()
        home.start()
        try:
            had = self.first_taken(home, f"{kind} {part}")
            if not had:
                return
            if part == "deposits":  # the agent's last act before its disk becomes read-only
                home.stop()
                sha = home.deposit(os.urandom(200000), 50)
            # Not the history's: the kernel refuses it while its log is open, and what ext4 does by itself after an error ends with a restart.
            subprocess.run(["mount", "-o", "remount,ro", str(point)], check=True, capture_output=True)
            if part == "deposits":
                home.start()
            else:
                sha = home.deposit(os.urandom(200000), 50)
            where = f"{part} on {kind} read-only"
            self.truthful_meanwhile(home, had, sha, where + ", while it is")
            subprocess.run(["mount", "-o", "remount,rw", str(point)], check=True, capture_output=True)
            self.ends_well(where, home, had, sha, time.monotonic())
        finally:
            home.stop()
            subprocess.run(["umount", "-l", str(point)], capture_output=True)


if __name__ == "__main__":
    main()

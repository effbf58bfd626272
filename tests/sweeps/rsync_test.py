"""Real rsync, over a real rsync daemon on loopback, in all the ways that agents use it and with transfers that die: a file that is still
under way is never promoted and never called corrupt before its deadline, and in the end every backup is in the vault."""
import concurrent.futures
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from harness import FULL, SOURCE, Case, Daemon, fact, free_port, jobs, main, report, seed, sha256, utc  # noqa: E402

SIZES = (64 << 10, 8 << 20, 100 << 20) if FULL else (64 << 10, 3 << 20)
FILE = "main.bin"
# name: (options, at which parts of the file the transfer is killed before it is done again)
MODES = {
    "plain": ([], ()),
    "inplace": (["--inplace"], (50,)),
    "append": (["--append"], (50,)),
    "partial": (["--partial"], (1, 50, 99)),
    "partial_dir": (["--partial-dir=.rsync-partial"], (50, 99)),
    "delay_updates": (["--delay-updates"], (50,)),
    "sparse": (["--sparse"], ()),
    "preallocate": (["--preallocate"], (50,)),
    "killed": ([], (1, 50, 99)),
    "bwlimit": ([], ()),
    "temp_dir": (["--temp-dir=/.incoming"], (50,)),
    "whole_folder": (["-a"], (50,)),
}
KEEPS = ("inplace", "append", "partial", "sparse")  # the last backup stays where it is: the next one is written over it


class Agent:
    def __init__(self, case, d, url, mode, size, rng):
        self.case, self.d, self.url, self.mode, self.size = case, d, url, mode, size
        self.options, self.kills = MODES[mode]
        self.name = f"SYNC_{mode.upper()}_{size}"
        self.target = f"deposit/{self.name}/main".lower()
        self.home = case.folder() / self.name
        for part in ("database", "log"):
            (self.home / part).mkdir(parents=True)
        self.there = d.agent(self.name)
        self.report_first = rng.random() < 0.5
        first = rng.randbytes(size)
        second = first + rng.randbytes(size // 2) if mode == "append" else rng.randbytes(size)
        if mode == "sparse":
            second = b"".join(second[i:i + 65536] if (i >> 16) % 3 == 0 else bytes(min(65536, size - i)) for i in range(0, size, 65536))
        self.days = [first, second]
        self.transfers = self.killed = 0

    def rsync(self, what, to, options=(), limit=None):
        self.transfers += 1
        command = ["rsync", "-t", "--timeout=60", *options, *([f"--bwlimit={limit}"] if limit else []), str(what), self.url + to]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def done(self, process):
        said, _ = process.communicate()
        self.case.assertEqual(process.returncode, 0, f"{self.name}: {said}")

    def arrived(self):
        """Bytes of the file that are there under whatever name."""
        most = 0
        for top in (self.there, self.d.root / ".incoming"):
            for folder, _, files in os.walk(top):
                for name in files:
                    try:
                        st = os.lstat(os.path.join(folder, name))
                    except FileNotFoundError:
                        continue
                    if FILE in name and st.st_ctime > self.begun - 1:
                        most = max(most, min(st.st_size, st.st_blocks * 512))
        return most

    def push_file(self, data):
        what, to, options = self.home / "database" / FILE, f"/{self.name}/database/", self.options
        if self.mode == "whole_folder":
            what, to = f"{self.home}/", f"/{self.name}/"
        per_second = max(16, len(data) // 1024)  # a second for the whole
        for part in self.kills:
            self.begun = time.time()
            process = self.rsync(what, to, options, per_second)
            while process.poll() is None and self.arrived() < len(data) * part // 100:
                time.sleep(0.005)
            if process.poll() is None:
                self.killed += 1
                if part == 50:  # the server's machine dies: what was under way lies there
                    self.case.kill_receivers(self.name)
                process.kill()
            process.communicate()
            time.sleep(1.3)  # longer than the quiet time
        self.done(self.rsync(what, to, options, per_second // 2 if self.mode == "bwlimit" else None))

    def day(self, n, data):
        (self.home / "database" / FILE).write_bytes(data)
        text = json.dumps(report(self.name, {"MAIN": (FILE, data)}, utc(-100 + 50 * n)))
        (self.home / "log/STATUS.json").write_text(text)
        for path in (self.home / "database" / FILE, self.home / "log/STATUS.json"):
            os.utime(path, (time.time(), time.time() - 100 + 50 * n))  # another second: rsync skips what has the same time and size
        plain = n == 0

        def push_report():
            self.done(self.rsync(self.home / "log/STATUS.json", f"/{self.name}/log/"))
        if self.mode == "whole_folder" and not plain:
            self.push_file(data)
        elif self.report_first:
            push_report()
            self.done(self.rsync(self.home / "database" / FILE, f"/{self.name}/database/")) if plain else self.push_file(data)
        else:
            self.done(self.rsync(self.home / "database" / FILE, f"/{self.name}/database/")) if plain else self.push_file(data)
            push_report()
        self.d.wait_status(self.target, "ok", 60, sha256=sha256(data))

    def run(self):
        for n, data in enumerate(self.days):
            self.day(n, data)
        shutil.rmtree(self.home)
        return self


class Rsync(Case):
    def test_twelve_ways_to_push(self):
        if not shutil.which("rsync"):
            self.skipTest("no rsync here")
        started = time.monotonic()
        rng = random.Random(seed())
        d = self.d = Daemon(self)
        url = self.serve(d)
        agents = [Agent(self, d, url, mode, size, rng) for size in SIZES for mode in MODES]
        lines = [f"{{agent: {a.name}, database: MAIN, consume: {'false' if a.mode in KEEPS else 'true'}}}" for a in agents]
        d.configure("  rescan: 5s\n" + jobs(*lines, schedule="none", deadline="30min", content="opaque", gates="{size: false}"))
        d.start()
        oracle = self.oracle(d, agents)
        seen, stop = set(), threading.Event()
        watcher = threading.Thread(target=self.watch, args=(seen, stop))
        watcher.start()
        try:
            with concurrent.futures.ThreadPoolExecutor(4 if FULL else 8) as pool:
                done = [f.result() for f in [pool.submit(a.run) for a in agents]]
        finally:
            stop.set()
            watcher.join()
        self.judge(d, oracle, done, seen, started)

    def serve(self, d):
        port, config, pid = free_port(), self.folder() / "rsyncd.conf", os.getuid()
        (d.root / ".incoming").mkdir()
        config.write_text(f"use chroot = no\nuid = {pid}\ngid = {os.getgid()}\n[deposits]\npath = {d.root}\nread only = no\n")
        self.server = subprocess.Popen(["rsync", "--daemon", "--no-detach", f"--config={config}", f"--port={port}", "--address=127.0.0.1"],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(self.server.wait)
        self.addCleanup(self.server.kill)
        url = f"rsync://127.0.0.1:{port}/deposits"
        self.until("rsyncd answers", lambda: subprocess.run(["rsync", url], capture_output=True).returncode == 0)
        return url

    def kill_receivers(self, name):
        """The processes of the server that hold something of this agent open or work in its folder."""
        ours, parents = {self.server.pid}, {}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    parents[int(entry)] = int(pathlib.Path(f"/proc/{entry}/stat").read_text().rsplit(")", 1)[1].split()[1])
                except OSError:
                    pass
        for _ in range(3):
            ours |= {p for p, parent in parents.items() if parent in ours}
        for pid in ours - {self.server.pid}:
            try:
                if f"/{name}" in os.readlink(f"/proc/{pid}/cwd"):
                    os.kill(pid, 9)
            except OSError:
                pass

    def oracle(self, d, agents):
        oracle = subprocess.Popen([sys.executable, str(SOURCE / "tests/support/vault_oracle.py"), str(d.vault), str(d.state / "history.db")],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(oracle.communicate)
        self.addCleanup(oracle.kill)
        oracle.stdin.write(json.dumps({"declare": {a.target: [sha256(x) for x in a.days] for a in agents}}) + "\n")
        oracle.stdin.flush()
        return oracle

    def watch(self, seen, stop):
        while not stop.wait(0.3):
            for t in self.d.json("status")["targets"]:
                if t["id"].startswith("deposit/"):
                    seen.add((t["id"], t["status"]))

    def judge(self, d, oracle, agents, seen, started):
        oracle.stdin.write('{"rest": 10}\n')
        oracle.stdin.flush()
        found = json.loads(oracle.stdout.readline())
        self.assertEqual(found["violations"], [], d.text()[-3000:])
        verdicts = 0
        for a in agents:
            rows = d.json("history", a.target)["verdicts"]
            verdicts += len(rows)
            self.assertLessEqual({v["status"] for v in rows}, {"ok", "unknown"}, f"{a.name}: {rows}")
        self.assertLessEqual({status for _, status in seen}, {"ok", "unknown"}, seen)
        killed = sum(a.killed for a in agents)
        self.assertGreater(killed, len(SIZES) * 4, "too few transfers were under way when they were killed")
        fact("rsync_ways", {"ways": len(MODES), "sizes": len(SIZES), "largest_mib": max(SIZES) >> 20, "transfers": sum(a.transfers for a in agents),
                            "killed_under_way": killed, "wrong_promotions": 0, "called_corrupt_too_early": 0}, time.monotonic() - started)


if __name__ == "__main__":
    main()

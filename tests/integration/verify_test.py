"""The vault is read again, the disks have room, and nothing secret can be seen of the running daemon: against real processes."""
import gzip
import json
import os
import pathlib
import resource
import signal
import sqlite3
import subprocess
import sys
import time
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from harness import BIN, Case, Daemon, dump, jobs, main, sha256, utc  # noqa: E402

T = "deposit/shop_city_north/main"
FINAL = "SHOP_CITY_NORTH/MAIN/main.sql.gz"


class Verify(Case):
    def begin(self, more=""):
        self.d = Daemon(self, more + jobs()).start()
        self.data = gzip.compress(dump())
        self.d.deposit("SHOP_CITY_NORTH", {"MAIN": ("main.sql.gz", self.data)}, utc(-30))
        self.d.wait_status(T, "ok", sha256=sha256(self.data))
        return self.d

    def spoil(self, path=FINAL, at=7):
        file = self.d.vault / path
        file.chmod(0o600)
        with open(file, "r+b") as f:
            f.seek(at)
            byte = f.read(1)[0]
            f.seek(at)
            f.write(bytes([byte ^ 0x10]))

    def test_damage_is_found_told_and_replaced_by_the_same_dump(self):
        d = self.begin()
        self.assertIn("done", d.ctl("deposits", "verify").stdout + d.ctl("runs", "list").stdout)
        good = d.json("deposits", "verify", T)
        self.assertEqual((good["state"], good["done"], good["total"]), ("done", len(self.data), len(self.data)))
        read_at = d.json("explain", T)["vault"][0]["read_at"]
        self.spoil()
        bad = d.ctl("--json", "deposits", "verify", "deposit/shop*", check=False)
        self.assertEqual(bad.returncode, 1, bad.stdout + bad.stderr)
        run = json.loads(bad.stdout)
        self.assertEqual(run["state"], "failed")
        self.assertIn(f"1 damaged, 0 gone of 1 files: {FINAL}", run["error"])
        t = d.wait_status(T, "corrupt", reason_code="vault_damaged", severity="CRITICAL")
        self.assertEqual(d.ctl("check", check=False).returncode, 2)
        explained = d.json("explain", T)
        file = explained["vault"][0]
        self.assertEqual((file["kind"], file["path"], file["sha256"]), ("current", FINAL, sha256(self.data)))
        self.assertGreaterEqual(file["read_at"], read_at)
        self.assertTrue(file["damaged_at"])
        self.assertIn("damaged: it hashes to", d.ctl("explain", T).stdout)
        self.assertEqual(d.json("history", T)["verdicts"][0]["reason_code"], "vault_damaged")
        self.assertEqual(d.json("history", T)["verdicts"][0]["run"], run["run"])
        d.wait_status("bkmon/verify", "warning", reason_code="vault_damaged")
        self.assertTrue((d.vault / FINAL).exists(), "kept")
        d.kill()  # the mark is durable
        d.start()
        self.assertEqual(d.status(T)["reason_code"], "vault_damaged")
        d.deposit("SHOP_CITY_NORTH", {"MAIN": ("main.sql.gz", self.data)}, utc(-5))
        d.wait_status(T, "ok", reason_code="promoted", sha256=sha256(self.data))
        self.assertEqual(d.vault_files(), {FINAL: sha256(self.data)})
        self.until("the damaged one stays aside until its time is over", lambda: list((d.vault / ".versions").rglob("*.damaged")))
        self.assertEqual(t["file"], FINAL)

    def test_a_file_that_somebody_removed_is_found_and_globs_choose(self):
        d = self.begin()
        (d.vault / FINAL).unlink()
        self.assertEqual(d.ctl("deposits", "verify", "deposit/nothing*", check=False).returncode, 4)
        self.assertEqual(d.ctl("deposits", "verify", "deposit/*/main", check=False).returncode, 1)
        t = d.wait_status(T, "corrupt", reason_code="vault_missing")
        self.assertIn("gone from the vault", t["reason"])

    def test_in_the_background_by_itself(self):
        d = self.begin("  verify_every: 1min\n")
        self.spoil()
        d.wait_status(T, "corrupt", 75, reason_code="vault_damaged")

    def test_detached_and_audited(self):
        d = self.begin()
        said = d.ctl("deposits", "verify", "--detach").stdout
        run = said.split()[1]
        self.assertEqual(self.until("it is over", lambda: [r for r in d.json("runs", "list")["runs"] if r["id"] == run and r["state"] == "done"])[0]["kind"], "verify")
        self.assertEqual(d.json("runs", "list")["runs"][0]["what"], "the vault")
        d.stop()
        history = sqlite3.connect(f"file:{d.state}/history.db?mode=ro", uri=True)
        self.addCleanup(history.close)
        calls = history.execute("SELECT outcome FROM audit WHERE method = 'io.bkmon.Deposits.Verify'").fetchall()
        self.assertEqual(len(calls), 1, history.execute("SELECT method, outcome FROM audit").fetchall())

    def test_the_reader_gives_way_to_everybody(self):
        d = self.begin()
        tasks = pathlib.Path(f"/proc/{d.process.pid}/task")
        mine = [t for t in tasks.iterdir() if (t / "comm").read_text().strip() == "scrub"]
        self.assertEqual(len(mine), 2)
        for t in mine:
            self.assertEqual(int((t / "stat").read_text().rsplit(")", 1)[1].split()[16]), 19, "nice")
            said = subprocess.run(["ionice", "-p", t.name], capture_output=True, text=True).stdout
            self.assertEqual(said.strip(), "idle")


class Space(Case):
    def test_space_runs_out_and_comes_back(self):
        if os.geteuid() != 0:
            self.skipTest("needs root to mount a small file system")
        d = Daemon(self, jobs())
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "none", str(d.vault)]).returncode != 0:
            self.skipTest("no mounts here")
        self.addCleanup(subprocess.run, ["umount", "-l", str(d.vault)])
        d.configure("  reserve_bytes: 1MiB\n" + jobs())
        d.config.write_text(d.config.read_text() + "space: {low_percent: 25}\n")
        d.start()
        d.wait_status("bkmon/space", "ok")
        filler = d.vault / ".filler"
        filler.write_bytes(bytes(50 << 20))
        t = d.wait_status("bkmon/space", "warning", 30, reason_code="low_space")
        self.assertRegex(t["reason"], r"vault \(.*\): 1[0-9.]+ MiB of 64.0 MiB free, low below 16.0 MiB")
        self.assertEqual(d.ctl("check", "bkmon/*", check=False).returncode, 1)
        self.assertIn("space runs out: vault", d.text())
        filler.unlink()
        d.wait_status("bkmon/space", "ok", 30)
        self.assertIn("there is space again: vault", d.text())


class Secrets(Case):
    """R16: what another process of the same user may learn of bkmond."""
    USER = 65534

    def as_user(self):
        if os.geteuid() != 0:
            self.skipTest("needs root to become another user")
        home = self.folder()
        os.chown(home, self.USER, self.USER)
        os.chmod(home, 0o755)
        canary = f"canary-{os.urandom(8).hex()}"
        wrapper = ["setpriv", f"--reuid={self.USER}", f"--regid={self.USER}", "--clear-groups", "sh", "-c", 'cd "$HOME_OF_TEST" && ulimit -c unlimited && exec "$@"', "sh"]
        d = Daemon(self, jobs(), wrapper=wrapper, env={"HOME_OF_TEST": str(home), "BKMON_CANARY": canary}, home=home)
        for path in (d.root, d.vault, d.state, d.config):
            os.chown(path, self.USER, self.USER)
        return d.start(), canary

    def peek(self, pid, name):
        return subprocess.run(["setpriv", f"--reuid={self.USER}", f"--regid={self.USER}", "--clear-groups", "cat", f"/proc/{pid}/{name}"], capture_output=True)

    def test_same_user_cannot_look_inside(self):
        d, canary = self.as_user()
        sleeper = subprocess.Popen(["setpriv", f"--reuid={self.USER}", f"--regid={self.USER}", "--clear-groups", "env", f"BKMON_CANARY={canary}", "sleep", "60"])
        self.addCleanup(lambda: (sleeper.kill(), sleeper.wait()))
        self.until("the test can see what is not protected", lambda: canary.encode() in self.peek(sleeper.pid, "environ").stdout)
        for name in ("environ", "mem", "maps", "auxv"):
            seen = self.peek(d.process.pid, name)
            self.assertNotEqual(seen.returncode, 0, name)
            self.assertEqual(seen.stdout, b"")
        self.assertNotIn(canary, d.text())

    def test_a_forced_abort_leaves_no_core(self):
        d, _ = self.as_user()
        self.assertIn("Max core file size        0                    0 ", pathlib.Path(f"/proc/{d.process.pid}/limits").read_text())
        process, d.process = d.process, None
        before = set(d.home.rglob("core*"))
        process.send_signal(signal.SIGABRT)
        _, status = os.waitpid(process.pid, 0)
        process.returncode = -signal.SIGABRT
        self.assertTrue(os.WIFSIGNALED(status))
        self.assertFalse(os.WCOREDUMP(status), "the kernel wrote a core")
        self.assertEqual(set(d.home.rglob("core*")), before)

    def test_the_test_would_see_a_core(self):
        """Without this the test above could not fail."""
        home = self.folder()
        pattern = pathlib.Path("/proc/sys/kernel/core_pattern").read_text().strip()
        def limits():
            resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        try:
            p = subprocess.Popen(["sleep", "60"], cwd=home, preexec_fn=limits)
        except subprocess.SubprocessError:
            self.skipTest("the limit of cores may not be raised here")
        time.sleep(0.2)
        p.send_signal(signal.SIGABRT)
        _, status = os.waitpid(p.pid, 0)
        p.returncode = -signal.SIGABRT
        if not os.WCOREDUMP(status):
            self.skipTest(f"this machine writes no cores at all (core_pattern {pattern})")

    def test_the_inspector_too(self):
        if os.geteuid() != 0:
            self.skipTest("needs root to become another user")
        large = self.folder() / "large.sql.gz"
        block = zlib.compressobj(1, zlib.DEFLATED, 31)
        line = b"INSERT INTO t VALUES (1,'it is only a line');\n" * 20000
        with open(large, "wb") as f:
            for _ in range(3000):
                f.write(block.compress(line))
            f.write(block.flush())
        with open(large, "rb") as f:
            p = subprocess.Popen(["setpriv", f"--reuid={self.USER}", f"--regid={self.USER}", "--clear-groups", str(BIN / "bkmon-inspect"), "--name", large.name],
                                 stdin=f, stdout=subprocess.DEVNULL, env={**os.environ, "BKMON_CANARY": "x"})
        self.addCleanup(lambda: (p.kill(), p.wait()))
        self.until("it reads", lambda: pathlib.Path(f"/proc/{p.pid}/comm").read_text().startswith("bkmon-inspect") and
                   self.peek(p.pid, "environ").returncode != 0)
        self.assertIsNone(p.poll(), "it reads still")
        self.assertIn("Max core file size        0                    0 ", pathlib.Path(f"/proc/{p.pid}/limits").read_text())


if __name__ == "__main__":
    main()

"""Deposits of agents against the real daemon: what arrives, what it becomes, and what is left where."""
import gzip
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from harness import DUE, Case, Daemon, dump, jobs, main, place, report, sha256, utc  # noqa: E402

T = "deposit/shop_city_north/main"


class Deposits(Case):
    def daemon(self, *lines, **defaults):
        return Daemon(self, jobs(*lines, **defaults)).start()

    def test_healthy_backup_is_promoted_and_consumed(self):
        d = self.daemon()
        data = gzip.compress(dump())
        d.deposit("SHOP_CITY_NORTH", {"MAIN": ("main.sql.gz", data)})
        t = d.wait_status(T, "ok", reason_code="promoted", sha256=sha256(data), size_bytes=len(data))
        self.assertEqual(t["severity"], "OK")
        self.assertEqual(d.vault_files(), {"SHOP_CITY_NORTH/MAIN/main.sql.gz": sha256(data)})
        self.assertEqual(os.stat(d.vault / "SHOP_CITY_NORTH/MAIN/main.sql.gz").st_mode & 0o777, 0o440)
        self.until("the deposit is consumed", lambda: not list((d.root / "SHOP_CITY_NORTH").rglob("*.*")))
        self.assertEqual(len(list(d.state.glob("reports/*/*.json"))), 1)

    def test_file_before_report_and_after_it(self):
        d = self.daemon()
        first, second = gzip.compress(dump()), gzip.compress(dump(rows=51))
        folder = d.agent("SHOP_CITY_NORTH")
        place(folder / "database/main.sql.gz", first)
        time.sleep(0.5)
        place(folder / "log/STATUS.json", json.dumps(report("SHOP_CITY_NORTH", {"MAIN": ("main.sql.gz", first)}, utc(-30))).encode())
        d.wait_status(T, "ok", sha256=sha256(first))
        place(folder / "log/STATUS.json", json.dumps(report("SHOP_CITY_NORTH", {"MAIN": ("main.sql.gz", second)}, utc(-10))).encode())
        self.until("it waits for the file", lambda: any(x["state"] == "waiting" for x in d.json("deposits", "list")["deposits"]))
        place(folder / "database/main.sql.gz", second)
        d.wait_status(T, "ok", sha256=sha256(second))

    def test_replaced_version_is_kept_and_last_good_survives_bad(self):
        d = self.daemon()
        first, second = gzip.compress(dump()), gzip.compress(dump(rows=52))
        d.deposit("SHOP_CITY_NORTH", {"MAIN": ("main.sql.gz", first)}, utc(-30))
        d.wait_status(T, "ok", sha256=sha256(first))
        d.deposit("SHOP_CITY_NORTH", {"MAIN": ("main.sql.gz", second)}, utc(-20))
        d.wait_status(T, "ok", sha256=sha256(second))
        self.until("the replaced version", lambda: [p for p in (d.vault / ".versions").rglob("*") if p.is_file() and sha256(p.read_bytes()) == sha256(first)])
        broken = second[:-20] + b"x" * 20
        good = report("SHOP_CITY_NORTH", {"MAIN": ("main.sql.gz", gzip.compress(dump(rows=53)))}, utc(-5))
        good["databases"]["MAIN"]["COMPRESS"]["size"] = len(broken)
        folder = d.agent("SHOP_CITY_NORTH")
        place(folder / "database/main.sql.gz", broken)
        place(folder / "log/STATUS.json", json.dumps(good).encode())
        t = d.wait_status(T, "corrupt", reason_code="hash_mismatch")
        self.assertEqual(t["severity"], "CRITICAL")
        self.assertEqual(d.vault_files(), {"SHOP_CITY_NORTH/MAIN/main.sql.gz": sha256(second)})

    def test_damage_inside_is_found_although_the_hash_is_right(self):
        cases = {"truncated": (gzip.compress(dump())[:-9], "corrupt"), "no end": (gzip.compress(dump()[:-60]), "corrupt"),
                 "not what the name says": (os.urandom(5000), "corrupt")}
        for name, (data, status) in cases.items():
            with self.subTest(name):
                d = self.daemon()
                d.deposit("SHOP_CITY_NORTH", {"MAIN": ("main.sql.gz", data)})
                d.wait_status(T, status)
                self.assertEqual(d.vault_files(), {})
                d.stop()

    def test_failed_stage_is_named_and_quoted(self):
        d = self.daemon()
        entry = report("SHOP_CITY_NORTH", {"MAIN": ("main.sql.gz", b"x")})["databases"]["MAIN"]
        entry["BACKUP"] = {"status": False, "start_time": utc(), "end_time": utc(), "error_message": "disk full on till 3"}
        d.deposit("SHOP_CITY_NORTH", {"MAIN": entry})
        t = d.wait_status(T, "failed", reason_code="stage_failed")
        self.assertIn("disk full on till 3", t["reason"])
        self.assertIn("BACKUP", t["reason"])

    def test_unreadable_report_fails_the_jobs_and_stops_nobody_else(self):
        d = self.daemon("{agent: SHOP_CITY_NORTH, database: MAIN}", "{agent: SHOP_CITY_SOUTH, database: MAIN}")
        place(d.agent("SHOP_CITY_NORTH") / "log/STATUS.json", b'{"agent_id": "SHOP_CITY_NORTH", "databases": {')
        data = gzip.compress(dump())
        d.deposit("SHOP_CITY_SOUTH", {"MAIN": ("main.sql.gz", data)})
        d.wait_status("deposit/shop_city_south/main", "ok")
        d.wait_status(T, "failed", reason_code="report_invalid")
        d.deposit("SHOP_CITY_NORTH", {"MAIN": ("main.sql.gz", data)})
        d.wait_status(T, "ok")

    def test_another_agents_report_is_refused(self):
        d = self.daemon()
        data = gzip.compress(dump())
        folder = d.agent("SHOP_CITY_NORTH")
        place(folder / "database/main.sql.gz", data)
        place(folder / "log/STATUS.json", json.dumps(report("SOMEBODY_ELSE_X", {"MAIN": ("main.sql.gz", data)})).encode())
        d.wait_status(T, "failed", reason_code="agent_mismatch")
        self.assertEqual(d.vault_files(), {})

    def test_same_push_again_is_quiet_and_newer_report_is_unchanged(self):
        d = self.daemon(consume="false")
        data = gzip.compress(dump())
        d.deposit("SHOP_CITY_NORTH", {"MAIN": ("main.sql.gz", data)}, utc(-50))
        first = d.wait_status(T, "ok")
        count = len(d.json("history", T)["verdicts"])
        d.deposit("SHOP_CITY_NORTH", {"MAIN": ("main.sql.gz", data)}, json.loads((d.root / "SHOP_CITY_NORTH/log/STATUS.json").read_text())["operation_end_time"])
        d.ctl("deposits", "rescan")
        time.sleep(1.5)
        self.assertEqual(len(d.json("history", T)["verdicts"]), count)
        self.assertEqual(d.status(T)["since"], first["since"])
        d.deposit("SHOP_CITY_NORTH", {"MAIN": ("main.sql.gz", data)}, utc(-5))
        t = d.wait_status(T, "unchanged", reason_code="same_content")
        self.assertEqual(t["severity"], "WARNING")
        self.assertEqual(t["last_ok_at"], first["last_ok_at"])

    def test_gates_hold_and_release_and_reject_work(self):
        d = self.daemon(gates="{size: {min_size: 2KiB}}")
        big = gzip.compress(dump(rows=2000, text=os.urandom(20).hex()))
        d.deposit("SHOP_CITY_NORTH", {"MAIN": ("main.sql.gz", big)}, utc(-50))
        d.wait_status(T, "ok")
        small = gzip.compress(dump(rows=1))
        d.deposit("SHOP_CITY_NORTH", {"MAIN": ("main.sql.gz", small)}, utc(-30))
        t = d.wait_status(T, "held", reason_code="too_small")
        self.assertEqual(d.vault_files(), {"SHOP_CITY_NORTH/MAIN/main.sql.gz": sha256(big)})
        self.assertIn(sha256(small), d.ctl("explain", T).stdout)
        self.assertEqual(d.ctl("--yes", "deposits", "release", T, "--sha256", "0" * 64, check=False).returncode, 1)
        self.assertEqual(d.ctl("deposits", "release", T, "--sha256", sha256(small), check=False).returncode, 2)  # asks, and there is no terminal
        d.ctl("--yes", "deposits", "release", T, "--sha256", sha256(small))
        d.wait_status(T, "ok", reason_code="released")
        self.assertEqual(d.vault_files(), {"SHOP_CITY_NORTH/MAIN/main.sql.gz": sha256(small)})
        tiny = gzip.compress(dump(rows=2))
        d.deposit("SHOP_CITY_NORTH", {"MAIN": ("main.sql.gz", tiny)}, utc(-20))
        d.wait_status(T, "held")
        d.ctl("--yes", "deposits", "reject", T, "--sha256", sha256(tiny))
        self.assertEqual(d.vault_files(), {"SHOP_CITY_NORTH/MAIN/main.sql.gz": sha256(small)})
        self.assertFalse([p for p in (d.vault / ".held").rglob("*") if p.is_file()])

    def test_replayed_and_older_backups_are_held(self):
        d = self.daemon()
        a, b = gzip.compress(dump()), gzip.compress(dump(rows=60))
        d.deposit("SHOP_CITY_NORTH", {"MAIN": ("main.sql.gz", a)}, utc(-50))
        d.wait_status(T, "ok", sha256=sha256(a))
        d.deposit("SHOP_CITY_NORTH", {"MAIN": ("main.sql.gz", b)}, utc(-40))
        d.wait_status(T, "ok", sha256=sha256(b))
        d.deposit("SHOP_CITY_NORTH", {"MAIN": ("main.sql.gz", a)}, utc(-30))
        d.wait_status(T, "held", reason_code="replay")
        self.assertEqual(d.vault_files(), {"SHOP_CITY_NORTH/MAIN/main.sql.gz": sha256(b)})

    def test_nothing_in_time_is_late_then_missing_then_closed(self):
        d = Daemon(self)
        at = utc(3)
        d.configure(jobs(schedule=f'"{DUE.format(at)}"', early="1s", deadline="4s"))
        d.start()
        self.assertEqual(d.status(T)["reason_code"], "first_due")
        d.wait_status(T, "late")
        t = d.wait_status(T, "missing", reason_code="no_report")
        self.assertEqual(t["severity"], "CRITICAL")
        data = gzip.compress(dump())
        d.deposit("SHOP_CITY_NORTH", {"MAIN": ("main.sql.gz", data)})
        t = d.wait_status(T, "ok")
        self.assertIn("late", t["reason"])

    def test_report_without_the_database_and_file_that_never_comes(self):
        d = Daemon(self)
        d.configure(jobs("{agent: SHOP_CITY_NORTH, database: MAIN}", "{agent: SHOP_CITY_NORTH, database: OTHER}", schedule=f'"{DUE.format(utc(2))}"', early="1s",
                         deadline="5s"))
        d.start()
        time.sleep(2.5)
        d.deposit("SHOP_CITY_NORTH", {"OTHER": ("other.sql.gz", b"never sent")}, files=False)
        d.wait_status(T, "missing", reason_code="not_in_report")
        d.wait_status("deposit/shop_city_north/other", "corrupt", reason_code="no_file")

    def test_short_file_waits_until_the_deadline(self):
        d = Daemon(self)
        d.configure(jobs(schedule=f'"{DUE.format(utc(2))}"', early="1s", deadline="6s"))
        d.start()
        time.sleep(2.5)
        data = gzip.compress(dump(rows=500))
        d.deposit("SHOP_CITY_NORTH", {"MAIN": ("main.sql.gz", data)}, files=False)
        (d.root / "SHOP_CITY_NORTH/database/main.sql.gz").write_bytes(data[:100])
        time.sleep(2)
        self.assertNotEqual(d.status(T)["status"], "corrupt")
        d.wait_status(T, "corrupt", reason_code="size_mismatch")

    def test_unexpected_names_are_shown_and_adopted(self):
        d = self.daemon(gates="{database: false}")
        data = gzip.compress(dump())
        d.deposit("SHOP_CITY_NORTH", {"MAIN": ("main.sql.gz", data), "EXTRA": ("extra.sql.gz", data)})
        d.deposit("SHOP_CITY_WEST", {"MAIN": ("main.sql.gz", data)})
        d.wait_status("bkmon/unexpected", "warning")
        wanted = {("SHOP_CITY_NORTH", "EXTRA"), ("SHOP_CITY_WEST", "MAIN")}
        self.until("both are unexpected", lambda: wanted <= {(u["agent"], u["database"]) for u in d.json("deposits", "unexpected")["unexpected"]})
        self.assertIn("EXTRA", d.ctl("deposits", "adopt", "SHOP_CITY_NORTH", "EXTRA").stdout)
        d.ctl("deposits", "adopt", "SHOP_CITY_NORTH", "EXTRA", "--write")
        d.wait_status("deposit/shop_city_north/extra", "ok")
        d.ctl("deposits", "adopt", "--all", "--write")
        d.wait_status("deposit/shop_city_west/main", "ok")
        d.wait_status("bkmon/unexpected", "ok")

    def test_every_report_name_and_dialect(self):
        names = ["STATUS.json", "20250612_125606_SHOP_CITY_NORTH.json", "OPERATION_20250612_1300_SHOP_CITY_NORTH.json", "HORODATAGE_SHOP_CITY_NORTH.json",
                 "2025-06-12T12-56-06_SHOP_CITY_NORTH.json"]
        d = self.daemon(gates="{size: false}")
        for i, name in enumerate(names):
            data = gzip.compress(dump(rows=50 + i))
            d.deposit("SHOP_CITY_NORTH", {"MAIN": ("main.sql.gz", data)}, utc(-50 + i), report_name=name)
            d.wait_status(T, "ok", sha256=sha256(data))
        data = gzip.compress(dump(rows=80))
        stage = {"status": "True", "start_time": utc(-9)[:19].replace("T", " ") + ".142592", "end_time": utc(-9)[:19].replace("T", " ") + ".142592",
                 "sha256": sha256(data).upper(), "size": str(len(data))}
        text = {"operation_start_time": stage["start_time"], "operation_end_time": stage["end_time"], "agent_id": "shop_city_north",
                "databases": {"main": {"BACKUP": stage, "COMPRESS": stage, "TRANSFER": {**stage, "error_message": "null"},
                                       "staged_file_name": "C:\\Backup\\main.sql.gz", "logs_summary": "null"}}}
        place(d.agent("SHOP_CITY_NORTH") / "database/main.sql.gz", data)
        place(d.agent("SHOP_CITY_NORTH") / "log/STATUS.json", json.dumps(text).encode())
        d.wait_status(T, "ok", sha256=sha256(data))

    def test_what_is_no_plain_file_is_refused(self):
        secret = self.folder() / "secret"
        secret.write_bytes(gzip.compress(dump(text="secret")))
        data = secret.read_bytes()

        def make(kind, path):
            if kind == "symlink":
                os.symlink(secret, path)
            elif kind == "hardlink":
                os.link(secret, path)
            elif kind == "fifo":
                os.mkfifo(path)
            else:
                os.mkdir(path)
        for kind in ("symlink", "hardlink", "fifo", "directory"):
            with self.subTest(kind):
                d = self.daemon()
                folder = d.agent("SHOP_CITY_NORTH")
                make(kind, folder / "database/main.sql.gz")
                place(folder / "log/STATUS.json", json.dumps(report("SHOP_CITY_NORTH", {"MAIN": ("main.sql.gz", data)})).encode())
                d.wait_status(T, "failed", reason_code="not_a_file")
                self.assertEqual(d.vault_files(), {})
                d.stop()

    def test_restart_keeps_verdicts_and_judges_nothing_twice(self):
        d = self.daemon(consume="false")
        data = gzip.compress(dump())
        d.deposit("SHOP_CITY_NORTH", {"MAIN": ("main.sql.gz", data)})
        before = d.wait_status(T, "ok")
        d.kill()
        d.start()
        time.sleep(1.5)
        after = d.status(T)
        self.assertEqual((after["status"], after["since"]), ("ok", before["since"]))
        self.assertEqual(len([v for v in d.json("history", T)["verdicts"] if v["status"] == "ok"]), 1)
        self.assertEqual(d.vault_files(), {"SHOP_CITY_NORTH/MAIN/main.sql.gz": sha256(data)})

    def test_a_start_that_the_history_spoilt_is_made_up_for(self):
        """A read that fails once at the start: nothing looks healthy that nobody watches, and half a minute later somebody does."""
        d = self.daemon()
        data = gzip.compress(dump())
        d.deposit("SHOP_CITY_NORTH", {"MAIN": ("main.sql.gz", data)}, utc(-30))
        d.wait_status(T, "ok", sha256=sha256(data))
        d.stop()
        with sqlite3.connect(d.state / "history.db") as db:
            db.execute("ALTER TABLE held RENAME TO held_elsewhere")
        db.close()
        d.start()
        t = d.wait_status("bkmon/deposits", "unreachable", reason_code="deposit_unavailable", severity="CRITICAL")
        self.assertIn("the deposits are not watched: ", t["reason"])
        self.assertEqual(d.ctl("check", check=False).returncode, 2)
        self.assertIn("tried again in 30 s", d.text())
        with sqlite3.connect(d.state / "history.db") as db:
            db.execute("ALTER TABLE held_elsewhere RENAME TO held")
        db.close()
        d.wait_status("bkmon/deposits", "ok", 45)
        d.wait_status(T, "ok", sha256=sha256(data))
        other = gzip.compress(dump(rows=44))
        d.deposit("SHOP_CITY_NORTH", {"MAIN": ("main.sql.gz", other)})
        d.wait_status(T, "ok", sha256=sha256(other))
        self.until("all is well", lambda: d.ctl("check", check=False).returncode == 0)

    def test_real_rsync_pushes(self):
        d = self.daemon(gates="{size: false}")
        wire = self.folder()
        for i, options in enumerate((["-a"], ["-a", "--inplace"], ["-a", "--delay-updates"], ["-a", "--partial-dir=.rsync-partial"], ["-a", "--bwlimit=2000"])):
            data = os.urandom(300000 + i)
            (wire / "database").mkdir(exist_ok=True)
            (wire / "log").mkdir(exist_ok=True)
            (wire / "database/main.bin").write_bytes(data)
            # Reports of earlier pushes stay on the agent and are pushed again each time.
            (wire / f"log/OPERATION_{i}_SHOP_CITY_NORTH.json").write_text(json.dumps(report("SHOP_CITY_NORTH", {"MAIN": ("main.bin", data)}, utc(-50 + i))))
            d.agent("SHOP_CITY_NORTH")
            subprocess.run(["rsync", *options, f"{wire}/", f"{d.root}/SHOP_CITY_NORTH/"], check=True)
            d.wait_status(T, "ok", sha256=sha256(data))


if __name__ == "__main__":
    main()

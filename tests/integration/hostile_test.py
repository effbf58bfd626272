"""Deposits of agents that are hostile, broken or unlucky, against the real daemon. Whatever they do, the last healthy backup stays."""
import fcntl
import gzip
import json
import mmap
import os
import pathlib
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from harness import BIN, DUE, Daemon, dump, fill_up, jobs, main, place, report, sha256, utc  # noqa: E402
from hostile import AGENT, FINAL, NO_SCHEDULE, HostileCase, T, entry  # noqa: E402

SOUTH = "SHOP_CITY_SOUTH"
T_SOUTH = "deposit/shop_city_south/main"
BIG = 96 << 20  # takes a moment to copy
TWO = ("{agent: SHOP_CITY_NORTH, database: MAIN}", "{agent: SHOP_CITY_SOUTH, database: MAIN}")


class Hostile(HostileCase):
    # Names that are something else than they seem.

    def test_g01_link_to_a_file_outside(self):
        d = self.begin()
        os.symlink("/etc/shadow", d.agent(AGENT) / "database/main.sql.gz")
        shadow = pathlib.Path("/etc/shadow").read_bytes() if os.access("/etc/shadow", os.R_OK) else b"x"
        self.tell(data=shadow)
        t = d.wait_status(T, "failed", reason_code="not_a_file")
        self.assertIn("symbolic link", t["reason"])
        os.unlink(d.root / AGENT / "database/main.sql.gz")
        self.outside.joinpath("STATUS.json").write_text(json.dumps(report(AGENT, {"MAIN": ("main.sql.gz", self.good)})))
        os.symlink(self.outside / "STATUS.json", d.root / AGENT / "log/OTHER.json")
        self.logged("report OTHER.json cannot be used: is a symbolic link")

    def test_g02_folder_on_the_way_is_a_link(self):
        d = self.begin(deadline="3s", **NO_SCHEDULE)
        secret = self.secret.read_bytes()
        self.tell(data=secret)
        for level, link in (("database", d.root / AGENT / "database"), ("log", d.root / AGENT / "log"), ("agent", d.root / AGENT)):
            with self.subTest(level):
                if level == "agent":
                    (self.outside / "database").mkdir()
                    os.link(self.secret, self.outside / "database/main.sql.gz")
                    os.unlink(self.secret)
                    os.link(self.outside / "database/main.sql.gz", self.secret)
                os.rename(link, self.outside / f"real-{level}")
                os.symlink(self.outside, link)
                self.logged("the agent's folder is a symbolic link" if level == "agent" else f"'{level}' is a symbolic link: it is not followed")
                if level == "database":
                    d.wait_status(T, "corrupt", reason_code="no_file")
                os.unlink(link)
                os.rename(self.outside / f"real-{level}", link)
        self.forget_secret_access()
        self.send_good()

    def test_g03_link_flipped_between_look_and_open(self):
        d = self.begin(deadline="1h", **NO_SCHEDULE)
        folder = d.agent(AGENT) / "database"
        secret = self.secret.read_bytes()
        self.forget_secret_access()
        decoy = bytes(len(secret))
        stop = threading.Event()

        def flip():
            while not stop.is_set():
                (folder / ".d.sql.gz.aB3xYz").write_bytes(decoy)
                os.rename(folder / ".d.sql.gz.aB3xYz", folder / "main.sql.gz")
                os.symlink(self.secret, folder / ".l.sql.gz.aB3xYz")
                os.rename(folder / ".l.sql.gz.aB3xYz", folder / "main.sql.gz")
        flipper = threading.Thread(target=flip)
        flipper.start()
        try:
            for i in range(12):
                self.tell(data=secret, end=utc(-40 + i))
                d.ctl("deposits", "rescan")
                time.sleep(0.25)
        finally:
            stop.set()
            flipper.join()
        self.assertNotIn(sha256(secret), json.dumps(d.json("history", T)["verdicts"][0]["status"]))
        self.assertFalse([v for v in d.json("history", T)["verdicts"] if v["status"] == "ok" and v["sha256"] == sha256(secret)])
        os.unlink(folder / "main.sql.gz")
        self.send_good()

    def test_g04_deposit_folder_replaced(self):
        d = self.begin()
        home = link = d.root / AGENT
        os.rename(home, self.outside / "old")
        (self.outside / "fake/log").mkdir(parents=True)
        (self.outside / "fake/database").mkdir()
        fake = gzip.compress(dump(rows=66, text="CANARY-OUTSIDE"))
        (self.outside / "fake/database/main.sql.gz").write_bytes(fake)
        (self.outside / "fake/log/STATUS.json").write_text(json.dumps(report(AGENT, {"MAIN": ("main.sql.gz", fake)}, utc(-20))))
        os.symlink(self.outside / "fake", link)
        self.logged("the agent's folder is a symbolic link: it is not followed")
        t = d.wait_status(T, "failed", reason_code="folder_changed", severity="CRITICAL")
        self.assertIn("put the folder itself", t["reason"])
        self.assertIn("symbolic link", d.ctl("deposits", "adopt", AGENT, "--write", check=False).stderr)
        self.assertEqual(d.status(T)["status"], "failed")
        os.unlink(link)
        d.wait_status(T, "ok", sha256=sha256(self.good))
        # A new folder of the same name is watched at once: the full look comes only every 30 s.
        d.agent(AGENT)
        time.sleep(1)
        self.send_good(seconds=8)

    def test_g04_deposit_folder_of_another_owner(self):
        if os.geteuid() != 0:
            self.skipTest("needs root: gives folders away")
        d = self.begin()
        home = d.root / AGENT
        fake = gzip.compress(dump(rows=66, text="CANARY-OUTSIDE"))

        def give(uid):
            for path in (home, *home.rglob("*")):
                os.chown(path, uid, uid)

        def refused(uid):
            self.logged(f"the agent's folder belongs to uid {uid} now, before to uid 0")
            t = d.wait_status(T, "failed", reason_code="folder_changed", severity="CRITICAL")
            self.assertIn(f"deposits adopt {AGENT} --write", t["reason"])
            d.ctl("deposits", "rescan")
            time.sleep(1)
            self.assertEqual(d.vault_files(), self.expected)
            self.assertTrue((home / "database/main.sql.gz").exists())
        # Made anew by somebody else, with a whole deposit in it, which was never one of the folder's owner.
        os.rename(home, self.outside / "old")
        home.mkdir()
        os.chown(home, 12345, 12345)
        d.deposit(AGENT, {"MAIN": ("main.sql.gz", fake)}, utc(-20))
        give(12345)
        refused(12345)
        self.assertEqual([v["status"] for v in d.json("history", T)["verdicts"]], ["ok"])
        # The daemon remembers it although it was away.
        d.stop()
        d.start()
        self.restarted()
        refused(12345)
        # The agent's own folder is back.
        os.rename(home, self.outside / "foreign")
        os.rename(self.outside / "old", home)
        d.wait_status(T, "ok", sha256=sha256(self.good))
        good = self.send_good(rows=92, end=utc(-15))
        self.until("consumed", lambda: not list(home.rglob("*.*")))
        # The same folder given to somebody else counts as well; so does the word of an operator.
        os.chown(home, 4242, 4242)
        data = gzip.compress(dump(rows=93))
        d.deposit(AGENT, {"MAIN": ("main.sql.gz", data)}, utc(-5))
        refused(4242)
        self.assertEqual(d.json("deposits", "adopt", AGENT)["owner"], 4242)
        self.assertEqual(d.vault_files(), {FINAL: sha256(good)}, "asking changes nothing")
        self.assertIn("uid 4242", d.ctl("deposits", "adopt", AGENT, "--write").stdout)
        d.wait_status(T, "ok", sha256=sha256(data))
        self.expected = {FINAL: sha256(data)}
        d.stop()
        d.start()
        self.restarted()
        self.assertEqual(d.status(T)["status"], "ok")
        os.chown(home, 0, 0)
        self.logged("the agent's folder belongs to uid 0 now, before to uid 4242")

    def test_g05_hard_link_to_somebody_elses_file(self):
        d = self.begin(*TWO)
        theirs = gzip.compress(dump(rows=70))
        place(d.agent(SOUTH) / "database/theirs.sql.gz", theirs)
        for i, (source, data) in enumerate(((d.root / SOUTH / "database/theirs.sql.gz", theirs), (d.vault / FINAL, self.good))):
            os.link(source, d.agent(AGENT) / "database/main.sql.gz")
            self.tell(data=data, end=utc(-40 + i * 5))
            t = d.wait_status(T, "failed", reason_code="not_a_file")
            self.assertIn("2 names", t["reason"])
            os.unlink(d.root / AGENT / "database/main.sql.gz")
            self.good = self.send_good(rows=100 + i, end=utc(-38 + i * 5))
        self.assertEqual((d.root / SOUTH / "database/theirs.sql.gz").read_bytes(), theirs)

    def test_g06_written_after_promotion(self):
        d = self.begin(consume="false")
        path = d.root / AGENT / "database/main.sql.gz"
        os.link(path, self.outside / "kept")
        with open(self.outside / "kept", "r+b") as f:
            f.write(b"\0" * 100)
        d.ctl("deposits", "rescan")
        time.sleep(1.5)
        self.assertEqual(d.status(T)["status"], "ok")
        self.assertEqual(os.stat(d.vault / FINAL).st_nlink, 1)
        self.assertNotEqual(os.stat(d.vault / FINAL).st_ino, os.stat(path).st_ino)

    def special(self, make, kind):
        d = self.begin(*TWO)
        make(d.agent(AGENT) / "database/main.sql.gz")
        self.tell(data=self.good + b"x")
        d.wait_status(T, "failed", reason_code="not_a_file")
        make(d.root / AGENT / "log/OTHER.json")
        self.logged(f"report OTHER.json cannot be used: {kind}")
        self.send_good(SOUTH, T_SOUTH, f"{SOUTH}/MAIN/main.sql.gz")
        return d

    def test_g07_fifo(self):
        d = self.special(os.mkfifo, "is no plain file")
        os.rename(d.root / AGENT / "log", self.outside / "log")
        os.mkfifo(d.root / AGENT / "log")
        self.logged("'log' is no folder")

    def test_g08_socket_and_device(self):
        def listen(path):
            s = socket.socket(socket.AF_UNIX)
            self.addCleanup(s.close)
            here = os.open(path.parent, os.O_PATH)
            s.bind(f"/proc/self/fd/{here}/{path.name}")
            s.listen(1)
            os.close(here)
        d = self.special(listen, "is no plain file")
        if os.geteuid() != 0:
            self.skipTest("the socket was refused; making a device needs root")
        for i, (kind, device) in enumerate(((stat.S_IFCHR, os.makedev(1, 5)), (stat.S_IFBLK, os.makedev(7, 250)))):
            path = d.root / AGENT / "database/main.sql.gz"
            path.unlink()
            os.mknod(path, kind | 0o666, device)
            before = d.status(T)["judged_at"]
            self.tell(data=gzip.compress(dump(rows=200 + i)), end=utc(-5 + i))
            t = self.until("the device is judged", lambda: d.status(T) if d.status(T)["judged_at"] != before else None)
            self.assertEqual((t["status"], t["reason_code"]), ("failed", "not_a_file"))

    def test_g09_directory_named_as_the_backup(self):
        d = self.special(os.mkdir, "is no plain file")
        (d.root / AGENT / "database/main.sql.gz/inside").write_bytes(b"x")
        self.assertEqual((d.root / AGENT / "database/main.sql.gz/inside").read_bytes(), b"x")

    def test_g10_names(self):
        bad = {"D0": ".", "D1": "..", "D2": "", "D3": "a" * 255, "D4": "a\0b.sql.gz", "D5": "a\nb.sql.gz", "D6": "a\x1b[31m.sql.gz", "D7": "a\x9b31m.sql.gz",
               "D8": "a\u202egpj.sql.gz", "D9": "%n%s.sql.gz", "D10": ".hidden.sql.gz", "D11": "e\u0301.sql.gz", "D12": "a b.sql.gz", "D13": "$(id).gz",
               "D14": "x;rm.gz", "D15": "/", "D16": "C:\\"}
        d = self.begin(*[f"{{agent: {AGENT}, database: {name}}}" for name in ["MAIN", *bad]], gates="{database: false}")
        data = gzip.compress(dump(rows=60))
        for name in bad.values():
            if name not in ("", ".", "..") and not set(name) & set("\0/\\"):
                (d.agent(AGENT) / "database" / name).write_bytes(data)
        (d.root / AGENT / "database").joinpath(os.fsdecode(b"bad\xff\xfe\n.sql.gz")).write_bytes(data)
        end = utc(-20)
        databases = {name: entry(file, data, end) for name, file in bad.items()}
        databases.update({"MAIN": entry("-rf", data, end), "TWIN": entry("x", data, end), "twin": entry("X", data, end), "\x1b[2Jx": entry("y", data, end)})
        (d.agent(AGENT) / "database/-rf").write_bytes(data)
        place(d.root / AGENT / "log" / os.fsdecode(b"\x1b]0;own\xff\n.json"), b"{")
        (d.root / "\x1b[31mEVIL\nCITY").mkdir()
        (d.root / os.fsdecode(b"--help\xff\x9b")).mkdir()
        place(d.root / AGENT / "log/STATUS.json", json.dumps(report(AGENT, databases, end)).encode())
        for name, file in bad.items():
            want = "report_invalid" if name in ("D2", "D15", "D16") else "bad_name"
            d.wait_status(f"deposit/{AGENT.lower()}/{name.lower()}", "failed", reason_code=want)
        # A leading dash is a name like any other to whoever starts no shell.
        d.wait_status(T, "ok", sha256=sha256(data))
        self.expected = {f"{AGENT}/MAIN/-rf": sha256(data)}
        d.ctl("deposits", "rescan")
        time.sleep(1.5)
        for command in (("status",), ("deposits", "list"), ("deposits", "unexpected"), ("explain", T), ("history", T)):
            self.no_controls(d.ctl(*command, check=False).stdout)
        self.no_controls(d.text())

    def test_g11_path_in_the_report(self):
        d = self.begin(*TWO, *[f"{{agent: {AGENT}, database: D{i}}}" for i in (1, 2)], deadline="3s", **NO_SCHEDULE)
        theirs = gzip.compress(dump(rows=70))
        place(d.agent(SOUTH) / "database/theirs.sql.gz", theirs)
        raws = (f"../../{SOUTH}/database/theirs.sql.gz", f"{d.root}/{SOUTH}/database/theirs.sql.gz", f"..\\..\\{SOUTH}\\theirs.sql.gz")
        end = utc(-30)
        databases = {name: entry(raw, theirs, end) for name, raw in zip(("MAIN", "D1", "D2"), raws)}
        place(d.agent(AGENT) / "log/STATUS.json", json.dumps(report(AGENT, databases, end)).encode())
        self.waits("theirs.sql.gz")
        for name in databases:
            t = d.wait_status(f"deposit/{AGENT.lower()}/{name.lower()}", "corrupt", reason_code="no_file")
            self.assertIn("'theirs.sql.gz'", t["reason"])
        self.assertEqual((d.root / SOUTH / "database/theirs.sql.gz").read_bytes(), theirs)
        self.tell("/home/agent/Backup/own.sql.gz", theirs, end=utc(-3))
        place(d.root / AGENT / "database/own.sql.gz", theirs)
        d.wait_status(T, "ok", sha256=sha256(theirs))
        self.expected = {f"{AGENT}/MAIN/own.sql.gz": sha256(theirs)}

    def test_g12_another_agents_name_and_a_foreign_database(self):
        d = self.begin(*TWO)
        data = gzip.compress(dump(rows=70))
        place(d.agent(AGENT) / "database/main.sql.gz", data)
        place(d.root / AGENT / "log/STATUS.json", json.dumps(report(SOUTH, {"MAIN": ("main.sql.gz", data)}, utc(-20))).encode())
        self.logged("it names the agent 'SHOP_CITY_SOUTH', but lies in the folder 'SHOP_CITY_NORTH'")
        self.assertEqual(d.status(T_SOUTH)["reason_code"], "first_due")
        d.deposit(AGENT, {"PAYROLL": ("payroll.sql.gz", data)}, utc(-10))
        self.until("it is unexpected", lambda: [u for u in d.json("deposits", "unexpected")["unexpected"] if u["database"] == "PAYROLL"])
        self.assertTrue((d.root / AGENT / "database/payroll.sql.gz").exists())

    # What comes in pieces, in another order, or not at all.

    def test_g13_file_without_a_report(self):
        d = Daemon(self)
        d = self.begin(daemon=d, schedule=f'"{DUE.format(utc(4))}"', early="1s", deadline="3s")
        place(d.agent(AGENT) / "database/main.sql.gz", gzip.compress(dump(rows=60)))
        d.wait_status(T, "late")
        t = d.wait_status(T, "missing", reason_code="no_report")
        self.assertEqual(t["severity"], "CRITICAL")
        self.assertTrue((d.root / AGENT / "database/main.sql.gz").exists())

    def test_g14_report_without_its_file(self):
        d = self.begin(deadline="3s", **NO_SCHEDULE)
        self.tell(data=gzip.compress(dump(rows=60)))
        self.waits("has not arrived yet")
        self.assertEqual(d.status(T)["status"], "ok")
        d.wait_status(T, "corrupt", reason_code="no_file")
        self.send_good()

    def test_g15_any_order_and_any_times(self):
        d = self.begin()
        moments = (0, 1, 4000000000)
        for i, (first, at) in enumerate((f, m) for f in ("file", "report") for m in moments):
            data = gzip.compress(dump(rows=60 + i))
            end = utc(-40 + i)
            text = json.dumps(report(AGENT, {"MAIN": ("main.sql.gz", data)}, end)).encode()
            parts = [("database/main.sql.gz", data), ("log/STATUS.json", text)]
            for name, content in parts if first == "file" else reversed(parts):
                path = d.agent(AGENT) / name
                temporary = path.parent / f".{path.name}.aB3xYz"
                temporary.write_bytes(content)
                os.utime(temporary, (at, at))
                os.rename(temporary, path)
                time.sleep(0.4)
            d.wait_status(T, "ok", sha256=sha256(data))
            self.expected = {FINAL: sha256(data)}

    def big(self, fill, **settings):
        d = self.begin(content="opaque", gates="{size: false, database: false}", **settings)
        return d, bytes([fill]) * BIG

    def copying(self):
        """Until the copy of a big file has begun."""
        self.until("the copy begins", lambda: [p for p in (self.d.vault / ".tmp").iterdir() if p.is_file()], 10)

    def test_g16_g24_report_and_file_replaced_during_the_copy(self):
        d, first = self.big(1)
        second = bytes([2]) * BIG
        folder = d.agent(AGENT)
        place(folder / "database/main.sql.gz", first)
        (folder / "database/.second.aB3xYz").write_bytes(second)
        text = json.dumps(report(AGENT, {"MAIN": ("main.sql.gz", second)}, utc(-10))).encode()
        self.tell(data=first, end=utc(-20))
        self.copying()
        place(folder / "log/STATUS.json", text)
        os.rename(folder / "database/.second.aB3xYz", folder / "database/main.sql.gz")
        d.wait_status(T, "ok", sha256=sha256(second))
        self.expected = {FINAL: sha256(second)}
        for v in d.json("history", T)["verdicts"]:
            self.assertIn(v["status"], ("ok", "unknown"), v)
            self.assertIn(v["sha256"], (None, sha256(self.good), sha256(first), sha256(second)))

    def test_g17_broken_reports(self):
        good = json.dumps(report("X", {"MAIN": entry("main.sql.gz", b"x")}))
        size = '"size": 1'
        broken = {
            "truncated": good[:len(good) // 2].encode(), "empty": b"", "bom": b"\xef\xbb\xbf" + good.encode() + b"\xff", "trailing": good.encode() + b"x",
            "twice": good.replace('"agent_id"', '"agent_id": "X", "agent_id"').encode(), "nan": good.replace(size, '"size": NaN').encode(),
            "huge": good.replace(size, '"size": 1e400').encode(), "wide": good.replace(size, f'"size": {1 << 64}').encode(),
            "negative": good.replace(size, '"size": -1').encode(), "deep": b'{"a":' * 10000 + b"1" + b"}" * 10000, "array": b"[" * 500000,
            "utf8": good.replace("main", "ma\xff").encode("latin-1"), "large": None, "nul": good.encode() + b"\0" * 100, "list": b"[]", "text": b'"x"',
            "surrogate": good.replace('"main', '"\\ud800').encode(), "nodatabases": b'{"agent_id": "X"}'}
        names = {kind: f"{kind.upper()}_A_B" for kind in broken}
        d = self.begin("{agent: SHOP_CITY_NORTH, database: MAIN}", *[f"{{agent: {name}, database: MAIN}}" for name in names.values()])
        for kind, data in broken.items():
            folder = d.agent(names[kind])
            (folder / "database/main.sql.gz").write_bytes(b"x")
            if data is None:
                with open(folder / "log/STATUS.json", "wb") as f:
                    f.truncate(1 << 30)
            else:
                place(folder / "log/STATUS.json", data.replace(b'"X"', f'"{names[kind]}"'.encode()))
        for kind, name in names.items():
            t = d.wait_status(f"deposit/{name.lower()}/main", "failed", reason_code="report_invalid")
            self.no_controls(t["reason"])
        peak = [line for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines() if line.startswith("VmHWM")][0]
        self.assertLess(int(peak.split()[1]), 200 << 10, peak)
        self.send_good()

    def test_g18_how_the_checksum_is_written(self):
        data = gzip.compress(dump(rows=60))
        sums = {"UPPER": sha256(data).upper(), "SHORT": sha256(data)[:63], "LONG": sha256(data) + "0", "NOHEX": "g" * 64, "MD5": "d" * 32, "NONE": None,
                "EMPTY": "", "NUMBER": 12, "SPACES": " " * 64}
        d = self.begin(*[f"{{agent: {AGENT}, database: {name}}}" for name in ("MAIN", *sums)], gates="{database: false}")
        end = utc(-20)
        place(d.agent(AGENT) / "database/main.sql.gz", data)
        databases = {name: entry("main.sql.gz", data, end, sha256_checksum=value) for name, value in sums.items()}
        place(d.root / AGENT / "log/STATUS.json", json.dumps(report(AGENT, databases, end)).encode())
        for name in sums:
            if name == "UPPER":
                d.wait_status(f"deposit/{AGENT.lower()}/upper", "ok", sha256=sha256(data))
            else:
                d.wait_status(f"deposit/{AGENT.lower()}/{name.lower()}", "failed", reason_code="report_invalid")
        self.expected[f"{AGENT}/UPPER/main.sql.gz"] = sha256(data)

    def test_g19_wrong_hash(self):
        d = self.begin()
        data = gzip.compress(dump(rows=60))
        place(d.agent(AGENT) / "database/main.sql.gz", data)
        self.tell(data=data, sha256_checksum="0" * 64)
        t = d.wait_status(T, "corrupt", reason_code="hash_mismatch")
        self.assertEqual(t["severity"], "CRITICAL")
        self.send_good()

    def test_g20_right_hash_wrong_size(self):
        d = self.begin(deadline="3s", **NO_SCHEDULE)
        for i, wrong in enumerate((-1, 1, 1 << 20)):
            data = gzip.compress(dump(rows=60 + i))
            place(d.agent(AGENT) / "database/main.sql.gz", data)
            self.tell(data=data, size=len(data) + wrong, end=utc(-40 + 5 * i))
            d.wait_status(T, "corrupt", reason_code="size_mismatch")
            self.send_good(rows=100 + i, end=utc(-38 + 5 * i))

    def test_g21_grows_until_it_is_complete(self):
        d = self.begin()
        data = gzip.compress(os.urandom(40000))
        d.configure(jobs(content="opaque"))
        d.ctl("reload")
        self.tell(data=data)
        with open(d.agent(AGENT) / "database/main.sql.gz", "wb", buffering=0) as f:
            for at in range(0, len(data), len(data) // 12):
                f.write(data[at:at + len(data) // 12])
                time.sleep(0.25)
                self.assertNotIn(d.status(T)["status"], ("corrupt", "failed"))
        d.wait_status(T, "ok", sha256=sha256(data))
        self.expected = {FINAL: sha256(data)}

    def test_g22_shrinks_during_the_copy(self):
        d, data = self.big(3)
        path = d.agent(AGENT) / "database/main.sql.gz"
        place(path, data)
        self.tell(data=data)
        self.copying()
        os.truncate(path, 1000)
        self.waits("main.sql.gz")
        self.assertEqual(d.status(T)["status"], "ok")
        path.write_bytes(data)
        d.wait_status(T, "ok", sha256=sha256(data))
        self.expected = {FINAL: sha256(data)}

    def test_g23_bytes_changed_in_place(self):
        d, data = self.big(4)
        path = d.agent(AGENT) / "database/main.sql.gz"
        place(path, data)
        stop = threading.Event()

        def scribble():
            with open(path, "r+b") as f, mmap.mmap(f.fileno(), BIG) as m:
                n = 0
                while not stop.is_set():
                    n += 1
                    if n % 2:
                        m[BIG - 4096 + n % 4096] = n % 200 + 5
                    else:
                        os.pwrite(f.fileno(), bytes([n % 200 + 5]), n * 7919 % BIG)
                    time.sleep(0.02)
        writer = threading.Thread(target=scribble)
        writer.start()
        try:
            self.tell(data=data)
            time.sleep(3)
            self.assertEqual(d.vault_files(), self.expected)
        finally:
            stop.set()
            writer.join()
        d.wait_status(T, "corrupt", reason_code="hash_mismatch")
        self.assertEqual(d.vault_files(), self.expected)
        place(path, data)  # the same report: its file is another one now
        d.wait_status(T, "ok", sha256=sha256(data))
        self.expected = {FINAL: sha256(data)}

    def test_g28_rsync_killed_and_tried_again(self):
        d = self.begin(deadline="5s", content="opaque", **NO_SCHEDULE)
        wire = self.folder()
        data = os.urandom(3 << 20)
        (wire / "main.sql.gz").write_bytes(data)
        self.tell(data=data)
        text = (d.root / AGENT / "log/STATUS.json").read_text()
        rsync = subprocess.Popen(["rsync", "--partial", "--bwlimit=1500", "--inplace", str(wire / "main.sql.gz"), f"{d.root}/{AGENT}/database/"],
                                 start_new_session=True, stderr=subprocess.DEVNULL)
        path = d.root / AGENT / "database/main.sql.gz"
        self.until("much of it is there", lambda: path.exists() and path.stat().st_size > len(data) // 2)
        os.killpg(rsync.pid, signal.SIGKILL)
        rsync.wait()
        self.waits("bytes")
        d.wait_status(T, "corrupt", reason_code="size_mismatch")
        subprocess.run(["rsync", "--append-verify", str(wire / "main.sql.gz"), f"{d.root}/{AGENT}/database/"], check=True)
        self.tell(data=data, end=json.loads(text)["operation_end_time"])  # a push brings the report again too
        d.wait_status(T, "ok", sha256=sha256(data))
        self.expected = {FINAL: sha256(data)}

    def test_g29_moved_in_by_rename(self):
        d = self.begin(healthy=True)
        data = gzip.compress(dump(rows=60))
        elsewhere = d.home / "elsewhere"
        elsewhere.write_bytes(data)
        self.tell(data=data)
        self.waits("has not arrived yet")
        os.rename(elsewhere, d.root / AGENT / "database/main.sql.gz")
        d.wait_status(T, "ok", 8, sha256=sha256(data))
        self.expected = {FINAL: sha256(data)}

    def test_g30_whole_directory_moved_in(self):
        d = self.begin(*TWO)
        data = gzip.compress(dump(rows=60))
        new = d.home / "new"
        for name in ("log", "database"):
            (new / name).mkdir(parents=True)
        (new / "database/main.sql.gz").write_bytes(data)
        (new / "log/STATUS.json").write_text(json.dumps(report(SOUTH, {"MAIN": ("main.sql.gz", data)}, utc(-10))))
        os.rename(new, d.root / SOUTH)
        d.wait_status(T_SOUTH, "ok", 8, sha256=sha256(data))
        self.expected[f"{SOUTH}/MAIN/main.sql.gz"] = sha256(data)

    # Backups that are whole and yet wrong.

    def held(self, code, data, end, file="main.sql.gz"):
        self.d.deposit(AGENT, {"MAIN": (file, data)}, end)
        t = self.d.wait_status(T, "held", reason_code=code, sha256=sha256(data))
        self.assertEqual(self.d.vault_files(), self.expected)
        return t

    def test_g31_the_same_again(self):
        d = self.begin(consume="false")
        first = d.status(T)
        rows = len(d.json("history", T)["verdicts"])
        d.deposit(AGENT, {"MAIN": ("main.sql.gz", self.good)}, json.loads((d.root / AGENT / "log/STATUS.json").read_text())["operation_end_time"])
        d.ctl("deposits", "rescan")
        time.sleep(1.5)
        self.assertEqual((len(d.json("history", T)["verdicts"]), d.status(T)["since"]), (rows, first["since"]))
        d.deposit(AGENT, {"MAIN": ("main.sql.gz", self.good)}, utc(-5))
        self.assertEqual(d.wait_status(T, "unchanged", reason_code="same_content")["severity"], "WARNING")

    def test_g32_older_backup_again(self):
        self.begin()
        old = self.good
        self.send_good(end=utc(-40))
        self.held("replay", old, utc(-20))

    def test_g33_g34_clock_of_the_agent(self):
        self.begin()
        self.held("future", gzip.compress(dump(rows=60)), utc(100 * 3600))
        self.send_good(end=utc(-20))
        # It lies in the way of nothing: the next one with a right clock counts.
        self.held("clock", gzip.compress(dump(rows=61)), "1970-01-01T00:00:05Z")
        self.send_good(rows=120)

    def test_g35_empty_ones(self):
        d = self.begin()
        for i, (name, data) in enumerate((("zero bytes", b""), ("empty gzip", gzip.compress(b"")), ("no table", gzip.compress(dump(tables=0))))):
            with self.subTest(name):
                self.held("empty", data, utc(-40 + i))
        # A database that has always been empty is in order.
        e = Daemon(self)
        self.d.stop()
        self.begin(daemon=e, healthy=False)
        nothing = gzip.compress(dump(tables=0))
        self.expected = {}
        t = self.held("empty", nothing, utc(-40))
        e.ctl("--yes", "deposits", "release", T, "--sha256", t["sha256"])
        e.wait_status(T, "ok", reason_code="released")
        again = gzip.compress(dump(tables=0).replace(b"3:04:05", b"4:05:06"))
        e.deposit(AGENT, {"MAIN": ("main.sql.gz", again)}, utc(-10))
        e.wait_status(T, "ok", sha256=sha256(again))
        self.expected = {FINAL: sha256(again)}

    def test_g36_g37_size_out_of_its_band(self):
        d = self.begin(content="opaque")
        d.stop()
        e = Daemon(self)
        self.begin(daemon=e, healthy=False, content="opaque")
        for i in range(5):
            data = os.urandom((1 << 20) + i)
            e.deposit(AGENT, {"MAIN": ("main.sql.gz", data)}, utc(-50 + i))
            e.wait_status(T, "ok", sha256=sha256(data))
        self.expected = {FINAL: sha256(data)}
        self.assertIn("3 %", self.held("size_band", os.urandom(31500), utc(-40))["reason"])
        self.assertIn("2000 %", self.held("size_band", os.urandom(20 << 20), utc(-39))["reason"])

    def test_g38_sparse_files(self):
        d = self.begin(content="opaque", max_size="1GiB")
        path = d.agent(AGENT) / "database/main.sql.gz"
        try:
            with open(path, "wb") as f:
                f.truncate(4 << 40)
        except OSError as e:
            self.skipTest(f"no file of 4 TiB here: {e}")
        self.tell(size=4 << 40, end=utc(-40))
        t = d.wait_status(T, "failed", reason_code="too_large")
        self.assertIn("1.0 GiB", t["reason"])
        path.unlink()
        data = b"head" + bytes(64 << 20) + b"tail"
        with open(path, "wb") as f:
            f.write(b"head")
            f.seek(64 << 20, 1)
            f.write(b"tail")
        self.tell(data=data, end=utc(-30))
        d.wait_status(T, "ok", sha256=sha256(data))
        self.expected = {FINAL: sha256(data)}

    def test_g39_decompression_bomb(self):
        d = self.begin()
        made = subprocess.run(["zstd", "-q", "--ultra", "--long=31", "--zstd=wlog=31", "-1", "-c"], input=bytes(64 << 20), capture_output=True)
        self.assertEqual(made.returncode, 0, made.stderr)
        small = gzip.compress(bytes(64 << 20))
        for i, (file, data) in enumerate((("window.sql.zst", made.stdout), ("members.sql.gz", small * 12))):
            with self.subTest(file):
                self.d.deposit(AGENT, {"MAIN": (file, data)}, utc(-40 + i))
                d.wait_status(T, "corrupt", 30)
                self.assertEqual(d.vault_files(), self.expected)
        self.send_good(seconds=30)

    def test_g40_archives_that_are_not_whole(self):
        whole = gzip.compress(dump(rows=500))
        cases = {"garbage": whole + b"garbage", "isize": whole[:-4] + b"\1\2\3\4", "crc": whole[:-8] + b"\1\2\3\4" + whole[-4:], "cut": whole[:-1],
                 "header": b"\x1f\x8b\x08" + bytes(7), "ransom": os.urandom(5000), "text": b"your files are encrypted\n" * 50}
        d = self.begin(*[f"{{agent: {AGENT}, database: {n.upper()}}}" for n in ("main", *cases, "members")], gates="{database: false, size: false}")
        text = dump(rows=500)
        cases["members"] = gzip.compress(text[:5000]) + gzip.compress(text[5000:9000]) + gzip.compress(text[9000:])
        d.deposit(AGENT, {name.upper(): (f"{name}.sql.gz", data) for name, data in cases.items()}, utc(-10))
        for name, data in cases.items():
            d.wait_status(f"deposit/{AGENT.lower()}/{name}", "ok" if name == "members" else "corrupt", sha256=sha256(data))
        self.expected[f"{AGENT}/MEMBERS/members.sql.gz"] = sha256(cases["members"])

    def test_g41_encrypted_by_ransomware(self):
        d = self.begin()
        for i, data in enumerate((os.urandom(600), b"LOCKED\0" + os.urandom(600))):
            d.deposit(AGENT, {"MAIN": ("main.sql.gz", data)}, utc(-40 + i))
            t = d.wait_status(T, "corrupt", reason_code="wrong_type", sha256=sha256(data))
            self.assertEqual(t["severity"], "CRITICAL")
        self.send_good()

    def test_g25_writer_never_closes(self):
        d = self.begin(deadline="4s", **NO_SCHEDULE)
        data = gzip.compress(dump(rows=60))
        with open(d.agent(AGENT) / "database/main.sql.gz", "wb", buffering=0) as f:
            f.write(data)
            self.tell(data=data)
            self.waits("being written")
            self.assertEqual(d.status(T)["status"], "ok")
            d.wait_status(T, "corrupt", reason_code="never_finished")
        self.tell(data=data, end=utc(-1))
        if not (d.root / AGENT / "database/main.sql.gz").exists():
            place(d.root / AGENT / "database/main.sql.gz", data)
        d.wait_status(T, "ok", sha256=sha256(data))
        self.expected = {FINAL: sha256(data)}

    def test_g25_writer_closes_just_before_the_deadline(self):
        """What was seen some time before the deadline is no verdict: the file is whole by then."""
        d = self.begin(deadline="6s", **NO_SCHEDULE)
        data = gzip.compress(dump(rows=60))
        with open(d.agent(AGENT) / "database/main.sql.gz", "wb", buffering=0) as f:
            f.write(data)
            self.tell(data=data)
            self.waits("being written")
            time.sleep(4.5)  # the tries come less and less often: the next one is after the deadline
        d.wait_status(T, "ok", sha256=sha256(data))
        self.assertNotIn("corrupt", [v["status"] for v in d.json("history", T)["verdicts"]])
        self.expected = {FINAL: sha256(data)}

    def test_g26_g27_what_rsync_leaves_behind(self):
        d = self.begin(deadline="4s", **NO_SCHEDULE)
        data = gzip.compress(dump(rows=60))
        folder = d.agent(AGENT) / "database"
        left = [folder / ".main.sql.gz.AbC123", folder / ".~tmp~/main.sql.gz", folder / ".rsync-partial/main.sql.gz", folder / "sub/main.sql.gz"]
        for path in left:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
        self.tell(data=data)
        self.waits("main.sql.gz")
        d.wait_status(T, "corrupt")
        self.assertIn(d.status(T)["reason_code"], ("never_finished", "no_file"))
        for path in left:
            self.assertEqual(path.read_bytes(), data)
        self.send_good()
        for path in left:
            self.assertEqual(path.read_bytes(), data)

    def test_g26_temporary_that_a_dead_transfer_left(self):
        """Older than a day it is told, and left where it is. The time of change cannot be set back: bkmond's clock goes ahead."""
        library = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
        if library is None:
            self.skipTest("faketime is not there")
        # Not the program faketime: that one stays between, and bkmond would outlive the test.
        d = Daemon(self, wrapper=["env", "NO_FAKE_STAT=1", "FAKETIME=+25h", "ASAN_OPTIONS=verify_asan_link_order=0", f"LD_PRELOAD={library}"])
        path = d.agent(AGENT) / "database/.main.sql.gz.AbC123"
        path.write_bytes(b"half of it")
        self.begin(daemon=d, healthy=False, **NO_SCHEDULE)

        def told():
            return [x for x in d.json("deposits", "list")["deposits"] if x["file"] == path.name]
        self.assertIn("older than a day", self.until("it is told", told)[0]["detail"])
        self.assertEqual(path.read_bytes(), b"half of it")

    # Disks and machines that fail.

    def test_g42_vault_full(self):
        self.mounts()
        d = Daemon(self)
        self.mount_tmpfs(d.vault, "size=8m")
        d.configure("  reserve_bytes: 1MiB\n" + jobs(content="opaque"))
        d.start()
        self.d, self.pid = d, d.process.pid
        self.good = os.urandom(3 << 20)
        d.deposit(AGENT, {"MAIN": ("main.sql.gz", self.good)}, utc(-50))
        d.wait_status(T, "ok", sha256=sha256(self.good))
        self.expected = {FINAL: sha256(self.good)}
        big = os.urandom(6 << 20)
        d.deposit(AGENT, {"MAIN": ("main.sql.gz", big)}, utc(-10))
        t = d.wait_status("bkmon/vault", "warning")
        self.assertIn("full", t["reason"])
        self.waits("full")
        self.assertEqual(d.status(T)["status"], "ok")
        self.assertEqual([p for p in (d.vault / ".tmp").iterdir()], [])
        self.sound()
        self.assertEqual(d.text().count("bkmon/vault is warning"), 1)
        subprocess.run(["mount", "-o", "remount,size=64m", str(d.vault)], check=True)
        d.wait_status(T, "ok", 40, sha256=sha256(big))
        self.expected = {FINAL: sha256(big)}
        d.wait_status("bkmon/vault", "ok", 40)

    def test_g43_state_disk_full(self):
        self.mounts()
        said = self.manager()
        d = Daemon(self, env={"NOTIFY_SOCKET": said.getsockname()})
        self.mount_tmpfs(d.state, "size=24m")
        self.begin(daemon=d)
        d.wait_status("bkmon/history", "ok")
        filler = fill_up(d.state)
        data = gzip.compress(dump(rows=60))
        d.deposit(AGENT, {"MAIN": ("main.sql.gz", data)}, utc(-10))
        self.logged("database or disk is full; free space on its disk")
        self.assertEqual(d.vault_files(), self.expected)
        # Nothing more can be written, but for what the reserve was kept for: this verdict, shown everywhere.
        t = d.wait_status("bkmon/history", "failed", reason_code="history_unwritable", severity="CRITICAL")
        self.assertIn("cannot be written", t["reason"])
        self.assertIn("disk is full", t["reason"])
        self.assertEqual([x["id"] for x in d.json("status", "--problems")["targets"]], ["bkmon/history", "bkmon/space"])
        check = d.ctl("check", check=False)
        self.assertEqual(check.returncode, 2, check.stdout)
        self.assertIn("bkmon/history", check.stdout)
        explained = d.json("explain", "bkmon/history")
        self.assertEqual((explained["status"], explained["current"]["status"]), ("failed", "failed"))
        self.assertIn("Free space", explained["advice"])
        self.until("STATUS= says it", lambda: self.last_status(said).endswith("failed; the history cannot be written"))
        self.assertEqual(d.text().count("the history cannot be written"), 1)
        self.until("it is recorded on the full disk", lambda: d.json("history", "bkmon/history")["verdicts"][0]["status"] == "failed")
        self.assertEqual(d.status("bkmon/space")["reason_code"], "disk_full")
        self.assertFalse((d.state / ".bkmon-reserve").exists())
        self.sound()
        filler.unlink()
        d.wait_status(T, "ok", 45, sha256=sha256(data))
        self.expected = {FINAL: sha256(data)}
        d.wait_status("bkmon/history", "ok")
        # Stored afterwards, with the time at which it began.
        stored = d.json("history", "bkmon/history")["verdicts"]
        self.assertEqual([v["status"] for v in stored[:3]], ["ok", "failed", "ok"])
        self.assertEqual(stored[1]["at"], t["since"])
        self.until("the reserve is kept again", lambda: (d.state / ".bkmon-reserve").exists())
        d.wait_status("bkmon/space", "ok")
        self.assertEqual(d.ctl("check", check=False).returncode, 0)
        self.until("STATUS= has forgotten it", lambda: "cannot be written" not in self.last_status(said))

    def test_g43_state_disk_full_and_its_reserve_gone(self):
        """What cannot be recorded at all is shown all the same."""
        self.mounts()
        d = Daemon(self)
        self.mount_tmpfs(d.state, "size=24m")
        self.begin(daemon=d)
        d.wait_status("bkmon/history", "ok")
        self.until("the reserve is kept", (d.state / ".bkmon-reserve").exists)
        (d.state / ".bkmon-reserve").unlink()
        filler = fill_up(d.state)
        data = gzip.compress(dump(rows=60))
        d.deposit(AGENT, {"MAIN": ("main.sql.gz", data)}, utc(-10))
        d.wait_status("bkmon/history", "failed", reason_code="history_unwritable", severity="CRITICAL")
        self.assertEqual([v["status"] for v in d.json("history", "bkmon/history")["verdicts"]], ["ok"])
        self.assertEqual(d.ctl("check", check=False).returncode, 2)
        filler.unlink()
        d.wait_status(T, "ok", 45, sha256=sha256(data))
        self.expected = {FINAL: sha256(data)}
        d.wait_status("bkmon/history", "ok")

    def manager(self):
        """What systemd would listen to."""
        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(s.close)
        s.bind(str(self.folder() / "notify"))
        s.setblocking(False)
        self.status_said = ""
        return s

    def last_status(self, manager):
        try:
            while True:
                for line in manager.recv(65536).decode().splitlines():
                    if line.startswith("STATUS="):
                        self.status_said = line
        except BlockingIOError:
            return self.status_said

    def test_g44_vault_becomes_read_only(self):
        self.mounts()
        d = Daemon(self)
        self.mount_tmpfs(d.vault, "size=600m")
        self.begin(daemon=d)
        subprocess.run(["mount", "-o", "remount,ro", str(d.vault)], check=True)
        data = gzip.compress(dump(rows=60))
        d.deposit(AGENT, {"MAIN": ("main.sql.gz", data)}, utc(-10))
        d.wait_status("bkmon/vault", "unreachable")
        self.waits("vault")
        self.assertEqual(d.status(T)["status"], "ok")
        self.sound()
        subprocess.run(["mount", "-o", "remount,rw", str(d.vault)], check=True)
        d.wait_status(T, "ok", 40, sha256=sha256(data))
        self.expected = {FINAL: sha256(data)}
        d.wait_status("bkmon/vault", "ok")

    def test_g45_deposit_file_system_unmounted(self):
        self.mounts()
        d = Daemon(self)
        self.mount_tmpfs(d.root, "size=64m")
        d = self.begin(daemon=d, schedule=f'"{DUE.format(utc(6))}"', early="1s", deadline="4s")
        d.ctl("--yes", "deposits", "init")
        d.stop()
        d.start()
        self.restarted()
        subprocess.run(["umount", "-l", str(d.root)], check=True)
        d.wait_status("bkmon/deposits", "unreachable")
        # What cannot be seen is not missing: it cannot be judged.
        t = d.wait_status(T, "unreachable", reason_code="deposit_unavailable")
        self.assertEqual(t["severity"], "CRITICAL")
        self.assertEqual(list(d.root.iterdir()), [])
        self.sound()
        self.mount_tmpfs(d.root, "size=64m")  # another one is not it either
        d.ctl("deposits", "rescan")
        time.sleep(1)
        self.assertEqual(d.status("bkmon/deposits")["status"], "unreachable")
        d.ctl("--yes", "deposits", "init")
        self.send_good(seconds=40)

    def test_g46_vault_not_mounted(self):
        self.mounts()
        d = Daemon(self)
        disk = self.folder()
        self.mount_tmpfs(disk, "size=600m")
        self.bind(disk, d.vault)
        self.begin(daemon=d)
        d.stop()
        subprocess.run(["umount", str(d.vault)], check=True)
        d.start()
        self.restarted()
        t = d.wait_status("bkmon/vault", "unreachable")
        self.assertEqual(t["reason_code"], "vault_unavailable")
        data = gzip.compress(dump(rows=60))
        d.deposit(AGENT, {"MAIN": ("main.sql.gz", data)}, utc(-10))
        self.waits("vault")
        time.sleep(1)
        self.assertEqual(list(d.vault.iterdir()), [], "something was written below the mount point")
        self.mount_tmpfs(d.vault, "size=8m")  # another disk
        d.stop()
        d.start()
        self.restarted()
        d.wait_status("bkmon/vault", "unreachable")
        self.assertEqual(list(d.vault.iterdir()), [])
        subprocess.run(["umount", str(d.vault)], check=True)
        self.bind(disk, d.vault)
        d.wait_status(T, "ok", 45, sha256=sha256(data))
        self.expected = {FINAL: sha256(data)}

    def bind(self, source, target):
        subprocess.run(["mount", "--bind", str(source), str(target)], check=True)
        self.addCleanup(lambda: subprocess.run(["umount", "-l", str(target)], capture_output=True))

    def test_g47_two_agents_with_one_database(self):
        d = self.begin(*TWO)
        north, south = gzip.compress(dump(rows=60)), gzip.compress(dump(rows=61))
        for agent, data in ((AGENT, north), (SOUTH, south)):
            d.deposit(agent, {"MAIN": ("main.sql.gz", data)}, utc(-10))
        d.wait_status(T, "ok", sha256=sha256(north))
        d.wait_status(T_SOUTH, "ok", sha256=sha256(south))
        self.expected = {FINAL: sha256(north), f"{SOUTH}/MAIN/main.sql.gz": sha256(south)}

    def test_g48_flood_of_files_and_depth(self):
        d = self.begin(*TWO)
        folder = d.agent(SOUTH) / "database"
        at = os.open(folder, os.O_RDONLY)
        self.addCleanup(lambda: subprocess.run(["rm", "-rf", str(d.root)], check=False))
        here = at
        for _ in range(2000):
            os.mkdir("d", dir_fd=here)
            below = os.open("d", os.O_RDONLY, dir_fd=here)
            if here != at:
                os.close(here)
            here = below
        os.close(here)
        for i in range(25000):
            os.close(os.open(f"f{i}", os.O_CREAT | os.O_WRONLY, dir_fd=at))
        os.close(at)
        started = time.monotonic()
        self.send_good(seconds=10)
        self.assertLess(time.monotonic() - started, 8)
        self.logged("'database' holds more than 20000 names: the rest is not looked at", 20)

    def test_g49_agent_removes_the_deposit_during_the_copy(self):
        d, data = self.big(5)
        path = d.agent(AGENT) / "database/main.sql.gz"
        place(path, data)
        self.tell(data=data)
        self.copying()
        path.unlink()
        d.wait_status(T, "ok", sha256=sha256(data))
        self.expected = {FINAL: sha256(data)}

    def test_g50_rights_and_owner_do_not_come_along(self):
        d = self.begin()
        data = gzip.compress(dump(rows=60))
        path = d.home / "strange"
        path.write_bytes(data)
        os.chmod(path, 0o6777)
        try:
            os.setxattr(path, "user.evil", b"1")
        except OSError:
            pass
        if os.geteuid() == 0:
            os.chown(path, 4242, 4242)
            os.chmod(path, 0o6777)
            subprocess.run(["setcap", "cap_sys_admin+ep", str(path)], capture_output=True) if shutil.which("setcap") else None
        self.tell(data=data)
        os.rename(path, d.root / AGENT / "database/main.sql.gz")
        d.wait_status(T, "ok", sha256=sha256(data))
        st = os.stat(d.vault / FINAL)
        self.assertEqual((st.st_mode & 0o7777, st.st_uid, st.st_gid), (0o440, os.geteuid(), os.getegid()))
        self.assertEqual([a for a in os.listxattr(d.vault / FINAL) if not a.startswith("user.bkmon.")], [])
        self.expected = {FINAL: sha256(data)}

    def test_g51_file_that_may_not_be_read(self):
        if os.geteuid() != 0:
            self.skipTest("another user is needed, which needs root")
        d = Daemon(self, wrapper=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"])
        for path in (d.home, d.root, d.vault, d.state):
            os.chown(path, 65534, 65534)
        # The log file is opened before the user changes; the folders of the agent belong to root, as those of a stranger would.
        self.begin(daemon=d, consume="false")
        secret = gzip.compress(dump(rows=60))
        path = d.root / AGENT / "database/main.sql.gz"
        place(path.parent / "other.sql.gz", secret)
        os.chmod(path.parent / "other.sql.gz", 0)
        self.tell("other.sql.gz", secret)
        t = d.wait_status(T, "failed", reason_code="unreadable")
        self.assertIn("may not be read", t["reason"])
        os.chmod(path.parent / "other.sql.gz", 0o644)  # nothing else: it is looked at again without a new report
        d.wait_status(T, "ok", sha256=sha256(secret))
        self.expected = {f"{AGENT}/MAIN/other.sql.gz": sha256(secret)}
        os.chmod(d.root / AGENT / "log/STATUS.json", 0)
        self.logged("report STATUS.json cannot be used: cannot be read")

    def test_g52_lease_held_by_the_agent(self):
        d = self.begin(deadline="5s", **NO_SCHEDULE)
        old = signal.signal(signal.SIGIO, signal.SIG_IGN)
        self.addCleanup(signal.signal, signal.SIGIO, old)
        data = gzip.compress(dump(rows=60))
        path = d.agent(AGENT) / "database/main.sql.gz"
        place(path, data)
        report_path = d.root / AGENT / "log/STATUS.json"
        fd = os.open(path, os.O_RDWR)
        fcntl.fcntl(fd, 1024, fcntl.F_WRLCK)  # F_SETLEASE
        self.tell(data=data)
        self.waits("leased")
        started = time.monotonic()
        d.ctl("status", check=False)
        self.assertLess(time.monotonic() - started, 2)
        fcntl.fcntl(fd, 1024, fcntl.F_UNLCK)
        os.close(fd)
        d.wait_status(T, "ok", 30, sha256=sha256(data))
        self.expected = {FINAL: sha256(data)}
        self.until("consumed", lambda: not report_path.exists())
        # A leased report is waited for as well.
        place(path, gzip.compress(dump(rows=61)))
        (d.root / AGENT / "log/.S.json.aB3xYz").write_text(json.dumps(report(AGENT, {"MAIN": ("main.sql.gz", path.read_bytes())}, utc(-2))))
        fd = os.open(d.root / AGENT / "log/.S.json.aB3xYz", os.O_RDWR)
        fcntl.fcntl(fd, 1024, fcntl.F_WRLCK)
        os.rename(d.root / AGENT / "log/.S.json.aB3xYz", report_path)
        self.logged("is leased by the process that writes it")
        fcntl.fcntl(fd, 1024, fcntl.F_UNLCK)
        os.close(fd)
        data = path.read_bytes()
        d.wait_status(T, "ok", sha256=sha256(data))
        self.expected = {FINAL: sha256(data)}

    def test_g53_flood_of_events(self):
        d = self.begin(*TWO)
        limit = int(pathlib.Path("/proc/sys/fs/inotify/max_queued_events").read_text())
        if limit > 40000:
            self.skipTest(f"max_queued_events is {limit}: overflowing it takes too long")
        folder = d.agent(SOUTH) / "database"
        time.sleep(1)
        data = gzip.compress(dump(rows=60))
        os.kill(self.pid, signal.SIGSTOP)
        try:
            for i in range(limit // 2 + 1000):  # two names, so that no event is merged with the one before
                for name in ("a", "b"):
                    os.close(os.open(folder / name, os.O_CREAT | os.O_WRONLY))
            d.deposit(AGENT, {"MAIN": ("main.sql.gz", data)}, utc(-10))  # its events are lost
        finally:
            os.kill(self.pid, signal.SIGCONT)
        d.wait_status(T, "ok", 15, sha256=sha256(data))
        self.expected = {FINAL: sha256(data)}
        self.logged("a flood of changes")

    def test_g54_second_daemon(self):
        d = self.begin()
        for config in (d.config, d.home / "other.yaml"):
            if config != d.config:
                config.write_text(d.config.read_text().replace(str(d.socket), str(d.home / "second.sock")))
            second = subprocess.run([str(BIN / "bkmond"), "--config", str(config)], capture_output=True, text=True, timeout=20)
            self.assertNotEqual(second.returncode, 0)
            self.assertIn(str(d.state), second.stdout + second.stderr)
        self.send_good()

    def test_g55_agent_taken_out_of_the_configuration(self):
        d = self.begin(*TWO, deadline="60s", **NO_SCHEDULE)
        data = gzip.compress(dump(rows=60))
        d.deposit(SOUTH, {"MAIN": ("main.sql.gz", data)}, utc(-50))
        d.wait_status(T_SOUTH, "ok")
        self.expected[f"{SOUTH}/MAIN/main.sql.gz"] = sha256(data)
        place(d.root / SOUTH / "database/more.sql.gz", data)
        d.configure(jobs(deadline="60s", **NO_SCHEDULE))
        d.ctl("reload")
        self.until("it is unexpected", lambda: [u for u in d.json("deposits", "unexpected")["unexpected"] if u["agent"] == SOUTH])
        self.assertIsNone(d.status(T_SOUTH))
        more = gzip.compress(dump(rows=61))
        d.deposit(SOUTH, {"MAIN": ("main.sql.gz", more)}, utc(-10))
        time.sleep(2)
        self.assertEqual((d.root / SOUTH / "database/more.sql.gz").read_bytes(), data)
        self.assertEqual((d.root / SOUTH / "database/main.sql.gz").read_bytes(), more)
        self.assertTrue((d.root / SOUTH / "log/STATUS.json").exists())


if __name__ == "__main__":
    main()

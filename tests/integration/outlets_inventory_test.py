"""Where the outlets come from, and what becomes of them when that changes, is wrong in places, or cannot be read."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from harness import AS_SERVICE, SLOWER, Case, free_port, main, place  # noqa: E402
from outlets import FOLDER, Outlets, code, csv, target, write_csv  # noqa: E402
from smb_bed import SmbBed  # noqa: E402

COLUMNS = ("code", "address", "name", "active", "region")


class Inventories(Case):
    def bed(self, servers=6):
        bed = SmbBed(self, servers)
        for server in bed.servers:
            server.put("d$", FOLDER, f"of_{server.address}.bak", 5000)
        return bed.start()

    def listed(self, d):
        return {o["code"]: o for o in d.json("outlets", "list")["outlets"]}

    def rows(self, bed, **changes):
        """S0000 to S0003; changes: {code: row, or None}"""
        rows = {code(n): (code(n), bed.outlet(n).address, f"Shop {n}", "Y", "north" if n % 2 else "south") for n in range(4)}
        rows.update(changes)
        return [row for row in rows.values() if row]

    def test_csv_is_read_again_before_each_scan(self):
        bed = self.bed()
        d = Outlets(self, bed)
        write_csv(d, self.rows(bed), COLUMNS)
        d.start()
        scan = d.scan()
        self.assertEqual((scan["total"], scan["counts"]["ok"]), (4, 4))
        before = self.listed(d)
        self.assertEqual((before["S0001"]["name"], before["S0001"]["address"], before["S0001"]["labels"].get("region")), ("Shop 1", bed.outlet(1).address, "north"))
        self.assertEqual(len(d.json("status", "--label", "region=north")["targets"]), 2)
        write_csv(d, self.rows(bed, S0000=None, S0001=("S0001", bed.outlet(5).address, "Shop 1", "Y", "north"), S0002=("S0002", bed.outlet(2).address, "Shop 2", "N", "south"),
                               S0009=("S0009", bed.outlet(4).address, "New", "si", "west")), COLUMNS)
        scan = d.scan()
        self.assertEqual((scan["total"], scan["added"], scan["changed"], scan["deactivated"], scan["bad_rows"]), (3, 1, 1, 2, 0))
        self.assertEqual(d.verdict("S0001")["file"], f"of_{bed.outlet(5).address}.bak")
        self.assertEqual(d.verdict("S0009")["status"], "ok")
        self.assertFalse({target("S0000"), target("S0002")} & set(d.verdicts()), "gone and inactive ones are no targets")
        self.assertEqual(self.listed(d)["S0002"]["active"], False)
        self.assertIn(target("S0000"), {r["target"].lower() for r in d.json("report", "--kind", "outlet")["rows"]}, "what was recorded of it stays")
        write_csv(d, self.rows(bed), COLUMNS)
        scan = d.scan()
        self.assertEqual((scan["total"], scan["deactivated"], scan["counts"]["ok"]), (4, 1, 4))

    def test_a_bad_row_is_told_with_its_line_and_skipped(self):
        bed = self.bed()
        d = Outlets(self, bed)
        rows = [("S0000", bed.outlet(0).address), ("", bed.outlet(1).address), ("S0001", "not an address!"), ("S0002", bed.outlet(2).address), ("s0000", bed.outlet(3).address)]
        write_csv(d, rows)
        d.start()
        scan = d.scan()
        self.assertEqual((scan["total"], scan["bad_rows"], scan["counts"]["ok"]), (2, 3, 2))
        bad = d.json("outlets", "list")["inventory"]["bad"]
        self.assertEqual([b["where"] for b in bad], ["line 3", "line 4", "line 6"])
        self.assertIn("3 rows skipped", d.ctl("outlets", "list").stdout)
        self.assertRegex(d.ctl("outlets", "list", "--bad").stdout, "line 4.*address")

    def test_what_cannot_be_read_leaves_the_last_known_inventory(self):
        bed = self.bed()
        d = Outlets(self, bed)
        d.start()
        self.assertEqual(d.scan()["total"], 6)
        source = d.home / "outlets.csv"
        for trouble in ("gone", "no header", "no text"):
            with self.subTest(trouble):
                source.unlink(missing_ok=True)
                if trouble != "gone":
                    source.write_bytes(b"a,b\n1,2\n" if trouble == "no header" else b"code,address\n\xff\xfe\x00,x\n")
                scan = d.scan()
                self.assertEqual((scan["total"], scan["counts"]["ok"], scan["deactivated"]), (6, 6, 0))
                self.assertTrue(scan["inventory_problem"])
                self.assertTrue(d.json("outlets", "list")["inventory"]["problem"])
        source.unlink(missing_ok=True)
        d.kill()
        d.start()  # nor does a start without it lose any
        scan = d.scan()
        self.assertEqual((scan["total"], scan["counts"]["ok"]), (6, 6))
        self.assertIn("outlets.csv", scan["inventory_problem"])
        d.set(d.everything())
        self.assertIsNone(d.scan()["inventory_problem"])

    def test_a_command_prints_it(self):
        bed = self.bed()
        d = Outlets(self, bed)
        place(d.home / "rows", csv(d.everything()).encode())
        program = d.home / "print"
        program.write_text(f"#!/bin/sh\necho \"asked for $1\" >&2\ncat {d.home}/rows\n")
        program.chmod(0o755)
        d.set(f"command: [{program}, \"all of them\"]")
        d.start()
        scan = d.scan()
        self.assertEqual((scan["total"], scan["counts"]["ok"]), (6, 6))
        program.write_text("#!/bin/sh\necho code,address\necho \"the database is down\" >&2\nexit 3\n")
        scan = d.scan()
        self.assertEqual((scan["total"], scan["counts"]["ok"]), (6, 6))
        self.assertRegex(scan["inventory_problem"], "3.*the database is down|the database is down.*3")

    def test_a_command_has_none_of_the_rights_of_bkmond(self):
        if os.geteuid() != 0:
            self.skipTest("another user is needed, which needs root")
        bed = self.bed()
        d = Outlets(self, bed, wrapper=AS_SERVICE)
        program = d.home / "print"
        program.write_text(f"#!/bin/sh\ngrep '^Cap' /proc/self/status >{d.state}/rights\nprintf 'code,address\\nS1,{bed.outlet(0).address}\\n'\n")
        program.chmod(0o755)
        d.set(f"command: [{program}]")
        for path in (d.home, *d.home.rglob("*")):
            os.chown(path, 65534, 65534)
        d.start()
        self.assertEqual(d.scan()["counts"]["ok"], 1)
        own = dict(re.findall(r"(Cap\w+):\s+([0-9a-f]+)", pathlib.Path(f"/proc/{d.process.pid}/status").read_text()))
        self.assertEqual(int(own["CapEff"], 16), 4, "CAP_DAC_READ_SEARCH")
        theirs = dict(re.findall(r"(Cap\w+):\s+([0-9a-f]+)", (d.state / "rights").read_text()))
        self.assertEqual([int(theirs[which], 16) for which in ("CapPrm", "CapEff", "CapAmb")], [0, 0, 0])

    def mariadb(self):
        """A server with the usual table; (port, a function that runs SQL there)."""
        home = self.folder()
        user = ["--user=root"] if os.geteuid() == 0 else []
        subprocess.run(["mariadb-install-db", "--no-defaults", f"--datadir={home}/data", "--auth-root-authentication-method=normal", "--skip-test-db", *user],
                       check=True, capture_output=True, timeout=60 * SLOWER)
        port = free_port()
        with open(home / "log", "wb") as log:
            server = subprocess.Popen(["mariadbd", "--no-defaults", f"--datadir={home}/data", f"--socket={home}/s", f"--pid-file={home}/pid", "--bind-address=127.0.0.1",
                                       f"--port={port}", "--innodb-buffer-pool-size=16M", "--performance-schema=0", *user], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)

        def sql(text, check=True):
            done = subprocess.run(["mariadb", "--no-defaults", "-uroot", f"--socket={home}/s", "-e", text], capture_output=True, text=True)
            if check and done.returncode != 0:
                self.fail(done.stderr)
            return done.returncode == 0
        self.until("mariadbd answers", lambda: sql("SELECT 1", check=False))
        sql("CREATE DATABASE shops; CREATE TABLE shops.Outlets (OutletCode varchar(40), IPAddress varchar(60), ActiveDepot char(1), Region varchar(40));"
            "CREATE USER bkmon@localhost IDENTIFIED BY 'only reads'; GRANT SELECT ON shops.* TO bkmon@localhost;"
            "CREATE USER bkmon@'127.0.0.1' IDENTIFIED BY 'only reads'; GRANT SELECT ON shops.* TO bkmon@'127.0.0.1'")
        return port, sql

    def test_a_table_in_mariadb(self):
        if not shutil.which("mariadbd") or not shutil.which("mariadb-install-db"):
            self.skipTest("MariaDB's server is not installed")
        bed = self.bed()
        port, sql = self.mariadb()
        sql("INSERT INTO shops.Outlets VALUES " + ", ".join(f"('{code(s.number)}', '{s.address}', '{'N' if s.number == 5 else 'Y'}', 'nord-été')" for s in bed.servers))
        sql("INSERT INTO shops.Outlets VALUES ('BROKEN', NULL, 'Y', 'x')")
        d = Outlets(self, bed)
        (d.home / "sql.password").write_text("only reads\n")
        (d.home / "sql.password").chmod(0o600)
        inventory = f"sql: {{host: 127.0.0.1, port: {port}, user: bkmon, database: shops, password_file: {d.home}/sql.password, timeout: 5s"
        d.set(inventory + "}")
        d.start()
        scan = d.scan()
        self.assertEqual((scan["total"], scan["counts"]["ok"], scan["bad_rows"]), (5, 5, 1), scan)
        d.set(inventory + ', query: "SELECT OutletCode code, IPAddress address, Region region FROM Outlets WHERE ActiveDepot = \'Y\' AND IPAddress IS NOT NULL"}')
        d.ctl("reload")
        scan = d.scan()
        self.assertEqual((scan["total"], scan["bad_rows"]), (5, 0))
        self.assertEqual(self.listed(d)["S0000"]["labels"]["region"], "nord-été")
        sql("UPDATE shops.Outlets SET ActiveDepot = 'N' WHERE OutletCode = 'S0001'")
        scan = d.scan()
        self.assertEqual((scan["total"], scan["deactivated"]), (4, 1))
        for trouble, mend in ((lambda: (d.home / "sql.password").write_text("wrong\n"), lambda: (d.home / "sql.password").write_text("only reads\n")),
                              (lambda: sql("RENAME TABLE shops.Outlets TO shops.Gone"), lambda: sql("RENAME TABLE shops.Gone TO shops.Outlets"))):
            trouble()
            scan = d.scan()
            self.assertEqual((scan["total"], scan["counts"]["ok"]), (4, 4))
            self.assertTrue(scan["inventory_problem"])
            self.assertNotIn("only reads", scan["inventory_problem"])
            mend()
            self.assertIsNone(d.scan()["inventory_problem"])

    def test_import_shows_before_it_writes(self):
        bed = self.bed()
        d = Outlets(self, bed)
        d.set([(code(n), bed.outlet(n).address) for n in range(4)])
        d.start()
        d.scan()
        old = (d.home / "outlets.csv").read_text()
        new = d.home / "new.csv"
        new.write_text(csv([("S0000", bed.outlet(0).address), ("S0001", bed.outlet(5).address), ("S0007", bed.outlet(4).address)]))
        shown = d.ctl("outlets", "import", str(new), check=False)
        self.assertEqual((d.home / "outlets.csv").read_text(), old, "only looked at")
        for word in ("S0007", "S0001", "S0002", "S0003"):
            self.assertIn(word, shown.stdout + shown.stderr)
        self.assertEqual(d.ctl("outlets", "import", str(new), "--write", check=False).returncode, 2, "asks, and there is no terminal")
        self.assertEqual((d.home / "outlets.csv").read_text(), old)
        d.ctl("--yes", "outlets", "import", str(new), "--write")
        self.assertEqual((d.home / "outlets.csv").read_text(), new.read_text())
        scan = d.scan()
        self.assertEqual((scan["total"], scan["counts"]["ok"]), (3, 3))
        self.assertEqual(d.verdict("S0001")["file"], f"of_{bed.outlet(5).address}.bak")
        new.write_text("code,address\nS0000,\n")
        self.assertNotEqual(d.ctl("--yes", "outlets", "import", str(new), "--write", check=False).returncode, 0)
        self.assertEqual(d.scan()["total"], 3, "a bad row is not written")


if __name__ == "__main__":
    main()

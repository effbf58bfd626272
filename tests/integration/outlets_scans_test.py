"""Scans of outlets as people ask for them: of a part, of a past day, together, from afar; and what is reported of them."""
import csv
import io
import json
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from harness import BIN, Case, main, utc  # noqa: E402
from outlets import FOLDER, Outlets, code, day, end_of, target  # noqa: E402
from smb_bed import SmbBed  # noqa: E402
from smb_relay import Relay  # noqa: E402
from varlink_client import VarlinkError  # noqa: E402

HOUR, DAY = 3600, 86400


class Scans(Case):
    def bed(self, servers=8, **more):
        bed = SmbBed(self, servers, **more)
        for server in bed.servers:
            server.put("d$", FOLDER, f"of_{server.address}.bak", 5000 + server.number, age=HOUR)
        return bed.start()

    def under_way(self, bed, d, **filters):
        """A scan that cannot come to its end before bed.resume()."""
        bed.pause()
        client, first = d.begin(**filters)
        while first["scan"]["run"] is None or first["scan"]["state"] != "running":
            first = client.receive()[0]
        return client, first

    def test_some_outlets(self):
        bed = self.bed()
        d = Outlets(self, bed).start()
        self.assertEqual(d.scan(outlets=[code(2), "S000[45]"])["total"], 3)
        self.assertEqual({n: t["status"] for n, t in d.verdicts().items()}, {target(code(n)): "ok" if n in (2, 4, 5) else "unknown" for n in range(8)})
        with self.assertRaises(VarlinkError) as wrong:
            d.scan(outlets=["S00O1"])
        self.assertEqual(wrong.exception.name, "io.bkmon.Outlets.NoSuchOutlet")
        with self.assertRaises(VarlinkError) as wrong:
            d.scan("e-drive")
        self.assertEqual((wrong.exception.name, wrong.exception.parameters["modes"]), ("io.bkmon.Outlets.NoSuchMode", ["d-drive"]))
        self.assertEqual(d.ctl("outlets", "scan", "--mode", "e-drive", check=False).returncode, 4)

    def test_a_server_is_connected_to_once(self):
        bed = self.bed(12)
        relays = [Relay(self, server, bed.port, f"127.2.0.{server.number + 1}") for server in bed.servers]
        rows = [(code(n), relay.address) for n, relay in enumerate(relays)]
        d = Outlets(self, bed, modes=[{}, {"name": "two", "shares": '["e$", "d$"]'}], inventory=rows, workers=3).start()
        for mode, each in (("d-drive", 1), ("two", 2), ("two", 1)):  # the drive that was found is the first one the next time
            for relay in relays:
                relay.lines.clear()
            self.assertEqual(d.scan(mode)["counts"]["ok"], 12)
            self.assertEqual([len(relay.lines) for relay in relays], [each] * 12, mode)
            self.assertTrue(all(all(relay.lines) for relay in relays), "nobody was connected to for nothing")

    def test_pending_and_problems(self):
        bed = self.bed(connections=True)
        bed.outlet(1).remove_share("d$")
        bed.outlet(2).login(False)
        d = Outlets(self, bed).start()
        d.scan(outlets=[code(n) for n in range(4)])
        bed.forget_connects()
        self.assertEqual(d.scan(pending=True)["total"], 4)
        self.assertEqual(set(bed.connects()), {bed.outlet(n).address for n in range(4, 8)})
        bed.put(1, "d$", FOLDER, "back.bak", 5000)
        bed.forget_connects()
        scan = d.scan(problems=True)
        self.assertEqual((scan["total"], scan["counts"]["ok"], scan["counts"]["unreachable"]), (2, 1, 1))
        self.assertEqual(set(bed.connects()), {bed.outlet(1).address})
        bed.outlet(2).login(True)
        self.assertEqual(d.scan(problems=True)["total"], 1)
        # Nothing is left: that is no error, and no run.
        for filters in ({"problems": True}, {"pending": True}):
            client, reply = d.begin(**filters)
            reply = reply if reply["final"] else {"scan": d.end(client), "final": True}
            self.assertEqual((reply["scan"]["total"], reply["final"]), (0, True))

    def test_a_past_day(self):
        bed = self.bed(5)
        past = day(-3 * DAY)
        bed.put(0, "d$", FOLDER, "that_evening.bak", 6000, age=end_of(past) + 2 * HOUR)
        bed.put(0, "d$", FOLDER, "the_night_after.bak", 6001, age=end_of(past) - 60)
        bed.put(1, "d$", FOLDER, "a_day_and_a_bit_before.bak", 6002, age=end_of(past) + 25 * HOUR)
        bed.put(2, "d$", FOLDER, "too_old_then.bak", 6003, age=end_of(past) + 27 * HOUR)
        d = Outlets(self, bed).start()
        d.scan()
        before, incidents = d.verdicts(), d.json("alerts", "list")["incidents"]
        scan = d.scan(date=past)
        self.assertEqual((scan["date"], scan["back_dated"], scan["total"]), (past, True, 5))
        self.assertEqual((scan["counts"]["ok"], scan["counts"]["missing"]), (2, 3))
        rows = {r["target"].lower(): r for r in d.json("report", "--kind", "outlet", "--from", past, "--to", past)["rows"]}
        self.assertEqual({t: (r["status"], r["file"]) for t, r in rows.items()},
                         {target(code(0)): ("ok", "that_evening.bak"), target(code(1)): ("ok", "a_day_and_a_bit_before.bak"),
                          target(code(2)): ("missing", "too_old_then.bak"), target(code(3)): ("missing", None), target(code(4)): ("missing", None)})
        self.assertEqual(d.verdicts(), before, "what is true now stays")
        self.assertEqual(d.json("alerts", "list")["incidents"], incidents)
        d.scan(date=past)
        self.assertEqual(len(d.json("report", "--kind", "outlet", "--from", past, "--to", past)["rows"]), 5)
        for wrong in (day(2 * DAY), "2026-02-30", "yesterday"):
            with self.assertRaises(VarlinkError, msg=wrong):
                d.scan(date=wrong)

    def test_a_second_one_joins(self):
        bed = self.bed()
        d = Outlets(self, bed).start()
        first, begun = self.under_way(bed, d)
        second, joined = d.begin()
        third, follows = d.client(), None
        third.send("io.bkmon.Outlets.Follow", {"run": begun["scan"]["run"]}, more=True)
        follows = third.receive()[0]
        self.assertEqual((begun["joined"], joined["joined"]), (False, True))
        self.assertEqual({joined["scan"]["run"], follows["scan"]["run"]}, {begun["scan"]["run"]})
        first.socket.close()  # who hangs up stops nothing
        bed.resume()
        for client in (second, third):
            last = d.end(client)
            self.assertEqual((last["state"], last["done"], last["counts"]["ok"]), ("done", 8, 8))
        self.assertEqual([r["state"] for r in d.json("runs", "list")["runs"] if r["kind"] == "scan"], ["done"])
        self.assertEqual({len(d.history(code(n))) for n in range(8)}, {1}, "nobody was judged twice")

    def test_detach_and_follow(self):
        bed = self.bed()
        d = Outlets(self, bed).start()
        bed.pause()
        said = json.loads(d.ctl("--json", "outlets", "scan", "--mode", "d-drive", "--detach").stdout)
        follower = subprocess.Popen([str(BIN / "bkmonctl"), "--socket", str(d.socket), "--json", "runs", "follow", said["run"]], stdout=subprocess.PIPE, text=True)
        self.addCleanup(follower.kill)
        time.sleep(0.3)
        self.assertIsNone(follower.poll())
        bed.resume()
        out = follower.communicate(timeout=60)[0]
        self.assertEqual(follower.returncode, 0, out)
        self.assertIn('"done"', out)
        self.assertEqual({t["status"] for t in d.verdicts().values()}, {"ok"})

    def test_interrupting_the_command_detaches(self):
        bed = self.bed()
        d = Outlets(self, bed).start()
        bed.pause()
        asking = subprocess.Popen([str(BIN / "bkmonctl"), "--socket", str(d.socket), "outlets", "scan", "--mode", "d-drive"], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True)
        self.addCleanup(asking.kill)
        (run,) = self.until("it runs", lambda: [r for r in d.json("runs", "list")["runs"] if r["state"] == "running"])
        time.sleep(0.3)
        asking.send_signal(signal.SIGINT)
        self.assertIn(run["id"], asking.communicate(timeout=20)[0])
        self.assertEqual(d.json("runs", "show", run["id"])["runs"][0]["state"], "running")
        bed.resume()
        self.until("it ends", lambda: d.json("runs", "show", run["id"])["runs"][0]["state"] == "done", 60)
        self.assertEqual({t["status"] for t in d.verdicts().values()}, {"ok"})

    def test_cancel_keeps_what_was_recorded(self):
        bed, silent = self.bed(), SmbBed(self, 4, net="127.2")
        silent = SmbBed(self, 4, net="127.2", port=bed.port).start()
        d = Outlets(self, bed)
        d.set(d.everything() + [(f"T{s.number}", s.address) for s in silent.servers])
        d.start()
        silent.pause()
        client, first = d.begin()
        while first["scan"]["done"] < 8:
            first = client.receive()[0]
        d.ctl("--yes", "runs", "cancel", first["scan"]["run"])
        last = d.end(client)
        silent.resume()
        self.assertEqual((last["state"], last["done"], last["total"]), ("cancelled", 8, 12))
        got = d.verdicts()
        self.assertEqual({got[target(code(n))]["status"] for n in range(8)}, {"ok"})
        self.assertEqual({len(d.history(f"T{n}")) for n in range(4)}, {0})
        self.until("no worker is left with a server that does not answer", lambda: len(d.workers()) <= 8, 15)
        self.assertEqual(d.scan()["counts"]["ok"], 8)

    def test_paused_outlets(self):
        bed = self.bed(4)
        bed.outlet(1).remove_share("d$")
        d = Outlets(self, bed).start()
        d.scan()
        d.ctl("pause", target(code(1)), "--reason", "closed for works")
        self.assertEqual(d.verdict(code(1))["status"], "paused")
        d.scan()
        self.assertEqual(d.verdict(code(1))["status"], "paused")
        self.assertEqual(d.ctl("check", "--kind", "outlet", check=False).returncode, 0)
        bed.put(1, "d$", FOLDER, "again.bak", 5000)
        d.ctl("resume", target(code(1)))
        d.scan(outlets=[code(1)])
        self.assertEqual(d.verdict(code(1))["status"], "ok")

    def test_on_schedule(self):
        bed = self.bed(3)
        d = Outlets(self, bed, [{"schedule": f'"@every 1h from {utc(4)}"'}]).start()
        self.until("it was looked", lambda: {t["status"] for t in d.verdicts().values()} == {"ok"}, 30)
        (schedule,) = [s for s in d.json("schedule", "list")["schedules"] if "d-drive" in s["what"] + s["id"]]
        self.assertTrue(schedule["next_at"])

    def test_the_report_as_people_know_it(self):
        bed = self.bed(4, also=["mangled names = no"])
        bed.outlet(1).remove_share("d$")
        bed.put(2, "d$", FOLDER, 'a "quoted", name.bak', 2_630_667_469, age=60 * 30)
        d = Outlets(self, bed)
        d.set([(code(n), bed.outlet(n).address) for n in range(3)] + [("GONE", "127.8.8.8")])
        d.start()
        d.scan()
        out = d.ctl("report", "--kind", "outlet", "--mode", "d-drive", "--csv").stdout
        rows = list(csv.DictReader(io.StringIO(out)))
        self.assertEqual(out.splitlines()[0], "OutletServer,ScanDate,Status,LastBackupTaken,BackupFile,BackupFileSize,Duration,ErrorDetails,DriveLetter,Address,Name,ReasonCode")
        by = {r["OutletServer"]: r for r in rows}
        self.assertEqual(set(by), {"S0000", "S0001", "S0002", "GONE"})
        good, bad = by["S0002"], by["S0001"]
        self.assertEqual((good["ScanDate"], good["Status"], good["BackupFile"], good["BackupFileSize"], good["DriveLetter"], good["Address"], good["ErrorDetails"]),
                         (day(), "ok", 'a "quoted", name.bak', "2630667469", "D:", bed.outlet(2).address, ""))
        self.assertEqual((bad["Status"], bad["ReasonCode"], bad["BackupFile"]), ("missing", "no_share", ""))
        self.assertTrue(bad["ErrorDetails"])
        self.assertEqual(by["GONE"]["ReasonCode"], "refused")
        legacy = d.ctl("report", "--kind", "outlet", "--mode", "d-drive", "--csv", "--legacy").stdout
        self.assertEqual(legacy.splitlines()[0], "OutletServer,ScanDate,Status,LastBackupTaken,BackupFile,BackupFileSize,Duration,ErrorDetails,DriveLetter")
        by = {r["OutletServer"]: r for r in csv.DictReader(io.StringIO(legacy))}
        self.assertEqual((by["S0002"]["Status"], by["S0002"]["BackupFileSize"], by["S0001"]["Status"]), ("Successful", "2.45 GB", "Error"))
        page = d.home / "page.html"
        d.ctl("report", "--kind", "outlet", "--html", str(page))
        text = page.read_text()
        self.assertIn("S0001", text)
        self.assertNotRegex(text, r"(?:src|href)\s*=\s*[\"']?(?:https?:)?//")
        (today,) = d.json("summary", "--kind", "outlet", "--mode", "d-drive", "--days", "1")["days"]
        self.assertEqual((today["ok"], today["bad"], today["total"]), (2, 2, 4))

    def test_a_verdict_that_stays_is_written_once_a_day(self):
        bed = self.bed(3)
        d = Outlets(self, bed).start()
        for _ in range(3):
            d.scan()
        self.assertEqual({len(d.history(code(n))) for n in range(3)}, {1})
        self.assertEqual(len(d.json("report", "--kind", "outlet")["rows"]), 3)
        first = d.verdict(code(0))["since"]
        bed.put(0, "d$", FOLDER, "newer.bak", 5000, age=60)
        d.scan()
        self.assertEqual((d.verdict(code(0))["file"], d.verdict(code(0))["since"], len(d.history(code(0)))), ("newer.bak", first, 2))


if __name__ == "__main__":
    main()

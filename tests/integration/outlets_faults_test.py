"""Deaths in the middle of a scan, of bkmond, of its workers, of the servers: what was recorded stays, nothing is recorded twice, the next scan is right."""
import os
import pathlib
import shutil
import signal
import sqlite3
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from harness import BIN, SANITIZED, Case, main  # noqa: E402
from outlets import FOLDER, Outlets, code, command_of  # noqa: E402
from smb_bed import SmbBed  # noqa: E402

HOUR = 3600


SERVERS = 200  # told of many at a time: there must be some left at each of three deaths


class Faults(Case):
    def bed(self, servers=60):
        bed = SmbBed(self, servers)
        for server in bed.servers:
            server.put("d$", FOLDER, f"of_{server.address}.bak", 5000 + server.number, age=HOUR)
        return bed.start()

    def right(self, d, bed, servers=None):
        got = d.verdicts()
        wrong = [f"{t['id']}: {t['status']} {t['file']} {t['reason']}" for t in got.values() if t["status"] != "ok"]
        self.assertFalse(wrong)
        self.assertEqual({t["id"].lower(): t["file"] for t in got.values()},
                         {f"outlet/{code(s.number).lower()}/d-drive": f"of_{s.address}.bak" for s in (servers or bed.servers)})

    def rows(self, d):
        """What the history holds: each verdict as (id, target, status, file, run)."""
        with sqlite3.connect(f"file:{d.state}/history.db?mode=ro", uri=True) as db:
            rows = db.execute("SELECT v.id, t.name, v.status, v.file, v.run FROM verdict v JOIN target t ON t.id = v.target WHERE t.name LIKE 'outlet/%' ORDER BY v.id").fetchall()
        db.close()
        return rows

    def after(self, d, done, **filters):
        """A scan of which so many outlets are done with."""
        client, reply = d.begin(**filters)
        while reply["scan"]["done"] < done and not reply["final"]:
            reply = client.receive()[0]
        return client, reply

    def test_bkmond_dies_in_a_scan(self):
        bed = self.bed(SERVERS)
        d = Outlets(self, bed, workers=1).start()  # slow enough to be caught amid its work on any machine
        recorded = {}
        for done in (1, 60, 120):
            client, reply = self.after(d, done)
            self.assertFalse(reply["final"], "it was over already")
            acknowledged = reply["scan"]["done"]
            workers = d.workers()
            d.kill()
            self.until("its workers went with it", lambda: not [w for w in workers if command_of(w).endswith("bkmon-smb-worker")])
            rows = self.rows(d)
            self.assertGreaterEqual(len({r[1] for r in rows}), acknowledged, "what was told as done is recorded")
            self.assertEqual(rows[:len(recorded)], list(recorded.values()), "what was recorded before stays as it was")
            self.assertEqual(len(rows), len({r[1] for r in rows}), "nothing is recorded twice")
            recorded = {r[0]: r for r in rows}
            d.start()
            run = [r for r in d.json("runs", "list")["runs"] if r["id"] == reply["scan"]["run"]]
            self.assertEqual([r["state"] for r in run], ["interrupted"])
        self.assertEqual(d.scan()["counts"]["ok"], SERVERS)
        self.right(d, bed)
        rows = self.rows(d)
        self.assertEqual(rows[:len(recorded)], list(recorded.values()))
        self.assertEqual(len(rows), SERVERS)

    def test_workers_die_in_a_scan(self):
        bed = self.bed()
        d = Outlets(self, bed, workers=6).start()
        killed, over = set(), threading.Event()

        def kill():
            known = []
            while not over.wait(0.15):
                at_work = [pid for pid in d.workers() if pid in known]  # not one that has hardly been started: that would be another trouble
                if at_work and len(killed) < 10:
                    os.kill(at_work[0], signal.SIGKILL)
                    killed.add(at_work[0])
                known = d.workers()
        thread = threading.Thread(target=kill)
        thread.start()
        try:
            scan = d.scan()
        finally:
            over.set()
            thread.join()
        self.assertGreaterEqual(len(killed), 2)
        got = d.verdicts()
        lost = [t for t in got.values() if t["status"] != "ok"]
        self.assertEqual({t["reason_code"] for t in lost} - {"worker_crashed"}, set())
        self.assertLessEqual(len(lost), len(killed) // 2, "one that dies costs one server one try")
        self.assertGreater(scan["retried"], 0)
        self.assertEqual(d.scan()["counts"]["ok"], 60)
        self.right(d, bed)
        self.assertEqual(len(self.rows(d)), 60 + len(lost))

    def test_what_makes_workers_dies_in_a_scan(self):
        if SANITIZED:
            self.skipTest("a sanitized worker does not fork")
        bed = self.bed()
        d = Outlets(self, bed, workers=6, more="  deadline: 20s").start()
        client, reply = self.after(d, 5)
        first = self.until("a nursery", d.nurseries)
        at_work = d.workers()
        for pid in first:
            os.kill(pid, signal.SIGKILL)
        self.until("it is buried", lambda: not set(first) & set(d.nurseries()))
        # One of those at work goes too: the next has to be born elsewhere.
        for pid in at_work[:1]:
            os.kill(pid, signal.SIGSEGV)
        last = d.end(client, reply)
        self.assertEqual((last["state"], last["done"]), ("done", 60))
        self.assertEqual(d.scan()["counts"]["ok"], 60)
        self.right(d, bed)
        self.assertFalse(set(first) & set(d.nurseries()))
        self.until("nobody is left when there is nothing to do", lambda: not d.nurseries() and not d.workers(), 30)

    def test_workers_that_do_not_start_are_a_fault_of_bkmon_and_of_no_server(self):
        bed = self.bed(10)
        d = Outlets(self, bed, workers=6)
        d.program = self.installed_with_a_worker(d, "#!/bin/sh\necho 'the library is not there' >&2\nexit 1\n")
        d.start()
        d.scan()
        self.assertEqual({(t["status"], t["reason_code"]) for t in d.verdicts().values()}, {("unreachable", "scan_fault")})
        shown = d.ctl("explain", "bkmon/outlets").stdout
        self.assertRegex(shown, r"(?s)failed \(CRITICAL\).*d-drive: bkmon itself could not look at 10 of 10 outlets: the worker cannot be started.*the library is not there")
        self.assertEqual(d.ctl("check", check=False).returncode, 2)
        shutil.copy(BIN / "bkmon-smb-worker", d.program.parent / "bkmon-smb-worker.new")
        (d.program.parent / "bkmon-smb-worker.new").rename(d.program.parent / "bkmon-smb-worker")
        self.until("workers are tried again", lambda: d.scan()["counts"]["ok"] == 10, 60)
        self.right(d, bed)
        self.assertEqual(next(t for t in d.json("status", "--kind", "bkmon")["targets"] if t["id"] == "bkmon/outlets")["status"], "ok")

    def installed_with_a_worker(self, d, script):
        """bkmond in a folder of its own beside it."""
        folder = d.home / "bin"
        folder.mkdir()
        for name in ("bkmond", "bkmon-inspect"):
            shutil.copy(BIN / name, folder)
        (folder / "bkmon-smb-worker").write_text(script)
        (folder / "bkmon-smb-worker").chmod(0o755)
        return folder / "bkmond"

    def test_servers_die_and_come_back_in_a_scan(self):
        bed = self.bed()
        d = Outlets(self, bed, workers=6).start()
        client, reply = self.after(d, 5)
        bed.cut()  # those that are spoken to at the moment
        time.sleep(0.1)
        bed.kill()
        time.sleep(0.3)
        bed.start()
        last = d.end(client, reply)
        self.assertEqual((last["state"], last["done"]), ("done", 60))
        rows = self.rows(d)
        got = d.verdicts()
        for t in got.values():
            self.assertIn((t["status"], t["reason_code"]), [("ok", "fresh"), ("unreachable", "refused"), ("unreachable", "reset"), ("unreachable", "timeout")], t)
        self.assertEqual(d.scan()["counts"]["ok"], 60)
        self.right(d, bed)
        again = self.rows(d)
        self.assertEqual(again[:len(rows)], rows)
        self.assertEqual(len(again) - len(rows), sum(1 for t in got.values() if t["status"] != "ok"), "those that are well now, and no other")

    def test_stopping_bkmond_in_a_scan(self):
        bed = self.bed()
        d = Outlets(self, bed, workers=4).start()
        client, reply = self.after(d, 10)
        workers = d.workers()
        self.assertEqual(d.stop(), 0)
        self.assertFalse([w for w in workers if command_of(w).endswith("bkmon-smb-worker")])
        rows = self.rows(d)
        d.start()
        self.assertEqual([r["state"] for r in d.json("runs", "list")["runs"] if r["id"] == reply["scan"]["run"]], ["interrupted"])
        self.assertEqual(d.scan(pending=True)["total"], 60 - len(rows))
        self.right(d, bed)
        self.assertEqual(len(self.rows(d)), 60)

    def test_a_worker_that_is_stopped_is_given_up(self):
        bed = self.bed(8)
        d = Outlets(self, bed, workers=2, more="  request_timeout: 1s\n  deadline: 2s").start()
        bed.pause()
        client, reply = d.begin()
        stopped = self.until("workers", d.workers)[0]
        os.kill(stopped, signal.SIGSTOP)
        bed.resume()
        last = d.end(client, reply)
        self.assertEqual((last["state"], last["done"]), ("done", 8))
        self.until("it is gone", lambda: not command_of(stopped).endswith("bkmon-smb-worker"))
        self.assertEqual(d.scan()["counts"]["ok"], 8)
        self.right(d, bed)


if __name__ == "__main__":
    main()

"""Outlets that come and go while bkmond runs: the section, its modes, its workers, its password."""
import pathlib
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from harness import Case, main  # noqa: E402
from outlets import FOLDER, Outlets, code, target, write_csv  # noqa: E402
from smb_bed import PASSWORD, SmbBed  # noqa: E402


class Reloads(Case):
    def bed(self, servers=3):
        bed = SmbBed(self, servers)
        for server in bed.servers:
            server.put("d$", FOLDER, f"of_{server.address}.bak", 5000, age=3600)
        return bed.start()

    def own(self, d, name):
        found = [t for t in d.json("status", "--kind", "bkmon")["targets"] if t["id"] == f"bkmon/{name}"]
        return found[0] if found else None

    def threads(self, d):
        return {(task / "comm").read_text().strip() for task in pathlib.Path(f"/proc/{d.process.pid}/task").iterdir()}

    def reload(self, d):
        d.ctl("reload")

    def test_the_section_comes_and_goes(self):
        bed = self.bed()
        d = Outlets(self, bed)
        whole = d.config.read_text()
        d.configure(whole[:whole.index("outlets:")])
        d.start()
        self.assertFalse({"outlets", "names"} & self.threads(d), "whoever has no outlets pays for none")
        self.assertIsNone(self.own(d, "inventory"))
        d.configure(whole)
        self.reload(d)
        self.assertEqual(len(d.verdicts()), 3)
        self.assertEqual(d.scan()["counts"]["ok"], 3)
        self.assertEqual((self.own(d, "inventory")["status"], self.own(d, "outlets")["status"]), ("ok", "ok"))
        d.configure(whole[:whole.index("outlets:")])
        self.reload(d)
        self.assertEqual(d.verdicts(), {})
        self.assertIsNone(self.own(d, "inventory"))
        d.configure(whole)
        self.reload(d)
        self.assertEqual(d.verdict(code(0))["status"], "ok", "what was known is known again")
        self.assertEqual(d.scan()["counts"]["ok"], 3)

    def test_a_reload_reads_the_inventory_though_nothing_else_changed(self):
        bed = self.bed()
        d = Outlets(self, bed)
        d.set([(code(0), bed.outlet(0).address)])
        d.start()
        self.assertEqual(len(d.verdicts()), 1)
        write_csv(d, d.everything())
        self.reload(d)
        self.assertEqual(len(d.verdicts()), 3)

    def test_a_removed_section_ends_its_scan(self):
        bed = self.bed()
        silent = socket.create_server(("127.77.0.1", bed.port))  # takes connections and says nothing
        self.addCleanup(silent.close)
        d = Outlets(self, bed)
        d.set([*d.everything(), (code(9), "127.77.0.1")])
        whole = d.config.read_text()
        d.start()
        client, first = d.begin()
        self.assertTrue(self.ended(lambda: sum(v["status"] == "ok" for v in d.verdicts().values()) == 3))
        d.configure(whole[:whole.index("outlets:")])
        self.reload(d)
        self.assertEqual(d.json("runs", "list")["runs"][0]["state"], "interrupted")
        self.assertTrue(self.ended(lambda: not d.workers()), "nobody looks any more")
        d.configure(whole)
        self.reload(d)
        self.assertEqual(sorted(v["status"] for v in d.verdicts().values()).count("ok"), 3, "what was recorded stays")

    def ended(self, condition, patience=15):
        end = time.monotonic() + patience
        while time.monotonic() < end and not condition():
            time.sleep(0.1)
        return condition()

    def test_a_password_is_read_for_each_scan(self):
        bed = self.bed()
        d = Outlets(self, bed)
        secret = d.home / "smb.password"
        d.start()
        secret.write_text("wrong\n")
        self.assertEqual(d.scan()["counts"]["unreachable"], 3)
        secret.write_text(PASSWORD + "\n")
        self.assertEqual(d.scan()["counts"]["ok"], 3)
        secret.chmod(0o644)
        client, first = d.begin()
        last = d.end(client, first)
        self.assertEqual(last["state"], "failed")
        self.assertIn("may be read by everybody", last["error"])
        self.assertTrue(self.ended(lambda: self.own(d, "outlets")["status"] == "failed"))
        self.assertNotIn(PASSWORD, d.text())
        secret.chmod(0o600)
        self.assertEqual(d.scan()["counts"]["ok"], 3)
        self.assertTrue(self.ended(lambda: self.own(d, "outlets")["status"] == "ok"))

    def test_another_mode(self):
        bed = self.bed()
        d = Outlets(self, bed)
        d.start()
        d.scan()
        d.set(d.everything(), modes=[{"port": bed.port, "name": "second"}], workers=1)
        self.reload(d)
        self.assertEqual(set(d.verdicts()), {target(code(n), "second") for n in range(3)})
        self.assertEqual(d.scan(mode="second")["counts"]["ok"], 3)


if __name__ == "__main__":
    main()

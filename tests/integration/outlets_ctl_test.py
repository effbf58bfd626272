"""`bkmonctl outlets` as people use it: on a terminal, in a script, by who may see only some outlets."""
import csv
import io
import json
import os
import pathlib
import pty
import re
import select
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from harness import BIN, SLOWER, Case, main  # noqa: E402
from outlets import FOLDER, Outlets, code, day, target  # noqa: E402
from peers import LIMITED, identity  # noqa: E402
from smb_bed import SmbBed  # noqa: E402

HOUR = 3600
SLOW = "  request_timeout: 20s\n  deadline: 40s"
MODES = ({}, {"name": "ibstorage", "shares": '["e$", "f$"]'})


class Screen:
    """A command on a terminal of 100 columns."""

    def __init__(self, case, *command):
        self.case, self.text = case, ""
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(["/bin/sh", "-c", 'stty cols 100 rows 40; exec "$@"', "sh", *map(str, command)], stdin=slave, stdout=slave, stderr=slave,
                                        start_new_session=True, preexec_fn=self.take_terminal, env={**os.environ, "TERM": "xterm", "BKMON_PAGER": "cat", "LC_ALL": "C.UTF-8"})
        os.close(slave)
        case.addCleanup(self.end)

    @staticmethod
    def take_terminal():
        import fcntl
        import termios
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def read(self, until, seconds=20):
        """Until `until` is on the screen, or the command ended."""
        end = time.monotonic() + seconds * SLOWER
        while until is None or not re.search(until, self.text):
            if time.monotonic() > end:
                self.case.fail(f"no {until!r} on the screen:\n{self.text}")
            if not select.select([self.master], [], [], 0.2)[0]:
                continue
            try:
                chunk = os.read(self.master, 65536)
            except OSError:  # the other side is closed
                chunk = b""
            if not chunk:
                if until is not None:
                    self.case.fail(f"it ended without {until!r}:\n{self.text}")
                return self.text
            self.text += chunk.decode(errors="replace")
        return self.text

    def press(self, keys):
        os.write(self.master, keys)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)


class OutletsCtl(Case):
    def bed(self, servers=6):
        bed = SmbBed(self, servers)
        for server in bed.servers:
            server.put("d$", FOLDER, f"of_{server.address}.bak", 5000 + server.number, age=HOUR)
            server.put("f$", FOLDER, f"usb_{server.address}.bak", 6000 + server.number, age=HOUR)
        bed.outlet(1).remove_share("d$")
        return bed.start()

    def screen(self, d, *words):
        return Screen(self, BIN / "bkmonctl", "--socket", d.socket, *words)

    def test_on_a_terminal_a_bar_then_the_worst_first(self):
        bed = self.bed()
        d = Outlets(self, bed, more=SLOW).start()
        bed.pause()
        first = self.screen(d, "outlets", "scan", "--mode", "d-drive")
        first.read(r"\[[#.]+\] +\d+ %  \d/6")
        first.press(b"\x03")
        first.read(None)
        self.assertEqual(first.process.wait(20), 1)
        run = re.search(r"follow it again: bkmonctl outlets follow (\S+)", first.text)[1]
        again = self.screen(d, "outlets", "scan", "--mode", "d-drive")
        again.read("a scan of this mode is under way: this goes along with it")
        follower = self.screen(d, "outlets", "follow", run)
        follower.read(r"\d/6")
        bed.resume()
        for screen in (again, follower):
            text = screen.read(None, 60)
            self.assertEqual(screen.process.wait(20), 0, text)
            self.assertRegex(text, rf"d-drive\S* on {day()}: 6 outlets in ")
            self.assertRegex(text, r"found +5 ok, 1 missing")
            worst = text[text.index("worst first"):]
            self.assertRegex(worst, f"missing.*outlet/{code(1)}/d-drive")
        self.assertEqual(d.json("runs", "show", run)["runs"][0]["state"], "done")

    def test_in_a_script(self):
        bed = self.bed()
        d = Outlets(self, bed, MODES).start()
        done = d.ctl("--json", "outlets", "scan")
        scans = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([(s["mode"], s["total"], s["state"]) for s in scans], [("d-drive", 6, "done"), ("ibstorage", 6, "done")])
        self.assertEqual((scans[0]["counts"]["ok"], scans[0]["counts"]["missing"], scans[1]["counts"]["ok"]), (5, 1, 6))
        self.assertTrue({"run", "mode", "date", "total", "counts", "duration"} <= set(scans[0]))
        self.assertTrue(all("run" in json.loads(line) for line in done.stderr.splitlines()))
        row, = csv.DictReader(io.StringIO(d.ctl("outlets", "scan", "--mode", "d-drive", "--problems", "--csv").stdout, newline=""))
        self.assertEqual((row["mode"], row["total"], row["missing"], row["ok"], row["date"]), ("d-drive", "1", "1", "0", day()))
        self.assertEqual(d.ctl("outlets", "scan", "--pending").stdout, f"d-drive on {day()}: nothing to look at\nibstorage on {day()}: nothing to look at\n")
        modes = d.json("outlets", "modes")["modes"]
        self.assertEqual([(m["name"], m["targets"], m["scanning"], m["max_age"]) for m in modes], [("d-drive", 6, None, 93600.0), ("ibstorage", 6, None, 93600.0)])
        by = {o["code"]: o for o in d.json("outlets", "list")["outlets"]}
        self.assertEqual(set(by), {code(n) for n in range(6)})
        self.assertEqual([(m["mode"], m["status"], m["drive"]) for m in by[code(2)]["modes"]], [("d-drive", "ok", "D:"), ("ibstorage", "ok", "F:")])
        self.assertEqual(by[code(1)]["modes"][0]["reason_code"], "no_share")
        table = d.ctl("outlets", "list", "S000[12]").stdout
        self.assertRegex(table, r"S0001 +\S+ +missing\b.*ok F:")
        self.assertRegex(table, r"2 outlets; the inventory has 6 and 0 that are not active, from .*outlets\.csv, read ")
        rows = list(csv.DictReader(io.StringIO(d.ctl("outlets", "list", "--csv").stdout, newline="")))
        self.assertEqual(len(rows), 12)

    def test_completion_knows_outlets_and_modes(self):
        bed = self.bed(3)
        d = Outlets(self, bed, MODES).start()

        def words(shell, *line):
            line = ("bkmonctl", "--socket", str(d.socket), *line)
            command = [BIN / "bkmonctl", "__complete", shell, str(len(line) - 1), *line]
            return subprocess.run(command, capture_output=True, text=True, timeout=20).stdout.split()

        self.assertEqual(words("bash", "outlets", "list", "S00"), [code(n) for n in range(3)])
        self.assertEqual(words("bash", "outlets", "scan", "--outlet", "s0001"), [])  # shells complete what was written
        self.assertEqual(words("fish", "outlets", "scan", "--mode", ""), ["d-drive", "ibstorage"])

    def test_who_may_see_some_outlets_sees_those(self):
        if os.geteuid() != 0:
            self.skipTest("needs root: connects as other users")
        bed = self.bed()
        d = Outlets(self, bed, more=SLOW)
        d.home.chmod(0o755)
        roles = f'[{{user: root, role: admin}}, {{user: "{LIMITED}", role: operator, targets: ["outlet/S000[01]/*"]}}]'
        d.configure((d.home / "bkmon.yaml").read_text().replace(f"control: {{socket: {d.socket}}}", f"control: {{socket: {d.socket}, roles: {roles}}}"))
        d.start()

        def theirs(*words):
            return subprocess.run([*identity(LIMITED), BIN / "bkmonctl", "--socket", d.socket, *words], capture_output=True, text=True, timeout=60 * SLOWER, cwd="/")

        listed = json.loads(theirs("--json", "outlets", "list").stdout)
        self.assertEqual([o["code"] for o in listed["outlets"]], [code(0), code(1)])
        self.assertEqual((listed["inventory"]["active"], listed["inventory"]["bad"]), (2, []))
        self.assertEqual(theirs("outlets", "list", code(2)).returncode, 4)
        self.assertEqual(theirs("outlets", "scan", "--mode", "d-drive", "--outlet", code(2)).returncode, 4)
        self.assertEqual(theirs("outlets", "import", "/dev/null").returncode, 5)
        own = json.loads(theirs("--json", "outlets", "scan", "--mode", "d-drive").stdout)
        self.assertEqual((own["total"], own["counts"]["ok"], own["counts"]["missing"]), (2, 1, 1))
        self.assertEqual({n for n, t in d.verdicts().items() if t["status"] == "unknown"}, {target(code(n)) for n in range(2, 6)})
        # A scan of all that others began: they hear of theirs alone.
        bed.pause()
        begun = json.loads(d.ctl("--json", "outlets", "scan", "--mode", "d-drive", "--detach").stdout)
        joined = json.loads(theirs("--json", "outlets", "scan", "--mode", "d-drive", "--detach").stdout)
        self.assertEqual((joined["joined"], joined["run"], joined["total"]), (True, begun["run"], 2))
        bed.resume()
        heard = theirs("--json", "outlets", "follow", begun["run"])
        self.assertEqual((json.loads(heard.stdout)["total"], json.loads(heard.stdout)["counts"]["ok"]), (2, 1))
        self.assertNotRegex(heard.stdout + heard.stderr, "S000[2-5]")
        # What they began themselves they may end, and nothing else.
        bed.pause()
        others = json.loads(d.ctl("--json", "outlets", "scan", "--mode", "d-drive", "--outlet", code(2), "--detach").stdout)
        own = json.loads(theirs("--json", "outlets", "scan", "--mode", "d-drive", "--detach").stdout)
        self.assertEqual(theirs("runs", "cancel", others["run"]).returncode, 4)
        self.assertEqual(theirs("runs", "cancel", own["run"]).returncode, 0)
        bed.resume()
        self.until("it is cancelled", lambda: json.loads(theirs("--json", "runs", "show", own["run"]).stdout)["runs"][0]["state"] == "cancelled")


if __name__ == "__main__":
    main()

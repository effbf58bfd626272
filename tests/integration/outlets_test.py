"""What bkmond says of servers that it looks at over SMB: real ones, each with files of its own."""
import pathlib
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from harness import Case, main  # noqa: E402
from outlets import FOLDER, Outlets, code, target  # noqa: E402
from smb_bed import BlackHoles, SmbBed  # noqa: E402

HOUR, DAY = 3600, 86400
ALL = ["e$", "f$", "g$", "h$", "i$"]
USB = {"name": "ibstorage", "shares": '["' + '", "'.join(ALL) + '"]'}


def healthy(server, share="d$"):
    """A week of backups, and what is none: the newest name is not the newest file, and neither are the newest files of other kinds."""
    for days in range(1, 7):
        server.put(share, FOLDER, f"z_old_{days}.bak", 3_000_000_000 + days, age=days * DAY)
    server.put(share, FOLDER, f"of_{server.address}.BaK", 5_000_000_000 + server.number, age=HOUR)
    server.put(share, FOLDER, "later.txt", 5000, age=60)
    server.put(share, FOLDER, "later_but_small.bak", 1023, age=60)
    server.put(share, "Elsewhere", "elsewhere.bak", 5000, age=60)
    return "ok", "fresh", f"of_{server.address}.BaK"


def no_share(server):
    server.add_share("e$")
    return "missing", "no_share", None


def no_folder(server):
    server.put("d$", "Other", "x.bak", 5000)
    return "missing", "no_folder", None


def folder_is_a_file(server):
    server.add_share("d$")
    (server.share("d$") / FOLDER).write_text("x" * 5000)
    return "missing", "no_folder", None


def empty_folder(server):
    (server.share("d$") / FOLDER).mkdir(parents=True)
    return "missing", "empty_folder", None


def nothing_fits(server):
    server.put("d$", FOLDER, "notes.txt", 5000)
    server.put("d$", FOLDER, "x.bak.tmp", 5000)
    (server.share("d$") / FOLDER / "folder.bak").mkdir()
    return "missing", "no_file", None


def too_small(server):
    server.put("d$", FOLDER, "small.bak", 1023)
    return "missing", "too_small", None


def too_old(server):
    server.put("d$", FOLDER, f"old_{server.address}.bak", 5000, age=30 * HOUR)
    return "missing", "too_old", f"old_{server.address}.bak"


def future(server):
    server.put("d$", FOLDER, f"tomorrow_{server.address}.bak", 5000, age=-DAY)
    return "held", "future", f"tomorrow_{server.address}.bak"


def not_let_in(server):
    healthy(server)
    server.login(False)
    return "unreachable", "login_refused", None


STORIES = (no_share, no_folder, folder_is_a_file, empty_folder, nothing_fits, too_small, too_old, future)


class Looks(Case):
    def compare(self, wanted, got, mode="d-drive"):
        """wanted: {outlet: (status, reason code, file)}"""
        wrong = []
        for outlet, (status, reason, file) in wanted.items():
            t = got.get(target(outlet, mode), {"status": "not there", "reason_code": "", "reason": "", "file": None})
            if (t["status"], t["reason_code"], t["file"]) != (status, reason, file):
                wrong.append(f"{outlet}: {t['status']} {t['reason_code']} {t['file']} ({t['reason']}), not {status} {reason} {file}")
        self.assertFalse(wrong, f"{len(wrong)} of {len(wanted)}:\n" + "\n".join(wrong[:20]))

    def test_a_thousand_outlets(self):
        """Two places on each of a thousand addresses, 30 of which do not answer: every verdict and every name is that outlet's own."""
        bed = SmbBed(self, 970)
        wanted, usb = {}, {}
        for server in bed.servers:
            tell = healthy
            if server.number % 12 == 7 and server.number // 12 < 80:
                tell = STORIES[server.number // 12 % len(STORIES)]
            elif server.number % 150 == 100:
                tell = not_let_in
            wanted[code(server.number)] = tell(server)
            if server.number % 10 == 0 and tell is healthy:
                letter = ALL[server.number // 10 % len(ALL)]
                server.put(letter, FOLDER, f"usb_{server.address}.bak", 7_000_000_000 + server.number, age=2 * HOUR)
                for other in ALL[:server.number // 20 % 3]:
                    server.add_share(other)  # a drive that is not the one
                usb[code(server.number)] = ("ok", "fresh", f"usb_{server.address}.bak")
            elif server.number % 10 == 1:
                usb[code(server.number)] = ("missing", "no_drive", None)
                server.remove_share("e$")
        bed.start()
        holes = [(f"HOLE{n}", f"127.8.0.{n}") for n in range(1, 16)]
        nobody = [(f"NOBODY{n}", f"127.8.1.{n}") for n in range(1, 16)]
        BlackHoles(self, [address for _, address in holes], bed.port)
        wanted.update({name: ("unreachable", "timeout", None) for name, _ in holes})
        wanted.update({name: ("unreachable", "refused", None) for name, _ in nobody})
        d = Outlets(self, bed, [{}, USB], workers=16)
        d.set(d.everything() + holes + nobody, workers=16)
        d.start()
        began = time.monotonic()
        scan = d.scan()
        took = time.monotonic() - began
        self.compare(wanted, d.verdicts())
        counts = {s: sum(1 for w in wanted.values() if w[0] == s) for s in ("ok", "missing", "held", "unreachable")}
        self.assertEqual({s: scan["counts"][s] for s in counts}, counts)
        self.assertEqual((scan["done"], scan["total"], scan["in_future"], scan["growing"]), (1000, 1000, 10, 0))
        sizes = d.verdicts()
        self.assertEqual({sizes[target(code(s.number))]["size_bytes"] for s in bed.servers if wanted[code(s.number)][0] == "ok"},
                         {5_000_000_000 + s.number for s in bed.servers if wanted[code(s.number)][0] == "ok"})
        looked = d.scan("ibstorage", outlets=list(usb))
        self.assertEqual(looked["total"], len(usb))
        self.compare(usb, d.verdicts(), "ibstorage")
        print(f"1000 outlets in {took:.1f} s, {len(usb)} on another drive in {looked['duration']:.1f} s")

    def test_the_letter_is_remembered_and_tried_first(self):
        bed = SmbBed(self, 10, connections=True)
        for server in bed.servers:
            for share in ALL:
                server.add_share(share)
            server.put(ALL[server.number % 5], FOLDER, f"usb_{server.number}.bak", 5000)
        bed.start()
        d = Outlets(self, bed, [USB]).start()
        wanted = {code(n): ("ok", "fresh", f"usb_{n}.bak") for n in range(10)}
        d.scan("ibstorage")
        self.compare(wanted, d.verdicts(), "ibstorage")
        self.assertEqual(bed.connects(), {s.address: s.number % 5 + 1 for s in bed.servers})
        for again in range(2):
            bed.forget_connects()
            d.scan("ibstorage")
            self.compare(wanted, d.verdicts(), "ibstorage")
            self.assertEqual(bed.connects(), {s.address: 1 for s in bed.servers}, "one share a server, the one that had it last time")
            if again == 0:
                d.kill()  # remembered also after this
                d.start()
        drives = {o["code"]: o["modes"][0]["drive"] for o in d.json("outlets", "list")["outlets"]}
        self.assertEqual(drives, {code(n): ALL[n % 5][0].upper() + ":" for n in range(10)})
        bed.outlet(4).remove_share("i$")  # plugged in elsewhere
        bed.outlet(4).put("f$", FOLDER, "moved.bak", 5000)
        bed.forget_connects()
        d.scan("ibstorage", outlets=[code(4)])
        self.compare({code(4): ("ok", "fresh", "moved.bak")}, d.verdicts(), "ibstorage")
        self.assertIn("F:", d.ctl("explain", target(code(4), "ibstorage")).stdout)
        bed.forget_connects()
        d.scan("ibstorage", outlets=[code(4)])
        self.assertEqual(bed.connects(), {bed.outlet(4).address: 1})

    def test_drives_that_are_not_there_and_folders_that_are_not(self):
        bed = SmbBed(self, 3)
        bed.outlet(0).add_share("e$").add_share("g$")
        bed.outlet(2).put("e$", "Other", "x.bak", 5000)
        bed.start()
        d = Outlets(self, bed, [USB]).start()
        d.scan("ibstorage")
        for n in range(3):
            t = d.verdict(code(n), "ibstorage")
            self.assertEqual((t["status"], t["reason_code"]), ("missing", "no_drive"), t)

    def test_a_growing_file_keeps_what_was_known(self):
        bed = SmbBed(self, 3)
        for server in bed.servers:
            healthy(server)
        bed.start()
        d = Outlets(self, bed).start()
        d.scan()
        before = d.verdict(code(0))
        path = bed.put(0, "d$", FOLDER, "tonight.bak", 10_000, age=0)
        bed.put(1, "d$", FOLDER, "finished.bak", 10_000, age=1)
        growing = threading.Event()

        def grow():
            while not growing.wait(0.3):
                with open(path, "ab") as out:
                    out.write(bytes(4096))
        thread = threading.Thread(target=grow)
        thread.start()
        try:
            scan = d.scan()
        finally:
            growing.set()
            thread.join()
        self.assertEqual(scan["growing"], 1)
        after = d.verdict(code(0))
        self.assertEqual((after["status"], after["file"], after["since"]), ("ok", before["file"], before["since"]))
        self.assertEqual(d.verdict(code(1))["file"], "finished.bak")
        bed.outlet(0).date(path, 60)
        d.scan()
        self.assertEqual((d.verdict(code(0))["file"], d.verdict(code(0))["size_bytes"]), ("tonight.bak", path.stat().st_size))

    def test_a_wrong_password_locks_nobody_out_and_is_one_incident(self):
        bed = SmbBed(self, 20, connections=True)
        for server in bed.servers:
            healthy(server)
        bed.start()
        d = Outlets(self, bed)
        (d.home / "smb.password").write_text("wrong\n")
        d.start()
        d.scan()
        refused = {n: d.verdict(code(n)) for n in range(20)}
        self.assertEqual({t["status"] for t in refused.values()}, {"unreachable"})
        self.assertEqual({t["reason_code"] for t in refused.values()}, {"login_refused"})
        self.assertEqual(bed.refused_logins(), 3)
        incidents = self.until("it is said", lambda: d.json("alerts", "list")["incidents"])
        self.assertEqual(len({i["cause"] for i in incidents}), 1, incidents)
        (d.home / "smb.password").write_text("Passw0rd!\n")  # read anew for each scan
        d.scan()
        self.assertEqual({t["status"] for t in d.verdicts().values()}, {"ok"})

    def test_each_account_trouble_has_its_reason(self):
        bed = SmbBed(self, 2)
        for server in bed.servers:
            healthy(server)
        bed.account("daemon", "other", "[D]")
        bed.start()
        d = Outlets(self, bed, [{}])
        (d.home / "other").write_text("other\n")
        (d.home / "other").chmod(0o600)
        d.modes = [{"port": bed.port, "credentials": f"{{user: daemon, password_file: {d.home}/other}}"}]
        d.set(d.everything())
        d.start()
        d.scan(outlets=[code(0)])
        t = d.verdict(code(0))
        self.assertEqual((t["status"], t["reason_code"]), ("unreachable", "password_expired"), t)

    def test_servers_that_fall_silent_cost_their_own_time_alone(self):
        bed = SmbBed(self, 6)
        other = SmbBed(self, 6, net="127.2", port=bed.port)
        for server in bed.servers + other.servers:
            healthy(server)
        bed.start()
        other.start()
        more = "  request_timeout: 2s\n  deadline: 8s"
        d = Outlets(self, bed, more=more)
        d.set(d.everything() + [(f"T{s.number}", s.address) for s in other.servers], more=more)
        d.start()
        other.pause()
        began = time.monotonic()
        d.scan()
        took = time.monotonic() - began
        other.resume()
        got = d.verdicts()
        self.compare({code(s.number): ("ok", "fresh", f"of_{s.address}.BaK") for s in bed.servers}, got)
        self.compare({f"T{s.number}": ("unreachable", "timeout", None) for s in other.servers}, got)
        self.assertLess(took, 40)
        d.scan()
        self.compare({f"T{s.number}": ("ok", "fresh", f"of_{s.address}.BaK") for s in other.servers}, d.verdicts())

    def test_names_are_text(self):
        """A server may call a file whatever it likes."""
        names = ["x'; DROP TABLE verdict; --.bak", "a\n2026 ok.bak", "\x1b[31mred.bak", "%s%n%{x}.bak", "<script>alert(1).bak", "=cmd()|' '.bak", "ñandú 東京.bak"]
        bed = SmbBed(self, len(names), also=["mangled names = no"])
        for server, name in zip(bed.servers, names):
            server.put("d$", FOLDER, name, 5000)
        bed.start()
        d = Outlets(self, bed).start()
        d.scan()
        got = d.verdicts()
        for n, name in enumerate(names):
            file = got[target(code(n))]["file"]
            self.assertEqual(got[target(code(n))]["status"], "ok", name)
            if name.isprintable():
                self.assertEqual(file, name)
            else:
                self.assertTrue(file.isprintable() and file.endswith(name[-7:]), file)
        for words in (["status"], ["explain", target(code(2))], ["report", "--csv"], ["history"]):
            self.assertNotIn("\x1b[31m", d.ctl(*words).stdout)
        self.assertEqual(len(d.json("report", "--kind", "outlet")["rows"]), len(names))


if __name__ == "__main__":
    main()

"""Servers of outlets that are hostile or broken, against the real daemon and its workers: each has its verdict, the others have theirs, and the loop stays free."""
import errno
import os
import pathlib
import random
import signal
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
import hostile_smb as smb  # noqa: E402
from harness import PROGRAMS, SLOWER, Case, main, seed, utc  # noqa: E402
from hostile_smb import CUT, FOLDER_ATTRIBUTE, REPARSE_ATTRIBUTE, SILENCE, Answer, File, HostileNet, error, listing  # noqa: E402
from mail_case import MovedClock  # noqa: E402
from mtf_files import write_mtf  # noqa: E402
from outlets import Outlets, command_of, target  # noqa: E402
from smtp_peer import SmtpPeer  # noqa: E402
from smtp_peer import missing as no_mail  # noqa: E402

HOUR, DAY = 3600, 86400
AGE = 12 * HOUR
BUSY = 0.05  # seconds of processor time that a turn of the loop may take
SHORT = "  connect_timeout: 1s\n  request_timeout: 1s\n  deadline: 3s"
HEALTHY = ("HEALTHY1", "HEALTHY2")
# A page without an entry, of which libsmbclient 4.17 dies.
DEADLY = Answer(0, struct.pack("<HHI", 9, 0x48, 0))


class Hostile(Case):
    def setUp(self):
        self.net = HostileNet(self)
        self.addresses = {}
        self.whole = write_mtf(self.folder() / "whole", started=utc(-AGE - 300), finished=utc(-AGE), zone=0, size=300_000).read_bytes()
        for i, name in enumerate(HEALTHY):
            self.peer(name, f"127.41.0.{i + 1}", files=[self.file("healthy.bak")])

    def file(self, name="night.bak", data=None, **more):
        """Of last night: too old to be one that is just being written."""
        return File(name, self.whole if data is None else data, **{"modified": time.time() - AGE, **more})

    def peer(self, outlet, address=None, **how):
        """A server that is well as long as nothing else is said of it, and its outlet."""
        self.addresses[outlet] = address or f"127.40.0.{len(self.addresses) + 1}"
        how.setdefault("files", [self.file()])
        return self.net.server(self.addresses[outlet], **how)

    def deaf(self, outlet):
        """One whose kernel drops whoever knocks."""
        self.addresses[outlet] = f"127.40.0.{len(self.addresses) + 1}"
        listener = socket.socket()
        listener.bind((self.addresses[outlet], self.net.port))
        listener.listen(0)
        knocking = [socket.socket() for _ in range(3)]
        for s in [listener, *knocking]:
            self.addCleanup(s.close)
        for s in knocking:
            s.setblocking(False)
            self.assertIn(s.connect_ex((self.addresses[outlet], self.net.port)), (0, errno.EINPROGRESS))

    def attacker(self):
        """Where nobody must ever go."""
        return self.net.server("127.66.6.6")

    def begin(self, mode=None, more=SHORT, workers=6, **options):
        self.d = Outlets(self, self.net, [mode or {}], list(self.addresses.items()), workers, more, **options)
        return self.d.start()

    def scan(self, **filters):
        """{outlet: verdict}; the healthy ones are, and bkmond has not even noticed."""
        d = self.d
        began = time.monotonic()
        summary = d.scan(**filters)
        self.took = time.monotonic() - began
        got = d.verdicts()
        for outlet in HEALTHY:
            self.assertEqual(got[target(outlet)]["status"], "ok", got[target(outlet)])
        self.unharmed()
        self.summary = summary
        return {outlet: got[target(outlet)] for outlet in self.addresses if outlet not in HEALTHY}

    def unharmed(self):
        d = self.d
        loop = d.client().call("io.bkmon.Daemon.Version")["loop"]
        self.assertLess(loop["longest_cpu"], BUSY * SLOWER, loop)
        self.assertIsNone(d.process.poll())
        zombies = [c for c in self.children() if self.state(c) == "Z"]
        self.assertFalse(zombies, "not reaped")

    def children(self):
        found = []
        for task in pathlib.Path(f"/proc/{self.d.process.pid}/task").iterdir():
            found += [int(c) for c in (task / "children").read_text().split()]
        return found

    @staticmethod
    def state(pid):
        try:
            return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            return ""

    def look(self, mode=None, more=SHORT, **expected):
        """Begins, scans once, and holds each verdict against (status, reason code). Gives the verdicts."""
        self.begin(mode, more)
        got = self.scan()
        self.assertEqual({o: (got[o]["status"], got[o]["reason_code"]) for o in expected}, expected, "\n".join(f"{o}: {t['reason']}" for o, t in got.items()))
        return got

    # The way to the server.

    def test_h01_packets_are_dropped(self):
        self.deaf("DEAF")
        self.look(DEAF=("unreachable", "timeout"))
        self.assertGreater(self.took, 2, "tried twice, a second each")
        self.assertLess(self.took, 8 * SLOWER)
        self.assertEqual(self.summary["retried"], 1)

    def test_h02_refused_at_once(self):
        self.addresses["NOBODY"] = "127.40.0.99"
        got = self.look(NOBODY=("unreachable", "refused"))
        self.assertLess(self.took, 3 * SLOWER)
        self.assertEqual(self.summary["retried"], 0)
        self.assertIn(str(self.net.port), got["NOBODY"]["reason"])

    def test_h03_taken_and_then_silence(self):
        silent = self.peer("SILENT").on("ACCEPT", SILENCE)
        later = self.peer("LATER").on("LIST", SILENCE)
        self.look(SILENT=("unreachable", "timeout"), LATER=("unreachable", "timeout"))
        self.assertLess(self.took, 15 * SLOWER)
        self.assertEqual(silent.tried, [])
        self.assertEqual(len(later.tried), 2, "one login each time, and one more time")

    def test_h04_a_byte_now_and_then(self):
        trickle = self.peer("TRICKLE")
        trickle.pace = 10
        # Each answer comes in time, and there is no end of them: the time for the whole decides.

        def slowly(session, request):
            time.sleep(0.6)
            return listing([File(f"{session.answers}_{i}.bak", b"x") for i in range(3)], request.body[2])
        patient = self.peer("PATIENT").on("LIST", slowly)
        got = self.look(TRICKLE=("unreachable", "timeout"), PATIENT=("unreachable", "timeout"))
        self.assertLess(self.took, 15 * SLOWER)
        self.assertRegex(got["PATIENT"]["reason"], "did not end within 3 s|had not ended after 3 s")
        self.assertLess(len(patient.stages("LIST")), 20)

    # What it speaks.

    def test_h05_smb1(self):
        # The answer of a server that knows nothing newer, and one that picks what is too old.
        smb1 = b"\xffSMB\x72" + bytes(4) + b"\x98\x01\x28" + bytes(20) + b"\x11\x05\x00\x03\x0a\x00" + bytes(30)
        old = self.peer("OLD").on("NEGOTIATE", len(smb1).to_bytes(4, "big") + smb1)
        weak = self.peer("WEAK")
        weak.dialect = 0x0202
        self.look(OLD=("unreachable", "protocol"), WEAK=("unreachable", "protocol"))
        for peer in (old, weak):
            self.assertEqual((peer.tried, peer.logins), ([], []), "nobody logs in there")

    def test_h06_signatures_that_are_missing_or_wrong(self):
        none = self.peer("NONE")
        none.security_mode, none.sign = 0, "none"
        bare = self.peer("BARE")
        bare.sign = "none"
        bad = self.peer("BAD")
        bad.sign = "bad"
        # Signed rightly until it comes to what is looked for.
        forged = self.peer("FORGED")
        forged.after_signing = lambda stage, pdu: pdu[:48] + bytes(16) + pdu[64:] if stage == "LIST" else pdu
        stripped = self.peer("STRIPPED")
        stripped.after_signing = lambda stage, pdu: pdu[:16] + bytes([pdu[16] & ~8]) + pdu[17:48] + bytes(16) + pdu[64:] if stage == "LIST" else pdu
        self.begin()
        got = self.scan()
        for outlet, t in got.items():
            with self.subTest(outlet):
                self.assertEqual(t["status"], "unreachable", t["reason"])
                self.assertIsNone(t["file"])
        for peer in (bare, bad, forged, stripped):
            self.assertLessEqual(len(peer.tried), 2)
        self.assertEqual(none.stages("TREE") + bare.stages("TREE") + bad.stages("TREE"), [])

    def test_h07_a_guest_is_nobody(self):
        for outlet, flags in (("GUEST", smb.GUEST), ("ANONYMOUS", smb.ANONYMOUS), ("BOTH", 3)):
            peer = self.peer(outlet, password="another")
            peer.session_flags, peer.sign = flags, "none"
        # It takes any password, says nothing of guests, and signs with what it can know.
        liar = self.peer("LIAR")
        liar.sign = "none"
        liar.on("LOGIN", lambda session, request: Answer(0, session.session_body(0, smb.accepted())))
        self.begin()
        for outlet in ("GUEST", "ANONYMOUS", "BOTH", "LIAR"):  # each by itself: three in a row would end the use of the account
            with self.subTest(outlet):
                t = self.scan(outlets=[outlet, *HEALTHY])[outlet]
                self.assertEqual((t["status"], t["reason_code"]), ("unreachable", "login_refused"), t["reason"])

    def test_h07_a_guest_is_nobody_even_without_signing(self):
        for outlet, flags in (("GUEST", smb.GUEST), ("ANONYMOUS", smb.ANONYMOUS)):
            peer = self.peer(outlet, password="another")
            peer.session_flags, peer.sign, peer.security_mode = flags, "none", 0
        for name in HEALTHY:
            self.addresses.pop(name)
        self.begin(mode={"signing": "optional"})
        self.d.scan()
        for outlet in ("GUEST", "ANONYMOUS"):
            t = self.d.verdict(outlet)
            self.assertEqual((t["status"], t["reason_code"]), ("unreachable", "login_refused"), t["reason"])
        self.unharmed()

    # What it lists.

    def test_h08_a_million_entries(self):
        def page(session, request):
            n = len(session.server.stages("LIST"))
            if n > 1000:
                return error(smb.NO_MORE_FILES)
            return Answer(0, pages[n % 2].body)
        pages = [listing([File(f"{k}{i:06}.bak", b"") for i in range(480)], 37) for k in "ab"]
        million = self.peer("MILLION").on("LIST", page)
        got = self.look(more="  connect_timeout: 1s\n  request_timeout: 10s\n  deadline: 30s", MILLION=("unreachable", "too_many"))
        self.assertIn("200000", got["MILLION"]["reason"].replace(",", ""))
        self.assertLess(len(million.stages("LIST")), 600, "it is left when it is too much")
        self.assertEqual({t.rsplit("\\", 1)[-1] for t in million.stages("TREE")}, {"d$"}, "the list of shares is not asked for")

    def test_h09_names_that_are_something_else(self):
        names = {
            "SLASH": "../../etc/cron.d/x.bak", "BACKSLASH": "..\\..\\x.bak", "DOTS": "..", "ABSOLUTE": "/etc/passwd.bak", "DRIVE": "c:x.bak", "STREAM": "a.bak:b.bak",
            "NUL": "a.bak\0.bak", "LINES": "a\r\nb: c.bak", "ESC": "\x1b[2J\x1b]0;x\x07.bak", "CSI": "\x9b2J.bak", "BIDI": "\u202ekab.\u2066.bak", "FORMAT": "%n%s%999999d.bak",
            "LONG": "x" * 32000 + ".bak", "LONE": "\ud800\udc00\ud800.bak", "LONE2": "a\udfff.bak", "DASH": "-rf.bak", "SPACE": " .bak", "EMPTY": "", "HTML": "<script>x</script>.bak",
            "QUOTE": "'; DROP TABLE verdict; --.bak", "ODD": b"a\0.\0b\0a\0k\0x", "ANSI": "\x1b[31mred.bak",
        }
        peers = {outlet: self.peer(outlet, files=[self.file(name)]) for outlet, name in names.items()}
        before = set(os.listdir("/tmp"))
        self.begin(mode={"verify": "header", "patterns": '["*"]', "max_age": "none"})
        got = self.scan()
        for outlet, t in got.items():
            with self.subTest(outlet):
                self.assertIn((t["status"], t["reason_code"]),
                              [("corrupt", "zeros"), ("warning", "other_format"), ("corrupt", "lost_header"), ("corrupt", "truncated"), ("unreachable", "protocol"),
                               ("missing", "empty_folder"), ("ok", "fresh"), ("unknown", "first_due"), ("unreachable", "worker_crashed")], t["reason"])
                self.assertNotEqual(t["reason_code"], "worker_crashed", "a name is no reason to die")
                asked = [path for path in peers[outlet].stages("CREATE") if path != "BackupFull"]
                for path in asked:
                    folder, _, name = path.partition("\\")
                    self.assertEqual(folder, "BackupFull")
                    self.assertFalse(set(name) & set("/\\\0") or name in ("", ".", ".."), "a path was made of it")
        self.assertEqual({n for n in os.listdir("/tmp") if n.endswith(".bak")} - before, set())
        for command in (("status", "--kind", "outlet"), ("outlets", "list"), ("history", target("ESC")), ("explain", target("ESC")), ("report", "--kind", "outlet")):
            shown = self.d.ctl(*command, check=False)
            text = shown.stdout + shown.stderr
            self.assertEqual([c for c in text if (ord(c) < 32 and c not in "\n\t") or 0x7F <= ord(c) < 0xA0 or ord(c) in (0x202E, 0x2066)], [], command)
        self.assertNotIn("\x1b", self.d.text())

    def test_h10_no_end_of_it(self):
        many = listing([File(f"{i:06}.bak", b"") for i in range(400)], 37)
        self.peer("SAME").on("LIST", lambda session, request: many)
        self.peer("DOTS").on("LIST", lambda session, request: listing([File(".", attributes=FOLDER_ATTRIBUTE), File("..", attributes=FOLDER_ATTRIBUTE)], 37))
        self.peer("EMPTY").on("LIST", DEADLY)
        # An entry whose next one is itself, and one that points behind the end.
        one = listing([File("a.bak", b"")], 37).body
        self.peer("LOOP").on("LIST", Answer(0, one[:8] + struct.pack("<I", 0x80000000) + one[12:]))
        self.peer("BEHIND").on("LIST", Answer(0, one[:8] + struct.pack("<I", 1 << 20) + one[12:]))
        self.begin()
        got = self.scan()
        self.assertLess(self.took, 30 * SLOWER)
        for outlet, t in got.items():
            with self.subTest(outlet):
                self.assertEqual(t["status"], "unreachable", t["reason"])
                self.assertIn(t["reason_code"], ("too_many", "timeout", "protocol", "worker_crashed"))

    # Where it sends people.

    def test_h11_links_to_elsewhere(self):
        attacker = self.attacker()
        there = f"\\??\\UNC\\{attacker.address}\\d$\\BackupFull".encode("utf-16-le")
        link = struct.pack("<IIIHHHHHHI", 28 + len(there) * 2, 0x4C4D5953, 0xA000000C, 12 + len(there) * 2, 0, 0, len(there), len(there), len(there), 0) + there * 2
        body = struct.pack("<HBBI", 9, 0, 0, len(link)) + link
        self.peer("LINK").on("CREATE", Answer(smb.STOPPED_ON_SYMLINK, body))
        # A link has no size of its own. What has one is kept elsewhere by its server (deduplicated, archived): a backup, but not to be opened.
        self.peer("JUNCTION", files=[File("link.bak", b"", attributes=REPARSE_ATTRIBUTE | 0x20), self.file("real.bak", modified=time.time() - AGE - HOUR)])
        kept = self.peer("KEPT", files=[self.file("kept.bak", attributes=REPARSE_ATTRIBUTE | 0x20)])
        self.peer("FOLDER", files=[File("night.bak", attributes=FOLDER_ATTRIBUTE | REPARSE_ATTRIBUTE)])
        got = self.look(JUNCTION=("ok", "fresh"), KEPT=("ok", "fresh"), FOLDER=("missing", "empty_folder"))
        self.assertEqual(got["KEPT"]["file"], "kept.bak")
        self.assertEqual(kept.stages("READ"), [], "what may be a link is not opened")
        self.assertIn(got["LINK"]["reason_code"], ("no_folder", "access_denied"))
        self.assertEqual(got["JUNCTION"]["file"], "real.bak", "a link is no backup")
        self.assertEqual(attacker.connections, 0)

    def test_h12_referrals_to_elsewhere(self):
        attacker = self.attacker()
        path = f"\\{attacker.address}\\d$".encode("utf-16-le") + b"\0\0"
        # [MS-DFSC] 2.2.4: one referral, version 3.
        referral = struct.pack("<HHI", 2, 1, 3) + struct.pack("<HHHHIHHH16s", 3, 34, 0, 2, 600, 34, 34, 34, b"") + path

        def refer(session, request):
            code, = struct.unpack_from("<I", request.body, 4)
            if code != 0x60194:
                return None
            return Answer(0, struct.pack("<HHI16sIIIIII", 49, 0, code, b"\xff" * 16, 0x70, 0, 0x70, len(referral), 0, 0) + referral)
        dfs = self.peer("DFS").on("CREATE", smb.PATH_NOT_COVERED).on("IOCTL", refer)
        dfs.share_flags, dfs.share_capabilities = 3, 8
        root = self.peer("ROOT").on("TREE", smb.PATH_NOT_COVERED).on("IOCTL", refer)
        share = self.peer("SHARE").on("TREE", smb.BAD_NETWORK_NAME).on("IOCTL", refer)
        got = self.look(DFS=("missing", "no_folder"), SHARE=("missing", "no_share"))
        self.assertNotEqual(got["ROOT"]["status"], "ok")
        self.assertEqual(attacker.connections, 0, "somebody went where the server said")
        for peer in (dfs, root, share):
            self.assertNotIn("0x60194", peer.stages("IOCTL"), "nobody asks for referrals")

    # Who it takes people for.

    def test_h13_a_login_that_is_not_offered(self):
        kerberos = self.peer("KERBEROS").on("CHALLENGE", smb.NOT_SUPPORTED)
        kerberos.mechanisms = ["MS KRB5 - Microsoft Kerberos 5", "KRB5 - Kerberos 5"]
        refuses = self.peer("REFUSES").on("LOGIN", smb.NOT_SUPPORTED)
        blocks = self.peer("BLOCKS").on("LOGIN", smb.NTLM_BLOCKED)
        got = self.look(KERBEROS=("unreachable", "protocol"), REFUSES=("unreachable", "protocol"), BLOCKS=("unreachable", "protocol"))
        self.assertIn("NTLM", got["REFUSES"]["reason"])
        self.assertIn("NTLM", got["BLOCKS"]["reason"])
        for peer in (kerberos, refuses, blocks):
            self.assertEqual(peer.stages("CHALLENGE"), [""], "nothing lesser is tried instead")

    def test_h14_numbers_that_are_none(self):
        most = (1 << 63) - 1
        sizes = {"HUGE": most, "NEGATIVE": (1 << 64) - 1, "LEAST": 1 << 63}
        for outlet, size in sizes.items():
            self.peer(outlet, files=[File("night.bak", lambda offset, length: b"", size=size)])
        self.peer("YEAR30828", files=[self.file(raw_time=most)])
        self.peer("YEAR60000", files=[self.file(raw_time=(1 << 64) - 2)])
        self.peer("BEFORE1601", files=[self.file(raw_time=(1 << 64) - 10_000_000)])
        self.peer("YEAR1601", files=[self.file(raw_time=1)])
        self.peer("NEVER", files=[self.file(raw_time=0)])
        self.begin(mode={"verify": "header"})
        got = self.scan()
        for outlet, t in got.items():
            with self.subTest(outlet):
                self.assertTrue(t["status"] != "ok" or "unknown" in t["reason"], t["reason"])
                self.assertNotIn(t["reason_code"], ("worker_crashed", "scan_fault"), t["reason"])
                if t["size_bytes"] is not None:
                    self.assertTrue(0 <= t["size_bytes"] <= most, t)
        self.assertEqual((got["YEAR30828"]["status"], got["YEAR30828"]["reason_code"]), ("held", "future"))
        for outlet in ("YEAR1601", "NEVER"):
            self.assertEqual((got[outlet]["status"], got[outlet]["reason_code"]), ("missing", "too_old"), got[outlet]["reason"])
        self.d.ctl("status", "--kind", "outlet", check=False)
        self.d.ctl("report", "--kind", "outlet")

    def test_h15_it_changes_while_it_is_read(self):
        data = random.Random(seed()).randbytes(300_000)
        shrinks = self.peer("SHRINKS", files=[File("night.bak", lambda offset, length: data[offset:min(offset + length, 100_000)], size=300_000, modified=time.time() - HOUR)])

        def taller(session, request):
            file = session.file_of(request)
            session.handles[session.last_handle] = File(file.name, data, size=file.length + 4096, modified=file.modified)
            return None
        grows = self.peer("GROWS", files=[File("night.bak", data, modified=time.time() - HOUR)]).on("INFO", taller)
        self.begin(mode={"verify": "header"})
        got = self.scan()
        for outlet, t in got.items():
            with self.subTest(outlet):
                self.assertEqual(t["status"], "unknown", "what was known stays, and nothing was")
        self.assertEqual(self.summary["growing"], 2)
        for peer in (shrinks, grows):
            self.assertGreaterEqual(len(peer.stages("TREE")), 2, "it was looked at once more")

    def test_h16_accounts_in_trouble(self):
        statuses = {"DENIED": (smb.ACCESS_DENIED, "TREE", "access_denied"), "UNREADABLE": (smb.ACCESS_DENIED, "CREATE", "access_denied"),
                    "EXPIRED": (smb.PASSWORD_EXPIRED, "LOGIN", "password_expired"), "LOCKED": (smb.ACCOUNT_LOCKED_OUT, "LOGIN", "account_locked"),
                    "MUST_CHANGE": (smb.PASSWORD_MUST_CHANGE, "LOGIN", "password_expired"), "DISABLED": (smb.ACCOUNT_DISABLED, "LOGIN", "password_expired"),
                    "WRONG": (smb.LOGON_FAILURE, "LOGIN", "login_refused")}
        peers = {outlet: self.peer(outlet).on(stage, status) for outlet, (status, stage, _) in statuses.items()}
        self.begin()
        reasons = {}
        for outlet, (_, _, code) in statuses.items():  # each by itself: three in a row would end the use of the account
            self.d.scan(outlets=[outlet])
            t = self.d.verdict(outlet)
            self.assertEqual((t["status"], t["reason_code"]), ("unreachable", code), t["reason"])
            self.assertEqual(len(peers[outlet].stages("CHALLENGE")), 1, "one login, no more")
            reasons[outlet] = t["reason"]
        self.assertEqual(len(set(reasons.values())), len(reasons), "each has words of its own")
        self.unharmed()

    def test_h16_a_locked_account_is_not_tried_everywhere(self):
        peers = [self.peer(f"S{i:02}").on("LOGIN", smb.ACCOUNT_LOCKED_OUT) for i in range(20)]
        for name in HEALTHY:
            self.addresses.pop(name)
        self.begin()
        self.d.scan()
        self.assertLessEqual(sum(len(p.stages("LOGIN")) + len(p.stages("CHALLENGE")) for p in peers) / 2, 3)
        codes = {t["reason_code"] for t in self.d.verdicts().values()}
        self.assertEqual(codes, {"account_locked"})
        self.unharmed()

    # What breaks programs.

    def test_h17_malformed_answers(self):
        chance = random.Random(seed())

        def short(cut):
            return lambda stage, pdu: pdu[:cut]
        for cut in (0, 3, 4, 63, 64, 65, 72):
            self.peer(f"CUT{cut}").before_signing = short(cut)
        for stage in ("NEGOTIATE", "CHALLENGE", "LOGIN", "TREE", "CREATE", "LIST"):
            def noisy(s, pdu, stage=stage):
                if s == stage:
                    for _ in range(8):
                        pdu[chance.randrange(64, len(pdu))] = chance.randrange(256)
                return pdu
            self.peer(f"NOISE_{stage}").before_signing = noisy
        self.peer("GARBAGE").on("ACCEPT", chance.randbytes(5000))
        self.peer("HTTP").on("ACCEPT", b"HTTP/1.0 400 Bad Request\r\n\r\n")
        self.peer("LARGEST").on("NEGOTIATE", b"\x00\xff\xff\xff" + bytes(1000))
        self.peer("CUTS").on("LIST", CUT)
        self.begin()
        got = self.scan()
        self.assertLess(self.took, 40 * SLOWER)
        for outlet, t in got.items():
            with self.subTest(outlet):
                if not outlet.startswith("NOISE_"):
                    self.assertEqual(t["status"], "unreachable", t["reason"])
                self.assertNotEqual(t["reason_code"], "scan_fault", t["reason"])

    def test_h17_a_worker_that_dies_of_it(self):
        deadly = self.peer("DEADLY").on("LIST", DEADLY)
        got = self.look(DEADLY=("unreachable", "worker_crashed"))
        self.assertIn("ended with code", got["DEADLY"]["reason"])
        self.assertEqual(len(deadly.stages("LIST")), 2, "once more, and no more")
        deadly.usual()
        self.assertEqual(self.scan()["DEADLY"]["status"], "ok")
        # Killed by something else amid its work (a signal that sanitizers leave alone).
        deadly.on("LIST", SILENCE)
        deadly.asked.clear()
        client, reply = self.d.begin(outlets=["DEADLY"])
        for times in (1, 2):
            self.until("it is asked", lambda: len({line for line, stage, _ in list(deadly.asked) if stage == "LIST"}) == times)
            for pid in self.d.workers():
                os.kill(pid, signal.SIGABRT)
        self.d.end(client, reply)
        t = self.d.verdict("DEADLY")
        self.assertEqual((t["status"], t["reason_code"]), ("unreachable", "worker_crashed"), t["reason"])
        self.assertIn("signal 6", t["reason"])
        self.unharmed()

    def test_h18_a_worker_that_is_out_of_hand(self):
        # What would need more memory than a worker may have, and one that heeds no signal that can be heeded.
        name = "x" * 30000
        self.peer("HUNGRY").on("LIST", lambda session, request: listing([File(f"{name}{session.answers}.bak", b"")], 37))
        self.peer("STOPPED").on("LIST", SILENCE)
        self.begin(more="  request_timeout: 3s\n  deadline: 3s")
        client, reply = self.d.begin(outlets=["STOPPED"])
        stopped = self.until("a worker", self.d.workers)[0]
        os.kill(stopped, signal.SIGSTOP)
        last = self.d.end(client, reply)
        self.assertEqual(last["state"], "done")
        self.assertEqual(self.d.verdict("STOPPED")["reason_code"], "timeout")
        self.until("it is buried", lambda: self.state(stopped) == "")
        got = self.scan(outlets=["HUNGRY", *HEALTHY])
        self.assertIn(got["HUNGRY"]["reason_code"], ("timeout", "too_many", "worker_crashed", "protocol"))
        self.until("nobody is left behind", lambda: not self.d.workers(), 20)

    def test_h19_names_of_servers(self):
        """tests/support/preload/strange_names.c stands for the name service."""
        many = self.peer("MANY", "127.42.0.3")
        changing = [self.peer(f"CHANGING{i}", f"127.43.0.{i}") for i in (1, 2)]
        for peer in ("CHANGING1", "CHANGING2"):
            self.addresses.pop(peer)
        self.addresses |= {"MANY": "many.test", "CHANGING": "changing.test", "SLOW": "slow.test", "NONE": "never.test"}
        self.begin(wrapper=["env", f"LD_PRELOAD={PROGRAMS}/libstrange_names.so", "BKMON_TEST_MANY=127.42.0.", "BKMON_TEST_CHANGING=127.43.0.",
                            f"ASAN_OPTIONS={os.environ.get('ASAN_OPTIONS', '')}:verify_asan_link_order=0"])
        got = self.scan()
        self.assertEqual({o: (t["status"], t["reason_code"]) for o, t in got.items()},
                         {"MANY": ("ok", "fresh"), "CHANGING": ("ok", "fresh"), "SLOW": ("unreachable", "name_unknown"), "NONE": ("unreachable", "name_unknown")})
        self.assertLess(self.took, 10 * SLOWER, "the name service takes its thirty seconds, and nobody waits")
        self.assertEqual(len(many.tried), 1)
        self.assertEqual(sum(len(p.tried) for p in changing), 1, "what was probed is what is visited")

    # Many at once, and again and again.

    def test_h20_a_thousand_at_once(self):
        if no_mail():
            self.skipTest(no_mail())
        peer = SmtpPeer(self, tls="none").start()
        for i in range(1000):
            self.addresses[f"S{i:04}"] = f"127.44.{i // 250}.{i % 250 + 1}"
        alerts = (f"mail: {{server: {peer.url}, tls: none, from: bkmon@example.org, to: [ops@example.org], digest: none}}\n"
                  "alerts: {group: 3s, rules: [{kind: outlet, mail: at_once}]}\n")
        self.d = Outlets(self, self.net, [{}], list(self.addresses.items()), 8, SHORT)
        self.d.config.write_text(self.d.config.read_text() + alerts)
        self.d.start()
        got = self.scan()
        self.assertEqual({(t["status"], t["reason_code"]) for t in got.values()}, {("unreachable", "refused")})
        self.assertEqual(len(got), 1000)
        self.assertLess(self.took, 10 * SLOWER)
        self.until("a mail", peer.messages)
        time.sleep(5)
        self.assertEqual(len(peer.messages()), 1, [m.mail["Subject"] for m in peer.messages()])
        self.assertIn("1000", peer.messages()[0].mail["Subject"].replace(",", ""))
        self.unharmed()

    def test_h21_clocks_that_differ(self):
        skew = self.peer("SKEW").on("LOGIN", smb.TIME_DIFFERENCE_AT_DC)
        # Files of a server whose clock is two days ahead.
        self.peer("AHEAD", files=[self.file(modified=time.time() + 2 * DAY)])
        got = self.look(SKEW=("unreachable", "clock_skew"), AHEAD=("held", "future"))
        self.assertIn("clock", got["SKEW"]["reason"])
        self.assertEqual(len(skew.tried) or len(skew.stages("CHALLENGE")), 1)

    def test_h22_up_and_down_all_the_time(self):
        if no_mail():
            self.skipTest(no_mail())
        mailer = SmtpPeer(self, tls="none").start()
        flips = self.peer("FLIPS")
        clock = MovedClock(self)
        self.d = Outlets(self, self.net, [{}], list(self.addresses.items()), 8, SHORT, wrapper=["env", *(f"{k}={v}" for k, v in clock.env.items())])
        self.d.config.write_text(self.d.config.read_text() + (
            f"mail: {{server: {mailer.url}, tls: none, from: bkmon@example.org, to: [ops@example.org], digest: none}}\n"
            "alerts: {group: 0s, flap: {changes: 3, within: 24h, hold: 30min}, rules: [{kind: outlet, mail: at_once}]}\n"))
        self.d.start()
        for turn in range(10):
            clock.move(60)
            flips.down()
            self.assertEqual(self.scan()["FLIPS"]["reason_code"], "refused")
            if turn < 9:
                clock.move(60)
                flips.up()
                self.assertEqual(self.scan()["FLIPS"]["status"], "ok")
        time.sleep(2)
        during = len(mailer.messages())
        self.assertLessEqual(during, 8, "twenty changes")
        self.assertGreaterEqual(during, 1, "the first state is told")
        clock.move(31 * 60)
        self.until("the last state is told, once it stays", lambda: len(mailer.messages()) > during, 30)
        self.assertIn("FLIPS", mailer.messages()[-1].part("plain").upper())
        self.assertIn("unreachable", mailer.messages()[-1].part("plain"))


if __name__ == "__main__":
    main()

"""bkmond --tell-failure against mail servers: what arrives, what does not, and how often it is tried. No daemon runs."""
import json
import os
import pathlib
import re
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from canaries import Canaries  # noqa: E402
from harness import BIN, SLOWER, Case, main  # noqa: E402
from smtp_peer import CUT, SILENCE, EximPeer, SmtpPeer  # noqa: E402

UNIT = "bkmond.service"
PASSWORD = "right horse battery"
FROM, TO = "bkmon@example.org", "ops@example.org"
FAILED_AT = 1795316645  # 2026-11-22 03:04 UTC
SHOW = f"Result=watchdog\\nExecMainCode=3\\nExecMainStatus=6\\nStateChangeTimestamp=@{FAILED_AT}\\n"


class Mailer(Case):
    def setUp(self):
        self.home = self.folder()
        self.programs = self.home / "bin"
        self.programs.mkdir()
        self.journal = self.home / "journal.txt"
        self.journal.write_text("taking in SHOP_CITY_NORTH/MAIN\ncannot write: No space left on device\n")
        self.program("systemctl", f"printf '%s ' \"$@\" >>{self.home}/asked; printf '{SHOW}'")
        self.program("journalctl", f"printf '%s ' \"$@\" >>{self.home}/asked; cat {self.journal}")
        self.password = self.home / "password"
        self.password.write_text(PASSWORD + "\n")
        self.password.chmod(0o600)

    def program(self, name, script):
        (self.programs / name).write_text("#!/bin/sh\n" + script + "\n")
        (self.programs / name).chmod(0o755)

    def configure(self, peer, to=(TO,), more="", login=True, site="north", rest=""):
        self.config = self.home / "bkmon.yaml"
        text = f"site: {json.dumps(site)}\ntimezone: Europe/Madrid\nstate: {self.home}/state\nmail:\n  server: {peer.url}\n  from: bkmon <{FROM}>\n"
        text += f"  to: [{', '.join(to)}]\n"
        if peer.ca_file:
            text += f"  ca_file: {peer.ca_file}\n"
        if getattr(peer, "tls", "") == "none":
            text += "  tls: none\n"
        if login:
            text += f"  user: bkmon\n  password_file: {self.password}\n"
        self.config.write_text(text + more + rest)

    def start(self, *args, unit=UNIT, patience="0s", env=None):
        environment = {**os.environ, "PATH": f"{self.programs}:/usr/bin:/bin", **(env or {})}
        process = subprocess.Popen([str(BIN / "bkmond"), "--config", str(self.config), "--tell-failure", unit, "--patience", patience, *args],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
        self.addCleanup(lambda: process.poll() is None and process.kill())
        return process

    def tell(self, *args, code=0, **options):
        process = self.start(*args, **options)
        out, _ = process.communicate(timeout=60 * SLOWER)
        self.assertEqual(process.returncode, code, out)
        self.assertNotIn(PASSWORD, out)
        self.assertFalse((self.home / "state").exists(), "no state is written")
        return out

    def peer(self, **options):
        return SmtpPeer(self, **{"login": {"bkmon": PASSWORD}, **options}).start()

    def one(self, peer):
        (message,) = peer.messages()
        return message

    def check_form(self, message, to=TO, name="bkmon"):
        """What holds for every mail: valid as a whole, and the same in both parts."""
        data, mail = message.data, message.mail
        self.assertEqual((message.sender, message.recipients), (FROM, [to]))
        self.assertEqual(data.replace(b"\r\n", b"").count(b"\n") + data.replace(b"\r\n", b"").count(b"\r"), 0, "CRLF alone ends lines")
        self.assertLessEqual(max(map(len, data.split(b"\r\n"))), 998)
        data.decode("ascii")
        self.assertEqual(mail.defects + [d for part in mail.walk() for d in part.defects], [])
        for header in ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Auto-Submitted", "Content-Type"):
            self.assertEqual(len(mail.get_all(header, [])), 1, header)
            self.assertEqual(list(mail[header].defects), [], header)
        self.assertEqual(mail["Auto-Submitted"], "auto-generated")
        self.assertEqual((mail["From"].addresses[0].addr_spec, mail["From"].addresses[0].display_name, mail["To"].addresses[0].addr_spec),
                         (FROM, name, to))
        self.assertLess(abs(mail["Date"].datetime.timestamp() - time.time()), 120)
        self.assertRegex(mail["Message-ID"], r"^<[!-~]+@example\.org>$")
        self.assertEqual([p.get_content_type() for p in mail.walk()], ["multipart/alternative", "text/plain", "text/html"])
        self.assertNotIn(PASSWORD.encode(), data)
        html = re.sub(r"<[^>]*>", " ", message.part("html"))
        for word in ("CRITICAL", UNIT, "systemctl status " + UNIT):
            self.assertIn(word, message.part("plain"))
            self.assertIn(word, html)
        self.assertNotRegex(message.part("html"), r"(?i)<img|<script|https?://|url\(", "nothing is loaded")

    def test_says_what_failed_where_since_when_and_what_to_do(self):
        peer = self.peer()
        self.configure(peer)
        out = self.tell()
        self.assertIn(f"mailed to {TO} that {UNIT} has failed", out)
        message = self.one(peer)
        self.check_form(message)
        self.assertEqual((message.tls, message.login), ("TLSv1.3", "bkmon"))
        text = message.part("plain")
        for words in (os.uname().nodename, "north", "2026-11-22 04:04 CET", "watchdog, signal 6", "cannot write: No space left on device",
                      "journalctl -b -u " + UNIT, "systemctl start " + UNIT, f"bkmond --check-config --config {self.config}"):
            self.assertIn(words, text)
        self.assertIn("cannot write: No space left on device", message.part("html"))
        self.assertRegex(message.mail["Subject"], rf"^\[CRITICAL\] {UNIT} on \S+ has failed \(bkmon north\)$")
        asked = (self.home / "asked").read_text()
        self.assertIn(f"-- {UNIT}", asked)
        self.assertIn(f"--unit={UNIT}", asked)

    def test_in_each_language(self):
        seen = {}
        for language, failed, todo in (("en", "has failed", "What to do"), ("es", "ha fallado", "Qué hacer"), ("fr", "est en échec", "Que faire")):
            peer = self.peer()
            self.configure(peer, more=f"  language: {language}\n")
            self.tell()
            message = self.one(peer)
            self.check_form(message)
            self.assertIn(failed, message.mail["Subject"])
            for part in ("plain", "html"):
                self.assertIn(todo, message.part(part))
                self.assertNotRegex(message.part(part), r"\{\}|\{\{|\}\}")
            seen[language] = message.part("plain")
        self.assertEqual(len(set(seen.values())), 3)

    def test_without_systemctl_and_journalctl(self):
        for name in ("systemctl", "journalctl"):
            (self.programs / name).unlink()
        peer = self.peer()
        self.configure(peer)
        self.tell(env={"PATH": str(self.programs)})
        self.check_form(self.one(peer))

    def test_they_fail_or_say_nonsense(self):
        self.program("systemctl", "printf 'Result=\\033[2Jx\\nExecMainStatus=99999999999999999999\\nStateChangeTimestamp=@x\\n\\0'")
        self.program("journalctl", "exit 1")
        peer = self.peer()
        self.configure(peer)
        self.tell()
        self.check_form(self.one(peer))
        self.assertNotIn("\x1b", self.one(peer).part("plain"))

    def test_i12_whatever_the_journal_says_is_one_valid_mail(self):
        lines = ["x" * 10000, ".", ".leading dot", "..two", "bare \r return", "From here", "8-bit \xff\xfe".encode("latin-1"), "bidi \u202e txt.exe", "tab\tbell\x07 esc\x1b[31m",
                 "=?utf-8?q?not_a_subject?=", "<script>alert(1)</script> & \"q\"", "--==boundary==--", "ünïcödé ☃ 🙂", "{{site}} %s %n"]
        self.journal.write_bytes(b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines))
        peer = self.peer()
        name = "ünï =?utf-8?q?x?= (c), ;"
        self.configure(peer)
        self.config.write_text(self.config.read_text().replace(f"bkmon <{FROM}>", json.dumps(f"{name} <{FROM}>")))
        self.tell()
        message = self.one(peer)
        self.check_form(message, name=name)
        text = message.part("plain")
        for kept in (".leading dot", "..two", "From here", "=?utf-8?q?not_a_subject?=", "<script>alert(1)</script> & \"q\"", "ünïcödé ☃ 🙂", "{{site}} %s %n", "x" * 300):
            self.assertIn("    " + kept, text)
        for bad in ("\u202e", "\x1b", "\x07", "\r "):
            self.assertNotIn(bad, text)
        self.assertNotIn("<script", message.part("html"))
        self.assertIn("&lt;script&gt;", message.part("html"))

    def test_i12_addresses_that_would_be_syntax_are_refused(self):
        for to in ('"x@example.org\\r\\nRCPT TO:<y@example.org>"', '"-x@example.org"', '"<x@example.org"'):
            peer = self.peer()
            self.configure(peer, to=(to,))
            self.tell(code=1)
            self.assertEqual(peer.connections, 0, to)

    def test_i4_without_good_tls_nothing_leaves(self):
        for options, words in (({"certificate": "expired"}, "expired"), ({"certificate": "wrong_name"}, "subject name"), ({"certificate": "stranger"}, "certificate")):
            peer = self.peer(**options)
            self.configure(peer)
            self.assertIn(words, self.tell(code=1))
            self.assertEqual((peer.logins, peer.verbs("MAIL"), peer.received), ([], [], []))

    def test_i4_starttls_taken_away(self):
        peer = self.peer(tls="none")
        self.configure(peer)
        self.config.write_text(self.config.read_text().replace("  tls: none\n", ""))
        self.tell(code=1)
        self.assertEqual((peer.logins, peer.verbs("AUTH"), peer.verbs("MAIL"), peer.received), ([], [], [], []))

    def test_i4_without_a_ca_file_only_the_systems_are_trusted(self):
        peer = self.peer()
        peer.ca_file = ""
        self.configure(peer)
        self.assertIn("certificate", self.tell(code=1))
        self.assertEqual((peer.logins, peer.received), ([], []))

    def test_i5_a_wrong_password_is_tried_once(self):
        for mechanisms in (("PLAIN", "LOGIN"), ("LOGIN",), ("PLAIN",)):
            peer = self.peer(login={"bkmon": "another"}, mechanisms=mechanisms)
            self.configure(peer)
            self.assertIn("535", self.tell(code=1, patience="20s"))
            self.assertEqual([(user, ok) for _, user, _, ok in peer.logins], [("bkmon", False)])

    def test_i6_greylisted_and_going_down_is_tried_again(self):
        peer = self.peer().answer("RCPT", "450 4.2.0 greylisted").answer("MAIL", "421 4.3.2 going down")
        self.configure(peer)
        out = self.tell(patience="60s")
        self.assertEqual(out.count("tried again in"), 2, out)
        self.check_form(self.one(peer))

    def test_i7_one_of_three_is_refused(self):
        peer = self.peer().refuse("b@example.org", "550 5.1.1 no such user")
        self.configure(peer, to=("a@example.org", "b@example.org", "c@example.org"))
        out = self.tell(code=1)
        self.assertEqual(sorted(m.recipients[0] for m in peer.messages()), ["a@example.org", "c@example.org"])
        self.assertEqual(len({m.mail["Message-ID"] for m in peer.messages()}), 2)
        self.assertRegex(out, r"the mail to b@example.org .* was not accepted: 550 5.1.1 no such user")

    def test_i8_too_large_is_said_shorter(self):
        self.journal.write_text("a long line of the journal " * 14 + "\n")
        for how in ("size", "dot"):
            peer = self.peer(size=5200) if how == "size" else self.peer().answer("DOT", "552 5.3.4 too large")
            if how == "size":
                self.journal.write_text(("a long line of the journal " * 14 + "\n") * 20)
            self.configure(peer)
            self.tell()
            message = self.one(peer)
            self.check_form(message)
            self.assertNotIn("a long line of the journal", message.part("plain"))

    def test_i9_cut_before_the_message_is_not_sent(self):
        for verb in ("CONNECT", "DATA", "BODY"):
            peer = self.peer().answer(verb, CUT)
            self.configure(peer)
            self.tell(patience="30s")
            self.assertEqual(len(peer.messages(accepted=False)), 1)
            self.check_form(self.one(peer))

    def test_i10_cut_after_the_dot_is_sent_again_with_the_same_id(self):
        peer = self.peer().answer("DOT", CUT, "451 4.3.0 broken")
        self.configure(peer)
        self.tell(patience="60s")
        first, second, third = peer.messages(accepted=False)
        self.assertEqual([m.accepted for m in (first, second, third)], [False, False, True])
        self.assertEqual(len({m.mail["Message-ID"] for m in (first, second, third)}), 1)
        self.assertEqual(first.data, third.data)
        other = self.peer()
        self.configure(other)
        self.tell()
        self.assertEqual(self.one(other).mail["Message-ID"], first.mail["Message-ID"], "another process for the same failure")

    def test_i13_a_slow_server_has_its_time_and_no_more(self):
        peer = self.peer(pace=1)
        self.configure(peer)
        before = time.monotonic()
        self.assertRegex(self.tell(code=1, patience="2s"), "timed? ?out|timeout")
        self.assertLess(time.monotonic() - before, 15 * SLOWER)

    def test_i13_silence_ends_too(self):
        for verb in ("CONNECT", "EHLO", "AUTH", "DATA", "DOT", "QUIT"):
            peer = self.peer().answer(verb, SILENCE)
            self.configure(peer)
            before = time.monotonic()
            self.tell(code=0 if verb == "QUIT" else 1, patience="1s")
            self.assertLess(time.monotonic() - before, 12 * SLOWER, verb)

    def test_server_down_and_up_again(self):
        peer = self.peer()
        self.configure(peer)
        peer.down()
        process = self.start(patience="60s")
        time.sleep(1)
        peer.up()
        out, _ = process.communicate(timeout=60 * SLOWER)
        self.assertEqual(process.returncode, 0, out)
        self.check_form(self.one(peer))

    def test_by_token(self):
        peer = self.peer(login=None, tokens={"bkmon": PASSWORD})
        self.configure(peer, more="  auth: token\n")
        self.tell()
        self.assertEqual(peer.logins, [("XOAUTH2", "bkmon", PASSWORD, True)])
        self.check_form(self.one(peer))

    def test_tls_from_the_first_byte(self):
        peer = self.peer(tls="smtps")
        self.configure(peer)
        self.tell()
        self.assertEqual(self.one(peer).tls, "TLSv1.3")

    def test_a_server_on_this_machine_without_tls(self):
        peer = SmtpPeer(self, tls="none").start()
        self.configure(peer, login=False)
        self.tell()
        self.check_form(self.one(peer))

    def test_password_from_a_credential(self):
        credentials = self.home / "credentials"
        credentials.mkdir()
        (credentials / "smtp").write_text(PASSWORD)
        peer = self.peer()
        self.configure(peer)
        self.config.write_text(self.config.read_text().replace(f"password_file: {self.password}", "password_credential: smtp"))
        self.tell(env={"CREDENTIALS_DIRECTORY": str(credentials)})
        self.assertEqual(self.one(peer).login, "bkmon")
        self.assertIn("smtp", self.tell(code=1), "without the credential it says which is missing")

    def test_a_configuration_with_problems_elsewhere_is_told_too(self):
        peer = self.peer()
        self.configure(peer, rest="deposits:\n  rooot: /x\n")
        self.tell()
        message = self.one(peer)
        self.check_form(message)
        self.assertIn("rooot", message.part("plain"))
        self.assertRegex(message.part("plain"), r"bkmon\.yaml:\d+:\d+: ")

    def test_without_mail_it_says_so(self):
        self.config = self.home / "bkmon.yaml"
        self.config.write_text("site: north\n")
        self.assertIn("mail is not configured", self.tell(code=1))
        self.config.write_text("site: [\n")
        self.tell(code=1)

    def test_names_that_are_no_units_are_refused(self):
        self.configure(SmtpPeer(tls="none"), login=False)
        for unit in ("--help", "", "a b", "x;y", "../x", "a" * 300):
            self.tell(code=2, unit=unit)
        self.assertFalse((self.home / "asked").exists())

    def test_the_password_is_nowhere_to_be_seen(self):
        """Not in the arguments or the environment of any process, nor in what it says; and it is read, not copied anywhere."""
        watch = self.home / "watched"
        watch.mkdir()
        peer = self.peer().answer("DOT", lambda _: time.sleep(0.5))
        self.configure(peer)
        canaries = Canaries(str(watch))
        canaries.arm()
        process = self.start(env={"TMPDIR": str(watch), "HOME": str(watch)})
        seen = set()
        while process.poll() is None:
            for pid in [process.pid, *map(int, self.children(process.pid))]:
                for file in ("cmdline", "environ"):
                    try:
                        seen.add((file, pathlib.Path(f"/proc/{pid}/{file}").read_bytes()))
                    except OSError:
                        pass
            time.sleep(0.01)
        out, _ = process.communicate()
        self.assertEqual(process.returncode, 0, out)
        self.assertEqual({file for file, _ in seen}, {"cmdline", "environ"}, "the process was never looked at")
        for file, data in seen:
            self.assertNotIn(PASSWORD.encode(), data, file)
        self.assertNotIn(PASSWORD, out)
        self.assertEqual(canaries.events(), set())
        self.assertEqual(peer.logins, [("PLAIN", "bkmon", PASSWORD, True)])

    def children(self, pid):
        try:
            return pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except OSError:
            return []

    def test_a_password_that_everybody_may_read_is_not_used(self):
        self.password.chmod(0o644)
        peer = self.peer()
        self.configure(peer)
        self.tell(code=1)
        self.assertEqual(peer.connections, 0)

    def test_a_real_server_takes_it(self):
        if EximPeer.missing():
            self.skipTest(EximPeer.missing())
        peer = EximPeer(self, PASSWORD).start()
        self.configure(peer, to=("a@example.org", "nobody@example.org"))
        out = self.tell(code=1)
        self.assertIn("550 no such user here", out)
        (message,) = self.until("it is delivered\n" + peer.log(), peer.messages)
        self.assertEqual((message.recipients, message.login), (["a@example.org"], "bkmon"))
        self.assertIn("TLS1.3", message.tls)
        for name in ("Return-path", "Envelope-to", "Delivery-date", "Received", "X-Peer-Tls", "X-Peer-Login"):
            self.assertIn(name, message.mail)
        self.check_form(message, "a@example.org")

    def test_a_real_server_with_another_password(self):
        if EximPeer.missing():
            self.skipTest(EximPeer.missing())
        peer = EximPeer(self, "another").start()
        self.configure(peer)
        self.assertIn("535", self.tell(code=1, patience="20s"))
        self.assertEqual((peer.home / "log/mainlog").read_text().count("535 Incorrect authentication data"), 1)


if __name__ == "__main__":
    main()

"""Mail servers that fail, lie and hang, and a bkmond that dies amid it: the scenarios I1 to I13, I15 and I17 of what must not lose a mail, each against the
real daemon. (I14 and I16: tests/unit/daemon/alerts/outbox, where time goes by as it is told.)"""
import email
import html.parser
import json
import os
import pathlib
import re
import signal
import sys
import time
from email.header import decode_header, make_header
from email.utils import parseaddr

sys.path[:0] = [str(pathlib.Path(__file__).parent.parent / folder) for folder in ("support", "sweeps")]
import names_test  # noqa: E402
from gated import Disks  # noqa: E402
from harness import SLOWER, fill_up, main, report, utc  # noqa: E402
from mail_case import MailCase, MovedClock, T  # noqa: E402
from smtp_peer import CUT, SILENCE, EximPeer, certificates  # noqa: E402
from varlink_client import Client  # noqa: E402

MAIL_TAGS = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "div", "span", "strong", "b", "table", "thead", "tbody", "tr", "th", "td", "pre",
             "code", "ul", "li", "br", "hr", "small"}
LOGIN = {"login": {"bkmon": "right horse"}}


class Words(html.parser.HTMLParser):
    """The text of a page, and every tag in it."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.text, self.tags = "", set()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, _):
        self.tags.add(tag)

    def handle_data(self, data):
        self.text += data


class Unreachable(MailCase):
    """I1 to I3: nothing is lost, everybody can see it, and nobody is called again and again."""

    def kept_and_told(self, d, clock, words, each=301):
        """One mail waits, is tried now and then, and after a quarter of an hour it is said."""
        m = self.waits(d, words)
        self.assertEqual(d.status("bkmon/mail")["status"], "unknown", "a server may be started again")
        tried = m["attempts"]
        while clock.ahead < 900:
            clock.move(each)
            tried = self.row(d, "it is tried again", lambda m: m["state"] == "waiting" and m["attempts"] > tried)["attempts"]
        self.assertLess(tried, 8, "it hammers")
        clock.move(31)
        t = d.wait_status("bkmon/mail", "unreachable", reason_code="mail_down", severity="CRITICAL")
        self.assertIn(words, t["reason"])
        self.assertIn("bkmon/mail", d.ctl("check", check=False).stdout)
        self.logged(d, "bkmon/mail is unreachable")
        return t

    def arrives(self, d, clock, peer):
        got = self.comes_at_last(clock, peer)
        d.wait_status("bkmon/mail", "ok")
        self.assertIn(got[0].mail["Message-ID"], [m["message_id"] for m in self.outbox(d)])
        self.until("all are sent", lambda: {m["state"] for m in self.outbox(d)} == {"sent"})
        self.assertEqual(sum(T in m.mail["Subject"].lower() for m in peer.messages()), 1)

    def test_i01_refused(self):
        peer, clock = self.peer(tap=False), MovedClock(self)
        peer.down()
        d = self.daemon(peer, clock=clock)
        self.break_backup(d)
        self.waits(d, "connect")
        time.sleep(1)
        self.assertEqual([m["attempts"] for m in self.outbox(d)], [1], "it hammers")
        self.kept_and_told(d, clock, "connect")
        peer.up()
        self.arrives(d, clock, peer)

    def test_i01_given_up_is_shown_and_can_be_tried_again(self):
        peer, clock = self.peer(tap=False), MovedClock(self)
        peer.down()
        d = self.daemon(peer, clock=clock, alerts="group: 0s, give_up: 2min")
        self.break_backup(d)
        self.waits(d, "connect")
        clock.move(130)
        m = self.row(d, "it is given up", lambda m: m["state"] == "failed")
        self.assertIn("given up: ", m["last_error"])
        self.logged(d, "was not delivered: given up")
        peer.up()
        d.ctl("alerts", "retry", str(m["id"]))
        self.until("it comes", lambda: m["message_id"] in [r.mail["Message-ID"] for r in peer.messages()])

    def test_i02_no_such_name(self):
        peer, clock = self.peer(tap=False), MovedClock(self)
        d = self.daemon(peer, clock=clock, mail={"server": "smtp://mail.bkmon.invalid:2525"})
        self.break_backup(d)
        self.kept_and_told(d, clock, "mail.bkmon.invalid")
        self.change(d, "smtp://mail.bkmon.invalid:2525", peer.url)
        self.arrives(d, clock, peer)

    def test_i03_the_banner_never_comes(self):
        peer, clock = self.peer().answer("CONNECT", SILENCE, always=True), MovedClock(self, patience=20)
        d = self.daemon(peer, clock=clock)
        self.break_backup(d)
        self.until("somebody calls", lambda: peer.connections)
        began = time.monotonic()
        d.ctl("status", check=False)
        self.assertLess(time.monotonic() - began, 1 * SLOWER)
        self.kept_and_told(d, clock, "time", each=451)
        peer.always.clear()
        self.arrives(d, clock, peer)


class Encryption(MailCase):
    """I4: whom bkmond cannot trust hears nothing but a greeting."""

    def refused_at_once(self, peer, words, **mail):
        d = self.daemon(peer, mail={"user": "bkmon", "password_file": self.secret(), **mail})
        self.break_backup(d)
        self.waits(d, words)
        t = d.wait_status("bkmon/mail", "failed", reason_code="mail_tls", severity="CRITICAL")
        self.assertIn("nothing is sent", t["reason"])
        self.assertIn(words, t["reason"])
        self.logged(d, "bkmon/mail is failed")
        self.assertEqual(d.ctl("check", check=False).returncode, 2)
        self.assertEqual((peer.messages(accepted=False), peer.logins), ([], []))
        for said in peer.tap.sent:
            for word in (b"AUTH", b"MAIL", b"RCPT", b"SHOP", b"right horse"):
                self.assertNotIn(word, said)
        time.sleep(1)
        self.assertLessEqual(peer.connections, 2, "it hammers")
        return d

    def secret(self):
        path = self.folder() / "smtp.password"
        path.write_text("right horse\n")
        path.chmod(0o600)
        return path

    def test_i04_certificate_expired(self):
        self.refused_at_once(self.peer(certificate="expired", **LOGIN), "certificate")

    def test_i04_certificate_of_another_name(self):
        self.refused_at_once(self.peer(certificate="wrong_name", **LOGIN), "127.0.0.1")

    def test_i04_certificate_of_a_stranger(self):
        self.refused_at_once(self.peer(certificate="stranger", **LOGIN), "certificate")

    def test_i04_certificate_expired_from_the_first_byte(self):
        self.refused_at_once(self.peer(certificate="expired", tls="smtps", **LOGIN), "certificate")

    def test_i04_starttls_stripped(self):
        peer = self.peer(tls="none", **LOGIN)
        peer.tls, peer.ca_file = "stripped", self.ca_file()
        self.refused_at_once(peer, "STARTTLS")
        self.assertEqual(peer.tap.leaks(), [])

    def test_i04_starttls_refused(self):
        self.refused_at_once(self.peer(**LOGIN).answer("STARTTLS", "454 4.7.0 not today", always=True), "not today")

    def test_i04_a_better_ca_file_ends_it(self):
        other = self.ca_file("other-ca")
        peer = self.peer(certificate="stranger", **LOGIN)
        d = self.refused_at_once(peer, "certificate")
        self.change(d, peer.ca_file, other)
        self.assertEqual(self.mails(peer, 1)[0].tls, "TLSv1.3")
        d.wait_status("bkmon/mail", "ok")

    def ca_file(self, kind="ca"):
        return certificates().file(kind)


class Logins(MailCase):
    def test_i05_a_wrong_password_is_tried_once(self):
        peer, clock = self.peer(**LOGIN), MovedClock(self)
        d = self.daemon(peer, clock=clock, start=False, alerts="group: 0s", to=("a@example.org", "b@example.org", "c@example.org"))
        password = self.password(d, "wrong horse")
        d.config.write_text(d.config.read_text().replace("mail: {", f"mail: {{user: bkmon, password_file: {password}, "))
        d.start()
        self.break_backup(d)
        t = d.wait_status("bkmon/mail", "failed", reason_code="mail_login", severity="CRITICAL")
        self.assertIn("535", t["reason"])
        self.logged(d, "bkmon/mail is failed")
        self.assertEqual(d.ctl("check", check=False).returncode, 2)
        time.sleep(1)
        clock.move(600)  # not before a quarter of an hour
        time.sleep(0.5)
        self.assertEqual([good for *_, good in peer.logins], [False])
        rows = [m for m in self.outbox(d) if "MAIN" in m["subject"]]
        self.assertEqual([m["state"] for m in rows], ["waiting"] * 3)
        password.write_text("right horse\n")
        d.ctl("alerts", "retry")
        got = self.until("all three come", lambda: len(self.about_main(peer)) == 3 and self.about_main(peer))
        self.assertEqual(sorted(m.mail["To"] for m in got), ["a@example.org", "b@example.org", "c@example.org"])
        self.assertEqual({m.login for m in got}, {"bkmon"})
        d.wait_status("bkmon/mail", "ok")

    @staticmethod
    def about_main(peer):
        return [m for m in peer.messages() if "MAIN" in m.mail["Subject"]]

    def test_i05_no_password_to_be_read(self):
        peer = self.peer(**LOGIN)
        d = self.daemon(peer, start=False)
        password = self.password(d, "right horse")
        d.config.write_text(d.config.read_text().replace("mail: {", f"mail: {{user: bkmon, password_file: {password}, "))
        d.start()
        password.chmod(0o644)
        self.break_backup(d)
        t = d.wait_status("bkmon/mail", "failed", reason_code="mail_login")
        self.assertIn("may be read by everybody", t["reason"])
        self.assertEqual(peer.connections, 0)
        password.chmod(0o600)
        d.ctl("alerts", "retry")
        self.mails(peer, 1)

    def logs_in(self, peer, mechanism, how, text="right horse", env=None):
        d = self.daemon(peer, start=False, mail={"user": "bkmon", **how}, env=env)
        d.start()
        self.break_backup(d)
        (got,) = self.mails(peer, 1)
        self.assertEqual((got.login, got.tls), ("bkmon", "TLSv1.3"))
        self.assertEqual(peer.logins, [(mechanism, "bkmon", text, True)])
        self.assertNotIn(text, d.text())

    def file(self, text="right horse"):
        path = self.folder() / "secret"
        path.write_text(text)
        path.chmod(0o600)
        return path

    def test_login_plain(self):
        self.logs_in(self.peer(mechanisms=("PLAIN", "LOGIN"), **LOGIN), "PLAIN", {"password_file": self.file()})

    def test_login_login(self):
        self.logs_in(self.peer(mechanisms=("LOGIN",), **LOGIN), "LOGIN", {"password_file": self.file()})

    def test_login_xoauth2(self):
        token = "ya29." + "x" * 1500
        self.logs_in(self.peer(mechanisms=("XOAUTH2",), tokens={"bkmon": token}), "XOAUTH2", {"password_file": self.file(token), "auth": "token"}, token)

    def test_login_smtps(self):
        self.logs_in(self.peer(tls="smtps", mechanisms=("PLAIN",), **LOGIN), "PLAIN", {"password_file": self.file()})

    def test_login_by_a_credential_of_systemd(self):
        folder = self.folder()
        (folder / "smtp").write_text("right horse\n")
        self.logs_in(self.peer(mechanisms=("PLAIN",), **LOGIN), "PLAIN", {"password_credential": "smtp"}, env={"CREDENTIALS_DIRECTORY": str(folder)})

    def test_login_token_refused_after_a_challenge(self):
        peer = self.peer(mechanisms=("XOAUTH2",), tokens={"bkmon": "good"}, polite_token=True)
        d = self.daemon(peer, mail={"user": "bkmon", "password_file": self.file("old"), "auth": "token"})
        self.break_backup(d)
        d.wait_status("bkmon/mail", "failed", reason_code="mail_login")
        time.sleep(1)
        self.assertEqual(len(peer.verbs("AUTH")), 1)


class Answers(MailCase):
    """I6 to I10."""

    def test_i06_421_and_450_are_tried_again(self):
        for verb, line in (("CONNECT", "421 4.3.2 going down"), ("MAIL", "421 4.7.0 slow down"), ("RCPT", "450 4.2.0 greylisted"), ("DOT", "451 4.3.0 no room")):
            with self.subTest(f"{verb} {line}"):
                peer, clock = self.peer().answer(verb, line), MovedClock(self)
                d = self.daemon(peer, clock=clock)
                self.break_backup(d)
                m = self.waits(d, line[4:])
                self.assertEqual(m["code"], int(line[:3]))
                time.sleep(0.5)
                self.assertEqual((self.outbox(d)[0]["attempts"], peer.messages()), (1, []))
                clock.move(40)
                self.assertEqual(self.mails(peer, 1)[0].mail["Message-ID"], m["message_id"])
                self.row(d, "it is sent", lambda m: m["state"] == "sent" and m["attempts"] == 2 and m["code"] == 250)
                self.assertEqual(d.stop(), 0)

    def test_i07_one_of_three_recipients_is_refused(self):
        peer = self.peer().refuse("b@example.org", "550 5.1.1 no such user here")
        d = self.daemon(peer, to=("a@example.org", "b@example.org", "c@example.org"))
        self.break_backup(d)
        # That one was refused is mailed as well, and may overtake a connection that is not open yet.
        took = self.until("two have it", lambda: len(to := [r for m in peer.messages() if "MAIN" in m.mail["Subject"] for r in m.recipients]) >= 2 and to)
        self.assertEqual(sorted(took), ["a@example.org", "c@example.org"])
        m = self.row(d, "the third is shown", lambda m: m["state"] == "failed")
        self.assertEqual((m["to"], m["code"], m["attempts"]), ("b@example.org", 550, 1))
        self.assertIn("no such user here", m["last_error"])
        self.logged(d, "to b@example.org was not delivered: 550 5.1.1 no such user here")
        t = d.wait_status("bkmon/mail", "warning", reason_code="mail_refused")
        self.assertIn("alerts outbox", t["reason"])
        time.sleep(1)
        self.assertLessEqual(len(peer.verbs("RCPT")), 6, "what was refused, and that it was, once to each")

    def test_i08_too_large_is_shortened(self):
        for size, line in ((None, "552 5.3.4 too big"), (1500, None)):
            with self.subTest(size):
                peer = self.peer(**({"size": size} if size else {}))
                if line:
                    peer.answer("DOT", line)
                d = self.daemon(peer)
                self.break_backup(d)
                (got,) = self.mails(peer, 1)
                mail = self.is_one_valid_message(got)
                self.assertIn("MAIN", mail["Subject"])
                self.assertIn("bkmonctl", got.part("plain"))
                self.assertLess(len(got.data), 1500)
                self.row(d, "it is sent", lambda m: m["state"] == "sent" and m["message_id"] == mail["Message-ID"] and m["attempts"] == 2)
                self.assertEqual(d.stop(), 0)

    def test_i08_too_large_however_short(self):
        peer = self.peer().answer("DOT", "552 5.3.4 too big", always=True)
        d = self.daemon(peer)
        self.break_backup(d)
        m = self.row(d, "it is given up", lambda m: m["state"] == "failed")
        self.assertEqual((m["attempts"], m["code"]), (2, 552))

    def cut(self, verb, sent):
        peer, clock = self.peer().answer(verb, CUT), MovedClock(self)
        d = self.daemon(peer, clock=clock)
        self.break_backup(d)
        m = self.row(d, "it was tried", lambda m: m["state"] == "waiting" and m["attempts"] == 1)
        self.assertEqual((len(peer.messages(accepted=False)), peer.messages()), (sent, []))
        clock.move(40)
        (got,) = self.mails(peer, 1)
        self.assertEqual(got.mail["Message-ID"], m["message_id"])
        self.assertEqual({r.mail["Message-ID"] for r in peer.messages(accepted=False)}, {m["message_id"]})
        self.assertEqual(len(peer.messages(accepted=False)), sent + 1)
        self.row(d, "it is sent", lambda m: m["state"] == "sent")

    def test_i09_cut_before_data(self):
        self.cut("DATA", 0)

    def test_i09_cut_amid_the_message(self):
        self.cut("BODY", 0)

    def test_i10_cut_after_the_final_dot(self):
        self.cut("DOT", 1)

    def test_i10_a_server_that_hangs_after_the_final_dot(self):
        peer, clock = self.peer().answer("DOT", SILENCE), MovedClock(self, patience=25)
        d = self.daemon(peer, clock=clock)
        self.break_backup(d)
        m = self.waits(d, "")
        self.assertEqual(self.comes_at_last(clock, peer)[0].mail["Message-ID"], m["message_id"])


class Deaths(MailCase):
    """I11 and I17."""

    def test_i11_killed_before_it_heard_the_250(self):
        peer = self.peer()
        d = self.daemon(peer)

        def stop(_):
            os.kill(d.process.pid, signal.SIGSTOP)  # it will not read what comes now
        peer.answer("DOT", stop)
        self.break_backup(d)
        (first,) = self.mails(peer, 1)
        self.assertEqual([m["state"] for m in self.outbox(d)], ["leased"])
        d.kill()
        d.start()
        second = self.mails(peer, 2)[1]
        self.assertEqual(second.mail["Message-ID"], first.mail["Message-ID"])
        self.assertEqual(second.data, first.data)
        self.row(d, "it is sent", lambda m: m["state"] == "sent")
        time.sleep(1)
        self.assertEqual((len(peer.messages()), len(self.outbox(d))), (2, 1))

    def test_i17_restart_while_a_transfer_hangs(self):
        for how in (signal.SIGTERM, signal.SIGKILL):
            with self.subTest(how):
                peer = self.peer().answer("DOT", SILENCE)
                d = self.daemon(peer)
                self.break_backup(d)
                self.until("the server has it", lambda: peer.messages(accepted=False))
                began = time.monotonic()
                d.kill() if how == signal.SIGKILL else self.assertEqual(d.stop(), 0)
                self.assertLess(time.monotonic() - began, 5 * SLOWER)
                d.start()
                (got,) = self.mails(peer, 1)
                self.assertEqual({m.mail["Message-ID"] for m in peer.messages(accepted=False)}, {got.mail["Message-ID"]})
                time.sleep(0.5)
                self.assertEqual(len(peer.messages()), 1)
                self.assertEqual(d.stop(), 0)


class Slow(MailCase):
    @staticmethod
    def loop(d):
        with Client(d.socket) as c:
            return c.call("io.bkmon.Daemon.Version")["loop"]

    def test_i13_one_byte_a_second_and_the_loop_goes_on(self):
        peer = self.peer(pace=1)
        d = self.daemon(peer)
        self.break_backup(d)
        self.until("they talk", lambda: peer.connections)
        end, slowest = time.monotonic() + 2, 0
        while time.monotonic() < end:
            began = time.monotonic()
            d.json("status")
            slowest = max(slowest, time.monotonic() - began)
        self.assertLess(slowest, 0.5 * SLOWER)
        self.assertLess(self.loop(d)["longest_cpu"], 0.05 * SLOWER)
        self.assertEqual(self.outbox(d)[0]["state"], "leased")

    def test_i13_one_byte_a_second_ends(self):
        peer, clock = self.peer(pace=0.05), MovedClock(self, patience=12)
        d = self.daemon(peer, clock=clock)
        self.break_backup(d)
        self.waits(d, "")
        peer.pace = 0
        self.comes_at_last(clock, peer)


class Hostile(MailCase):
    """I12: whatever agents and people call things, one valid message comes of it, and its reader sees what was written."""

    TRICKS = ["=?utf-8?q?=0d=0aBcc:_evil@example.org?=", "=?utf-8?b?DQpCY2M6IGV2aWxAZXhhbXBsZS5vcmc=?=", "=?", "?=", "=?x?= =?y?=", "a\r\nBcc: evil@example.org",
              "a\r\n\r\nbody", "a\n.\nMAIL FROM:<evil@example.org>", ".", "..", ".\r\n", "\r\n.\r\nQUIT\r\n", "From here", "--bkmon-", "=", "=3D", "=\r\n", " ",
              "<b>&amp;</b>", "{{reason}}", "{{{subject}}}", "{{#rows}}", "%s%n", "\u202egnp.exe", "\u2066\u2069\u200f", "\u2028\u2029", "\ufeff\ufffe", "\u0085",
              "caf\u00e9 \U0001f600 \u4e2d\u6587", "e\u0301" * 20, "x" * 10000, "\u00fc" * 5000, "." * 2000, " y" * 3000, "\t\t", "\x1b[2J", "\x00", "\x7f\x80\x9f"]

    def spoken(self, body):
        return re.sub(r"\s+", "", body)

    def test_i12_words_of_agents(self):
        bytes_ = ["b" + "".join(map(chr, range(start, start + 16))) + "e" for start in range(0, 256, 16)]
        texts = bytes_ + self.TRICKS + ["first" + t + "last" for t in self.TRICKS if len(t) < 100]
        peer = self.peer()
        d = self.daemon(peer, *(f"{{agent: SHOP, database: D{i:03d}, recipients: [r{i:03d}@example.org]}}" for i in range(len(texts))))
        entries = {}
        for i, text in enumerate(texts):
            stage = {"status": False, "start_time": utc(), "end_time": utc(), "error_message": text}
            entries[f"D{i:03d}"] = {**report("SHOP", {"X": ("x", b"x")})["databases"]["X"], "BACKUP": stage, "logs_summary": text}
        d.deposit("SHOP", entries, utc(-5), overall="failed_partial")
        got = self.mails(peer, len(texts), "mails, one for each text", 60)
        self.assertEqual(sorted(r for m in got for r in m.recipients), [f"r{i:03d}@example.org" for i in range(len(texts))])
        shown = {t["id"]: t["reason"] for t in d.json("status", "--kind", "deposit")["targets"]}
        subjects = {m["to"]: m["subject"] for m in self.outbox(d)}
        for received in got:
            name = "D" + received.recipients[0][1:4]
            text = texts[int(name[1:])]
            with self.subTest(text=text[:100]):
                mail = self.is_one_valid_message(received)
                self.assertEqual(mail["To"], received.recipients[0])
                self.assertEqual(str(mail["Subject"]), subjects[received.recipients[0]])
                reason = shown[f"deposit/SHOP/{name}"]
                plain, page = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
                words = Words(page)
                self.assertLessEqual(words.tags, MAIL_TAGS)
                for where in (plain, words.text):
                    self.assertIsNone(names_test.UNSEEN.search(where.replace("\r", "")), repr(where))
                    if len(text) < 1000:
                        self.assertIn(self.spoken(reason.rstrip(".")), self.spoken(where))
                if len(text) < 100:
                    self.assertIn(text.strip().encode(), names_test.read_back(reason))

    def test_i12_labels_and_people(self):
        """What comes into headers."""
        values = [t for t in self.TRICKS if len(t) < 500 and not re.search(r"[\x00-\x1f\x7f-\x9f]", t) and t.strip() and not names_test.UNSEEN.search(t)]
        peer, lines = self.peer(), []
        for i, value in enumerate(values):
            who = json.dumps(f"{value.translate({ord(c): None for c in '<>'})} <r{i:03d}@example.org>", ensure_ascii=False) if len(value) < 60 else f"r{i:03d}@example.org"
            lines += [f"{{agent: A{i:03d}, database: D{n}, labels: {{region: {json.dumps(value, ensure_ascii=False)}}}, recipients: [{who}]}}" for n in range(3)]
        d = self.daemon(peer, *lines)
        for i in range(len(values)):
            entry = {**report("A", {"X": ("x", b"x")})["databases"]["X"], "BACKUP": {"status": False, "start_time": utc(), "end_time": utc(), "error_message": "no"}}
            d.deposit(f"A{i:03d}", {f"D{n}": entry for n in range(3)}, utc(-5), overall="failed_partial")
        self.until("all is told", lambda: {r for m in peer.messages() for r in m.recipients} == {f"r{i:03d}@example.org" for i in range(len(values))}, 40)
        subjects = {m["message_id"]: m["subject"] for m in self.outbox(d)}
        for received in peer.messages():
            value = values[int(received.recipients[0][1:4])]
            with self.subTest(value=value):
                mail = self.is_one_valid_message(received)
                self.assertEqual([a.addr_spec for a in mail["To"].addresses], received.recipients)
                if len(value) < 60:
                    # By the older of Python's parsers: the other one keeps the blank between two encoded words of a name (RFC 2047, 6.2).
                    (raw,) = [v for k, v in email.message_from_bytes(received.data).raw_items() if k == "To"]
                    name = str(make_header(decode_header(parseaddr(raw)[0])))
                    self.assertEqual(name.strip(), value.translate({ord(c): None for c in "<>"}).strip())
                self.assertEqual(str(mail["Subject"]), subjects[mail["Message-ID"]])


class FullDisk(MailCase):
    def test_i15_the_history_cannot_be_written(self):
        disks, peer, clock = Disks(self), self.peer(), MovedClock(self)
        d = self.daemon(peer, start=False, clock=clock, to=("a@example.org", "b@example.org"))
        disks.mount("tmpfs", "state", size="24m", point=d.state)
        d.start()
        d.wait_status("bkmon/history", "ok")
        self.until("the reserve is kept", (d.state / ".bkmon-reserve").exists)
        (d.state / ".bkmon-reserve").unlink()
        filler = fill_up(d.state)
        self.break_backup(d)

        def direct():
            clock.move(1)
            return [m for m in peer.messages() if "bkmon/history" in m.mail["Subject"]]
        try:
            self.until("it is said by mail", lambda: len(direct()) >= 2)
        except AssertionError as e:
            raise AssertionError(f"{e}\n{[m.mail['Subject'] for m in peer.messages()]}\n{d.text()}") from None
        got = direct()
        self.assertEqual(sorted(m.mail["To"] for m in got), ["a@example.org", "b@example.org"], [m.data.decode() for m in got] + [d.text()])
        for received in got:
            mail = self.is_one_valid_message(received)
            self.assertTrue(mail["Subject"].startswith("[CRITICAL]"), mail["Subject"])
            self.assertIn("bkmon/history", mail["Subject"])
            self.assertIn("full", received.part("plain"))
        self.logged(d, "an alert cannot be recorded and is mailed directly")
        d.wait_status("bkmon/history", "failed", reason_code="history_unwritable")
        time.sleep(1)
        self.assertEqual(len(direct()), 2)
        filler.unlink()

        def both():
            clock.move(2)
            return {m.mail["To"] for m in peer.messages() if "SHOP_CITY_NORTH" in m.mail["Subject"]} == {"a@example.org", "b@example.org"}
        self.until("the alert itself comes", both, 45)


class Real(MailCase):
    def test_exim_takes_mails_over_tls_with_a_login(self):
        if EximPeer.missing():
            self.skipTest(EximPeer.missing())
        exim = EximPeer(self)
        exim.tls = "starttls"
        self.tapped(exim.start())
        d = self.daemon(exim, start=False, to=("'Ops the \u00dcbers <ops@example.org>'", "nobody@example.org"))
        password = self.password(d, "right horse")
        d.config.write_text(d.config.read_text().replace("mail: {", f"mail: {{user: bkmon, password_file: {password}, "))
        d.start()
        self.break_backup(d, words="caf\u00e9 \u202e\r\nBcc: evil@example.org\r\n.\r\n")
        (got,) = self.until("exim delivered it", lambda: [m for m in exim.messages() if "MAIN" in m.mail["Subject"]])
        self.assertEqual((got.login, got.recipients), ("bkmon", ["ops@example.org"]))
        self.assertTrue(got.tls)
        self.assertNotIn("Bcc", got.mail)
        self.assertIn("caf\u00e9", got.part("plain"))
        m = self.row(d, "the other one was refused", lambda m: m["state"] == "failed")
        self.assertEqual((m["to"], m["code"]), ("nobody@example.org", 550))
        self.assertNotIn("right horse", d.text() + exim.log())


if __name__ == "__main__":
    main()

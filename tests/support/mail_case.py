"""A bkmond that mails: its configuration, backups that break and heal, and what its outbox says. Whatever it sends to a server with TLS is looked at on the
wire (peer()): nothing of it is in clear."""
import contextlib
import gzip
import json
import os
import re
import sqlite3
import struct
import time

from harness import PROGRAMS, Case, Daemon, dump, jobs, report, utc
from smtp_peer import SmtpPeer, missing
from wire_tap import WireTap

AGENT = "SHOP_CITY_NORTH"
T = "deposit/shop_city_north/main"


class MailCase(Case):
    def setUp(self):
        if missing():
            self.skipTest(missing())

    def peer(self, tap=True, **options):
        """A server, reached through a tap."""
        peer = SmtpPeer(self, **options).start()
        return self.tapped(peer) if tap else peer

    def tapped(self, peer):
        peer.tap = WireTap(self, peer)
        if peer.tls != "none":
            self.addCleanup(lambda: self.assertEqual(peer.tap.leaks(), [], "said in clear"))
        return peer

    @staticmethod
    def url(peer):
        return re.sub(r"\d+$", str(peer.tap.port), peer.url) if hasattr(peer, "tap") else peer.url

    def mail(self, peer, to=("ops@example.org",), **more):
        settings = {"server": self.url(peer), "from": '"bkmon <bkmon@example.org>"', "to": f"[{', '.join(to)}]", "digest": "none"}
        settings |= {"tls": "none"} if peer.tls == "none" else {"ca_file": peer.ca_file}
        settings |= more
        return "mail: {" + ", ".join(f"{k}: {v}" for k, v in settings.items()) + "}\n"

    def daemon(self, peer, *lines, alerts="group: 0s", mail=None, start=True, to=("ops@example.org",), clock=None, env=None, home=None, top="", **defaults):
        """env, clock: for bkmond alone, bkmonctl has none of it."""
        own = {**(env or {}), **(clock.env if clock else {})}
        d = Daemon(self, jobs(*lines, **defaults), wrapper=["env", *(f"{k}={v}" for k, v in own.items())] if own else [], home=home)
        mail = {} if mail is None else mail
        text = mail if isinstance(mail, str) else self.mail(peer, to, **mail)
        d.config.write_text(d.config.read_text() + top + text + (f"alerts: {{{alerts}}}\n" if alerts else ""))
        return d.start() if start else d

    def change(self, d, before, after):
        """Something else in the configuration, taken by a reload."""
        text = d.config.read_text()
        self.assertIn(before, text)
        d.config.write_text(text.replace(before, after))
        d.ctl("reload")

    def password(self, d, text):
        path = d.home / "smtp.password"
        path.write_text(text + "\n")
        path.chmod(0o600)
        return path

    def break_backup(self, d, agent=AGENT, database="MAIN", seconds=-30, words="disk full on till 3"):
        entry = report(agent, {database: ("main.sql.gz", b"x")})["databases"][database]
        entry["BACKUP"] = {"status": False, "start_time": utc(seconds), "end_time": utc(seconds), "error_message": words}
        d.deposit(agent, {database: entry}, utc(seconds))

    def heal(self, d, agent=AGENT, database="MAIN", rows=60, seconds=-5):
        data = gzip.compress(dump(rows=rows))
        d.deposit(agent, {database: ("main.sql.gz", data)}, utc(seconds))
        return data

    def mails(self, peer, count, what="mails", seconds=20):
        return self.until(f"{count} {what}", lambda: len(peer.messages()) >= count and peer.messages(), seconds)

    def comes_at_last(self, clock, peer):
        """A mail that is tried again and again: a machine under load may miss a deadline of a clock that runs."""
        def came():
            clock.move(61)
            time.sleep(0.3)
            return peer.messages()
        return self.until("a mail", came, 30)

    def outbox(self, d):
        """Read beside the daemon, oldest first: it may hang, or be gone."""
        names = ("id", "kind", "message_id", "to", "subject", "state", "attempts", "next_at", "code", "last_error")
        return [dict(zip(names, row)) for row in self.rows(d, f"SELECT {', '.join(names).replace(' to,', ' recipient,')} FROM mail ORDER BY id")]

    def row(self, d, what, condition, seconds=20):
        """The first mail of the outbox of which it is true."""
        try:
            return self.until(what, lambda: next((m for m in self.outbox(d) if condition(m)), None), seconds)
        except AssertionError as e:
            raise AssertionError(f"{e}\n{json.dumps(self.outbox(d), indent=1)}\n{d.text()}") from None

    def waits(self, d, words, seconds=20):
        """A mail that was tried, and is kept."""
        m = self.row(d, f"a mail waits for '{words}'", lambda m: m["state"] == "waiting" and m["attempts"] and words in m["last_error"], seconds)
        self.assertGreater(m["next_at"], 0)
        return m

    def logged(self, d, words, seconds=10):
        try:
            self.until(f"the journal says '{words}'", lambda: words in d.text(), seconds)
        except AssertionError as e:
            raise AssertionError(f"{e}\n{d.text()}") from None

    def rows(self, d, sql, *arguments):
        """Of the history, read beside the daemon."""
        with contextlib.closing(sqlite3.connect(f"file:{d.state}/history.db?mode=ro", uri=True)) as db:
            return db.execute(sql, arguments).fetchall()

    def is_one_valid_message(self, received, headers=("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type")):
        """As RFC 5322 has it: line ends, line lengths, ASCII, each header once and no others, and no defect that Python's parser finds."""
        data = received.data
        self.assertNotIn(b"\n", data.replace(b"\r\n", b""), "a bare line feed")
        self.assertNotIn(b"\r", data.replace(b"\r\n", b""), "a bare carriage return")
        self.assertLessEqual(max(map(len, data.split(b"\r\n"))), 998)
        self.assertEqual([b for b in data if b > 126 or (b < 32 and b not in b"\r\n\t")], [])
        mail = received.mail
        answer = ("In-Reply-To", "References") if "In-Reply-To" in mail else ()
        self.assertEqual(sorted(h.lower() for h in mail.keys()), sorted(h.lower() for h in (*headers, *answer)))
        self.assertEqual([p.get_content_type() for p in mail.walk()], ["multipart/alternative", "text/plain", "text/html"])
        for part in mail.walk():
            self.assertEqual(part.defects, [])
            for name, value in part.items():
                self.assertEqual(list(value.defects), [], (name, value))
        return mail


class MovedClock:
    """bkmond's clocks stand where a test puts them (tests/support/preload/movable_clock.c); bkmonctl and the server live by the real one. patience: how
    many times as fast libcurl's deadlines come."""

    def __init__(self, case, patience=1):
        self.case, self.ahead, self.file = case, 0, case.folder() / "clock"
        self.file.write_bytes(struct.pack("=qq", 0, 0))
        shim = PROGRAMS / "libmovable_clock.so"
        if not shim.exists():
            case.skipTest(f"{shim} is not built")
        self.env = {"LD_PRELOAD": str(shim), "BKMON_TEST_CLOCK": str(self.file), "BKMON_TEST_MONOTONIC": str(patience),
                    "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}

    def move(self, seconds):
        self.ahead += seconds
        with open(self.file, "r+b") as f:
            f.write(struct.pack("=q", self.ahead * 10**9))
        self.case.until("the moved clock is followed", lambda: struct.unpack("=qq", self.file.read_bytes())[1] == self.ahead * 10**9)

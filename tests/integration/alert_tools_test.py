"""What operators do about alerts with bkmonctl, against the real daemon and a real SMTP conversation."""
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from harness import Daemon, jobs, main, report, utc  # noqa: E402
from mail_case import AGENT, MailCase, T  # noqa: E402

JOB = "deposit/SHOP_CITY_NORTH/MAIN"


class AlertTools(MailCase):
    def refused(self, d, *args):
        done = d.ctl("alerts", *args, check=False)
        return done.returncode, done.stderr

    def open(self, d):
        return d.json("alerts", "list", "--open")["incidents"]

    def one_open(self, d):
        self.until("an incident is open", lambda: self.open(d))
        incidents = self.open(d)
        self.assertEqual(len(incidents), 1)
        return incidents[0]

    def test_an_incident_from_its_mail_to_its_end(self):
        peer = self.peer()
        d = self.daemon(peer)
        self.assertIn("no incident matches", d.ctl("alerts", "list").stdout)
        self.assertEqual(self.refused(d, "expect", T)[0], 4)
        self.break_backup(d)
        self.mails(peer, 1)
        one = self.one_open(d)
        self.assertEqual((one["targets"], one["status"], one["severity"], one["acked_by"]), ([JOB], "failed", "CRITICAL", None))
        self.until("the incident was said", lambda: self.one_open(d)["said"])
        number = str(one["id"])
        shown = self.until("its mail was sent", lambda: next((s for s in [d.json("alerts", "show", number)] if s["mails"][0]["state"] == "sent"), None))
        self.assertEqual([m["incidents"] for m in shown["mails"]], [[one["id"]]])
        explained = d.json("alerts", "explain", T)
        self.assertEqual((explained["mail"], explained["to"], explained["incident"]["id"]), ("at_once", ["ops@example.org"], one["id"]))
        self.assertIn("disk full on till 3", explained["text"])
        self.assertIn("is mailed at once", d.ctl("alerts", "explain", T).stdout)
        acked = d.json("alerts", "ack", number, "--note", "disk ordered")["incident"]
        self.assertTrue(acked["acked_by"].endswith("(uid 0)"), acked)
        self.assertIn("disk ordered", d.ctl("alerts", "show", number).stdout)
        self.heal(d)
        self.mails(peer, 2)
        self.until("nothing is open", lambda: not self.open(d))
        self.assertIsNotNone(d.json("alerts", "show", number)["incident"]["closed_at"])
        code, says = self.refused(d, "ack", number)
        self.assertEqual((code, "is over" in says), (2, True), says)
        self.until("both were sent", lambda: [m["state"] for m in d.json("alerts", "outbox")["mails"]] == ["sent", "sent"])
        self.assertIn("no mail waits or failed", d.ctl("alerts", "retry").stdout)
        self.assertGreater(d.json("alerts", "expect", T, "--note", "that is it")["size_bytes"], 0)
        self.assertEqual(self.refused(d, "show", "999")[0], 4)
        self.assertEqual(self.refused(d, "explain", "deposit/no/such")[0], 4)

    def test_what_was_said_in_one_mail_is_one_incident(self):
        peer = self.peer()
        names = ("A", "B", "C", "D")
        d = self.daemon(peer, *(f"{{agent: {AGENT}, database: {n}}}" for n in names), alerts="group: 1s")
        entries = {n: dict(report(AGENT, {n: ("x.sql.gz", b"x")})["databases"][n]) for n in names}
        for entry in entries.values():
            entry["BACKUP"] = {"status": False, "start_time": utc(), "end_time": utc(), "error_message": "login refused"}
        d.deposit(AGENT, entries, utc(-30))
        self.mails(peer, 1)
        one = self.until("they are one incident", lambda: next((i for i in self.open(d) if len(i["targets"]) == len(names)), None))
        self.assertEqual(sorted(one["targets"]), [f"deposit/{AGENT}/{n}" for n in names])
        self.assertEqual(len(self.open(d)), 1)
        self.assertIn(AGENT.lower(), (one["cause"] or "").lower())
        self.assertIn("and 3 more", d.ctl("alerts", "list", "--target", f"deposit/{AGENT}/C").stdout)
        for number in (one["id"], one["id"] + 2):  # of any of them
            self.assertEqual(d.json("alerts", "show", str(number))["incident"]["id"], one["id"])
        d.ctl("alerts", "ack", str(one["id"] + 1), "--note", "password changed")
        self.assertEqual(self.rows(d, "SELECT count(*) FROM incident WHERE note = 'password changed'"), [(len(names),)])
        self.assertEqual(len(peer.messages()), 1)

    def test_a_silence_hides_until_it_ends(self):
        peer = self.peer()
        d = self.daemon(peer)
        self.assertEqual(self.refused(d, "silence", "deposit/nobody/*", "--for", "1h", "--reason", "x")[0], 4)
        self.assertEqual(self.refused(d, "silence", T, "--for", "1h", "--window", "mon 25:00", "--reason", "x")[0], 2)
        code, says = self.refused(d, "silence", "--for", "1h", "--reason", "x")
        self.assertEqual((code, "--yes" in says), (2, True), says)
        number = str(d.json("alerts", "silence", "deposit/shop*", "--kind", "deposit", "--for", "1h", "--reason", "new till")["id"])
        self.break_backup(d)
        one = self.one_open(d)
        self.assertIn("new till", one["silenced"])
        self.assertFalse(one["said"])
        silence = d.json("alerts", "silences")["silences"][0]
        self.assertEqual((str(silence["id"]), silence["active"], silence["hidden"], silence["reason"]), (number, True, 1, "new till"))
        self.assertIn("new till", d.json("alerts", "explain", T)["silenced"])
        time.sleep(1.5)
        self.assertEqual(peer.messages(), [])
        d.ctl("alerts", "unsilence", number)
        self.assertIn("disk full on till 3", self.mails(peer, 1)[0].mail.get_body(("plain",)).get_content())
        self.assertEqual(d.json("alerts", "silences")["silences"], [])
        self.assertEqual([str(s["id"]) for s in d.json("alerts", "silences", "--all")["silences"]], [number])
        self.assertEqual(self.refused(d, "unsilence", number)[0], 4)
        self.assertIsNone(self.one_open(d)["silenced"])

    def test_a_test_mail_says_how_it_went(self):
        peer = self.peer()
        d = self.daemon(peer)
        self.assertEqual([(r["to"], r["sent"], r["code"]) for r in d.json("alerts", "test")["results"]], [("ops@example.org", True, 250)])
        self.assertIn("yes", d.ctl("alerts", "test", "--to", "boss@example.org").stdout)
        self.assertEqual([m.mail["To"] for m in self.mails(peer, 2)], ["ops@example.org", "boss@example.org"])
        self.assertEqual(self.refused(d, "test", "--to", "nobody at all")[0], 2)
        self.change(d, self.url(peer), "smtp://127.0.0.1:1")
        done = d.ctl("alerts", "test", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("ops@example.org", done.stdout)
        self.assertEqual(len(peer.messages()), 2)

    def test_without_a_mail_section_incidents_are_kept(self):
        d = Daemon(self, jobs()).start()
        code, says = self.refused(d, "test")
        self.assertEqual((code, "mail:" in says), (1, True), says)
        self.break_backup(d)
        self.assertEqual(self.one_open(d)["targets"], [JOB])
        self.assertEqual(d.json("alerts", "outbox")["mails"], [])


if __name__ == "__main__":
    main()

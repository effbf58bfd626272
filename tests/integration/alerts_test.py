"""From a bad backup to a mail that somebody got: the real daemon, a real SMTP conversation, mails read by Python's own parser."""
import gzip
import os
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from harness import dump, main, sha256, utc  # noqa: E402
from mail_case import MailCase, MovedClock, T  # noqa: E402

AGENTS = {a: f"{{agent: {a}, database: MAIN}}" for a in ("A", "B", "C")}
DAY = 86400


class Alerts(MailCase):
    def subjects(self, peer):
        return [m.mail["Subject"] for m in peer.messages()]

    def about(self, peer, what):
        return [m for m in peer.messages() if what in m.mail["Subject"]]

    def one_about(self, peer, what):
        found = self.until(f"a mail about {what}", lambda: self.about(peer, what))
        self.assertEqual(len(found), 1, self.subjects(peer))
        return self.is_one_valid_message(found[0])

    def incident(self, d, target=T, **query):
        """The open one of a target."""
        def found():
            return [i for i in d.json("alerts", "list", "--open")["incidents"] if target in [t.lower() for t in i["targets"]]]
        return self.until(f"an incident of {target}", found)[0]

    def test_a_failure_is_mailed_and_its_end_answers_it(self):
        peer = self.peer()
        d = self.daemon(peer)
        self.break_backup(d)
        opened = self.is_one_valid_message(self.mails(peer, 1)[0])
        self.assertTrue(opened["Subject"].startswith("[CRITICAL]"), opened["Subject"])
        self.assertIn("deposit/SHOP_CITY_NORTH/MAIN", opened["Subject"])
        self.assertEqual(opened["To"], "ops@example.org")
        self.assertEqual(opened["Auto-Submitted"], "auto-generated")
        for kind in ("plain", "html"):
            body = opened.get_body((kind,)).get_content()
            self.assertIn("disk full on till 3", body)
            self.assertIn("bkmonctl explain", body)
        self.heal(d)
        closed = self.is_one_valid_message(self.mails(peer, 2)[1])
        self.assertTrue(closed["Subject"].startswith("[OK]"), closed["Subject"])
        self.assertEqual(closed["In-Reply-To"], opened["Message-ID"])
        self.assertIn(opened["Message-ID"], closed["References"])
        self.assertNotEqual(closed["Message-ID"], opened["Message-ID"])
        time.sleep(1)
        self.assertEqual(len(peer.messages()), 2)

    def test_one_cause_is_one_mail_and_the_other_one_is_not_hidden(self):
        peer, north = self.peer(), [f"N{i:02d}" for i in range(20)]
        d = self.daemon(peer, *(f"{{agent: {a}, database: MAIN, labels: {{region: north}}}}" for a in north), "{agent: SOUTH, database: MAIN, labels: {region: south}}",
                        alerts="group: 2s")
        for agent in (*north[:10], "SOUTH", *north[10:]):
            self.break_backup(d, agent, words="login refused" if agent != "SOUTH" else "disk on fire")
        together = self.one_about(peer, "region north")
        self.assertIn("20 of 20", together["Subject"])
        for kind in ("plain", "html"):
            body = together.get_body((kind,)).get_content()
            for agent in north:
                self.assertIn(f"deposit/{agent}/MAIN", body)
            self.assertNotIn("SOUTH", body)
            self.assertIn("login refused", body)
        alone = self.one_about(peer, "deposit/SOUTH/MAIN")
        self.assertIn("disk on fire", alone.get_body(("plain",)).get_content())
        incident = self.incident(d, "deposit/n00/main")
        self.assertEqual(len(incident["targets"]), 20)
        self.assertIn("north", incident["cause"])
        time.sleep(1)
        self.assertEqual(len(peer.messages()), 2)
        for agent in north:
            self.heal(d, agent)
        over = [m.mail for m in self.until("the end is told", lambda: self.about(peer, "recovered"))]
        self.assertLessEqual(len(over), 3)
        self.assertEqual(over[0]["In-Reply-To"], together["Message-ID"])

    def test_rules_say_who_is_told_of_what(self):
        peer, clock = self.peer(), MovedClock(self)
        rules = ('[{target: "deposit/A/*", to: [a@example.org], severity: warning, mail: at_once}, {target: "deposit/B/*", mail: never}, '
                 '{labels: {region: "nor*"}, status: [failed, corrupt], after: 2}]')
        d = self.daemon(peer, AGENTS["A"], AGENTS["B"], "{agent: C, database: MAIN, labels: {region: north}, recipients: [c@example.org]}",
                        alerts=f"group: 0s, rules: {rules}", clock=clock)
        for agent in AGENTS:
            self.break_backup(d, agent)
            d.wait_status(f"deposit/{agent.lower()}/main", "failed")
        mail = self.one_about(peer, "deposit/A/MAIN")
        self.assertEqual(mail["To"], "a@example.org")
        self.assertTrue(mail["Subject"].startswith("[WARNING]"), mail["Subject"])
        time.sleep(1)
        self.assertEqual(len(peer.messages()), 1)
        explained = {a: d.json("alerts", "explain", f"deposit/{a}/MAIN") for a in AGENTS}
        self.assertEqual([explained[a]["mail"] for a in "ABC"], ["at_once", "never", "at_once"])
        self.assertEqual([explained[a]["after"] for a in "ABC"], [1, 1, 2])
        self.assertEqual(explained["C"]["to"], ["c@example.org"])
        self.assertIn("bkmon.yaml:", explained["A"]["rule"])
        clock.move(DAY)
        self.break_backup(d, "C", seconds=DAY - 1, words="again")
        self.assertEqual(self.one_about(peer, "deposit/C/MAIN")["To"], "c@example.org")

    def test_held_is_told_at_once_with_what_lets_it_in(self):
        peer = self.peer()
        d = self.daemon(peer, gates="{size: {min_size: 2KiB}}")
        d.deposit("SHOP_CITY_NORTH", {"MAIN": ("main.sql.gz", gzip.compress(dump(rows=2000, text=os.urandom(20).hex())))}, utc(-50))
        d.wait_status(T, "ok")
        small = gzip.compress(dump(rows=1))
        d.deposit("SHOP_CITY_NORTH", {"MAIN": ("main.sql.gz", small)}, utc(-30))
        held = self.one_about(peer, "MAIN")
        self.assertTrue(held["Subject"].startswith("[WARNING]"), held["Subject"])
        (line,) = [x.strip() for x in held.get_body(("plain",)).get_content().splitlines() if "deposits release" in x]
        words = line[line.index("bkmonctl"):].split()
        self.assertIn(sha256(small), words)
        d.ctl("--yes", *words[1:])  # as it stands in the mail
        d.wait_status(T, "ok", reason_code="released")
        over = self.mails(peer, 2)[1].mail
        self.assertTrue(over["Subject"].startswith("[OK]"), over["Subject"])
        self.assertEqual(over["In-Reply-To"], held["Message-ID"])

    def test_reminders_until_somebody_works_on_it(self):
        peer, clock = self.peer(), MovedClock(self)
        d = self.daemon(peer, clock=clock, schedule="none")
        self.break_backup(d)
        opened = self.mails(peer, 1)[0].mail
        clock.move(DAY + 60)
        reminder = self.is_one_valid_message(self.mails(peer, 2)[1])
        self.assertEqual(reminder["In-Reply-To"], opened["Message-ID"])
        incident = self.incident(d)
        self.assertEqual((incident["reminders"], incident["acked_by"]), (1, None))
        d.ctl("alerts", "ack", str(incident["id"]), "--note", "a new till is on its way")
        incident = self.incident(d)
        self.assertTrue(incident["acked_by"])
        self.assertEqual(incident["note"], "a new till is on its way")
        clock.move(DAY + 60)
        time.sleep(1)
        self.assertEqual(len(self.about(peer, "MAIN")), 2, self.subjects(peer))
        shown = d.json("alerts", "show", str(incident["id"]))
        self.assertEqual({m["state"] for m in shown["mails"]}, {"sent"})
        self.heal(d)
        over = self.until("its end", lambda: self.about(peer, "recovered"))[0].mail
        self.assertEqual(over["In-Reply-To"], opened["Message-ID"])

    def test_silence_hides_it_until_it_ends(self):
        peer, clock = self.peer(), MovedClock(self)
        d = self.daemon(peer, AGENTS["A"], AGENTS["B"], clock=clock)
        d.ctl("alerts", "silence", "deposit/A/*", "--for", "2h", "--reason", "moving house")
        for agent in "AB":
            self.break_backup(d, agent)
            d.wait_status(f"deposit/{agent.lower()}/main", "failed")
        self.one_about(peer, "deposit/B/MAIN")
        time.sleep(0.5)
        self.assertEqual(self.about(peer, "deposit/A/MAIN"), [])
        (quiet,) = d.json("alerts", "silences")["silences"]
        self.assertEqual((quiet["active"], quiet["hidden"], quiet["reason"]), (True, 1, "moving house"))
        self.assertIn("moving house", self.incident(d, "deposit/a/main")["silenced"])
        self.assertIn("moving house", d.ctl("status", check=False).stdout + d.ctl("explain", "deposit/A/MAIN").stdout)
        clock.move(7260)
        self.one_about(peer, "deposit/A/MAIN")
        self.assertEqual(d.json("alerts", "silences")["silences"], [])

    def test_the_daily_mail(self):
        peer, clock = self.peer(), MovedClock(self)
        d = self.daemon(peer, *AGENTS.values(), clock=clock, mail={"digest": '"0 8 * * *"'}, alerts="group: 0s, rules: [{target: deposit/B/*, mail: digest}]",
                        schedule="none")
        for agent in "AB":
            self.break_backup(d, agent, words=f"till {agent} is wet")
            d.wait_status(f"deposit/{agent.lower()}/main", "failed")
        self.heal(d, "C")
        d.wait_status("deposit/c/main", "ok")
        self.one_about(peer, "deposit/A/MAIN")
        self.assertEqual(len(peer.messages()), 1, "what is for the digest waits for it")
        clock.move(DAY)
        digest = self.until("the digest", lambda: self.about(peer, " of 10 bad"))[0]
        mail = self.is_one_valid_message(digest)
        for kind in ("plain", "html"):
            body = mail.get_body((kind,)).get_content()
            for word in ("deposit/A/MAIN", "deposit/B/MAIN", "till B is wet"):
                self.assertIn(word, body)
        clock.move(DAY)
        self.until("the next one", lambda: len(self.about(peer, " of 10 bad")) == 2)
        self.assertEqual(len({m.mail["Message-ID"] for m in peer.messages()}), len(peer.messages()))

    def test_a_configuration_that_begins_to_mail(self):
        peer = self.peer()
        d = self.daemon(peer, mail="", alerts="")
        self.break_backup(d)
        d.wait_status(T, "failed")
        self.assertEqual(d.ctl("alerts", "test", check=False).returncode, 1)
        d.config.write_text(d.config.read_text() + self.mail(peer) + "alerts: {group: 0s}\n")
        d.ctl("reload")
        self.assertIn("disk full on till 3", self.one_about(peer, T.split("/")[1].upper()).get_body(("plain",)).get_content())

    def test_killed_between_the_verdict_and_the_mail(self):
        peer = self.peer(tap=False)
        peer.down()
        d = self.daemon(peer)
        self.break_backup(d)
        m = self.waits(d, "connect")
        d.stop(signal.SIGKILL)
        peer.up()
        d.start()
        (got,) = self.mails(peer, 1)
        self.assertEqual(got.mail["Message-ID"], m["message_id"])

    def test_killed_before_the_group_is_complete(self):
        peer = self.peer()
        d = self.daemon(peer, alerts="group: 3s")
        self.break_backup(d)
        d.wait_status(T, "failed")
        self.until("the notice is there", lambda: self.rows(d, "SELECT count(*) FROM notice")[0][0] == 1)
        self.assertEqual(self.outbox(d), [])
        d.kill()
        d.start()
        self.one_about(peer, "MAIN")

    def test_languages(self):
        for language, words in (("es", ("última copia sana", "Qué hacer", "[CRÍTICO]")), ("fr", ("dernière sauvegarde saine", "Que faire", "[CRITIQUE]"))):
            with self.subTest(language):
                peer = self.peer()
                d = self.daemon(peer, mail={"language": language})
                self.break_backup(d)
                mail = self.is_one_valid_message(self.mails(peer, 1)[0])
                for kind in ("plain", "html"):
                    body = mail["Subject"] + mail.get_body((kind,)).get_content()
                    for word in words[:2]:
                        self.assertIn(word.lower(), body.lower())
                    for word in ("last healthy", "What to do", "{{", "since:"):
                        self.assertNotIn(word, body)
                    self.assertIn("disk full on till 3", body)
                self.assertTrue(mail["Subject"].startswith(words[2]), mail["Subject"])
                self.assertEqual(d.stop(), 0)

    def test_a_test_mail(self):
        peer = self.peer().refuse("no@example.org", "550 5.1.1 who")
        d = self.daemon(peer, to=("ops@example.org", "no@example.org"))
        done = d.ctl("--json", "alerts", "test", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("550 5.1.1 who", done.stdout)
        self.assertEqual({m.mail["To"] for m in self.mails(peer, 1)}, {"ops@example.org"})
        d.ctl("alerts", "test", "--to", "else@example.org")
        self.until("it comes", lambda: "else@example.org" in [m.mail["To"] for m in peer.messages()])
        self.assertEqual({m["kind"] for m in self.outbox(d)} - {"alert"}, {"test"})

    def test_expect_makes_it_the_new_normal(self):
        """What is held for its size is told; after the operator's word the next of that size is usual."""
        peer = self.peer()
        d = self.daemon(peer)

        def send(i, rows):
            data = gzip.compress(dump(rows=rows, text=os.urandom(400).hex()))
            d.deposit("SHOP_CITY_NORTH", {"MAIN": ("main.sql.gz", data)}, utc(-50 + i))
            return sha256(data)
        for i in range(5):
            d.wait_status(T, "ok", sha256=send(i, 200))
        send(5, 20)
        d.wait_status(T, "held")
        self.assertTrue(self.one_about(peer, "MAIN")["Subject"].startswith("[WARNING]"))
        d.ctl("alerts", "expect", T, "--note", "archived the old years")
        d.wait_status(T, "ok", sha256=send(6, 21))
        self.until("its end", lambda: self.about(peer, "recovered"))


if __name__ == "__main__":
    main()

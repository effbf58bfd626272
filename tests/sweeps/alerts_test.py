"""kill -9 at the entry of every system call on a file or to the server, from a report of a failure on until the server took the mail, and at random moments:
what the history knows as an event must arrive, each time as the same message (mail_oracle.py)."""
import concurrent.futures
import contextlib
import dataclasses
import json
import pathlib
import random
import re
import sqlite3
import sys
import threading
import time

sys.path[:0] = [str(pathlib.Path(__file__).parent.parent / "support"), str(pathlib.Path(__file__).parent)]
import mail_oracle  # noqa: E402
from gated import GATE, Home  # noqa: E402
from harness import FULL, SLOWER, Case, fact, main, place, report, seed  # noqa: E402
from smtp_peer import SmtpPeer, missing  # noqa: E402

WORKERS = 4 if FULL else 3
PATIENCE = 10  # seconds from a start until the mail is there
CALLS = "*,talk"
AGENTS = 3  # of a bkmond that dies at random


class MailHome(Home):
    """A bkmond that mails to an address of its own."""

    def __init__(self, path, peer, who, agents=("A",)):
        super().__init__(path, agents)
        self.peer, self.who = peer, who

    def configured(self):
        super().configured()
        with open(self.path / "bkmon.yaml", "a") as f:
            f.write(f"mail: {{server: {self.peer.url}, from: bkmon@example.org, to: [{self.who}], digest: none, ca_file: {self.peer.ca_file}}}\n"
                    "alerts: {group: 0s, hourly: 10000, flap: {changes: 1000}}\n")
        return self

    def copy(self, path, who):
        Home.copy(self, path)
        return MailHome(path, self.peer, who, self.agents).configured()

    def break_(self, token, age, agent="A"):
        entry = report(agent, {"MAIN": ("main.bin", b"x")})["databases"]["MAIN"]
        end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - age))
        entry["BACKUP"] = {"status": False, "start_time": end, "end_time": end, "error_message": token}
        place(self.path / "deposits" / agent / "log/STATUS.json", json.dumps(report(agent, {"MAIN": entry}, end)).encode())

    def messages(self, accepted=False):
        return [m for m in self.peer.messages(accepted) if self.who in m.recipients]

    def told(self, token):
        return any(token in m.part("plain") for m in self.messages(accepted=True))

    def at_rest(self):
        """Nothing waits to be said or sent."""
        try:
            rows = mail_oracle.history(self.path / "state")
        except Exception:  # a copy made while it was written
            return False
        return not rows["notices"] and all(m["state"] == "sent" for m in rows["mails"])


def role(name, path, home):
    path = re.sub(r"socket:\[\d+\]", "socket", str(path).replace(str(home), ""))
    return name, re.sub(r"[0-9a-f]{8,}|\d{8}T\d{6}Z", "*", path)


class Alerts(Case):
    def setUp(self):
        if missing():
            self.skipTest(missing())
        if not GATE.exists():
            self.skipTest(f"{GATE} is not built")
        self.lock, self.violations, self.number = threading.Lock(), [], 0
        self.fired, self.twice, self.steps, self.slowest = 0, 0, set(), 0.0
        self.rng = random.Random(seed())

    def template(self):
        home = MailHome(self.folder() / "template", SmtpPeer(self).start(), "nobody@example.org").make()
        home.start()
        self.until("the history is kept", lambda: (home.status() or {}).get("bkmon/history", {}).get("status") == "ok")
        self.assertEqual(home.gate.stop(), 0, home.text())
        home.gate = None
        return home

    def fresh(self, template):
        with self.lock:
            self.number += 1
            number = self.number
        return template.copy(template.path.parent / f"p{number}", f"p{number}@example.org")

    def accuse(self, where, lines, home):
        if lines:
            with self.lock:
                self.violations.append(f"{where}:\n  " + "\n  ".join(lines) + "\n" + home.text()[-1500:])

    def arrives(self, home, token):
        """Whoever was killed is started again, and nobody does anything else."""
        began = time.monotonic()
        home.start(wait=False)
        came = home.until(lambda: home.told(token) and home.at_rest(), PATIENCE)
        took = time.monotonic() - began
        with self.lock:
            self.slowest = max(self.slowest, took)
        lines = [] if came else [f"not told and at rest after {took:.1f} s"]
        home.stop()
        return lines + mail_oracle.judge(home.path / "state", home.messages(), [home.who], [token])

    def point(self, template, k):
        home, token = self.fresh(template), f"token-{k}-of-this"
        try:
            gate = home.start()
            gate.arm("kill", k, 0, CALLS)
            home.break_(token, 50)
            came = home.until(lambda: gate.fired_event.is_set() or (home.told(token) and home.at_rest()), 20)
            fired = gate.fired
            if fired is None:
                if not came or gate.ended_event.is_set():
                    self.accuse(f"call {k}", ["no end in sight" if not gate.ended_event.is_set() else f"bkmond ended with {gate.ended}"], home)
                return False
            gate.gone()
            lines = self.arrives(home, token)
            with self.lock:
                self.fired += 1
                self.steps.add(role(fired[1], fired[2], home.path))
                self.twice += len(home.messages(accepted=True)) > 1
            self.accuse(f"killed at call {fired}", lines, home)
            return True
        finally:
            home.remove()

    def trace(self, template):
        """The calls from the report to the end, undisturbed."""
        home = self.fresh(template)
        try:
            gate = home.start()
            gate.arm("trace", names=CALLS)
            home.break_("token-traced", 50)
            self.assertTrue(home.until(lambda: home.told("token-traced") and home.at_rest(), 20), home.text())
            gate.command("off")
            return [role(name, path, home.path) for name, path in gate.calls]
        finally:
            home.remove()

    def in_parallel(self, work, arguments):
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            return list(pool.map(lambda a: work(*a), arguments))

    def conclude(self):
        if self.violations:
            self.fail(f"{len(self.violations)} violations (BKMON_SEED={seed()}):\n" + "\n".join(self.violations[:8]))

    def test_killed_at_every_call_until_the_server_took_it(self):
        began, template = time.monotonic(), self.template()
        calls = self.trace(template)
        said = [i + 1 for i, (name, _) in enumerate(calls) if name == "sendto"]
        self.assertGreater(len(said), 8, calls)
        self.assertGreater(len(calls), 100)
        points = list(range(1, len(calls) + 1))
        if not FULL:  # before the conversation, in it, and while its end is written
            parts = (points[:said[0]], 6), (points[said[0]:said[-1]], 5), (points[said[-1]:said[-1] + 30], 5)
            points = sorted(k for part, n in parts for k in self.rng.sample(part, n))
        came = self.in_parallel(self.point, [(template, k) for k in points])
        self.conclude()
        # Threads take turns, and a look more or less is a call more or less.
        self.assertTrue(all(came[:int(len(came) * 0.75)]), f"calls that were not reached: {[k for k, c in zip(points, came) if not c]} of {len(calls)}")
        if FULL:
            self.assertGreater(self.twice, 0, "nobody died between the server's answer and the note of it")
        fact("mail_crash_points", {"points": self.fired, "kinds_of_calls": len(self.steps), "sent_twice": self.twice, "slowest_ms": round(self.slowest * 1000),
                                   "violations": len(self.violations)}, time.monotonic() - began)

    def recovered(self, home, agent):
        """How many different mails said so."""
        return len({m.mail["Message-ID"] for m in home.messages(accepted=True) if m.mail["Subject"].startswith("[OK]") and f"/{agent}/" in m.mail["Subject"]})

    def happens(self, home, i, agent, age):
        """A failure, or its end. What says that it was told."""
        if (i // AGENTS) % 2 == 0:
            token = f"token-{i}-end"
            home.break_(token, age, agent)
            return token, lambda: home.told(token)
        before = self.recovered(home, agent)
        home.deposit(f"{agent} {i}\n".encode() * 100, age, agent)
        return None, lambda: self.recovered(home, agent) == before + 1

    def test_the_oracle_sees_what_is_wrong(self):
        home = self.fresh(self.template())
        try:
            home.start()
            home.break_("token-seen", 50)
            self.assertTrue(home.until(lambda: home.told("token-seen") and home.at_rest(), 20), home.text())
            home.stop()
            (good,) = home.messages()
            state = home.path / "state"

            def judged(messages, what="token-seen"):
                return "\n".join(mail_oracle.judge(state, messages, [home.who], [what]))
            other = good.data.replace(good.mail["Message-ID"].encode(), b"<another@example.org>")
            self.assertEqual(judged([good]), "")
            self.assertEqual(judged([good, good]), "")
            self.assertIn("never reached", judged([]))
            self.assertIn("never reached", judged([dataclasses.replace(good, accepted=False)]))
            self.assertIn("as 2 messages", judged([good, dataclasses.replace(good, data=other)]))
            self.assertIn("different messages", judged([good, dataclasses.replace(good, data=good.data + b"x\r\n")]))
            self.assertIn("knows nothing", judged([good], "token-unseen"))
            with contextlib.closing(sqlite3.connect(state / "history.db")) as db:
                db.execute("UPDATE mail SET state = 'waiting'")
                db.commit()
            self.assertIn("is waiting", judged([good]))
        finally:
            home.remove()

    def runs(self, lane, count, rng, template):
        """One bkmond, `count` failures and recoveries, and death at some moment after each of them, often more than once."""
        home = MailHome(template.path.parent / f"lane{lane}", template.peer, f"lane{lane}@example.org", [f"L{lane}N{n}" for n in range(AGENTS)]).make()
        kills, events, done = 0, [], 0
        try:
            home.start()
            for i in range(count):
                token, told = self.happens(home, i, home.agents[i % AGENTS], 90000 - 20 * i)
                for _ in range(rng.choice((1, 1, 1, 2, 3))):
                    home.gate.ended_event.wait(rng.uniform(0.0, 0.35) * SLOWER)
                    if home.gate.ended is not None:
                        self.accuse(f"lane {lane}, run {i}", [f"bkmond ended with {home.gate.ended}"], home)
                    home.stop()
                    kills += 1
                    home.start(wait=False)
                if not home.until(told, PATIENCE):
                    self.accuse(f"lane {lane}, run {i}", [f"'{token or 'recovered'}' never came"], home)
                    break
                done += 1
                events += [token] if token else []
            home.until(home.at_rest, PATIENCE)
            home.stop()
            self.accuse(f"lane {lane}", mail_oracle.judge(home.path / "state", home.messages(), [home.who], events), home)
            messages = home.messages(accepted=True)
            return kills, done, len(messages) - len({m.mail["Message-ID"] for m in messages})
        finally:
            home.remove()

    def test_killed_at_random_moments(self):
        began, template, count = time.monotonic(), self.template(), 1000 if FULL else 18
        lanes = [(lane, count // WORKERS, random.Random(self.rng.randrange(1 << 30)), template) for lane in range(WORKERS)]
        results = self.in_parallel(self.runs, lanes)
        self.conclude()
        kills, events, again = (sum(column) for column in zip(*results))
        self.assertGreaterEqual(events, count - WORKERS)
        fact("mail_random_kills", {"runs": events, "kills": kills, "sent_again": again, "violations": len(self.violations)}, time.monotonic() - began)


if __name__ == "__main__":
    main()

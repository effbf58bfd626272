"""Who watches the watcher: the sign of life for somebody outside, and a check that fails when bkmond is behind with its own work."""
import pathlib
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from harness import Daemon, jobs, main  # noqa: E402
from http_peer import HttpPeer  # noqa: E402
from mail_case import MailCase, MovedClock  # noqa: E402

MINUTE = 60


class Watcher(MailCase):
    def pinged(self, d, peer, settings=""):
        d.config.write_text(d.config.read_text() + f"alerts: {{ping: {{url: \"{peer.url}/ping/secret-uuid\", every: 1min, timeout: 2s{settings}}}}}\n")
        return d.start()

    def plain(self, clock):
        return Daemon(self, jobs('{agent: SHOP_CITY_NORTH, database: MAIN, schedule: "@yearly"}'), wrapper=["env", *(f"{k}={v}" for k, v in clock.env.items())])

    def paths(self, peer):
        return [path for _, path in list(peer.requests)]

    def check(self, d):
        done = d.ctl("check", "bkmon/*", check=False)
        return done.returncode, done.stdout

    def test_a_sign_of_life_comes_after_each_period_and_stays_away_while_bkmon_is_not_well(self):
        peer, clock = HttpPeer(self).start(), MovedClock(self)
        d = self.pinged(self.plain(clock), peer, f', failure: "{peer.url}/ping/secret-uuid/fail"')
        self.until("the first look is over", lambda: not d.json("status")["degraded"])
        self.assertEqual(self.paths(peer), [], "a period has not passed")
        clock.move(MINUTE + 5)
        self.until("a ping", lambda: self.paths(peer) == ["/ping/secret-uuid"])
        clock.move(MINUTE + 5)
        self.until("one a period", lambda: len(self.paths(peer)) == 2)
        d.root.rename(d.home / "elsewhere")
        self.until("bkmon is not well", lambda: d.json("status")["degraded"])
        clock.move(MINUTE + 5)
        self.until("that is said", lambda: self.paths(peer)[2:] == ["/ping/secret-uuid/fail"])
        (d.home / "elsewhere").rename(d.root)
        d.ctl("deposits", "rescan")
        self.until("it is well again", lambda: not d.json("status")["degraded"])
        clock.move(MINUTE + 5)
        self.until("and alive", lambda: self.paths(peer)[3:] == ["/ping/secret-uuid"])
        self.assertNotIn("secret-uuid", d.text())

    def test_a_ping_that_gets_no_answer_is_said_once_and_holds_up_nothing(self):
        peer, clock = HttpPeer(self, status=503).start(), MovedClock(self)
        d = self.pinged(self.plain(clock), peer)
        for n in range(1, 4):
            clock.move(MINUTE + 5)
            self.until("asked", lambda: len(self.paths(peer)) >= n)
        self.until("it is said", lambda: "the answer was 503" in d.text())
        self.assertEqual(d.text().count("the answer was 503"), 1)
        peer.status = 200
        clock.move(MINUTE + 5)
        self.until("it works", lambda: "gets through again" in d.text())

    def test_check_fails_while_nothing_can_be_recorded(self):
        if not shutil.which("strace"):
            self.skipTest("strace is not installed")
        clock = MovedClock(self)
        d = self.plain(clock).start()
        self.until("all is well", lambda: self.check(d)[0] == 0)
        # A disk that has stopped to answer, not one that fails.
        pid = subprocess.run(["pgrep", "-f", f"bkmond --config {d.config}$"], capture_output=True, text=True).stdout.split()
        tracer = subprocess.Popen(["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync,fsync", "-e", "inject=fdatasync,fsync:delay_enter=20000000", "-p", pid[-1]],
                                  stderr=subprocess.PIPE)
        self.addCleanup(lambda: tracer.poll() is None and tracer.kill())
        time.sleep(0.5)
        if tracer.poll() is not None:
            self.skipTest("strace may not attach here: " + tracer.stderr.read().decode(errors="replace"))
        clock.move(11)  # the history is asked again
        time.sleep(1.5)
        clock.move(3 * MINUTE)
        code, text = self.until("bkmon is behind", lambda: (lambda c: c if "bkmon is behind" in c[1] else None)(self.check(d)))
        self.assertEqual(code, 3, text)
        self.assertIn("nothing could be recorded for 3 min", text)
        self.assertIn("nothing could be recorded", d.ctl("status").stdout)
        tracer.send_signal(signal.SIGINT)
        tracer.wait(30)
        tracer.stderr.close()
        self.until("all is well again", lambda: self.check(d)[0] == 0, 40)


if __name__ == "__main__":
    main()

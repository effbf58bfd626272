"""What the benches about mails share: a server that takes everything, and a bkmond that mails to it."""
import json
import re
import subprocess
import time

from measure import Daemon, claim, place, program, report, utc

TO = "ops@example.org"


class Sink:
    """bench_smtp sink: each mail it took is a line of its log."""

    def __init__(self, bench, how=None):
        self.log = bench.folder() / "sink.log"
        self.process = subprocess.Popen([program("bench_smtp"), "sink", str(self.log), *([str(how)] if how else [])], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        bench.stage.addCleanup(self.stop)
        self.port = int(self.process.stdout.readline())

    def stop(self):
        self.process.stdin.close()
        self.process.wait(timeout=10)
        self.process.stdout.close()

    def lines(self, since=0):
        """After so many: [(seconds since 1970 of MAIL, of DATA and of the 250, bytes, Message-ID)]"""
        rows = [line.split() for line in self.log.read_text().splitlines()[since:]]
        return [(int(r[0]) / 1e9, int(r[1]) / 1e9, int(r[2]) / 1e9, int(r[3]), r[4]) for r in rows]

    def count(self):
        return self.log.read_bytes().count(b"\n")

    def wait(self, count, seconds=60):
        end = time.monotonic() + seconds
        while self.count() < count:
            if time.monotonic() > end:
                raise SystemExit(f"{self.count()} of {count} mails came in {seconds} s")
            time.sleep(0.02)


def mailing(bench, port, agents, alerts="group: 0s"):
    """A bkmond with a job for each agent, that mails to a server on this port."""
    daemon = Daemon(bench).jobs([(agent, "MAIN") for agent in agents], "0 0 * * *")
    text = f"mail: {{server: \"smtp://127.0.0.1:{port}\", tls: none, from: \"bkmon <bkmon@example.org>\", to: [{TO}], digest: none}}\n"
    daemon.config.write_text(daemon.config.read_text() + text + f"alerts: {{{alerts}}}\n")
    return daemon


def send_to(daemon, port):
    daemon.config.write_text(re.sub(r"127\.0\.0\.1:\d+", f"127.0.0.1:{port}", daemon.config.read_text()))


def fail_backup(daemon, agent):
    """The agent reports that its backup did not work."""
    entry = claim("main.sql.gz", 1, "0" * 64)
    entry["BACKUP"] = {"status": False, "start_time": utc(), "end_time": utc(), "error_message": "Got error: 2002: Can't connect to MySQL server"}
    place(daemon.agent(agent) / "log/STATUS.json", json.dumps(report(agent, {"MAIN": entry})).encode())

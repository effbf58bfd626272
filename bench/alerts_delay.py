#!/usr/bin/python3
"""How long it takes on an idle machine from a verdict to the moment at which the mail about it goes over the wire: an agent reports that its backup has
failed, bkmond records the verdict with its event, an incident is opened, a mail is composed and put into the outbox, leased and sent, each step of it
durable before the next. Nothing is grouped (`alerts: {group: 0s}`); with the usual settings the 30 s in which bkmond looks for a common cause come on
top. The time is from the event's own to the DATA that the server hears. That server hangs up after each mail: there is no connection that could be
used again, as it is when a night was quiet."""
import contextlib
import sqlite3
import statistics
import time

from mails import Sink, fail_backup, mailing
from measure import main, sized

TITLE = "From a verdict to the mail about it"
PROMISE = "Under 1 s from the verdict to SMTP DATA on an idle machine, every time."
TIMES = sized(20, 2)
QUIET = sized(2, 0.5)  # seconds between two


def event_at(daemon, agent):
    """Seconds since 1970 at which the agent's backup was called failed."""
    with contextlib.closing(sqlite3.connect(f"file:{daemon.state}/history.db?mode=ro", uri=True)) as db:
        row = db.execute("SELECT e.at FROM event e JOIN target t ON t.id = e.target WHERE t.name LIKE ? AND e.type = 'verdict' AND e.body LIKE '%\"failed\"%'"
                         " ORDER BY e.seq DESC LIMIT 1", (f"deposit/{agent}/%",)).fetchone()
    return row[0] / 1000


def measure(bench):
    agents = [f"SHOP_CITY_{n:02}" for n in range(TIMES + 1)]
    sink = Sink(bench, "hangup")
    daemon = mailing(bench, sink.port, agents)
    daemon.start().settled()
    delays, reports = [], []
    for n, agent in enumerate(agents):
        time.sleep(QUIET)
        said = time.time()
        fail_backup(daemon, agent)
        sink.wait(n + 1)
        data = sink.lines(n)[0][1]
        delays.append(data - event_at(daemon, agent))
        reports.append(data - said)
    bench.limit("from the verdict to DATA", [seconds * 1000 for seconds in delays[1:]], "ms", 1000, every=True)  # the first one starts a thread
    bench.figure("the first mail after the start", delays[0] * 1000, "ms")
    bench.figure("from the agent's report to DATA", statistics.median(reports) * 1000, "ms")
    daemon.stop()


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""How long nobody watches while bkmond is restarted: from its start until it tells systemd that it is ready, with ten thousand jobs. It must not
depend on how much has happened in the years before: the second figure is the same start without any past."""
import os
import pathlib
import shutil
import socket
import time

import stock
from measure import SMOKE, SOURCE, WORK, Daemon, main, room, sized

TITLE = "Start with 10,000 jobs and 5,000,000 verdicts"
PROMISE = "Ready in under 1.5 s, independent of the history's length."
VERDICTS = sized(5_000_000, 5_000)


def ready(daemon, bench):
    """Seconds from the start to READY=1."""
    path = daemon.home / "notify.sock"
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(path))
        notify.settimeout(60)
        daemon.env["NOTIFY_SOCKET"] = str(path)
        began = time.monotonic()
        daemon.start(wait=False)
        while b"READY=1" not in notify.recv(65536):
            pass
        took = time.monotonic() - began
    daemon.settled()
    daemon.stop()
    return took


def forget(daemon):
    """The history is not in memory when it starts."""
    for file in daemon.state.glob("history.db*"):
        fd = os.open(file, os.O_RDONLY)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)


def with_history(bench):
    """A daemon on the long history, which takes minutes to write: kept for the next run."""
    home = WORK / f"history-{VERDICTS}"
    schema = "".join(sorted(p.read_text() for p in (SOURCE / "daemon/history").glob("migrations.cc")))
    mark = home / "schema"
    if not mark.exists() or mark.read_text() != schema:
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        room(WORK, 12 << 30 if not SMOKE else 1 << 20)
        daemon = Daemon(bench, home=home).jobs(stock.pairs(), "0 0 * * *")
        daemon.start().settled().stop()
        stock.grow_history(daemon, VERDICTS, bench.say)
        mark.write_text(schema)
    return Daemon(bench, home=home).jobs(stock.pairs(), "0 0 * * *")


def measure(bench):
    long = with_history(bench)
    short = Daemon(bench).jobs(stock.pairs(), "0 0 * * *")
    short.start().settled().stop()
    for daemon in (long, short):
        stock.all_well(daemon)
        ready(daemon, bench)
    bench.figure("verdicts in the history", stock.value(long, "SELECT count(*) FROM verdict"), "rows")
    bench.figure("size of the history", pathlib.Path(long.state / "history.db").stat().st_size / (1 << 30), "GiB")
    times = [(ready(long, bench), ready(short, bench)) for _ in range(sized(7, 1))]
    bench.limit("ready", [t for t, _ in times], "s", 1.5, every=True)
    bench.ratios("beside a start without a past", times, at_most=1.1)
    cold = []
    for _ in range(sized(3, 1)):
        forget(long)
        cold.append(ready(long, bench))
    bench.limit("ready, with the history on the disk only", cold, "s", 1.5, every=True)


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""How long an operator, or the monitoring that asks every minute, waits for `status` of ten thousand targets: until the first row is there, until
the last one is, and what it costs the daemon. The time is that of the socket, without printing. The first question after a start, when no
row was ever written out, is a row of its own."""
import time

import stock
from measure import Daemon, main, sized

TITLE = "status of 10,000 targets over the socket"
PROMISE = "The first row in 20 ms, complete in 250 ms, 30 ms of the daemon's processor time."


def ask(daemon):
    """(seconds to the first reply, to the last one, of the daemon's processor), targets counted."""
    client = daemon.client()
    cpu, began = daemon.cpu(), time.monotonic()
    client.send("io.bkmon.Targets.Status", {}, more=True)
    data, first, rows, replies = b"", None, 0, 0
    sock = client.socket
    while True:
        got = sock.recv(1 << 20)
        if first is None and b"\0" in got:
            first = time.monotonic() - began
        data += got
        if got.endswith(b"\0") and b'"continues":true' not in got[got.rfind(b"\0", 0, -1) + 1:]:
            # The end of the last reply, or a whole one that says that it is the last: looked at once everything has come.
            frames = data.split(b"\0")[:-1]
            if b'"continues":true' not in frames[-1]:
                break
    whole = time.monotonic() - began
    rows, replies = data.count(b'"reason_code":'), data.count(b"\0")
    time.sleep(0.05)
    sock.close()
    return first, whole, daemon.cpu() - cpu, rows, replies


def measure(bench):
    daemon = Daemon(bench).jobs(stock.pairs(), "0 0 * * *")
    daemon.start().settled().stop()
    stock.all_well(daemon)
    fresh = []
    for _ in range(sized(3, 1)):
        daemon.start().settled()
        time.sleep(0.5)
        fresh.append(ask(daemon))
        daemon.stop()
    daemon.start().settled()
    ask(daemon)
    answers = []
    for n in range(sized(15, 2)):
        time.sleep(0.2)
        answers.append(ask(daemon))
    if any(a[3] < stock.JOBS for a in fresh + answers):
        raise SystemExit(f"not every target was told: {answers}")
    for what, index, most in (("first row", 0, 20), ("complete", 1, 250), ("the daemon's processor time", 2, 30)):
        bench.limit(what, [a[index] * 1000 for a in answers], "ms", most)
    for what, index, most in (("first row, first question after a start", 0, 20), ("complete, first question after a start", 1, 250),
                              ("the daemon's processor time, first question after a start", 2, 30)):
        bench.limit(what, [a[index] * 1000 for a in fresh], "ms", most)
    bench.figure("replies", answers[0][4], "frames")


if __name__ == "__main__":
    main()

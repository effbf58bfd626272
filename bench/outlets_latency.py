#!/usr/bin/python3
"""How long a scan takes when the outlets are far away: a thousand servers (one samba) in a network namespace of their own, bkmond in another one, and
between them a line on which everything takes 25 ms each way, as to another country. Asking one server takes about fifteen round trips, so
that only many workers at once help; 128 are configured. A bare libsmbclient pool of the same size is shown beside it. Each round every server
has a new backup, and every one must be found."""
from measure import Skipped, main, sized
from servers import Distance, Others, Scanner, bed, newer

TITLE = "1,000 outlets, 50 ms away, 128 workers"
PROMISE = "Under 12 s."
SERVERS, WORKERS = sized(1000, 20), sized(128, 8)


def measure(bench):
    line = Distance(bench, 50)
    far = bed(bench, SERVERS, net="10.1", namespace=line.far.path)
    trip = min(line.round_trip(far.outlet(0).address, far.port) for _ in range(5))
    if not 0.048 < trip < 0.06:
        raise Skipped(f"the line takes {trip * 1000:.0f} ms instead of 50")
    bench.figure("round trip", trip * 1000, "ms")
    daemon = Scanner(bench, far.servers, far.port, workers=WORKERS, wrapper=["nsenter", f"--net={line.near.path}"]).start()
    others = Others(bench, far.servers, far.port, line.near.path)
    times, bare = [], []
    for n in range(sized(5, 1) + 1):
        names = newer(far.servers)
        took = daemon.scan()[0]
        daemon.check(names)
        pool = others.pool(WORKERS, names)[0]
        bench.say(f"round {n}: {took:.2f} s, bare pool {pool:.2f} s")
        if n > 0 or sized(False, True):  # the first one reads everything for the first time
            times.append(took)
            bare.append(pool)
    bench.limit("a scan", times, "s", 12)
    bench.ratios("beside a bare libsmbclient pool", list(zip(times, bare)))
    daemon.stop()


if __name__ == "__main__":
    main()

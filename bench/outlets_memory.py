#!/usr/bin/python3
"""How much memory a scan of a thousand outlets takes in all: bkmond, 32 workers, and the process that they are born of. It is PSS, in which what several
processes share counts once; the sum of what each has by itself would be a gigabyte. Looked at ten times a second during scans; the most counts.
Between scans the workers are gone."""
import time

from measure import MIB, main, sized
from outlets_many import most
from servers import Scanner, bed, mtf_of, newer, pss

TITLE = "Memory of a scan with 32 workers"
PROMISE = "At most 60 MiB for all processes together."
SERVERS = sized(1000, 60)


def measure(bench):
    ground = bed(bench, SERVERS)
    model = mtf_of(ground)
    daemon = Scanner(bench, ground.servers, ground.port, [{"verify": "header"}]).start()
    before = pss(daemon.processes())
    peaks, workers = [], 0
    for _ in range(sized(5, 2)):
        names = newer(ground.servers, model=model)
        _, peak = most(daemon, daemon.scan)
        workers = max(workers, len(daemon.workers()))
        daemon.check(names)
        peaks.append(peak / MIB)
    bench.limit("the most during a scan", peaks, "MiB", 60, every=True)
    bench.figure("workers", workers, "processes")
    bench.figure("before the first scan", before / MIB, "MiB")
    bench.stage.until("the workers end when there is nothing to do", lambda: len(daemon.processes()) == 1, 30)
    time.sleep(1)
    bench.figure("after the scans", pss(daemon.processes()) / MIB, "MiB")
    daemon.stop()


if __name__ == "__main__":
    main()

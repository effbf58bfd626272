#!/usr/bin/python3
"""Whether ten times as many outlets take ten times as long and hardly more memory: 10,000 of them, ten sambas on this machine with a thousand addresses
each, beside 1,000. Memory is that of bkmond and all its workers together (PSS, so that what they share counts once), the most that was seen
during the scan. The rounds are few, since one takes minutes."""
import threading

from measure import MIB, main, sized
from servers import Scanner, bed, newer, pss

TITLE = "10,000 outlets beside 1,000"
PROMISE = "At most 11 x the time and 1.5 x the memory."
BEDS, SERVERS = sized(10, 2), sized(1000, 10)


def most(daemon, work):
    """(what work() gives, the most memory that was seen meanwhile)"""
    seen, over = [], threading.Event()

    def look():
        while not over.wait(0.1):
            seen.append(pss(daemon.processes()))
    thread = threading.Thread(target=look)
    thread.start()
    try:
        result = work()
    finally:
        over.set()
        thread.join()
    return result, max(seen, default=pss(daemon.processes()))


def measure(bench):
    pss([])
    beds = [bed(bench, SERVERS)]
    beds += [bed(bench, SERVERS, net=f"127.{n}", port=beds[0].port) for n in range(11, 10 + BEDS)]
    everybody = [server for one in beds for server in one.servers]
    few = Scanner(bench, beds[0].servers, beds[0].port)
    many = Scanner(bench, everybody, beds[0].port)

    def look(daemon):
        """Alone on the machine: what it shared with the other one would count half."""
        names = newer(daemon.servers)
        daemon.start()
        (took, _, _), memory = most(daemon, daemon.scan)
        daemon.check(names)
        daemon.stop()
        bench.say(f"{len(daemon.servers)}: {took:.1f} s, {memory / MIB:.1f} MiB")
        return took, memory
    for daemon in (few, many):
        look(daemon)
    times, memories = [], []
    for _ in range(sized(3, 1)):
        large, small = look(many), look(few)
        times.append((large[0], small[0]))
        memories.append(large[1] / small[1])
    bench.ratios(f"time for {len(everybody):,}", times, at_most=11 * len(everybody) / (10 * SERVERS))
    bench.limit("memory of all processes", memories, "x", 1.5)


if __name__ == "__main__":
    main()

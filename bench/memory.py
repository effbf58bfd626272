#!/usr/bin/python3
"""How much memory bkmond takes for itself: without anything to watch, and with ten thousand jobs that were all asked for. It is what no file
backs (RssAnon), the memory that a server cannot use for anything else; program text and libraries are shared and come back by themselves."""
import time

import stock
from measure import MIB, Daemon, main, sized
from status import ask

TITLE = "Anonymous memory of bkmond"
PROMISE = "At most 10 MiB idle, at most 40 MiB with 10,000 jobs."


def rest(daemon, seconds=3):
    time.sleep(sized(seconds, 0.5))
    return daemon.anonymous() / MIB


def measure(bench):
    idle = Daemon(bench).jobs([], "0 0 * * *")
    idle.configure(f"state: {idle.state}\ncontrol: {{socket: {idle.socket}}}\n")
    idle.start()
    bench.limit("idle", [rest(idle)], "MiB", 10)
    idle.stop()
    daemon = Daemon(bench).jobs(stock.pairs(), "0 0 * * *")
    daemon.start().settled()
    bench.limit("10,000 jobs, the first start", [rest(daemon)], "MiB", 40)
    daemon.stop()
    stock.all_well(daemon)
    daemon.start().settled()
    bench.limit("10,000 jobs", [rest(daemon)], "MiB", 40)
    for _ in range(3):
        ask(daemon)
    bench.limit("10,000 jobs, after status was asked for", [rest(daemon)], "MiB", 40)
    daemon.ctl("reload")
    bench.limit("10,000 jobs, after the configuration was read again", [rest(daemon)], "MiB", 40)


if __name__ == "__main__":
    main()

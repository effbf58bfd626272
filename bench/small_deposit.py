#!/usr/bin/python3
"""How long after its last byte a small backup is promoted and recorded: the moment from which it survives a power cut and `status` says ok. The
agent writes as rsync does, the report last; the settings are those of an operator who sets none. It contains noticing the file, reading the
report, copying and hashing, the sandboxed inspection, reading back from the disk, every fsync and three commits; the bare sequence beside it
is a loop that does only these fsyncs and commits. The quiet time (settle) is not in it: bytes that match size and hash need no waiting."""
import gzip
import os
import subprocess
import time

from measure import Daemon, dump, main, place, program, sha256, sized

TITLE = "A small deposit, from its last byte to promoted and recorded"
PROMISE = "The median is at most 2 times the bare sequence of the same fsyncs and commits, and 10 ms."


def measure(bench):
    count = sized(60, 3)
    agents = [f"SHOP_CITY_{n:03}" for n in range(count)]
    daemon = Daemon(bench).jobs([(agent, "MAIN") for agent in agents], "0 0 * * *")
    for agent in agents:
        daemon.agent(agent)
    daemon.start().settled()
    watch = daemon.watch()
    bare_home = bench.folder()
    bare = subprocess.Popen([program("bench_bare"), "deposit", str(bare_home / "vault"), str(bare_home / "ledger.db")], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True)
    bench.stage.addCleanup(bare.wait)
    bench.stage.addCleanup(bare.stdin.close)
    pairs = []
    for n, agent in enumerate(agents):
        data = gzip.compress(dump(rows=300, text=os.urandom(16).hex() + str(n)))
        source = bare_home / "main.sql.gz"
        source.write_bytes(data)
        place(daemon.root / agent / "database/main.sql.gz", data)
        ours = daemon.report_and_wait(watch, agent, "MAIN", "main.sql.gz", len(data), sha256(data))
        bare.stdin.write(f"{source} {agent}/MAIN/main.sql.gz\n")
        bare.stdin.flush()
        pairs.append((ours, float(bare.stdout.readline())))
        time.sleep(0.05)  # the next one finds the daemon at rest
    bench.ratios("last byte to recorded, less 10 ms", pairs, at_most=2, plus=0.010)
    bench.figure("last byte to recorded, median", sorted(o for o, _ in pairs)[count // 2] * 1000, "ms")
    bench.figure("the bare sequence, median", sorted(r for _, r in pairs)[count // 2] * 1000, "ms")


if __name__ == "__main__":
    main()

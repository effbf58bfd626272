#!/usr/bin/python3
"""How long one waits for a scan of a thousand outlets on a network without delay, where the servers (one samba on this machine with a thousand
addresses) are what it waits for. Beside it as many bare processes with libsmbclient that only list, know nothing of each other and record
nothing. Then with every tenth address dead: nothing ever comes back from there, as from a shop whose line is down. Then a mode with five
drive letters of which the right one is remembered, beside a mode with one. Each round every server has a new backup, and every one must be found."""
from measure import main, sized
from servers import Others, Scanner, bed, furnish, newer
from smb_bed import BlackHoles

TITLE = "1,000 outlets on a network without delay"
PROMISE = "At most 1.15 x a bare libsmbclient pool of the same size; with 10 % dead addresses 3 s more; five letters, remembered: 1.3 x one."
SERVERS, WORKERS = sized(1000, 20), 32
LETTERS = ["e$", "f$", "g$", "h$", "i$"]
USB = {"name": "ibstorage", "shares": '["' + '", "'.join(LETTERS) + '"]'}


def measure(bench):
    ground = bed(bench, SERVERS)
    for n, server in enumerate(ground.servers):
        furnish(server, LETTERS[n % 5])
    daemon = Scanner(bench, ground.servers, ground.port, [{}, USB], WORKERS).start()
    others = Others(bench, ground.servers, ground.port)

    def ours(mode="d-drive", scanner=daemon, servers=ground.servers):
        names = {}
        for n, server in enumerate(servers):
            names.update(newer([server], "d$" if mode == "d-drive" else LETTERS[n % 5]))
        took = scanner.scan(mode)[0]
        scanner.check(names, mode)
        return took
    ours()
    bench.ratio("beside a bare libsmbclient pool", ours, lambda: others.pool(WORKERS, newer(ground.servers))[0], 5, at_most=1.15)
    bench.figure("a second", SERVERS / bench.rows[-1]["seconds"], "outlets")
    ours("ibstorage")  # finds the letters
    bench.ratio("five letters, remembered", lambda: ours("ibstorage"), ours, 5, at_most=1.3)

    dead = [f"127.7.{n // 250}.{n % 250 + 1}" for n in range(SERVERS // 10)]
    BlackHoles(bench.stage, dead, ground.port)
    alive = ground.servers[:SERVERS - len(dead)]
    partly = Scanner(bench, alive, ground.port, workers=WORKERS, others=dead).start()
    pairs = []
    for n in range(sized(5, 1)):
        pairs.append((ours(scanner=partly, servers=alive), ours()))
        bench.say(f"{len(dead)} of {SERVERS} dead: round {n + 1}: {pairs[-1][0]:.2f} s beside {pairs[-1][1]:.2f} s")
    bench.ratios("every tenth address is dead", pairs, at_most=1, plus=3.0)
    partly.stop()
    daemon.stop()


if __name__ == "__main__":
    main()

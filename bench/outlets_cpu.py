#!/usr/bin/python3
"""What a scan of all outlets costs the machine that looks: processor time of bkmond, of its workers and of the command that asked, for the newest backup
on each of a thousand servers, judged and recorded. Beside it what people use today on the same servers, which only lists: a script with
impacket and 64 threads, and one smbclient a server, 64 at once. Each round every server has a new backup, whose name tells whose it is; all must
have found every one. The servers are a thousand addresses of one samba on this machine, whose own time is not counted."""
from measure import main, sized
from servers import Others, Scanner, bed, newer

TITLE = "Processor time for 1,000 outlets, listing only"
PROMISE = "At most 1/6 of an impacket client with 64 threads, at most 1/10 of xargs -P64 smbclient."
SERVERS = sized(1000, 25)


def measure(bench):
    ground = bed(bench, SERVERS)
    daemon = Scanner(bench, ground.servers, ground.port).start()
    others = Others(bench, ground.servers, ground.port)

    def ours(names):
        _, cpu, _ = daemon.scan()
        daemon.check(names)
        return cpu
    against = {"impacket, 64 threads": lambda names: others.impacket(names)[1], "xargs -P64 smbclient": lambda names: others.smbclient(names)[1],
               "a bare libsmbclient pool of 32": lambda names: others.pool(32, names)[1]}
    ours(newer(ground.servers))  # what is read for the first time is read now
    pairs = {what: [] for what in against}
    for n in range(sized(5, 1)):
        names = newer(ground.servers)
        seconds = ours(names)
        for what, client in against.items():
            pairs[what].append((seconds, client(names)))
        bench.say(f"round {n + 1}: {seconds:.2f} s beside " + ", ".join(f"{p[-1][1]:.2f} s ({what})" for what, p in pairs.items()))
    for (what, p), least in zip(pairs.items(), (6, 10, None)):
        bench.ratios(f"less than {what}" if least else f"beside {what}", p, at_least=least)
    bench.figure("processor time for each outlet", bench.rows[0]["seconds"] / SERVERS * 1000, "ms")
    daemon.stop()


if __name__ == "__main__":
    main()

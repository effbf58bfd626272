#!/usr/bin/python3
"""What it costs to look inside: for the newest backup of each of a thousand servers its first and last 64 KiB are read (now and then 64 KiB more), which tell
which database it is of, when it was made, and whether its end is there. Beside it the same scan that looks at names, sizes and dates alone. It is
processor time of bkmond, its workers and the command that asked. The backups are synthetic ones of 4 GB whose data is a hole; each round
every server has a new one, and every one must be found, read, and said to be whole."""
from measure import main, sized
from servers import FOLDER, Scanner, bed, mtf_of, newer

TITLE = "Looking inside the newest backup of 1,000 outlets"
PROMISE = "At most 25 % more processor time, at most 192 KiB read for each outlet."
SERVERS = sized(1000, 20)


def measure(bench):
    ground = bed(bench, SERVERS)
    model = mtf_of(ground)
    inside = Scanner(bench, ground.servers, ground.port, [{"verify": "header"}]).start()
    outside = Scanner(bench, ground.servers, ground.port).start()

    def look(daemon):
        names = newer(ground.servers, model=model)
        if sized(True, False):
            daemon.rested()
        took, cpu, _ = daemon.scan()
        daemon.check(names)
        return took, cpu
    look(inside), look(outside)
    cpu, wall, read = [], [], []
    for n in range(sized(5, 1)):
        first = (inside, outside) if n % 2 == 0 else (outside, inside)
        measured = {d: look(d) for d in first}
        cpu.append((measured[inside][1], measured[outside][1]))
        wall.append((measured[inside][0], measured[outside][0]))
        bench.say(f"round {n + 1}: {cpu[-1][0]:.2f} s beside {cpu[-1][1]:.2f} s of processor time, {wall[-1][0]:.2f} s beside {wall[-1][1]:.2f} s")
    for server in ground.servers[:: max(1, SERVERS // 50)]:
        content = inside.evidence(server)["content"]
        if content["reading"]["whole"] != {"value": "whole", "sure": "proven"}:
            raise SystemExit(f"{server.address}/{FOLDER}: {content}")
        read.append(content["bytes_read"] / 1024)
    bench.ratios("processor time", cpu, at_most=1.25)
    bench.limit("read for an outlet", read, "KiB", 192, every=True)
    bench.ratios("time", wall)
    inside.stop()
    outside.stop()


if __name__ == "__main__":
    main()

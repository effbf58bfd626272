#!/usr/bin/python3
"""How fast bkmond works off ten thousand small backups that lie there all at once, 20 from each of 500 agents, as after a night without it: each one
copied, hashed, inspected in its own sandbox, proven from the disk and recorded. Beside it a loop that does the same copies and fsyncs and
nothing else. The files in the vault are hashed afterwards: none may be lost or differ."""
import gzip
import hashlib
import json
import os
import random
import shutil
import subprocess
import time

from measure import WORK, Daemon, claim, dump, main, program, room, sized

TITLE = "10,000 deposits of 16 KiB from 500 agents at once"
PROMISE = "All decided, nothing lost, at least 0.5 of the rate of a bare loop doing the same copies and fsyncs."
AGENTS, EACH = sized(500, 4), sized(20, 3)


def write_sources(folder):
    """One folder for each agent with its files and its report. -> {(agent, file): sha256}"""
    digests, rng = {}, random.Random(7)
    for n in range(AGENTS):
        agent = f"SHOP_CITY_{n:03}"
        for part in ("database", "log"):
            (folder / agent / part).mkdir(parents=True)
        entries = {}
        for d in range(EACH):
            file = f"MAIN{d:02}.sql.gz"
            data = gzip.compress(dump(rows=1, text=rng.randbytes(13900).hex()).replace(b"Database: MAIN", f"Database: MAIN{d:02}".encode()), 1)
            (folder / agent / "database" / file).write_bytes(data)
            digests[agent, file] = hashlib.sha256(data).hexdigest()
            entries[f"MAIN{d:02}"] = claim(file, len(data), digests[agent, file])
        end = entries["MAIN00"]["BACKUP"]["end_time"]
        report = {"operation_start_time": end, "operation_end_time": end, "agent_id": agent, "overall_status": "completed", "databases": entries}
        (folder / agent / "log/STATUS.json").write_text(json.dumps(report))
    return digests


def take_all(bench, sources, digests):
    """Seconds until the last of all is recorded as ok."""
    home = bench.folder()
    daemon = Daemon(bench, home=home).jobs([(f"SHOP_CITY_{n:03}", f"MAIN{d:02}") for n in range(AGENTS) for d in range(EACH)], "0 0 * * *")
    staged = home / "staged"
    shutil.copytree(sources, staged)
    subprocess.run(["sync", "-f", str(home)], check=True)
    daemon.start().settled()
    watch = daemon.watch()
    bench.say("the daemon rests, the deposits come")
    cpu, began = daemon.cpu(), time.monotonic()
    for agent in sorted(os.listdir(staged)):
        os.rename(staged / agent, daemon.root / agent)
    well, other, rest = 0, [], b""
    while well < len(digests):
        got = rest + watch.socket.recv(1 << 20)
        whole, _, rest = got.rpartition(b"\0")
        well += whole.count(b'"status":"ok"')
        other += [frame for frame in whole.split(b"\0") if b'"type":"verdict"' in frame and b'"status":"ok"' not in frame and b'"status":"late"' not in frame]
        if other:
            raise SystemExit(f"not every deposit is ok: {other[0]}\n{daemon.text()[-2000:]}")
    took = time.monotonic() - began
    bench.say(f"{len(digests) / took:.0f} a second, {(daemon.cpu() - cpu) / len(digests) * 1000:.2f} ms of the daemon's processor time each")
    daemon.stop()
    for (agent, file), digest in digests.items():
        kept = daemon.vault / agent / file.split(".")[0] / file
        if hashlib.sha256(kept.read_bytes()).hexdigest() != digest:
            raise SystemExit(f"{kept} is not what {agent} sent")
    shutil.rmtree(home)
    return took


def bare(bench, sources):
    vault = bench.folder()
    subprocess.run(["sync", "-f", str(vault)], check=True)
    done = subprocess.run([program("bench_bare"), "many", str(vault), str(sources)], check=True, capture_output=True, text=True)
    shutil.rmtree(vault)
    return float(done.stdout.split()[0])


def measure(bench):
    room(WORK, 3 << 30)
    sources = bench.folder()
    digests = write_sources(sources)
    bench.ratio("all recorded", lambda: take_all(bench, sources, digests), lambda: bare(bench, sources), 3, at_least=0.5)
    bench.figure("a second", len(digests) / bench.rows[-1]["seconds"], "deposits")


if __name__ == "__main__":
    main()

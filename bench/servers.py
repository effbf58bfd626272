"""What the benches about outlets share: servers that are real ones, a bkmond that scans them, and other clients that list the same folders."""
import contextlib
import json
import os
import pathlib
import resource
import socket
import subprocess
import time

from measure import Daemon, Skipped, program

import outlets  # tests/support; measure.py made it known
import smb_bed
from outlets import FOLDER
from smb_bed import PASSWORD, USER, SmbBed

HERE = pathlib.Path(__file__).resolve().parent


def bed(bench, servers, **more):
    """One smbd with so many addresses; each has a folder as an outlet has: the last backups of one database and what belongs to them. newer() gives
    each one whose name tells whose it is."""
    if smb_bed.missing():
        raise Skipped(smb_bed.missing())
    made = SmbBed(bench.stage, servers, **more)
    for server in made.servers:
        furnish(server)
    return made.start()


def furnish(server, share="d$"):
    for day in range(1, 9):
        server.put(share, FOLDER, f"SALES_{day:02}.bak", 4_000_000_000 + day, age=86400 * day)
        server.put(share, FOLDER, f"SALES_{day:02}.txt", 900, age=86400 * day)
    server.put(share, FOLDER, "small.bak", 100, age=60)


def newer(servers, share="d$", model=None):
    """Each has a backup of its own that is newer than all it had; {address: its name}. So nobody can tell what he knew before. model: a file of which
    it is another name, and not a hole."""
    newer.count += 1
    names = {}
    for server in servers:
        names[server.address] = f"of_{server.address}_{newer.count}.bak"
        age = 7 * 3600 - newer.count  # long enough that nobody takes it for one that is just being written
        if model:
            server.date(model, age)
            os.link(model, server.share(share) / FOLDER / names[server.address])
        else:
            server.put(share, FOLDER, names[server.address], 4_200_000_000 + newer.count, age=age)
        old = server.share(share) / FOLDER / f"of_{server.address}_{newer.count - 1}.bak"
        old.unlink(missing_ok=True)  # as many files in each round
    return names


newer.count = 0


def mtf_of(ground):
    """A backup of 4 GB as SQL Server would have written it seven hours ago, beside the servers of this bed."""
    when = time.time() - 7 * 3600
    at = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(when - earlier)) for earlier in (900, 300)]
    path = ground.home / "model"
    subprocess.run([program("bench_mtf"), "--out", str(path), "--database", "SALES", "--started", at[0], "--finished", at[1], "--zone", "0", "--size", "4000000000"],
                   check=True)
    return path


class Scanner(Daemon):
    """A bkmond with outlets: the servers of one bed, or of several on the same port."""

    def __init__(self, bench, servers, port, modes=({},), workers=32, more="", others=(), **options):
        """others: addresses at which nobody is."""
        super().__init__(bench, **options)
        self.servers = list(servers)
        rows = [(code(s.address), s.address) for s in self.servers] + [(code(a), a) for a in others]
        self.configure(outlets.configuration(self, rows, [{"port": port, **m} for m in modes], workers, more))

    def scan(self, mode="d-drive"):
        """(seconds, of processor time of bkmond, its workers and bkmonctl, what the scan says at its end)"""
        before, began = tree_cpu(self.process.pid), time.monotonic()
        done, own = waited([str(program_of("bkmonctl")), "--socket", str(self.socket), "--json", "outlets", "scan", "--mode", mode])
        took = time.monotonic() - began
        said = json.loads(done.strip().splitlines()[-1])
        return took, own + tree_cpu(self.process.pid) - before, said

    def check(self, names, mode="d-drive"):
        """Each outlet's file is its own. names: {address: file}"""
        rows = {t["id"].lower(): t for t in self.json("status", "--kind", "outlet")["targets"]}
        for address, name in names.items():
            row = rows[outlets.target(code(address), mode)]
            if row["status"] != "ok" or row["file"] != name:
                raise SystemExit(f"{row['id']}: {row['status']}, {row['file']} instead of {name}: {row['reason']}")

    def evidence(self, server, mode="d-drive"):
        return self.json("explain", outlets.target(code(server.address), mode))["evidence"]

    def processes(self):
        return [self.process.pid, *children(self.process.pid)]

    def workers(self):
        """Without the one that they are born of."""
        return [pid for pid in children(self.process.pid) if outlets.command_of(pid, 1) != "--nursery"]

    def rested(self):
        """Its workers are gone, as before a scan that comes once a night. Else who scanned last would find his own, and who did not would make them."""
        deadline = time.monotonic() + 60
        while self.workers():
            if time.monotonic() > deadline:
                raise SystemExit(f"{len(self.workers())} workers stay though nobody needs them")
            time.sleep(0.1)


def code(address):
    return "S" + address.replace(".", "_")


def program_of(name):
    return pathlib.Path(os.environ["BKMON_BIN_DIR"]) / name


# --- processor time and memory of several processes


def children(pid):
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            found += [int(c) for c in (task / "children").read_text().split()]
    return found


def tree_cpu(pid):
    """Seconds of this process, of its children, and of those of them that have ended."""
    total = 0.0
    for one in (pid, *children(pid)):
        with contextlib.suppress(OSError):
            for task in pathlib.Path(f"/proc/{one}/task").iterdir():
                total += int((task / "schedstat").read_text().split()[0]) / 1e9
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return total + (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def waited(command, **more):
    """(what it wrote, seconds of processor time of it and of everybody it waited for)"""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, **more)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise SystemExit(f"{command}: {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def pss(pids):
    """Bytes of memory of these processes together: what several share counts once."""
    total = 0
    for pid in pids:
        try:
            text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
        except PermissionError:
            raise Skipped("the memory of a process that hides from its own user can be read by root alone") from None
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")) * 1024
    return total


# --- other clients


class Others:
    """They list d$ of the same servers; each gives (seconds, seconds of processor time). names: {address: file} that they must find."""

    def __init__(self, bench, servers, port, namespace=None):
        self.home, self.port, self.namespace = bench.folder(), port, namespace
        self.addresses = "".join(f"{s.address}\n" for s in servers)
        self.env = {**os.environ, "HOME": str(self.home), "BED_USER": USER, "BED_PASSWORD": PASSWORD}
        (self.home / ".smb").mkdir()
        (self.home / ".smb/smb.conf").write_text("")
        (self.home / "login").write_text(f"username={USER}\npassword={PASSWORD}\ndomain=BEDGRP\n")

    def _run(self, command):
        began = time.monotonic()
        out, cpu = waited(command, input=self.addresses, env=self.env, preexec_fn=(lambda: smb_bed.enter(self.namespace)) if self.namespace else None)
        return out, (time.monotonic() - began, cpu)

    @staticmethod
    def _check(out, names):
        got = dict(line.split(" ", 1) for line in out.splitlines())
        wrong = {a: got.get(a) for a, name in names.items() if got.get(a) != name}
        if wrong:
            raise SystemExit(f"{len(wrong)} of {len(names)} were not listed: {list(wrong.items())[:3]}")

    def pool(self, workers, names):
        """libsmbclient in so many processes, and nothing else."""
        out, took = self._run([program("bench_listing"), str(workers), str(self.port), "d$", FOLDER])
        self._check(out, names)
        return took

    def impacket(self, names, threads=64):
        out, took = self._run(["/usr/bin/python3", str(HERE / "impacket_listing.py"), str(threads), str(self.port), "d$", FOLDER])
        self._check(out, names)
        return took

    def smbclient(self, names, at_once=64):
        out, took = self._run(["xargs", f"-P{at_once}", "-I{}", "smbclient", "-A", str(self.home / "login"), "-p", str(self.port), "//{}/d$", "-D", FOLDER,
                               "-c", "dir *.bak"])
        wrong = [a for a, name in names.items() if name not in out]
        if wrong:
            raise SystemExit(f"{len(wrong)} of {len(names)} were not listed: {wrong[:3]}")
        return took


# --- networks of one's own


def need_root():
    if os.geteuid() != 0:
        raise Skipped("needs root: makes network namespaces")


class Namespace:
    """A network of its own, which ends with the bench."""

    def __init__(self, bench):
        self.process = subprocess.Popen(["unshare", "--net", "sh", "-c", "ip link set lo up && echo up && exec sleep infinity"], stdout=subprocess.PIPE, text=True)
        bench.stage.addCleanup(self.end)
        if self.process.stdout.readline().strip() != "up":
            raise Skipped("no network namespace can be made here")
        self.path = f"/proc/{self.process.pid}/ns/net"

    def ip(self, *arguments):
        subprocess.run(["ip", *arguments], check=True, preexec_fn=lambda: smb_bed.enter(self.path))

    def end(self):
        self.process.kill()
        self.process.communicate()


class Distance:
    """Two namespaces with a line between them that takes `milliseconds` for a round trip. `near` is where the client is, in `far` every 10.1.x.y is
    an address of a server."""

    def __init__(self, bench, milliseconds):
        need_root()
        if not pathlib.Path("/dev/net/tun").exists():
            raise Skipped("there is no /dev/net/tun")
        self.near, self.far = Namespace(bench), Namespace(bench)
        self.line = subprocess.Popen([program("bench_delay"), self.near.path, "far", self.far.path, "near", str(milliseconds // 2)], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, text=True)
        bench.stage.addCleanup(self.end)
        if self.line.stdout.readline().strip() != "ready":
            raise Skipped("no line between two network namespaces can be made here")
        for side, device, own in ((self.near, "far", "10.2.0.1/32"), (self.far, "near", "10.2.0.2/32")):
            side.ip("address", "add", own, "dev", device)
            side.ip("link", "set", device, "up", "txqueuelen", "10000")
        self.near.ip("route", "add", "10.1.0.0/16", "dev", "far")
        self.far.ip("route", "add", "10.2.0.1/32", "dev", "near")
        self.far.ip("route", "add", "local", "10.1.0.0/16", "dev", "lo")

    def round_trip(self, address, port):
        """Seconds for a connection to be made."""
        with smb_bed.inside(self.near.path), socket.socket() as s:
            s.settimeout(10)
            began = time.monotonic()
            s.connect((address, port))
            return time.monotonic() - began

    def end(self):
        self.line.stdin.close()
        self.line.wait(timeout=10)
        self.line.stdout.close()

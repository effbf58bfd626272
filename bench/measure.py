"""What the benches share: interleaved rounds, ratios and limits with their spread, a bkmond of one's own, and where results are written.

A bench is a file of this folder with TITLE, PROMISE and measure(bench); its first comment says what its numbers mean to an operator. WHY, when
there is one, tells of a row whose bar is not met why that is so."""
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[1]
SMOKE = os.environ.get("BKMON_BENCH") == "smoke"  # tiny sizes, nothing is kept: that it runs at all
BUILD = pathlib.Path(os.environ.get("BKMON_BUILD_DIR", SOURCE / "build/release"))
os.environ.setdefault("BKMON_BIN_DIR", str(BUILD / "bin"))
sys.path.insert(0, str(SOURCE / "tests/support"))
import harness  # noqa: E402
import varlink_client  # noqa: E402
from harness import dump, place, report, sha256, utc  # noqa: E402,F401  for the benches

PROGRAMS = BUILD / "bench"
WORK = BUILD / "bench-work" if SMOKE else SOURCE / "build/bench"  # on a disk: memory would make every fsync free
RESULTS = BUILD / "bench-results" if SMOKE else SOURCE / "bench/results"
MIB = 1 << 20
TURN_LIMIT = 0.05


class Skipped(Exception):
    """This machine cannot measure it."""


def sized(full, smoke):
    return smoke if SMOKE else full


class Stage(harness.Case):
    """Where a bench's folders and daemons live; what it began ends with it."""

    def runTest(self):
        pass


class Bench:
    def __init__(self, module):
        self.name = pathlib.Path(module.__file__).stem
        self.module = module
        self.rows, self.loops = [], []
        WORK.mkdir(parents=True, exist_ok=True)
        tempfile.tempdir = str(WORK)
        self.stage = Stage()
        self.began = time.monotonic()

    def say(self, text):
        print(f"    {text}", flush=True)

    def folder(self):
        return self.stage.folder()

    def daemon(self, **more):
        return Daemon(self, **more)

    # --- rows

    def ratio(self, what, ours, reference, rounds, at_most=None, at_least=None, means=""):
        """Seconds of both, one after the other in each round. at_most: ours may take so many times as long; at_least: of its speed."""
        pairs, rounds = [], sized(rounds, 1)
        for n in range(rounds):
            pair = [0.0, 0.0]
            for which in ((0, 1) if n % 2 == 0 else (1, 0)):  # who is first changes: neither always gets the warm machine
                pair[which] = (ours, reference)[which]()
            pairs.append(pair)
            self.say(f"{what}: round {n + 1} of {rounds}: {pair[0]:.3f} s beside {pair[1]:.3f} s")
        self.ratios(what, pairs, at_most, at_least, means)

    def ratios(self, what, pairs, at_most=None, at_least=None, means="", plus=0.0):
        """pairs of seconds, ours and the reference. plus: seconds that ours may take beside its multiple."""
        values = [r / o if at_least is not None else (o - plus) / r for o, r in pairs]
        self._row(what, values, "x", at_most, at_least, means,
                  seconds=statistics.median(o for o, _ in pairs), reference_seconds=statistics.median(r for _, r in pairs), **({"plus_seconds": plus} if plus else {}))

    def limit(self, what, values, unit, at_most, means="", every=False):
        """every: the largest value counts, not the median."""
        self._row(what, list(values), unit, at_most, None, means, **({"every": True} if every else {}))

    def figure(self, what, value, unit, means=""):
        """Beside the bars: what explains them."""
        self._row(what, [value], unit, None, None, means)

    def _row(self, what, values, unit, at_most, at_least, means, **more):
        median = statistics.median(values)
        counted = max(values) if more.get("every") else median
        met = None if at_most is None and at_least is None else counted <= at_most if at_most is not None else counted >= at_least
        row = {"what": what, "unit": unit, "median": rounded(median), "low": rounded(min(values)), "high": rounded(max(values)), "rounds": len(values),
               "at_most": at_most, "at_least": at_least, "met": met, "means": means}
        row.update({k: v if isinstance(v, bool) else rounded(v) for k, v in more.items()})
        self.rows.append(row)
        bar = "" if met is None else f", {'at most' if at_most is not None else 'at least'} {at_most if at_most is not None else at_least}: {'met' if met else 'NOT MET'}"
        self.say(f"{what}: {rounded(median)} {unit} ({rounded(min(values))} to {rounded(max(values))}){bar}")

    # --- the end

    def finish(self):
        self.stage.doCleanups()
        if self.loops:
            for key, what in (("longest_cpu", "longest turn of the loop, processor time"), ("wall_p999", "999 of 1000 turns of the loop, by the clock")):
                self.limit(what, [loop[key] * 1000 for loop in self.loops], "ms", TURN_LIMIT * 1000, every=True)
            self.figure("longest turn of the loop, by the clock", max(loop["longest_wall"] for loop in self.loops) * 1000, "ms")
        RESULTS.mkdir(parents=True, exist_ok=True)
        result = {"name": self.name, "title": self.module.TITLE, "promise": self.module.PROMISE, "meaning": meaning(self.module),
                  "date": time.strftime("%Y-%m-%d", time.gmtime()), "machine": machine(), "seconds": round(time.monotonic() - self.began),
                  "rows": self.rows}
        path = RESULTS / f"{self.name}.json"
        path.write_text(json.dumps(result, indent=1) + "\n")
        return all(row["met"] is not False for row in self.rows)


class Daemon(harness.Daemon):
    """A bkmond of the bench's own, with the settings that an operator gets who sets none."""

    def __init__(self, bench, **more):
        super().__init__(bench.stage, **more)
        self.bench = bench

    def jobs(self, pairs, schedule, **defaults):
        """pairs of agent and database. The rest is as delivered, also how long bytes must rest."""
        base = {"schedule": f'"{schedule}"', "path": '"{agent}/{database}/{file}"', **defaults}
        lines = [f"state: {self.state}", f"control: {{socket: {self.socket}}}", "deposits:", f"  root: {self.root}", f"  vault: {self.vault}",
                 "  defaults: {" + ", ".join(f"{k}: {v}" for k, v in base.items()) + "}", "  jobs:"]
        lines += [f"    - {{agent: {a}, database: {d}}}" if isinstance(d, str) else f"    - {{agent: {a}, database: {d[0]}, schedule: \"{d[1]}\"}}"
                  for a, d in pairs]
        self.configure("\n".join(lines) + "\n")
        return self

    def client(self, timeout=120):
        client = varlink_client.Client(self.socket, timeout)
        self.bench.stage.addCleanup(client.socket.close)
        return client

    def watch(self):
        """Every verdict from now on, as a client that is following already."""
        client = self.client()
        client.send("io.bkmon.Targets.Watch", {}, more=True)
        time.sleep(0.2)
        return client

    def report_and_wait(self, watch, agent, database, file, size, digest, status="ok"):
        """The file lies there; the report of it is the last that comes, as rsync writes it. Seconds from its rename to the verdict."""
        text = json.dumps(report(agent, {database: claim(file, size, digest)}))
        log = self.root / agent / "log"
        (log / ".STATUS.json.aB3xYz").write_text(text)
        target = f"deposit/{agent}/{database}".lower()
        began = time.monotonic()
        os.rename(log / ".STATUS.json.aB3xYz", log / "STATUS.json")
        while True:
            event = watch.receive()[0]["event"]
            if event["type"] != "verdict" or (event["target"] or "").lower() != target or event["status"] == "late":
                continue
            took = time.monotonic() - began
            if event["status"] != status:
                raise SystemExit(f"{target} is {event['status']}: {event['reason']}")
            return took

    def settled(self):
        """Until the first look at the deposits is over."""
        with varlink_client.Client(self.socket, 120) as client:
            self.case.until("the first look ends", lambda: not client.call("io.bkmon.Daemon.Version")["degraded"], 60)
        return self

    def cpu(self):
        """Seconds of processor time of all its threads."""
        total = 0
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9

    def anonymous(self):
        """Bytes of memory that are its own and no file's."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
        raise Skipped("the kernel does not tell RssAnon")

    def stop(self, *arguments):
        """How busy its loop was is read before it goes."""
        if self.process is not None and self.process.poll() is None and not arguments:
            try:
                with varlink_client.Client(self.socket, 20) as client:
                    self.bench.loops.append(client.call("io.bkmon.Daemon.Version")["loop"])
            except OSError:
                pass
        return super().stop(*arguments)


# --- small things


def claim(file, size, digest, end=None):
    """What a report says of one file."""
    end = end or utc()
    stage = {"status": True, "start_time": end, "end_time": end, "sha256_checksum": digest, "size": size}
    return {"BACKUP": stage, "COMPRESS": stage, "staged_file_name": file, "logs_summary": "",
            "TRANSFER": {"status": True, "start_time": end, "end_time": end, "error_message": None}}


def rounded(value):
    return float(f"{value:.4g}")


def meaning(module):
    """The first comment of a bench."""
    return " ".join(module.__doc__.split())


def machine():
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    memory = int(next(line.split()[1] for line in open("/proc/meminfo") if line.startswith("MemTotal"))) // (1 << 20)
    return f"{os.cpu_count()} x {model}, {memory} GiB, Linux {platform.release()}, {filesystem(WORK)}"


def filesystem(path):
    done = subprocess.run(["findmnt", "-no", "FSTYPE", "-T", str(path)], capture_output=True, text=True)
    return done.stdout.strip() or "unknown file system"


def program(name):
    path = PROGRAMS / name
    if not path.exists():
        raise SystemExit(f"{path} is not built: bench/run builds it, or: cmake --build {BUILD} --target bench_programs")
    return str(path)


def timed(*arguments, **more):
    """Seconds of a command that must succeed."""
    began = time.monotonic()
    done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, stdin=more.pop("stdin", subprocess.DEVNULL), **more)
    took = time.monotonic() - began
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, arguments))}: {done.returncode}\n{done.stdout}{done.stderr}")
    return took


def together(*commands):
    """Seconds until the last of several commands that begin at once has ended."""
    began = time.monotonic()
    running = [subprocess.Popen([str(a) for a in c], stdout=subprocess.DEVNULL) for c in commands]
    codes = [p.wait() for p in running]
    if any(codes):
        raise SystemExit(f"{commands}: {codes}")
    return time.monotonic() - began


def room(path, bytes_needed):
    free = shutil.disk_usage(path).free
    if free < bytes_needed:
        raise Skipped(f"{bytes_needed >> 30} GiB are needed, {free >> 30} are free")


def random_file(path, size):
    """Bytes that nothing can shorten, made quickly."""
    with open(path, "wb") as out:
        subprocess.run(["openssl", "enc", "-aes-128-ctr", "-pass", "pass:bkmon", "-nosalt", "-md", "sha256"], check=True, stderr=subprocess.DEVNULL,
                       stdin=subprocess.Popen(["head", "-c", str(size), "/dev/zero"], stdout=subprocess.PIPE).stdout, stdout=out)
    return path


def warm(folder, size):
    """Memory that a virtual machine has not used yet comes from its host page by page, ten times as slowly as its own: only the first would pay."""
    path = folder / "warm"
    with open(path, "wb") as out:
        for _ in range(0, size, 1 << 20):
            out.write(bytes(1 << 20))
    path.unlink()


def sql_dump(path, size):
    """A plain dump as mysqldump writes it, at least so long. Half of each row is chance, half what every row has: it packs to about a quarter."""
    alike = "some words that every row of this table has; " * 23
    with open(path, "wb") as out:
        out.write(dump(rows=2).split(b"INSERT")[0])
        row = 0
        while out.tell() < size:
            chance = os.urandom(1 << 19).hex()
            rows = [f"INSERT INTO `t` VALUES ({row + n},'{chance[n << 10:(n + 1) << 10]}','{alike}');\n" for n in range(1 << 10)]
            out.write("".join(rows).encode())
            row += len(rows)
        out.write(b"-- Dump completed on 2026-11-22  3:04:05\n")
    return written(path)


def written(path):
    """On the disk: else the first round would wait for what was written to prepare it."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
    return path


def digest_of(path):
    done = subprocess.run(["openssl", "dgst", "-sha256", "-r", str(path)], check=True, capture_output=True, text=True)
    return done.stdout.split()[0]


def drop_cache(path):
    """Written and forgotten, so that the next read is one of the disk."""
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)


def run_one(module):
    """0: every bar met, 1: not, 77: it could not be measured here."""
    print(f"--- {module.TITLE}", flush=True)
    bench = Bench(module)
    try:
        module.measure(bench)
    except Skipped as e:
        bench.stage.doCleanups()
        print(f"    skipped: {e}", flush=True)
        return 77
    except BaseException:
        bench.stage.doCleanups()
        raise
    return 0 if bench.finish() else 1


def main():
    """For a bench that is called by itself."""
    sys.exit(run_one(sys.modules["__main__"]))

"""What a real server said, said again with bits flipped: to a worker alone, and to bkmond. Whatever comes of it, a worker answers or dies within its time, never takes a
forged answer for a signed one, and costs nobody else anything."""
import collections
import dataclasses
import pathlib
import random
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from harness import FULL, SLOWER, Case, fact, main, seed, utc  # noqa: E402
from hostile_smb import CUT, SILENCE, HostileNet, Recorder, Replay, flip  # noqa: E402
from mtf_files import write_mtf  # noqa: E402
from outlets import Outlets, target  # noqa: E402
from smb_bed import SmbBed  # noqa: E402
from smb_visits import Died, Late, Worker  # noqa: E402

FLIPS = 100_000 if FULL else 200
THREADS = 8
OUTLETS = 2_000 if FULL else 40  # shown to bkmond
AT_ONCE = 200 if FULL else 40
MANY = 1000 if FULL else 100
LONGEST = 20  # seconds that a visit may take: no request may take more than one
HOURS = 3600
BUSY = 0.05
OUTCOMES = {"listed", "no_share", "no_folder", "no_drive", "access_denied", "login_refused", "account_locked", "password_expired", "clock_skew", "unreachable", "timeout", "reset",
            "protocol", "too_many", "internal"}
UNSIGNED = ("NEGOTIATE", "CHALLENGE")


@dataclasses.dataclass
class Plan:
    """Which answer is changed, and how. The same for the same number."""
    number: int
    stage: str
    turn: int
    forged: bool  # changed after it was signed
    chance: random.Random

    def __str__(self):
        return f"flip {self.number}: {self.stage} {self.turn}{' after it was signed' if self.forged else ''} (BKMON_SEED={seed()})"


class Smb(Case):
    def setUp(self):
        """A session with a real server, as it went over the wire."""
        home = self.folder()
        age = 12 * HOURS
        bed = SmbBed(self, 1, also=["server max protocol = SMB2_10"])
        bed.put(0, "d$", "BackupFull", "night.bak", data=write_mtf(home / "whole", started=utc(-age - 300), finished=utc(-age), zone=0, size=300_000).read_bytes(), age=age)
        for i in range(20):
            bed.put(0, "d$", "BackupFull", f"older_{i}.bak", size=4096, age=age + (i + 1) * HOURS)
        bed.start()
        recorder = Recorder(self, bed.servers[0].address, bed.port)
        worker = Worker()
        self.expected = self.facts(worker.visit(address="127.0.0.1", port=recorder.port))
        worker.close()
        self.assertEqual((self.expected["newest"]["name"], self.expected["content"]), ("night.bak", "read"))
        self.until("all was heard", lambda: recorder.ended)
        self.recorded = list(recorder.answers)
        bed.stop()
        self.net = HostileNet(self)
        # What it says, stage by stage.
        probe = self.replaying("127.45.255.1")[1]
        self.stages = [(stage, turn) for stage, said in probe.said.items() for turn in range(len(said))]

    @staticmethod
    def facts(visit):
        return {k: visit[k] for k in ("outcome", "newest", "future", "largest_too_small", "files", "matching", "too_small", "in_future", "content", "reading")}

    def replaying(self, address):
        server = self.net.server(address)
        return server, Replay(server, self.recorded)

    def plan(self, number, stages=None):
        chance = random.Random(seed() * 1_000_003 + number)
        stage, turn = chance.choice(stages or self.stages)
        return Plan(number, stage, turn, stage not in UNSIGNED and chance.random() < 0.3, chance)

    @staticmethod
    def carry_out(server, plan):
        """From now on the server changes that answer, on each connection the same way."""
        state = plan.chance.getstate()
        turns = collections.Counter()

        def change(stage, pdu):
            if stage == "NEGOTIATE":
                turns.clear()  # another connection: one at a time
            turns[stage] += 1
            if (stage, turns[stage] - 1) != (plan.stage, plan.turn):
                return pdu
            chance = random.Random()
            chance.setstate(state)
            # The head of it more often than what a file holds.
            if len(pdu) > 400 and chance.random() < 0.7:
                return flip(chance, pdu[:400]) + pdu[400:]
            return flip(chance, pdu)
        server.before_signing, server.after_signing = (None, change) if plan.forged else (change, None)

    def test_flips_that_a_worker_sees(self):
        began = time.monotonic()
        counts, wrong, numbers = collections.Counter(), [], iter(range(FLIPS))
        lock = threading.Lock()

        def one(server, worker, plan):
            self.carry_out(server, plan)
            start = time.monotonic()
            try:
                visit = worker.visit(seconds=LONGEST, address=server.address, port=self.net.port, request_timeout=1000)
            except Died:
                return "died", None, Worker()
            except Late:
                return "late", f"{plan}: no answer within {LONGEST} s", Worker()
            took, outcome = time.monotonic() - start, visit["outcome"]
            if outcome not in OUTCOMES:
                return outcome, f"{plan}: {visit}", worker
            if took > LONGEST * 0.75 * SLOWER:
                return outcome, f"{plan}: took {took:.1f} s", worker
            for file in (visit["newest"], visit["future"], visit["largest_too_small"]):
                if file and not (0 <= file["size"] < 1 << 63 and 0 <= file["modified"] < 253402300800000 and file["name"] and "\0" not in file["name"]):
                    return outcome, f"{plan}: {file}", worker
            if plan.forged and outcome == "listed":
                known = self.facts(visit)
                if known["content"] != "read":  # what forged reads leave open
                    known |= {k: self.expected[k] for k in ("content", "reading")}
                if known != self.expected:
                    return outcome, f"{plan}: forged, and believed: {known}", worker
            return outcome, None, worker

        def many(address):
            server, _ = self.replaying(address)
            worker, visits = Worker(), 0
            try:
                while True:
                    with lock:
                        number = next(numbers, None)
                    if number is None:
                        return
                    outcome, trouble, worker = one(server, worker, self.plan(number))
                    visits += 1
                    with lock:
                        counts[outcome] += 1
                        if trouble:
                            wrong.append(trouble)
                    if visits % 25 == 0:  # nothing is left of it
                        server.before_signing = server.after_signing = None
                        got = self.facts(worker.visit(address=server.address, port=self.net.port, seconds=LONGEST))
                        if got != self.expected:
                            wrong.append(f"before flip {number}, then without: {got}")
                        if worker.memory() > 200 << 20:
                            wrong.append(f"before flip {number}: the worker has {worker.memory()} bytes")
            except Exception as e:  # noqa: B902: said at the end
                wrong.append(f"{address}: {type(e).__name__}: {e}")
            finally:
                worker.close()
        threads = [threading.Thread(target=many, args=(f"127.45.0.{i + 1}",)) for i in range(THREADS)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertFalse(wrong, "\n".join(wrong[:20]))
        self.assertEqual(sum(counts.values()), FLIPS)
        self.assertGreater(counts["listed"], 0)
        self.assertGreater(FLIPS - counts["listed"], FLIPS // 10, "flips that do nothing")
        fact("smb_bit_flips", {"flips": FLIPS, "listed": counts["listed"], "refused": FLIPS - counts["listed"] - counts["died"], "workers died": counts["died"],
                               "violations": len(wrong)}, time.monotonic() - began)

    def test_flips_that_bkmond_sees(self):
        began = time.monotonic()
        servers = [self.replaying(f"127.46.{i // 200}.{i % 200 + 1}")[0] for i in range(AT_ONCE)]
        healthy = [self.replaying(f"127.47.0.{i + 1}")[0] for i in range(5)]
        addresses = {f"F{i:04}": s.address for i, s in enumerate(servers)} | {f"HEALTHY{i}": s.address for i, s in enumerate(healthy)}
        d = Outlets(self, self.net, [{"verify": "header"}], list(addresses.items()), 16, "  request_timeout: 1s\n  deadline: 4s").start()
        # Not those of the login: three that are refused in a row end the use of the account, as they shall.
        stages = [(s, t) for s, t in self.stages if s not in (*UNSIGNED, "LOGIN")]
        reasons, crashed = collections.Counter(), 0
        for batch in range(OUTLETS // AT_ONCE):
            for i, server in enumerate(servers):
                self.carry_out(server, self.plan(1_000_000 + batch * AT_ONCE + i, stages))
            d.scan()
            got = d.verdicts()
            for i in range(len(healthy)):
                self.assertEqual(got[target(f"HEALTHY{i}")]["status"], "ok", got[target(f"HEALTHY{i}")]["reason"])
            for i in range(AT_ONCE):
                t = got[target(f"F{i:04}")]
                reasons[t["reason_code"]] += 1
                self.assertNotEqual(t["reason_code"], "scan_fault", t["reason"])
            loop = d.client().call("io.bkmon.Daemon.Version")["loop"]
            self.assertLess(loop["longest_cpu"], BUSY * SLOWER, loop)
            self.assertIsNone(d.process.poll())
        crashed = reasons["worker_crashed"]
        self.assertGreater(reasons["fresh"], 0)
        fact("smb_flips_of_outlets", {"outlets": OUTLETS, "well": reasons["fresh"], "workers died": crashed, "violations": 0,
                                      "longest turn us": round(loop["longest_cpu"] * 1e6)}, time.monotonic() - began)


    def test_many_of_which_a_fifth_is_bad(self):
        """Silent, resetting and slow ones among those that are well: each has its verdict, and the well ones do not wait for them."""
        began = time.monotonic()
        kinds = ["silent"] * 10 + ["resets"] * 5 + ["slow"] * 5 + ["well"] * 80

        def slowly(_session, _request):
            time.sleep(0.2)

        addresses, expected = {}, {}
        for i in range(MANY):
            kind = kinds[i * 37 % 100]
            server = self.replaying(f"127.48.{i // 200}.{i % 200 + 1}")[0]
            if kind == "silent":
                server.on("ACCEPT", SILENCE)
            elif kind == "resets":
                server.on("ACCEPT", CUT)
            elif kind == "slow":
                server.on("CLOSE", slowly).on("ECHO", slowly)
            addresses[f"{kind}{i:04}"] = server.address
            expected[target(f"{kind}{i:04}")] = {"silent": ("unreachable", "timeout"), "resets": ("unreachable", "reset")}.get(kind, ("ok", "fresh"))
        d = Outlets(self, self.net, [{"verify": "header"}], list(addresses.items()), 32, "  request_timeout: 1s\n  deadline: 5s").start()
        start = time.monotonic()
        scan = d.scan()
        took = time.monotonic() - start
        got = {t: (v["status"], v["reason_code"]) for t, v in d.verdicts().items()}
        self.assertEqual({t: v for t, v in got.items() if v != expected[t]}, {})
        self.assertEqual(len(got), MANY)
        # Two tries of a second or two for each silent one, 32 at a time; 20 ms of these servers' own time for each of the others.
        bad = sum(k != "well" for k in kinds) * MANY / 100
        self.assertLess(took, (6 + 2 * 2 * bad / 32 + 0.05 * MANY) * SLOWER)
        self.assertEqual(scan["retried"], sum(e[0] == "unreachable" for e in expected.values()))
        loop = d.client().call("io.bkmon.Daemon.Version")["loop"]
        self.assertLess(loop["longest_cpu"], BUSY * SLOWER, loop)
        fact("smb_bad_among_good", {"outlets": MANY, "bad": round(bad), "scan ms": round(took * 1000), "longest turn us": round(loop["longest_cpu"] * 1e6),
                                    "violations": 0}, time.monotonic() - began)


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""What twenty rules and five silences cost when a look at everything has found something to say about each of 100,000 targets: which rule applies,
who is told and how, whether a silence covers the target and until when. Rules and silences go by kind, by target pattern and by three labels, and
most targets are looked at by all of them. bkmond does this on its loop in portions, between which it answers whoever asks: a turn is the longest
of those portions."""
import subprocess

from measure import TURN_LIMIT, main, program, sized

TITLE = "Rules and silences over 100,000 targets"
PROMISE = "Under 200 ms in total, no turn of the loop above 50 ms."
TARGETS, PORTION = sized(100000, 3000), 500


def measure(bench):
    runs = []
    for _ in range(sized(15, 2)):
        done = subprocess.run([program("bench_rules"), str(TARGETS), str(PORTION)], check=True, capture_output=True, text=True)
        runs.append([float(value) for value in done.stdout.split()])
    at_once, digest, never, silenced, _ = runs[0][2:]
    if at_once + digest + never != TARGETS:
        raise SystemExit(f"not every target was judged: {runs[0]}")
    bench.limit("all targets", [run[0] * 1000 for run in runs], "ms", 200)
    bench.limit(f"longest turn, {PORTION} targets", [run[1] * 1000 for run in runs], "ms", TURN_LIMIT * 1000, every=True)
    bench.figure("mailed at once", at_once, "targets", f"{digest:.0f} in the digest, {never:.0f} never; {silenced:.0f} of all are silenced")


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""The page about speed is what the runs measured, and no bench is forgotten."""
import json
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
import harness
import results

BENCH = harness.SOURCE / "bench"


def benches():
    return {p.stem: p.read_text() for p in BENCH.glob("*.py") if re.search(r"^PROMISE = ", p.read_text(), re.M)}


class Benches(unittest.TestCase):
    def test_the_page_is_what_the_runs_measured(self):
        done = subprocess.run([sys.executable, str(BENCH / "results.py"), "--check"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_every_bench_is_tried_in_check(self):
        tried = set(re.findall(r"def test_([a-z0-9_]+)\(", (harness.SOURCE / "tests/bench/smoke_test.py").read_text()))
        self.assertEqual(tried, set(benches()))

    def test_every_bench_says_what_its_numbers_mean(self):
        for name, text in benches().items():
            self.assertRegex(text, r'\A#!/usr/bin/python3\n"""[^"]{200,}"""\n', f"{name}: its first comment is for an operator")

    def test_every_result_is_of_a_bench_and_unchanged_in_what_it_promises(self):
        for path in (BENCH / "results").glob("*.json"):
            result = json.loads(path.read_text())
            self.assertIn(path.stem, benches(), path.name)
            self.assertIn(f'PROMISE = "{result["promise"]}"\n', benches()[path.stem], f"{path.name}: the bench promises something else by now")

    def test_what_is_not_met_says_why(self):
        for path in (BENCH / "results").glob("*.json"):
            for row in json.loads(path.read_text())["rows"]:
                if row["met"] is False:
                    self.assertIn(row["what"], results.reasons(path.stem), f"{path.stem}: its WHY is to say why this bar is not met")


if __name__ == "__main__":
    harness.main()

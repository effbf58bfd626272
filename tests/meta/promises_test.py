#!/usr/bin/python3
"""The page of promises is what the runs wrote, and every test it names exists."""
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import harness
import promises


class Promises(unittest.TestCase):
    def test_the_page_is_what_the_runs_wrote(self):
        done = subprocess.run([sys.executable, str(harness.SOURCE / "tests/promises.py"), "--check"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_every_proof_exists(self):
        """A proof is a path, or path::name with the name of a test in it."""
        for name, _, tests, _ in promises.PROMISES:
            for proof in tests:
                path, _, test = proof.partition("::")
                where = harness.SOURCE / path
                self.assertTrue(where.exists(), f"{name}: no {path}")
                if test:
                    self.assertIn(test, where.read_text(), f"{name}: no {test} in {path}")

    def test_every_fact_belongs_to_a_promise(self):
        used = {fact for _, _, _, facts in promises.PROMISES for fact in facts}
        written = set(promises.facts())
        self.assertEqual(written - used, set(), "facts that no promise shows")

    def test_every_hostile_scenario_has_a_test_of_its_name(self):
        names = re.findall(r"def (test_g\w+)", (harness.SOURCE / "tests/integration/hostile_test.py").read_text())
        named = {int(n) for name in names for n in re.findall(r"g(\d\d)", name)}
        self.assertEqual(set(range(1, 56)) - named, set(), "scenarios without a test")


if __name__ == "__main__":
    harness.main()

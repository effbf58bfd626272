#!/usr/bin/python3
"""The list of mutants fits the tree: each text to take out is there exactly once, and each test that must notice exists. tests/mutants/run builds and runs them."""
import pathlib
import sys
import unittest

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "support"), str(TESTS / "mutants")]
import harness  # noqa: E402
import mutants  # noqa: E402


class Mutants(unittest.TestCase):
    def setUp(self):
        self.list = mutants.load(harness.SOURCE)

    def test_each_text_is_there_once(self):
        def read(name):
            path = harness.SOURCE / name
            return path.read_text() if path.is_file() else ""
        self.assertEqual([f"{m.name}: {p}" for m in self.list for p in m.problems(read)], [])
        self.assertGreaterEqual(len(self.list), 60)

    def test_each_named_test_exists(self):
        known = {program: mutants.names_of(harness.SOURCE, program) for m in self.list for program, _ in m.tests}
        missing = [f"{m.name}: {program} has no {name}" for m in self.list for program, name in m.tests if name not in known[program]]
        self.assertEqual(missing, [])
        self.assertEqual([m.name for m in self.list if not m.tests], [])

    def test_each_has_a_name_of_its_own_and_a_promise(self):
        names = [m.name for m in self.list]
        self.assertEqual(sorted(set(names)), sorted(names))
        self.assertEqual([m.name for m in self.list if not m.breaks.strip()], [])


if __name__ == "__main__":
    harness.main()

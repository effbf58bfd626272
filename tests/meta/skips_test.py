#!/usr/bin/python3
"""No skip can hide: the list of tests that may be skipped is held against what ran, and against what there is."""
import pathlib
import sys
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import harness
import skips

LINES = [("*", "a.One", ["not-root"], "x"), ("tsan", "a.Two", ["always"], "x"), ("*", "s/t.*", ["no-loop"], "x")]
KNOWN = {"a.One", "a.Two", "a.Three", "s/t.test_x"}


class Skips(unittest.TestCase):
    def wrong(self, preset, skipped, known=KNOWN, true=("always",)):
        with mock.patch.object(skips, "pinned", lambda: iter(LINES)), mock.patch.object(skips, "holds", lambda c: c in true):
            return list(skips.judge(preset, set(skipped), known))

    def test_what_is_not_listed_may_not_be_skipped(self):
        self.assertRegex(self.wrong("dev", ["a.Three"])[0], "a.Three was skipped.*does not allow")
        self.assertEqual(self.wrong("dev", []), [])

    def test_what_is_listed_may_be_skipped_only_for_its_reason(self):
        self.assertRegex(self.wrong("dev", ["a.One"])[0], "only with not-root: that is not so here")
        self.assertEqual(self.wrong("dev", ["a.One", "s/t.test_x"], true=("not-root", "no-loop")), [])

    def test_a_line_for_one_stage_holds_in_no_other(self):
        self.assertEqual(self.wrong("tsan", ["a.Two"]), [])
        self.assertRegex(self.wrong("dev", ["a.Two"])[0], "does not allow")

    def test_a_line_without_a_test_must_go(self):
        self.assertRegex(self.wrong("dev", [], KNOWN - {"a.One"})[0], "a.One stands in tests/skips.txt, but there is no such test")
        self.assertEqual(self.wrong("dev", [], KNOWN - {"a.Two"}), [])

    def test_the_list_can_be_read(self):
        self.assertGreater(len(list(skips.pinned())), 5)

    def test_names_of_generated_tests(self):
        self.assertEqual(skips.plain("unit/x.All/Y.Z/first  # GetParam() = first"), "unit/x.All/Y.Z/first")


if __name__ == "__main__":
    harness.main()

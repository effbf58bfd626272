#!/usr/bin/python3
"""Each bench runs, at tiny sizes: nothing is said about time."""
import json
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import harness

BUILD = harness.BIN.parent


class Smoke(unittest.TestCase):
    def bench(self, name):
        result = BUILD / f"bench-results/{name}.json"
        result.unlink(missing_ok=True)
        done = subprocess.run([sys.executable, str(harness.SOURCE / f"bench/{name}.py")], capture_output=True, text=True, timeout=170,
                              env={**os.environ, "BKMON_BENCH": "smoke", "BKMON_BIN_DIR": str(harness.BIN), "BKMON_BUILD_DIR": str(BUILD)})
        if done.returncode == 77:
            self.skipTest(done.stdout.strip())
        self.assertIn(done.returncode, (0, 1), done.stdout + done.stderr)
        self.assertTrue(result.exists(), done.stdout + done.stderr)
        rows = json.loads(result.read_text())["rows"]
        self.assertTrue([row for row in rows if row["met"] is not None], "no bar was measured")

    def test_hashing(self):
        self.bench("hashing")

    def test_intake(self):
        self.bench("intake")

    def test_clone(self):
        self.bench("clone")

    def test_inspection(self):
        self.bench("inspection")

    def test_small_deposit(self):
        self.bench("small_deposit")

    def test_many_deposits(self):
        self.bench("many_deposits")

    def test_status(self):
        self.bench("status")

    def test_memory(self):
        self.bench("memory")

    def test_start(self):
        self.bench("start")

    def test_alerts_mails(self):
        self.bench("alerts_mails")

    def test_alerts_delay(self):
        self.bench("alerts_delay")

    def test_alerts_rules(self):
        self.bench("alerts_rules")

    def test_outlets_cpu(self):
        self.bench("outlets_cpu")

    def test_outlets_wall(self):
        self.bench("outlets_wall")

    def test_outlets_inside(self):
        self.bench("outlets_inside")

    def test_outlets_latency(self):
        self.bench("outlets_latency")

    def test_outlets_memory(self):
        self.bench("outlets_memory")

    def test_outlets_many(self):
        self.bench("outlets_many")


if __name__ == "__main__":
    harness.main()

#!/usr/bin/python3
"""Time, end to end: the real bkmond under libfaketime, through changes of the clock, restarts, jumps and wrong years. The library moves
what bkmond reads; the kernel tells nobody, so that a jump is noticed by looking alone."""
import calendar
import pathlib
import sqlite3
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import harness

LIBRARIES = list(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
TIMERS = harness.PROGRAMS / "libkernel_timers.so"
TARGET = "deposit/shop_city_north/MAIN"
seen = {"cases": 0, "missing_told": 0}


def moment(text):
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))


def text_of(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class Time(harness.Case):
    def setUp(self):
        if not LIBRARIES:
            self.skipTest("libfaketime is not installed")
        if harness.SANITIZED:
            self.skipTest("libfaketime and a sanitizer do not share a process")

    def daemon(self, start, schedule, zone="UTC", deadline="4s"):
        self.offsets = self.folder() / "clock"
        self.set_clock(start)
        env = {"LD_PRELOAD": f"{TIMERS} {LIBRARIES[0]}", "FAKETIME_TIMESTAMP_FILE": str(self.offsets), "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1",
               "NO_FAKE_STAT": "1"}  # only some of the calls for a file's times would be moved
        d = harness.Daemon(self, env=env)
        d.configure("  rescan: 2s\n  jobs:\n"
                    f'    - {{agent: SHOP_CITY_NORTH, database: MAIN, schedule: "{schedule}", timezone: {zone}, deadline: {deadline}, path: "{{agent}}/{{file}}"}}\n')
        d.agent("SHOP_CITY_NORTH")
        return d.start()

    def set_clock(self, text):
        """The wall clock shows this from now on."""
        self.offset = moment(text) - time.time()
        temporary = self.offsets.with_suffix(".new")
        temporary.write_text(f"{self.offset:+.3f}\n")
        temporary.replace(self.offsets)

    def now(self):
        return text_of(time.time() + self.offset)

    def missing(self, d):
        """The due times that were announced as missing, one for each time that it was done; what was only recorded afterwards left out."""
        with sqlite3.connect(f"file:{d.state}/history.db?mode=ro", uri=True) as db:
            rows = db.execute("SELECT due, reason FROM verdict WHERE status = 'missing'").fetchall()
        return sorted(text_of(due / 1000) for due, reason in rows
                      if "noticed afterwards" not in reason and "said again" not in reason)

    def told(self, d, *due):
        """Exactly these, and it stays so."""
        self.until(f"missing: {due}", lambda: self.missing(d) == sorted(due) or len(self.missing(d)) > len(due), 25)
        time.sleep(2.5)
        self.assertEqual(self.missing(d), sorted(due))
        seen["cases"] += 1
        seen["missing_told"] += len(due)

    def good(self, d):
        d.deposit("SHOP_CITY_NORTH", {"MAIN": ("main.sql", harness.dump())}, end=self.now())

    def test_due_late_missing(self):
        d = self.daemon("2026-11-22T12:59:55Z", "0 13 * * *")
        d.wait_status(TARGET, "late")
        d.wait_status(TARGET, "missing")
        self.told(d, "2026-11-22T13:00:00Z")

    def test_hour_that_is_left_out(self):
        d = self.daemon("2027-03-28T00:59:55Z", "30 2 * * *", "Europe/Berlin")
        self.told(d, "2027-03-28T01:00:00Z")

    def test_hour_that_comes_twice(self):
        d = self.daemon("2026-10-25T00:29:55Z", "30 2 * * *", "Europe/Berlin")
        self.told(d, "2026-10-25T00:30:00Z")
        self.set_clock("2026-10-25T01:29:56Z")
        time.sleep(9)
        self.told(d, "2026-10-25T00:30:00Z")

    def test_restart_across_the_due_time(self):
        d = self.daemon("2026-11-22T12:00:00Z", "0 13 * * *")
        d.wait_status(TARGET, "unknown")
        d.stop()
        self.set_clock("2026-11-22T18:00:00Z")
        d.start()
        self.told(d, "2026-11-22T13:00:00Z")
        d.stop()
        d.start()
        self.told(d, "2026-11-22T13:00:00Z")

    def test_an_hour_forth_and_back(self):
        d = self.daemon("2026-11-22T12:30:00Z", "0 13 * * *")
        d.wait_status(TARGET, "unknown")
        self.set_clock("2026-11-22T13:30:00Z")
        self.told(d, "2026-11-22T13:00:00Z")
        self.set_clock("2026-11-22T12:30:10Z")
        time.sleep(4)
        self.set_clock("2026-11-22T12:59:57Z")
        time.sleep(9)
        self.told(d, "2026-11-22T13:00:00Z")

    def test_ten_years_forth_and_back(self):
        # Today, because the times of files are the kernel's.
        due = int(time.time()) + 8
        day, year = 86400, 365 * 86400
        d = self.daemon(text_of(due - 8), f"@every 24h from {text_of(due)}", deadline="1h")
        self.until("due", lambda: self.now() > text_of(due + 1))
        self.good(d)
        d.wait_status(TARGET, "ok")
        self.set_clock(text_of(due + 10 * year + 18 * 3600))
        d.wait_status(TARGET, "missing", 90)
        self.set_clock(text_of(due + 300))
        d.wait_status(TARGET, "ok", 90)
        self.set_clock(text_of(due + day + 3605))
        d.wait_status(TARGET, "missing", 90)
        self.assertEqual(self.missing(d).count(text_of(due + day)), 1)
        self.assertNotIn(text_of(due), self.missing(d))
        seen["cases"] += 1
        seen["missing_told"] += 1

    def test_a_clock_of_1970(self):
        d = self.daemon("1970-01-01T00:00:30Z", "0 13 * * *")
        time.sleep(4)
        self.assertEqual(self.missing(d), [])
        self.set_clock("2026-11-22T12:00:00Z")
        time.sleep(2)
        self.set_clock("2026-11-22T12:59:56Z")
        self.until("missing", lambda: "2026-11-22T13:00:00Z" in self.missing(d), 90)
        time.sleep(3)
        self.assertEqual(self.missing(d).count("2026-11-22T13:00:00Z"), 1)
        seen["cases"] += 1
        seen["missing_told"] += 1

    def test_the_year_ends(self):
        d = self.daemon("2026-12-31T23:59:55Z", "@daily")
        self.told(d, "2027-01-01T00:00:00Z")
        self.set_clock("2028-02-29T00:00:05Z")
        self.until("missing", lambda: "2028-02-29T00:00:00Z" in self.missing(d), 90)

    def test_zz_count(self):
        harness.fact("time_end_to_end", seen)


if __name__ == "__main__":
    harness.main()

"""The page of `report --html` and the CSV of outlets: hostile names read by a parser that is not ours, its policy, and its size."""
import base64
import csv
import hashlib
import io
import pathlib
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from fake_bkmond import FakeBkmond  # noqa: E402
from harness import BIN, SLOWER, Case, main  # noqa: E402
from markup import Markup  # noqa: E402
from report_samples import REPORT, outlets, pages, row  # noqa: E402

HOSTILE = ["<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'><svg onload=alert(1)>", "</style></title></table><h1>all is well</h1>",
           "</script><script>alert(1)</script>", "&lt;b&gt;", "javascript:alert(1)", "<!-- --><![CDATA[", "a\x00\x07\x1b[2Jb", "\u202egpj.exe", "=1+1", "{{x}}${x}",
           "x" * 4000, "\ud7ff\U0001f600 \u0000", "@import url(http://example.org)", "<iframe srcdoc='<script>alert(1)</script>'>"]


class Page(Markup):
    def handle_starttag(self, tag, attrs):
        if (tag, attrs) != ("wbr", []):  # where a name may be broken
            super().handle_starttag(tag, attrs)


class ReportPage(Case):
    def run_ctl(self, rows, *arguments):
        with tempfile.TemporaryDirectory(prefix="bkmon-page-") as folder:
            socket, page = pathlib.Path(folder) / "s", pathlib.Path(folder) / "page.html"
            with FakeBkmond(socket, {REPORT: pages(rows)}) as daemon:
                arguments = [str(page) if a == "PAGE" else a for a in arguments]
                done = subprocess.run([BIN / "bkmonctl", "--socket", socket, "report", *arguments], capture_output=True, text=True, timeout=120)
                self.parameters = daemon.calls[0]["parameters"]
            self.assertEqual(done.returncode, 0, done.stderr)
            return page.read_text() if page.exists() else done.stdout

    def page(self, rows, *arguments):
        return Page(self.run_ctl(rows, "--html", "PAGE", *arguments))

    def hostile_rows(self, value):
        common = {"date": "2026-11-22", "kind": "outlet", "status": "missing", "reason_code": "x", "at": "2026-11-22T07:00:00Z", "size_bytes": 5}
        texts = {name: value for name in ("target", "reason", "file", "drive", "address", "name")}
        return [row(**common, **texts), row(**{**common, **texts, "date": "2026-11-21", "status": value, "severity": value})]

    def test_names_from_outside_are_text_and_nothing_else(self):
        plain = self.page(self.hostile_rows("harmless"))
        for value in HOSTILE:
            with self.subTest(value=value[:40]):
                seen = self.page(self.hostile_rows(value), "--label", f"k={value[:100]}".replace("\0", ""))
                self.assertEqual(seen.tags, plain.tags)  # not one tag or attribute more, and no other value in one
                self.assertEqual(seen.inside, plain.inside)
                if value.isprintable() and "\\" not in value and len(value) < 1000:
                    self.assertIn(value, "".join(seen.words))
                self.assertNotRegex("".join(seen.words), "[\x00-\x08\x1b\u202e]")

    def test_nothing_is_asked_from_outside_and_only_our_script_may_run(self):
        page = self.page(outlets(20, 5), "--kind", "outlet")
        policy = dict(next(a for t, a in page.tags if t == "meta" and ("http-equiv", "Content-Security-Policy") in a))["content"]
        hashes = {name: base64.b64encode(hashlib.sha256(page.inside[name].encode()).digest()).decode() for name in page.inside}
        self.assertEqual(policy, "default-src 'none'; base-uri 'none'; form-action 'none'; "
                                 f"script-src 'sha256-{hashes['script']}'; style-src 'sha256-{hashes['style']}'")
        for tag, attributes in page.tags:
            if isinstance(attributes, list):
                names = {name for name, _ in attributes}
                self.assertFalse(names & {"src", "href", "style", "srcset", "action", "background", "data", "xlink:href"}, (tag, attributes))
                self.assertFalse([n for n in names if n.startswith("on")], (tag, attributes))
        self.assertNotRegex(page.inside["style"], r"url\(|@import")
        self.assertEqual([t for t, _ in page.tags if t in ("link", "img", "iframe", "object", "embed", "base")], [])

    def test_it_adds_up(self):
        rows = outlets(200, 10)
        page = self.page(rows, "--kind", "outlet")
        words = " ".join(" ".join(page.words).split())
        today = [r["status"] for r in rows if r["date"] == "2026-11-22"]
        good = sum(s in ("ok", "unchanged") for s in today)
        self.assertIn("200 targets", words)
        self.assertIn(f"{good} good", words)
        self.assertIn(f"2026-11-22: {good} of 200 good", words)
        self.assertEqual(sum(t == "rect" for t, _ in page.tags) > 10, True)
        self.assertEqual([t for t, _ in page.tags].count("tr"), 4 + 10 + (200 - good) + 200 + 2000)  # heads, days, problems, targets, rows
        self.assertIn("only kind outlet", words)

    def test_a_thousand_outlets_for_a_month(self):
        rows = outlets(1000, 30)
        before = time.monotonic()
        text = self.run_ctl(rows, "--html", "PAGE")
        self.assertLess(time.monotonic() - before, 20 * SLOWER)
        self.assertLess(len(text), 12_000_000)
        self.assertNotIn("<details open", text)  # what is not laid out costs nothing
        self.assertIn(text.count("OUTLET1000/<wbr>d-drive"), (31, 32))  # its days, itself, and perhaps its problem

    def test_nothing_is_a_page_too(self):
        self.assertIn("No target and day matches.", "".join(self.page([]).words))

    def test_csv_of_outlets(self):
        rows = outlets(3, 2) + [row(target="outlet/S%2c1/d-drive", kind="outlet", date="2026-11-22", status="missing", reason_code="no_file",
                                    reason="say \"no\",\nplease", file="=cmd.bak", size_bytes=2630667468, backup_at="2026-11-20T01:00:00Z", drive="E:")]
        head = ["OutletServer", "ScanDate", "Status", "LastBackupTaken", "BackupFile", "BackupFileSize", "Duration", "ErrorDetails", "DriveLetter", "Address",
                "Name", "ReasonCode"]
        for arguments in (["--kind", "outlet"], ["--mode", "d-drive"], ["--target", "outlet/S*", "outlet/O*"]):
            got = list(csv.reader(io.StringIO(self.run_ctl(rows, *arguments, "--csv"), newline="")))
            self.assertEqual(got[0], head)
            self.assertEqual(len(got), 8)
            self.assertEqual(self.parameters["kind"], "outlet")
            self.assertEqual(got[-1], ["S,1", "2026-11-22", "missing", "2026-11-20T01:00:00Z", "'=cmd.bak", "2630667468", "", "say \"no\",\nplease", "E:", "", "",
                                       "no_file"])
        old = list(csv.reader(io.StringIO(self.run_ctl(rows, "--kind", "outlet", "--csv", "--legacy"), newline="")))
        self.assertEqual(old[0], head[:9])
        self.assertEqual((old[-1][2], old[-1][5]), ("Error", "2.45 GB"))
        self.assertEqual({r[2] for r in old[1:]}, {"Successful", "Error"})
        others = list(csv.reader(io.StringIO(self.run_ctl(rows, "--csv"), newline="")))
        self.assertEqual(others[0][:3], ["target", "kind", "date"])


if __name__ == "__main__":
    main()

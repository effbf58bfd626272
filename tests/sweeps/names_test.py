"""Names and words from outside are data in every place where bkmon shows or writes them: each byte value, control and bidi characters, broken UTF-8
and the syntax of each place, read back by another parser and compared with what went in."""
import csv
import gzip
import html.parser
import io
import json
import os
import pathlib
import pty
import re
import socket
import sqlite3
import struct
import subprocess
import sys
import threading
import time

import yaml

SUPPORT = pathlib.Path(__file__).parent.parent / "support"
sys.path.insert(0, str(SUPPORT))
from harness import BIN, DUE, SLOWER, Case, Daemon, dump, fact, main, report, utc  # noqa: E402
from hostile import entry  # noqa: E402
from varlink_client import Client  # noqa: E402

ALLOWED = re.compile(rb"[A-Za-z0-9_-][A-Za-z0-9._-]*")
SYNTAX = ["%s%n%d", ";id", "..", "../x", "`id`", "$(id)", "--help", "-rf", "'", '"', "''", "a,b", 'a","b', "a;b", "#x", "a: b", "- x", "&a", "*a", "!!python/object:x",
          "[x]", "{x}", "{year}", "%TAG x", "---", "...", "|", ">", "~", "null", "yes", "1e3", "0x10", "<b>", "</td>", "&amp;", "<script>alert(1)</script>", "<!--",
          "=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", "a\r\nb", "a\nMESSAGE=forged", "<3>forged", "\x1b[2J\x1b]0;x\x07", "\x1b[31m", "\x9b31m", "a\tb",
          "\u0080", "\u0085", "\u009b", "\u009f", "\u00a0", "\u00ad", "\u034f", "\u061c", "\u115f", "\u200b", "\u200e", "\u200f", "\u2028", "\u2029", "\u202a", "\u202e",
          "\u2060", "\u2066", "\u2069", "\u3164", "\ufe0f", "\ufeff", "\ufff9", "\ufffd", "\uffff", "\U000e0001", "\U000e007f", "\U0001f600", "\U0010ffff", "e\u0301",
          "\u4e2d\u6587", "\\", "\\n", "\\x41", "\\u{202e}", "\\\\"]
BROKEN = [b"\x80", b"\xbf", b"\xc0\xaf", b"\xc1\x81", b"\xc3", b"\xe2\x82", b"\xe0\x80\xaf", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xf0\x9f\x98", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80",
          b"\xfe", b"\xff\xff", b"\xc3\x28", b"\xe2\x28\xa1"]


def read_back(shown):
    """The bytes that a text made fit to be shown stands for."""
    def one(m):
        what = m[1]
        if what in "nrt\\":
            return {"n": b"\n", "r": b"\r", "t": b"\t", "\\": b"\\"}[what]
        return bytes([int(what[1:], 16)]) if what[0] == "x" else chr(int(what[2:-1], 16)).encode("utf-8", "surrogatepass")
    parts, at = [], 0
    for m in re.finditer(r"\\(\\|n|r|t|x[0-9a-f]{2}|u\{[0-9a-f]+\})", shown):
        parts += [shown[at:m.start()].encode("utf-8", "surrogatepass"), one(m)]
        at = m.end()
    return b"".join(parts) + shown[at:].encode("utf-8", "surrogatepass")


UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]")


class Journald:
    """Stands where the journal listens and takes its native protocol apart."""

    def __init__(self, case, folder):
        self.entries = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(folder / "socket"))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 20)
        case.addCleanup(self.socket.close)
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            try:
                data, fds, _, _ = socket.recv_fds(self.socket, 1 << 20, 4)
            except OSError:
                return
            for fd in fds:  # what is too large for a datagram comes in a file
                data += os.pread(fd, os.fstat(fd).st_size, 0)
                os.close(fd)
            self.entries.append(self.fields(data))

    @staticmethod
    def fields(data):
        found = []
        while data:
            line, _, rest = data.partition(b"\n")
            name, equals, value = line.partition(b"=")
            if not equals:
                size = struct.unpack("<Q", rest[:8])[0]
                value, rest = rest[8:8 + size], rest[8 + size + 1:]
            found.append((name.decode("ascii"), value))
            data = rest
        return found


class Page(html.parser.HTMLParser):
    """The cells of each row, and every tag that was opened. A cell ends where the next one begins."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.rows, self.tags, self.cell = [], set(), None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, _):
        self.tags.add(tag)
        if tag in ("tr", "td", "th"):
            self.end_cell()
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.cell = ""

    def handle_endtag(self, tag):
        if tag in ("td", "th", "thead", "tbody", "table"):
            self.end_cell()

    def end_cell(self):
        if self.cell is not None:
            self.rows[-1].append(self.cell.removesuffix("\n"))
        self.cell = None

    def handle_data(self, data):
        if self.cell is not None:
            self.cell += data


class Names(Case):
    def begin(self, *jobs, journal=False):
        d = Daemon(self)
        self.journal = None
        if journal:
            if os.geteuid() != 0:
                self.skipTest("needs root: stands in for the journal")
            (d.home / "journal").mkdir()
            self.journal = Journald(self, d.home / "journal")
            d.wrapper = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal && '
                         'mount --bind "$1" /run/systemd/journal && shift && exec "$@"', "sh", str(d.home / "journal")]
        lines = "".join(f"    - {j}\n" for j in jobs or ["{agent: SHOP_CITY_NORTH, database: MAIN}"])
        d.configure("  defaults: {schedule: \"" + DUE.format(utc(-60)) + "\", path: \"{agent}/{database}/{file}\", keep: 100}\n  jobs:\n" + lines)
        return d

    def clean(self, text, what):
        bad = UNSEEN.search(text)
        self.assertIsNone(bad, f"{what}: {bad and text[max(0, bad.start() - 60):bad.end() + 60]!r}")

    def on_a_terminal(self, d, *command):
        """What bkmonctl writes to a terminal, as a terminal gets it."""
        ours, theirs = pty.openpty()
        import fcntl
        import termios
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 2000, 0, 0))
        p = subprocess.Popen([str(BIN / "bkmonctl"), "--socket", str(d.socket), "--no-pager", "--color=always", *command], stdin=theirs, stdout=theirs, stderr=theirs,
                             env={**os.environ, "TERM": "xterm", "LANG": "C.UTF-8"}, start_new_session=True)
        os.close(theirs)
        said = b""
        while True:
            try:
                got = os.read(ours, 65536)
            except OSError:
                break
            if not got:
                break
            said += got
        os.close(ours)
        p.wait(timeout=20 * SLOWER)
        text = said.decode("utf-8", "strict").replace("\r\n", "\n")
        text = re.sub(r"\x1b\[[0-9;]*m|\x1b\[K", "", text)  # bkmonctl's own colours; any other sequence is found by clean()
        self.clean(text, "terminal")
        return text

    def table(self, d, *command):
        done = d.ctl("--csv", *command)
        # Bytes, not text: Python would take other line ends for CRLF.
        rows = list(csv.reader(io.StringIO(done.stdout, newline=""), strict=True))
        for row in rows[1:]:
            self.assertEqual(len(row), len(rows[0]), row)
            for cell in row:
                self.assertNotRegex(cell, r"\A[=+@\t\r]|\A-(?![0-9.]+\Z)", "a spreadsheet would take it for a formula")
        return [{n: c.removeprefix("'") for n, c in zip(rows[0], row)} for row in rows[1:]]

    def folder_names(self):
        singles = [b"N%03d_" % b + bytes([b]) + b"_E" for b in range(1, 256) if b != ord("/")]
        # Alone as well, where what comes first decides; never "." or "..", which no folder can be called.
        texts = [t.encode() for t in SYNTAX if "/" not in t and t not in (".", "..")]
        return singles + texts + BROKEN + [b"T%03d_" % i + t + b"_E" for i, t in enumerate(texts + BROKEN)]

    def lay(self, d, names):
        """A folder of each name, with a report that cannot be used, of such a name as well, and where JSON can say it one that names such a database."""
        for name in names:
            log = os.fsencode(d.root) + b"/" + name + b"/log"
            os.makedirs(log)
            os.mkdir(os.fsencode(d.root) + b"/" + name + b"/database")
            with open(log + b"/" + name + b".json", "wb") as f:
                f.write(b"{")
            try:
                text = name.decode()
            except UnicodeDecodeError:
                continue
            (pathlib.Path(os.fsdecode(log)) / "STATUS.json").write_text(json.dumps(report(text, {text: ("main.sql.gz", b"x")})))

    def judge_journal(self, lines, names):
        """Each folder was named in a line of its own, and no line says more than one thing."""
        seen = set()
        for text, fields in lines:
            self.clean(text, "journal")
            self.assertNotIn("\n", text)
            if (m := re.match(r"agent (.*): report (.*) cannot be used: ", text)) and "STATUS.json" not in text:
                # What stands in a message was made fit to be shown, and then the message was.
                agent, file = (read_back(read_back(part).decode("utf-8", "strict")) for part in m.groups())
                self.assertEqual(file, agent + b".json")
                if fields is not None:
                    self.assertEqual((fields["BKMON_AGENT"], fields["BKMON_REPORT"]), (agent, file))
                seen.add(agent)
        self.assertEqual(set(names) - {n for n in names if n.startswith(b".")}, seen)

    def agents_everywhere(self, journal):
        names = self.folder_names()
        d = self.begin(journal=journal)
        self.lay(d, names)
        d.start()
        expected = {n for n in names if not n.startswith(b".")}

        def listed():
            items = d.json("deposits", "unexpected")["unexpected"]
            named = {read_back(u["agent"]) for u in items if u["database"]}
            wanted = {n for n in expected if self.is_utf8(n) and n != b"null"}
            return items if {read_back(u["agent"]) for u in items} >= expected and named >= wanted else None
        try:
            items = self.until("all are shown", listed)
        except AssertionError:
            items = d.json("deposits", "unexpected")["unexpected"]
            self.assertEqual({read_back(u["agent"]) for u in items}, expected)
        return d, names, expected, items

    def test_folders_and_databases_on_the_socket_and_in_tables_and_configuration(self):
        began = time.monotonic()
        d, names, expected, items = self.agents_everywhere(journal=False)
        as_text = {n.decode() for n in expected if self.is_utf8(n)}
        databases = {(read_back(u["agent"]), read_back(u["database"])) for u in items if u["database"]}
        wanted = {(n.encode(), n.encode()) for n in as_text if n != "null"}  # an agent that calls itself null has no name
        self.assertEqual(databases, wanted)
        with Client(d.socket) as c:
            said = c.call("io.bkmon.Deposits.Unexpected")["unexpected"]
        self.assertEqual(said, items)
        for u in said:
            self.clean(json.dumps(u, ensure_ascii=False), "socket")
        rows = self.table(d, "deposits", "unexpected")
        self.assertEqual([{k: r[k] for k in ("agent", "database")} for r in rows],
                         [{k: u[k] or "" for k in ("agent", "database")} for u in items])
        shown = self.on_a_terminal(d, "deposits", "unexpected")
        for name in expected:
            self.assertTrue([line for line in shown.splitlines() if name in read_back(line)], f"{name} is not on the terminal")
        self.adopted(d, databases)
        log = d.log.read_bytes().decode("utf-8", "strict")
        self.judge_journal([(m[1], None) for m in re.finditer(r"^\S+ \w+: (.*?)(?: \[BKMON_[^\n]*)?$", log, re.M)], names)
        fact("names_of_agents", {"names": len(expected), "databases": len(databases), "sinks": 7, "violations": 0}, time.monotonic() - began)

    @staticmethod
    def is_utf8(name):
        try:
            name.decode()
            return True
        except UnicodeDecodeError:
            return False

    def adopted(self, d, databases):
        """The YAML that would expect them: to another reader of YAML it names what can be the name of a job, the rest stands in comments."""
        text = d.ctl("deposits", "adopt", "--all").stdout
        for line in text.splitlines():
            self.clean(line, "YAML")
        document = yaml.safe_load(text)
        jobs = {(j["agent"].encode(), j["database"].encode()) for j in document["deposits"]["jobs"]}
        self.assertEqual(set(document), {"deposits"})
        self.assertEqual(set(document["deposits"]), {"jobs"})
        self.assertTrue(all(set(j) == {"agent", "database"} for j in document["deposits"]["jobs"]))
        remarks = {tuple(read_back(part) for part in m.groups()) for m in re.finditer(r"^# cannot be the names of a job: (.*) / (.*)$", text, re.M)}
        self.assertEqual(jobs | remarks, databases)
        self.assertEqual(jobs & remarks, set())
        self.assertGreater(len(jobs), 100)
        # Such names fit into no path of the vault: nothing is written, and the configuration stays what it was.
        done = d.ctl("deposits", "adopt", "--all", "--write", check=False)
        self.assertEqual(done.returncode, 2)
        self.clean(done.stderr, "standard error")
        self.assertEqual([p for p in (d.home / "conf.d").glob("*") if p.suffix == ".yaml"], [])
        check = subprocess.run([str(BIN / "bkmond"), "--check-config", "--config", str(d.config)], capture_output=True, text=True)
        self.assertEqual(check.returncode, 0, check.stdout + check.stderr)

    def test_folders_in_the_journal(self):
        """By the journal's own protocol: one entry each, whose fields are the bytes themselves and whose message is one line."""
        began = time.monotonic()
        _, names, expected, _ = self.agents_everywhere(journal=True)
        self.until("the journal has them", lambda: {dict(e).get("BKMON_AGENT") for e in list(self.journal.entries)} >= expected)
        entries = list(self.journal.entries)
        for e in entries:
            for name, _ in e:
                self.assertRegex(name, r"\A(MESSAGE|PRIORITY|MESSAGE_ID|SYSLOG_IDENTIFIER|BKMON_[A-Z0-9_]+)\Z")
            self.assertEqual(len({n for n, _ in e}), len(e), e)
        self.judge_journal([(dict(e)["MESSAGE"].decode("utf-8", "strict"), dict(e)) for e in entries], names)
        fact("names_in_the_journal", {"names": len(expected), "entries": len(entries), "violations": 0}, time.monotonic() - began)

    def test_words_of_a_report_everywhere(self):
        """What an agent says of its own failure is quoted: in the status, its table, the page, the explanation, the journal and the history."""
        began = time.monotonic()
        texts = ["A" + chr(c) + "E" for c in range(0x01, 0x180)] + ["A" + t + "E" for t in SYNTAX] + SYNTAX
        texts = [t for t in texts if t.strip() and t != "null"]
        d = self.begin(*(f"{{agent: SHOP_CITY_NORTH, database: D{i:03d}}}" for i in range(len(texts))))
        d.start()
        d.agent("SHOP_CITY_NORTH")
        entries = {}
        for i, text in enumerate(texts):
            e = entry("main.sql.gz", b"x")
            e["TRANSFER"] = {**e["TRANSFER"], "status": False, "error_message": text}
            entries[f"D{i:03d}"] = {**e, "logs_summary": text}
        (d.root / "SHOP_CITY_NORTH/log/STATUS.json").write_text(json.dumps(report("SHOP_CITY_NORTH", entries, overall="failed_partial")))

        def judged():
            found = {t["id"].split("/")[-1]: t for t in d.json("status", "--kind", "deposit")["targets"] if t["status"] == "failed"}
            return found if len(found) == len(texts) else None
        found = self.until("all are judged", judged, 40)
        rows = {r["id"].split("/")[-1]: r for r in self.table(d, "status", "--kind", "deposit")}
        terminal = [read_back(line) for line in self.on_a_terminal(d, "status", "--kind", "deposit").splitlines()]
        page = d.home / "page.html"
        d.ctl("report", "--html", str(page))
        cells = Page(page.read_text())
# What the page is made of, and nothing that a name or a message brings along.
        self.assertLessEqual(cells.tags, set("""html head meta title style body h1 h2 p strong b span i br wbr div details summary ul li table thead tbody tr th td svg
                                                title g rect line text polyline path script input label button""".split()))
        self.assertEqual(page.read_text().count("<script"), 1, "the page's own")
        on_page = {row[2].split("/")[-1]: row for row in cells.rows if len(row) == 7}
        with sqlite3.connect(f"file:{d.state}/history.db?mode=ro", uri=True) as db:
            kept = {read_back(reason) for (reason,) in db.execute("SELECT reason FROM verdict")}
        log = [read_back(read_back(line).decode("utf-8", "strict")) for line in d.log.read_bytes().decode("utf-8", "strict").split("\n")]
        for i, text in enumerate(texts):
            name, raw = f"D{i:03d}", text.strip().encode()
            with self.subTest(text=text):
                self.clean(found[name]["reason"], "status")
                self.assertIn(raw, read_back(found[name]["reason"]))
                self.assertEqual(rows[name]["reason"], found[name]["reason"])
                self.assertIn(raw, read_back(on_page[name][6]))
                self.clean("".join(on_page[name]), "page")
                self.assertTrue([line for line in terminal if name.encode() in line and raw in line], "not on the terminal")
                self.assertTrue([line for line in log if b"/" + name.encode() in line and raw in line], "not in the journal")
                self.assertTrue([reason for reason in kept if raw in reason], "not in the history")
        for i in range(0, len(texts), 7):
            self.on_a_terminal(d, "explain", f"deposit/SHOP_CITY_NORTH/D{i:03d}")
        fact("words_of_reports", {"texts": len(texts), "sinks": 7, "violations": 0}, time.monotonic() - began)

    def test_file_names_become_paths_only_when_they_are_plain(self):
        began = time.monotonic()
        texts = ["F" + chr(c) + "E.gz" for c in range(0x01, 0x100) if chr(c) != "/"]
        texts += ["G" + t + "E.gz" for t in SYNTAX] + [t for t in SYNTAX if t not in (".", "..")]
        texts = [t for t in texts if t != "null"]  # says nothing
        texts += ["." * 3, ".hidden.gz", "-rf.gz", "a" * 128, "a" * 129]
        d = self.begin(*(f"{{agent: SHOP_CITY_NORTH, database: D{i:03d}, content: opaque, gates: {{empty: false}}}}" for i in range(len(texts))))
        d.agent("SHOP_CITY_NORTH")
        data = gzip.compress(dump())
        entries = {}
        for i, text in enumerate(texts):
            if "/" not in text and len(text.encode()) < 256:
                (d.root / "SHOP_CITY_NORTH/database" / text).write_bytes(data)
            entries[f"D{i:03d}"] = entry(text, data)
        outside = sorted(p for p in d.home.rglob("*") if not p.is_relative_to(d.state))
        d.start()
        (d.root / "SHOP_CITY_NORTH/log/STATUS.json").write_text(json.dumps(report("SHOP_CITY_NORTH", entries)))
        plain = {f"SHOP_CITY_NORTH/D{i:03d}/{t}" for i, t in enumerate(texts) if ALLOWED.fullmatch(t.encode()) and len(t) <= 128}
        self.assertGreater(len(plain), 60)
        try:
            self.until("all plain ones are in the vault", lambda: set(d.vault_files()) >= plain, 60)
        except AssertionError:
            self.assertEqual(plain - set(d.vault_files()), set())
        time.sleep(1)
        self.assertEqual(set(d.vault_files()), plain)
        for t in d.json("status", "--kind", "deposit")["targets"]:
            number = int(t["id"][-3:])
            path = f"SHOP_CITY_NORTH/D{number:03d}/{texts[number]}"
            with self.subTest(name=texts[number]):
                self.assertEqual(t["status"] == "ok", path in plain, t)
        here = {p for p in d.home.rglob("*") if not p.is_relative_to(d.state) and not p.is_relative_to(d.vault) and not p.is_relative_to(d.root)}
        self.assertEqual(here - set(outside) - {d.socket, d.log}, set())
        fact("names_as_paths", {"names": len(texts), "promoted": len(plain), "violations": 0}, time.monotonic() - began)


if __name__ == "__main__":
    main()

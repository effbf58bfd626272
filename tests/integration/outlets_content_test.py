"""Looking inside the newest backup of an outlet, over SMB and without copying it: what its two ends prove, and what they leave open."""
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from harness import Case, main, seed, utc  # noqa: E402
from mtf_files import write_mtf  # noqa: E402
from outlets import FOLDER, Outlets, code, target  # noqa: E402
from smb_bed import SmbBed  # noqa: E402

HOUR, DAY = 3600, 86400
AGE = 7 * HOUR  # so that nobody takes it for one that is just being written
MODE = {"verify": "header", "database": '"SHOP*"', "kinds": "[full]"}


class Contents(Case):
    def good(self, name="good", **asked):
        return write_mtf(self.home / name, **{"database": "SHOP", "started": utc(-AGE - 300), "finished": utc(-AGE), "zone": 0, "size": 3_000_000, **asked})

    def look(self, stories, **mode):
        """stories: {name: bytes}. {name: target} after one scan."""
        bed = SmbBed(self, len(stories))
        names = {}
        for server, (name, data) in zip(bed.servers, stories.items()):
            server.put("d$", FOLDER, f"{name}.bak", data=data, age=AGE)
            names[code(server.number)] = name
        bed.start()
        self.d = Outlets(self, bed, [{**MODE, **mode}]).start()
        scan = self.d.scan()
        self.assertEqual(scan["growing"], 0)
        got = self.d.verdicts()
        return {name: got[target(outlet)] for outlet, name in names.items()}

    def evidence(self, name, got):
        return self.d.json("explain", got[name]["id"])["evidence"]

    def setUp(self):
        self.home = self.folder()

    def test_what_its_two_ends_prove(self):
        chance = random.Random(seed())
        whole = self.good().read_bytes()
        whole = whole[:200_000] + chance.randbytes(2_600_000) + whole[2_800_000:]  # what the tables of a database are like to one who reads the ends
        two = self.good("two", sets=2).read_bytes()
        stories = {
            "whole": (whole, "ok", "fresh"),
            "two_sets": (two, "ok", "fresh"),
            "small": (self.good("small", size=200_000).read_bytes(), "ok", "fresh"),
            "on_a_4k_disk": (self.good("4k", block=4096).read_bytes(), "ok", "fresh"),
            "on_large_blocks": (self.good("64k", block=65536).read_bytes(), "ok", "fresh"),
            "packed": (self.good("packed", packing="xpress").read_bytes(), "ok", "fresh"),
            "one_byte_short": (whole[:-1], "corrupt", "truncated"),
            "cut": (whole[:1_500_000], "corrupt", "truncated"),
            "cut_in_the_head": (whole[:40_000], "corrupt", "truncated"),
            "end_of_zeros": (whole[:-200_000] + bytes(200_000), "warning", "maybe_damaged"),
            "bytes_lost": (whole[:900_000] + whole[980_000:], "corrupt", "damaged"),
            "zeros": (bytes(3_000_000), "corrupt", "zeros"),
            "random": (chance.randbytes(300_000), "corrupt", "scrambled"),
            "no_header": (bytes(4096) + whole[4096:], "corrupt", "damaged"),
            "gave_up": (self.good("aborted", aborted="yes").read_bytes(), "warning", "maybe_damaged"),
            "old_copy": (self.good("old", started=utc(-40 * DAY), finished=utc(-40 * DAY + 300)).read_bytes(), "held", "old_copy"),
            "of_another": (self.good("other", database="PAYROLL").read_bytes(), "held", "other_database"),
            "a_differential": (self.good("differential", kind="differential").read_bytes(), "held", "other_kind"),
            "a_zip": (b"PK\x03\x04" + chance.randbytes(200_000), "warning", "other_format"),
            "a_text": (b"-- a dump as text\nCREATE TABLE t (a int);\n" * 500, "warning", "other_format"),
        }
        got = self.look({name: data for name, (data, *_) in stories.items()})
        wrong = [f"{name}: {got[name]['status']} {got[name]['reason_code']} ({got[name]['reason']})" for name, (_, status, reason) in stories.items()
                 if got[name]["status"] != status or reason != got[name]["reason_code"]]
        self.assertFalse(wrong, "\n".join(wrong))
        for name in stories:
            content = self.evidence(name, got)["content"]
            self.assertLessEqual(content["bytes_read"], 192 * 1024, name)
            self.assertEqual(content["looked"], "read", name)
        reading = self.evidence("whole", got)["content"]["reading"]
        self.assertEqual([(reading[k]["value"], reading[k]["sure"]) for k in ("database", "kind", "whole")],
                         [("SHOP", "proven"), ("full", "proven"), ("whole", "proven")])
        said = self.d.ctl("explain", got["whole"]["id"]).stdout
        for word in ("proven", "SHOP", "full"):
            self.assertIn(word, said)
        self.assertIn("likely", self.d.ctl("explain", got["packed"]["id"]).stdout)
        self.assertEqual(self.evidence("two_sets", got)["content"]["reading"]["sets"], 2)

    def test_copies_and_kinds_that_are_expected(self):
        stories = {"a_log": self.good("log", kind="log").read_bytes(), "a_copy": self.good("copy", kind="copy_only").read_bytes()}
        got = self.look(stories, kinds="[log, copy_only]", database='"*"')
        self.assertEqual({name: t["status"] for name, t in got.items()}, {"a_log": "ok", "a_copy": "ok"}, got)

    def test_a_database_for_each_outlet(self):
        stories = {"first": self.good("a", database="Shop_S0000").read_bytes(), "second": self.good("b", database="Shop_S0000").read_bytes()}
        got = self.look(stories, database='"Shop_{code}"')
        self.assertEqual((got["first"]["status"], got["second"]["status"], got["second"]["reason_code"]), ("ok", "held", "other_database"))

    def test_nothing_is_read_when_nobody_asks(self):
        got = self.look({"zeros": bytes(3_000_000)}, verify="none", database='"*"')
        self.assertEqual(got["zeros"]["status"], "ok")
        self.assertEqual(self.evidence("zeros", got)["content"]["bytes_read"], 0)

    def test_a_large_backup_is_not_copied(self):
        """200 GiB, of which no more than the ends travel."""
        bed = SmbBed(self, 1)
        path = bed.outlet(0).put("d$", FOLDER, "large.bak", data=b"")
        write_mtf(path, database="SHOP", started=utc(-AGE - 300), finished=utc(-AGE), zone=0, size=200 << 30)
        bed.outlet(0).date(path, AGE)
        bed.start()
        d = Outlets(self, bed, [MODE]).start()
        scan = d.scan()
        t = d.verdict(code(0))
        self.assertEqual((t["status"], t["size_bytes"]), ("ok", path.stat().st_size), t)
        self.assertGreater(path.stat().st_size, 199 << 30)
        self.assertLess(scan["duration"], 20)
        self.assertLessEqual(d.json("explain", t["id"])["evidence"]["content"]["bytes_read"], 192 * 1024)


if __name__ == "__main__":
    main()

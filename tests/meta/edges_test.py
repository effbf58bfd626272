"""The house keeps its shape: who may include whom, how long a file may be, and no test that is switched off."""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from harness import Case, main  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
BASE, PROTO, CORE = "common/base", "common/protocol", "daemon/core"
PLATFORM = ["loop", "files", "inspect", "sql", "journal", "service", "net", "smb", "mariadb", "jail"]
MTF = "daemon/mtf"
PARTS = ["deposits", "alerts", "outlets"]  # parts never include each other

# folder -> folders it may include, beside itself. What stands in no row may not be.
EDGES = {
    BASE: [],
    PROTO: [BASE],
    CORE: [BASE],
    "daemon/core/settings": [BASE, CORE],
    **{f"daemon/platform/{p}": [BASE, CORE, "daemon/core/settings", "daemon/platform/loop"] for p in PLATFORM},
    MTF: [BASE],
    "daemon/platform/inspect/worker": [BASE, CORE, "daemon/core/settings", "daemon/platform/inspect", "daemon/platform/jail", MTF],
    "daemon/platform/smb": [BASE, CORE, "daemon/core/settings", "daemon/platform/loop", MTF],
    "daemon/platform/smb/worker": [BASE, CORE, "daemon/platform/smb", "daemon/platform/smb/worker/client", MTF],
    "daemon/platform/smb/worker/client": [BASE, CORE, "daemon/platform/smb", "daemon/platform/smb/worker", "daemon/platform/jail"],
    "daemon/config": [BASE, CORE, "daemon/core/settings"],
    "daemon/history": [BASE, CORE, "daemon/core/settings", "daemon/platform/sql", "daemon/platform/loop"],
    "daemon/runs": [BASE, CORE, "daemon/core/settings", "daemon/platform/loop", "daemon/history"],
    "daemon/targets": [BASE, CORE, "daemon/core/settings", "daemon/platform/loop", "daemon/history"],
    "ctl/render": [BASE, PROTO],
    "ctl/commands": [BASE, PROTO, "ctl/render", "ctl"],
    "ctl": [BASE, PROTO, "ctl/render", "ctl/commands"],
}
BELOW_PARTS = [BASE, CORE, MTF, "daemon/core/settings", "daemon/history", "daemon/runs", "daemon/targets"] + [f"daemon/platform/{p}" for p in PLATFORM]


def allowed(folder):
    if folder in EDGES:
        return EDGES[folder]
    for part in PARTS:
        if folder == f"daemon/{part}" or folder.startswith(f"daemon/{part}/"):
            return BELOW_PARTS + [f"daemon/{part}*"]
    if folder == "daemon/control":
        # alerts/rules: pure, which status is worse and what a silence covers.
        return BELOW_PARTS + [PROTO, "daemon/config", "daemon/alerts/rules"] + [f"daemon/{p}" for p in PARTS]
    if folder in ("daemon/app", "daemon"):
        return ["daemon/*", BASE, PROTO]
    return None


def sources(*suffixes):
    for top in ("common", "daemon", "ctl"):
        for path in sorted((ROOT / top).rglob("*")):
            if path.suffix in suffixes:
                yield path


def permits(rules, folder, target):
    if folder == target:
        return True
    return any(target.startswith(r[:-1]) if r.endswith("*") else target == r for r in rules)


class Edges(Case):
    def test_includes_follow_the_table(self):
        bad = []
        for path in sources(".h", ".cc"):
            folder = str(path.parent.relative_to(ROOT))
            rules = allowed(folder)
            if rules is None:
                bad.append(f"{folder}: not in the table")
                continue
            for number, line in enumerate(path.read_text().splitlines(), 1):
                match = re.match(r'#include "((?:common|daemon|ctl|tests)/[^"]+)"', line)
                if match and not permits(rules, folder, str(pathlib.Path(match[1]).parent)):
                    bad.append(f"{path.relative_to(ROOT)}:{number}: may not include {match[1]}")
        self.assertEqual(bad, [])

    def test_one_library_has_one_room(self):
        homes = {"yaml-cpp/": "daemon/config", "sqlite3.h": "daemon/platform/sql", "event2/": "daemon/platform/loop", "openssl/": "daemon/platform/files",
                 "CLI/": "ctl", "zstd.h": ("daemon/platform/inspect/worker", MTF), "libsmbclient.h": "daemon/platform/smb/worker",
                 "mysql": "daemon/platform/mariadb", "mariadb": "daemon/platform/mariadb",
                 "lzma.h": "daemon/platform/inspect/worker", "cctz/": "daemon/core", "curl/": "daemon/platform/net", "kainjow/": "daemon/alerts/text"}
        bad = []
        for path in sources(".h", ".cc"):
            for line in path.read_text().splitlines():
                match = re.match(r"#include [<\"]([^>\"]+)[>\"]", line)
                for library, home in homes.items():
                    if match and match[1].startswith(library) and not str(path.relative_to(ROOT)).startswith(home):
                        bad.append(f"{path.relative_to(ROOT)} includes {match[1]}, which only {home} may")
        self.assertEqual(bad, [])

    def test_the_json_header_stays_out_of_headers(self):
        self.assertEqual([str(p) for p in sources(".h") if "nlohmann/json.hpp" in p.read_text()], [])

    def test_files_stay_readable(self):
        long = [f"{p.relative_to(ROOT)}: {n} lines" for p in sources(".h", ".cc") if (n := len(p.read_text().splitlines())) > 480]
        self.assertEqual(long, [])

    def test_no_test_is_switched_off(self):
        bad = [str(p.relative_to(ROOT)) for p in (ROOT / "tests").rglob("*") if p.suffix in (".cc", ".py", ".h") and p.name != "edges_test.py"
               and re.search(r"DISABLED_|@unittest\.skip\b|#if 0", p.read_text())]
        # CMake could switch one off too.
        bad += [str(p.relative_to(ROOT)) for p in ROOT.glob("tests/**/CMakeLists.txt") if re.search(r"\bDISABLED\b", p.read_text())]
        self.assertEqual(bad, [])

    def test_names_without_meaning_are_not_used(self):
        bad = [str(p.relative_to(ROOT)) for p in sources(".h", ".cc") if re.search(r"\b(class|struct) \w*(Manager|Helper|Utils?)\b", p.read_text())]
        self.assertEqual(bad, [])

    def test_every_room_is_built(self):
        cmake = (ROOT / "CMakeLists.txt").read_text()
        rooms = {str(p.parent.relative_to(ROOT)) for p in sources(".cc")} - {"daemon", "ctl", "daemon/platform/inspect/worker", "daemon/platform/smb/worker"}
        self.assertEqual(sorted(r for r in rooms if f"bkmon_room({r} " not in cmake), [])


if __name__ == "__main__":
    main()

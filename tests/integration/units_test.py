"""The shipped units without a booted systemd: verified, and held to their score."""
import gzip
import os
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from harness import BIN, SOURCE, Case, main  # noqa: E402

PINNED = 12  # of 100, as `systemd-analyze security --offline` counts (1.2 of 10); lower is better. The promise is 20.


class Units(Case):
    def test_security_score_is_pinned(self):
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", f"--threshold={PINNED}", "--no-pager", str(SOURCE / "systemd/bkmond.service")],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_units_verify(self):
        root = self.folder()
        for program in ("usr/sbin/bkmond", "usr/bin/bkmonctl"):
            (root / program).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy("/bin/true", root / program)
        units = root / "usr/lib/systemd/system"
        units.mkdir(parents=True)
        for unit in ("bkmond.service", "bkmond.socket"):
            shutil.copy(SOURCE / "systemd" / unit, units)
        # What our units name must exist there too: systemd's own.
        shutil.copytree("/lib/systemd/system", units, dirs_exist_ok=True, symlinks=True)
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", f"--root={root}", "bkmond.service", "bkmond.socket"], capture_output=True, text=True)
        ours = [line for line in done.stderr.splitlines() if "bkmon" in line]
        self.assertEqual(ours, [])

    def test_the_user_and_groups_are_made(self):
        root = self.folder()
        (root / "etc").mkdir()
        subprocess.run(["systemd-sysusers", f"--root={root}", str(SOURCE / "systemd/bkmon.sysusers")], check=True, capture_output=True)
        groups = (root / "etc/group").read_text()
        for group in ("bkmon:", "bkmon-viewer:", "bkmon-operator:", "bkmon-admin:"):
            self.assertIn(group, groups)

    def test_manuals_and_changes_are_packed_and_examples_come_along(self):
        root = self.folder()
        build = pathlib.Path(os.environ.get("BKMON_BUILD_DIR", BIN.parent))
        subprocess.run(["cmake", "-DCMAKE_INSTALL_PREFIX=/usr", "-P", str(build / "etc/cmake_install.cmake")], check=True, capture_output=True,
                       env={**os.environ, "DESTDIR": str(root)})
        pages = {p.name for p in (root / "usr/share/man").rglob("*") if p.is_file()}
        self.assertEqual(pages, {p.name.removesuffix(".scd") + ".gz" for p in (SOURCE / "etc/man").glob("*.scd")})
        packed = list((root / "usr/share/man").rglob("*.gz")) + [root / "usr/share/doc/bkmon/changelog.gz"]
        for file in packed:
            self.assertEqual(file.read_bytes()[3:8], bytes(5), f"{file.name} holds its name or a time")
            self.assertGreater(len(gzip.decompress(file.read_bytes())), 100)
        project = re.search(r"project\(bkmon VERSION (\S+)", (SOURCE / "CMakeLists.txt").read_text())[1]
        self.assertIn(f"bkmon ({project})", gzip.decompress(packed[-1].read_bytes()).decode().splitlines()[0])
        examples = root / "usr/share/doc/bkmon/examples/conf.d"
        self.assertEqual({p.name for p in examples.iterdir()}, {"README", "shop.yaml"})


if __name__ == "__main__":
    main()

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

# Of 100, as `systemd-analyze security --offline` counts (1.9 of 10); lower is better. The promise is 20.
PINNED = {"bkmond.service": 19, "bkmond-failure@.service": 17}


class Units(Case):
    def test_security_score_is_pinned(self):
        for unit, points in PINNED.items():
            done = subprocess.run(["systemd-analyze", "security", "--offline=true", f"--threshold={points}", "--no-pager", str(SOURCE / "systemd" / unit)],
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_units_verify(self):
        root = self.folder()
        for program in ("usr/sbin/bkmond", "usr/bin/bkmonctl", "usr/bin/systemctl"):
            (root / program).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy("/bin/true", root / program)
        units = root / "usr/lib/systemd/system"
        units.mkdir(parents=True)
        for unit in ("bkmond.service", "bkmond.socket", "bkmond-failure@.service", "bkmond-again.timer", "bkmond-again.service"):
            shutil.copy(SOURCE / "systemd" / unit, units)
        # What our units name must exist there too: systemd's own.
        shutil.copytree("/lib/systemd/system", units, dirs_exist_ok=True, symlinks=True)
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", f"--root={root}", "bkmond.service", "bkmond.socket",
                               "bkmond-failure@bkmond.service.service", "bkmond-again.timer", "bkmond-again.service"], capture_output=True, text=True)
        ours = [line for line in done.stderr.splitlines() if "bkmon" in line]
        self.assertEqual(ours, [])

    def test_a_failure_is_told_by_the_program_that_is_there(self):
        """The unit of the daemon names the one that mails, which starts bkmond with an option that it knows."""
        self.assertIn("OnFailure=bkmond-failure@%n.service bkmond-again.timer\n", (SOURCE / "systemd/bkmond.service").read_text())
        command = re.search(r"^ExecStart=/usr/sbin/bkmond (--\S+) %i$", (SOURCE / "systemd/bkmond-failure@.service").read_text(), re.M)[1]
        self.assertIn(command, subprocess.run([str(BIN / "bkmond"), "--help"], capture_output=True, text=True, check=True).stdout)

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
        self.assertEqual({p.name for p in examples.iterdir()}, {"README", "alerts.yaml", "outlets.yaml", "shop.yaml"})


if __name__ == "__main__":
    main()

"""The shipped units without a booted systemd: verified, and held to their score."""
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from harness import SOURCE, Case, main  # noqa: E402

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
        for group in ("bkmon:", "bkmon-operator:", "bkmon-admin:"):
            self.assertIn(group, groups)


if __name__ == "__main__":
    main()

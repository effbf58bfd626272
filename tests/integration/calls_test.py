"""The system calls of a real bkmond at work, as strace sees them: what the kernel is asked, not what the code means to ask."""
import gzip
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from harness import SANITIZED, Case, Daemon, dump, jobs, main, sha256, utc  # noqa: E402

GUARDS = {"RESOLVE_BENEATH", "RESOLVE_NO_SYMLINKS", "RESOLVE_NO_MAGICLINKS", "RESOLVE_NO_XDEV"}
T = "deposit/shop_city_north/main"


class Calls(Case):
    def traced(self, calls):
        """Two backups are promoted, the second over the first; gives the lines of strace."""
        if shutil.which("strace") is None or subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True).returncode != 0:
            self.skipTest("no strace here, or it may not trace")
        if SANITIZED:
            self.skipTest("a sanitizer has calls of its own")
        d = Daemon(self)
        trace = d.home / "trace"
        d.wrapper = ["strace", "-f", "-y", "-s", "300", "-o", str(trace), "-e", f"trace={calls}", "-e", "signal=none"]
        d.configure(jobs())
        d.start()
        for rows in (50, 60):
            data = gzip.compress(dump(rows=rows))
            d.deposit("SHOP_CITY_NORTH", {"MAIN": ("main.sql.gz", data)}, utc(rows - 120))
            d.wait_status(T, "ok", sha256=sha256(data))
        # strace ends with what it traces.
        for child in pathlib.Path(f"/proc/{d.process.pid}/task/{d.process.pid}/children").read_text().split():
            os.kill(int(child), signal.SIGTERM)
        self.until("it ended", lambda: d.process.poll() is not None)
        return d, [line for line in trace.read_text().splitlines() if "resumed>" not in line]

    def test_everything_beneath_the_roots_is_opened_with_every_guard(self):
        d, lines = self.traced("openat2,openat,open,creat")
        guarded = [line for line in lines if "openat2(" in line]
        self.assertGreater(len(guarded), 30)
        for line in guarded:
            asked = set(re.search(r"resolve=([A-Z_|]+)", line)[1].split("|")) if "resolve=" in line else set()
            self.assertEqual(asked, GUARDS, line)
        for line in lines:  # any other open there makes a new file, reads a list of names, or opens a root itself
            if "openat2(" not in line and re.search(f'["<]({re.escape(str(d.root))}|{re.escape(str(d.vault))})', line):
                self.assertRegex(line, r'O_EXCL\|O_NOFOLLOW|"\.", O_RDONLY\|[A-Z_|]*O_DIRECTORY|O_NOFOLLOW\|O_CLOEXEC\|O_DIRECTORY')


if __name__ == "__main__":
    main()

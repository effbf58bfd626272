"""Synthetic backups of SQL Server, by the specification of their format: build/…/tests/bkmon-write-mtf."""
import subprocess

from harness import PROGRAMS


def write_mtf(path, **asked):
    """Writes one to `path` and gives it. Options are those of the program, with _ for -: kind, database, server, started, finished (RFC 3339),
    zone, block, sets, size, files, part, parts, padding, soft_marks, aborted ("yes"), packing, vendor, software. What is large is a hole."""
    options = [word for name, value in asked.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    done = subprocess.run([str(PROGRAMS / "bkmon-write-mtf"), "--out", str(path), *options], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return path

#!/usr/bin/python3
"""The same large backup where agents' folder and vault lie on one file system that can share blocks (xfs, btrfs): the copy costs nothing, but what
was cloned is hashed, synced and read back all the same. Beside it `cp --reflink=always` and hashing the clone twice. Needs root, for loop devices."""
import os
import subprocess

from intake import take
from measure import WORK, Skipped, digest_of, main, room, sized, sql_dump, timed, warm

TITLE = "Taking in one deposit of 4 GiB with shared blocks"
PROMISE = "At most 1.15 times `cp --reflink=always` + two `openssl dgst`, on xfs and on btrfs."

WHY = {
    "xfs": "beside the two hashings the content is looked through by a process of its own, and the second hashing reads from the disk: on two cores "
           "that is more than two readings of a cached file; the first round also pays for memory that the virtual machine had given back",
    "btrfs": "as on xfs",
}


def mounted(bench, kind, size):
    """A fresh file system in a file."""
    if os.geteuid() != 0:
        raise Skipped("loop devices need root")
    folder = bench.folder()
    image, where = folder / "image", folder / "mnt"
    where.mkdir()
    with open(image, "wb") as file:
        file.truncate(size)
    for command in ([f"mkfs.{kind}", "-q", str(image)], ["mount", "-o", "loop", str(image), str(where)]):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise Skipped(f"{' '.join(command)}: {done.stderr.strip()}")
    bench.stage.addCleanup(subprocess.run, ["umount", str(where)], capture_output=True)
    return where


def by_hand(source, copy):
    took = timed("cp", "--reflink=always", source, copy)
    for _ in range(2):
        took += timed("openssl", "dgst", "-sha256", copy)
    copy.unlink()
    return took


def measure(bench):
    size = sized(4 << 30, 4 << 20)
    room(WORK, 3 * size)
    for kind in ("xfs", "btrfs"):
        home = mounted(bench, kind, sized(9 << 30, 512 << 20)) / "bench"
        home.mkdir()
        warm(WORK, 2 * size)
        source = sql_dump(home / "main.sql", size)
        digest = digest_of(source)
        bench.ratio(kind, lambda: take(bench, home, source, digest), lambda: by_hand(source, home / "copy"), 3, at_most=1.15)
        bench.stage.doCleanups()


if __name__ == "__main__":
    main()

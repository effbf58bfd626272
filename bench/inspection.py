#!/usr/bin/python3
"""How long a compressed dump takes from its report to its verdict, unpacked to its last byte and looked through for tables and end mark. Beside it
`gzip -t` (`zstd -t`) of the file, which only unpacks: about 1 means that copying, hashing twice, syncing and reading back hide behind unpacking."""
import subprocess

from intake import by_hand, take
from measure import WORK, digest_of, main, room, sized, sql_dump, timed, warm, written

TITLE = "Taking in a compressed dump, inspected to its last byte"
PROMISE = "At most 1.15 times `gzip -t` (`zstd -t`) alone, with hashing and copying beside it."

WHY = {"zstd": "zstd unpacks faster than the disk works: writing the copy and reading it back from the disk alone cost what the row below says, and on two "
               "cores two hashings and the look into the dump share what unpacking leaves"}


def measure(bench):
    size = sized(3 << 30, 4 << 20)
    room(WORK, 2 * size)
    home = bench.folder()
    warm(home, 2 * size)
    plain = sql_dump(home / "plain.sql", size)
    for packer, suffix, arguments in (("gzip", "gz", ["-1"]), ("zstd", "zst", ["-q", "-T0", "--check"])):
        source = home / f"main.sql.{suffix}"
        with open(source, "wb") as out:
            subprocess.run([packer, *arguments, "-c", str(plain)], check=True, stdout=out)
        digest = digest_of(written(source))
        bench.figure(f"{packer}: size of the file", source.stat().st_size / (1 << 30), "GiB")
        bench.ratio(packer, lambda: take(bench, home, source, digest), lambda: timed(packer, "-t", "-q", source), 3, at_most=1.15)
        bench.ratio(f"{packer}: only cp + sync FILE + one uncached re-read", lambda: by_hand(source, home / "copy", 0), lambda: timed(packer, "-t", "-q", source), 3)
        source.unlink()


if __name__ == "__main__":
    main()

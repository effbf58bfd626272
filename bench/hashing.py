#!/usr/bin/python3
"""How fast bkmond hashes a file that the machine has in memory, beside `openssl dgst -sha256` of the same file. Every backup is hashed twice:
when it is copied and when it is read back. 1 means that nothing is lost on the way to the processor's own instructions; two at once tells
whether two backups that arrive together stand in each other's way."""
from measure import WORK, main, program, random_file, room, sized, timed, together

TITLE = "Hashing one large cached file"
PROMISE = "At least 0.95 of the speed of `openssl dgst -sha256` of the same file; two at once at least 0.95 of two openssl at once."



def compare(bench, what, files, rounds):
    ours = [program("bench_hash"), *files]
    openssl = [["openssl", "dgst", "-sha256", f] for f in files]
    bench.ratio(what, lambda: together(ours), lambda: together(*openssl), rounds, at_least=0.95)


def measure(bench):
    size = sized(2 << 30, 8 << 20)
    room(WORK, 3 * size)
    folder = bench.folder()
    files = [random_file(folder / name, size) for name in ("a", "b")]
    for f in files:
        timed("openssl", "dgst", "-sha256", f)  # now it is in memory
    compare(bench, "one file", files[:1], 7)
    compare(bench, "two at once", files, 5)


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""How long a large backup that is not compressed takes from the report that announces it to its verdict: copied, hashed, looked through for its end,
synced, read back from the disk and hashed again, and under its final name. Beside it what a careful operator would type: cp, sync,
openssl dgst, and one more reading of the copy from the disk. 1 means that all of bkmond's care costs no time of its own."""
import pathlib
import shutil

from measure import WORK, Daemon, digest_of, drop_cache, main, room, sized, sql_dump, timed, warm

TITLE = "Taking in one deposit of 4 GiB that needs no inflating"
PROMISE = "At most 1.25 times `cp --reflink=never` + `sync FILE` + `openssl dgst` + one uncached re-read of the same file."
AGENT = "SHOP_CITY_NORTH"


def take(bench, home, source, digest):
    """Seconds of bkmond. The source stays: the next round takes it again, in a daemon and a vault that know nothing of it."""
    daemon = Daemon(bench, home=home).jobs([(AGENT, "MAIN")], "0 0 * * *", consume="false")
    place = daemon.agent(AGENT) / "database" / source.name
    source.rename(place)
    daemon.start().settled()
    took = daemon.report_and_wait(daemon.watch(), AGENT, "MAIN", source.name, place.stat().st_size, digest)
    daemon.stop()
    place.rename(source)
    for folder in (daemon.vault, daemon.state, daemon.root):
        shutil.rmtree(folder)
    return took


def by_hand(source, copy, digests):
    """Seconds of the commands. digests: of the source, as often."""
    took = timed("cp", "--reflink=never", source, copy) + timed("sync", copy)
    for _ in range(digests):
        took += timed("openssl", "dgst", "-sha256", source)
    drop_cache(copy)
    took += timed("dd", f"if={copy}", "of=/dev/null", "bs=1M")
    pathlib.Path(copy).unlink()
    return took


def measure(bench):
    size = sized(4 << 30, 4 << 20)
    room(WORK, 4 * size)
    home = bench.folder()
    warm(home, 2 * size)
    source = sql_dump(home / "main.sql", size)
    digest = digest_of(source)
    bench.ratio("from the report to the verdict", lambda: take(bench, home, source, digest), lambda: by_hand(source, home / "copy", 1), 3, at_most=1.25)


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""How fast what has piled up in the outbox leaves when the mail server is there again: 1,000 mails, as bkmond writes them, to a server on the same
machine over four connections. Beside it a sender that only sends: the same bytes to the same server over four connections that it keeps, without an
outbox in which every mail is leased before and marked afterwards, so that a crash loses none. The time is the server's, from the first MAIL
to the last 250. One server keeps each mail on its disk before it says 250, as every real one must; the other keeps nothing and answers at once,
so that nothing but the sender is measured. The sender that keeps its connections is faster than the tools by which people judge their servers:
smtp-source and swaks make a connection for each mail, and are a row of their own."""
import contextlib
import shutil
import signal
import sqlite3
import subprocess

from mails import Sink, fail_backup, mailing, send_to
from measure import main, program, sized

TITLE = "1,000 mails to a server on this machine"
PROMISE = "At least 0.7 of the throughput of a bare sender with four connections to the same server."
WHY = {
    "a server that keeps each mail": "a connection that has sent its mail gets the next one by way of the loop, and the commits of the outbox wait for the "
    "same disk as the server's own",
    "a server that keeps nothing": "such a server answers in some millionths of a second, so that only processor time counts: beside the four commands that the "
    "bare sender says there are a lease and an end in the history, a line in the journal, and libcurl's own work",
}
MAILS, CONNECTIONS = sized(1000, 60), 4


class Outbox:
    """A bkmond that does not run, whose outbox is filled with copies of a mail that it wrote."""

    def __init__(self, bench):
        self.daemon = mailing(bench, 1, ["SHOP_CITY_NORTH"])  # nobody listens there
        self.daemon.start().settled()
        fail_backup(self.daemon, "SHOP_CITY_NORTH")
        bench.stage.until("a mail waits", lambda: self.ask("SELECT count(*) FROM mail WHERE state = 'waiting' AND attempts > 0")[0][0], 60)
        self.daemon.stop(signal.SIGTERM)
        with self.open() as db:
            db.row_factory = sqlite3.Row
            first = dict(db.execute("SELECT * FROM mail").fetchone())
        self.rows = []
        for n in range(MAILS):
            name = first["message_id"].replace("@", f".{n:05}@", 1)
            self.rows.append({**first, "id": None, "message_id": name, "bytes": first["bytes"].replace(first["message_id"], name), "state": "waiting",
                              "attempts": 0, "next_at": first["created_at"], "last_error": "", "code": 0})

    def open(self):
        return contextlib.closing(sqlite3.connect(self.daemon.state / "history.db", isolation_level=None))

    def ask(self, query):
        with contextlib.closing(sqlite3.connect(f"file:{self.daemon.state}/history.db?mode=ro", uri=True)) as db:
            return db.execute(query).fetchall()

    def fill(self):
        with self.open() as db:
            db.execute("BEGIN")
            db.execute("DELETE FROM mail")
            db.executemany(f"INSERT INTO mail VALUES ({', '.join('?' * len(self.rows[0]))})", [tuple(row.values()) for row in self.rows])
            db.execute("COMMIT")

    def files(self, folder):
        """The same mails for the bare sender."""
        paths = []
        for n, row in enumerate(self.rows):
            paths.append(folder / f"{n:05}")
            paths[-1].write_bytes(row["bytes"].encode() if isinstance(row["bytes"], str) else row["bytes"])
        return paths


def took(sink, since, rows):
    """Seconds of the server; each mail came once."""
    lines = sink.lines(since)
    if sorted(line[4] for line in lines) != sorted(row["message_id"] for row in rows):
        raise SystemExit(f"{len(lines)} mails came, {len({line[4] for line in lines})} different ones, of {len(rows)}")
    return max(line[2] for line in lines) - min(line[0] for line in lines)


def ours(bench, outbox, sink):
    outbox.fill()
    before = sink.count()
    send_to(outbox.daemon, sink.port)
    outbox.daemon.start(wait=False)
    sink.wait(before + MAILS)
    bench.stage.until("every mail is marked as sent", lambda: outbox.ask("SELECT count(*) FROM mail WHERE state = 'sent'")[0][0] == MAILS, 30)
    outbox.daemon.stop()
    return took(sink, before, outbox.rows)


def bare(outbox, sink, files, how="send"):
    before = sink.count()
    subprocess.run([program("bench_smtp"), how, str(sink.port), str(CONNECTIONS), *map(str, files)], check=True)
    return took(sink, before, outbox.rows)


def measure(bench):
    outbox = Outbox(bench)
    files = outbox.files(bench.folder())
    bench.say(f"{len(files)} mails of {len(outbox.rows[0]['bytes'])} bytes")
    kept = bench.folder()
    for what, how in (("a server that keeps each mail", kept), ("a server that keeps nothing", None)):
        sink = Sink(bench, how)
        bare(outbox, sink, files)  # what is read for the first time is read now
        bench.ratio(what, lambda: ours(bench, outbox, sink), lambda: bare(outbox, sink, files), 7, at_least=0.7)
        bench.figure(f"a second, {what}", len(files) / bench.rows[-1]["seconds"], "mails")
        bench.ratio(f"{what}, beside a connection for each mail", lambda: ours(bench, outbox, sink), lambda: bare(outbox, sink, files, "each"), 5, at_least=0.7)
        sink.stop()
    shutil.rmtree(kept)


if __name__ == "__main__":
    main()

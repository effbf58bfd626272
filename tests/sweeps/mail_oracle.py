"""Judges which mails came of what happened. It shares no code with bkmond: reads the history with Python's sqlite3 and what a mail server got with Python's
email, and knows the promise alone: what must be mailed arrives at least once, and each time as the same message."""
import collections
import contextlib
import json
import pathlib
import shutil
import sqlite3
import tempfile


def history(state):
    """{table: rows} of a copy: whoever writes it may be at it, or be dead."""
    with tempfile.TemporaryDirectory(prefix="bkmon-oracle.") as folder:
        for name in ("history.db", "history.db-wal"):
            if (pathlib.Path(state) / name).exists():
                shutil.copy(pathlib.Path(state) / name, folder)
        with contextlib.closing(sqlite3.connect(pathlib.Path(folder) / "history.db")) as db:
            db.row_factory = sqlite3.Row
            return {
                "events": db.execute("SELECT e.seq, t.name AS target, e.body FROM event e JOIN target t ON t.id = e.target "
                                     "WHERE e.type = 'verdict' ORDER BY e.seq").fetchall(),
                "notices": db.execute("SELECT * FROM notice").fetchall(),
                "mails": db.execute("SELECT * FROM mail ORDER BY id").fetchall()}


def words(received):
    return "".join(received.part("plain").split())


def heard(who, events, messages, kind):
    """Each failure, and each end of one, is told to them."""
    bad, failing = [], {}
    begun = [(words(m), m) for m in messages if not m.mail["Subject"].startswith("[OK]")]
    over = {m.mail["Message-ID"]: m.mail["Subject"] for m in messages if m.accepted and m.mail["Subject"].startswith("[OK]")}
    ends = collections.Counter()
    for event in events:
        target, body = event["target"], json.loads(event["body"])
        if not target.startswith(kind):
            continue
        ends[target] += failing.get(target, False) and body["severity"] == "OK"
        failing[target] = body["severity"] == "CRITICAL"
        if not failing[target]:
            continue
        reason = "".join(body["reason"].rstrip(".").split())
        if not any(reason in text and m.accepted for text, m in begun):
            bad.append(f"event {event['seq']} of {target} never reached {who}: {body['reason']}")
        ids = {m.mail["Message-ID"] for text, m in begun if reason in text}
        if len(ids) > 1:
            bad.append(f"event {event['seq']} of {target} came to {who} as {len(ids)} messages: {sorted(ids)}")
    for target, count in ends.items():
        told = sum(target in subject for subject in over.values())
        if told != count:
            bad.append(f"{target} recovered {count} times, {who} heard of {told}")
    return bad


def judge(state, messages, recipients, happened, kind="deposit/"):
    """messages: whatever reached the server up to its final dot. happened: words of each failure that there was. A line for each violation; empty is good."""
    rows = history(state)
    reasons = [json.loads(e["body"])["reason"] for e in rows["events"]]
    bad = [f"the history knows nothing of '{what}'" for what in happened if not any(what in r for r in reasons)]
    same = collections.defaultdict(set)
    for m in messages:
        same[(m.mail["Message-ID"], tuple(m.recipients))].add(m.data)
    bad += [f"{key}: {len(data)} different messages have this Message-ID" for key, data in same.items() if len(data) > 1]
    for who in recipients:
        bad += heard(who, rows["events"], [m for m in messages if who in m.recipients], kind)
    bad += [f"notice {n['id']} was never mailed" for n in rows["notices"]]
    bad += [f"mail {m['id']} to {m['recipient']} is {m['state']}: {m['last_error']}" for m in rows["mails"] if m["state"] != "sent"]
    known = {(m["message_id"], m["recipient"]) for m in rows["mails"]}
    bad += [f"nobody remembers {m.mail['Message-ID']} to {m.recipients}" for m in messages if not {(m.mail["Message-ID"], r) for r in m.recipients} <= known]
    return bad

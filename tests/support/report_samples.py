"""Rows of io.bkmon.Targets.Report as bkmond sends them, made up with a seed: for pages that people look at and for tests."""
import datetime
import random

REPORT = "io.bkmon.Targets.Report"
SEVERITY = {"ok": "OK", "unchanged": "WARNING", "warning": "WARNING", "held": "WARNING", "late": "WARNING", "missing": "CRITICAL", "failed": "CRITICAL",
            "corrupt": "CRITICAL", "unreachable": "CRITICAL", "unknown": "UNKNOWN", "paused": "OK"}
WHY = {"ok": "Store_{d}.bak is 3 h old, a whole full backup of Store.", "missing": "The newest backup, Store_{d}.bak, is 3 days old; it may be 26 h at most.",
       "unreachable": "10.20.{a}.7 did not answer on port 445 within 2 s.", "corrupt": "Store_{d}.bak begins with zeros: this is no backup.",
       "held": "Store_{d}.bak is dated 2 h in the future: look at the clock of the server.", "unknown": "Nothing is known yet.",
       "unchanged": "Byte-identical to the last one."}
FIELDS = ("target", "kind", "date", "status", "severity", "reason_code", "reason", "at", "due_at", "backup_at", "file", "size_bytes", "sha256", "duration",
          "drive", "address", "name")


def row(**members):
    members.setdefault("severity", SEVERITY.get(members.get("status"), "UNKNOWN"))
    return {name: members.get(name) for name in FIELDS}


def outlets(count, days, seed=1, last=datetime.date(2026, 11, 22)):
    """Mostly good, some bad for long, and one bad day for many."""
    rng = random.Random(seed)
    trouble = {n: rng.choice(("missing", "unreachable", "corrupt", "held")) for n in rng.sample(range(count), max(count // 40, 1))}
    rows = []
    for back in range(days - 1, -1, -1):
        day = last - datetime.timedelta(days=back)
        for n in range(count):
            status = "ok"
            if n in trouble and back < 3 + n % 9:
                status = trouble[n]
            elif rng.random() < (0.3 if back == days // 2 else 0.01):
                status = rng.choice(("missing", "unreachable", "unreachable", "unknown", "unchanged"))
            found = status in ("ok", "unchanged", "missing", "corrupt", "held")
            rows.append(row(
                target=f"outlet/OUTLET{n + 1:03}/d-drive", kind="outlet", date=day.isoformat(), status=status, reason_code="x",
                reason=WHY[status].format(d=day.strftime("%Y%m%d"), a=n % 250), at=f"{day}T07:00:12Z", backup_at=f"{day}T02:10:00Z" if found else None,
                file=f"Store_{day:%Y%m%d}.bak" if found else None, size_bytes=rng.randrange(10 ** 8, 6 * 10 ** 9) if found else None, duration=0.31,
                drive="D:", address=f"10.20.{n % 250}.7", name=f"Shop {n + 1}, {'North' if n % 2 else 'South'}"))
    return rows


def pages(rows, each=200):
    return [{"rows": rows[i:i + each]} for i in range(0, len(rows), each)] or [{"rows": []}]

"""A bkmond that looks at the servers of a bed: its configuration, its inventory, and scans asked for over the socket."""
import calendar
import contextlib
import pathlib
import time

import harness
from smb_bed import PASSWORD, USER
from varlink_client import Client

FOLDER = "BackupFull"
# Servers and workers share this machine with other tests: what only says "slow" must not say "dead".
PATIENT = "  connect_timeout: 5s\n  request_timeout: 30s\n  deadline: 90s"


def code(number):
    return f"S{number:04}"


def target(outlet, mode="d-drive"):
    return f"outlet/{outlet}/{mode}".lower()


def csv(rows, columns=("code", "address")):
    return ",".join(columns) + "\n" + "".join(",".join(map(str, row)) + "\n" for row in rows)


def configuration(d, inventory, modes, workers=8, more=""):
    """The whole file. inventory: the lines of that section, or a list of (code, address), for which a CSV is written. modes: dictionaries of what differs
    from a plain d-drive; `port` is the only one they must have. more: lines of the section outlets."""
    (d.home / "smb.password").write_text(PASSWORD + "\n")
    (d.home / "smb.password").chmod(0o600)
    if not isinstance(inventory, str):
        write_csv(d, inventory)
        inventory = f"csv: {d.home}/outlets.csv"
    lines = [f"state: {d.state}", f"control: {{socket: {d.socket}}}", "outlets:", f"  inventory: {{{inventory}}}", f"  workers: {workers}", *more.splitlines(), "  modes:"]
    for mode in modes:
        login = mode.get("credentials", f"{{user: {USER}, domain: BEDGRP, password_file: {d.home}/smb.password}}")
        settings = {"name": "d-drive", "shares": '["d$"]', "folder": FOLDER, "verify": "none", "schedule": "none", "timezone": "UTC", **mode, "credentials": login}
        lines.append("    - {" + ", ".join(f"{k}: {v}" for k, v in settings.items()) + "}")
    return "\n".join(lines) + "\n"


def write_csv(d, rows, columns=("code", "address")):
    harness.place(d.home / "outlets.csv", csv(rows, columns).encode())


class Outlets(harness.Daemon):
    """`bed`: what is looked at when no other inventory is given; its outlets are S0000 and so on."""

    def __init__(self, case, bed, modes=({},), inventory=None, workers=8, more=PATIENT, **options):
        super().__init__(case, **options)
        self.bed = bed
        self.modes = [{"port": bed.port, **m} for m in modes]
        self.set(inventory or self.everything(), workers=workers, more=more)

    def everything(self):
        return [(code(s.number), s.address) for s in self.bed.servers]

    def set(self, inventory, modes=None, workers=8, more=PATIENT):
        self.configure(configuration(self, inventory, modes or self.modes, workers, more))

    def client(self, timeout=60):
        client = Client(self.socket, timeout * harness.SLOWER)
        self.case.addCleanup(client.socket.close)
        return client

    def begin(self, mode="d-drive", **filters):
        """Begins a scan; (connection, first reply)."""
        client = self.client()
        client.send("io.bkmon.Outlets.Scan", {"mode": mode, **filters}, more=True)
        return client, client.receive()[0]

    @staticmethod
    def end(client, reply=None):
        """The last reply."""
        while reply is None or not reply["final"]:
            reply = client.receive()[0]
        return reply["scan"]

    def scan(self, mode="d-drive", **filters):
        """Looks, and gives what the scan says at its end."""
        client, first = self.begin(mode, **filters)
        last = self.end(client, first)
        if last["state"] != "done":
            self.case.fail(f"the scan is {last['state']}: {last['error']}\n{self.text()[-4000:]}")
        return last

    def verdicts(self):
        """{target: as status says}"""
        return {t["id"].lower(): t for t in self.json("status", "--kind", "outlet")["targets"]}

    def verdict(self, outlet, mode="d-drive"):
        return self.verdicts()[target(outlet, mode)]

    def history(self, outlet, mode="d-drive"):
        """Of one outlet, the newest first."""
        return self.json("history", target(outlet, mode), "--limit", "100")["verdicts"]

    def workers(self):
        """Processes that look at a server."""
        return [pid for pid in self._programs() if command_of(pid, 1) != "--nursery"]

    def nurseries(self):
        """Processes that make them."""
        return [pid for pid in self._programs() if command_of(pid, 1) == "--nursery"]

    def _programs(self):
        found = []
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            with contextlib.suppress(OSError):
                found += [int(c) for c in (task / "children").read_text().split()]
        return [pid for pid in found if command_of(pid).endswith("bkmon-smb-worker")]


def command_of(pid, n=0):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[n].decode()
    except (OSError, IndexError):
        return ""


def day(seconds=0):
    """YYYY-MM-DD in UTC."""
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() + seconds))


def end_of(date):
    """Seconds since then: the end of that day in UTC."""
    return time.time() - (calendar.timegm(time.strptime(date, "%Y-%m-%d")) + 86400)

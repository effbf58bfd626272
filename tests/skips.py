#!/usr/bin/python3
"""Which tests may be skipped, and why (tests/skips.txt): no skip can hide.
`skips.py PRESET LOG`: complains about each test that ctest's log calls skipped and no line of the list allows here, and about each line that names
a test which this build no longer has. `skips.py --list`: what the list says of this machine."""
import ctypes
import fcntl
import fnmatch
import functools
import json
import os
import pathlib
import re
import resource
import socket
import struct
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[1]


def in_a_child(attempt):
    """Runs it where what it changes is gone afterwards. True when it returns a true value."""
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(0 if attempt() else 1)
        except BaseException:  # noqa: B902: a child must never go on as its parent
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


def unshares(flags):
    return in_a_child(lambda: ctypes.CDLL(None).unshare(flags) == 0)


def mounts(*options):
    def attempt():
        with tempfile.TemporaryDirectory(prefix="bkmon-skips.") as folder:
            if ctypes.CDLL(None).unshare(0x00020000) != 0 or subprocess.run(["mount", "--make-rprivate", "/"], capture_output=True).returncode != 0:
                return False
            command = [o.replace("FOLDER", folder) for o in options]
            if "loop" in command:
                subprocess.run(["truncate", "-s", "320M", f"{folder}/image"], check=True)
                subprocess.run([f"mkfs.{command[1]}", "-q", f"{folder}/image"], check=True, capture_output=True)
            pathlib.Path(folder, "point").mkdir()
            done = subprocess.run(["mount", *command, f"{folder}/point"], capture_output=True).returncode == 0
            if done:
                subprocess.run(["umount", f"{folder}/point"], capture_output=True)
            return done
    return in_a_child(attempt)


def makes_tunnels():
    """A network namespace, and a device in it that a program reads and writes."""
    def attempt():
        if ctypes.CDLL(None).unshare(0x40000000) != 0:
            return False
        with open("/dev/net/tun", "r+b", buffering=0) as device:
            fcntl.ioctl(device, 0x400454CA, struct.pack("16sH22x", b"bkmon", 0x1001))
        return True
    return in_a_child(attempt)


def no_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return True
    return False


def queued_events():
    return int(pathlib.Path("/proc/sys/fs/inotify/max_queued_events").read_text())


def temporary_kind():
    return subprocess.run(["stat", "-f", "-c", "%T", tempfile.gettempdir()], capture_output=True, text=True).stdout.strip()


def no_cores():
    return resource.getrlimit(resource.RLIMIT_CORE)[1] == 0 or not pathlib.Path("/proc/sys/kernel/core_pattern").read_text().strip()


# What a line may name as its reason: true where that holds here. Tried by this program itself, never taken from the test that skips.
CONDITIONS = {
    "always": lambda: True,
    "not-root": lambda: os.geteuid() != 0,
    "no-mounts": lambda: not mounts("-t", "tmpfs", "tmpfs"),
    "no-loop": lambda: any(not mounts("-t", kind, "-o", "loop", "FOLDER/image") for kind in ("ext4", "xfs", "btrfs")),
    "no-user-namespace": lambda: not unshares(0x10000000),
    "no-tunnels": lambda: not makes_tunnels(),
    "no-ipv6": no_ipv6,
    "no-cores": no_cores,
    "no-exim4": lambda: not os.access("/usr/sbin/exim4", os.X_OK),
    "long-event-queue": lambda: queued_events() > 16384,
    "tmp-in-memory": lambda: temporary_kind() == "tmpfs",
    "tmp-shares-blocks": lambda: temporary_kind() in ("xfs", "btrfs"),
}


@functools.cache
def holds(condition):
    return CONDITIONS[condition]()


def pinned():
    """(stage or '*', test, conditions, why)"""
    for number, line in enumerate((SOURCE / "tests/skips.txt").read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = [f.strip() for f in line.split("|")]
        if len(fields) != 4 or not all(fields):
            sys.exit(f"tests/skips.txt:{number}: a line is: stage | test | when | why")
        stage, test, when, why = fields
        for condition in when.split():
            if condition not in CONDITIONS:
                sys.exit(f"tests/skips.txt:{number}: '{condition}' is none of {', '.join(CONDITIONS)}")
        yield stage, test, when.split(), why


def tests_of(preset):
    listed = subprocess.run(["ctest", "--test-dir", str(SOURCE / "build" / preset), "--show-only=json-v1"], capture_output=True, text=True, check=True)
    return {plain(t["name"]) for t in json.loads(listed.stdout)["tests"]}


def plain(name):
    """Without the values that GoogleTest shows behind the names of its generated tests."""
    return name.split("  # ")[0].strip()


def judge(preset, skipped, known):
    """Sentences about what is wrong; none is good."""
    lines = [line for line in pinned() if line[0] in ("*", preset)]
    for test in sorted(skipped):
        reasons = [when for _, name, when, _ in lines if fnmatch.fnmatchcase(test, name)]
        if not reasons:
            yield f"{test} was skipped, and tests/skips.txt does not allow that"
        elif not any(holds(c) for when in reasons for c in when):
            yield f"{test} was skipped, which tests/skips.txt allows only with {' or '.join(c for when in reasons for c in when)}: that is not so here"
    for _, name, _, _ in lines:
        if not fnmatch.filter(known, name):
            yield f"{name} stands in tests/skips.txt, but there is no such test"


def main():
    if sys.argv[1:] == ["--list"]:
        for stage, test, when, why in pinned():
            print(f"{'may be skipped' if any(holds(c) for c in when) else 'must run':15}{stage:6}{test}: {why}")
        return
    preset, log = sys.argv[1:]
    log = pathlib.Path(log).read_text(errors="replace")
    skipped = {plain(name) for name in re.findall(r"^\s*\d+ - (.+) \((?:Skipped|Disabled)\)$", log, re.M)}
    wrong = list(judge(preset, skipped, tests_of(preset)))
    print("\n".join(wrong))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()

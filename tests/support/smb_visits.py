"""bkmon-smb-worker driven by hand: an order over its socket, as the pool gives it, and its answer."""
import json
import os
import pathlib
import resource
import signal
import socket
import subprocess
import time

from harness import BIN, SLOWER

LATER = 253402300799000
ORDER = {"address": "127.0.0.1", "port": 445, "shares": ["d$"], "folder": "BackupFull", "patterns": ["*.bak"], "min_size": 0, "latest": LATER, "until": None, "look_inside": True,
         "signing": True, "request_timeout": 2000, "max_entries": 200_000, "credential": {"user": "svc_backup", "domain": "BEDGRP", "password": "Passw0rd!"}}


class Died(Exception):
    """It went without an answer: its status, as subprocess says it."""

    def __init__(self, status):
        super().__init__(f"the worker ended: {status}")
        self.status = status


class Late(Exception):
    """No answer within the time; it was killed."""


class Worker:
    """One process. Not more than one order at a time."""

    def __init__(self, program=None):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.process = subprocess.Popen([str(program or BIN / "bkmon-smb-worker")], stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                            env={"HOME": "/nonexistent", "PATH": "/nonexistent", "LC_ALL": "C.UTF-8"}, start_new_session=True)
        self.socket = ours

    def visit(self, seconds=20, **order):
        """What it found. Raises Died or Late."""
        credential = {**ORDER["credential"], **order.pop("credential", {})}
        try:
            self.socket.send(json.dumps({**ORDER, **order, "credential": credential}).encode())
            self.socket.settimeout(seconds * SLOWER)
            data = self.socket.recv(1 << 17)
        except socket.timeout:
            self.kill()
            raise Late() from None
        except OSError:
            data = b""
        if not data:
            raise Died(self.process.wait(timeout=20))
        assert len(data) <= 65536, len(data)
        return json.loads(data)

    def memory(self):
        """Resident, in bytes."""
        return int(pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * resource.getpagesize()

    def kill(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def close(self):
        """It goes by itself when nobody asks any more."""
        self.socket.close()
        try:
            return self.process.wait(timeout=10 * SLOWER)
        finally:
            self.kill()
            self.process.stdout.close()
            self.process.stderr.close()

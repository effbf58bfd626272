"""bkmon-smb-worker --nursery, and the workers that are born of it: seen from the process that would be bkmond."""
import contextlib
import errno
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from harness import BIN, SANITIZED, Case, main  # noqa: E402
from hostile_smb import HostileNet  # noqa: E402
from outlets import command_of  # noqa: E402

WORKER = str(BIN / "bkmon-smb-worker")
PRELOADED = str(BIN.parent / "tests/libdrawn_early.so")
CANARY = "K4n4ry-of-the-share!"


def status(pid):
    return dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)


def limits(pid):
    return {line[:26].strip(): line[26:].split()[0] for line in pathlib.Path(f"/proc/{pid}/limits").read_text().splitlines()[1:]}


def descriptors(pid):
    return {fd: os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}


def holds(pid, secret):
    """Whether a text lies in the memory of a process, as bytes or as UTF-16."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            begin, end = (int(x, 16) for x in line.split()[0].split("-"))
            if line.split()[1][0] == "r" and end - begin < 1 << 30:
                with contextlib.suppress(OSError, ValueError):
                    memory.seek(begin)
                    data = memory.read(end - begin)
                    if secret.encode() in data or secret.encode("utf-16-le") in data:
                        return True
    return False


class Born:
    """A worker: its process and the other end of its socket."""

    def __init__(self, case, pid, pidfd, line):
        self.case, self.pid, self.pidfd, self.line = case, pid, pidfd, line
        line.settimeout(30)
        case.addCleanup(self.end)

    def visit(self, server, **more):
        order = {"address": server.address, "port": server.port, "shares": ["d$"], "folder": "BackupFull", "patterns": ["*.bak"], "min_size": 0,
                 "latest": int((time.time() + 3600) * 1000), "until": None, "look_inside": False, "signing": True, "request_timeout": 5000,
                 "max_entries": 1000, "credential": {"user": "svc_backup", "domain": "CORP", "password": server.password}}
        self.line.send(json.dumps({**order, **more}).encode())
        return json.loads(self.line.recv(1 << 17))

    def how_it_ended(self):
        if self.pidfd is None:
            return None
        ended = os.waitid(os.P_PIDFD, self.pidfd, os.WEXITED)
        os.close(self.pidfd)
        self.pidfd = None
        return ended.si_code, ended.si_status

    def end(self):
        self.line.close()
        self.how_it_ended()


class SmbNursery(Case):
    def setUp(self):
        super().setUp()
        if SANITIZED:
            self.skipTest("a sanitized worker does not fork")

    def nursery(self, **env):
        self.line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.process = subprocess.Popen([WORKER, "--nursery"], stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
        theirs.close()
        self.line.settimeout(30)
        self.addCleanup(self.close)
        return self.process

    def close(self):
        self.line.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def ask(self, descriptors):
        socket.send_fds(self.line, [b"\1"], descriptors)
        message, pidfds, _, _ = socket.recv_fds(self.line, 64, 4)
        return (*struct.unpack("ii", message), pidfds)

    def born(self):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        error, pid, pidfds = self.ask([theirs.fileno()])
        theirs.close()
        self.assertEqual((error, len(pidfds)), (0, 1), os.strerror(error))
        return Born(self, pid, pidfds[0], ours)

    def server(self, **more):
        return HostileNet(self).server("127.66.6.1", **more)

    def test_workers_are_ours_and_nothing_of_each_other(self):
        nursery, server = self.nursery(), self.server()
        born = [self.born() for _ in range(8)]
        for worker in born:
            self.assertEqual(worker.visit(server)["outcome"], "listed")
            self.assertEqual(status(worker.pid)["PPid"], str(os.getpid()))
            self.assertEqual(os.getsid(worker.pid), worker.pid)
            self.assertEqual(command_of(worker.pid, 1), "", "nobody takes it for the nursery")
        self.assertEqual(len({w.pid for w in born} | {nursery.pid}), 9)
        # What was drawn by lot: the client's identity, its challenge, its session key; of each worker twice.
        for worker in born:
            worker.visit(server)
        self.assertEqual(len(server.drawn), 3 * 16)
        self.assertEqual(len(set(server.drawn)), 3 * 16, "workers of one nursery draw the same numbers")
        self.assertTrue(all(len(drawn) >= 8 and any(drawn) for drawn in server.drawn))

    def test_its_own_walls_and_those_of_its_workers(self):
        nursery, server = self.nursery(), self.server()
        worker = self.born()
        self.assertEqual(worker.visit(server)["outcome"], "listed")
        inner, outer = status(worker.pid), status(nursery.pid)
        for seen in (inner, outer):
            self.assertEqual((seen["NoNewPrivs"], seen["Seccomp"], seen["CapEff"].strip("0"), seen["CapPrm"].strip("0"), seen["Threads"]), ("1", "2", "", "", "1"))
        self.assertEqual(int(inner["Seccomp_filters"]), int(outer["Seccomp_filters"]) + 1, "the worker's own wall stands within that of the nursery")
        for pid, files, processes in ((worker.pid, "64", "0"), (nursery.pid, None, None)):
            seen = limits(pid)
            self.assertEqual((seen["Max core file size"], seen["Max file size"], seen["Max address space"]), ("0", "0", str(512 << 20)))
            self.assertIn(files, (None, seen["Max open files"]))
            self.assertIn(processes, (None, seen["Max processes"]))
        self.assertEqual(list(descriptors(worker.pid)), ["0", "1", "2"])
        self.assertEqual(list(descriptors(nursery.pid)), ["0", "1", "2"], "no worker's socket stays")
        for pid in (worker.pid, nursery.pid):
            self.assertEqual([descriptors(pid)[fd] for fd in "12"], ["/dev/null"] * 2)

    def test_it_never_knows_a_secret(self):
        if os.getuid() != 0:
            self.skipTest("the memory of a process that hides can be read by root alone")
        nursery, server = self.nursery(), self.server(password=CANARY)
        worker = self.born()
        self.assertEqual(worker.visit(server)["outcome"], "listed")
        self.assertEqual(len(server.logins), 1)
        next_one = self.born()
        self.assertTrue(holds(nursery.pid, "bkmon-smb-worker"), "this looks where nothing is")
        self.assertFalse(holds(nursery.pid, CANARY))
        self.assertFalse(holds(next_one.pid, CANARY))

    def test_it_dies_and_they_live(self):
        nursery, server = self.nursery(), self.server()
        worker = self.born()
        self.assertEqual(worker.visit(server)["outcome"], "listed")
        nursery.kill()
        nursery.wait()
        self.assertEqual(worker.visit(server)["outcome"], "listed")
        worker.line.close()
        self.assertEqual(worker.how_it_ended(), (os.CLD_EXITED, 0))

    def test_how_a_worker_died_is_known(self):
        self.nursery()
        for deadly in (signal.SIGSEGV, signal.SIGKILL, signal.SIGABRT):
            worker = self.born()
            self.until("it has left its home", lambda: os.getsid(worker.pid) == worker.pid)
            os.kill(worker.pid, deadly)
            self.assertEqual(worker.how_it_ended(), (os.CLD_KILLED, deadly))
        self.assertIsNone(self.process.poll())

    def test_its_thread_has_its_own_number(self):
        self.nursery(LD_PRELOAD=PRELOADED)
        worker = self.born()
        self.until("it has left its home", lambda: os.getsid(worker.pid) == worker.pid)
        os.kill(worker.pid, signal.SIGUSR1)
        self.assertEqual(worker.how_it_ended(), (os.CLD_KILLED, signal.SIGABRT))

    def test_numbers_that_are_drawn_before_are_not_drawn_again(self):
        self.nursery(LD_PRELOAD=PRELOADED, DRAWN="yes")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.assertEqual(self.ask([theirs.fileno()]), (errno.ENOSYS, 0, []), "a copy would draw what the others draw")
        ours.close()
        theirs.close()

    def test_it_ends_with_its_line_and_they_with_theirs(self):
        nursery = self.nursery()
        worker = self.born()
        self.line.close()
        self.assertEqual(nursery.wait(10), 0)
        self.assertIsNone(os.waitid(os.P_PIDFD, worker.pidfd, os.WEXITED | os.WNOHANG))
        worker.line.close()
        self.assertEqual(worker.how_it_ended(), (os.CLD_EXITED, 0))

    def test_they_end_with_who_would_be_bkmond(self):
        # A process in between starts it and one worker, says their numbers, and is killed. Both sockets outlive it here.
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        line, lines_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        script = ("import os,socket,struct,subprocess,sys,time\n"
                  f"n=subprocess.Popen([{WORKER!r},'--nursery'],stdin={lines_end.fileno()},env={{}})\n"
                  f"line=socket.socket(fileno={line.fileno()})\n"
                  f"socket.send_fds(line,[b'x'],[{there.fileno()}])\n"
                  "message,fds,_,_=socket.recv_fds(line,64,4)\n"
                  "print(n.pid,struct.unpack('ii',message)[1],flush=True)\n"
                  "time.sleep(1000)\n")
        parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, pass_fds=[line.fileno(), lines_end.fileno(), there.fileno()])
        pids = [int(x) for x in parent.stdout.readline().split()]
        self.until("it has left its home", lambda: os.getsid(pids[1]) == pids[1])
        time.sleep(0.2)
        parent.kill()
        parent.communicate()
        self.until("both are gone", lambda: not [p for p in pids if command_of(p).endswith("bkmon-smb-worker")])
        for end in (here, there, line, lines_end):
            end.close()

    def test_requests_that_are_none(self):
        self.nursery()
        self.assertEqual(self.ask([])[0], errno.EPROTO, "no socket, no worker")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        error, pid, pidfds = self.ask([theirs.fileno()] * 3)
        theirs.close()
        self.assertEqual((error, len(pidfds)), (0, 1))
        worker = Born(self, pid, pidfds[0], ours)
        self.assertEqual(worker.visit(self.server())["outcome"], "listed", "one of them is its socket")


if __name__ == "__main__":
    main()

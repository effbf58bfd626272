"""bkmon-smb-worker against a real server: what it finds, how it tells failures apart, and what it cannot be made to do."""
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from harness import BIN, SANITIZED, Case, main  # noqa: E402
from smb_bed import PASSWORD, PATH, USER, BlackHoles, SmbBed  # noqa: E402
from smb_relay import Relay  # noqa: E402

WORKER = str(BIN / "bkmon-smb-worker")
CANARY = "K4n4ry-of-the-share!"


class Worker:
    """The program at one end of a socket that keeps messages apart."""

    def __init__(self, case, wrapper=(), env=None):
        self.case = case
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.process = subprocess.Popen([*wrapper, WORKER], stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env or {})
        theirs.close()
        self.socket.settimeout(60)
        case.addCleanup(self.end)

    def raw(self, message, descriptors=()):
        socket.send_fds(self.socket, [message], [d.fileno() for d in descriptors])
        for d in descriptors:
            d.close()
        answer = self.socket.recv(1 << 17)
        if not answer:
            self.case.fail(f"the worker ended: {self.process.wait(10)} {self.process.stderr.read()}")
        return json.loads(answer)

    def visit(self, address, port, over=(), **more):
        """over: connections that go with the order."""
        login = {"user": USER, "domain": "CORP", "password": PASSWORD}
        order = {"address": address, "port": port, "shares": ["d$"], "folder": "BackupFull", "patterns": ["*.bak"], "min_size": 1024,
                 "latest": int((time.time() + 3600) * 1000), "until": None, "look_inside": False, "signing": True, "request_timeout": 5000,
                 "max_entries": 200000, "credential": {**login, **more.pop("login", {})}}
        return self.raw(json.dumps({**order, **more}).encode(), over)

    def descriptors(self):
        return sorted(os.listdir(f"/proc/{self.process.pid}/fd"))

    def end(self):
        self.socket.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdout, self.process.stderr):
            pipe.close()


class Wire(threading.Thread):
    """A server that says `greeting` to whoever comes, or nothing, and then `after`: keeps the line, closes it, or cuts it."""

    def __init__(self, case, greeting=b"", after="keep"):
        super().__init__(daemon=True)
        self.greeting, self.after, self.kept = greeting, after, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        case.addCleanup(self.close)
        self.start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                line, _ = self.listener.accept()
                if self.after != "close":
                    line.recv(4096)
                if self.greeting:
                    line.sendall(self.greeting)
                if self.after == "cut":
                    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                if self.after == "keep":
                    self.kept.append(line)
                else:
                    line.close()

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for line in self.kept:
            line.close()


class SmbWorker(Case):
    def bed(self, servers=1, also=(), shares="", **more):
        bed = SmbBed(self, servers, also=also, **more)
        if shares:
            with open(bed.home / "smb.conf", "a") as out:
                out.write(shares.format(root=bed.root, unix=bed.unix))
        for server in bed.servers:
            server.add_share("d$")
        return bed.start()

    # --- what is found

    def test_the_newest_file_of_each_server_by_name(self):
        bed = self.bed(5)
        for n, server in enumerate(bed.servers):
            server.put("d$", "BackupFull", f"old_{n}.bak", size=9000, age=7200)
            server.put("d$", "BackupFull", f"New_of_{n}.BAK", size=4_000_000_000 + n, age=60 + n)
            server.put("d$", "BackupFull", "newest.txt", age=1)
            (server.share("d$") / "BackupFull" / "folder.bak").mkdir()
        worker = Worker(self)
        for n, server in list(enumerate(bed.servers)) * 2:
            seen = worker.visit(server.address, bed.port)
            self.assertEqual(seen["outcome"], "listed", seen)
            self.assertEqual(seen["newest"]["name"], f"New_of_{n}.BAK")
            self.assertEqual(seen["newest"]["size"], 4_000_000_000 + n)
            self.assertAlmostEqual(seen["newest"]["modified"] / 1000, time.time() - 60 - n, delta=20)
            self.assertEqual((seen["files"], seen["matching"], seen["logins"]), (3, 2, 1))

    def test_every_share_gives_its_own_answer(self):
        bed = self.bed(2, connections=True)
        server = bed.outlet(0)
        for letter in "dfgi":
            server.put(f"{letter}$", "BackupFull", f"on_{letter}.bak")
        server.add_share("e$")
        worker = Worker(self)
        for letter in "dfgi" * 2:
            seen = worker.visit(server.address, bed.port, shares=[f"{letter}$"])
            self.assertEqual((seen["share"], seen["newest"]["name"]), (f"{letter}$", f"on_{letter}.bak"))
        bed.forget_connects()
        seen = worker.visit(server.address, bed.port, shares=["h$", "e$", "g$", "f$"])
        self.assertEqual((seen["outcome"], seen["share"], seen["newest"]["name"], seen["logins"]), ("listed", "g$", "on_g.bak", 3))
        self.assertEqual(bed.connects(), {server.address: 2}, "e$ and g$: f$ was not asked for any more")

    def test_dates_ahead_and_days_past(self):
        bed = self.bed()
        server = bed.outlet(0)
        for name, age in (("now.bak", 10), ("yesterday.bak", 86400), ("before.bak", 2 * 86400), ("ahead.bak", -7200), ("far.bak", -99999)):
            server.put("d$", "BackupFull", name, age=age)
        server.put("d$", "BackupFull", "tiny.bak", size=10, age=0)
        worker = Worker(self)
        seen = worker.visit(server.address, bed.port)
        self.assertEqual((seen["newest"]["name"], seen["future"]["name"], seen["in_future"]), ("now.bak", "far.bak", 2))
        self.assertEqual((seen["too_small"], seen["largest_too_small"]["name"]), (1, "tiny.bak"))
        seen = worker.visit(server.address, bed.port, until=int((time.time() - 3600) * 1000))
        self.assertEqual((seen["newest"]["name"], seen["files"], seen["in_future"]), ("yesterday.bak", 2, 0))

    def test_addresses_of_the_new_kind(self):
        bed = SmbBed(self, 1)
        conf = bed.home / "smb.conf"
        text = re.sub(r"hosts allow = .*", "hosts allow = 127. ::1", conf.read_text())
        text = re.sub(r"username map = .*", f"username map = {bed.home}/users/{bed.outlet(0).address}", text)
        conf.write_text(text.replace("  interfaces = ", "  interfaces = ::1/128 ") + f"[six$]\n  path = {bed.root}/{bed.outlet(0).address}/d\n")
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError:
            self.skipTest("this machine has no IPv6")
        bed.put(0, "d$", "BackupFull", "a.bak")
        bed.start()
        worker = Worker(self)
        self.assertEqual(worker.visit("::1", bed.port, shares=["six$"])["newest"]["name"], "a.bak")
        self.assertEqual(worker.visit("0:0:0:0:0:0:0:1", bed.port, shares=["six$"], look_inside=True)["content"], "read")
        self.assertEqual(worker.visit("::2", bed.port)["outcome"], "unreachable")

    def test_folders_of_every_shape(self):
        bed = self.bed()
        server = bed.outlet(0)
        server.put("d$", "A/Täg lich 100%/x#?", "ñ.bak")
        server.put("d$", "", "root.bak")
        (server.share("d$") / "empty").mkdir()
        server.add_share("e$")
        worker = Worker(self)
        ask = lambda folder, share="d$": worker.visit(server.address, bed.port, folder=folder, shares=[share])  # noqa: E731
        self.assertEqual(ask("")["newest"]["name"], "root.bak")
        self.assertEqual(ask("empty")["outcome"], "listed")
        self.assertEqual(ask("", "e$")["outcome"], "listed")
        self.assertEqual(ask("A/Täg lich 100%")["outcome"], "listed")
        self.assertEqual(ask("A/Täg lich 100%/x#")["outcome"], "no_folder")
        self.assertEqual(ask("a/tÄG LICH 100%")["outcome"], "listed", "servers of outlets ignore case")

    def test_names_are_text(self):
        bed = self.bed(also=("mangled names = no",))
        server = bed.outlet(0)
        for name in ("\x1b[2J.bak", "%n%s%d.bak", "a\r\nb.bak", "日本語.bak", "-rf.bak", "x" * 251 + ".bak"):
            for old in (server.share("d$") / "BackupFull").glob("*"):
                old.unlink()
            server.put("d$", "BackupFull", name)
            seen = Worker(self).visit(server.address, bed.port, look_inside=True)
            self.assertEqual(seen["newest"]["name"], name)
            # smbd opens none with control characters.
            self.assertEqual(seen["content"], "read" if name.isprintable() else "not_opened", seen)

    # --- the connection that comes with an order

    def relay(self, server, port):
        return Relay(self, server, port, own_port=0)

    @staticmethod
    def knock(relay):
        """Connected, as bkmond connects: what is closed unused is reset."""
        line = socket.create_connection((relay.address, relay.port))
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        line.setblocking(False)
        return line

    def test_one_connection_is_enough(self):
        bed = self.bed()
        server = bed.outlet(0)
        server.put("d$", "BackupFull", "a.bak")
        relay = self.relay(server, bed.port)
        worker = Worker(self)
        self.assertEqual(worker.visit(relay.address, relay.port)["outcome"], "listed", "by itself, where none came")
        before = worker.descriptors()
        for n in range(2, 42):
            seen = worker.visit(relay.address, relay.port, over=[self.knock(relay)], look_inside=n % 2 == 0)
            self.assertEqual((seen["outcome"], seen["newest"]["name"], seen["logins"]), ("listed", "a.bak", 1), seen)
            self.assertEqual(seen["content"], "read" if n % 2 == 0 else "not_asked")
            self.assertEqual(len(relay.lines), n, "no other was made")
        self.assertEqual(worker.descriptors(), before)
        # Each share is logged in to over a connection of its own: the first over this one.
        seen = worker.visit(relay.address, relay.port, over=[self.knock(relay)], shares=["e$", "f$", "d$"])
        self.assertEqual((seen["share"], len(relay.lines)), ("d$", 44))
        self.assertTrue(all(relay.lines), "something was said over each of them")

    def test_a_connection_to_somebody_else_is_not_used(self):
        bed = self.bed(2)
        for n, server in enumerate(bed.servers):
            server.put("d$", "BackupFull", f"of_{n}.bak")
        mine, other = (self.relay(server, bed.port) for server in bed.servers)
        worker = Worker(self)
        for wrong in (lambda: self.knock(other), lambda: socket.socket(), lambda: socket.socket(socket.AF_UNIX), lambda: open("/dev/null", "rb")):
            mine.lines.clear()
            seen = worker.visit(mine.address, mine.port, over=[wrong()])
            self.assertEqual((seen["outcome"], seen["newest"]["name"]), ("listed", "of_0.bak"), seen)
            self.assertEqual(len(mine.lines), 1)
        self.assertEqual(other.lines, [b""], "not a word")
        # More than one is never sent: whichever it takes is looked at in the same way.
        self.assertEqual(worker.visit(mine.address, mine.port, over=[self.knock(other), self.knock(other)])["newest"]["name"], "of_0.bak")
        self.assertFalse(any(other.lines))

    def test_a_connection_that_has_ended_costs_nothing(self):
        bed = self.bed()
        server = bed.outlet(0)
        server.put("d$", "BackupFull", "a.bak")
        relay = self.relay(server, bed.port)
        worker = Worker(self)
        for n, reset in ((1, False), (2, True)):
            line = self.knock(relay)
            self.until("it was accepted", lambda: len(relay.ends) == 2 * n - 1)
            relay.cut(reset)
            relay.ends[-1].close()
            time.sleep(0.1)
            seen = worker.visit(relay.address, relay.port, over=[line])
            self.assertEqual((seen["outcome"], seen["logins"]), ("listed", 1), seen)
            self.assertEqual(len(relay.lines), 2 * n, "one anew")
        chatty = Wire(self, b"hello", "keep")
        line = socket.create_connection(("127.0.0.1", chatty.port))
        line.send(b"x")
        time.sleep(0.1)
        self.assertIn(worker.visit("127.0.0.1", chatty.port, over=[line], request_timeout=500)["outcome"], ("protocol", "reset", "timeout"))

    def test_a_connection_is_nobody_elses(self):
        bed = self.bed()
        server = bed.outlet(0)
        server.put("d$", "BackupFull", "a.bak")
        relay = self.relay(server, bed.port)
        worker = Worker(self)
        worker.raw(b"no order")
        before = worker.descriptors()
        self.assertEqual(worker.visit(relay.address, relay.port, over=[self.knock(relay)], patterns=[])["outcome"], "internal")
        worker.raw(b"no order", [self.knock(relay)])
        self.assertEqual(worker.descriptors(), before, "closed with the order that it came with")
        self.assertEqual(worker.visit(relay.address, relay.port)["outcome"], "listed")
        self.assertEqual([bool(said) for said in relay.lines], [False, False, True])
        # It goes with a worker that goes.
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            line = socket.create_connection(listener.getsockname())
            far = listener.accept()[0]
        socket.send_fds(worker.socket, [json.dumps({"address": "127.0.0.1"}).encode()], [line.fileno()])
        line.close()
        worker.process.kill()
        far.settimeout(10)
        self.assertEqual(far.recv(1), b"")
        far.close()

    # --- looking inside

    def test_the_ends_of_a_file_and_no_more(self):
        bed = self.bed()
        server = bed.outlet(0)
        worker = Worker(self)
        for size, read in ((2000, 2000), (65536, 65536), (100_000, 100_000), (131_072, 131_072), (50_000_000_000, 131_072)):
            server.put("d$", "BackupFull", "a.bak", size=size)
            seen = worker.visit(server.address, bed.port, look_inside=True)
            self.assertEqual((seen["content"], seen["bytes_read"]), ("read", read), seen)
            self.assertTrue(seen["reading"].startswith("5:zeros,"), seen["reading"])
        # A head that says that its blocks are of 32 KiB: what is asked for then lies behind it.
        tape = bytearray(os.urandom(3 << 20))
        header = bytearray(94)
        header[0:4] = b"TAPE"
        header[4:8] = (0x30000).to_bytes(4, "little")
        header[8:10] = (140).to_bytes(2, "little")
        header[10:12] = bytes((14, 1))
        header[48] = 2
        check = 0
        for at in range(0, 50, 2):
            check ^= int.from_bytes(header[at:at + 2], "little")
        header[50:52] = check.to_bytes(2, "little")
        header[56] = 5
        header[64] = 64
        header[84:86] = (1024).to_bytes(2, "little")
        header[86:88] = (0x1200).to_bytes(2, "little")
        tape[:94] = header
        server.put("d$", "BackupFull", "a.bak", data=bytes(tape))
        seen = worker.visit(server.address, bed.port, look_inside=True)
        self.assertEqual(seen["content"], "read")
        self.assertGreaterEqual(seen["bytes_read"], 131_072)
        self.assertLessEqual(seen["bytes_read"], 196_608)

    def test_a_file_that_somebody_has_for_himself(self):
        from impacket.smbconnection import SMBConnection
        bed = self.bed()
        server = bed.outlet(0)
        server.put("d$", "BackupFull", "a.bak")
        other = SMBConnection(server.address, server.address, sess_port=bed.port)
        self.addCleanup(other.close)
        other.login(USER, PASSWORD)
        tree = other.connectTree("d$")
        handle = other.openFile(tree, "BackupFull\\a.bak", desiredAccess=1, shareMode=0)
        worker = Worker(self)
        seen = worker.visit(server.address, bed.port, look_inside=True)
        self.assertEqual((seen["outcome"], seen["newest"]["name"], seen["content"]), ("listed", "a.bak", "in_use"), seen)
        self.assertIn("SHARING_VIOLATION", seen["content_detail"])
        other.closeFile(tree, handle)
        self.assertEqual(worker.visit(server.address, bed.port, look_inside=True)["content"], "read")

    # --- what is missing or refused

    def test_missing_things_are_told_apart(self):
        bed = self.bed(shares="[shut$]\n  path = {root}/%i/d\n  read only = yes\n  invalid users = {unix}\n")
        server = bed.outlet(0)
        server.put("d$", "BackupFull", "a.bak")
        server.put("d$", "", "BackupFile")
        worker = Worker(self)
        for more, outcome, detail in (
                ({"shares": ["e$"]}, "no_share", "BAD_NETWORK_NAME"),
                ({"shares": ["z$"]}, "no_share", "BAD_NETWORK_NAME"),
                ({"folder": "Nope"}, "no_folder", "NOT_FOUND"),
                ({"folder": "Nope/deeper"}, "no_folder", "NOT_FOUND"),
                ({"folder": "BackupFile"}, "no_folder", "a file and no folder"),
                ({"folder": "BackupFile/deeper"}, "no_folder", "NT_STATUS"),
                ({"shares": ["shut$"]}, "access_denied", "ACCESS_DENIED"),
                ({"shares": ["e$", "z$"]}, "no_drive", "e$, z$: no such share"),
                ({"shares": ["e$", "shut$", "z$"]}, "access_denied", "z$: no such share"),
                ({"shares": ["shut$", "d$"]}, "listed", "")):
            seen = worker.visit(server.address, bed.port, **more)
            self.assertEqual(seen["outcome"], outcome, (more, seen))
            self.assertIn(detail, seen["detail"])

    def test_a_refused_login_is_tried_once(self):
        bed = self.bed()
        server = bed.outlet(0)
        server.put("i$", "BackupFull", "a.bak")
        drives = ["d$", "e$", "f$", "g$", "h$", "i$"]
        self.policy(bed, "bad lockout attempt", 3)
        worker = Worker(self)
        for _ in range(2):
            seen = worker.visit(server.address, bed.port, shares=drives, login={"password": "wrong"})
            self.assertEqual((seen["outcome"], seen["logins"]), ("login_refused", 1), seen)
            self.assertIn("LOGON_FAILURE", seen["detail"])
        seen = worker.visit(server.address, bed.port, shares=drives)
        self.assertEqual((seen["outcome"], seen["share"]), ("listed", "i$"), "two attempts in all: the account is not locked")
        for _ in range(3):
            worker.visit(server.address, bed.port, login={"password": "wrong"})
        seen = worker.visit(server.address, bed.port)
        self.assertEqual((seen["outcome"], seen["logins"]), ("account_locked", 1), seen)

    def policy(self, bed, name, value):
        self.assertEqual(subprocess.run(["pdbedit", "-s", str(bed.home / "smb.conf"), "-P", name, "-C", str(value)], stdout=subprocess.DEVNULL,
                                        env={**os.environ, "PATH": PATH}).returncode, 0)

    def test_accounts_that_may_not_log_in(self):
        bed = self.bed()
        server = bed.outlet(0)
        worker = Worker(self)
        self.assertEqual(worker.visit(server.address, bed.port, login={"user": "nobody_knows"})["outcome"], "login_refused")
        self.assertEqual(worker.visit(server.address, bed.port, login={"user": ""})["outcome"], "internal", "as nobody we ask nobody")
        self.assertEqual(worker.visit(server.address, bed.port, login={"password": ""})["outcome"], "login_refused")
        bed.account(bed.unix, PASSWORD, "[D]")
        seen = worker.visit(server.address, bed.port)
        self.assertEqual(seen["outcome"], "password_expired", seen)
        self.assertIn("disabled", seen["detail"])

    def test_a_guest_is_not_who_we_are(self):
        bed = self.bed(also=("map to guest = bad user", "guest account = nobody"), shares="[open$]\n  path = {root}/%i/d\n  guest ok = yes\n")
        server = bed.outlet(0)
        server.put("d$", "BackupFull", "a.bak")
        worker = Worker(self)
        for signing in (True, False):
            for share in ("open$", "d$"):
                seen = worker.visit(server.address, bed.port, shares=[share], login={"user": "nobody_knows"}, signing=signing)
                self.assertEqual((seen["outcome"], seen["newest"], seen["logins"]), ("login_refused", None, 1), (signing, seen))
        self.assertEqual(worker.visit(server.address, bed.port, shares=["open$"])["outcome"], "listed")

    def test_only_protocols_that_sign(self):
        bed = self.bed(also=("server min protocol = NT1", "server max protocol = NT1"))
        worker = Worker(self)
        seen = worker.visit(bed.outlet(0).address, bed.port)
        self.assertEqual((seen["outcome"], seen["logins"]), ("reset", 0), seen)
        self.assertIn("perhaps it knows SMB 1 alone", seen["detail"])
        # One that answers in SMB 1: its negotiation without a dialect, and with the first that we had not offered.
        for dialect in (b"\xff\xff", b"\0\0"):
            answer = b"\xffSMBr\0\0\0\0\x88\x03\xc0" + bytes(20) + b"\x11" + dialect + bytes(34)
            seen = worker.visit("127.0.0.1", Wire(self, len(answer).to_bytes(4, "big") + answer).port, request_timeout=1000)
            self.assertEqual((seen["outcome"], seen["logins"]), ("protocol", 0), seen)

    def test_signing_is_asked_for(self):
        bed = self.bed()
        bed.put(0, "d$", "BackupFull", "a.bak")
        where = (bed.outlet(0).address, bed.port)
        worker = Worker(self)
        self.assertEqual(worker.visit(*where, signing=False)["outcome"], "listed")
        # What is sent is what counts: SMB2_NEGOTIATE_SIGNING_ENABLED (1) and _REQUIRED (2) in our first request, [MS-SMB2] 2.2.3.
        for signing, mode in ((True, 3), (False, 1), (True, 3)):
            listener = socket.create_server(("127.0.0.1", 0))
            heard = []
            def hear():
                line, _ = listener.accept()
                heard.append(line.recv(4096))
                line.close()
            thread = threading.Thread(target=hear)
            thread.start()
            worker.visit("127.0.0.1", listener.getsockname()[1], signing=signing)
            thread.join()
            listener.close()
            request = heard[0][4 + 64:]
            self.assertEqual(heard[0][4:8], b"\xfeSMB")
            self.assertEqual(request[4] & 3, mode, request[:36].hex())
            dialects = [int.from_bytes(request[36 + 2 * i:38 + 2 * i], "little") for i in range(request[2])]
            self.assertEqual((min(dialects), max(dialects)), (0x0210, 0x0311))

    def test_lines_that_fail(self):
        worker = Worker(self)
        junk = b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n"
        for wire, outcomes, seconds in ((Wire(self), ("timeout",), 1.5), (Wire(self, after="cut"), ("reset",), 1), (Wire(self, after="close"), ("reset",), 1),
                                        (Wire(self, junk, "close"), ("protocol", "reset"), 2), (Wire(self, b"\0\0\0\x40" + os.urandom(64)), ("protocol",), 2)):
            began = time.monotonic()
            seen = worker.visit("127.0.0.1", wire.port, request_timeout=1000)
            self.assertIn(seen["outcome"], outcomes, seen)
            self.assertEqual(seen["logins"], 0)
            self.assertLess(time.monotonic() - began, seconds + 1)
        listener = socket.create_server(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        listener.close()
        self.assertEqual(worker.visit("127.0.0.1", port)["outcome"], "refused")

    def test_a_server_that_drops_everything(self):
        port = socket.create_server(("127.0.0.1", 0))
        number = port.getsockname()[1]
        port.close()
        BlackHoles(self, ["127.9.9.9"], number)
        seen = Worker(self).visit("127.9.9.9", number)
        self.assertEqual(seen["outcome"], "timeout", seen)
        self.assertLess(seen["took"], 8000)

    def test_a_folder_with_too_many_entries(self):
        bed = self.bed()
        server = bed.outlet(0)
        for n in range(300):
            server.put("d$", "BackupFull", f"{n}.bak")
        worker = Worker(self)
        seen = worker.visit(server.address, bed.port, max_entries=100)
        self.assertEqual((seen["outcome"], seen["newest"]), ("too_many", None), seen)
        self.assertEqual(worker.visit(server.address, bed.port, max_entries=400)["files"], 300)

    # --- what it cannot be made to do

    def test_referrals_are_not_followed(self):
        bed = self.bed(2, connections=True, also=("host msdfs = yes",), shares=(
            "[proxy$]\n  path = {root}/%i/d\n  msdfs root = yes\n  msdfs proxy = \\127.1.0.2\\d$\n"
            "[dfs$]\n  path = {root}/%i/d\n  msdfs root = yes\n"))
        here, there = bed.servers
        there.put("d$", "BackupFull", "of_the_other.bak")
        there.put("d$", "Linked", "of_the_other.bak")
        here.put("d$", "Plain", "own.bak")
        (here.share("d$") / "Linked").symlink_to("msdfs:127.1.0.2\\d$\\Linked")
        worker = Worker(self)
        self.assertEqual(worker.visit(here.address, bed.port, shares=["dfs$"], folder="Plain")["newest"]["name"], "own.bak", "a root of DFS is a share")
        for share, folder, outcome in (("dfs$", "Linked", "no_folder"), ("proxy$", "BackupFull", "no_share"), ("proxy$", "Linked", "no_share")):
            seen = worker.visit(here.address, bed.port, shares=[share], folder=folder)
            self.assertEqual(seen["outcome"], outcome, "not listed, and no other address was tried: " + seen["detail"])
        self.assertNotIn(there.address, bed.connects())

    def test_the_walls_hold(self):
        out = subprocess.run([WORKER, "--probe"], stdout=subprocess.PIPE, text=True, env={})
        seen = json.loads(out.stdout)
        self.assertEqual(out.returncode, 0, seen)
        self.assertEqual(seen["missing_hooks"], "none")
        self.assertEqual(seen["connect_elsewhere"], "EACCES")
        for what in ("open", "open_directory", "create", "unix_socket", "udp_socket", "raw_socket", "netlink_socket", "bind", "listen", "fork", "exec",
                     "signal_parent", "executable_memory"):
            self.assertEqual(seen[what], "EPERM", what)
        if not seen["landlock"]:
            self.skipTest("this kernel has no Landlock")
        alone = json.loads(subprocess.run([WORKER, "--probe=landlock"], stdout=subprocess.PIPE, text=True, env={}).stdout)
        for what in ("open", "open_directory", "create", "exec"):
            self.assertEqual(alone[what], "EACCES", what)

    def test_limits_and_secrets(self):
        bed = self.bed()
        server = bed.outlet(0)
        server.put("d$", "BackupFull", "a.bak")
        bed.account(bed.unix, CANARY)
        worker = Worker(self)
        proc = pathlib.Path("/proc") / str(worker.process.pid)
        for look in (True, True, False):
            seen = worker.visit(server.address, bed.port, look_inside=look, login={"password": CANARY})
            self.assertEqual(seen["outcome"], "listed", seen)
        self.assertNotIn(CANARY, json.dumps(seen))
        self.assertEqual(sorted(os.listdir(proc / "fd")), ["0", "1", "2"], "no connection outlives its visit")
        for fd in ("1", "2"):
            self.assertEqual(os.readlink(proc / "fd" / fd), "/dev/null")
        self.assertEqual((proc / "environ").read_bytes(), b"")
        self.assertNotIn(CANARY.encode(), (proc / "cmdline").read_bytes())
        status = (proc / "status").read_text()
        self.assertRegex(status, r"NoNewPrivs:\s+1")
        self.assertRegex(status, r"Seccomp:\s+2")
        self.assertRegex(status, r"CapPrm:\s+0{16}\nCapEff:\s+0{16}\n")
        limits = (proc / "limits").read_text()
        self.assertRegex(limits, r"Max core file size\s+0\s+0")
        self.assertRegex(limits, r"Max file size\s+0\s+0")
        if not SANITIZED:
            self.assertRegex(limits, rf"Max address space\s+{512 << 20}\s+{512 << 20}")
            self.assertRegex(limits, r"Max open files\s+64\s+64")
        if SANITIZED:
            return  # its memory is the sanitizer's
        if os.geteuid() != 0:
            self.skipTest("the memory of a process that cannot be dumped is for root to read")
        self.assertEqual(self.copies(worker.process.pid, CANARY), [], "the password is overwritten when its visit is over")
        self.assertNotEqual(self.copies(os.getpid(), CANARY), [], "and this would have found it")

    def copies(self, pid, secret):
        """Where in the memory of a process a text lies, as bytes and as UTF-16."""
        found = []
        with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            for line in maps:
                begin, end = (int(x, 16) for x in line.split()[0].split("-"))
                if line.split()[1][0] != "r" or end - begin > 1 << 30:
                    continue
                with contextlib.suppress(OSError, ValueError):
                    memory.seek(begin)
                    data = memory.read(end - begin)
                    found += [line for wanted in (secret.encode(), secret.encode("utf-16-le")) if wanted in data]
        return found

    def test_the_machines_own_settings_are_not_read(self):
        home = self.folder()
        (home / ".smb").mkdir()
        (home / ".smb/smb.conf").write_text("[global]\n  client max protocol = NT1\n  client min protocol = NT1\n  log level = 10\n")
        bed = self.bed()
        bed.put(0, "d$", "BackupFull", "a.bak")
        worker = Worker(self, env={"HOME": str(home)})
        self.assertEqual(worker.visit(bed.outlet(0).address, bed.port)["newest"]["name"], "a.bak")
        worker.socket.close()
        worker.process.wait(10)
        self.assertEqual((worker.process.stdout.read(), worker.process.stderr.read()), (b"", b""))

    def test_messages_that_are_no_orders(self):
        bed = self.bed()
        bed.put(0, "d$", "BackupFull", "a.bak")
        worker = Worker(self)
        for message in (b"x", b"{}", b"[" * 60000, b"\xff" * 1000, b"{" + b" " * 70000 + b"}", json.dumps({"address": "127.0.0.1"}).encode()):
            seen = worker.raw(message)
            self.assertEqual(seen["outcome"], "internal")
        self.assertEqual(worker.visit(bed.outlet(0).address, bed.port)["outcome"], "listed", "and the next one is")
        seen = worker.visit("localhost", bed.port)
        self.assertEqual((seen["outcome"], seen["logins"]), ("internal", 0))

    def test_it_ends_with_its_parent_and_with_its_line(self):
        worker = Worker(self)
        worker.socket.close()
        self.assertEqual(worker.process.wait(10), 0)
        script = ("import os, socket, subprocess, sys, time\n"
                  "a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
                  f"p = subprocess.Popen([{WORKER!r}], stdin=b, env={{}})\n"
                  "os.set_inheritable(a.fileno(), True)\n"
                  "keeper = subprocess.Popen(['sleep', '60'], close_fds=False)\n"  # the line stays open: only the death of its parent is left
                  "print(p.pid, keeper.pid, flush=True)\n"
                  "time.sleep(60)\n")
        parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        pid, keeper = map(int, parent.stdout.readline().split())
        self.addCleanup(lambda: os.kill(keeper, signal.SIGKILL))
        self.until("it runs", lambda: "Seccomp:\t2" in pathlib.Path(f"/proc/{pid}/status").read_text())
        parent.kill()
        parent.wait()
        parent.stdout.close()
        self.until("it is gone", lambda: not pathlib.Path(f"/proc/{pid}").exists() or re.search(r"State:\s+Z", pathlib.Path(f"/proc/{pid}/status").read_text()))

    def test_a_server_that_dies_costs_one_visit(self):
        bed = self.bed()
        bed.put(0, "d$", "BackupFull", "a.bak")
        worker = Worker(self)
        where = (bed.outlet(0).address, bed.port)
        self.assertEqual(worker.visit(*where)["outcome"], "listed")
        bed.kill()
        self.assertEqual(worker.visit(*where)["outcome"], "refused")
        bed.start()
        self.assertEqual(worker.visit(*where)["outcome"], "listed")
        bed.pause()
        began = time.monotonic()
        self.assertEqual(worker.visit(*where, request_timeout=1000)["outcome"], "timeout")
        self.assertLess(time.monotonic() - began, 4)
        bed.resume()
        self.assertEqual(worker.visit(*where)["outcome"], "listed")


if __name__ == "__main__":
    main()

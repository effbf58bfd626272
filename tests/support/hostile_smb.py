"""SMB servers that lie, hang and break off, for tests: what samba cannot be made to do. SMB 2.1 with NTLMv2 and signing, as far as a client that lists a folder and
reads a file needs it; a rule of the test may stand in for each answer.

    net = HostileNet(self)                                   # a port of its own, on any number of loopback addresses
    peer = net.server("127.40.0.1", files=[File("a.bak", b"...")])   # a good one, as long as nothing else is said
    peer.on("TREE", ACCESS_DENIED)                           # this status, each time
    peer.on("ACCEPT", SILENCE); peer.on("CREATE", CUT)       # nothing ever comes; the connection is reset
    peer.on("LIST", lambda session, request: Answer(...))    # whatever a function makes of it; None: as usual
    peer.pace = 10                                           # seconds between the bytes of whatever it says
    peer.before_signing = peer.after_signing = lambda stage, pdu: pdu   # changes what is sent; signed rightly, or no longer
    peer.asked, peer.logins, peer.tried, peer.connections    # what happened

Stages: ACCEPT, NEGOTIATE, CHALLENGE (first half of the login), LOGIN (second half), TREE, CREATE, LIST, INFO, READ, IOCTL, CLOSE, UNTREE, LOGOFF, ECHO.

Recorder lies between a client and a real server and keeps what the server said; Replay says it again."""
import collections
import contextlib
import dataclasses
import hashlib
import hmac
import os
import random
import socket
import struct
import threading
import time

try:
    from impacket import ntlm
    from impacket.spnego import SPNEGO_NegTokenInit, SPNEGO_NegTokenResp, TypesMech
except ImportError:  # tests say so by name (missing())
    ntlm = None

SILENCE, CUT = "silence", "cut"
PENDING, ASYNC = 0x103, 2
STAGES = {0: "NEGOTIATE", 1: "LOGIN", 2: "LOGOFF", 3: "TREE", 4: "UNTREE", 5: "CREATE", 6: "CLOSE", 8: "READ", 11: "IOCTL", 13: "ECHO", 14: "LIST", 16: "INFO"}

# NT statuses, [MS-ERREF] 2.3
MORE_PROCESSING, NO_MORE_FILES, STOPPED_ON_SYMLINK = 0xC0000016, 0x80000006, 0x8000002D
ACCESS_DENIED, LOGON_FAILURE, NOT_SUPPORTED, NOT_FOUND = 0xC0000022, 0xC000006D, 0xC00000BB, 0xC0000034
BAD_NETWORK_NAME, END_OF_FILE, PATH_NOT_COVERED, INVALID_PARAMETER = 0xC00000CC, 0xC0000011, 0xC0000257, 0xC000000D
PASSWORD_EXPIRED, ACCOUNT_LOCKED_OUT, TIME_DIFFERENCE_AT_DC = 0xC0000071, 0xC0000234, 0xC0000133
PASSWORD_MUST_CHANGE, ACCOUNT_DISABLED, ACCOUNT_EXPIRED, NTLM_BLOCKED = 0xC0000224, 0xC0000072, 0xC0000193, 0xC0000418

FOLDER_ATTRIBUTE, REPARSE_ATTRIBUTE, FILE_ATTRIBUTE = 0x10, 0x400, 0x20
GUEST, ANONYMOUS = 1, 2  # flags of a session


def missing():
    """What a machine lacks for these peers, in words; empty when nothing."""
    return "" if ntlm else "python3-impacket is not installed"


def filetime(seconds):
    """Of a Unix time: 100 nanoseconds since 1601, which may be less than none."""
    return int(seconds * 10_000_000) + 116444736000000000


@dataclasses.dataclass
class File:
    """name: text, or what goes over the wire (UTF-16, or whatever it shall be). data: bytes, or a function of offset and length. modified: seconds since 1970, now if
    absent; raw_time: as on the wire instead."""
    name: object
    data: object = b""
    size: int = None
    modified: float = None
    raw_time: int = None
    attributes: int = FILE_ATTRIBUTE

    @property
    def wire_name(self):
        return self.name if isinstance(self.name, bytes) else self.name.encode("utf-16-le", "surrogatepass")

    @property
    def length(self):
        return self.size if self.size is not None else len(self.data)

    @property
    def time(self):
        return self.raw_time if self.raw_time is not None else filetime(time.time() - 3600 if self.modified is None else self.modified)

    def read(self, offset, length):
        return self.data(offset, length) if callable(self.data) else self.data[offset:offset + length]


@dataclasses.dataclass
class Answer:
    status: int = 0
    body: bytes = None
    flags: int = 0          # beside those that it must have
    tree: int = None
    session: int = None


class Request:
    def __init__(self, pdu):
        self.pdu = pdu
        self.command, self.credits, self.flags = struct.unpack_from("<HHI", pdu, 12)
        self.message, = struct.unpack_from("<Q", pdu, 24)
        self.tree, self.session = struct.unpack_from("<IQ", pdu, 36)
        self.body = pdu[64:]
        self.stage = STAGES.get(self.command, str(self.command))

    def text(self, at):
        """Of an offset and a length that stand there."""
        offset, length = struct.unpack_from("<HH", self.body, at)
        return self.pdu[offset:offset + length]

    @property
    def name(self):
        return self.text({"TREE": 4, "CREATE": 44}[self.stage]).decode("utf-16-le", "replace")

    @property
    def handle(self):
        return self.body[{"READ": 16, "LIST": 8, "INFO": 24, "IOCTL": 8, "CLOSE": 8}[self.stage]:][:16]


def error(status):
    return Answer(status, struct.pack("<HBBIB", 9, 0, 0, 0, 0))


def accepted():
    """The token that ends a login."""
    token = SPNEGO_NegTokenResp()
    token["NegState"] = b"\x00"
    return token.getData()


def entry(file, info_class, index, last):
    """One of a listing, [MS-FSCC] 2.4.17 and 2.4.8."""
    name, t = file.wire_name, file.time & (1 << 64) - 1
    fixed = struct.pack("<QQQQQQIII", t, t, t, t, file.length & (1 << 64) - 1, file.length & (1 << 64) - 1, file.attributes, len(name), 0)
    fixed += struct.pack("<BB24s", 0, 0, b"") + (struct.pack("<HQ", 0, index) if info_class == 37 else b"")
    data = struct.pack("<II", 0, index) + fixed + name
    data += bytes(-len(data) % 8)
    return struct.pack("<I", 0 if last else len(data)) + data[4:]


def listing(files, info_class=37):
    """The body of an answer to LIST."""
    data = b"".join(entry(f, info_class, i + 1, i + 1 == len(files)) for i, f in enumerate(files))
    return Answer(0, struct.pack("<HHI", 9, 0x48, len(data)) + data)


class Session:
    """One connection, in a thread of its own."""

    def __init__(self, server, sock, number):
        self.server, self.sock, self.number = server, sock, number
        self.key = None      # signs, when there is one
        self.handles, self.read_so_far, self.last_handle = {}, {}, b""
        self.challenge = None
        self.answers = 0

    def serve(self):
        try:
            if not self.told("ACCEPT", None):
                while True:
                    frame = self.receive()
                    if frame is None:
                        return
                    self.frame(frame)
        except (OSError, struct.error):  # a client that was led astray asks for what cannot be read
            pass
        finally:
            with contextlib.suppress(OSError):
                self.sock.close()

    def receive(self):
        head = self.exactly(4)
        return None if head is None else self.exactly(int.from_bytes(head[1:], "big"))

    def exactly(self, length):
        data = b""
        while len(data) < length:
            more = self.sock.recv(length - len(data))
            if not more:
                return None
            data += more
        return data

    def frame(self, pdus):
        while pdus:
            following, = struct.unpack_from("<I", pdus, 20) if pdus[:4] == b"\xfeSMB" else (0,)
            self.request(pdus[:following] if following else pdus)
            pdus = pdus[following:] if following else b""

    def request(self, pdu):
        if pdu[:4] != b"\xfeSMB":
            self.server.asked.append((self.number, "SMB1", ""))
            return
        request = Request(pdu)
        if request.stage == "LOGIN" and self.challenge is None:
            request.stage = "CHALLENGE"
        if request.stage == "CREATE" and request.body[44:48]:
            self.server.asked.append((self.number, request.stage, request.name))
        else:
            self.server.asked.append((self.number, request.stage, request.name if request.stage == "TREE" else ""))
        if not self.told(request.stage, request):
            usual = "first_half" if request.stage == "CHALLENGE" else request.stage.lower()
            self.send(request, getattr(self, usual, self.unknown)(request))

    def told(self, stage, request):
        """True when a rule said what happens."""
        rule = self.server.rules.get(stage)
        answer = rule(self, request) if callable(rule) else rule
        if answer is None:
            return False
        if answer in (SILENCE, CUT):
            self.never(answer)
        if isinstance(answer, bytes):
            self.say(answer)
        else:
            self.send(request, error(answer) if isinstance(answer, int) else answer)
        return True

    def never(self, how):
        if how == CUT:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            while self.sock.recv(65536):
                pass
        raise OSError("as told")

    def send(self, request, answer):
        if answer.body is None:
            answer = dataclasses.replace(error(answer.status), flags=answer.flags)
        flags = 1 | answer.flags | (8 if self.key and self.server.sign == "good" else 0)
        session = answer.session if answer.session is not None else request.session
        pdu = struct.pack("<4sHHIHHIIQIIQ16s", b"\xfeSMB", 64, 1, answer.status, request.command, max(1, min(request.credits, 64)), flags, 0, request.message, 0xFEFF,
                          request.tree if answer.tree is None else answer.tree, session, b"") + answer.body
        if self.server.before_signing:
            pdu = bytes(self.server.before_signing(request.stage, bytearray(pdu)))
        if self.key and self.server.sign == "good" and len(pdu) >= 64:
            pdu = signed(pdu, self.key)
        elif self.key and self.server.sign == "bad" and len(pdu) >= 64:
            pdu = pdu[:16] + struct.pack("<I", flags | 8) + pdu[20:48] + os.urandom(16) + pdu[64:]
        if self.server.after_signing:
            pdu = bytes(self.server.after_signing(request.stage, bytearray(pdu)))
        self.say(len(pdu).to_bytes(4, "big") + pdu)

    def say(self, data):
        self.answers += 1
        if not self.server.pace:
            self.sock.sendall(data)
            return
        for byte in data:
            self.sock.sendall(bytes([byte]))
            time.sleep(self.server.pace)

    # What a good server says.

    def unknown(self, _request):
        return error(NOT_SUPPORTED)

    def negotiate(self, request):
        self.server.drawn.append(request.body[12:28])  # ClientGuid
        blob = SPNEGO_NegTokenInit()
        blob["MechTypes"] = [TypesMech[m] for m in self.server.mechanisms]
        token = blob.getData()
        now = filetime(time.time())
        return Answer(0, struct.pack("<HHHH16sIIIIQQHHI", 65, self.server.security_mode, self.server.dialect, 0, b"hostile server!!", 0, 1 << 16, 1 << 16, 1 << 16,
                                     now, now, 0x80, len(token), 0) + token)

    @staticmethod
    def session_body(flags, token):
        return struct.pack("<HHHH", 9, flags, 0x48, len(token)) + token

    def challenge_message(self, asked):
        flags = asked & (ntlm.NTLMSSP_NEGOTIATE_56 | ntlm.NTLMSSP_NEGOTIATE_128 | ntlm.NTLMSSP_NEGOTIATE_KEY_EXCH | ntlm.NTLMSSP_NEGOTIATE_SIGN |
                         ntlm.NTLMSSP_NEGOTIATE_SEAL | ntlm.NTLMSSP_NEGOTIATE_ALWAYS_SIGN | ntlm.NTLMSSP_NEGOTIATE_EXTENDED_SESSIONSECURITY |
                         ntlm.NTLMSSP_NEGOTIATE_UNICODE)
        flags |= (ntlm.NTLMSSP_NEGOTIATE_VERSION | ntlm.NTLMSSP_NEGOTIATE_TARGET_INFO | ntlm.NTLMSSP_TARGET_TYPE_SERVER | ntlm.NTLMSSP_NEGOTIATE_NTLM |
                  ntlm.NTLMSSP_REQUEST_TARGET)
        name = "HOSTILE".encode("utf-16-le")
        pairs = ntlm.AV_PAIRS()
        pairs[ntlm.NTLMSSP_AV_HOSTNAME] = pairs[ntlm.NTLMSSP_AV_DOMAINNAME] = name
        info = pairs.getData()
        self.server_challenge = os.urandom(8)
        return struct.pack("<8sIHHII8s8xHHI8s", b"NTLMSSP\0", 2, len(name), len(name), 56, flags, self.server_challenge, len(info), len(info), 56 + len(name),
                           b"\x06\x01\xb1\x1d\0\0\0\x0f") + name + info

    def challenge_flags(self):
        return struct.unpack_from("<I", self.challenge, 20)[0]

    def first_half(self, request):
        blob = request.pdu[struct.unpack_from("<H", request.body, 12)[0]:]
        at = blob.find(b"NTLMSSP\0")
        asked, = struct.unpack_from("<I", blob, at + 12)
        self.challenge = self.challenge_message(asked)
        token = SPNEGO_NegTokenResp()
        token["NegState"] = b"\x01"
        token["SupportedMech"] = TypesMech["NTLMSSP - Microsoft NTLM Security Support Provider"]
        token["ResponseToken"] = self.challenge
        return Answer(MORE_PROCESSING, self.session_body(0, token.getData()), session=0x1122334400 + self.number)

    def login(self, request):
        blob = request.pdu[struct.unpack_from("<H", request.body, 12)[0]:]
        message = blob[blob.find(b"NTLMSSP\0"):]

        def field(at):
            length, _, offset = struct.unpack_from("<HHI", message, at)
            return message[offset:offset + length]
        response, domain, user, session_key = field(20), field(28), field(36), field(52)
        self.server.drawn += [response[32:40], session_key]  # of NTLMv2: the client's challenge
        user_text, domain_text = user.decode("utf-16-le"), domain.decode("utf-16-le")
        self.server.tried.append((domain_text, user_text))
        hashed = ntlm.NTOWFv2(user_text, self.server.password, domain_text)
        proof = response[:16]
        right = user_text == self.server.user and hmac.compare_digest(proof, ntlm.hmac_md5(hashed, self.server_challenge + response[16:]))
        if not right and not self.server.session_flags:
            self.challenge = None
            return error(LOGON_FAILURE)
        base = ntlm.hmac_md5(hashed, proof)
        key = ntlm.generateEncryptedSessionKey(base, session_key) if self.challenge_flags() & ntlm.NTLMSSP_NEGOTIATE_KEY_EXCH else base
        self.server.logins.append(user_text)
        self.key = None if self.server.sign == "none" else key
        return Answer(0, self.session_body(self.server.session_flags, accepted()))

    def tree(self, request):
        share = request.name.rsplit("\\", 1)[-1].lower()
        if share not in (s.lower() for s in self.server.shares):
            return error(BAD_NETWORK_NAME)
        return Answer(0, struct.pack("<HBBIII", 16, 1, 0, self.server.share_flags, self.server.share_capabilities, 0x1F01FF), tree=7)

    def opened(self, path):
        """The folder or file of this path, or None."""
        folder = self.server.folder.replace("/", "\\").lower()
        if path.lower() in ("", folder):
            return File(path, attributes=FOLDER_ATTRIBUTE)
        for file in self.server.files:
            if isinstance(file.name, str) and path.lower() == f"{folder}\\{file.name}".lower().lstrip("\\"):
                return file
        return None

    def create(self, request):
        file = self.opened(request.name)
        if file is None:
            return error(NOT_FOUND)
        self.last_handle = struct.pack("<QQ", len(self.handles) + 1, 0xABCD)
        self.handles[self.last_handle] = file
        return Answer(0, self.created(file, self.last_handle))

    @staticmethod
    def created(file, handle):
        t, size = file.time & (1 << 64) - 1, file.length & (1 << 64) - 1
        return struct.pack("<HBBIQQQQQQII16sII", 89, 0, 0, 1, t, t, t, t, size, size, file.attributes, 0, handle, 0, 0)

    def file_of(self, request):
        handle = request.handle
        return self.handles.get(self.last_handle if handle == b"\xff" * 16 else handle)

    def close(self, request):
        self.handles.pop(self.last_handle if request.handle == b"\xff" * 16 else request.handle, None)
        return Answer(0, struct.pack("<HHIQQQQQQI", 60, 0, 0, 0, 0, 0, 0, 0, 0, 0))

    def read(self, request):
        length, offset = struct.unpack_from("<IQ", request.body, 4)
        file = self.file_of(request)
        data = file.read(offset, length) if file else b""
        if not data:
            return error(END_OF_FILE)
        return Answer(0, struct.pack("<HBBIII", 17, 0x50, 0, len(data), 0, 0) + data)

    def list(self, request):
        info_class, flags = request.body[2], request.body[3]
        room, = struct.unpack_from("<I", request.body, 28)
        at = 0 if flags & 1 else self.read_so_far.get(request.handle, 0)
        page, size = [], 0
        everything = self.server.entries()
        for file in everything[at:]:
            size += 112 + len(file.wire_name)
            if size > min(room, 1 << 16):
                break
            page.append(file)
        if not page:
            return error(NO_MORE_FILES)
        self.read_so_far[request.handle] = at + len(page)
        return listing(page, info_class)

    def info(self, request):
        kind, info_class = request.body[2], request.body[3]
        file = self.file_of(request)
        if file is None:
            return error(0xC0000128)  # FILE_CLOSED
        t, size = file.time & (1 << 64) - 1, file.length & (1 << 64) - 1
        basic = struct.pack("<QQQQII", t, t, t, t, file.attributes, 0)
        standard = struct.pack("<QQIBBH", size, size, 1, 0, file.attributes >> 4 & 1, 0)
        data = {(1, 4): basic, (1, 5): standard, (1, 6): struct.pack("<Q", 1), (1, 34): struct.pack("<QQQQQQII", t, t, t, t, size, size, file.attributes, 0),
                (1, 18): basic + standard + struct.pack("<QIIQIII", 1, 0, 0x1F01FF, 0, 0, 0, 0)}.get((kind, info_class))
        if data is None:
            return error(NOT_SUPPORTED)
        return Answer(0, struct.pack("<HHI", 9, 0x48, len(data)) + data)

    def ioctl(self, request):
        code, = struct.unpack_from("<I", request.body, 4)
        self.server.asked.append((self.number, "IOCTL", f"{code:#x}"))
        return error(0xC0000010 if code == 0x140204 else 0xC0000225)  # INVALID_DEVICE_REQUEST as of SMB 2.1; NOT_FOUND

    def logoff(self, _request):
        return Answer(0, struct.pack("<HH", 4, 0))

    untree = echo = logoff


def signed(pdu, key):
    pdu = pdu[:16] + struct.pack("<I", struct.unpack_from("<I", pdu, 16)[0] | 8) + pdu[20:48] + bytes(16) + pdu[64:]
    return pdu[:48] + hmac.new(key[:16], pdu, hashlib.sha256).digest()[:16] + pdu[64:]


class HostileServer:
    """One address. See the top of this file."""

    def __init__(self, net, address, files=(), shares=("d$",), folder="BackupFull", user="svc_backup", password="Passw0rd!", backlog=128):
        self.net, self.address, self.port = net, address, net.port
        self.files, self.shares, self.folder, self.user, self.password = list(files), shares, folder, user, password
        self.rules, self.pace, self.sign, self.session_flags = {}, 0, "good", 0
        self.before_signing = self.after_signing = None
        self.security_mode, self.dialect, self.share_flags, self.share_capabilities = 3, 0x0210, 0, 0
        self.mechanisms = ["NTLMSSP - Microsoft NTLM Security Support Provider"]
        self.asked, self.logins, self.tried = collections.deque(maxlen=100_000), [], []
        self.drawn = []  # what clients should have drawn by lot
        self.connections, self.open = 0, set()
        self.socket, self.backlog = None, backlog
        self.up()

    def on(self, stage, rule):
        self.rules[stage] = rule
        return self

    def usual(self):
        self.rules.clear()
        return self

    def entries(self):
        return [File(".", attributes=FOLDER_ATTRIBUTE), File("..", attributes=FOLDER_ATTRIBUTE), *self.files]

    def stages(self, stage):
        """What was asked for at this stage."""
        return [what for _, s, what in list(self.asked) if s == stage]

    def up(self):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((self.address, self.port))
        listener.listen(self.backlog)
        self.socket = listener
        threading.Thread(target=self.accept, args=(listener,), daemon=True).start()

    def accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            session = Session(self, sock, self.connections)
            self.open.add(sock)

            def serve(session=session, sock=sock):
                try:
                    session.serve()
                finally:
                    self.open.discard(sock)
            threading.Thread(target=serve, daemon=True).start()

    def down(self):
        """Nobody listens any more, and nobody is spoken to."""
        if self.socket:
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)
            self.socket.close()
            self.socket = None
        for sock in list(self.open):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


class HostileNet:
    """Servers on one port of many addresses."""

    def __init__(self, case, port=None):
        why = missing()
        if why:
            case.skipTest(why)
        self.case, self.servers = case, []
        self.guard = socket.socket()
        self.port = port
        while self.port is None:
            candidate = random.SystemRandom().randrange(20000, 32000)
            with contextlib.suppress(OSError):
                self.guard.bind(("127.253.253.253", candidate))
                self.port = candidate
        case.addCleanup(self.close)

    def server(self, address, **how):
        server = HostileServer(self, address, **how)
        self.servers.append(server)
        return server

    def close(self):
        for server in self.servers:
            server.down()
        self.guard.close()


class Recorder:
    """Stands between a client and a real server, passes everything on, and keeps what the server answered: a list of PDUs, whole when `ended` counts the connection. One
    connection at a time. The server must not encrypt and speak no more than SMB 2.1, as what is said again is."""

    def __init__(self, case, address, port):
        self.to, self.answers, self.ended = (address, port), [], 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()
        case.addCleanup(self.listener.close)

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                ours, _ = self.listener.accept()
                theirs = socket.create_connection(self.to)
                threading.Thread(target=self.pump, args=(ours, theirs), daemon=True).start()
                self.keep(theirs, ours)
                self.ended += 1

    @staticmethod
    def pump(a, b):
        with contextlib.suppress(OSError):
            while data := a.recv(65536):
                b.sendall(data)
        with contextlib.suppress(OSError):
            b.shutdown(socket.SHUT_WR)

    def keep(self, theirs, ours):
        data = b""
        with contextlib.suppress(OSError), theirs, ours:
            while more := theirs.recv(65536):
                data += more
                ours.sendall(more)
                while len(data) >= 4 and len(data) >= 4 + int.from_bytes(data[1:4], "big"):
                    length = 4 + int.from_bytes(data[1:4], "big")
                    self.answers.append(data[4:length])
                    data = data[length:]


class Replay:
    """Lets a server say what a real one said: the k-th answer of a stage on each connection as it was then, but for what a connection has of its own (numbers of messages
    and of the session, the proof that it knows the password, signatures)."""

    def __init__(self, server, answers):
        self.server = server
        self.said = collections.defaultdict(list)
        for pdu in answers:
            request = Request(pdu)
            status, = struct.unpack_from("<I", pdu, 8)
            if status == PENDING:  # the answer follows
                continue
            stage = "CHALLENGE" if request.stage == "LOGIN" and status == MORE_PROCESSING else request.stage
            self.said[stage].append(Answer(status, pdu[64:], tree=None if request.flags & ASYNC else request.tree))
        for stage in self.said:
            if stage == "LOGIN":
                continue
            server.on(stage, self.challenge if stage == "CHALLENGE" else self.again)

    def again(self, session, request):
        turn = session.turns = getattr(session, "turns", collections.Counter())
        turn[request.stage] += 1
        said = self.said[request.stage]
        return said[min(turn[request.stage], len(said)) - 1]

    def challenge(self, session, request):
        answer = self.again(session, request)
        session.challenge = answer.body[answer.body.find(b"NTLMSSP\0"):]
        session.server_challenge = session.challenge[24:32]
        return dataclasses.replace(answer, session=0x1122334400 + session.number)


def flip(chance, pdu, first=0, most=3):
    """Some bits of it."""
    for _ in range(chance.randint(1, most)):
        if len(pdu) > first:
            pdu[chance.randrange(first, len(pdu))] ^= 1 << chance.randrange(8)
    return pdu

"""Mail servers for tests: one that does as it is told (SmtpPeer, on aiosmtpd), a real one (EximPeer), and their certificates (Certificates).

    peer = SmtpPeer(self, login={"bkmon": "secret"}).start()       # STARTTLS with a good certificate; a thread of the test
    peer.answer("RCPT", "451 4.7.1 later")                         # the next RCPT; further ones as usual
    peer.answer("DOT", CUT, always=True)                           # each time after the final dot, instead of 250
    peer.refuse("b@example.org", "550 5.1.1 no such user")         # whenever it is named
    peer.url, peer.ca_file                                         # for mail.server and mail.ca_file
    peer.messages(), peer.logins, peer.commands, peer.connections  # what happened
    peer.down(); peer.up(); peer.stop()                            # nobody listens; the same port again; the end (the case does that by itself)

What can be answered for: CONNECT (the banner), EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, BODY (CUT alone: amid the message), DOT (after the message), QUIT.
How: a line "451 …" (421 also hangs up), CUT (the connection is reset), SILENCE (nothing ever comes), None (as usual), or a function of the argument that
gives one of these.

As a program, for tests that are not Python: `smtp_peer.py JSON-OF-OPTIONS` prints "PORT CA-FILE", then a line for each connection, command, login and
message, until its input ends. Among its options: answers, {verb: [answer, …] or what is always answered}, refused,
{address: line}, and say, the beginning of the lines to be printed."""
import asyncio
import atexit
import base64
import collections
import dataclasses
import email
import email.policy
import json
import logging
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import warnings

try:
    from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword, MISSING
except ImportError:  # tests say so by name (missing())
    SMTP = None

CUT, SILENCE = "cut", "silence"
logging.getLogger("mail.log").setLevel(logging.CRITICAL + 1)  # what goes wrong is what was asked for
EXIM = "/usr/sbin/exim4"


def missing():
    """What a machine lacks for these peers, in words; empty when nothing."""
    return "" if SMTP else "python3-aiosmtpd is not installed"


class Certificates:
    """A CA, and what it signed for 127.0.0.1: good, expired, wrong_name; stranger is signed by a CA that nobody trusts. {kind}.pem is key and chain."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.ca_file = str(self.folder / "ca.pem")
        for ca in ("ca", "other-ca"):
            self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{ca}.key", "-out", f"{ca}.pem",
                         "-days", "3650", "-subj", f"/CN=bkmon test {ca}", "-addext", "basicConstraints=critical,CA:TRUE")
        self.sign("good", "IP:127.0.0.1,DNS:localhost,DNS:mail.example.org")
        self.sign("expired", "IP:127.0.0.1,DNS:localhost", "20200101000000Z", "20200201000000Z")
        self.sign("wrong_name", "DNS:mail.elsewhere.example")
        self.sign("stranger", "IP:127.0.0.1,DNS:localhost", ca="other-ca")

    def openssl(self, *args):
        done = subprocess.run(["openssl", *args], cwd=self.folder, capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError(f"openssl {' '.join(args)}: {done.stderr}")

    def sign(self, kind, names, start="20200101000000Z", end="20990101000000Z", ca="ca"):
        (self.folder / "index.txt").write_text("")
        (self.folder / "ca.cnf").write_text(
            "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nnew_certs_dir=.\nrand_serial=yes\ndefault_md=sha256\npolicy=p\nx509_extensions=e\n"
            f"unique_subject=no\n[p]\ncommonName=supplied\n[e]\nsubjectAltName={names}\n")
        self.openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{kind}.key", "-out", f"{kind}.csr",
                     "-subj", f"/CN={kind}")
        self.openssl("ca", "-batch", "-config", "ca.cnf", "-cert", f"{ca}.pem", "-keyfile", f"{ca}.key", "-in", f"{kind}.csr", "-out", f"{kind}.crt", "-notext",
                     "-startdate", start, "-enddate", end)
        (self.folder / f"{kind}.pem").write_text((self.folder / f"{kind}.key").read_text() + (self.folder / f"{kind}.crt").read_text())

    def file(self, kind):
        return str(self.folder / f"{kind}.pem")


_certificates = {}


def certificates():
    """Made once for a process."""
    if not _certificates:
        folder = tempfile.mkdtemp(prefix="bkmon-certificates.")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        os.chmod(folder, 0o755)
        _certificates["made"] = Certificates(folder)
    return _certificates["made"]


@dataclasses.dataclass
class Received:
    """One message with how it came."""
    sender: str
    recipients: list
    data: bytes                # as sent, dots at the start of lines no longer doubled
    at: float                  # time.time() when the final dot was there
    tls: str = None            # "TLSv1.3", None without
    login: str = None          # who had logged in, None for nobody
    connection: int = 0        # which, counted from 1
    accepted: bool = True      # False where the answer to the final dot was no 250

    @property
    def mail(self):
        return email.message_from_bytes(self.data, policy=email.policy.default)

    def part(self, kind):
        """The text of the part "plain" or "html"."""
        return self.mail.get_body((kind,)).get_content()


class _Session(SMTP or object):
    """One connection."""

    def __init__(self, peer, number):
        mechanisms = {"PLAIN", "LOGIN"} - set(peer.mechanisms)
        warnings.filterwarnings("ignore", "Requiring AUTH while not requiring TLS")
        super().__init__(peer, hostname="mail.example.org", ident="test", loop=peer.loop, timeout=peer.idle, data_size_limit=peer.size, tls_context=peer.context,
                         auth_require_tls=peer.tls != "none", auth_required=bool(peer.login or peer.tokens), auth_exclude_mechanism=mechanisms,
                         require_starttls=peer.tls == "starttls", authenticator=peer.authenticate)
        if "XOAUTH2" not in peer.mechanisms:
            self._auth_methods.pop("XOAUTH2", None)
        if peer.tls == "smtps":  # the listener's: from the first byte
            self.tls_context, self._auth_require_tls = None, False
        self.peer, self.number = peer, number
        for verb, method in list(self._smtp_methods.items()):
            self._smtp_methods[verb] = self.scripted(verb, method)

    def scripted(self, verb, method):
        async def answer(arg):
            self.peer.commands.append((self.number, time.time(), verb, arg))
            self.peer.tell(f"{verb} {self.number}")
            if not await self.told(verb, arg):
                await method(arg)
        answer.__dict__.update(getattr(method, "__dict__", {}))
        return answer

    async def told(self, verb, arg=None):
        """True when the script said what happens."""
        what = self.peer.next_answer(verb, arg)
        if what is None:
            return False
        if what in (CUT, SILENCE):
            await self.never(what)
        await self.push(what)
        if what.startswith("421"):
            self.transport.close()
        return True

    async def never(self, what):
        if what == CUT:
            (self._original_transport or self.transport).abort()
        await asyncio.sleep(3600)  # the connection's end ends it

    async def push(self, status):
        data = (status.encode() if isinstance(status, str) else status) + b"\r\n"
        if self.peer.pace:
            for byte in data:
                self._writer.write(bytes([byte]))
                await asyncio.sleep(self.peer.pace)
        else:
            self._writer.write(data)
        await self._writer.drain()
        if data.startswith(b"354") and self.peer.next_answer("BODY", None) == CUT:
            while not self._reader._buffer:
                await asyncio.sleep(0.001)
            await self.never(CUT)

    async def _handle_client(self):
        self.peer.open += 1
        try:
            if await self.told("CONNECT"):
                self.transport.close()
                return
            await super()._handle_client()
        finally:
            self.peer.open -= 1


class SmtpPeer:
    """A mail server in a thread of the test, on a port of 127.0.0.1. See the top of this file."""

    def __init__(self, case=None, tls="starttls", certificate="good", login=None, tokens=None, mechanisms=("PLAIN", "LOGIN", "XOAUTH2"), size=10 << 20, pace=0,
                 polite_token=False, idle=600):
        """tls: starttls (asked for), smtps, none. login: {user: password}. tokens: {user: XOAUTH2 token}. size: what EHLO says. pace: seconds
        between the bytes of each answer. polite_token: a wrong token is explained by a challenge before the 535, as Google does. idle: seconds after
        which a connection that says nothing is closed."""
        self.case, self.tls, self.login, self.tokens, self.mechanisms = case, tls, login or {}, tokens or {}, mechanisms
        self.size, self.pace, self.polite_token, self.idle = size, pace, polite_token, idle
        self.certificate, self.context, self.ca_file = certificate, None, ""
        self.port = self.connections = self.open = 0
        self.commands, self.logins, self.received = [], [], []
        self.on_event = None
        self.scripts, self.always, self.refused = collections.defaultdict(collections.deque), {}, {}

    @property
    def url(self):
        return f"{'smtps' if self.tls == 'smtps' else 'smtp'}://127.0.0.1:{self.port}"

    # What it does

    def answer(self, verb, *answers, always=False):
        if always:
            self.always[verb] = answers[0]
        else:
            self.scripts[verb].extend(answers)
        return self

    def refuse(self, address, line):
        self.refused[address] = line
        return self

    def next_answer(self, verb, arg):
        what = self.scripts[verb].popleft() if self.scripts[verb] else self.always.get(verb)
        if what is None and verb == "RCPT":
            what = next((line for address, line in self.refused.items() if f"<{address}>" in (arg or "")), None)
        return what(arg) if callable(what) else what

    # What happened

    def messages(self, accepted=True):
        """Those that were answered with 250; with accepted=False all that were there up to the final dot."""
        return [m for m in list(self.received) if m.accepted or not accepted]

    def verbs(self, verb):
        return [c for c in list(self.commands) if c[2] == verb]

    # From start to end

    def start(self):
        if missing():
            raise AssertionError(missing())
        if self.tls != "none":
            made = certificates()
            self.ca_file = made.ca_file
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(made.file(self.certificate))
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(lambda loop, context: None)  # connections that were cut are what is asked for
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.up()
        if self.case:
            self.case.addCleanup(self.stop)
        return self

    def in_loop(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    def up(self):
        async def listen():
            return await self.loop.create_server(self.session, "127.0.0.1", self.port, ssl=self.context if self.tls == "smtps" else None, reuse_address=True)
        self.server = self.in_loop(listen())
        self.port = self.server.sockets[0].getsockname()[1]

    def down(self):
        async def close():
            self.server.close()
        self.in_loop(close())

    def stop(self):
        if self.loop.is_closed():
            return
        async def end():
            self.server.close()
            others = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
        self.in_loop(end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()

    def stubborn(self):
        """A listener of another kind: greets, offers STARTTLS, shows its certificate, and never hangs up whatever the client thinks of it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates().file(self.certificate))
        listener = socket.create_server(("127.0.0.1", 0))
        self.port, self.ca_file = listener.getsockname()[1], certificates().ca_file
        kept = []

        def serve():
            while True:
                client, _ = listener.accept()
                kept.append(client)
                client.sendall(b"220 mail.example.org\r\n")
                client.recv(1000)
                client.sendall(b"250-mail.example.org\r\n250 STARTTLS\r\n")
                client.recv(1000)
                client.sendall(b"220 go\r\n")
                incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
                shake = context.wrap_bio(incoming, outgoing, server_side=True)
                try:
                    while data := client.recv(10000):
                        incoming.write(data)
                        try:
                            shake.do_handshake()
                        except ssl.SSLWantReadError:
                            pass
                        client.sendall(outgoing.read())
                except (ssl.SSLError, OSError):
                    pass
        threading.Thread(target=serve, daemon=True).start()

    # What aiosmtpd calls

    def session(self):
        self.connections += 1
        self.tell(f"connection {self.connections}")
        return _Session(self, self.connections)

    def authenticate(self, server, session, envelope, mechanism, data):
        good = self.login.get(data.login.decode()) == data.password.decode()
        return self.outcome(mechanism, data, good)

    def outcome(self, mechanism, data, good):
        self.logins.append((mechanism, data.login.decode(), data.password.decode(), good))
        self.tell(f"login {mechanism} {'good' if good else 'bad'}")
        return AuthResult(success=good, handled=False, auth_data=data)

    async def auth_XOAUTH2(self, server, args):
        usual, server._reader._limit = server._reader._limit, 12288  # tokens are longer than a line of text (RFC 4954, 4)
        blob = await server.challenge_auth("") if len(args) == 1 else base64.b64decode(args[1])
        server._reader._limit = usual
        if blob is MISSING:
            return AuthResult(success=False)
        found = re.fullmatch(rb"user=([^\x01]*)\x01auth=Bearer ([^\x01]*)\x01\x01", blob)
        user, token = (found[1], found[2]) if found else (b"?", b"?")
        good = self.tokens.get(user.decode()) == token.decode()
        if not good and self.polite_token:
            await server.challenge_auth('{"status":"401","schemes":"bearer"}')
        return self.outcome("XOAUTH2", LoginPassword(user, token), good)

    async def handle_DATA(self, server, session, envelope):
        tls = server.transport.get_extra_info("ssl_object")
        login = session.auth_data.login.decode() if session.authenticated else None
        got = Received(envelope.mail_from, list(envelope.rcpt_tos), bytes(envelope.original_content), time.time(), tls.version() if tls else None, login,
                       server.number, False)
        self.received.append(got)
        what = self.next_answer("DOT", None)
        if what in (CUT, SILENCE):
            await server.never(what)
        got.accepted = what is None or what.startswith("250")
        self.tell(f"message {got.sender} {','.join(got.recipients)} {len(got.data)} {got.tls} {got.login} {got.connection}")
        return what or "250 2.0.0 taken"

    def tell(self, line):
        if self.on_event:
            self.on_event(line)


class EximPeer:
    """A real exim4 of one's own: STARTTLS, AUTH PLAIN and LOGIN for user bkmon, delivery of everything for example.org into one maildir. A recipient
    called nobody@ gets 550, later@ 451. Runs without rights: as nobody where the test is root."""

    def __init__(self, case, password="right horse", certificate="good", size="10M"):
        self.case, self.password, self.certificate, self.size = case, password, certificate, size
        self.process, self.port, self.ca_file = None, 0, ""

    @staticmethod
    def missing():
        return "" if os.access(EXIM, os.X_OK) else "exim4-daemon-light is not installed"

    @property
    def url(self):
        return f"smtp://127.0.0.1:{self.port}"

    def configuration(self, uid):
        return f"""exim_user = {uid}
exim_group = {uid}
primary_hostname = mail.example.org
daemon_smtp_ports = {self.port}
local_interfaces = 127.0.0.1
spool_directory = {self.home}/spool
log_file_path = {self.home}/log/%slog
pid_file_path = {self.home}/pid
keep_environment =
tls_advertise_hosts = *
tls_certificate = {self.home}/tls.pem
tls_privatekey = {self.home}/tls.pem
message_size_limit = {self.size}
deliver_drop_privilege = true
never_users =
queue_run_in_order
acl_smtp_rcpt = rcpt
acl_smtp_auth = auth
log_selector = +tls_cipher
begin acl
auth:
  accept encrypted = *
rcpt:
  require message = encryption needed
          encrypted = *
  require message = login needed
          authenticated = *
  deny local_parts = nobody
       message = no such user here
  defer local_parts = later
       message = greylisted, come again
  accept domains = example.org
  deny message = relay not permitted
begin routers
all:
  driver = accept
  transport = maildir
begin transports
maildir:
  driver = appendfile
  directory = {self.home}/maildir
  maildir_format
  delivery_date_add
  envelope_to_add
  return_path_add
  headers_add = X-Peer-Tls: $tls_in_cipher\\nX-Peer-Login: $authenticated_id
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{bkmon}}}}{{eq{{$auth3}}{{{self.password}}}}}}}}}
  server_set_id = $auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${{if and{{{{eq{{$auth1}}{{bkmon}}}}{{eq{{$auth2}}{{{self.password}}}}}}}}}
  server_set_id = $auth1
"""

    def start(self):
        self.home = self.case.folder()
        made = certificates()
        self.ca_file = made.ca_file
        shutil.copy(made.file(self.certificate), self.home / "tls.pem")
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        root = os.geteuid() == 0
        uid = 65534 if root else os.geteuid()
        (self.home / "conf").write_text(self.configuration(uid))
        for name in ("spool", "log"):
            (self.home / name).mkdir()
        as_whom = []
        if root:
            as_whom = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
            for path in (self.home, *self.home.rglob("*")):
                os.chown(path, uid, uid)
        self.process = subprocess.Popen([*as_whom, EXIM, "-C", str(self.home / "conf"), "-bdf"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, start_new_session=True, cwd="/")
        self.case.addCleanup(self.stop)
        self.case.until("exim listens", self.listens)
        return self

    def listens(self):
        if self.process.poll() is not None:
            self.case.fail("exim ended: " + self.log())
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def log(self):
        return "".join(p.read_text(errors="replace") for p in sorted((self.home / "log").iterdir()))

    def messages(self):
        found = []
        folder = self.home / "maildir/new"  # where a message appears as a whole
        for path in sorted(folder.iterdir(), key=lambda p: p.stat().st_mtime_ns) if folder.exists() else []:
            data = path.read_bytes().replace(b"\n", b"\r\n")
            mail = email.message_from_bytes(data, policy=email.policy.default)
            sender = mail["Return-path"].strip("<> ")
            found.append(Received(sender, [mail["Envelope-to"].strip()], data, time.time(), mail["X-Peer-Tls"] or None, mail["X-Peer-Login"] or None))
        return found

    def stop(self):
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()


def _serve():
    options = json.loads(sys.argv[1])
    answers = options.pop("answers", {})
    refused, say = options.pop("refused", {}), options.pop("say", "")
    peer = SmtpPeer(**options)
    peer.refused.update(refused)
    for verb, lines in answers.items():
        peer.answer(verb, *lines) if isinstance(lines, list) else peer.answer(verb, lines, always=True)
    peer.on_event = lambda line: line.startswith(say) and print(line, flush=True)
    peer.stubborn() if peer.tls == "stubborn" else peer.start()
    print(peer.port, peer.ca_file or "-", flush=True)
    sys.stdin.read()
    if peer.tls != "stubborn":
        peer.stop()


if __name__ == "__main__":
    _serve()

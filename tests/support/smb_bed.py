"""Servers of outlets that are real ones: one smbd that listens on many loopback addresses, each of which shows files of its own.

Works as root and as an ordinary user (on ports above 1023; smbd then sees the files as that user). Not inside a user namespace: smbd
cannot set its groups there and ends."""
import contextlib
import ctypes
import os
import pathlib
import pwd
import random
import re
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time

SHARES = ("d$", "e$", "f$", "g$", "h$", "i$")
USER, PASSWORD = "svc_backup", "Passw0rd!"
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"

CONFIGURATION = """[global]
  server role = standalone server
  netbios name = BED
  workgroup = BEDGRP
  bind interfaces only = yes
  interfaces = {interfaces}
  hosts allow = 127. 10.
  smb ports = {ports}
  disable netbios = yes
  private dir = {home}/private
  lock directory = {home}/lock
  state directory = {home}/state
  cache directory = {home}/cache
  pid directory = {home}/run
  ncalrpc dir = {home}/ncalrpc
  passdb backend = tdbsam:{home}/private/passdb.tdb
  username map = {home}/users/%i
  log file = {log_file}
  log level = {log_level}
  max log size = 0
  load printers = no
  printing = bsd
  printcap name = /dev/null
  disable spoolss = yes
  map to guest = never
  server min protocol = SMB2_02
  obey pam restrictions = no
{more}"""


def missing():
    """Why there can be no bed here, or nothing."""
    for tool in ("smbd", "pdbedit"):
        if not shutil.which(tool, path=PATH):
            return f"{tool} is not installed (tools/packages test)"
    return ""


def roomy(needed):
    """Memory when there is room: smbd writes a lot for each connection, and a disk would be what is measured."""
    shm = pathlib.Path("/dev/shm")
    try:
        state = os.statvfs(shm)
        if os.access(shm, os.W_OK) and state.f_bavail * state.f_frsize > needed and state.f_favail > 100_000:
            return str(shm)
    except OSError:
        pass
    return None


def enter(namespace):
    """This thread goes into the network namespace at this path."""
    fd = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(fd, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"setns {namespace}")
    finally:
        os.close(fd)


@contextlib.contextmanager
def inside(namespace):
    if not namespace:
        yield
        return
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        enter(namespace)
        yield
    finally:
        enter(f"/proc/self/fd/{home}")
        os.close(home)


class BlackHoles:
    """Addresses on loopback from which nothing comes back: their queue is full for ever, so that the kernel drops what begins a connection."""

    def __init__(self, case, addresses, port):
        self.sockets = []
        case.addCleanup(self.close)
        for address in addresses:
            hole = socket.socket()
            hole.bind((address, port))
            hole.listen(0)
            self.sockets.append(hole)
            for _ in range(3):
                filler = socket.socket()
                filler.setblocking(False)
                filler.connect_ex((address, port))
                self.sockets.append(filler)

    def close(self):
        for s in self.sockets:
            s.close()
        self.sockets = []


class Server:
    """One of the bed: an address with shares of its own. A share is there when its folder is."""

    def __init__(self, bed, number):
        self.bed, self.number = bed, number
        self.address = f"{bed.net}.{number // 250}.{number % 250 + 1}"
        self.root = bed.root / self.address

    def share(self, share):
        return self.root / share[0]

    def add_share(self, share):
        self.share(share).mkdir(parents=True, exist_ok=True)
        return self

    def remove_share(self, share):
        shutil.rmtree(self.share(share), ignore_errors=True)

    def put(self, share, folder, name, size=1 << 20, data=None, age=3600.0):
        """A file that was modified `age` seconds ago (less than nothing: it will be). Without `data` a hole of `size` bytes, which takes no room."""
        place = self.share(share) / folder
        place.mkdir(parents=True, exist_ok=True)
        path = place / name
        with open(path, "wb") as out:
            if data is None:
                out.truncate(size)
            else:
                out.write(data)
        self.date(path, age)
        return path

    @staticmethod
    def date(path, age):
        at = time.time_ns() - int(age * 1e9)
        os.utime(path, ns=(at, at))

    def login(self, allowed):
        """Whether this server knows the user. When not, the password is wrong for it."""
        path = self.bed.home / "users" / self.address
        if allowed:
            path.write_text(self.bed.names)
        else:
            path.unlink(missing_ok=True)
        return self


class SmbBed:
    """`servers` addresses `net`.x.y. `connections`: smbd writes down who connected to which share of which server (small beds only).
    `ports`: how many ports each address listens on; `port` takes just this one. `namespace`: path of the network namespace it lives in.
    `also`: lines for the [global] section. Nothing runs before start()."""

    def __init__(self, case, servers, net="127.1", ports=1, port=None, connections=False, namespace=None, also=()):
        why = missing()
        if why:
            case.skipTest(why)
        self.case, self.net, self.connections, self.namespace = case, net, connections, namespace
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="bkmon-smb.", dir=roomy(256 << 20)))
        case.addCleanup(shutil.rmtree, self.home, ignore_errors=True)
        self.home.chmod(0o755)
        self.root = self.home / "servers"
        for name in ("private", "lock", "state", "cache", "run", "log", "ncalrpc", "users", "servers"):
            (self.home / name).mkdir()
        (self.home / "private").chmod(0o700)
        self.unix = pwd.getpwuid(os.geteuid()).pw_name
        self.names = f"{self.unix} = {USER}\n"
        self.process = None
        self.guards = []
        self.ports = [port] if port else [self._port() for _ in range(ports)]
        self.servers = [Server(self, n) for n in range(servers)]
        for server in self.servers:
            server.root.mkdir()
            server.login(True)
        self.also = list(also)
        self._configure()
        self.account(self.unix, PASSWORD)

    # --- what there is

    @property
    def port(self):
        return self.ports[0]

    def outlet(self, number):
        return self.servers[number]

    def put(self, number, share, folder, name, *size, **more):
        return self.servers[number].put(share, folder, name, *size, **more)

    def _port(self):
        """One that no other bed has: each holds its own on an address that no bed listens on. Outside of what the kernel gives to clients."""
        while True:
            port = random.SystemRandom().randrange(20000, 32000)
            guard = socket.socket()
            try:
                guard.bind(("127.254.254.254", port))
            except OSError:
                guard.close()
                continue
            if self._answers(f"{self.net}.0.1", port) or self._answers("127.0.0.1", port):
                guard.close()
                continue
            self.guards.append(guard)
            self.case.addCleanup(guard.close)
            return port

    def _configure(self):
        shares = "".join(f"[{s}]\n  path = {self.root}/%i/{s[0]}\n  read only = yes\n  browseable = no\n" for s in SHARES)
        (self.home / "smb.conf").write_text(CONFIGURATION.format(
            home=self.home, ports=" ".join(map(str, self.ports)),
            # Each address by itself: it gets a socket and a queue of its own. One for all would turn connections away.
            interfaces=" ".join(f"{s.address}/8" for s in self.servers),
            log_file=f"{self.home}/log/%i" if self.connections else f"{self.home}/log/smbd.log", log_level=2 if self.connections else 0,
            more="".join(f"  {line}\n" for line in self.also) + shares))

    def _tool(self, *arguments, input=None):
        done = subprocess.run(arguments, capture_output=True, text=True, input=input, timeout=60, env={**os.environ, "PATH": PATH})
        if done.returncode != 0:
            self.case.fail(f"{' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def account(self, unix, password, flags=None):
        """Gives a user of this machine a password. flags: what pdbedit shows, "[D]" for instance: disabled."""
        self._tool("pdbedit", "-s", str(self.home / "smb.conf"), "-a", "-u", unix, "-t", input=f"{password}\n{password}\n")
        if flags:
            self._tool("pdbedit", "-s", str(self.home / "smb.conf"), "-r", "-u", unix, "-c", flags)

    def connects(self, share=None):
        """{address: how often somebody connected to a share of it, or to this one}; IPC$ is not counted."""
        if not self.connections:
            raise ValueError("this bed does not write connections down")
        counts = {}
        for server in self.servers:
            log = self.home / "log" / server.address
            text = log.read_text(errors="replace") if log.exists() else ""
            found = [s for s in re.findall(r"connect to service (\S+) initially", text) if s != "IPC$" and share in (None, s)]
            if found:
                counts[server.address] = len(found)
        return counts

    def refused_logins(self):
        """How often somebody came with a wrong name or password."""
        if not self.connections:
            raise ValueError("this bed does not write connections down")
        return sum(p.read_text(errors="replace").count("FAILED with error") for p in (self.home / "log").glob("*.*.*.*"))

    def forget_connects(self):
        for path in (self.home / "log").glob("*.*.*.*"):
            path.write_text("")

    # --- its process

    def start(self):
        sockets = len(self.servers) * len(self.ports) + 200
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < sockets:
            self.case.skipTest(f"{sockets} open files are needed, {hard} are allowed")
        def prepare():
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)  # a test that is killed leaves no servers
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, sockets), hard))
            if self.namespace:
                enter(self.namespace)
        out = open(self.home / "out", "ab")
        self.process = subprocess.Popen(["smbd", "-F", "--no-process-group", "-s", str(self.home / "smb.conf")], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                        start_new_session=True, env={**os.environ, "PATH": PATH, "TMPDIR": str(self.home)},
                                        preexec_fn=prepare)
        out.close()
        self.case.addCleanup(self.stop)
        wanted = [(server.address, port) for server in (self.servers[0], self.servers[-1]) for port in self.ports]
        end = time.monotonic() + 60
        while not all(self._answers(*w) for w in wanted):
            if self.process.poll() is not None or time.monotonic() > end:
                self.case.fail(f"smbd is not ready (status {self.process.poll()}):\n{self.text()}")
            time.sleep(0.02)
        return self

    def _answers(self, address, port):
        with inside(self.namespace), socket.socket() as s:
            s.settimeout(1)
            return s.connect_ex((address, port)) == 0

    def text(self):
        return "\n".join(p.read_text(errors="replace")[-4000:] for p in (self.home / "out", self.home / "log/smbd.log") if p.exists())

    def _signal(self, sig):
        try:
            os.killpg(self.process.pid, sig)  # a session of its own: nobody but smbd and its children
        except ProcessLookupError:
            pass

    def stop(self):
        if self.process is None:
            return
        self._signal(signal.SIGCONT)
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            pass
        self.kill()

    def kill(self):
        """At once, with every child that serves somebody."""
        if self.process is not None:
            self._signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def restart(self):
        self.stop()
        return self.start()

    def pause(self):
        """Connections are still taken, by the kernel, and nobody answers."""
        self._signal(signal.SIGSTOP)

    def resume(self):
        self._signal(signal.SIGCONT)

    def children(self):
        """Processes that serve somebody at the moment."""
        return [int(pid) for pid in pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()]

    def cut(self):
        """Kills what serves somebody at the moment: those connections end, new ones are taken."""
        for pid in self.children():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

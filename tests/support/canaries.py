"""Files that nobody may read or change, watched by the kernel (inotify) and compared afterwards."""
import ctypes
import os
import struct

LIBC = ctypes.CDLL(None, use_errno=True)
ACCESS, MODIFY, ATTRIB, CLOSE_WRITE, MOVED_FROM, MOVED_TO, CREATE, DELETE, OPEN = (1, 2, 4, 8, 0x40, 0x80, 0x100, 0x200, 0x20)
NAMES = {ACCESS: "read", MODIFY: "written", CLOSE_WRITE: "written", MOVED_FROM: "moved", MOVED_TO: "moved", CREATE: "made", DELETE: "removed", OPEN: "opened"}


class Canaries:
    """Watches every file and folder below `top` from arm() on. What the caller itself reads or links there must lie outside of arm() … events()."""

    def __init__(self, top):
        self.top = top
        self.fd, self.watched = -1, {}

    def arm(self):
        self.fd = LIBC.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self.watched = {}
        paths = [path for folder, _, files in os.walk(self.top) for path in [folder, *(os.path.join(folder, f) for f in files)]]
        for path in paths:  # the walk has ended: it would be seen
            if os.path.islink(path):
                continue
            watch = LIBC.inotify_add_watch(self.fd, os.fsencode(path), ACCESS | MODIFY | CLOSE_WRITE | MOVED_FROM | MOVED_TO | CREATE | DELETE | OPEN)
            assert watch >= 0, (path, ctypes.get_errno())
            self.watched[watch] = path

    def events(self):
        """What happened since arm(): {(path, word)}."""
        found = set()
        while True:
            try:
                data = os.read(self.fd, 1 << 20)
            except BlockingIOError:
                break
            at = 0
            while at < len(data):
                watch, mask, _, size = struct.unpack_from("iIII", data, at)
                name = data[at + 16:at + 16 + size].rstrip(b"\0")
                at += 16 + size
                path = self.watched.get(watch, "?")
                if mask & 0x4000:
                    found.add(("?", "too much: events were lost"))
                found.update((os.path.join(path, os.fsdecode(name)) if name else path, word) for bit, word in NAMES.items() if mask & bit)
        os.close(self.fd)
        return found

    def print_of_all(self):
        """{path: (inode, mode, owner, size, time of writing, bytes)}; links by where they lead."""
        found = {}
        for folder, folders, files in os.walk(self.top):
            for path in [folder, *(os.path.join(folder, f) for f in files)]:
                st = os.lstat(path)
                what = os.readlink(path) if os.path.islink(path) else b""
                if os.path.isfile(path) and not os.path.islink(path):
                    with open(path, "rb") as f:
                        what = f.read()
                found[path] = (st.st_ino, st.st_mode, st.st_uid, st.st_gid, st.st_size if path not in folders else 0, st.st_mtime_ns, what)
        return found

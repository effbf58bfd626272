#!/usr/bin/python3
"""Sends hostile frames to a control socket as whoever runs it: frame_noise.py < {"socket", "seed", "frames", "stranger", "interfaces": {name: text}}
prints {"sent": {kind: n}, "bad": [...], "seconds"}. Given to another user's process as text, so it and interface_reader.py make one program."""
import array
import json
import random
import socket
import sys
import time

HOSTILE = ['null', 'true', 'false', '0', '-1', '1e308', '1e400', '-1e400', '9223372036854775807', '9223372036854775808', '-9223372036854775809',
           '18446744073709551616', '1' * 400, '0.1e-999', '""', '" "', '"%n%s%d"', '"../../etc/passwd"', '";reboot"', '"`id`"', '"--help"', '"*"', '"[a-"',
           '"\\u0000"', '"a\\u0000b"', '"\\ud800"', '"\\udfff\\ud800"', '"\\u202e"', '"\\u001b[2J"', '"\x7f"', '"' + "A" * 5000 + '"', '"' + "*" * 2000 + '"',
           '"' + "?*" * 500 + '"', '[]', '{}', '[[]]', '[null]', '[1]', '["x"]', '[""]', '{"a":1}', '{"":{}}', '"2026-13-45T99:99:99Z"', '"9999999999h"', '"-1s"',
           '"' + "f" * 64 + '"', '"deposit/SHOP_CITY_NORTH/MAIN"', '"deposit/*"', '"@every 1s"', "[" * 20 + "]" * 20, '["' + '","'.join(["x"] * 300) + '"]']
RAW = [b"\0", b"\0" * 50, b" \0", b"null\0", b"[]\0", b"{}\0", b"\xff\xff\xff\xff\0", b"\xff\xff\xff\xff{}\0", b"\x00\x00\x00\x00\0", b"\xef\xbb\xbf{}\0",
       b'{"method":"\xc3\x28"}\0', b'{"method":"\xf4\x90\x80\x80"}\0', b'{"method":"\xed\xa0\x80"}\0', b'{"method":1}\0', b'{"method":null}\0', b"{\"method\":\"x\"",
       b'{"method":"a","method":"b"}\0', b"'x'\0", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\0", b"GET / HTTP/1.0\r\n\r\n\0", b"EHLO x\r\n\0"]


class Noise:
    def __init__(self, order):
        self.path, self.stranger = order["socket"], order["stranger"]
        self.r = random.Random(order["seed"])
        self.interfaces = {n: Interface(t) for n, t in order["interfaces"].items()}
        self.methods = [(f"{i.name}.{m}", fields) for i in self.interfaces.values() for m, (fields, _) in sorted(i.methods.items())]
        self.sent, self.bad, self.kept = {}, [], []

    def call(self):
        """One call whose frame is sound and whose parameters are not: (method, frame, more, oneway)"""
        r = self.r
        method, fields = r.choice(self.methods)
        if r.random() < 0.05:
            method = r.choice(["", "x", "io.bkmon.Targets", method + "x", method[:-1], "io.bkmon." + "A" * 300, "..", "io.bkmon.Nothing.Here"])
        members = [f'"{n}":{r.choice(HOSTILE)}' for n in fields if r.random() < 0.8]
        if r.random() < 0.1:
            members.append(f'"{r.choice(["uid", "role", "x" * 300, "", "target "])}":{r.choice(HOSTILE)}')
        more, oneway = r.random() < 0.2, r.random() < 0.05
        flags = (',"more":true' if more else "") + (',"oneway":true' if oneway else "") + (',"upgrade":true' if r.random() < 0.02 else "")
        text = '{"method":' + json.dumps(method) + ',"parameters":{' + ",".join(members) + "}" + flags + "}"
        return method, text.encode("utf-8", "surrogatepass") + b"\0", more, oneway

    def run(self, count):
        kinds = [(self.sound, 50), (self.several, 8), (self.raw, 8), (self.random, 6), (self.flipped, 10), (self.cut, 8), (self.deep, 3), (self.descriptors, 3),
                 (self.unread, 2), (self.kept_open, 1), (self.large, 1)]
        done = 0
        while done < count:
            kind = self.r.choices([k for k, _ in kinds], [w for _, w in kinds])[0]
            try:
                n = kind()
            except (BrokenPipeError, ConnectionError):
                n = 1  # refused in the middle
            except OSError as e:
                self.bad.append(f"{kind.__name__}: {e!r}")
                n = 1
            self.sent[kind.__name__] = self.sent.get(kind.__name__, 0) + n
            done += n
        for s in self.kept:
            s.close()

    def open(self):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        s.settimeout(20)
        s.connect(self.path)
        return s

    def answers(self, s, wanted=None):
        """Frames until the daemon hangs up, or `wanted` of them came. OSError when nothing happens for 20 s."""
        rest, frames = b"", []
        while wanted is None or len(frames) < wanted:
            got = s.recv(65536)
            if not got:
                break
            *whole, rest = (rest + got).split(b"\0")
            frames += whole
        return frames

    def judge(self, method, frame):
        try:
            reply = json.loads(frame.decode())
        except ValueError as e:
            self.bad.append(f"{method}: no JSON: {frame[:200]!r} {e}")
            return
        if self.stranger:
            if reply.get("error") != "io.bkmon.NotAllowed" and reply.get("error") != "io.bkmon.Busy":
                self.bad.append(f"{method}: a stranger was told {frame[:300]!r}")
        elif method is not None:
            if why := reply_misfit(self.interfaces, method, reply):
                self.bad.append(f"{method}: {why}: {frame[:300]!r}")
        elif "error" not in reply and "parameters" not in reply:
            self.bad.append(f"neither error nor parameters: {frame[:300]!r}")

    def sound(self):
        """Calls one after the other on one connection, each answered once: or the daemon hangs up."""
        n = self.r.randrange(1, 6)
        with self.open() as s:
            for i in range(n):
                method, frame, more, oneway = self.call()
                s.sendall(frame)
                if oneway or more:  # an end without looking
                    return i + 1
                frames = self.answers(s, 1)
                for f in frames[:1]:
                    self.judge(method, f)
                if not frames or self.stranger:
                    return i + 1
        return n

    def several(self):
        """Many calls in one piece, then the end of sending: as many answers as calls, or a refusal that ends it."""
        calls = [self.call() for _ in range(self.r.randrange(2, 40))]
        calls = [c for c in calls if not c[2] and not c[3]]
        with self.open() as s:
            s.sendall(b"".join(c[1] for c in calls))
            s.shutdown(socket.SHUT_WR)
            frames = self.answers(s)
        for (method, _, _, _), frame in zip(calls, frames):
            self.judge(method, frame)
        refused = self.stranger or (frames and b'"io.bkmon.Invalid"' in frames[-1]) or (frames and b'"io.bkmon.Busy"' in frames[0])
        if len(frames) != len(calls) and not refused:
            self.bad.append(f"{len(frames)} answers to {len(calls)} calls")
        return max(1, len(calls))

    def bytes(self, data):
        with self.open() as s:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            for frame in self.answers(s):
                self.judge(None, frame)
        return 1

    def raw(self):
        return self.bytes(self.r.choice(RAW))

    def random(self):
        return self.bytes(self.r.randbytes(self.r.choice((1, 7, 300, 20000))) + self.r.choice((b"", b"\0")))

    def flipped(self):
        frame = bytearray(self.call()[1])
        for _ in range(self.r.randrange(1, 4)):
            frame[self.r.randrange(len(frame))] ^= 1 << self.r.randrange(8)
        return self.bytes(bytes(frame))

    def cut(self):
        frame = self.call()[1]
        part = frame[:self.r.randrange(len(frame))]
        if self.r.random() < 0.5:
            return self.bytes(part)
        with self.open() as s:
            s.sendall(part)
        return 1

    def deep(self):
        n = self.r.choice((31, 33, 1000, 100000))
        opening, closing = self.r.choice((("[", "]"), ('{"a":', "}")))
        return self.bytes(('{"method":"io.bkmon.Targets.Status","parameters":{"x":' + opening * n + "1" + closing * n + "}}\0").encode())

    def descriptors(self):
        with self.open() as s:
            data = self.call()[1]
            s.sendmsg([data[:self.r.randrange(1, len(data) + 1)]], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0] * self.r.choice((1, 2, 253))))])
            self.answers(s)
        return 1

    def unread(self):
        frames = [self.call()[1] for _ in range(60)]
        with self.open() as s:
            s.settimeout(1)
            try:
                s.sendall(b"".join(frames))
            except TimeoutError:
                pass
        return len(frames)

    def kept_open(self):
        """Half a frame that nobody ends: the daemon does, five seconds later."""
        s = self.open()
        s.sendall(b'{"method":"io.bkmon')
        self.kept.append(s)
        if len(self.kept) > 3:
            self.kept.pop(0).close()
        return 1

    def large(self):
        return self.bytes(self.r.choice((b"x", b"[", b'{"a":', b'"')) * (3 << 18) + b"\0")


def main():
    order = json.loads(sys.stdin.read())
    noise = Noise(order)
    began = time.monotonic()
    noise.run(order["frames"])
    print(json.dumps({"sent": noise.sent, "bad": noise.bad[:20], "seconds": time.monotonic() - began}))


if __name__ == "__main__":
    main()

"""Stands between bkmond and a mail server of the tests and keeps every byte that bkmond sent, as it was on the wire."""
import re
import socket
import struct
import threading

HARMLESS = re.compile(rb"(?:(?:EHLO|HELO) [A-Za-z0-9.\[\]:-]+\r\n|RSET\r\n|NOOP\r\n|QUIT\r\n)*")
TLS_RECORDS = range(20, 24)  # change of cipher, alert, handshake, data


def in_clear(data, implicit=False):
    """What of it says more than a greeting before it is encrypted: empty when nothing. RFC 8446, 5.1: type, version 3.x, length."""
    if not implicit:
        data = data[HARMLESS.match(data).end():]
        if not data or b"STARTTLS\r\n".startswith(data):
            return b""
        if not data.startswith(b"STARTTLS\r\n"):
            return data
        data = data[len(b"STARTTLS\r\n"):]
    while data:
        if data[0] not in TLS_RECORDS or data[1:2] not in (b"", b"\3"):
            return data
        data = data[5 + int.from_bytes(data[3:5], "big"):] if len(data) >= 5 else b""
    return b""


class WireTap:
    def __init__(self, case, peer):
        self.peer, self.sent, self.open = peer, [], []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()
        case.addCleanup(self.close)

    def close(self):
        for s in (self.listener, *self.open):
            s.close()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.open.append(client)
            said = bytearray()
            self.sent.append(said)
            try:
                server = socket.create_connection(("127.0.0.1", self.peer.port))
            except OSError:
                self.reset(client)
                continue
            self.open.append(server)
            threading.Thread(target=self.pass_on, args=(client, server, said), daemon=True).start()
            threading.Thread(target=self.pass_on, args=(server, client, None), daemon=True).start()

    def pass_on(self, source, target, said):
        try:
            while data := source.recv(65536):
                if said is not None:
                    said += data
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            self.reset(target)
            self.reset(source)

    @staticmethod
    def reset(s):
        try:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.shutdown(socket.SHUT_RDWR)
            s.close()
        except OSError:
            pass

    def leaks(self):
        """[what one connection said in clear]"""
        return [bad for bad in (in_clear(bytes(s), self.peer.tls == "smtps") for s in list(self.sent)) if bad]

"""Stands before the servers of a bed, at addresses of its own on the bed's port, and counts who comes: every connection, also one over which nothing is ever said."""
import contextlib
import socket
import threading


class Relay:
    """One address before one server. `lines`: for each connection that was made, the bytes that came over it, as they come."""

    def __init__(self, case, server, port, address="127.0.0.1", own_port=None):
        self.to, self.lines, self.ends = (server.address, port), [], []
        self.listener = socket.create_server((address, port if own_port is None else own_port))
        self.address, self.port = self.listener.getsockname()
        case.addCleanup(self.close)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                said = bytearray()
                self.lines.append(said)
                self.ends.append(client)
                threading.Thread(target=self.forward, args=(client, said), daemon=True).start()

    def forward(self, client, said):
        """The server is asked for once there is something to say."""
        with contextlib.suppress(OSError):
            first = client.recv(65536)
            if first:
                said += first
                with socket.create_connection(self.to) as server:
                    server.sendall(first)
                    back = threading.Thread(target=self.copy, args=(server, client, None), daemon=True)
                    back.start()
                    self.copy(client, server, said)
                    back.join()
        client.close()

    @staticmethod
    def copy(source, target, said):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if said is not None:
                    said += data
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def cut(self, reset=False):
        """Ends every connection from this side."""
        for end in self.ends:
            with contextlib.suppress(OSError):
                if reset:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                end.shutdown(socket.SHUT_RDWR)

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.cut()

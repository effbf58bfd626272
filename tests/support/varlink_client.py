#!/usr/bin/python3
"""A Varlink client written from the specification alone (https://varlink.org), to prove that bkmond speaks it and not only to itself.

As a program: varlink_client.py SOCKET METHOD [PARAMETERS] [--more] prints one reply a line; exit status 1 for an error reply."""
import json
import socket
import sys


class VarlinkError(Exception):
    def __init__(self, name, parameters):
        super().__init__(f"{name} {json.dumps(parameters)}")
        self.name, self.parameters = name, parameters


class Client:
    def __init__(self, path, timeout=20):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        try:
            self.socket.connect(str(path))
        except OSError:
            self.socket.close()
            raise
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, method, parameters=None, **flags):
        self.socket.sendall(json.dumps({"method": method, "parameters": parameters or {}, **flags}).encode() + b"\0")

    def receive(self):
        """The next reply as (parameters, continues). EOFError when the service hung up."""
        while b"\0" not in self.rest:
            got = self.socket.recv(65536)
            if not got:
                raise EOFError(f"hung up after {len(self.rest)} bytes of a reply")
            self.rest += got
        frame, self.rest = self.rest.split(b"\0", 1)
        reply = json.loads(frame.decode("utf-8"))
        unknown = set(reply) - {"parameters", "continues", "error"}
        if unknown:
            raise ValueError(f"a reply has no member {unknown}")
        if "error" in reply:
            raise VarlinkError(reply["error"], reply.get("parameters", {}))
        return reply.get("parameters", {}), reply.get("continues", False)

    def call(self, method, **parameters):
        self.send(method, parameters)
        answer, continues = self.receive()
        if continues:
            raise ValueError("several replies to a call without more")
        return answer

    def stream(self, method, **parameters):
        """Each reply of a call with more, until the last one."""
        self.send(method, parameters, more=True)
        continues = True
        while continues:
            answer, continues = self.receive()
            yield answer


def main(arguments):
    more = "--more" in arguments
    path, method, *rest = [a for a in arguments if a != "--more"]
    parameters = json.loads(rest[0]) if rest else {}
    with Client(path) as client:
        try:
            replies = client.stream(method, **parameters) if more else [client.call(method, **parameters)]
            for reply in replies:
                print(json.dumps(reply), flush=True)
        except VarlinkError as e:
            print(e, flush=True)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

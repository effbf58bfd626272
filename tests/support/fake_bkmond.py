"""A bkmond that answers as told: for what bkmonctl makes of its replies."""
import json
import os
import socketserver
import threading


class FakeBkmond:
    """Listens on a Unix socket. replies: by method, a list of parameters (pages of a stream) or a function of the call's parameters to it."""

    def __init__(self, path, replies):
        self.path, self.replies, self.calls = str(path), replies, []
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                data = b""
                while chunk := self.request.recv(65536):
                    data += chunk
                    while b"\0" in data:
                        frame, data = data.split(b"\0", 1)
                        outer.answer(json.loads(frame), self.wfile)

        class Server(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True

        self.server = Server(self.path, Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def answer(self, call, out):
        self.calls.append(call)
        pages = self.replies[call["method"]]
        pages = pages(call.get("parameters", {})) if callable(pages) else pages
        for i, page in enumerate(pages):
            out.write(json.dumps({"parameters": page, **({"continues": True} if i + 1 < len(pages) else {})}).encode() + b"\0")

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
        os.unlink(self.path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

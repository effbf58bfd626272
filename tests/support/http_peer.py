"""A web server for tests, in a thread of the test: what it is asked for is kept, what it answers is set.

    peer = HttpPeer(self).start(); peer.url; peer.ca_file; peer.status = 503; peer.requests   # [(method, path)]

As a program, for tests that are not Python: `http_peer.py JSON-OF-OPTIONS` prints "PORT CA-FILE", then "METHOD PATH" for each request, until its
input ends."""
import http.server
import json
import pathlib
import ssl
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from smtp_peer import certificates  # noqa: E402


class HttpPeer:
    def __init__(self, case=None, tls=False, certificate="good", status=200, headers=None, body="OK", wait=0):
        """headers: more of them. body: a text, or the number of bytes that are sent. wait: seconds before the answer."""
        self.case, self.tls, self.certificate, self.status, self.headers, self.wait = case, tls, certificate, status, headers or {}, wait
        self.body = body.encode() if isinstance(body, str) else b"x" * body
        self.requests, self.ca_file, self.on_request = [], "", None

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def start(self):
        peer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                peer.requests.append((self.command, self.path))
                if peer.on_request:
                    peer.on_request(f"{self.command} {self.path} {self.client_address[1]}")
                time.sleep(peer.wait)
                self.send_response(peer.status)
                for name, value in {"Content-Length": str(len(peer.body)), **peer.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(peer.body)

            do_POST = do_HEAD = do_GET

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):  # connections that were cut are what is asked for
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        if self.tls:
            self.ca_file = certificates().ca_file
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificates().file(self.certificate))
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()
        if self.case:
            self.case.addCleanup(self.stop)
        return self

    def stop(self):
        if self.thread.is_alive():
            self.server.shutdown()
            self.server.server_close()
            self.thread.join(10)


if __name__ == "__main__":
    web = HttpPeer(**json.loads(sys.argv[1]))
    web.on_request = lambda line: print(line, flush=True)
    web.start()
    print(web.port, web.ca_file or "-", flush=True)
    sys.stdin.read()
    web.stop()

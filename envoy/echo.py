"""The upstream of `make run` and of docker-compose.yml: answers every request with what it received.

    python3 envoy/echo.py [PORT]        (0: any free port; the first line printed says which)

What a firewall let through can be read in the answer: the method, the path as it came, the headers, the
body as text and its length in bytes.
"""

import http.server
import json
import signal
import sys


class Echo(http.server.BaseHTTPRequestHandler):
    """One connection, kept alive."""

    protocol_version = "HTTP/1.1"
    server_version = "echo"
    sys_version = ""
    # A client that stops half way through a body does not hold a thread for ever.
    timeout = 60

    def body(self):
        """Reads the body, chunked (RFC 9112, section 7.1) or of a known length."""
        if "chunked" not in self.headers.get("transfer-encoding", "").lower():
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(parts)

    def answer(self):
        try:
            body = self.body()
        except ValueError:
            self.close_connection = True
            return
        headers = {}
        for name, value in self.headers.items():
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        received = {
            "method": self.command,
            # Not self.path: the library folds leading slashes.
            "path": self.requestline.split(" ")[1],
            "headers": headers,
            "body": body.decode("utf-8", "replace"),
            "length": len(body),
        }
        text = (json.dumps(received, indent=2) + "\n").encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    def __getattr__(self, name):
        # The library asks for do_GET, do_POST and so on: every method has the same answer.
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def log_message(self, *_):
        """Envoy's access log is the one to read."""


class Server(http.server.ThreadingHTTPServer):
    """One thread a connection; none of them outlives the program."""

    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that goes away is no event."""


def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        server = Server(("127.0.0.1", port), Echo)
    except OSError as error:
        sys.exit(f"echo.py: port {port}: {error.strerror}")
    print(server.server_address[1], flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


main()

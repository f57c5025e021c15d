"""A tunnel that speaks TLS and hands on what it decrypts, byte for byte; and a site that serves the pages it is given."""

import http.server
import socket
import socketserver
import ssl
import subprocess
import threading
from pathlib import Path


def certificate(folder: Path, names: list[str]) -> ssl.SSLContext:
    """A certificate of its own for these names, which no browser knows."""
    key, chain = folder / "key.pem", folder / "chain.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    alternatives = "subjectAltName=" + ",".join(f"DNS:{name}" for name in names)
    command += ["-keyout", str(key), "-out", str(chain), "-days", "2", "-subj", "/CN=tests", "-addext", alternatives]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    return context


class Threaded(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, handler):
        super().__init__(("127.0.0.1", 0), handler)
        self.port = self.server_address[1]
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)
        self.thread.start()

    def handle_error(self, request, client_address):
        """A browser that hangs up is no error."""

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        self.thread.join()


def tunnel(context: ssl.SSLContext, port: int) -> Threaded:
    """Decrypts for the server that listens at `port`."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            with context.wrap_socket(self.request, server_side=True) as outer:
                with socket.create_connection(("127.0.0.1", port)) as inner:
                    back = threading.Thread(target=pump, args=(inner, outer), daemon=True)
                    back.start()
                    pump(outer, inner)
                    back.join()

    return Threaded(Handler)


def pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        # Either end hung up; the other is to know.
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Pages:
    """Another site: a map from paths to HTML, over TLS if there is a context. It keeps the headers it was sent."""

    def __init__(self, context: ssl.SSLContext | None = None):
        self.pages: dict[str, str] = {}
        self.headers: list[tuple[str, str]] = []
        pages = self.pages

        class Handler(http.server.BaseHTTPRequestHandler):
            def setup(self):
                if context is not None:
                    self.request = context.wrap_socket(self.request, server_side=True)
                super().setup()

            def do_GET(self):
                body = pages.get(self.path, "").encode()
                self.send_response(200 if body else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                """Nobody reads it."""

        self.server = Threaded(Handler)
        self.port = self.server.port

    def stop(self) -> None:
        self.server.stop()

"""A real receiver on this machine that misbehaves as its paths say, and listeners that nobody must reach."""

import contextlib
import socket
import ssl
import struct
import threading
import time
from pathlib import Path

CERTIFICATES = Path(__file__).parent / "certificates"
AUTHORITY = CERTIFICATES / "authority.pem"
PATIENCE = 60
BIG = 50_000_000


class Listener:
    """Counts who connects, and says nothing."""

    def __init__(self, host="127.0.0.1", port=0):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.create_server((host, port), family=family)
        self.port = self.socket.getsockname()[1]
        self.connections = 0
        self.open = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for client in self.open:
            client.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            self.open.append(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        pass


class Receiver(Listener):
    """Speaks HTTP: `/status/<n>` answers so; other paths are the methods below. `requests` are what arrived whole."""

    def __init__(self, *, tls=False, redirect_to="", retry_after="", **options):
        self.context = None
        if tls:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(CERTIFICATES / "receiver.pem")
            self.context.sni_callback = lambda _, name, __: self.names.append(name)
        self.redirect_to, self.retry_after = redirect_to, retry_after
        self.requests, self.names, self.sent = [], [], 0
        self.closing = threading.Event()
        super().__init__(**options)

    def __exit__(self, *details):
        self.closing.set()
        super().__exit__(*details)

    def _serve(self, client):
        with contextlib.suppress(OSError):
            client.settimeout(PATIENCE)
            if self.context:
                client = self.context.wrap_socket(client, server_side=True)
                self.open.append(client)
            while request := self._read(client):
                self.requests.append(request)
                kind, _, rest = request["path"].strip("/").partition("/")
                getattr(self, kind)(client, rest)

    def _read(self, client):
        data = b""
        while b"\r\n\r\n" not in data:
            part = client.recv(65536)
            if not part:
                return None
            data += part
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        while len(body) < int(headers.get("content-length", 0)):
            body += client.recv(65536)
        return {"path": first.split()[1], "headers": headers, "body": body, "at": time.monotonic()}

    def status(self, client, number, extra="", body=b"ok"):
        extra += f"Retry-After: {self.retry_after}\r\n" if self.retry_after else ""
        length = "" if number in ("204", "304") else f"Content-Length: {len(body)}\r\n"
        client.sendall(f"HTTP/1.1 {number} Some Words\r\n{extra}{length}\r\n".encode() + (body if length else b""))

    def redirect(self, client, number):
        self.status(client, number, f"Location: {self.redirect_to}\r\nSet-Cookie: a=b\r\n", b"")

    def hang(self, client, _):
        self.closing.wait(PATIENCE)

    def reset(self, client, _):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        raise OSError

    def close(self, client, _):
        client.close()
        raise OSError

    def big(self, client, number):
        client.sendall(f"HTTP/1.1 {number} OK\r\nContent-Length: {BIG}\r\n\r\n".encode())
        self._pour(client, b"x" * 65536, BIG)

    def endless(self, client, number):
        client.sendall(f"HTTP/1.1 {number} OK\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        self._pour(client, b"1000\r\n" + b"x" * 0x1000 + b"\r\n", BIG)

    def long_header(self, client, _):
        client.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
        self._pour(client, b"x" * 65536, BIG)

    def drip(self, client, _):
        for letter in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 1000:
            client.sendall(bytes([letter]))
            self.closing.wait(0.05)

    def drip_body(self, client, number):
        client.sendall(f"HTTP/1.1 {number} OK\r\nContent-Length: 1000\r\n\r\n".encode())
        for _ in range(1000):
            client.sendall(b"x")
            self.closing.wait(0.05)

    def garbage(self, client, _):
        client.sendall(b"220 mail.example.org ESMTP\r\n" * 3)
        client.close()
        raise OSError

    def _pour(self, client, block, size):
        while self.sent < size and not self.closing.is_set():
            client.sendall(block)
            self.sent += len(block)

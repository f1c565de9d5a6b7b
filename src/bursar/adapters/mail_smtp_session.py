"""One SMTP connection: no step outlives its deadline, and a mail is written whole before its end is."""

import re
import smtplib
import socket
import ssl
import struct
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from django.conf import settings
from django.core.mail import DNS_NAME

READ_BYTES: Final = 8192
WRITE_BYTES: Final = 16384
QUIT_SECONDS: Final = 2.0
POSITIVE: Final = 2
GO_AHEAD: Final = 354
CLOSING: Final = 421
END: Final = b".\r\n"
NO_LINGER: Final = struct.pack("ii", 1, 0)
LINE_BREAK: Final = re.compile(rb"\r\n|\r|\n")
DOT_AT_START: Final = re.compile(rb"(?m)^\.")


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server; `security` is "", "starttls" or "implicit". With a certificate of our own, if it asks for one."""

    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)
    security: str = ""
    certificate: str | None = None
    key: str | None = None


def server_of_settings() -> Server:
    """Return the server that Django's settings name: EMAIL_HOST, EMAIL_PORT, EMAIL_HOST_USER and so on."""
    security = "implicit" if settings.EMAIL_USE_SSL else "starttls" if settings.EMAIL_USE_TLS else ""
    return Server(
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD,
        security, settings.EMAIL_SSL_CERTFILE, settings.EMAIL_SSL_KEYFILE,
    )  # fmt: skip


class Deadline:
    """A moment so many seconds from now."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def is_over(self) -> bool:
        """Whether that moment has passed."""
        return time.monotonic() >= self._end

    def left(self) -> float:
        """Return the seconds that are left; raises TimeoutError if there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("The mail server took too long.")
        return left


class Session(smtplib.SMTP):
    """A connection that has greeted, encrypted and logged in, as far as the settings of its server ask for it.

    Everything is over by `deadline`, which the caller sets anew before each use, even where the server sends a byte a
    second: smtplib's own timeout would begin again with each byte. What fails raises OSError (smtplib's errors are).
    """

    def __init__(self, server: Server, deadline: Deadline) -> None:
        self.server = server
        self.deadline = deadline
        super().__init__(server.host, server.port, local_hostname=DNS_NAME.get_fqdn())
        try:
            self._enter()
        except BaseException:
            self.close()
            raise

    def write(self, sender: str, recipient: str, content: bytes, options: tuple[str, ...]) -> None:
        """Hand a mail over but for its end.

        Raises smtplib's errors: the server will not take it. Where `is_open` says so, it may take the next one.
        """
        whole = _in_dots(content)
        size = (f"SIZE={len(whole)}",) if self.has_extn("size") else ()
        try:
            self._begin(sender, recipient, (*size, *options))
        except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused):
            self._start_over()
            raise
        self.send(whole)
        if self.replies.is_waiting():  # too early: whatever it says, it will not take the mail
            code, words = self.getreply()
            self.abort()
            raise smtplib.SMTPDataError(code, words)

    def end(self) -> None:
        """Write the end of the mail, from which on it may have left; if this raises, it has not."""
        if self.replies.is_waiting():
            raise smtplib.SMTPServerDisconnected("The server did not wait for the end.")
        self.send(END)

    def abort(self) -> None:
        """Break off at once, such that the server drops the mail that was not ended."""
        if self.sock is not None:
            with suppress(OSError):
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        self.close()

    def leave(self) -> None:
        """Say goodbye and close, whether the server answers or not."""
        self.deadline = Deadline(QUIT_SECONDS)
        with suppress(OSError):
            self.quit()
        self.close()

    @property
    def is_open(self) -> bool:
        """Whether the connection stands, as far as is known here."""
        return self.sock is not None

    @property
    def replies(self) -> "Replies":
        """What the server says."""
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("There is no connection.")
        if self.file is None:  # also after STARTTLS, where what was said in the clear does not count
            self.file = Replies(self)
        replies: Replies = self.file
        return replies

    def getreply(self) -> tuple[int, bytes]:
        """Read a reply by the deadline."""
        self.replies  # noqa: B018  smtplib would read from the socket without one
        reply = super().getreply()
        if self.sock is not None and not self.deadline.is_over:
            self.sock.settimeout(self.deadline.left())  # for the handshake that may be next
        return reply

    def send(self, s: Any) -> None:
        """Write text or bytes by the deadline."""
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("There is no connection.")
        left = memoryview(s.encode(self.command_encoding) if isinstance(s, str) else s)
        try:
            while left:
                self.sock.settimeout(self.deadline.left())
                left = left[self.sock.send(left[:WRITE_BYTES]) :]
        except OSError as error:
            self.close()
            raise smtplib.SMTPServerDisconnected("The connection broke.") from error

    def _enter(self) -> None:
        self.ehlo_or_helo_if_needed()
        if self.server.security == "starttls":
            self.starttls(context=_tls(self.server))
            self.ehlo_or_helo_if_needed()
        if self.server.user:
            self.login(self.server.user, self.server.password)

    def _begin(self, sender: str, recipient: str, options: tuple[str, ...]) -> None:
        code, words = self.mail(sender, options)
        if code // 100 != POSITIVE:
            raise smtplib.SMTPSenderRefused(code, words, sender)
        code, words = self.rcpt(recipient)
        if code // 100 != POSITIVE:
            raise smtplib.SMTPRecipientsRefused({recipient: (code, words)})
        code, words = self.docmd("DATA")
        if code != GO_AHEAD:
            raise smtplib.SMTPDataError(code, words)

    def _start_over(self) -> None:
        """Make the session ready for the next mail after one was refused, or close it."""
        try:
            code, _ = self.rset()
        except OSError:
            code = CLOSING
        if code // 100 != POSITIVE:
            self.abort()

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # noqa: ARG002  there is a deadline
        """Return a connection to the first address of the host that answers; smtplib calls this."""
        sock = _connected(host, port, self.deadline)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # the end of a mail must not wait for company
        if self.server.security == "implicit":
            sock.settimeout(self.deadline.left())
            return _tls(self.server).wrap_socket(sock, server_hostname=host)
        return sock


class _Open(Protocol):
    sock: Any
    deadline: Deadline


class Replies:
    """What a server says, line by line; smtplib takes it for the file that it reads from."""

    def __init__(self, session: _Open) -> None:
        self._session = session
        self._said = b""

    def readline(self, limit: int) -> bytes:
        """Return the next line, of at most `limit` bytes; b"" when the server has hung up."""
        while b"\n" not in self._said and len(self._said) < limit:
            self._session.sock.settimeout(self._session.deadline.left())
            more = self._session.sock.recv(READ_BYTES)
            if not more:
                break
            self._said += more
        end = min(self._said.find(b"\n") + 1 or limit, limit)
        line, self._said = self._said[:end], self._said[end:]
        return line

    def is_waiting(self) -> bool:
        """Tell whether the server has said something that was not read yet, or has hung up."""
        if self._said:
            return True
        self._session.sock.settimeout(0)
        try:
            self._said = self._session.sock.recv(READ_BYTES)
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except OSError:
            return True
        return True

    def close(self) -> None:
        """Do nothing: the socket is the session's."""


def _connected(host: str, port: int, deadline: Deadline) -> socket.socket:
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    fault: OSError | None = None
    for tried, (*_, (name, number, *_)) in enumerate(addresses):
        try:
            return socket.create_connection((str(name), int(number)), deadline.left() / (len(addresses) - tried))
        except OSError as error:
            fault = error
    raise fault or OSError("The mail server has no address.")


def _tls(server: Server) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if server.certificate:
        context.load_cert_chain(server.certificate, server.key)
    return context


def _in_dots(content: bytes) -> bytes:
    """Return a mail as it is written between DATA and its end: one kind of line break, no line that could be the end."""
    lines = DOT_AT_START.sub(b"..", LINE_BREAK.sub(b"\r\n", content))
    return lines if lines.endswith(b"\r\n") else lines + b"\r\n"

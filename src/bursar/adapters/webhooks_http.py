"""The webhook port over HTTP: each name is resolved once, its addresses judged, and the very one that passed is dialled.

No redirect, cookie, proxy or compression is understood here: the layer below httpx has none of them.
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from ipaddress import ip_address
from typing import Any, Final
from uuid import UUID

import httpcore
import httpx

from bursar.kernel.conf import setting
from bursar.ports.webhooks import Answer, Call
from bursar.webhooks.egress import Address, ForbiddenTargetError, Rules, Target, check_address, read_target

READ_AT_MOST: Final = 65_536
AGENT: Final = f"Bursar/{version('bursar')}"


class UnresolvedError(Exception):
    """A name has no address now."""


class TlsFailedError(Exception):
    """The receiver cannot prove to be who it was asked for, or speaks no TLS."""


class EnoughError(Exception):
    """An answer is longer than anybody reads here."""


FAULTS: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (UnresolvedError, "unresolved"),
    (TlsFailedError, "tls_failed"),
    (httpcore.TimeoutException, "timeout"),
    (httpcore.ConnectError, "unreachable"),
)


class HttpWebhooks:
    """Posts over one connection for all of a call, as far as receivers keep it open."""

    def __init__(self) -> None:
        self.tls = httpx.create_ssl_context()

    def post_many(self, calls: Iterable[Call], *, intent: Callable[[UUID], bool]) -> Iterator[Answer]:
        """Post as the port promises."""
        rules = Rules.of(setting("webhook_tcp_ports"), setting("webhook_allow"))
        limit = Limit()
        with httpcore.ConnectionPool(
            ssl_context=self.tls, network_backend=Pinned(rules, limit), keepalive_expiry=5
        ) as pool:
            for call in calls:
                answer = _post(pool, call, rules, limit, intent)
                if answer is not None:
                    yield answer


def _post(
    pool: httpcore.ConnectionPool, call: Call, rules: Rules, limit: "Limit", intent: Callable[[UUID], bool]
) -> Answer | None:
    """Return what came of one request, or None if it was not meant to leave."""
    try:
        target = read_target(call.url, rules)
    except ForbiddenTargetError as error:
        return Answer(call.message, None, error.code)
    if not intent(call.message):
        return None
    limit.begin(setting("webhook_timeout").total_seconds())
    try:
        return _exchange(pool, call, target)
    except ForbiddenTargetError as error:
        return Answer(call.message, None, error.code)
    except Exception as error:  # noqa: BLE001  whatever a receiver does is this request's outcome
        return Answer(call.message, None, _fault(error))


def _exchange(pool: httpcore.ConnectionPool, call: Call, target: Target) -> Answer:
    url = httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
    fixed = {"User-Agent": AGENT, "Accept-Encoding": "identity", "Content-Type": "application/json"}
    headers = list({**fixed, **call.headers}.items())
    wait = {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), setting("webhook_timeout").total_seconds())}
    with pool.stream("POST", url, headers=headers, content=call.body, extensions=wait) as response:
        told = {name.lower(): value for name, value in response.headers}
        answer = Answer(call.message, response.status, retry_after=told.get(b"retry-after", b"").decode("latin-1"))
        _read_away(response)
    return answer


def _read_away(response: httpcore.Response) -> None:
    """Read a short answer to its end, so that its connection serves again; the status is known whatever comes now."""
    try:
        for _ in response.iter_stream():
            pass
    except (EnoughError, httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError):
        return


def _fault(error: BaseException) -> str:
    return next((word for kind, word in FAULTS if isinstance(error, kind)), "broken_answer")


class Limit:
    """How long one request may take in all, and how much is read of its answer."""

    def __init__(self) -> None:
        self.ends = 0.0
        self.unread = 0

    def begin(self, seconds: float) -> None:
        """Begin a request."""
        self.ends = time.monotonic() + seconds
        self.unread = READ_AT_MOST

    def left(self) -> float:
        """Return the seconds left; raises httpcore's ConnectTimeout when there are none."""
        seconds = self.ends - time.monotonic()
        if seconds <= 0:
            raise httpcore.ConnectTimeout("time is up")
        return seconds


class Pinned(httpcore.NetworkBackend):
    """Opens connections to addresses that may be dialled, and to no other."""

    def __init__(self, rules: Rules, limit: Limit) -> None:
        self.rules, self.limit = rules, limit
        self.plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002  the limit of the whole request is what counts
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of `host` that answers; every one of them must be permitted."""
        addresses = resolve(host, port, self.limit.left())
        for address in addresses:
            check_address(address, host, self.rules)
        fault: Exception = UnresolvedError()
        for address in addresses:
            try:
                stream = self.plain.connect_tcp(str(address), port, self.limit.left(), local_address, socket_options)
                return Limited(stream, self.limit)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                fault = error
        raise fault


class Limited(httpcore.NetworkStream):
    """A connection on which no request lasts, and no answer is read, beyond the limit."""

    def __init__(self, stream: httpcore.NetworkStream, limit: Limit) -> None:
        self.stream, self.limit = stream, limit

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002  as above
        """Read what there is; raises `EnoughError` once the answer is too long."""
        if self.limit.unread <= 0:
            raise EnoughError
        data = self.stream.read(min(max_bytes, self.limit.unread), self.limit.left())
        self.limit.unread -= len(data)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002  as above
        """Write."""
        self.stream.write(buffer, self.limit.left())

    def close(self) -> None:
        """Close."""
        self.stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002  as above
    ) -> httpcore.NetworkStream:
        """Return the same connection encrypted, for the name that was asked for."""
        try:
            return Limited(self.stream.start_tls(ssl_context, server_hostname, self.limit.left()), self.limit)
        except httpcore.ConnectError as error:
            raise TlsFailedError from error

    def get_extra_info(self, info: str) -> Any:
        """Tell what is known of the connection."""
        return self.stream.get_extra_info(info)


def resolve(host: str, port: int, seconds: float) -> list[Address]:
    """Return the addresses of a name, once; raises `UnresolvedError` for none, httpcore's ConnectTimeout if that takes longer."""
    found: list[Address] = []
    failed = threading.Event()

    def ask() -> None:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.extend(dict.fromkeys(ip_address(str(answer[4][0]).partition("%")[0]) for answer in answers))
        except (OSError, ValueError, UnicodeError):
            failed.set()

    asking = threading.Thread(target=ask, daemon=True)  # the resolver has no time limit of its own
    asking.start()
    asking.join(seconds)
    if asking.is_alive():
        raise httpcore.ConnectTimeout("the name was not resolved in time")
    if failed.is_set() or not found:
        raise UnresolvedError
    return found

"""One way to the service: keys for what moves money, patience where the service asks for it, problems as exceptions."""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, Self
from uuid import uuid4

import httpx

from bursar.client.errors import Unreachable, Unreadable, problem_of

RETRIED: Final = frozenset({429, 503})
SAFE: Final = frozenset({"GET", "HEAD"})
FIRST_FAILURE: Final = 400
FIRST_PAUSE_SECONDS: Final = 0.5
KEY: Final = "Idempotency-Key"
AGENT: Final = "bursar-client/1"


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a call is made at most, and how long it waits between two tries at most, in seconds."""

    attempts: int = 5
    longest_pause: float = 60.0


class Upload:
    """A file as the body of a request: read piece by piece, from where it stands, again when the request is repeated."""

    def __init__(self, file: BinaryIO, content_type: str) -> None:
        if not file.seekable():
            raise ValueError("a file to upload must be seekable: its length goes before it")
        self.content_type = content_type
        self._file = file
        self._start = file.tell()
        self._length = file.seek(0, 2) - self._start

    def content(self) -> BinaryIO:
        """Return the file, at its beginning."""
        self._file.seek(self._start)
        return self._file

    @property
    def headers(self) -> dict[str, str]:
        """What is to be said of it."""
        return {"Content-Type": self.content_type, "Content-Length": str(self._length)}


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer: its JSON (None where there is none), and its version where it has one."""

    body: Any
    etag: str = ""
    replayed: bool = False


class Connection:
    """Calls one service as one caller. `sleep` is what waits between tries."""

    def __init__(
        self, http: httpx.Client, *, patience: Patience | None = None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._http = http
        self._patience = patience or Patience()
        self._sleep = sleep

    @classmethod
    def to(cls, base_url: str, token: str, *, patience: Patience | None = None, **options: Any) -> Self:
        """Return a connection to the service at `base_url` by an API token; `options` as httpx.Client takes them."""
        headers = {"Authorization": f"Bearer {token}", "User-Agent": AGENT}
        return cls(httpx.Client(base_url=f"{base_url.rstrip('/')}/v1/", headers=headers, **options), patience=patience)

    def close(self) -> None:
        """Close what is open."""
        self._http.close()

    def new_key(self) -> str:
        """Return a key that no other call has."""
        return str(uuid4())

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self._sleep(seconds)

    def get(self, path: str, /, **query: Any) -> Answer:
        """Read."""
        return self.call("GET", path, query=query)

    def post(self, path: str, body: Any = None, *, key: str | None = None) -> Answer:
        """Do something that moves no money, or with a `key` something that is done once."""
        return self.call("POST", path, body=body, key=key)

    def pay(self, path: str, body: Any = None, *, key: str | None = None) -> Answer:
        """Do something that moves money, once: under `key`, or one made for this call."""
        return self.call("POST", path, body=body, key=key or self.new_key())

    def patch(self, path: str, changes: Mapping[str, Any], *, etag: str | None) -> Answer:
        """Edit the version `etag`; None edits the one that is there now."""
        version = etag or self.get(path).etag
        return self.call("PATCH", path, body=changes, headers={"If-Match": version})

    def delete(self, path: str) -> Answer:
        """Remove."""
        return self.call("DELETE", path)

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Make one request, again where that is safe and may help; raises `Problem`, `Unreachable`, `Unreadable`.

        What was refused as too much or too busy was not done, and is asked again after the pause that the answer names.
        A lost connection is tried again only for what reads, or is done once for its key.
        """
        named = {**(headers or {}), **({KEY: key} if key else {})}
        last = self._patience.attempts
        for attempt in range(1, last + 1):
            try:
                response = self._http.request(method, path, params=_plain(query), **_content(body, named))
            except httpx.TransportError as error:
                if attempt == last or not (key or method in SAFE):
                    raise Unreachable(f"no answer from the service: {type(error).__name__}") from error
                self._pause(attempt, "")
                continue
            if response.status_code not in RETRIED or attempt == last:
                return _read(response)
            self._pause(attempt, response.headers.get("Retry-After", ""))
        raise AssertionError("unreachable: the loop returns or raises")

    @contextmanager
    def stream(self, path: str) -> Iterator[httpx.Response]:
        """Open an answer that is too long to be held; raises as `call`, which is not repeated here."""
        try:
            with self._http.stream("GET", path) as response:
                if response.status_code >= FIRST_FAILURE:
                    response.read()
                    raise problem_of(response.status_code, _json(response))
                yield response
        except httpx.TransportError as error:
            raise Unreachable(f"no answer from the service: {type(error).__name__}") from error

    def _pause(self, attempt: int, asked: str) -> None:
        wanted = float(asked) if asked.isdecimal() else FIRST_PAUSE_SECONDS * 2 ** (attempt - 1)
        self._sleep(min(wanted, self._patience.longest_pause) * random.uniform(1.0, 1.25))


def _plain(query: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the parameters that were given, as the service reads them."""
    return {name: _word(value) for name, value in (query or {}).items() if value is not None}


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)


def _content(body: Any, headers: Mapping[str, str]) -> dict[str, Any]:
    if isinstance(body, Upload):
        return {"content": body.content(), "headers": {**headers, **body.headers}}
    return {"headers": dict(headers)} if body is None else {"json": body, "headers": dict(headers)}


def _read(response: httpx.Response) -> Answer:
    body = _json(response)
    if response.status_code >= FIRST_FAILURE:
        raise problem_of(response.status_code, body)
    if body is None and response.content:
        raise Unreadable(f"{response.status_code} without JSON")
    replayed = response.headers.get("Idempotent-Replayed") == "true"
    return Answer(body, response.headers.get("ETag", ""), replayed)


def _json(response: httpx.Response) -> Any:
    try:
        return response.json() if response.content else None
    except ValueError:
        return None

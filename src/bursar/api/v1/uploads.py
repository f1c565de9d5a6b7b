"""Files of people in the body of a request, read as a stream: never more of it in memory than the limits allow."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader, RawIOBase
from typing import Any, Final

from django.http import HttpRequest

from bursar.api.v1.errors import LengthRequired, TooLarge, UnsupportedMedia
from bursar.kernel.conf import setting
from bursar.kernel.errors import BadInput
from bursar.people.files import PeopleFile, read_people
from bursar.people.records import read_json_lines

CSV: Final = "text/csv"
JSON_LINES: Final = frozenset({"application/x-ndjson", "application/jsonl", "application/x-jsonlines"})
TOO_LARGE: Final = frozenset({"file_too_large", "too_many_people"})
FILE: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": "People, one on each line: a CSV file with a header, or JSON objects with the same names. Send "
        "its length: `Content-Length`.",
        "content": {
            CSV: {"schema": {"type": "string", "minLength": 1}, "example": "email,name\nada@example.org,Ada\n"},
            "application/x-ndjson": {
                "schema": {"type": "string", "minLength": 1},
                "example": '{"email": "ada@example.org"}\n',
            },
        },
    }
}


@dataclass(frozen=True, slots=True)
class Upload:
    """What a body names, and the digest of its bytes."""

    people: PeopleFile
    digest: bytes


def read_upload(request: HttpRequest, encoding: str | None = None) -> Upload:
    """Read the people of a body; its type says how, and `encoding` in which letters a CSV file is (None: it tells).

    Raises `UnsupportedMedia`, `LengthRequired`, `TooLarge`, `BadInput` (`incomplete_body`, and the faults of a whole file).
    """
    kind = (request.content_type or "").lower()
    if kind != CSV and kind not in JSON_LINES:
        raise UnsupportedMedia("Send people as text/csv, or as application/x-ndjson.")
    body = Body(request)
    stream = BufferedReader(body)
    with too_large():
        people = read_people(stream, encoding=encoding, limited=True) if kind == CSV else read_json_lines(stream)
    return Upload(people, body.digest.digest())


@contextmanager
def too_large() -> Iterator[None]:
    """Turn what is refused for its size alone into `TooLarge`."""
    try:
        yield
    except BadInput as error:
        if error.code in TOO_LARGE:
            raise TooLarge(error.message, code=error.code, **error.facts) from None
        raise


def _length(request: HttpRequest) -> int:
    """Return how many bytes are announced, which are not too many; without a length nothing of the body would be read."""
    limit = setting("file_limit_bytes")
    given = request.META.get("CONTENT_LENGTH") or ""
    if not given.isdecimal():
        raise LengthRequired("Send the length of the body with it (Content-Length).")
    if int(given) > limit:
        raise TooLarge(f"The file is larger than {limit:,} bytes.", code="file_too_large", limit=limit)
    return int(given)


class Body(RawIOBase):
    """The body of a request as plain bytes: lines are split from them here, whatever the server's own `readline` does.

    Keeps the digest of what was read. Raises `LengthRequired`, `TooLarge`, and `BadInput` (`incomplete_body`)
    where it ends before its length, because what is left of a file whose sender was cut off is no file.
    """

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._missing = _length(request)
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Fill `buffer` with the next bytes, and return how many."""
        part = self._request.read(len(buffer))
        if not part and self._missing:
            raise BadInput("The body ends before its length.", code="incomplete_body", missing_bytes=self._missing)
        self._missing -= len(part)
        self.digest.update(part)
        buffer[: len(part)] = part
        return len(part)

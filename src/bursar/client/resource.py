"""What all resources share: reading an answer into its type, and lists that fetch their pages as they are walked."""

from collections.abc import Iterator
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from bursar.client.connection import Answer, Connection
from bursar.client.errors import Unreadable
from bursar.client.models import Model

M = TypeVar("M", bound=Model)

LARGEST_PAGE: Final = 200


class Resource:
    """One part of the API."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _get(self, kind: type[M], path: str, /, **query: Any) -> M:
        return read(kind, self._connection.get(path, **query))

    def _walk(self, kind: type[M], path: str, /, **query: Any) -> Iterator[M]:
        """Yield the items of a list, a page at a time."""
        query.setdefault("limit", LARGEST_PAGE)
        cursor: str | None = None
        while True:
            page = self._connection.get(path, **query, cursor=cursor).body
            for item in page["items"]:
                yield read(kind, Answer(item))
            cursor = page["next"]
            if cursor is None:
                return


def read(kind: type[M], answer: Answer) -> M:
    """Return an answer as its type; raises `Unreadable` when it is none."""
    try:
        return kind.model_validate({**answer.body, "etag": answer.etag} if answer.etag else answer.body)
    except (ValidationError, TypeError) as error:
        raise Unreadable(f"the answer is no {kind.__name__}") from error


def given(**values: Any) -> dict[str, Any]:
    """Return the values that were given, as JSON has them."""
    return {name: as_json(value) for name, value in values.items() if value is not None}


def as_json(value: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, list | tuple | set | frozenset):
        return [as_json(item) for item in value]
    if isinstance(value, str | int | float | bool | dict | None):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)

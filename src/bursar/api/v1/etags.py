"""Versions: every single resource has one, and an edit names the one it was made from, checked in the edit's own commit."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from django.db.models import Model
from django.http import HttpRequest, HttpResponse

from bursar.api.rendering import answer, dump
from bursar.api.v1 import problems
from bursar.api.v1.errors import Stale, Unconditional
from bursar.kernel.errors import NotFound
from bursar.kernel.transactions import accompanied, writes

R = TypeVar("R")

DIGITS: Final = 32
HEADER: Final = "If-Match"
EDITED: Final = {
    "parameters": [
        {
            "in": "header",
            "name": HEADER,
            "required": True,
            "description": "The `ETag` under which you read what you change.",
            "schema": {"type": "string"},
            "example": '"5f1c0b7d2f3e4a5b6c7d8e9f0a1b2c3d"',
        }
    ],
    "responses": problems.documented(412, 428),
}


def version(row: Model, names: Sequence[str]) -> str:
    """Return the ETag of a row: it changes with any of the fields `names`, which are those that edits change.

    What moves without an edit, such as a budget's counters, is no part of it: nobody's edit is stale for that.
    """
    facts = [type(row).__name__, row.pk, *(getattr(row, name) for name in names)]
    return f'"{hashlib.sha256(dump(facts)).hexdigest()[:DIGITS]}"'


def single(body: Any, row: Model, names: Sequence[str]) -> HttpResponse:
    """Answer with one resource and its version."""
    response = answer(body)
    response["ETag"] = version(row, names)
    return response


def wanted(request: HttpRequest) -> str:
    """Return the versions that an edit may change; raises `Unconditional` without any."""
    given = request.headers.get(HEADER, "").strip()
    if not given:
        raise Unconditional("Read it first, and send its ETag as If-Match.")
    return given


def edit(
    request: HttpRequest, row: Model, names: Sequence[str], verb: Callable[[], R], *, unmade: Model | None = None
) -> R:
    """Run one verb that changes `row`, if it is still what the caller has read; the verb's first transaction checks.

    `unmade` is what is read where there is no row yet, and the verb makes one. Raises `Unconditional` without If-Match, `Stale` when the row has another version by now.
    """
    unchanged = _Unchanged(type(row), row.pk, names, wanted(request), unmade)
    with accompanied(unchanged) as company:
        done = verb()
    if not company.committed:
        _check_alone(unchanged)
    return done


@writes
def _check_alone(unchanged: "_Unchanged") -> None:
    unchanged.begin()


@dataclass(frozen=True, slots=True)
class _Unchanged:
    model: type[Model]
    key: Any
    names: Sequence[str]
    given: str
    unmade: Model | None = None

    def begin(self) -> None:
        row = self.model._default_manager.select_for_update().filter(pk=self.key).first() or self.unmade
        if row is None:
            raise NotFound("There is no such thing here.")
        if self.given != "*" and version(row, self.names) not in map(str.strip, self.given.split(",")):
            raise Stale("It has been changed since you read it; read it again.", etag=version(row, self.names))

    def finish(self, done: Any) -> None:
        """Add nothing."""

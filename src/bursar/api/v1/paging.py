"""Lists by cursor: keyset on an index, so that a page costs the same wherever it is and none skips or repeats a row."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.core import signing
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from pydantic import BaseModel, Field

from bursar.api.rendering import answer
from bursar.api.v1.schemas import QueryCount
from bursar.kernel.errors import BadInput

DEFAULT_LIMIT: Final = 50
LARGEST_LIMIT: Final = 200
LONGEST_CURSOR: Final = 1000
SALT: Final = "bursar.api.v1.cursor"
OF_THE_PAGE: Final = frozenset({"cursor", "limit"})

Row = Mapping[str, Any]


class Paging(BaseModel):
    """How much of a list is wanted, and from where."""

    limit: QueryCount = Field(
        DEFAULT_LIMIT, ge=1, le=LARGEST_LIMIT, description="How many at most.", validate_default=False
    )
    cursor: str | None = Field(None, max_length=LONGEST_CURSOR, description="`next` of the page before.")


def page(
    request: HttpRequest,
    rows: QuerySet[Any],
    paging: Paging,
    order: Sequence[str],
    shape: Callable[[Any], Row],
) -> HttpResponse:
    """Answer with the page of `rows` (records, or dictionaries by `.values()`) that `paging` asks for.

    `order` names columns, none of them nullable, the last of them unique; a minus turns one round. One statement, and
    those that `rows` prefetches. Raises `BadInput` (`invalid_cursor`) for a cursor that is not of this very list.
    """

    def fetch(place: Sequence[Any] | None, limit: int) -> list[Any]:
        return _behind(rows, order, place, limit)

    return page_by(request, paging, fetch, lambda row: _place(row, order), shape)


def page_of_groups(
    request: HttpRequest,
    groups: Sequence[QuerySet[Any]],
    paging: Paging,
    order: Sequence[str],
    shape: Callable[[Any], Row],
) -> HttpResponse:
    """Answer as `page` with the rows of one group after those of the other, each read from its own index.

    At most a statement for each group.
    """

    def fetch(place: Sequence[Any] | None, limit: int) -> list[tuple[int, Any]]:
        start = int(place[0]) if place else 0
        found: list[tuple[int, Any]] = []
        for number in range(start, len(groups)):
            inside = place[1:] if place and number == start else None
            found += [(number, row) for row in _behind(groups[number], order, inside, limit - len(found))]
            if len(found) == limit:
                break
        return found

    return page_by(request, paging, fetch, lambda item: [item[0], *_place(item[1], order)], lambda item: shape(item[1]))


def page_by(
    request: HttpRequest,
    paging: Paging,
    fetch: Callable[[Sequence[Any] | None, int], Sequence[Any]],
    place: Callable[[Any], Sequence[Any]],
    shape: Callable[[Any], Row],
) -> HttpResponse:
    """Answer with a page of whatever `fetch` gives: so many items behind a place (None: from the first).

    `place` says where an item is, as JSON has it, always in as many parts.
    """
    signer = signing.Signer(salt=_salt(request))
    found = list(fetch(_read(signer, paging.cursor) if paging.cursor else None, paging.limit + 1))
    shown, more = found[: paging.limit], len(found) > paging.limit
    cursor = signer.sign_object(list(place(shown[-1]))) if more else None
    return answer({"items": [shape(row) for row in shown], "next": cursor})


def _behind(rows: QuerySet[Any], order: Sequence[str], place: Sequence[Any] | None, limit: int) -> list[Any]:
    ordered = rows.order_by(*order)
    if place is not None:
        if len(place) != len(order):
            raise _other_list()
        ordered = ordered.filter(_after(rows.model, order, place))
    return list(ordered[:limit])


def filled(filters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the filters that were given."""
    return {name: value for name, value in filters.items() if value is not None}


def _salt(request: HttpRequest) -> str:
    """Bind a cursor to its list and its filters: with others it would show what nobody asked for."""
    filters = sorted((name, value) for name, value in request.GET.items() if name not in OF_THE_PAGE)
    return f"{SALT} {request.path} {filters}"


def _read(signer: signing.Signer, cursor: str) -> list[Any]:
    try:
        place: list[Any] = signer.unsign_object(cursor)
    except (signing.BadSignature, ValueError):
        raise _other_list() from None
    return place


def _other_list() -> BadInput:
    return BadInput(
        "The cursor is not one of this list with these filters; begin again without it.", code="invalid_cursor"
    )


def _place(row: Any, order: Sequence[str]) -> list[Any]:
    names = [name.lstrip("-") for name in order]
    values = [row[name] if isinstance(row, Mapping) else getattr(row, name) for name in names]
    return [_plain(value) for value in values]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _after(model: type[Model], order: Sequence[str], place: Sequence[Any]) -> Q:
    """Return the condition for rows behind a place; the first column is bounded by itself, for the index to seek on."""
    columns = [(name.lstrip("-"), "lt" if name.startswith("-") else "gt") for name in order]
    values = [_typed(model, name, value) for (name, _), value in zip(columns, place, strict=True)]
    behind = Q()
    for (name, comes), value in reversed(list(zip(columns, values, strict=True))):
        further = Q(**{f"{name}__{comes}": value})
        behind = further | (Q(**{name: value}) & behind) if behind else further
    first, comes = columns[0]
    return behind if len(columns) == 1 else Q(**{f"{first}__{comes}e": values[0]}) & behind


def _typed(model: type[Model], name: str, value: Any) -> Any:
    field: Any = model._meta.pk if name == "pk" else model._meta.get_field(name)
    try:
        return field.to_python(value)
    except ValidationError:  # signed by us, but for a column that has changed since
        raise BadInput("The cursor is of an older list; begin again without it.", code="invalid_cursor") from None

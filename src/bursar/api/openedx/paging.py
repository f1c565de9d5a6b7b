"""Pages as the Open edX clients turn them: which one is asked for, and the envelope that it comes in (wire 2.1)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, urlencode

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Schema
from ninja.errors import HttpError
from pydantic import Field

from bursar.api.addresses import absolute

R = TypeVar("R")

DEFAULT_SIZE: Final = 100
LARGEST_SIZE: Final = 500
LONGEST_NUMBER: Final = 15
LAST: Final = "last"


class PageQuery(Schema):
    """What a list takes beside its filters."""

    page: str | None = Field(None, description="From 1, or `last`.")
    page_size: int | None = Field(None, description=f"{DEFAULT_SIZE} if not given; larger ones are cut.")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which page is wanted: its number as it was written, and how many rows a page has."""

    number: str
    size: int

    def start(self, count: int) -> int:
        """Return the place of the first row, from 0, in a list of `count`; answers 404 for a page that is not there."""
        last = pages(count, self.size)
        number = str(last) if self.number == LAST else self.number
        is_number = number.isascii() and number.isdigit() and len(number) <= LONGEST_NUMBER
        if not is_number or not 1 <= int(number) <= last:
            raise HttpError(404, "Invalid page.")
        return (int(number) - 1) * self.size


def wanted(query: PageQuery, *, default: int = DEFAULT_SIZE, largest: int = LARGEST_SIZE) -> Wanted:
    """Return the page that a query asks for; a size below 1 is none, one above `largest` is cut."""
    size = default if query.page_size is None or query.page_size < 1 else min(query.page_size, largest)
    return Wanted("1" if query.page in (None, "") else str(query.page), size)


def pages(count: int, size: int) -> int:
    """Return how many pages there are; an empty list has one."""
    return max(1, -(-count // size))


def envelope(
    request: HttpRequest, page: Wanted, *, start: int, count: int, results: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return a page in its envelope; the addresses of its neighbours keep whatever else was asked for."""
    number, last = start // page.size + 1, pages(count, page.size)
    return {
        "next": _address(request, number + 1) if number < last else None,
        "previous": _address(request, number - 1) if number > 1 else None,
        "count": count,
        "num_pages": last,
        "current_page": number,
        "start": start,
        "results": results,
    }


def page_of(
    request: HttpRequest,
    page: Wanted,
    rows: QuerySet[Any, R],
    shapes: Callable[[Sequence[R]], Sequence[Mapping[str, Any]]],
) -> dict[str, Any]:
    """Return a page of rows (mostly `.values()`) in its envelope, made into JSON by `shapes`; two statements and those of `shapes`."""
    count = rows.count()
    start = page.start(count)
    results = shapes(list(rows[start : start + page.size]))
    return envelope(request, page, start=start, count=count, results=results)


def _address(request: HttpRequest, number: int) -> str:
    """Return the address of another page of the same list; the first one needs no number."""
    asked = parse_qsl(request.META.get("QUERY_STRING", ""), keep_blank_values=True)
    kept = [(name, value) for name, value in asked if name != "page"]
    query = urlencode(kept if number == 1 else [*kept, ("page", str(number))])
    return absolute(request, f"{request.path}?{query}" if query else request.path)

"""What a list is asked for by its address: search, filters, order and page. What cannot be read is as if not asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, QueryDict

PAGE_SIZE: Final = 25
LONGEST_SEARCH: Final = 200
LAST_PAGE: Final = 1_000_000
AROUND: Final = 2
GAP: Final = 0


@dataclass(frozen=True, slots=True)
class Heading:
    """A column by which a list can be sorted: where its link leads, and what `aria-sort` says of it now."""

    url: str
    direction: str


@dataclass(frozen=True, slots=True)
class Filter:
    """One choice of a filter: its words, how many rows it has (None: not counted), whether it is on, where it leads."""

    label: str
    url: str
    on: bool
    count: int | None = None
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Pager:
    """The pages of a counted list; `numbers` has a 0 where some are left out."""

    number: int
    count: int
    size: int
    urls: Mapping[int, str]

    @property
    def last(self) -> int:
        """The number of the last page, at least 1."""
        return max(1, -(-self.count // self.size))

    @property
    def first_row(self) -> int:
        """The place of the first row shown, from 1; 0 in an empty list."""
        return min(self.count, (self.number - 1) * self.size + 1)

    @property
    def last_row(self) -> int:
        """The place of the last row shown."""
        return min(self.count, self.number * self.size)

    @property
    def newer(self) -> str:
        """Where the page before is, or ""."""
        return self.urls.get(self.number - 1, "")

    @property
    def older(self) -> str:
        """Where the page behind is, or ""."""
        return self.urls.get(self.number + 1, "")

    @property
    def numbers(self) -> list[tuple[int, str]]:
        """The numbers to offer, with their addresses: first, last and those around; gaps as (0, "")."""
        found: list[tuple[int, str]] = []
        for number in sorted(self.urls):
            if found and number - found[-1][0] > 1:
                found.append((GAP, ""))
            found.append((number, self.urls[number]))
        return found


class Listing:
    """The address of a list, read: `sorts` name the columns that it can be sorted by, with the fields behind each."""

    def __init__(
        self, request: HttpRequest, *, sorts: Mapping[str, Sequence[str]], default: str, filters: Sequence[str] = ()
    ) -> None:
        self.path = request.path
        self.sorts = sorts
        self.default = default
        self.filters = tuple(filters)
        self._asked = request.GET
        asked = request.GET.get("sort", default)
        self.sort = asked if asked.removeprefix("-") in sorts else default

    @property
    def search(self) -> str:
        """What is searched for: one line without what databases refuse."""
        return " ".join(self._asked.get("q", "").replace("\0", " ").split())[:LONGEST_SEARCH]

    @property
    def number(self) -> int:
        """The number of the page, from 1."""
        asked = self._asked.get("page", "")
        number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < len(str(LAST_PAGE)) else 1
        return max(1, number)

    @property
    def ordering(self) -> tuple[str, ...]:
        """The fields to order by; a minus before the sort turns each around."""
        fields = self.sorts[self.sort.removeprefix("-")]
        return tuple(map(_turned, fields)) if self.sort.startswith("-") else tuple(fields)

    @property
    def kept(self) -> dict[str, str]:
        """What a new search or another page leaves as it is: order and filters."""
        found = {"sort": self.sort if self.sort != self.default else ""}
        found |= {name: self._asked.get(name, "").replace("\0", "") for name in self.filters}
        return {name: value for name, value in found.items() if value}

    def chosen(self, name: str, allowed: Sequence[str]) -> tuple[str, ...]:
        """Return the values of a filter that are on, of those that there are."""
        asked = set(self._asked.get(name, "").split(","))
        return tuple(value for value in allowed if value in asked)

    def url(self, **changes: str | int | None) -> str:
        """Return the address of the list with changes (None leaves out); a change of anything leads to its first page."""
        query = QueryDict(mutable=True)
        for name, value in ({"q": self.search} | self.kept | changes).items():
            if value not in ("", None) and (name, value) != ("page", 1):
                query[name] = str(value)
        return f"{self.path}?{query.urlencode(safe=',')}" if query else self.path

    def heading(self, name: str) -> Heading:
        """Return the link that sorts by a column: downwards at first, the other way when it is sorted by already."""
        if self.sort == f"-{name}":
            return Heading(self.url(sort=name), "descending")
        return Heading(self.url(sort=f"-{name}"), "ascending" if self.sort == name else "")

    def toggle(self, name: str, value: str, allowed: Sequence[str]) -> str:
        """Return the address with one value of a filter switched."""
        on = set(self.chosen(name, allowed)) ^ {value}
        return self.url(**{name: ",".join(one for one in allowed if one in on)})

    def pager(self, count: int, size: int = PAGE_SIZE) -> Pager:
        """Return the pages of a list of `count` rows; beyond the last one it is the last one."""
        last = max(1, -(-count // size))
        number = min(self.number, last)
        near = range(max(1, number - AROUND), min(last, number + AROUND) + 1)
        return Pager(number, count, size, {page: self.url(page=page) for page in sorted({1, last, *near})})


def _turned(field: str) -> str:
    return field.removeprefix("-") if field.startswith("-") else f"-{field}"

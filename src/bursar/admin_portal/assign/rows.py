"""The rows of plans and of what they became, as pages show them: some at a time, those of one outcome if wanted."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from bursar.admin_portal.assign.checks import slips
from bursar.admin_portal.assign.words import said
from bursar.assignments.models import AllocationBatch, AllocationPlan
from bursar.assignments.results import RowResult, Shown, results, shown_results
from bursar.assignments.services.plans import placed_rows
from bursar.pages.listing import Filter, Listing
from bursar.pages.shapes import Chip, Tone
from bursar.people.addresses import domain_of

AT_ONCE: Final = 50
OUTCOMES: Final = ("created", "updated", "unchanged", "twin", "refused")
LABELS: Final = {
    "created": gettext_lazy("New"),
    "updated": gettext_lazy("Assigned again"),
    "unchanged": gettext_lazy("Unchanged"),
    "twin": gettext_lazy("Named again"),
    "refused": gettext_lazy("Refused"),
}
TONES: Final = {
    "created": (Tone.GOOD, "check"),
    "updated": (Tone.GOOD, "check"),
    "unchanged": (Tone.NEUTRAL, ""),
    "twin": (Tone.NEUTRAL, ""),
    "refused": (Tone.BAD, "error"),
}
CHARGED: Final = ("created", "updated")
Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A row: its line, whom it names (None: nobody, or nobody any more), what became or would become of it, and why."""

    place: Place
    line: int
    outcome: str
    email: str | None = field(repr=False, default=None)
    cents: int | None = None
    of_line: int | None = None
    why: str = ""
    assignment: UUID | None = None

    @property
    def chip(self) -> Chip:
        """What became of it in a word."""
        tone, icon = TONES[self.outcome]
        return Chip(str(LABELS[self.outcome]), tone, icon)


@dataclass(frozen=True, slots=True)
class RowPage:
    """Some rows, where the next ones are ("" at the end), how many have which outcome, and the choice between these."""

    rows: list[ShownRow]
    next_url: str
    first_url: str
    counts: dict[str, int]
    filters: list[Filter]


def page_of_plan(request: HttpRequest, row: AllocationPlan) -> RowPage:
    """Return the rows of an open plan that the address asks for, with a question where a domain looks mistyped."""
    counts = {name: getattr(row, f"{name}_count") for name in OUTCOMES}
    found = _page(request, counts, lambda after: map(_planned, placed_rows(row, after=after)))
    meant = slips([shown.email for shown in found.rows if shown.email], row.configuration.enterprise_customer_uuid)
    return replace(found, rows=[_questioned(shown, meant) for shown in found.rows])


def _questioned(row: ShownRow, meant: Mapping[str, str]) -> ShownRow:
    if row.outcome not in CHARGED or not row.email:
        return row
    return replace(row, why=meant.get(domain_of(row.email), row.why))


def page_of_batch(request: HttpRequest, row: AllocationBatch) -> RowPage:
    """Return the results of an allocation that the address asks for."""
    counts = {name: getattr(row, f"{name}_count") for name in OUTCOMES}
    counts["refused"] += row.rejected_count
    found = _page(request, counts, lambda after: map(_kept, results(row.pk, after=after)))
    return replace(found, rows=_with_addresses(found.rows))


def rows_of_batch(row: AllocationBatch) -> Iterator[ShownRow]:
    """Yield the result of every row with the address that its assignment has now."""
    for item, seen in shown_results(results(row.pk)):
        yield _seen(_kept(item), seen)


def _page(request: HttpRequest, counts: dict[str, int], read: Callable[[Place], Iterable[ShownRow]]) -> RowPage:
    listing = Listing(request, sorts={"line": ("line",)}, default="line", filters=("outcome",))
    chosen = listing.chosen("outcome", OUTCOMES)
    after = _place(request.GET.get("after", ""))
    wanted = (row for row in read(after) if not chosen or row.outcome in chosen)
    found = list(islice(wanted, AT_ONCE + 1))
    filters = [
        Filter(str(LABELS[name]), listing.toggle("outcome", name, OUTCOMES), name in chosen, count)
        for name, count in counts.items()
        if count
    ]
    more = f"{found[AT_ONCE - 1].place[0]}.{found[AT_ONCE - 1].place[1]}" if len(found) > AT_ONCE else ""
    return RowPage(
        found[:AT_ONCE],
        listing.url(after=more) if more else "",
        listing.url() if after != (-1, -1) else "",
        counts,
        filters,
    )


def _place(text: str) -> Place:
    part, _, number = text.partition(".")
    if not (part.isdecimal() and number.isdecimal() and len(text) < len(str(2**31))):
        return (-1, -1)
    return (int(part), int(number))


def _planned(item: Any) -> ShownRow:
    row = item.row
    why = said(row["code"], row.get("message") or "") if row.get("code") else ""
    return ShownRow(
        item.place, row["line"], row["outcome"], row.get("email"), row.get("cost_cents"), row.get("of_line"), why
    )


def _kept(item: RowResult) -> ShownRow:
    why = said(item.code, item.message or "") if item.code else ""
    return ShownRow(item.place, item.line, item.outcome, None, None, item.of_line, why, item.assignment)


def _with_addresses(rows: list[ShownRow]) -> list[ShownRow]:
    items = [RowResult(row.place, row.line, row.outcome, row.assignment) for row in rows]
    return [_seen(row, seen) for row, (_, seen) in zip(rows, shown_results(items), strict=True)]


def _seen(row: ShownRow, seen: Shown | None) -> ShownRow:
    email = seen.email if seen else None
    return ShownRow(row.place, row.line, row.outcome, email, row.cents, row.of_line, row.why, row.assignment)

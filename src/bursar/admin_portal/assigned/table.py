"""What the table is asked for: search, one status, order and page; and the same for "all that match"."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from bursar.admin_portal.assigned.rows import AssignedRow, rows_of
from bursar.admin_portal.cards import BudgetCard
from bursar.assignments import lists
from bursar.assignments.lists import IN_DEFAULT_LIST, Filters, Selection, Standing
from bursar.assignments.services.matching import FITTING
from bursar.assignments.states import LearnerState, State, Verb
from bursar.pages.listing import PAGE_SIZE, Filter, Listing, Pager
from bursar.pages.shapes import Tone

SORTS: Final = {
    "recent": (lists.TIME,),
    "amount": ("-content_quantity",),  # a cost is a debit, so the largest is the lowest
    "status": (lists.LEARNER_STATE,),
}
OPEN: Final = ""
WORDS: Final[Mapping[str, tuple[str | Promise, Tone]]] = {
    OPEN: (gettext_lazy("Open"), Tone.NEUTRAL),
    "notifying": (gettext_lazy("Notifying learner"), Tone.INFO),
    "waiting": (gettext_lazy("Waiting for learner"), Tone.WARN),
    "failed": (gettext_lazy("Failed"), Tone.BAD),
    "accepted": (gettext_lazy("Accepted"), Tone.GOOD),
    "expired": (gettext_lazy("Expired"), Tone.NEUTRAL),
    "cancelled": (gettext_lazy("Cancelled"), Tone.NEUTRAL),
    "reversed": (gettext_lazy("Taken back"), Tone.NEUTRAL),
}
STANDINGS: Final[Mapping[str, frozenset[Standing]]] = {
    OPEN: IN_DEFAULT_LIST,
    **{
        str(learner): frozenset(one for one in IN_DEFAULT_LIST if one[1] == learner)
        for learner in (LearnerState.NOTIFYING, LearnerState.WAITING, LearnerState.FAILED)
    },
    **{
        str(state): frozenset(one for one in lists.STANDINGS if one[0] == state)
        for state in (State.ACCEPTED, State.EXPIRED, State.CANCELLED, State.REVERSED)
    },
}


@dataclass(frozen=True, slots=True)
class Table:
    """One page of a budget's assignments, and how many there are of each status."""

    listing: Listing
    rows: list[AssignedRow]
    filters: list[Filter]
    pages: Pager
    remindable: int
    cancellable: int


def listing_of(request: HttpRequest) -> Listing:
    """Read the address of the table."""
    return Listing(request, sorts=SORTS, default="-recent", filters=("status",))


def status_asked(listing: Listing) -> str:
    """Return the one status that is chosen; "" for what is open."""
    return next(iter(listing.chosen("status", tuple(WORDS)[1:])), OPEN)


def filters_of(search: str, status: str) -> Filters:
    """Return what rows must be, as lists take it; a status that nobody knows is as if not asked."""
    standings = STANDINGS.get(status, STANDINGS[OPEN])
    learner_states = frozenset(learner for _, learner in standings if learner is not None)
    return Filters(
        states=frozenset(state for state, _ in standings), learner_states=learner_states or None, search=search
    )


def table_of(listing: Listing, configuration: UUID, budget: BudgetCard) -> Table:
    """Return the page that is asked for; three statements, one more to find a whole address."""
    status = status_asked(listing)
    everything = lists.select(configuration, Filters(search=listing.search))
    found = lists.tally(everything)
    count = sum(found.get(standing, 0) for standing in STANDINGS[status])
    pages = listing.pager(count)
    keys = _keys(listing, everything, status, pages) if count else []
    return Table(
        listing=listing,
        rows=rows_of(keys, budget),
        filters=_choices(listing, status, found),
        pages=pages,
        remindable=_fitting(found, status, Verb.REMIND),
        cancellable=_fitting(found, status, Verb.CANCEL),
    )


def _keys(listing: Listing, everything: Selection, status: str, pages: Pager) -> list[UUID]:
    selection = lists.within(everything, filters_of(listing.search, status))
    start = (pages.number - 1) * PAGE_SIZE
    return lists.page(selection, lists.order(listing.ordering), start=start, size=PAGE_SIZE, total=pages.count)


def _choices(listing: Listing, status: str, found: Mapping[Standing, int]) -> list[Filter]:
    return [
        Filter(
            str(label),
            listing.url(status=name),
            name == status,
            sum(found.get(standing, 0) for standing in STANDINGS[name]),
            str(tone),
        )
        for name, (label, tone) in WORDS.items()
    ]


def _fitting(found: Mapping[Standing, int], status: str, verb: Verb) -> int:
    return sum(found.get(standing, 0) for standing in STANDINGS[status] & FITTING[verb])

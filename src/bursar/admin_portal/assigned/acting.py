"""Reminding and cancelling from the table: what is meant, what that comes to, and how it went, in words."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy, ngettext

from bursar.admin_portal.assigned.table import OPEN, STANDINGS, filters_of
from bursar.assignments.lists import Filters
from bursar.assignments.policy import Code
from bursar.assignments.services.cancel import CANCELLED, UNCHANGED
from bursar.assignments.services.chunked import Outcome
from bursar.assignments.services.matching import Place
from bursar.assignments.services.remind import QUEUED
from bursar.assignments.states import Verb
from bursar.kernel.lookup import as_uuid
from bursar.pages.listing import LONGEST_SEARCH
from bursar.pages.money import whole

NAMED_AT_ONCE: Final = 1000
LARGEST: Final = 10**9
OF_THE_LIST: Final = ("q", "status", "sort", "page")
NOT_WAITING: Final = "not_waiting"
DONE: Final = {Verb.REMIND: QUEUED, Verb.CANCEL: CANCELLED}
COUNTED: Final = (CANCELLED, QUEUED, UNCHANGED, NOT_WAITING, *map(str, Code))


@dataclass(frozen=True, slots=True)
class Meant:
    """Which rows a request means: named ones, or all that match search and status, from a place on; and what is done.

    `list_query` is the query of the list that it comes from.
    """

    keys: list[UUID]
    everything: bool
    search: str
    status: str
    behind: Place | None
    so_far: Counter[str]
    list_query: str

    @property
    def of_the_list(self) -> list[tuple[str, str]]:
        """The fields by which a form leads back to the same list."""
        return parse_qsl(self.list_query.removeprefix("?"))

    def filters(self) -> Filters:
        """Return all that match, as lists take it."""
        return filters_of(self.search, self.status)


def meant(asked: QueryDict) -> Meant:
    """Read which rows are meant from an address or a form; what cannot be read is as if not said."""
    keys = [key for key in map(as_uuid, asked.getlist("assignment")[:NAMED_AT_ONCE]) if key]
    kept = {name: asked.get(name, "").replace("\0", "")[:LONGEST_SEARCH] for name in OF_THE_LIST}
    query = urlencode({name: value for name, value in kept.items() if value})
    return Meant(
        list(dict.fromkeys(keys)),
        asked.get("all") == "1",
        " ".join(kept["q"].split()),
        kept["status"] if kept["status"] in STANDINGS else OPEN,
        _place(asked.get("behind", "")),
        _counts(asked.get("so_far", "")),
        f"?{query}" if query else "",
    )


def carried(wanted: Meant, **more: str) -> list[tuple[str, str]]:
    """Return the fields by which a form says the same again, with more of them."""
    fields = [("all", "1")] if wanted.everything else [("assignment", str(key)) for key in wanted.keys]
    return [*fields, *wanted.of_the_list, *more.items()]


def _place(text: str) -> Place | None:
    moment, _, key = text.partition("_")
    try:
        at = datetime.fromisoformat(moment)
        return (at, UUID(key)) if at.tzinfo else None
    except ValueError:
        return None


def place_text(place: Place) -> str:
    """Write a place as forms carry it."""
    return f"{place[0].isoformat()}_{place[1]}"


def _counts(text: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for part in text.split(",")[: len(COUNTED)]:
        name, _, number = part.partition(":")
        if name in COUNTED and number.isascii() and number.isdigit() and len(number) < len(str(LARGEST)):
            found[name] = int(number)
    return found


def counts_text(counts: Mapping[str, int]) -> str:
    """Write counts as forms carry them."""
    return ",".join(f"{name}:{number}" for name, number in sorted(counts.items()))


def counted(outcome: Outcome) -> Counter[str]:
    """Count what became of assignments, by result and by code of refusal."""
    return Counter(map(str, outcome.done.values())) + Counter(why.code for why in outcome.refused.values())


WHY_NOT: Final[Mapping[str, Promise]] = {
    Code.ALREADY_QUEUED: gettext_lazy("is being reminded already"),
    Code.REDEMPTION_IN_PROGRESS: gettext_lazy("is being accepted right now"),
    Code.WRONG_STATE: gettext_lazy("has changed meanwhile"),
    Code.NOT_FOUND: gettext_lazy("is not there any more"),
    UNCHANGED: gettext_lazy("was cancelled before"),
    NOT_WAITING: gettext_lazy("does not wait for its learner"),
}


def told(verb: Verb, counts: Mapping[str, int]) -> str:
    """Say how it went: how many were done, and how many were not, by reason."""
    return " ".join(_told(verb, counts))


def _told(verb: Verb, counts: Mapping[str, int]) -> Iterator[str]:
    done = counts.get(DONE[verb], 0)
    facts = {"number": whole(done)}
    if verb is Verb.REMIND:
        yield ngettext("%(number)s person is being reminded.", "%(number)s people are being reminded.", done) % facts
    else:
        yield (
            ngettext(
                "%(number)s assignment was cancelled, and its money is free again.",
                "%(number)s assignments were cancelled, and their money is free again.",
                done,
            )
            % facts
        )
    for code, number in sorted(counts.items()):
        if number and code not in DONE.values():
            why = WHY_NOT.get(code, WHY_NOT[Code.WRONG_STATE])
            yield gettext("Left as it was: %(number)s, because it %(why)s.") % {"number": whole(number), "why": why}

"""Those who did not accept, as the page and its file show them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext, gettext_lazy

from bursar.assignments.reports import UNACCEPTED, Unaccepted
from bursar.assignments.states import State
from bursar.pages.exports import Row
from bursar.pages.listing import Filter, Listing
from bursar.pages.moments import days_until
from bursar.pages.shapes import Chip, Tone

CHIPS: Final = {
    State.ALLOCATED: (gettext_lazy("Not answered yet"), Tone.INFO, "clock"),
    State.EXPIRED: (gettext_lazy("Expired"), Tone.NEUTRAL, "clock"),
    State.CANCELLED: (gettext_lazy("Cancelled or declined"), Tone.NEUTRAL, "close"),
    State.ERRORED: (gettext_lazy("Failed"), Tone.BAD, "error"),
}
NEAR_DAYS: Final = 10


@dataclass(frozen=True, slots=True)
class Line:
    """One assignment that was not accepted."""

    row: Unaccepted

    @property
    def who(self) -> str:
        """The name, else the address, unless it has been removed."""
        return self.row.person.name or self.row.email or gettext("Email hidden")

    @property
    def address(self) -> str:
        """The address beside a name."""
        return self.row.email or "" if self.row.person.name else ""

    @property
    def chip(self) -> Chip:
        """The state in a word."""
        text, tone, icon = CHIPS[State(self.row.state)]
        return Chip(str(text), tone, icon)

    @property
    def is_near(self) -> bool:
        """Whether it expires within ten days if nothing happens."""
        deadline = self.row.deadline
        return self.row.state == State.ALLOCATED and deadline is not None and days_until(deadline) <= NEAR_DAYS


def state_filters(listing: Listing, counts: Mapping[str, int]) -> list[Filter]:
    """Return the states that can be picked, each with how many there are."""
    on = listing.chosen("state", UNACCEPTED)
    return [
        Filter(str(CHIPS[state][0]), listing.toggle("state", state, UNACCEPTED), state in on, counts[state])
        for state in UNACCEPTED
    ]


def export_headings(zone: str) -> Sequence[str]:
    """Return the heads of the columns of the file."""
    return (
        *(gettext("Address"), gettext("Name"), gettext("Course"), gettext("State")),
        *(f"{gettext('Assigned')} ({zone})", f"{gettext('Deadline')} ({zone})"),
        *(gettext("Manager"), gettext("Department")),
    )


def export_row(line: Line) -> Row:
    """Return one row of the file."""
    row = line.row
    return (
        *(row.email or gettext("Email hidden"), row.person.name, row.course, line.chip.text),
        *(row.assigned_at, row.deadline, row.person.manager, row.person.department),
    )

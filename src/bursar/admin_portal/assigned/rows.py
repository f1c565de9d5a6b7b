"""A row of the table: whose, what, how much, how it stands, what was done last, and until when."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.utils.translation import gettext

from bursar.admin_portal.assigned.chips import EXPLAINED, Explained, Status, chip_of, status_of
from bursar.admin_portal.cards import BudgetCard
from bursar.assignments.failures import with_failures
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.services.matching import FITTING
from bursar.assignments.states import State, Verb
from bursar.pages.moments import days_until
from bursar.pages.shapes import Chip

SOON_DAYS: Final = 10
SHOWN: Final = (
    *("state", "learner_state", "learner_email", "address_scrubbed_at", "content_key", "content_title"),
    *("content_quantity", "recent_action", "recent_action_time", "expires_at", "redemption_uuid", "personal_deadline"),
)


@dataclass(frozen=True, slots=True)
class AssignedRow:
    """One assignment as those who assign see it in a table."""

    row: LearnerContentAssignment
    status: Status
    is_over: bool

    @property
    def who(self) -> str:
        """The address, unless it has been removed."""
        return gettext("Email hidden") if self.row.address_scrubbed_at else self.row.learner_email

    @property
    def course(self) -> str:
        """The name of the course."""
        return self.row.content_title or self.row.content_key

    @property
    def cents(self) -> int:
        """What it costs."""
        return -self.row.content_quantity

    @property
    def chip(self) -> Chip:
        """The status in a word."""
        return chip_of(self.status)

    @property
    def was_reminded(self) -> bool:
        """Whether the last thing done was to remind."""
        return bool(self.row.recent_action == "reminded")

    @property
    def is_soon(self) -> bool:
        """Whether an open one ends within ten days."""
        end = self.row.expires_at
        return self.row.state == State.ALLOCATED and end is not None and days_until(end) <= SOON_DAYS

    @property
    def may_remind(self) -> bool:
        """Whether its learner can be reminded."""
        return self._fits(Verb.REMIND)

    @property
    def may_cancel(self) -> bool:
        """Whether it can be cancelled."""
        return self._fits(Verb.CANCEL)

    @property
    def may_move(self) -> bool:
        """Whether it can get another deadline, or another learner."""
        return self._is_free and self.row.state == State.ALLOCATED

    @property
    def _is_free(self) -> bool:
        return not self.is_over and self.row.redemption_uuid is None

    def _fits(self, verb: Verb) -> bool:
        return self._is_free and (self.row.state, self.row.learner_state) in FITTING[verb]


def rows_of(keys: Sequence[UUID], budget: BudgetCard) -> list[AssignedRow]:
    """Return the rows of these assignments of a budget, in the order of the keys; one statement, none for no keys."""
    rows = with_failures(LearnerContentAssignment.objects.filter(pk__in=keys).only(*SHOWN).order_by())
    found = {row.pk: row for row in rows} if keys else {}
    return [assigned_row(found[key], is_over=budget.is_over) for key in keys if key in found]


def assigned_row(row: LearnerContentAssignment, *, is_over: bool) -> AssignedRow:
    """Return the row of an assignment that was read with its failures."""
    failed = getattr(row, "failed_action", None), getattr(row, "failed_reason", None)
    return AssignedRow(row, status_of(row.state, row.learner_state, *failed, is_over=is_over), is_over)


def explanations(rows: Sequence[AssignedRow]) -> dict[Status, Explained]:
    """Return what there is to know about each status among these rows."""
    return {status: EXPLAINED[status] for status in Status if any(row.status is status for row in rows)}

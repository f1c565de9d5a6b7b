"""What becomes of the money that a budget holds: how much of it expires in which week, and how much of it comes back.

What comes back is told from the past: of the assignments that ended by themselves, how many were accepted and how many
ran out of time. Those that an admin or a learner cancelled say nothing about that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from itertools import accumulate, pairwise
from typing import Final
from uuid import UUID

from django.db.models import Case, Count, F, IntegerField, Q, Sum, Value, When

from bursar.assignments.models import AssignmentCounts, LearnerContentAssignment
from bursar.assignments.states import State
from bursar.budgets.models import Budget
from bursar.kernel import clock

WEEKS: Final = 14  # the running one and thirteen more: ninety days reach no further
ENOUGH_ENDED: Final = 20
WEEK: Final = timedelta(days=7)


class Basis(StrEnum):
    """From whose past an estimate is made."""

    BUDGET = "budget"
    CUSTOMER = "customer"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Past:
    """How many assignments were accepted and how many expired, and whose they are."""

    basis: Basis
    accepted: int = 0
    expired: int = 0

    @property
    def ended(self) -> int:
        """How many the estimate rests on."""
        return self.accepted + self.expired

    def back_of(self, cents: int) -> int:
        """Return how many cents of those that are held come back, rounded down; 0 without a past."""
        return cents * self.expired // self.ended if self.ended else 0


@dataclass(frozen=True, slots=True)
class Week:
    """What expires from Monday `begins` (None: later than all weeks, or never): people, cents, and cents that come back."""

    begins: date | None
    people: int
    held_cents: int
    back_cents: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """The weeks from the running one to the last in which something expires; `past` tells what the estimate rests on."""

    weeks: Sequence[Week]
    past: Past

    @property
    def held_cents(self) -> int:
        """What open assignments hold, all weeks together."""
        return sum(week.held_cents for week in self.weeks)

    @property
    def back_cents(self) -> int | None:
        """How much of that will come back; None when too little is known."""
        return None if self.past.basis == Basis.NOTHING else sum(week.back_cents for week in self.weeks)


def forecast(budget: Budget, zone: tzinfo) -> Forecast:
    """Return what becomes of what a budget holds; weeks begin at Monday's midnight in `zone`. Two statements.

    The past is that of the budget where at least 20 assignments have ended by being accepted or by expiring, else that
    of its customer where as many have, else nothing. A run of the sweep that is late counts for the running week.
    """
    mondays = _mondays(zone)
    held = _held(budget.assignment_configuration_id, mondays, zone)
    past = _past(budget)
    sums = [0, *accumulate(cents for _, cents in held)]
    backs = [past.back_of(after) - past.back_of(before) for before, after in pairwise(sums)]  # parts of one whole
    weeks = [
        Week(monday, people, cents, back)
        for monday, (people, cents), back in zip([*mondays, None], held, backs, strict=True)
    ]
    while weeks and not weeks[-1].people:
        weeks.pop()
    return Forecast(weeks, past)


def _mondays(zone: tzinfo) -> list[date]:
    today = clock.now().astimezone(zone).date()
    first = today - timedelta(days=today.weekday())
    return [first + number * WEEK for number in range(WEEKS)]


def _held(configuration: UUID | None, mondays: Sequence[date], zone: tzinfo) -> list[tuple[int, int]]:
    """Return people and cents of the open assignments by week, and at the end of those that expire later."""
    ends = [datetime.combine(monday + WEEK, time(), zone) for monday in mondays]
    week = Case(
        *(When(expires_at__lt=end, then=Value(number)) for number, end in enumerate(ends)),
        default=Value(WEEKS),
        output_field=IntegerField(),
    )
    rows = LearnerContentAssignment.objects.filter(assignment_configuration__in=[configuration], state=State.ALLOCATED)
    found = rows.order_by().values_list(week).annotate(people=Count("pk"), cents=Sum(-F("content_quantity")))
    by_week = {number: (people, int(cents)) for number, people, cents in found}
    return [by_week.get(number, (0, 0)) for number in range(WEEKS + 1)]


def _past(budget: Budget) -> Past:
    """Return the past that an estimate may rest on, from the kept counts; what was accepted and given back was accepted."""
    theirs = AssignmentCounts.objects.filter(configuration__enterprise_customer_uuid=budget.customer_id)
    mine = Q(configuration=budget.assignment_configuration_id)
    taken = F("accepted") + F("reversed")
    sums = theirs.aggregate(
        all_taken=Sum(taken, default=0),
        all_expired=Sum("expired", default=0),
        taken=Sum(taken, filter=mine, default=0),
        own_expired=Sum("expired", filter=mine, default=0),
    )
    own = Past(Basis.BUDGET, int(sums["taken"]), int(sums["own_expired"]))
    everybody = Past(Basis.CUSTOMER, int(sums["all_taken"]), int(sums["all_expired"]))
    return next((past for past in (own, everybody) if past.ended >= ENOUGH_ENDED), Past(Basis.NOTHING))

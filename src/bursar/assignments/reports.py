"""What reports say of a customer: how far assignments come, how long people take, what was spent, who has not accepted.

An assignment belongs to the moment at which its present cycle began. Spending belongs to the moment at which the course
was taken up, and what has been given back since is taken off there. Everything is added up by the database; people whose
address was forgotten are counted and never named.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db.models import (
    Case,
    CharField,
    Count,
    Exists,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Coalesce, TruncMonth

from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.models.columns import CYCLE_START
from bursar.assignments.states import State
from bursar.budgets.models import Transaction, TransactionState
from bursar.catalog.models import Course
from bursar.kernel.batching import chunks
from bursar.kernel.elapsed import WholeDays
from bursar.people.models import Person
from bursar.people.selectors import Known, known_by_key

ACCEPTED: Final = (State.ACCEPTED, State.REVERSED)
UNACCEPTED: Final = (State.ALLOCATED, State.EXPIRED, State.CANCELLED, State.ERRORED)
IS_ACCEPTED: Final = Q(state__in=ACCEPTED)
IS_TOLD: Final = IS_ACCEPTED | Q(notified_at__gte=CYCLE_START)
NOBODY: Final = Known()
AT_ONCE: Final = 1000
HALF: Final = 50
MOST: Final = 90

Rows = QuerySet[Any, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """What a report is about. `since` is included and `until` is not (aware; None: no bound).

    `budget` None stands for all of the customer. `department` None stands for everybody and "" for those without one.
    """

    customer: UUID
    budget: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    department: str | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """How many assignments, and of how many people, came that far."""

    assignments: int
    people: int


@dataclass(frozen=True, slots=True)
class Funnel:
    """How far assignments came, and in which state they are now.

    Told are those of whose present cycle a mail was taken by a mail server, and those who accepted without one. What was
    given back since counts as accepted. Somebody whose address was forgotten counts once for each assignment.
    """

    assigned: Reach
    told: Reach
    accepted: Reach
    states: Mapping[State, int]


class Spent(NamedTuple):
    """Cents that were spent (never below 0), those of them that were given back since, and for how many courses."""

    gross: int
    back: int
    courses: int

    @property
    def net(self) -> int:
        """What is left of it."""
        return self.gross - self.back

    def plus(self, other: "Spent") -> "Spent":
        """Return both together."""
        return Spent(self.gross + other.gross, self.back + other.back, self.courses + other.courses)


NOTHING_SPENT: Final = Spent(0, 0, 0)
Spending = dict[str, Spent]


class Unaccepted(NamedTuple):
    """An assignment that was not accepted; `email` is None once the address is forgotten."""

    assignment: UUID
    state: str
    course: str
    assigned_at: datetime
    deadline: datetime | None
    email: str | None
    person: Known


def funnel(asked: Question) -> Funnel:
    """Return how many of the assignments of the period came how far; one statement."""
    steps = {"assigned": Q(), "told": IS_TOLD, "accepted": IS_ACCEPTED}
    counts: dict[str, Any] = {name: Count("pk", filter=which) for name, which in steps.items()}
    counts |= {f"in_{state}": Count("pk", filter=Q(state=state)) for state in State}
    came = {f"came_{name}": Max(Case(When(which, then=1), default=0)) for name, which in steps.items() if which}
    people = _assigned(asked).values("learner_email_key").annotate(**counts, **came)
    totals = {f"sum_{name}": Sum(name, default=0) for name in (*counts, *came)}
    found = people.aggregate(everybody=Count("learner_email_key"), **totals)
    return Funnel(
        assigned=Reach(found["sum_assigned"], found["everybody"]),
        told=Reach(found["sum_told"], found["sum_came_told"]),
        accepted=Reach(found["sum_accepted"], found["sum_came_accepted"]),
        states={state: found[f"sum_in_{state}"] for state in State},
    )


def days_to_accept(asked: Question) -> dict[int, int]:
    """Return of how many assignments of the period people accepted on which day; one statement.

    Day 0 is the first 24 hours from the assignment, day 1 the next. Reminders do not start it anew, a new assignment does.
    """
    rows = _assigned(asked).filter(IS_ACCEPTED, accepted_at__isnull=False)
    days = rows.annotate(days=WholeDays("started", "accepted_at")).order_by().values_list("days")
    found: dict[int, int] = {}
    for day, amount in days.annotate(amount=Count("pk")):
        found[max(0, day)] = found.get(max(0, day), 0) + amount
    return found


def percentile(days: Mapping[int, int], percent: int) -> int | None:
    """Return the first day by whose end at least this share had accepted (nearest rank); None when nobody did."""
    wanted, seen = percent * sum(days.values()), 0
    for day in sorted(days):
        seen += days[day]
        if 100 * seen >= wanted:
            return day
    return None


def spending_by_month(asked: Question, currency: str, zone: tzinfo) -> tuple[dict[datetime, Spent], Spending]:
    """Return what was spent by month of the zone and by department ("": none), in one currency; one statement."""
    rows = _spent(asked, currency).annotate(month=TruncMonth("created", tzinfo=zone), department=_department(asked))
    months: dict[datetime, Spent] = {}
    departments: Spending = {}
    for month, department, *figures in rows.order_by().values_list("month", "department").annotate(**_FIGURES):
        _add(months, month, figures)
        _add(departments, department, figures)
    return months, departments


def spending_by_course(asked: Question, currency: str) -> tuple[Spending, Spending]:
    """Return what was spent by subject and by partner ("": none, or no such course any more).

    Two statements, and one more for each further thousand courses.
    """
    spent = list(_spent(asked, currency).order_by().values_list("course").annotate(**_FIGURES))
    known: dict[str, tuple[str, str]] = {}
    for part in chunks([course for course, *_ in spent], AT_ONCE):
        facts = Course.objects.filter(key__in=part).values_list("key", "subject", "partner")
        known |= {key: (subject, partner) for key, subject, partner in facts}
    subjects: Spending = {}
    partners: Spending = {}
    for course, *figures in spent:
        subject, partner = known.get(course, ("", ""))
        _add(subjects, subject, figures)
        _add(partners, partner, figures)
    return subjects, partners


def total(parts: Iterable[Spent]) -> Spent:
    """Return all of these together."""
    found = NOTHING_SPENT
    for part in parts:
        found = found.plus(part)
    return found


def not_accepted(asked: Question, states: Sequence[str] = UNACCEPTED) -> Rows:
    """Return the assignments of the period that nobody accepted, newest first, in these states; rows for `read`."""
    rows = _assigned(asked).filter(state__in=[state for state in UNACCEPTED if state in states])
    return rows.order_by("-started", "uuid")


def count_by_state(asked: Question) -> dict[str, int]:
    """Return how many assignments of the period are in each state in which nobody has accepted; one statement."""
    groups = not_accepted(asked).order_by().values_list("state")
    found = dict(groups.annotate(amount=Count("pk")))
    return {state: found.get(state, 0) for state in UNACCEPTED}


def read(rows: Rows, customer: UUID) -> list[Unaccepted]:
    """Return these rows with what is known of their people; two statements."""
    return _with_people(rows.values_list(*_COLUMNS), customer)


def walk(rows: Rows, customer: UUID) -> Iterator[Unaccepted]:
    """Yield all of these rows with what is known of their people; one statement more for each thousand."""
    for part in chunks(rows.values_list(*_COLUMNS).iterator(chunk_size=AT_ONCE), AT_ONCE):
        yield from _with_people(part, customer)


def addresses_by_manager(rows: Rows, customer: UUID, limit: int) -> tuple[dict[str, list[str]], bool]:
    """Return the addresses of these rows under those of their managers ("": none known), and whether there are more.

    Each address once, in the order of the alphabet, `limit` of them at most; forgotten ones are left out. Two statements.
    """
    kept = rows.filter(address_scrubbed_at=None).order_by("learner_email_key").values("learner_email_key")
    found = list(kept.annotate(email=Max("learner_email")).values_list("learner_email_key", "email")[: limit + 1])
    people = known_by_key(customer, [key for key, _ in found[:limit]])
    groups: dict[str, list[str]] = {}
    for key, email in sorted(found[:limit], key=lambda row: row[1]):
        groups.setdefault(people.get(key, NOBODY).manager, []).append(email)
    return dict(sorted(groups.items(), key=lambda group: (not group[0], group[0]))), len(found) > limit


_COLUMNS: Final = (
    *("uuid", "state", "content_title", "content_key", "started", "expires_at"),
    *("learner_email", "learner_email_key", "address_scrubbed_at"),
)
_FIGURES: Final = {
    "debit": Sum("quantity", default=0),
    "back": Sum("reversal__quantity", default=0),
    "courses": Count("pk", filter=Q(reversal__isnull=True)),
}


def _assigned(asked: Question) -> Rows:
    rows: Rows = LearnerContentAssignment.objects.annotate(started=CYCLE_START)
    rows = rows.filter(assignment_configuration__enterprise_customer_uuid=asked.customer, **_within("started", asked))
    if asked.budget is not None:
        rows = rows.filter(assignment_configuration__subsidy_access_policy=asked.budget)
    return _of_department(rows, asked, OuterRef("learner_email_key"))


def _spent(asked: Question, currency: str) -> Rows:
    course = Coalesce("parent_content_key", "content_key", output_field=CharField())
    rows: Rows = Transaction.objects.annotate(course=course)
    rows = rows.filter(
        state=TransactionState.COMMITTED,
        budget__customer=asked.customer,
        fund__currency=currency,
        **_within("created", asked),
    )
    if asked.budget is not None:
        rows = rows.filter(budget=asked.budget)
    return _of_department(rows, asked, _key_behind(OuterRef(OuterRef("assignment_uuid"))))


def _within(moment: str, asked: Question) -> dict[str, datetime]:
    bounds = {f"{moment}__gte": asked.since, f"{moment}__lt": asked.until}
    return {name: bound for name, bound in bounds.items() if bound is not None}


def _of_department(rows: Rows, asked: Question, key: Any) -> Rows:
    """Narrow rows to people of the department; `key` is how a row gives the key of their address."""
    if asked.department is None:
        return rows
    people = Person.objects.filter(customer=asked.customer, address_key=key)
    if asked.department:
        return rows.filter(Exists(people.filter(department=asked.department)))
    return rows.exclude(Exists(people.exclude(department="")))


def _key_behind(assignment: Any) -> Subquery:
    """Return the key of the address to which the assignment with this uuid belongs."""
    rows = LearnerContentAssignment.objects.filter(pk=assignment).order_by()
    return Subquery(rows.values("learner_email_key")[:1])


def _department(asked: Question) -> Coalesce:
    """Return the department of whom a transaction was for, "" where none is known."""
    theirs = Person.objects.filter(
        customer=asked.customer, address_key=_key_behind(OuterRef(OuterRef("assignment_uuid")))
    )
    return Coalesce(Subquery(theirs.values("department")[:1]), Value(""), output_field=CharField())


def _add(found: dict[Any, Spent], name: Any, figures: Sequence[int]) -> None:
    debit, back, courses = figures
    found[name] = found.get(name, NOTHING_SPENT).plus(Spent(-debit, back, courses))


def _with_people(rows: Iterable[Any], customer: UUID) -> list[Unaccepted]:
    found = list(rows)
    people = known_by_key(customer, [key for *_, key, scrubbed in found if scrubbed is None])
    return [_unaccepted(row, people) for row in found]


def _unaccepted(row: Sequence[Any], people: Mapping[str, Known]) -> Unaccepted:
    uuid, state, title, content, started, deadline, email, key, scrubbed = row
    if scrubbed is not None:
        return Unaccepted(uuid, state, title or content, started, deadline, None, NOBODY)
    return Unaccepted(uuid, state, title or content, started, deadline, email, people.get(key, NOBODY))

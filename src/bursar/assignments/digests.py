"""Reads for those who assign: how a customer's open assignments and money stand, and who is told of it."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, Exists, Min, OuterRef, QuerySet, Sum

from bursar.assignments.models import AssignmentConfiguration, AssignmentCounts, LearnerContentAssignment
from bursar.assignments.states import LearnerState, State
from bursar.budgets.models import Budget
from bursar.budgets.selectors import balance
from bursar.kernel import clock
from bursar.people.keys import key_of
from bursar.people.models import Customer, Membership, Person, Role
from bursar.people.selectors import address_of

SOON: Final = timedelta(days=14)
NAMED: Final = 20
PEOPLE_OF_ONE: Final = 500
CONTACT: Final = 0
Assignments = QuerySet[LearnerContentAssignment]


@dataclass(frozen=True, slots=True)
class Named:
    """One assignment as a digest names it: whose it is, of what, until when, for how many cents of which currency."""

    who: str = field(repr=False)
    title: str
    deadline: datetime | None
    cents: int
    currency: str


@dataclass(frozen=True, slots=True)
class Money:
    """How one budget stands, in cents."""

    name: str
    currency: str
    limit_cents: int
    held_cents: int
    spent_cents: int
    available_cents: int


@dataclass(frozen=True, slots=True)
class Digest:
    """What a digest says: how many have not accepted, whose time ends soon and what comes back then, what went wrong.

    `waiting` and `trouble` name the first of each, the most urgent first; `assignments` are the keys of those named.
    """

    waiting_count: int
    waiting: Sequence[Named]
    expiring_count: int
    first_expiry: datetime | None
    returning: Sequence[tuple[int, str]]
    trouble_count: int
    trouble: Sequence[Named]
    budgets: Sequence[Money] = ()
    assignments: Sequence[UUID] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to say; how money stands alone is no news."""
        return bool(self.waiting_count or self.trouble_count)


def amounts_to_say(customer: UUID) -> dict[str, int]:
    """Return how many of a customer's assignments wait to be accepted and how many went wrong; from the kept counts."""
    rows = AssignmentCounts.objects.filter(configuration__in=_configurations(customer))
    found: Counter[str] = Counter()
    for row in rows:
        found["waiting"] += row.allocated_notifying + row.allocated_waiting + row.allocated_failed
        found["trouble"] += row.allocated_failed + row.errored
    return {"waiting": found["waiting"], "trouble": found["trouble"]}


def admin_digest(customer: Customer) -> Digest:
    """Return what the admins of a customer are told; a fixed number of statements, none of which counts the past."""
    rows = _assignments(customer.pk)
    amounts = amounts_to_say(customer.pk)
    budgets = Budget.objects.filter(customer=customer, active=True, retired=False).select_related("fund")
    return _digest(
        customer, rows, waiting=amounts["waiting"], trouble=amounts["trouble"], budgets=[_money(row) for row in budgets]
    )


def manager_digest(customer: Customer, people: Collection[str]) -> Digest:
    """Return what a manager is told of these people (address keys) of theirs; money only where learners see prices."""
    rows = _assignments(customer.pk).filter(learner_email_key__in=people)
    waiting = rows.filter(state=State.ALLOCATED).count()
    trouble = _trouble(rows).count()
    return _digest(customer, rows, waiting=waiting, trouble=trouble)


def _digest(
    customer: Customer, rows: Assignments, *, waiting: int, trouble: int, budgets: Sequence[Money] = ()
) -> Digest:
    order = ("expires_at", "uuid")
    first = list(rows.filter(state=State.ALLOCATED, address_scrubbed_at=None).order_by(*order)[:NAMED])
    wrong = list(_trouble(rows).filter(address_scrubbed_at=None).order_by(*order)[:NAMED]) if trouble else []
    soon = rows.filter(state=State.ALLOCATED, expires_at__lte=clock.now() + SOON).order_by()
    groups = list(
        soon.values_list("assignment_configuration").annotate(
            number=Count("pk"), cents=-Sum("content_quantity"), first=Min("expires_at")
        )
    )
    currencies = _currencies(customer.pk)
    returning: Counter[str] = Counter()
    for configuration, _, cents, _ in groups:
        returning[currencies.get(configuration, "USD")] += cents
    names = _names(customer.pk, [*first, *wrong])

    def named(row: LearnerContentAssignment) -> Named:
        currency = currencies.get(row.assignment_configuration_id, "USD")
        return Named(
            names.get(row.learner_email_key) or row.learner_email,
            row.content_title or row.content_key,
            row.expires_at if row.state == State.ALLOCATED else None,
            -row.content_quantity,
            currency,
        )

    return Digest(
        waiting,
        [named(row) for row in first],
        sum(number for _, number, _, _ in groups),
        min((moment for *_, moment in groups), default=None),
        [(cents, currency) for currency, cents in sorted(returning.items()) if cents],
        trouble,
        [named(row) for row in wrong],
        budgets,
        [row.pk for row in (*first, *wrong)],
    )


def _trouble(rows: Assignments) -> Assignments:
    """Return those whose message failed or came back, or whose enrolment failed."""
    return rows.filter(listed=1, learner_state=LearnerState.FAILED)


def _configurations(customer: UUID) -> "QuerySet[AssignmentConfiguration, UUID]":
    rows = AssignmentConfiguration.objects.filter(enterprise_customer_uuid=customer, active=True)
    return rows.order_by().values_list("pk", flat=True)


def _assignments(customer: UUID) -> Assignments:
    return LearnerContentAssignment.objects.filter(assignment_configuration__in=list(_configurations(customer)))


def _currencies(customer: UUID) -> dict[UUID | None, str]:
    rows = Budget.objects.filter(customer=customer)
    return dict(rows.values_list("assignment_configuration_id", "fund__currency"))


def _names(customer: UUID, rows: Iterable[LearnerContentAssignment]) -> dict[str, str]:
    keys = {row.learner_email_key for row in rows}
    people = Person.objects.filter(customer=customer, address_key__in=keys).exclude(name="")
    return dict(people.values_list("address_key", "name"))


def _money(row: Budget) -> Money:
    return Money(
        row.display_name or str(row.pk), row.fund.currency, row.limit_cents, row.held_cents, row.spent_cents,
        balance(row).available_cents,
    )  # fmt: skip


def budget_money(budget: UUID) -> Money | None:
    """Return how a budget stands, or None if it is not in use."""
    row = Budget.objects.filter(pk=budget, active=True, retired=False).select_related("fund").first()
    return _money(row) if row else None


def admins(customer: UUID) -> dict[int, str]:
    """Return the users who are admins of a customer and have an address, by id: their addresses."""
    rows = Membership.objects.filter(customer=customer, role=Role.ADMIN, user__isnull=False).select_related("user")
    users: list[Any] = [row.user for row in rows.order_by("user_id")]
    found = {user.pk: address_of(user) for user in users if getattr(user, "is_active", True)}
    return {user: address for user, address in found.items() if address}


def recipients(customer: Customer) -> dict[int, str]:
    """Return to whom notices about a customer go: its admins by user id, else its contact address as `CONTACT`."""
    return admins(customer.pk) or ({CONTACT: customer.contact_email} if customer.contact_email else {})


def people_of_managers(customer: UUID) -> list[list[UUID]]:
    """Return, for each manager of people with something open, these people (at most `PEOPLE_OF_ONE`) in key order."""
    mine = LearnerContentAssignment.objects.filter(
        learner_email_key=OuterRef("address_key"),
        listed=1,
        assignment_configuration__in=list(_configurations(customer)),
    )
    rows = Person.objects.filter(customer=customer, erased_at=None).exclude(manager_email="").filter(Exists(mine))
    spelled: defaultdict[str, list[UUID]] = defaultdict(list)
    for person, manager in rows.order_by("uuid").values_list("uuid", "manager_email").iterator():
        spelled[manager].append(person)
    teams: defaultdict[str, list[UUID]] = defaultdict(list)
    for manager, people in spelled.items():
        teams[key_of(manager)] += people
    return [sorted(people)[:PEOPLE_OF_ONE] for people in teams.values()]


def manager_of(customer: UUID, people: Sequence[Any]) -> tuple[str, list[str]] | None:
    """Return the address of these persons' manager now, and the address keys of those among them who still have it.

    Goes by the first of them who is still known with a manager; None if nobody is.
    """
    found = Person.objects.filter(customer=customer, uuid__in=people, erased_at=None).exclude(manager_email="")
    rows = list(found.order_by("uuid").values_list("manager_email", "address_key"))
    if not rows:
        return None
    manager = rows[0][0]
    key = key_of(manager)
    return manager, [person for address, person in rows if key_of(address) == key]


def people_of(customer: UUID, manager: str) -> list[str]:
    """Return the address keys of the persons of a customer who have this manager, however the address is spelled."""
    key = key_of(manager)
    rows = Person.objects.filter(customer=customer, erased_at=None).exclude(manager_email="")
    return [person for address, person in rows.values_list("manager_email", "address_key") if key_of(address) == key]

"""Rows for tests, made the way the product makes them: a customer with money, courses with runs, people, members."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final
from uuid import UUID

from bursar.assignments import flows
from bursar.budgets.models import Budget, Fund
from bursar.budgets.services import create_fund
from bursar.catalog.models import Course, Run
from bursar.kernel.actor import Actor
from bursar.kernel.transactions import one_commit
from bursar.people.addresses import display_form, normal_form
from bursar.people.files import PersonRow
from bursar.people.models import Customer, Membership, Role
from bursar.people.services import create_customer

DEPOSIT_CENTS: Final = 1_000_000
LIMIT_CENTS: Final = 500_000
PRICE_CENTS: Final = 4_900
COURSE: Final = "DemoX+D101"

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class House:
    """A customer with one budget on one fund."""

    customer: Customer
    fund: Fund
    budget: Budget


def make_customer(name: str = "Acme", **details: Any) -> Customer:
    """Make a customer; the slug is a new one, so that names may repeat."""
    return create_customer(name, slug=details.pop("slug", f"customer-{next(_numbers)}"), **details)


def make_fund(customer: Customer | None = None, *, deposit_cents: int = DEPOSIT_CENTS, **terms: Any) -> Fund:
    """Make a fund with a deposit, of a customer of its own if none is given; `terms` as `create_fund` takes them."""
    owner = customer or make_customer()
    return create_fund(owner.pk, title=terms.pop("title", "Fund"), deposit_cents=deposit_cents, **terms)


def make_budget(fund: Fund | None = None, *, limit_cents: int = LIMIT_CENTS, **terms: Any) -> Budget:
    """Make a budget that assigns (with its configuration), on a fund of its own if none is given."""
    source = fund or make_fund()
    name = terms.pop("display_name", "Training")
    return reload(flows.create_assignable_budget(source.pk, display_name=name, limit_cents=limit_cents, **terms))


def make_house(
    *, deposit_cents: int = DEPOSIT_CENTS, limit_cents: int = LIMIT_CENTS, name: str = "Acme", **details: Any
) -> House:
    """Make a customer (`details` are its own), its fund and one budget on it."""
    customer = make_customer(name, **details)
    fund = make_fund(customer, deposit_cents=deposit_cents)
    budget = make_budget(fund, limit_cents=limit_cents)
    return House(customer, budget.fund, budget)


def reload(budget: Budget | UUID) -> Budget:
    """Return a budget as it stands now, with its fund and customer."""
    key = budget if isinstance(budget, UUID) else budget.pk
    return Budget.objects.select_related("fund", "customer").get(pk=key)


def make_course(
    key: str = COURSE, *, price_cents: int | None = PRICE_CENTS, runs: Iterable[str] = (), **facts: Any
) -> Course:
    """Make a course on offer, with a run without dates for each key in `runs`."""
    facts = {"title": f"Course {key}", "partner": "DemoX", **facts}
    course = Course.objects.create(key=key, price_cents=price_cents, **facts)
    for run in runs:
        make_run(course, run)
    return course


def make_run(course: Course, key: str, **dates: Any) -> Run:
    """Make a run of a course: `start`, `end` and `enroll_by` are None, and it is active, unless said otherwise."""
    return Run.objects.create(course=course, key=key, **dates)


def make_person(email: str, *, line: int = 1, **known: str) -> PersonRow:
    """Return one row of people, as a file or list would give it."""
    return PersonRow(line=line, email=display_form(email), normal=normal_form(email), **known)


def make_people(
    people: int | Sequence[str] = 1, *, prefix: str = "learner", domain: str = "example.org"
) -> list[PersonRow]:
    """Return rows for these addresses, or for as many numbered ones, on lines from 1."""
    if isinstance(people, int):
        people = [f"{prefix}{number}@{domain}" for number in range(1, people + 1)]
    return [make_person(email, line=line) for line, email in enumerate(people, start=1)]


def make_user(email: str | None = None, **options: Any) -> Any:
    """Make a user with a profile whose address is verified (or as `options` of `flows.create_account` say)."""
    return flows.create_account(email or f"user{next(_numbers)}@users.example.org", password=None, **options)


def make_member(customer: Customer | None, role: str = Role.ADMIN, *, user: Any = None, **options: Any) -> Actor:
    """Make a user with a role at a customer (None: everywhere, for operators) and return them as an actor."""
    someone = user or make_user(**options)
    with one_commit():
        Membership.objects.get_or_create(user=someone, customer=customer, role=role)
    return Actor("person", f"user {someone.pk}", user_id=someone.pk, lms_user_id=someone.bursar_profile.lms_user_id)

"""What is measured on: one customer with money for everybody, one course, and people without end."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from django.core.management import call_command

from bursar.assignments import flows
from bursar.assignments.models import AssignmentConfiguration, AssignmentCounts, LearnerContentAssignment
from bursar.budgets.models import Budget
from bursar.budgets.services import create_fund
from bursar.catalog.models import Course, Run
from bursar.people.files import PersonRow
from bursar.people.models import Customer
from bursar.people.services import create_customer

PRICE_CENTS: Final = 4_900
COURSE: Final = "BenchX+B101"
DEPARTMENTS: Final = ("Sales", "Engineering", "Finance", "Support", "Warehouse")


def build() -> None:
    """Migrate, and make customer, fund, budget and course; leave a database that somebody works in alone."""
    call_command("migrate", verbosity=0)
    if Customer.objects.exists():
        raise SystemExit("bench: this database is not empty; give one that nobody needs.")
    customer = create_customer("Bench", slug="bench")
    fund = create_fund(customer.pk, title="Bench", deposit_cents=10**14)
    flows.create_assignable_budget(fund.pk, display_name="Bench", limit_cents=10**14)
    AssignmentCounts.objects.create(
        configuration=AssignmentConfiguration.objects.get()
    )  # as the first allocation would
    course = Course.objects.create(
        key=COURSE, title="Measuring what it costs", partner="BenchX", price_cents=PRICE_CENTS
    )
    Run.objects.create(course=course, key="course-v1:BenchX+B101+1T")


def budget() -> Budget:
    """Return the budget as it stands now, with its fund."""
    return Budget.objects.select_related("fund").get()


def people(first: int, count: int) -> list[PersonRow]:
    """Return people as a file of a staff office gives them, none of whom any other range has."""
    found = []
    for number in range(first, first + count):
        email = f"Learner.{number}@staff.example.org"
        department = DEPARTMENTS[number % len(DEPARTMENTS)]
        found.append(PersonRow(number, email, email.lower(), f"Learner {number}", department, "en", "Europe/Berlin"))
    return found


def assignments_of(people: Sequence[PersonRow]) -> list[UUID]:
    """Return what is assigned to them, in the order of the keys."""
    rows = LearnerContentAssignment.objects.filter(learner_email__in=[person.email for person in people])
    return list(rows.order_by("pk").values_list("pk", flat=True))

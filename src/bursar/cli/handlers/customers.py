"""Customers from the command line."""

from collections.abc import Mapping

from bursar.budgets.models import Budget, Fund
from bursar.cli.handlers.budgets import budget_table
from bursar.cli.handlers.funds import fund_table
from bursar.cli.handlers.shapes import budget_shape, customer_shape, fund_shape
from bursar.cli.output import Answer, Part, facts, heading, table
from bursar.cli.values import uuid_of
from bursar.kernel.actor import CONSOLE
from bursar.people.models import Customer, Membership, Person
from bursar.people.selectors import find_customer
from bursar.people.services import change_customer, create_customer


def create(name: str, details: dict[str, object]) -> Answer:
    """Make a customer."""
    details["uuid"] = uuid_of(str(details["uuid"]), "a customer") if details.get("uuid") else ""
    row = create_customer(name, **details)  # type: ignore[arg-type]
    done = f"Customer {row.slug} is there. Next: bursar fund create --customer {row.slug} --title … --deposit …"
    return Answer(customer_shape(row), (_facts(row), done))


def change(reference: str, changes: Mapping[str, object]) -> Answer:
    """Change what is named of a customer."""
    row = change_customer(find_customer(reference, None).pk, changes, actor=CONSOLE)
    return Answer(customer_shape(row), (_facts(row),))


def list_all() -> Answer:
    """Name every customer."""
    rows = list(Customer.objects.all())
    shown = table(
        ("Slug", "Name", "Contact", "Uuid"), [(row.slug, row.name, row.contact_email, row.pk) for row in rows]
    )
    empty = "There is no customer yet: bursar customer create NAME, or bursar demo."
    return Answer({"customers": [customer_shape(row) for row in rows]}, (shown if rows else empty,))


def show(reference: str) -> Answer:
    """Tell what is known of a customer, with its funds and budgets."""
    row = find_customer(reference, None)
    funds = list(Fund.objects.filter(customer=row))
    budgets = list(Budget.objects.filter(customer=row).select_related("fund"))
    people = Person.objects.filter(customer=row, erased_at=None).count()
    members = Membership.objects.filter(customer=row, user__isnull=False).count()
    data = customer_shape(row) | {
        "people": people,
        "members": members,
        "funds": [fund_shape(fund) for fund in funds],
        "budgets": [budget_shape(budget) for budget in budgets],
    }
    parts: list[Part] = [_facts(row), facts((("People known", people), ("Members with an account", members)))]
    parts += [heading("Funds"), fund_table(funds)] if funds else []
    parts += [heading("Budgets"), budget_table(budgets)] if budgets else []
    return Answer(data, parts)


def _facts(row: Customer) -> Part:
    return facts((
        ("Customer", row.name),
        ("Slug", row.slug),
        ("Uuid", row.pk),
        ("Contact", row.contact_email or None),
        ("Language, time zone", f"{row.language}, {row.time_zone}"),
        ("Colour", row.brand_color),
        ("Logo", row.logo_url or None),
        ("Prices in mails", "shown" if row.show_price else "not shown"),
    ))  # fmt: skip

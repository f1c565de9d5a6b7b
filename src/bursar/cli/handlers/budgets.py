"""Budgets from the command line: how much of a fund may be spent on which courses."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from bursar.assignments import flows
from bursar.assignments.selectors import counts_by_state
from bursar.budgets import services
from bursar.budgets.models import Budget, Fund
from bursar.budgets.selectors import balance, find_budget, find_fund
from bursar.catalog.models import Catalog
from bursar.catalog.selectors import find_catalog
from bursar.cli.failures import amounts_in
from bursar.cli.handlers.shapes import budget_shape
from bursar.cli.output import Answer, Part, facts, heading, table
from bursar.cli.values import cents, date_text, money
from bursar.people.selectors import find_customer


def create(fund: str, *, name: str, limit: str, catalog: str | None, description: str) -> Answer:
    """Make a budget that assigns."""
    source = find_fund(fund, None)
    courses = find_catalog(catalog, customer_uuid=source.customer_id) if catalog else None
    made = flows.create_assignable_budget(
        source.pk,
        display_name=name,
        limit_cents=cents(limit),
        catalog=courses.pk if courses else None,
        description=description,
    )
    return _told(made)


def set_limit(reference: str, amount: str) -> Answer:
    """Change the limit of a budget."""
    row = find_budget(reference, None)
    with amounts_in(row.fund.currency):
        return _told(services.set_limit(row.pk, cents(amount)))


def change(reference: str, changes: Mapping[str, str]) -> Answer:
    """Change a budget's `display_name`, `description` or `catalog` ("": every course)."""
    row = find_budget(reference, None)
    terms: dict[str, Any] = dict(changes)
    if "catalog" in terms:
        catalog = terms.pop("catalog")
        terms["catalog_id"] = find_catalog(catalog, customer_uuid=row.customer_id).pk if catalog else None
    return _told(services.change_budget(row.pk, terms))


def retire(reference: str) -> Answer:
    """Take a budget out of use."""
    return _told(services.retire(find_budget(reference, None).pk))


def list_all(customer: str | None) -> Answer:
    """Name the budgets, of one customer or of all."""
    rows = Budget.objects.select_related("fund", "customer")
    found = list(rows.filter(customer=find_customer(customer, None)) if customer else rows)
    empty = "There is no budget yet: bursar budget create --fund … --name … --limit …"
    return Answer({"budgets": [budget_shape(row) for row in found]}, (budget_table(found) if found else empty,))


def show(reference: str) -> Answer:
    """Tell what a budget has left, and how many assignments it pays for in each state."""
    row = find_budget(reference, None)
    counts = counts_by_state(row.assignment_configuration_id)
    data = budget_shape(row) | {"counts": counts}
    parts = [_facts(row), heading("Assignments"), facts([*counts.items()]) if counts else "None yet."]
    return Answer(data, parts, overcommitment(row.fund))


def budget_table(rows: Sequence[Budget]) -> Table:
    """Return budgets, loaded with their funds, as a table."""
    return table(
        ("Name", "Limit", "Held", "Spent", "Available", "", "Uuid"),
        [
            (
                row.display_name,
                money(row.limit_cents, row.fund.currency),
                money(row.held_cents),
                money(row.spent_cents),
                money(balance(row).available_cents),
                "" if row.usable else "retired" if row.retired else "inactive",
                row.pk,
            )
            for row in rows
        ],
        right=("Limit", "Held", "Spent", "Available"),
    )


def _told(changed: Budget) -> Answer:
    row = find_budget(changed.pk, None)
    over = services.overcommitted_cents(row.fund_id)
    return Answer(budget_shape(row) | {"overcommitted_cents": over}, (_facts(row),), overcommitment(row.fund))


def overcommitment(fund: Fund) -> tuple[str, ...]:
    """Return the note that the limits on a fund promise more than it has; no error (ruling 25)."""
    over = services.overcommitted_cents(fund.pk)
    if not over:
        return ()
    missing = money(over, fund.currency)
    return (
        f"Note: the limits on the fund {fund.title} are together {missing} above what it can pay; it will stop first.",
    )


def _facts(row: Budget) -> Part:
    courses = (
        Catalog.objects.filter(pk=row.catalog_id).values_list("title", flat=True).first() if row.catalog_id else None
    )
    currency = row.fund.currency
    return facts((
        ("Budget", row.display_name),
        ("Description", row.description or None),
        ("Uuid", row.pk),
        ("Fund", row.fund.title),
        ("Courses", courses or "all"),
        ("Limit", money(row.limit_cents, currency)),
        ("Held", money(row.held_cents, currency)),
        ("Spent", money(row.spent_cents, currency)),
        ("Available", money(balance(row).available_cents, currency)),
        ("Retired", date_text(row.retired_at) if row.retired else None),
    ))  # fmt: skip

"""Funds from the command line: money in, corrections, the end."""

from collections.abc import Sequence
from typing import Final

from rich.table import Table

from bursar.assignments import flows
from bursar.budgets import services
from bursar.budgets.models import Budget, Fund, LedgerEntry
from bursar.budgets.selectors import find_fund
from bursar.cli.failures import amounts_in
from bursar.cli.handlers.budgets import budget_table, overcommitment
from bursar.cli.handlers.shapes import budget_shape, entry_shape, fund_shape
from bursar.cli.output import Answer, Part, facts, heading, table
from bursar.cli.values import cents, date_text, moment, money
from bursar.kernel.actor import CONSOLE
from bursar.people.selectors import find_customer

ENTRIES_SHOWN: Final = 20


def create(
    customer: str, *, title: str, deposit: str | None, currency: str, starts: str | None, expires: str | None
) -> Answer:
    """Make a fund."""
    row = services.create_fund(
        find_customer(customer, None).pk,
        title=title,
        deposit_cents=0 if deposit is None else services.check_amount(cents(deposit)),
        currency=currency.upper(),
        starts_at=None if starts is None else moment(starts, "--starts"),
        expires_at=None if expires is None else moment(expires, "--expires"),
    )
    return Answer(fund_shape(row), (_facts(row),))


def deposit(reference: str, amount: str, *, reason: str, key: str) -> Answer:
    """Put money in."""
    row = services.deposit(find_fund(reference, None).pk, cents(amount), reason=reason, idempotency_key=key)
    return Answer(fund_shape(row), (_facts(row),))


def adjust(reference: str, amount: str, *, reason: str, key: str) -> Answer:
    """Correct the balance, up or down."""
    change = cents(amount, signed=True)
    found = find_fund(reference, None)
    with amounts_in(found.currency):
        row = services.adjust(found.pk, change, reason=reason, idempotency_key=key)
    return Answer(fund_shape(row), (_facts(row),))


def set_end(reference: str, *, ends: str | None) -> Answer:
    """Change when a fund ends, and the expiries that follow from it."""
    ends_at = None if ends is None else moment(ends, "The end")
    row, moved = flows.change_fund_end(find_fund(reference, None).pk, ends_at, actor=CONSOLE)
    said = f"{moved} open {'assignment has' if moved == 1 else 'assignments have'} another expiry now."
    return Answer(fund_shape(row) | {"rescheduled": moved}, (_facts(row), said))


def list_all(customer: str | None) -> Answer:
    """Name the funds, of one customer or of all."""
    rows = Fund.objects.select_related("customer")
    found = list(rows.filter(customer=find_customer(customer, None)) if customer else rows)
    shown = (
        fund_table(found) if found else "There is no fund yet: bursar fund create --customer … --title … --deposit …"
    )
    return Answer({"funds": [fund_shape(row) for row in found]}, (shown,))


def show(reference: str) -> Answer:
    """Tell what a fund has, who draws on it, and its newest ledger entries."""
    row = find_fund(reference, None)
    budgets = list(Budget.objects.filter(fund=row).select_related("fund"))
    entries = list(LedgerEntry.objects.filter(fund=row).order_by("-sequence")[:ENTRIES_SHOWN])
    over = services.overcommitted_cents(row.pk)
    data = fund_shape(row) | {
        "overcommitted_cents": over,
        "budgets": [budget_shape(budget) for budget in budgets],
        "entries": [entry_shape(entry) for entry in entries],
    }
    parts: list[Part] = [_facts(row)]
    parts += [heading("Budgets"), budget_table(budgets)] if budgets else []
    parts += [heading("Ledger, newest first"), _ledger(entries, row.currency)] if entries else []
    return Answer(data, parts, overcommitment(row))


def fund_table(rows: Sequence[Fund]) -> Table:
    """Return funds as a table."""
    return table(
        ("Title", "Balance", "Held", "Free", "Ends", "Uuid"),
        [
            (
                row.title,
                money(row.balance_cents, row.currency),
                money(row.held_cents),
                money(row.free_cents),
                date_text(row.expires_at),
                row.pk,
            )
            for row in rows
        ],
        right=("Balance", "Held", "Free"),
    )


def _facts(row: Fund) -> Part:
    return facts((
        ("Fund", row.title),
        ("Uuid", row.pk),
        ("Balance", money(row.balance_cents, row.currency)),
        ("Held by budgets", money(row.held_cents, row.currency)),
        ("Free", money(row.free_cents, row.currency)),
        ("Starts", date_text(row.starts_at, otherwise="at once")),
        ("Ends", date_text(row.expires_at)),
    ))  # fmt: skip


def _ledger(entries: Sequence[LedgerEntry], currency: str) -> Table:
    return table(
        ("No.", "When", "What", "Amount", "Reason"),
        [
            (entry.sequence, date_text(entry.created), entry.kind, money(entry.amount_cents, currency), entry.reason)
            for entry in entries
        ],
        right=("No.", "Amount"),
    )

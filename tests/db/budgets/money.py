"""How the tests of money move it: as a verb does, at the end of a transaction."""

from django.db import transaction

from bursar.budgets.models import Budget, Fund
from bursar.budgets.services import move_money


def move(budget, change):
    """Apply one change to one budget."""
    move_all({budget.pk: change})


def move_all(changes):
    """Apply changes by the keys of budgets, or none of them."""
    with transaction.atomic():
        move_money(changes)


def counters(budget):
    """Return held and spent of a budget, then held and balance of its fund, as stored."""
    row = Budget.objects.get(pk=budget.pk)
    fund = Fund.objects.get(pk=row.fund_id)
    return (row.held_cents, row.spent_cents, fund.held_cents, fund.balance_cents)

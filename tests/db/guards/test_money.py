"""Each guard of the money by itself: what would go wrong if it alone were gone."""

import pytest
from django.db import connection

from bursar.assignments.audit import run_audit
from bursar.assignments.flows import AllocationRequest, allocate, redeem_many
from bursar.assignments.services import RedemptionRequest, cancel_many, reverse_many
from bursar.budgets.models import LedgerEntry, Reversal
from bursar.budgets.services import Change, OverBudget, deposit, move_money
from bursar.kernel.actor import CONSOLE
from bursar.kernel.transactions import writes
from bursar.testing import factories

pytestmark = pytest.mark.django_db

PRICE = factories.PRICE_CENTS


def hold(budget, cents):
    writes(move_money)({budget.pk: Change(held_cents=cents)})


def assign(budget, people=1):
    """Assign the course to so many people and return the assignments."""
    request = AllocationRequest(budget, factories.COURSE)
    return [placed.assignment for placed in allocate(request, factories.make_people(people), actor=CONSOLE).created]


@pytest.fixture
def house():
    factories.make_course()
    return factories.make_house(deposit_cents=100_000, limit_cents=50_000)


def test_the_budget_itself_refuses_a_promise_beyond_its_limit_whoever_has_looked_before(house):
    hold(house.budget, 50_000)
    with pytest.raises(OverBudget) as refusal:
        hold(house.budget, 1)
    assert refusal.value.facts == {"budget": str(house.budget.pk)}
    assert factories.reload(house.budget).held_cents == 50_000


def test_the_fund_itself_refuses_a_promise_beyond_its_balance_whoever_has_looked_before(house):
    other = factories.make_budget(house.fund, limit_cents=100_000)
    hold(house.budget, 50_000)
    with pytest.raises(OverBudget) as refusal:
        hold(other, 50_001)
    assert refusal.value.facts == {"fund": str(house.fund.pk)}
    assert factories.reload(other).held_cents == 0


def test_a_cancelled_assignment_gives_its_money_back(house):
    keys = assign(house.budget)
    assert factories.reload(house.budget).held_cents == PRICE
    cancel_many(keys, actor=CONSOLE)
    row = factories.reload(house.budget)
    assert (row.held_cents, row.fund.held_cents) == (0, 0)


def test_entries_written_in_one_commit_are_sealed_each_with_the_one_before(house):
    keys = assign(house.budget, 3)
    redeem_many([RedemptionRequest(key) for key in keys], actor=CONSOLE)
    chain = list(LedgerEntry.objects.filter(fund=house.fund).order_by("sequence").values_list("previous_hash", "hash"))
    assert len(chain) == 4
    assert [previous for previous, _ in chain] == ["", *[sealed for _, sealed in chain[:-1]]]
    assert factories.reload(house.budget).fund.ledger_head == chain[-1][1]


def test_the_audit_sees_an_entry_that_was_changed_behind_our_back(house):
    (entry,) = LedgerEntry.objects.filter(fund=house.fund)
    assert run_audit() == []
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {LedgerEntry._meta.db_table} SET reason = 'a gift'")
    assert [(found.code, found.subject) for found in run_audit()] == [
        ("ledger_broken", f"fund {house.fund.pk} entry {entry.sequence}")
    ]


def test_a_reversal_asked_for_twice_pays_back_once_and_is_answered_the_second_time_too(house):
    (key,) = assign(house.budget)
    redeem_many([RedemptionRequest(key)], actor=CONSOLE)
    assert [reverse_many([key], actor=CONSOLE).done for _ in range(2)] == [{key: "reversed"}, {key: "unchanged"}]
    assert Reversal.objects.count() == LedgerEntry.objects.filter(kind="reversal").count() == 1
    row = factories.reload(house.budget)
    assert (row.spent_cents, row.fund.balance_cents) == (0, 100_000)


def test_a_deposit_under_the_same_key_is_booked_once(house):
    for _ in range(2):
        deposit(house.fund.pk, 700, idempotency_key="transfer 4711")
    assert factories.reload(house.budget).fund.balance_cents == 100_700

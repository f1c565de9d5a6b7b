"""move_money: the guard is in the UPDATE itself, last in the transaction, all or nothing."""

from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.db.budgets.money import counters, move, move_all

from bursar.budgets.models import Budget, EntryKind, Fund, LedgerEntry
from bursar.budgets.services import Change, Entry, OverBudget, move_money, retire
from bursar.people.models import Customer
from bursar.testing.factories import make_budget, make_fund, make_house

pytestmark = pytest.mark.django_db


def spent(cents):
    """Return what redeeming held money does."""
    return Change(-cents, cents, [Entry(EntryKind.REDEMPTION, -cents, str(uuid4()))])


def refunded(cents):
    return Change(0, -cents, [Entry(EntryKind.REVERSAL, cents, str(uuid4()))])


def test_holding_releasing_spending_and_refunding(house):
    move(house.budget, Change(held_cents=300))
    assert counters(house.budget) == (300, 0, 300, 1_000_000)
    move(house.budget, Change(held_cents=-100))
    assert counters(house.budget) == (200, 0, 200, 1_000_000)
    move(house.budget, spent(150))
    assert counters(house.budget) == (50, 150, 50, 999_850)
    move(house.budget, refunded(150))
    assert counters(house.budget) == (50, 0, 50, 1_000_000)


def test_the_last_cent_can_be_promised_and_no_more(house):
    move(house.budget, Change(held_cents=500_000))
    with pytest.raises(OverBudget) as caught:
        move(house.budget, Change(held_cents=1))
    assert caught.value.code == "over_budget"
    assert caught.value.facts == {"budget": str(house.budget.pk)}
    assert counters(house.budget) == (500_000, 0, 500_000, 1_000_000)


def test_what_is_spent_counts_against_the_limit(house):
    move(house.budget, Change(held_cents=500_000))
    move(house.budget, spent(500_000))
    with pytest.raises(OverBudget):
        move(house.budget, Change(held_cents=1))


@pytest.mark.parametrize("change", [Change(held_cents=-1), Change(spent_cents=-1), Change(held_cents=-301)])
def test_no_more_is_given_back_than_there_is(house, change):
    if change.held_cents == -301:
        move(house.budget, Change(held_cents=300))
    before = counters(house.budget)
    with pytest.raises(OverBudget):
        move(house.budget, change)
    assert counters(house.budget) == before


def test_two_budgets_together_cannot_promise_more_than_their_fund_has(house):
    other = make_budget(house.fund, limit_cents=900_000)
    move(house.budget, Change(held_cents=500_000))
    with pytest.raises(OverBudget) as caught:
        move(other, Change(held_cents=500_001))
    assert caught.value.facts == {"fund": str(house.fund.pk)}
    assert counters(other) == (0, 0, 500_000, 1_000_000)
    move(other, Change(held_cents=500_000))
    assert counters(other) == (500_000, 0, 1_000_000, 1_000_000)


def test_several_budgets_and_funds_move_together_or_not_at_all(house):
    second, elsewhere = make_budget(house.fund), make_house(deposit_cents=50).budget
    changes = {item.pk: Change(held_cents=100) for item in (house.budget, second, elsewhere)}
    with pytest.raises(OverBudget):
        move_all(changes)
    assert [counters(item)[0] for item in (house.budget, second, elsewhere)] == [0, 0, 0]
    changes[elsewhere.pk] = Change(held_cents=50)
    move_all(changes)
    assert [counters(item)[0] for item in (house.budget, second, elsewhere)] == [100, 100, 50]
    assert (counters(second)[2], counters(elsewhere)[2]) == (200, 50)


@pytest.mark.parametrize("out_of_use", ["retired", "inactive"])
def test_only_a_budget_in_use_promises_more(house, out_of_use):
    move(house.budget, Change(held_cents=300))
    if out_of_use == "retired":
        retire(house.budget.pk)
    else:
        Budget.objects.filter(pk=house.budget.pk).update(active=False)
    with pytest.raises(OverBudget):
        move(house.budget, Change(held_cents=1))
    move(house.budget, Change(held_cents=-100))
    move(house.budget, spent(100))
    assert counters(house.budget) == (100, 100, 100, 999_900)


def test_a_change_of_nothing_costs_nothing(house, django_assert_max_num_queries):
    with transaction.atomic(), django_assert_max_num_queries(1):
        move_money({house.budget.pk: Change()})


def test_a_budget_that_there_is_not_is_over_budget():
    with pytest.raises(OverBudget):
        move_all({uuid4(): Change(held_cents=1)})


def test_money_moves_only_inside_a_transaction(house, monkeypatch):
    monkeypatch.setattr("bursar.kernel.transactions.connection", type("Closed", (), {"in_atomic_block": False}))
    with pytest.raises(transaction.TransactionManagementError):
        move_money({house.budget.pk: Change(held_cents=1)})


def test_budgets_are_locked_in_the_order_of_their_keys_and_funds_after_them():
    budgets = [make_house().budget for _ in range(4)]
    with transaction.atomic(), CaptureQueriesContext(connection) as seen:
        move_money(
            {budget.pk: Change(held_cents=1) for budget in sorted(budgets, key=lambda item: item.pk, reverse=True)}
        )
    updates = [query["sql"] for query in seen if query["sql"].startswith("UPDATE")]
    keys = [*sorted(budget.pk for budget in budgets), *sorted(budget.fund_id for budget in budgets)]
    assert len(updates) == len(keys)
    for key, sql in zip(keys, updates, strict=True):
        assert key.hex in sql.replace("-", "")


def test_entries_are_numbered_and_chained_across_budgets(house):
    other = make_budget(house.fund)
    move_all({item.pk: Change(held_cents=100) for item in (house.budget, other)})
    move_all({house.budget.pk: spent(60), other.pk: spent(40)})
    rows = list(LedgerEntry.objects.filter(fund=house.fund))
    assert [row.sequence for row in rows] == [1, 2, 3]
    assert {(row.budget_id, row.amount_cents) for row in rows[1:]} == {(house.budget.pk, -60), (other.pk, -40)}
    assert counters(house.budget)[3] == 999_900


WALKS = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(["hold", "release", "spend", "refund"]), st.integers(0, 120)),
    max_size=15,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(WALKS)
def test_after_any_walk_the_counters_equal_a_model_and_nothing_is_overspent(steps):
    with transaction.atomic():
        fund = make_budgetless_fund(200)
        limits = [100, 150, 30]
        budgets = [
            Budget.objects.create(customer_id=fund.customer_id, fund=fund, limit_cents=limit) for limit in limits
        ]
        held, used, balance = [0, 0, 0], [0, 0, 0], 200
        for which, what, cents in steps:
            change, delta_held, delta_used = _change(what, cents)
            fits = _fits(limits[which], held[which] + delta_held, used[which] + delta_used)
            fits = fits and sum(held) + delta_held <= balance - delta_used
            try:
                with transaction.atomic():
                    move_money({budgets[which].pk: change})
                went = True
            except OverBudget:
                went = False
            assert went == fits
            if went:
                held[which], used[which], balance = (
                    held[which] + delta_held,
                    used[which] + delta_used,
                    balance - delta_used,
                )
            for budget, in_hold, in_use in zip(budgets, held, used, strict=True):
                assert counters(budget) == (in_hold, in_use, sum(held), balance)
        assert Fund.objects.get(pk=fund.pk).balance_cents == 200 + sum(
            LedgerEntry.objects.filter(fund=fund).values_list("amount_cents", flat=True)
        )
        transaction.set_rollback(True)


def make_budgetless_fund(cents):
    """Return a fund made past the services, which open transactions of their own."""
    customer = Customer.objects.create(name="Walk", slug=uuid4().hex)
    return Fund.objects.create(customer=customer, title="Walk", balance_cents=cents)


def _change(what, cents):
    """Return a change with what it does to held and spent."""
    changes = {
        "hold": (Change(cents), cents, 0),
        "release": (Change(-cents), -cents, 0),
        "spend": (spent(cents), -cents, cents),
        "refund": (refunded(cents), 0, -cents),
    }
    return changes[what]


def _fits(limit, held, used):
    return held >= 0 and used >= 0 and held + used <= limit


def test_a_fund_of_another_customer_is_untouched(house):
    other = make_fund()
    move(house.budget, Change(held_cents=1))
    assert Fund.objects.get(pk=other.pk).held_cents == 0

"""The audit of money names every difference between counters, ledger, transactions and reversals, and only those."""

from uuid import uuid4

import pytest
from tests.db.budgets.money import move
from tests.db.records.rows import raw

from bursar.budgets.audit import audit_money
from bursar.budgets.models import Budget, EntryKind, Fund, LedgerEntry, Reversal, Transaction
from bursar.budgets.services import Change, Entry, deposit

pytestmark = pytest.mark.django_db
LEDGER = "bursar_budgets_ledgerentry"


@pytest.fixture
def money(house):
    """A ledger of six entries: two deposits, two payments, one of them given back, one more deposit."""
    deposit(house.fund.pk, 500)
    move(house.budget, Change(held_cents=300))
    paid = [redeem(house, cents) for cents in (100, 200)]
    entry = LedgerEntry.objects.get(transaction=paid[0])
    move(house.budget, Change(0, -100, [Entry(EntryKind.REVERSAL, 100, "back", paid[0].pk, entry.pk)]))
    Reversal.objects.create(transaction=paid[0], idempotency_key="back", quantity=100)
    deposit(house.fund.pk, 7)
    return paid


def redeem(house, cents):
    paid = Transaction.objects.create(
        fund=house.fund, budget=house.budget, state="committed", idempotency_key=uuid4().hex, assignment_uuid=uuid4(),
        lms_user_id=7, content_key="x", quantity=-cents,
    )  # fmt: skip
    move(house.budget, Change(-cents, cents, [Entry(EntryKind.REDEMPTION, -cents, uuid4().hex, paid.pk)]))
    return paid


def found():
    return [(item.code, item.expected, item.found) for item in audit_money()]


def codes():
    return [item.code for item in audit_money()]


def test_what_is_right_has_no_difference(money):
    assert found() == []


def test_an_empty_house_has_no_difference():
    assert found() == []


def test_differences_name_the_row_and_say_it_in_words(money, house):
    raw(f"UPDATE {LEDGER} SET reason = 'another' WHERE sequence = 3")
    (difference,) = audit_money()
    assert difference.subject == f"fund {house.fund.pk} entry 3"
    assert difference.message.endswith(".")
    assert difference.expected != difference.found


@pytest.mark.parametrize(
    "change",
    ["reason = 'another'", "created = created_at_moved", "hash = 'x'", "previous_hash = 'x'", "idempotency_key = 'x'"],
)
def test_an_entry_that_was_changed_is_named(money, change):
    change = change.replace("created_at_moved", "'2020-01-01 00:00:00+00'")
    raw(f"UPDATE {LEDGER} SET {change} WHERE sequence = 2")
    assert codes() == ["ledger_broken"]


def test_an_amount_that_was_changed_is_named_with_all_that_follows(money):
    raw(f"UPDATE {LEDGER} SET amount_cents = amount_cents + 1 WHERE sequence = 2")
    assert codes() == ["ledger_broken", "fund_balance"]


def test_only_the_first_broken_entry_is_named(money):
    raw(f"UPDATE {LEDGER} SET reason = 'another' WHERE sequence IN (2, 4)")
    (difference,) = audit_money()
    assert difference.subject.endswith("entry 2")


def test_an_entry_missing_in_between_is_named(money):
    raw(f"DELETE FROM {LEDGER} WHERE sequence = 2")
    assert found()[0] == ("ledger_gap", 2, 3)


def test_entries_cut_off_the_end_are_named(money):
    raw(f"DELETE FROM {LEDGER} WHERE sequence = 6")
    assert found() == [("ledger_cut", 6, 5), ("fund_balance", 1_000_300, 1_000_307)]


def test_a_ledger_cut_off_whole_is_named(house):
    raw(f"DELETE FROM {LEDGER}")
    assert codes() == ["ledger_cut", "fund_balance"]


def test_a_head_that_was_changed_is_named(money):
    Fund.objects.update(ledger_head="x")
    assert codes() == ["ledger_cut"]


def test_a_balance_that_was_changed_is_named(money):
    Fund.objects.update(balance_cents=1_000_308)
    assert found() == [("fund_balance", 1_000_307, 1_000_308)]


def test_a_fund_that_holds_something_else_than_its_budgets_is_named(money):
    Fund.objects.update(held_cents=5)
    assert found() == [("fund_held", 0, 5)]


def test_a_budget_that_spent_something_else_than_the_ledger_says_is_named(money):
    Budget.objects.update(spent_cents=199)
    assert found() == [("budget_spent", 200, 199)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"quantity": -150}, ("transaction_booking", -150, -200)),
        ({"state": "pending"}, ("transaction_booking", 0, -200)),
        ({"state": "failed"}, ("transaction_booking", 0, -200)),
        ({"state": "created"}, ("transaction_booking", 0, -200)),
    ],
)
def test_a_transaction_that_the_ledger_books_otherwise_is_named(money, values, expected):
    Transaction.objects.filter(pk=money[1].pk).update(**values)
    assert found() == [expected]


def test_a_transaction_that_is_not_booked_is_named(money, house):
    Transaction.objects.create(
        fund=house.fund, budget=house.budget, state="committed", idempotency_key="x", assignment_uuid=uuid4(),
        lms_user_id=7, content_key="x", quantity=-5,
    )  # fmt: skip
    assert found() == [("transaction_booking", -5, 0)]


def test_a_free_transaction_needs_no_booking(house):
    Transaction.objects.create(
        fund=house.fund, budget=house.budget, state="committed", idempotency_key="x", assignment_uuid=uuid4(),
        lms_user_id=7, content_key="x", quantity=0,
    )  # fmt: skip
    assert found() == []


def test_a_transaction_booked_twice_is_named(money, house):
    move(house.budget, Change(200))
    move(house.budget, Change(-200, 200, [Entry(EntryKind.REDEMPTION, -200, "twice", money[1].pk)]))
    assert found() == [("transaction_booking", -200, -400)]


def test_a_transaction_booked_in_halves_is_named(money, house):
    move(house.budget, Change(200))
    half = redeem(house, 100)
    move(house.budget, Change(-100, 100, [Entry(EntryKind.REDEMPTION, -100, "second half", half.pk)]))
    Transaction.objects.filter(pk=half.pk).update(quantity=-200)
    assert codes() == ["transaction_booking"]


def test_a_reversal_that_gives_back_another_amount_is_named(money):
    Reversal.objects.update(quantity=99)
    assert found() == [("reversal_booking", 99, 100), ("reversal_amount", 100, 99)]


def test_a_reversal_that_is_not_booked_is_named(money):
    Reversal.objects.create(transaction=money[1], idempotency_key="x", quantity=200)
    assert found() == [("reversal_booking", 200, 0)]

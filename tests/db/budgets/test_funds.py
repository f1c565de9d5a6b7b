"""Funds: made, filled and corrected; amounts, currency and dates that cannot be."""

from datetime import timedelta
from uuid import uuid4

import pytest
from tests.db.budgets.money import move
from tests.db.records.rows import DAY, NOON

from bursar.budgets.models import EntryKind, Fund, LedgerEntry
from bursar.budgets.selectors import find_fund
from bursar.budgets.services import (
    LARGEST_AMOUNT,
    Change,
    Entry,
    adjust,
    check_amount,
    create_fund,
    deposit,
    overcommitted_cents,
    retire,
    set_fund_end,
)
from bursar.kernel import clock
from bursar.kernel.errors import BadInput, NotFound, Refused
from bursar.testing.factories import make_budget, make_customer, make_fund

pytestmark = pytest.mark.django_db
NO_AMOUNTS = [0, -1, True, False, 49.0, 49.5, "4900", None, LARGEST_AMOUNT + 1, 10**30, float("nan"), float("inf")]


def entries(fund):
    rows = LedgerEntry.objects.filter(fund=fund.pk)
    return list(rows.values_list("sequence", "kind", "amount_cents", "currency", "reason"))


@pytest.mark.parametrize("cents", [1, 4900, LARGEST_AMOUNT])
def test_an_amount_is_a_whole_number_of_cents_above_nothing(cents):
    assert check_amount(cents) == cents


@pytest.mark.parametrize("cents", NO_AMOUNTS)
def test_what_is_no_amount_is_refused(cents, house):
    for refuse in (check_amount, lambda cents: deposit(house.fund.pk, cents)):
        with pytest.raises(BadInput) as caught:
            refuse(cents)
        assert caught.value.code == "invalid_amount"
    assert Fund.objects.get(pk=house.fund.pk).balance_cents == 1_000_000


def test_a_fund_starts_with_its_first_deposit():
    customer = make_customer()
    with clock.at(NOON):
        fund = create_fund(
            customer.pk, title=" Training ", deposit_cents=5000, currency="EUR", starts_at=NOON, expires_at=NOON + DAY
        )
    assert (fund.customer, fund.title, fund.currency) == (customer, "Training", "EUR")
    assert (fund.balance_cents, fund.held_cents, fund.free_cents, fund.ledger_length) == (5000, 0, 5000, 1)
    assert entries(fund) == [(1, "deposit", 5000, "EUR", "initial deposit")]
    assert LedgerEntry.objects.get().created == NOON


def test_a_fund_may_be_empty():
    fund = make_fund(deposit_cents=0)
    assert (fund.balance_cents, fund.ledger_length, fund.currency, entries(fund)) == (0, 0, "USD", [])


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"title": ""}, "missing_title"),
        ({"title": "  "}, "missing_title"),
        ({"title": "x" * 256}, "too_long"),
        ({"currency": "usd"}, "invalid_currency"),
        ({"currency": "US"}, "invalid_currency"),
        ({"currency": "USDX"}, "invalid_currency"),
        ({"currency": "U$D"}, "invalid_currency"),
        ({"currency": "US1"}, "invalid_currency"),
        ({"currency": "ÄÖÜ"}, "invalid_currency"),
        ({"currency": ""}, "invalid_currency"),
        ({"starts_at": NOON, "expires_at": NOON}, "invalid_dates"),
        ({"starts_at": NOON, "expires_at": NOON - DAY}, "invalid_dates"),
        ({"deposit_cents": -1}, "invalid_amount"),
        ({"deposit_cents": 0.5}, "invalid_amount"),
        ({"deposit_cents": LARGEST_AMOUNT + 1}, "invalid_amount"),
    ],
)
def test_a_fund_that_cannot_be_is_refused_and_nothing_is_made(facts, code):
    customer = make_customer()
    with pytest.raises(BadInput) as caught:
        create_fund(customer.pk, **{"title": "Fund", **facts})
    assert caught.value.code == code
    assert not Fund.objects.exists()


def test_a_deposit_adds_to_the_balance_and_the_ledger(house):
    fund = deposit(house.fund.pk, 250, reason="second half")
    assert (fund.balance_cents, fund.ledger_length) == (1_000_250, 2)
    assert entries(fund)[1] == (2, "deposit", 250, "USD", "second half")


def test_a_deposit_with_the_same_key_is_made_once(house):
    for _ in range(3):
        fund = deposit(house.fund.pk, 250, idempotency_key="order 4711")
    assert (fund.balance_cents, len(entries(fund))) == (1_000_250, 2)


def test_a_key_used_for_another_amount_is_refused(house):
    deposit(house.fund.pk, 250, idempotency_key="order 4711")
    with pytest.raises(Refused) as caught:
        deposit(house.fund.pk, 251, idempotency_key="order 4711")
    assert caught.value.code == "idempotency_key_reused"
    assert Fund.objects.get(pk=house.fund.pk).balance_cents == 1_000_250


def test_keys_are_apart_by_fund_and_by_kind(house):
    other = make_fund()
    deposit(house.fund.pk, 250, idempotency_key="same")
    deposit(other.pk, 250, idempotency_key="same")
    fund = adjust(house.fund.pk, 250, reason="once more", idempotency_key="same")
    assert (fund.balance_cents, len(entries(fund))) == (1_000_500, 3)


def test_without_a_key_every_deposit_counts(house):
    deposit(house.fund.pk, 250)
    assert deposit(house.fund.pk, 250).balance_cents == 1_000_500


@pytest.mark.parametrize("cents", [250, -250])
def test_an_adjustment_is_signed_and_has_a_reason(house, cents):
    fund = adjust(house.fund.pk, cents, reason="bank charges")
    assert fund.balance_cents == 1_000_000 + cents
    assert entries(fund)[1] == (2, "adjustment", cents, "USD", "bank charges")


@pytest.mark.parametrize("reason", ["", "  "])
def test_an_adjustment_without_a_reason_is_refused(house, reason):
    with pytest.raises(BadInput) as caught:
        adjust(house.fund.pk, 250, reason=reason)
    assert caught.value.code == "missing_reason"
    assert len(entries(house.fund)) == 1


@pytest.mark.parametrize("cents", [0, True, 0.5, -LARGEST_AMOUNT - 1, "5", None])
def test_an_adjustment_of_what_is_no_amount_is_refused(house, cents):
    with pytest.raises(BadInput) as caught:
        adjust(house.fund.pk, cents, reason="why")
    assert caught.value.code == "invalid_amount"


def test_an_adjustment_never_takes_what_budgets_hold(house):
    move(house.budget, Change(held_cents=400_000))
    with pytest.raises(Refused) as caught:
        adjust(house.fund.pk, -600_001, reason="why")
    assert (caught.value.code, caught.value.facts["missing_cents"]) == ("fund_balance_exceeded", 1)
    assert len(entries(house.fund)) == 1
    assert adjust(house.fund.pk, -600_000, reason="why").free_cents == 0


@pytest.mark.parametrize("call", [deposit, lambda fund, cents, **key: adjust(fund, cents, reason="why", **key)])
def test_a_key_that_is_too_long_to_keep_is_refused(house, call):
    with pytest.raises(BadInput) as caught:
        call(house.fund.pk, 1, idempotency_key="x" * 201)
    assert caught.value.code == "too_long"
    assert call(house.fund.pk, 1, idempotency_key="x" * 200).balance_cents == 1_000_001


def test_a_long_reason_is_cut(house):
    deposit(house.fund.pk, 1, reason="x" * 1000)
    assert LedgerEntry.objects.last().reason == "x" * 255


def test_money_for_a_fund_that_there_is_not_is_not_found():
    for call in (
        lambda: deposit(uuid4(), 1),
        lambda: adjust(uuid4(), 1, reason="why"),
        lambda: set_fund_end(uuid4(), None),
    ):
        with pytest.raises(NotFound):
            call()


@pytest.mark.parametrize(
    ("starts", "ends", "active"),
    [
        (None, None, True),
        (NOON, None, True),
        (NOON + timedelta(microseconds=1), None, False),
        (None, NOON, False),
        (None, NOON + timedelta(microseconds=1), True),
        (NOON - DAY, NOON + DAY, True),
    ],
)
def test_a_fund_is_active_from_its_start_until_before_its_end(starts, ends, active):
    assert Fund(starts_at=starts, expires_at=ends).is_active(NOON) is active


def test_the_end_of_a_fund_can_be_moved_and_taken_away(house):
    for ends in (NOON, None, NOON + DAY):
        assert set_fund_end(house.fund.pk, ends).expires_at == ends
        assert Fund.objects.get(pk=house.fund.pk).expires_at == ends


def test_a_fund_cannot_end_before_it_starts():
    fund = make_fund(starts_at=NOON)
    for ends in (NOON, NOON - DAY):
        with pytest.raises(BadInput) as caught:
            set_fund_end(fund.pk, ends)
        assert caught.value.code == "invalid_dates"
    assert Fund.objects.get(pk=fund.pk).expires_at is None


def test_changing_the_end_is_history_with_who_did_it_and_leaves_the_counters_alone(house, django_user_model):
    user = django_user_model.objects.create(username="ann")
    stale = Fund.objects.get(pk=house.fund.pk)
    deposit(house.fund.pk, 250)
    set_fund_end(house.fund.pk, NOON, actor_user_id=user.pk)
    row = Fund.objects.get(pk=house.fund.pk)
    assert (row.balance_cents, stale.balance_cents) == (1_000_250, 1_000_000)
    last = row.history.order_by("history_id").last()
    assert (last.history_type, last.history_user_id, last.expires_at) == ("~", user.pk, NOON)


def test_counters_are_in_no_history_and_money_makes_none(house):
    deposit(house.fund.pk, 250)
    names = {field.name for field in Fund.history.model._meta.fields}
    assert not names & {"balance_cents", "held_cents", "ledger_length", "ledger_head"}
    assert [row.history_type for row in house.fund.history.all()] == ["+"]


def test_limits_may_pass_the_deposits_and_the_admin_is_told_by_how_much(house):
    assert overcommitted_cents(house.fund.pk) == 0
    other = make_budget(house.fund, limit_cents=700_000)
    assert overcommitted_cents(house.fund.pk) == 200_000
    move(other, Change(held_cents=700_000))
    assert overcommitted_cents(house.fund.pk) == 200_000
    move(other, Change(held_cents=-700_000, spent_cents=700_000, entries=[spending(700_000)]))
    assert overcommitted_cents(house.fund.pk) == 200_000
    retire(other.pk)
    assert overcommitted_cents(house.fund.pk) == 200_000


def spending(cents):
    """Return the entry of a redemption."""
    return Entry(EntryKind.REDEMPTION, -cents, str(uuid4()))


def test_budgets_out_of_use_promise_nothing(house):
    other = make_budget(house.fund, limit_cents=700_000)
    retire(other.pk)
    assert overcommitted_cents(house.fund.pk) == 0
    type(house.budget).objects.filter(pk=house.budget.pk).update(active=False)
    assert overcommitted_cents(house.fund.pk) == 0


def test_a_fund_is_found_by_uuid_or_title(house):
    for reference in (house.fund.pk, str(house.fund.pk), "Fund"):
        assert find_fund(reference, None) == house.fund
        assert find_fund(reference, frozenset({house.customer.pk})) == house.fund


def test_a_fund_of_somebody_else_is_not_found(house):
    for reference in (house.fund.pk, "Fund", "nothing"):
        with pytest.raises(NotFound):
            find_fund(reference, frozenset({make_customer().pk}))


def test_a_title_that_fits_several_funds_is_ambiguous(house):
    make_fund(house.customer)
    with pytest.raises(Refused) as caught:
        find_fund("Fund", None)
    assert caught.value.code == "ambiguous_name"

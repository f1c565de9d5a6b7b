"""The ledger: insert-only, numbered without gaps, chained by hash; transactions and reversals once."""

import hashlib
import json
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from tests.db.budgets.money import counters, move
from tests.db.records.rows import NOON

from bursar.budgets.models import EntryKind, Fund, LedgerEntry, Reversal, Transaction, TransactionState
from bursar.budgets.services import Change, Entry, adjust, deposit
from bursar.kernel import clock
from bursar.kernel.errors import Refused
from bursar.people.models import Customer
from bursar.testing.factories import make_fund

pytestmark = pytest.mark.django_db


def make_transaction(house, **facts):
    given = {
        "idempotency_key": uuid4().hex,
        "assignment_uuid": uuid4(),
        "lms_user_id": 7,
        "content_key": "x",
        "quantity": -100,
    }
    return Transaction.objects.create(fund=house.fund, budget=house.budget, **{**given, **facts})


def book(house, *entries):
    """Write entries to the ledger of the house, as a verb does."""
    move(house.budget, Change(entries=list(entries)))


@pytest.fixture
def ledger(house):
    """A ledger with an entry of every kind."""
    with clock.at(NOON):
        deposit(house.fund.pk, 500, reason='Rate 2 “of” 3; ünïcode, "quotes"')
        adjust(house.fund.pk, -20, reason="bank charges")
        paid = make_transaction(house)
        book(house, Entry(EntryKind.REDEMPTION, -100, "redeemed", paid.pk))
        entry = LedgerEntry.objects.get(idempotency_key="redeemed")
        book(house, Entry(EntryKind.REVERSAL, 100, "reversed", paid.pk, entry.pk))
    return list(LedgerEntry.objects.filter(fund=house.fund))


def sealed(row):
    """Return the hash that an entry must carry, worked out anew from what is stored."""
    facts = [
        row.previous_hash, str(row.fund_id), row.sequence, row.kind, row.amount_cents, row.currency,
        str(row.budget_id) if row.budget_id else None, str(row.transaction_id) if row.transaction_id else None,
        str(row.reverses_id) if row.reverses_id else None, row.reason, row.idempotency_key,
        row.created.isoformat(timespec="microseconds"),
    ]  # fmt: skip
    text = json.dumps(facts, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def test_the_kinds_of_entries():
    assert [kind.value for kind in EntryKind] == ["deposit", "adjustment", "redemption", "reversal"]


def test_entries_are_numbered_without_gaps_and_say_what_moved(ledger, house):
    assert [(row.sequence, row.kind, row.amount_cents) for row in ledger] == [
        (1, "deposit", 1_000_000),
        (2, "deposit", 500),
        (3, "adjustment", -20),
        (4, "redemption", -100),
        (5, "reversal", 100),
    ]
    assert {row.currency for row in ledger} == {"USD"}
    assert [row.budget_id for row in ledger] == [None, None, None, house.budget.pk, house.budget.pk]
    assert ledger[4].reverses == ledger[3]


def test_the_balance_is_the_sum_of_the_ledger(ledger, house):
    fund = Fund.objects.get(pk=house.fund.pk)
    assert fund.balance_cents == sum(row.amount_cents for row in ledger) == 1_000_480
    assert fund.ledger_length == len(ledger)


def test_each_entry_is_sealed_with_the_hash_of_the_one_before(ledger, house):
    before = ""
    for row in ledger:
        assert row.previous_hash == before
        assert row.hash == row.seal() == sealed(row)
        before = row.hash
    assert Fund.objects.get(pk=house.fund.pk).ledger_head == before
    assert len({row.hash for row in ledger}) == len(ledger)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("amount_cents", -101),
        ("sequence", 9),
        ("kind", "deposit"),
        ("currency", "EUR"),
        ("reason", "another"),
        ("idempotency_key", "another"),
        ("created", NOON.replace(microsecond=1)),
        ("previous_hash", "0" * 64),
        ("fund_id", uuid4()),
        ("budget_id", None),
        ("transaction_id", None),
        ("reverses_id", uuid4()),
    ],
)
def test_any_fact_that_is_changed_breaks_the_seal(ledger, name, value):
    row = ledger[3]
    setattr(row, name, value)
    assert row.seal() != row.hash


def test_chains_of_funds_are_apart(house):
    other = make_fund()
    first, second = (LedgerEntry.objects.get(fund=fund) for fund in (house.fund, other))
    assert (first.sequence, second.sequence, second.previous_hash) == (1, 1, "")
    assert first.hash != second.hash


def test_the_currency_of_an_entry_is_that_of_its_fund():
    fund = make_fund(currency="EUR")
    assert LedgerEntry.objects.get(fund=fund).currency == "EUR"


@pytest.mark.parametrize(
    "change",
    [
        lambda row: row.save(),
        lambda row: row.save(update_fields=["reason"]),
        lambda row: row.delete(),
        lambda row: LedgerEntry.objects.filter(pk=row.pk).update(reason="x"),
        lambda row: LedgerEntry.objects.filter(pk=row.pk).delete(),
        lambda row: LedgerEntry.objects.all().delete(),
        lambda row: LedgerEntry.objects.bulk_update([row], ["reason"]),
        lambda row: row.fund.entries.update(reason="x"),
        lambda row: LedgerEntry.objects.update_or_create(pk=row.pk, defaults={"reason": "x"}),
        lambda row: LedgerEntry.objects.bulk_create(
            [row], update_conflicts=True, unique_fields=["uuid"], update_fields=["reason"]
        ),
    ],
)
def test_the_ledger_is_insert_only(ledger, change):
    before = list(LedgerEntry.objects.values())
    with pytest.raises(Refused) as caught, transaction.atomic():
        change(ledger[1])
    assert caught.value.code == "ledger_is_insert_only"
    assert list(LedgerEntry.objects.values()) == before


def test_what_the_ledger_names_cannot_be_deleted(ledger, house):
    for row in (ledger[3].transaction, house.fund, house.budget, house.customer):
        with pytest.raises(Exception, match="protected"), transaction.atomic():
            row.delete()


def test_an_entry_can_be_inserted_by_its_model(house):
    row = LedgerEntry(
        fund=house.fund, sequence=2, kind="deposit", amount_cents=1, currency="USD", idempotency_key="x", hash=""
    )
    row.save()
    assert LedgerEntry.objects.count() == 2


def test_no_two_entries_have_one_number_or_one_key(ledger, house):
    same = {"fund": house.fund, "kind": "deposit", "amount_cents": 1, "currency": "USD", "hash": ""}
    with pytest.raises(IntegrityError), transaction.atomic():
        LedgerEntry.objects.create(**same, sequence=5, idempotency_key="new")
    with pytest.raises(IntegrityError), transaction.atomic():
        LedgerEntry.objects.create(**same, sequence=6, idempotency_key="redeemed")


def test_an_entry_is_reversed_once(ledger, house):
    before = counters(house.budget)
    with pytest.raises(IntegrityError), transaction.atomic():
        book(house, Entry(EntryKind.REVERSAL, 100, "again", ledger[3].transaction_id, ledger[3].pk))
    assert counters(house.budget) == before


def test_the_ledger_holds_nothing_personal():
    names = {field.name for field in LedgerEntry._meta.concrete_fields}
    assert not [name for name in names if "email" in name or "name" in name or "user" in name]
    assert not any(field.related_model is Customer for field in LedgerEntry._meta.concrete_fields)


def test_the_states_of_a_transaction():
    assert [state.value for state in TransactionState] == ["created", "pending", "committed", "failed"]


def test_a_transaction_starts_created_and_is_a_debit(house):
    assert make_transaction(house).state == "created"
    with pytest.raises(IntegrityError), transaction.atomic():
        make_transaction(house, quantity=1)
    assert make_transaction(house, quantity=0).quantity == 0


def test_a_key_makes_one_transaction_in_each_fund(house):
    make_transaction(house, idempotency_key="same")
    with pytest.raises(IntegrityError), transaction.atomic():
        make_transaction(house, idempotency_key="same")
    other = make_fund()
    Transaction.objects.create(
        fund=other,
        budget=house.budget,
        idempotency_key="same",
        assignment_uuid=uuid4(),
        lms_user_id=7,
        content_key="x",
        quantity=0,
    )
    assert Transaction.objects.count() == 2


def test_a_transaction_is_reversed_once_and_by_a_credit(house):
    paid = make_transaction(house)
    with pytest.raises(IntegrityError), transaction.atomic():
        Reversal.objects.create(transaction=paid, idempotency_key="a", quantity=-1)
    reversal = Reversal.objects.create(transaction=paid, idempotency_key="a", quantity=100)
    assert paid.reversal == reversal
    with pytest.raises(IntegrityError), transaction.atomic():
        Reversal.objects.create(transaction=paid, idempotency_key="b", quantity=100)
    with pytest.raises(IntegrityError), transaction.atomic():
        Reversal.objects.create(transaction=make_transaction(house), idempotency_key="a", quantity=100)


def test_transactions_are_listed_newest_first(house):
    first, second = (make_transaction(house, created=NOON.replace(day=day)) for day in (1, 2))
    assert list(Transaction.objects.all()) == [second, first]

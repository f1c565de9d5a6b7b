"""Recomputes money from the ledger: chains, balances, what is spent, and that each transaction is booked once."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Coalesce

from bursar.budgets.models import Budget, EntryKind, Fund, LedgerEntry, Reversal, Transaction, TransactionState
from bursar.kernel.audit import Difference


def audit_money() -> Iterator[Difference]:
    """Yield every difference between counters and ledger, and between ledger and transactions."""
    for fund in Fund.objects.order_by("pk"):
        yield from _audit_chain(fund)
    yield from _audit_funds()
    yield from _audit_spent()
    yield from _audit_bookings()


def _audit_chain(fund: Fund) -> Iterator[Difference]:
    """Walk a ledger once; the first broken entry is named, since all behind it would follow."""
    head, expected = "", 0
    for expected, entry in enumerate(fund.entries.order_by("sequence").iterator(2000), start=1):
        place = f"fund {fund.pk} entry {expected}"
        if entry.sequence != expected:
            yield Difference("ledger_gap", place, "An entry of the ledger is missing.", expected, entry.sequence)
            return
        if entry.previous_hash != head or entry.hash != entry.seal():
            yield Difference(
                "ledger_broken", place, "An entry was changed after it was written.", entry.seal(), entry.hash
            )
            return
        head = entry.hash
    if (fund.ledger_length, fund.ledger_head) != (expected, head):
        yield Difference(
            "ledger_cut",
            f"fund {fund.pk}",
            "Entries at the end of the ledger are missing.",
            fund.ledger_length,
            expected,
        )


def _audit_funds() -> Iterator[Difference]:
    sums = _totals(LedgerEntry.objects.values_list("fund").annotate(total=Sum("amount_cents")))
    held = _totals(Budget.objects.values_list("fund").annotate(total=Sum("held_cents")))
    for fund in Fund.objects.order_by("pk"):
        for code, words, want, found in (
            ("fund_balance", "The balance is not the sum of the ledger.", sums.get(fund.pk, 0), fund.balance_cents),
            ("fund_held", "What the fund holds is not what its budgets hold.", held.get(fund.pk, 0), fund.held_cents),
        ):
            if want != found:
                yield Difference(code, f"fund {fund.pk}", words, want, found)


def _audit_spent() -> Iterator[Difference]:
    entries = LedgerEntry.objects.filter(kind__in=(EntryKind.REDEMPTION, EntryKind.REVERSAL))
    spent = _totals(entries.values_list("budget").annotate(total=-Sum("amount_cents")))
    for budget in Budget.objects.order_by("pk"):
        want = spent.get(budget.pk, 0)
        if want != budget.spent_cents:
            words = "What is spent is not what the ledger says."
            yield Difference("budget_spent", f"budget {budget.pk}", words, want, budget.spent_cents)


def _audit_bookings() -> Iterator[Difference]:
    """Compare transactions and reversals, both ways, with their entries."""
    redeemed = Q(entries__kind=EntryKind.REDEMPTION)
    booked = Coalesce(Sum("entries__amount_cents", filter=redeemed), 0)
    counted = Transaction.objects.annotate(booked=booked, bookings=Count("entries", filter=redeemed))
    committed = Q(state=TransactionState.COMMITTED)
    wrong = counted.filter(
        (committed & ~Q(booked=F("quantity"))) | (committed & Q(bookings__gt=1)) | (~committed & Q(bookings__gt=0))
    )
    for row in wrong.order_by("pk"):
        want = row.quantity if row.state == TransactionState.COMMITTED else 0
        yield Difference(
            "transaction_booking", f"transaction {row.pk}", "The ledger has another amount.", want, row.booked
        )
    back = Coalesce(
        Sum("transaction__entries__amount_cents", filter=Q(transaction__entries__kind=EntryKind.REVERSAL)), 0
    )
    for reversal in Reversal.objects.annotate(booked=back).exclude(booked=F("quantity")).order_by("pk"):
        words = "The ledger gives back another amount."
        yield Difference("reversal_booking", f"reversal {reversal.pk}", words, reversal.quantity, reversal.booked)
    halves = Reversal.objects.exclude(quantity=-F("transaction__quantity"))
    for half in halves.select_related("transaction").order_by("pk"):
        words = "A reversal gives back the whole amount."
        yield Difference("reversal_amount", f"reversal {half.pk}", words, -half.transaction.quantity, half.quantity)


def _totals(rows: Any) -> dict[Any, int]:
    return {key: total for key, total in rows.order_by() if key is not None}

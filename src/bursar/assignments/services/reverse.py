"""Reversing: an accepted assignment's money comes back whole, once."""

from collections.abc import Iterable, Sequence
from functools import partial
from uuid import UUID

from bursar.assignments import moves
from bursar.assignments.constants import AssignmentActions
from bursar.assignments.events import HistoryReason
from bursar.assignments.moves import How
from bursar.assignments.policy import Code, refusal, refuse_state
from bursar.assignments.services.chunked import Outcome, Progress, in_chunks, sift
from bursar.assignments.states import State, Verb, starts
from bursar.budgets.models import EntryKind, LedgerEntry, Reversal, Transaction, TransactionState
from bursar.budgets.services import Entry
from bursar.kernel import clock
from bursar.kernel.actor import Actor
from bursar.kernel.bulk import insert_records
from bursar.kernel.transactions import writes
from bursar.people.access import Permission

REVERSED = "reversed"
UNCHANGED = "unchanged"


def reverse_many(keys: Iterable[UUID], *, actor: Actor, why: str = "", progress: Progress | None = None) -> Outcome:
    """Reverse accepted assignments with a committed transaction; those reversed already are answered `unchanged`.

    By chunks of one transaction: reversal, ledger entry, state, history and money together.
    """
    return in_chunks(keys, partial(_reverse_chunk, actor=actor, why=why), progress)


@writes
def _reverse_chunk(keys: Sequence[UUID], *, actor: Actor, why: str) -> Outcome:
    rows = moves.lock(keys, actor, Permission.MANAGE)
    before = {key for key, row in rows.items() if row.state == State.REVERSED}
    ready, refused = sift(
        [key for key in keys if key not in before], rows, lambda row: refuse_state(row.state, starts(Verb.REVERSE))
    )
    paid = {
        item.pk: item
        for item in Transaction.objects.filter(
            pk__in=[row.transaction for row in ready if row.transaction],
            state=TransactionState.COMMITTED,
            reversal=None,
        )
    }
    refused |= {row.uuid: refusal(Code.NOT_PAID) for row in ready if row.transaction not in paid}
    ready = [row for row in ready if row.transaction in paid]
    now = clock.now()
    insert_records([
        Reversal(
            transaction=item, idempotency_key=f"reverse:{item.pk}", quantity=-item.quantity, reason=why[:255], created=now
        )
        for item in paid.values()
    ])  # fmt: skip
    booked = dict(
        LedgerEntry.objects.filter(transaction__in=paid, kind=EntryKind.REDEMPTION).values_list("transaction_id", "pk")
    )
    entries = {
        row.uuid: Entry(
            EntryKind.REVERSAL, -row.quantity, f"{row.transaction}:reversal", row.transaction, booked[row.transaction]
        )
        for row in ready
        if row.transaction in booked
    }
    how = How(actor, now, HistoryReason.REVERSED, action=AssignmentActions.REVERSED, entries=entries)
    moves.move_many(Verb.REVERSE, ready, how)
    return Outcome({row.uuid: REVERSED for row in ready} | dict.fromkeys(before, UNCHANGED), refused)

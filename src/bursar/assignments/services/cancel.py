"""Cancelling, expiring and undoing: the money is free in the same commit, whatever becomes of the message."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from bursar.assignments import moves
from bursar.assignments.events import TOPIC_MAIL, HistoryReason, MessageKind
from bursar.assignments.models import AllocationBatch, LearnerContentAssignment
from bursar.assignments.models.batches import BatchState
from bursar.assignments.moves import How, Row
from bursar.assignments.policy import Code, refusal, refuse_state
from bursar.assignments.services.chunked import Outcome, Progress, in_chunks, sift
from bursar.assignments.states import State, Verb, starts
from bursar.kernel import clock
from bursar.kernel.actor import Actor
from bursar.kernel.errors import NotFound, Refused
from bursar.kernel.results import Refusal
from bursar.kernel.transactions import writes
from bursar.outbox.services import withdraw_many
from bursar.people.access import Permission, require

CANCELLED = "cancelled"
EXPIRED = "expired"
UNCHANGED = "unchanged"
NOT_UNDOABLE: Final = {
    BatchState.FILLING: "This allocation is not complete yet: it can be undone when it is.",
    BatchState.DONE: "This allocation cannot be undone any more: somebody has accepted, or is accepting.",
    BatchState.UNDONE: "This allocation was undone already.",
}
"""Why an allocation is not undone, by its state."""


def cancel_many(
    keys: Iterable[UUID],
    *,
    actor: Actor,
    reason: HistoryReason = HistoryReason.CANCELLED_BY_ADMIN,
    tell: bool = True,
    progress: Progress | None = None,
) -> Outcome:
    """Cancel allocated and errored assignments; those cancelled already are answered `unchanged`.

    By chunks of one transaction: a refused one is named and stops no other. Releases what they hold.
    """
    return in_chunks(keys, partial(_cancel_chunk, actor=actor, reason=reason, tell=tell), progress)


@writes
def _cancel_chunk(keys: Sequence[UUID], *, actor: Actor, reason: HistoryReason, tell: bool) -> Outcome:
    rows = moves.lock(keys, actor, Permission.MANAGE)
    before = {key for key, row in rows.items() if row.state == State.CANCELLED}
    ready, refused = sift([key for key in keys if key not in before], rows, _refuse_cancel)
    moves.move_many(Verb.CANCEL, ready, How(actor, clock.now(), reason, tell=tell))
    done = {row.uuid: CANCELLED for row in ready} | dict.fromkeys(before, UNCHANGED)
    return Outcome(done, refused)


def _refuse_cancel(row: Row) -> Refusal | None:
    return refuse_state(row.state, starts(Verb.CANCEL), redemption_pending=row.redemption is not None)


def expire_many(keys: Iterable[UUID], *, actor: Actor, progress: Progress | None = None) -> Outcome:
    """Expire allocated assignments whose date has come; the others are refused by name. By chunks, as `cancel_many`."""
    return in_chunks(keys, partial(_expire_chunk, actor=actor), progress)


@writes
def _expire_chunk(keys: Sequence[UUID], *, actor: Actor) -> Outcome:
    now = clock.now()
    rows = moves.lock(keys, actor, Permission.MANAGE)
    ready, refused = sift(keys, rows, partial(_refuse_expiry, now=now))
    moves.move_many(Verb.EXPIRE, ready, How(actor, now, HistoryReason.EXPIRED))
    return Outcome({row.uuid: EXPIRED for row in ready}, refused)


def _refuse_expiry(row: Row, *, now: datetime) -> Refusal | None:
    why = refuse_state(row.state, starts(Verb.EXPIRE), redemption_pending=row.redemption is not None)
    if why is None and (row.expires_at is None or row.expires_at > now):
        return refusal(Code.NOT_YET_DUE)
    return why


@writes
def undo_batch(batch: UUID, *, actor: Actor) -> Outcome:
    """Take a whole allocation back, while nobody has accepted: cancel what it made, withdraw mails not yet sent.

    All or nothing. Only people who were told of the assignment are told of its end. Raises `NotFound`, or `Refused`
    (`batch_not_undoable`) when it is still being filled, was undone, or somebody accepted or is accepting.
    """
    row = AllocationBatch.objects.select_for_update().filter(pk=batch).first()
    if row is None:
        raise NotFound("There is no such allocation.")
    require(actor, Permission.MANAGE, row.configuration.enterprise_customer_uuid)
    mine = LearnerContentAssignment.objects.filter(allocation_batch_id=batch)
    rows = moves.lock(list(mine.values_list("pk", flat=True)), actor, Permission.MANAGE)
    taken = [item for item in rows.values() if item.state == State.ACCEPTED or item.redemption]
    if row.state != BatchState.DONE or taken:
        raise Refused(NOT_UNDOABLE[BatchState(row.state)], code="batch_not_undoable", accepted=len(taken))
    ready = [item for item in rows.values() if item.state in starts(Verb.CANCEL)]
    withdraw_many(TOPIC_MAIL, [MessageKind.ASSIGNED], [item.uuid for item in ready], reason="allocation undone")
    told = [item for item in ready if item.notified_at and item.notified_at >= (item.allocated_at or item.created)]
    at = clock.now()
    moves.move_many(Verb.CANCEL, ready, How(actor, at, HistoryReason.UNDONE, tell=False))
    moves.tell(MessageKind.CANCELLED, told, at=at)
    AllocationBatch.objects.filter(pk=batch).update(state=BatchState.UNDONE, modified=at)
    return Outcome({item.uuid: CANCELLED for item in ready})

"""What large allocations leave to workers: a message that has them filled, and one per chunk for telling its people."""

from collections.abc import Sequence
from uuid import UUID

from bursar.assignments import moves
from bursar.assignments.events import TOPIC_FAN_OUT, TOPIC_FILL, TOPIC_MAIL, MessageKind
from bursar.assignments.models import AllocationChunk, LearnerContentAssignment
from bursar.assignments.states import State
from bursar.kernel.transactions import require_transaction, writes
from bursar.outbox.claims import Claim, Delivered, Item, Settlement
from bursar.outbox.selectors import known_subjects
from bursar.outbox.services import enqueue_many, settle_many

TOLD = ("created", "updated")
FILLING = "filling"
FILLED_FIRST = 5  # whoever asked looks at the progress


def owe_fan_out(batch: UUID, position: int, *, customer: UUID) -> None:
    """Leave the message that stands for telling everybody of one chunk; inside the caller's transaction."""
    require_transaction()
    enqueue_many(
        TOPIC_FAN_OUT, MessageKind.ASSIGNED, [Item(batch, 1, position + 1)],
        customer=customer, priority=moves.PRIORITY[MessageKind.ASSIGNED],
    )  # fmt: skip


def owe_filling(batch: UUID, *, customer: UUID) -> None:
    """Leave the message that has a worker fill a batch as soon as one is free; inside the caller's transaction."""
    require_transaction()
    enqueue_many(TOPIC_FILL, FILLING, [Item(batch, 1)], customer=customer, priority=FILLED_FIRST)


def fan_out(claims: Sequence[Claim]) -> Delivered:
    """Leave a message for each person of the claimed chunks, a transaction each; nobody is reached by that yet."""
    for claim in claims:
        _fan_out(claim)
    return Delivered()


@writes
def _fan_out(claim: Claim) -> None:
    """Enqueue for those whom the chunk allocated and who still are, and settle, in one commit: both or neither."""
    if not settle_many([Settlement(claim, "sent")]):
        return
    chunk = AllocationChunk.objects.filter(batch=claim.subject, position=claim.ordinal - 1).first()
    placed = [key for name in TOLD for _, key in (chunk.results or {}).get(name, ())] if chunk else []
    rows = LearnerContentAssignment.objects.filter(
        pk__in=placed, allocation_batch_id=claim.subject, state=State.ALLOCATED
    )
    items = [Item(uuid, cycle) for uuid, cycle in rows.order_by("pk").values_list("pk", "cycle")]
    known = known_subjects(TOPIC_MAIL, claim.kind, items)
    enqueue_many(
        TOPIC_MAIL, claim.kind, [item for item in items if item.subject not in known],
        customer=claim.customer, priority=moves.PRIORITY[claim.kind],
    )  # fmt: skip


def resend_unknown(_: str) -> bool:
    """Fanning out is one commit: what was not settled was not done."""
    return True


@writes
def settle_filled(claim: Claim) -> int:
    """Note that a batch was filled as asked; returns how many messages that settled."""
    return len(settle_many([Settlement(claim, "sent")]))

"""What became of messages: settled in the outbox and recorded on the timeline in one commit."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from bursar.assignments import moves
from bursar.assignments.constants import AssignmentActionErrors, AssignmentActions
from bursar.assignments.events import MessageKind
from bursar.assignments.models import LearnerContentAssignmentAction
from bursar.assignments.policy import SUPPRESSED
from bursar.kernel import clock
from bursar.kernel.actor import WORKER
from bursar.kernel.transactions import writes
from bursar.outbox.services import Settlement, settle_many
from bursar.people.access import Permission

# What a message stands for on the timeline; a nudge has no action of its own, the outbox tells of it.
ACTIONS: Final = {
    MessageKind.ASSIGNED: AssignmentActions.NOTIFIED,
    MessageKind.REMINDED: AssignmentActions.REMINDED,
    MessageKind.CANCELLED: AssignmentActions.CANCELLED,
    MessageKind.EXPIRED: AssignmentActions.EXPIRED,
}


@dataclass(frozen=True, slots=True)
class Told:
    """How one message ended; `error` is kept as the traceback of the failed action."""

    settlement: Settlement
    error: BaseException | None = field(default=None, repr=False)


@writes
def record_deliveries(told: Sequence[Told]) -> None:
    """Settle messages and record sent and failed ones as actions of the cycle that they belong to.

    A message that was taken over by another worker meanwhile, or whose assignment has begun a new cycle, leaves no
    action: it would count for the wrong allocation.
    """
    rows = moves.lock([item.settlement.claim.subject for item in told], WORKER, Permission.MANAGE)
    ours = settle_many([item.settlement for item in told])
    groups: dict[tuple[AssignmentActions, bool, int], list[Told]] = defaultdict(list)
    for item in told:
        claim, ended = item.settlement.claim, ending(item.settlement)
        row, action = rows.get(claim.subject), ACTIONS.get(MessageKind(claim.kind))
        if claim.uuid in ours and ended is not None and action and row is not None and row.cycle == claim.cycle:
            groups[action, ended, id(item.error)].append(item)
    now = clock.now()
    for (action, succeeded, _), items in groups.items():
        subjects: list[UUID] = [item.settlement.claim.subject for item in items]
        error = None if succeeded else AssignmentActionErrors.EMAIL_ERROR
        LearnerContentAssignmentAction.objects.record_many(
            subjects, action, error=error, exc=None if succeeded else items[0].error, at=now
        )


def ending(settlement: Settlement) -> bool | None:
    """Return whether the message was sent or has failed for good; None while it may still go, or was not needed.

    One that is not sent because its address takes no mail has failed: whoever assigned must not wait for an answer.
    """
    if settlement.outcome == "sent":
        return True
    if settlement.outcome == "failed" or settlement.reason == SUPPRESSED:
        return False
    return False if settlement.outcome == "retry" and settlement.claim.is_last_attempt else None


def settle_without_sending(settlements: Sequence[Settlement]) -> None:
    """Do for settlements that the outbox made itself what `record_deliveries` does."""
    record_deliveries([Told(item) for item in settlements])

"""What became of learners' digests: settled in the outbox and on the timeline of every course in them, in one commit."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from bursar.assignments import moves
from bursar.assignments.constants import AssignmentActionErrors, AssignmentActions
from bursar.assignments.models import LearnerContentAssignmentAction
from bursar.assignments.services.deliver import Told, ending
from bursar.assignments.states import State
from bursar.assignments.wishes import digests
from bursar.kernel import clock
from bursar.kernel.actor import WORKER
from bursar.kernel.transactions import writes
from bursar.outbox.services import Settlement, settle_many
from bursar.people.access import Permission

NOTHING: Final[dict[UUID, int]] = {}


@writes
def record_digests(told: Sequence[Told]) -> None:
    """Settle digests, and record each sent or failed one as a reminder of everything in it that still waits.

    What was accepted, cancelled or allocated again while the mail was on its way leaves no action. One that another
    worker has taken over leaves none either.
    """
    found = digests([(item.settlement.claim.subject, item.settlement.claim.ordinal) for item in told])
    within = {
        item.settlement.claim.uuid: found[where].cycles if (where := _place(item)) in found else NOTHING
        for item in told
    }
    rows = moves.lock(sorted({key for cycles in within.values() for key in cycles}), WORKER, Permission.MANAGE)
    ours = settle_many([item.settlement for item in told])
    groups: dict[tuple[bool, int], list[Told]] = defaultdict(list)
    for item in told:
        ended = ending(item.settlement)
        if item.settlement.claim.uuid in ours and ended is not None:
            groups[ended, id(item.error)].append(item)
    for (succeeded, _), items in groups.items():
        keys = sorted({
            key for item in items for key, cycle in within[item.settlement.claim.uuid].items() if _waits(rows, key, cycle)
        })  # fmt: skip
        LearnerContentAssignmentAction.objects.record_many(
            keys,
            AssignmentActions.REMINDED,
            error=None if succeeded else AssignmentActionErrors.EMAIL_ERROR,
            exc=None if succeeded else items[0].error,
            at=clock.now(),
        )


def _place(item: Told) -> tuple[UUID, int]:
    return item.settlement.claim.subject, item.settlement.claim.ordinal


def _waits(rows: dict[UUID, moves.Row], key: UUID, cycle: int) -> bool:
    return key in rows and rows[key].cycle == cycle and rows[key].state == State.ALLOCATED


def settle_digests(settlements: Sequence[Settlement]) -> None:
    """Do for settlements that the outbox made itself what `record_digests` does."""
    record_digests([Told(item) for item in settlements])

"""Acknowledging: a learner has seen that an assignment expired or was cancelled."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final
from uuid import UUID

from bursar.assignments.events import EventType
from bursar.assignments.models import AssignmentConfiguration, LearnerContentAssignment
from bursar.assignments.models.configuration import Acknowledged
from bursar.assignments.moves import announce_as_they_stand
from bursar.assignments.policy import Code, refusal
from bursar.assignments.selectors import reachable
from bursar.assignments.services.chunked import Outcome, Progress, in_chunks
from bursar.kernel import clock
from bursar.kernel.actor import Actor
from bursar.kernel.errors import NotFound
from bursar.kernel.results import Refusal
from bursar.kernel.transactions import writes

ACKNOWLEDGED: Final = "acknowledged"
UNCHANGED: Final = "unchanged"
UNSEEN: Final = Refusal("no_learner", "Nobody with an account has this assignment, so nobody can have seen its end.")


@writes
def acknowledge_many(configuration: UUID, assignments: Sequence[UUID], *, lms_user_id: int | None) -> Acknowledged:
    """Record what `AssignmentConfiguration.acknowledge_assignments` says, in one transaction.

    Raises `NotFound` for an unknown configuration and Django's ValidationError when none of the assignments is theirs;
    somebody without an id (None) has none.
    """
    row = AssignmentConfiguration.objects.filter(pk=configuration).first()
    if row is None:
        raise NotFound("There is no such configuration.")
    acknowledged = row.acknowledge_assignments(assignments, lms_user_id)
    fresh = [item.pk for item in acknowledged[0]]
    if fresh:
        announce_as_they_stand(EventType.ACKNOWLEDGED, fresh, at=clock.now())
    return acknowledged


def acknowledge_each(keys: Iterable[UUID], *, actor: Actor, progress: Progress | None = None) -> Outcome:
    """Note for assignments that are `actor`'s own, or managed by them, that the learner has seen their end.

    Those acknowledged before are answered `unchanged`. A transaction for each learner and configuration of a chunk.
    """
    return in_chunks(keys, partial(_acknowledge_chunk, actor=actor), progress)


def _acknowledge_chunk(keys: Sequence[UUID], *, actor: Actor) -> Outcome:
    rows = list(LearnerContentAssignment.objects.filter(pk__in=reachable(keys, actor).all))
    owners: defaultdict[tuple[UUID, int], list[UUID]] = defaultdict(list)
    outcome = Outcome(refused={key: refusal(Code.NOT_FOUND) for key in set(keys) - {row.pk for row in rows}})
    for row in rows:
        if row.lms_user_id is None or row.assignment_configuration_id is None:
            outcome.refused[row.pk] = UNSEEN
        else:
            owners[row.assignment_configuration_id, row.lms_user_id].append(row.pk)
    for (configuration, user), mine in owners.items():
        fresh, before, never = acknowledge_many(configuration, mine, lms_user_id=user)
        outcome.done |= {row.pk: ACKNOWLEDGED for row in fresh} | {row.pk: UNCHANGED for row in before}
        outcome.refused |= {row.pk: refusal(Code.WRONG_STATE, state=str(row.state)) for row in never}
    return outcome

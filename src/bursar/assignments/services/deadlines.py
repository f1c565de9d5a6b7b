"""Deadlines: a personal one for somebody, and new terms for everybody when a run or a fund changes."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db.models import F, Q, QuerySet

from bursar.assignments import moves
from bursar.assignments.events import TOPIC_MAIL, Act, HistoryReason, MessageKind
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.models.deadlines import reschedule
from bursar.assignments.moves import Row
from bursar.assignments.policy import refuse_state
from bursar.assignments.services.chunked import Outcome, in_chunks, sift
from bursar.assignments.states import State, Verb, starts
from bursar.kernel import clock
from bursar.kernel.actor import Actor
from bursar.kernel.batching import chunks
from bursar.kernel.bulk import update_rows
from bursar.kernel.errors import BadInput
from bursar.kernel.history import record_history
from bursar.kernel.results import Refusal
from bursar.kernel.transactions import writes
from bursar.outbox.services import next_ordinals, unsettled
from bursar.people.access import Permission

MOVED = "moved"


def extend_many(keys: Iterable[UUID], *, until: datetime | None, why: str, actor: Actor, tell: bool = False) -> Outcome:
    """Give allocated assignments a personal deadline (aware, to come) in place of their own, or take it away (None).

    Who did it and why is in the history; with `tell` the learners get a mail with a new deadline. By chunks of one transaction, each refused one named.
    """
    if until is not None and until.tzinfo is None:
        raise BadInput("A deadline needs a time zone.", code="invalid_deadline")
    if until is not None and until <= clock.now():
        raise BadInput("A deadline lies in the future.", code="deadline_passed")
    return in_chunks(keys, partial(_extend_chunk, until=until, why=why, actor=actor, tell=tell))


@writes
def _extend_chunk(keys: Sequence[UUID], *, until: datetime | None, why: str, actor: Actor, tell: bool) -> Outcome:
    rows = moves.lock(keys, actor, Permission.MANAGE)
    ready, refused = sift(keys, rows, _refuse_extension)
    mine = [row.uuid for row in ready]
    move_deadlines(dict.fromkeys(mine, until), why=why, actor=actor)
    if tell and until is not None:
        _tell(ready)
    moves.note(Act.DEADLINE_MOVED, ready, actor)
    return Outcome(dict.fromkeys(mine, MOVED), refused)


def _tell(rows: Sequence[Row]) -> None:
    """Leave a mail about the new deadline for everybody whom the one before it has left already."""
    waiting = unsettled(TOPIC_MAIL, MessageKind.EXTENDED, [row.uuid for row in rows])
    untold = [row for row in rows if (row.uuid, row.cycle) not in waiting]
    ordinals = next_ordinals(TOPIC_MAIL, MessageKind.EXTENDED, [(row.uuid, row.cycle) for row in untold])
    by_key = {key: ordinal for (key, _), ordinal in ordinals.items()}
    moves.tell(MessageKind.EXTENDED, untold, at=clock.now(), ordinals=by_key)


def move_deadlines(until: Mapping[UUID, datetime | None], *, why: str, actor: Actor) -> None:
    """Give these allocated assignments a personal deadline each, in the caller's transaction, which holds them locked."""
    mine, now = list(until), clock.now()
    reason = f"{HistoryReason.DEADLINE_MOVED}: {why}" if why else str(HistoryReason.DEADLINE_MOVED)
    rows = [(key, moment, now) for key, moment in until.items()]
    update_rows(LearnerContentAssignment, ["personal_deadline", "modified"], rows)
    reschedule(moves.raw(mine))
    record_history(LearnerContentAssignment, mine, "~", reason=reason, user_id=actor.user_id)


def _refuse_extension(row: Row) -> Refusal | None:
    return refuse_state(row.state, starts(Verb.EXPIRE))


def reschedule_many(enroll_by: Mapping[str, datetime | None], *, assigned: bool = True) -> int:
    """Take over new enrol-by dates, by content key (or by preferred run, with `assigned` off), for what is allocated.

    Who prefers a run has its date, whatever becomes of the course. Returns how many expiries moved. By chunks of one
    transaction; fixed statements per chunk.
    """
    field = "content_key" if assigned else "preferred_course_run_key"
    rows = open_assignments().filter(**{f"{field}__in": enroll_by}).order_by("pk")
    if assigned:
        rows = rows.filter(Q(preferred_course_run_key=None) | Q(preferred_course_run_key=F("content_key")))
    keys = rows.values_list("pk", flat=True)
    return sum(_retime_chunk(part, field, enroll_by) for part in chunks(keys.iterator()))


def open_assignments() -> "QuerySet[LearnerContentAssignment]":
    """Return what is allocated."""
    return LearnerContentAssignment.objects.filter(state=State.ALLOCATED)


@writes
def _retime_chunk(keys: Sequence[UUID], field: str, enroll_by: Mapping[str, datetime | None]) -> int:
    rows = open_assignments().filter(**{"pk__in": keys, f"{field}__in": enroll_by})  # as they are now, not when listed
    found = dict(rows.select_for_update().order_by("pk").values_list("pk", field))
    if not found:
        return 0
    update_rows(LearnerContentAssignment, ["enroll_by"], [(key, enroll_by[content]) for key, content in found.items()])
    return reschedule(moves.raw(list(found)))


def reschedule_fund(configurations: Sequence[UUID], ends_at: datetime | None) -> int:
    """Take over the end of a fund for everything allocated from it; returns how many expiries moved. By chunks."""
    rows = open_assignments().filter(assignment_configuration__in=configurations).order_by("pk")
    keys = rows.values_list("pk", flat=True)
    return sum(_refund_chunk(part, ends_at) for part in chunks(keys.iterator()))


@writes
def _refund_chunk(keys: Sequence[UUID], ends_at: datetime | None) -> int:
    rows = open_assignments().filter(pk__in=keys)
    found = list(rows.select_for_update().order_by("pk").values_list("pk", flat=True))
    moves.raw(found).update(fund_ends_at=ends_at)
    return reschedule(moves.raw(found))

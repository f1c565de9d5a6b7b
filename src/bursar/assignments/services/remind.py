"""Reminding of what is open, and nudging before a course starts: messages only, no state moves."""

from collections.abc import Iterable, Sequence
from functools import partial
from uuid import UUID

from bursar.assignments import moves
from bursar.assignments.events import TOPIC_MAIL, Act, MessageKind
from bursar.assignments.moves import Row
from bursar.assignments.policy import Code, refusal, refuse_state
from bursar.assignments.services.chunked import Outcome, Progress, in_chunks, sift
from bursar.assignments.states import Verb, starts
from bursar.kernel import clock
from bursar.kernel.actor import Actor
from bursar.kernel.batching import chunks
from bursar.kernel.results import Refusal
from bursar.kernel.transactions import writes
from bursar.outbox.selectors import known_subjects
from bursar.outbox.services import Item, next_ordinals, unsettled
from bursar.people.access import Permission

QUEUED = "queued"


def remind_many(keys: Iterable[UUID], *, actor: Actor, progress: Progress | None = None) -> Outcome:
    """Queue a reminder for each allocated assignment; one that waits to be sent already is not doubled. By chunks."""
    return in_chunks(keys, partial(_remind_chunk, actor=actor), progress)


@writes
def _remind_chunk(keys: Sequence[UUID], *, actor: Actor) -> Outcome:
    rows = moves.lock(keys, actor, Permission.MANAGE)
    waiting = unsettled(TOPIC_MAIL, MessageKind.REMINDED, list(rows))
    ready, refused = sift(keys, rows, partial(_refuse_reminder, waiting=waiting))
    ordinals = next_ordinals(TOPIC_MAIL, MessageKind.REMINDED, [(row.uuid, row.cycle) for row in ready])
    by_key = {row.uuid: ordinals[row.uuid, row.cycle] for row in ready}
    if ready:
        moves.tell(MessageKind.REMINDED, ready, at=clock.now(), ordinals=by_key)
        moves.note(Act.REMINDED, ready, actor)
    return Outcome({row.uuid: QUEUED for row in ready}, refused)


def _refuse_reminder(row: Row, *, waiting: set[tuple[UUID, int]]) -> Refusal | None:
    why = refuse_state(row.state, starts(Verb.REMIND), redemption_pending=row.redemption is not None)
    if why is None and (row.uuid, row.cycle) in waiting:
        return refusal(Code.ALREADY_QUEUED)
    return why


def nudge_many(keys: Iterable[UUID], *, days: int, actor: Actor, progress: Progress | None = None) -> Outcome:
    """Queue a nudge for accepted assignments whose course starts in `days` days (the caller has looked that up).

    One nudge per assignment, cycle and number of days, however often this runs: the ordinal is the number of days.
    """
    return in_chunks(keys, partial(_nudge_chunk, days=days, actor=actor), progress)


def not_nudged(keys: Iterable[UUID], *, days: int) -> list[UUID]:
    """Return those of these assignments that have no such nudge in their cycle; two statements a chunk, no locks."""
    left: list[UUID] = []
    for part in chunks(keys):
        items = [Item(key, cycle, days) for key, cycle in moves.raw(part).order_by("pk").values_list("pk", "cycle")]
        known = known_subjects(TOPIC_MAIL, MessageKind.NUDGED, items)
        left += [item.subject for item in items if item.subject not in known]
    return left


@writes
def _nudge_chunk(keys: Sequence[UUID], *, days: int, actor: Actor) -> Outcome:
    rows = moves.lock(keys, actor, Permission.MANAGE)
    items = [Item(row.uuid, row.cycle, days) for row in rows.values()]
    known = known_subjects(TOPIC_MAIL, MessageKind.NUDGED, items)
    ready, refused = sift(keys, rows, partial(_refuse_nudge, known=known))
    if ready:
        moves.tell(MessageKind.NUDGED, ready, at=clock.now(), ordinals={row.uuid: days for row in ready})
    return Outcome({row.uuid: QUEUED for row in ready}, refused)


def _refuse_nudge(row: Row, *, known: set[UUID]) -> Refusal | None:
    if row.uuid in known:
        return refusal(Code.ALREADY_QUEUED)
    return refuse_state(row.state, starts(Verb.NUDGE))

"""What learners answer: declining, which frees the money at once, and asking for more time; and what becomes of that."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from bursar.assignments import moves
from bursar.assignments.constants import AssignmentActions
from bursar.assignments.events import DECLINED as DECLINED_REASONS
from bursar.assignments.events import TOPIC_MAIL, Act, EventType, HistoryReason, MessageKind
from bursar.assignments.models import DeclineReason, LearnerReply, ReplyKind, ReplyState
from bursar.assignments.models.replies import LONGEST_WORDS
from bursar.assignments.moves import How, Row
from bursar.assignments.policy import STATE_REFUSALS, Code, refusal, refuse_state
from bursar.assignments.replies import answers_to
from bursar.assignments.services.chunked import Outcome, Progress, in_chunks, sift
from bursar.assignments.services.deadlines import move_deadlines
from bursar.assignments.states import HOLDING, State, Verb
from bursar.kernel import clock
from bursar.kernel.actor import Actor
from bursar.kernel.bulk import insert_records, update_records
from bursar.kernel.errors import BadInput
from bursar.kernel.results import Refusal
from bursar.kernel.text import storable
from bursar.kernel.transactions import writes
from bursar.outbox.services import withdraw_many
from bursar.people.access import Permission

DECLINED: Final = "declined"
ASKED: Final = "asked"
UNCHANGED: Final = "unchanged"
FARTHEST: Final = timedelta(days=366)
EXTENSION: Final = timedelta(days=30)
ASKED_FOR: Final = "asked for by the learner"
DECIDED: Final[Mapping[ReplyState, tuple[EventType, MessageKind]]] = {
    ReplyState.GRANTED: (EventType.MORE_TIME_GRANTED, MessageKind.TIME_GRANTED),
    ReplyState.REFUSED: (EventType.MORE_TIME_REFUSED, MessageKind.TIME_REFUSED),
}


@dataclass(frozen=True, slots=True)
class Reply:
    """What somebody answers to an assignment; `until` (aware) is until when they would like to have time.

    `lms_user_id` is who answers, as the transport has proven it; None when a signed link speaks for them, which then
    names the `cycle` that it was sent for.
    """

    assignment: UUID
    lms_user_id: int | None = None
    cycle: int | None = None
    reason: str = ""
    words: str = field(default="", repr=False)
    until: datetime | None = None

    def is_for(self, row: Row) -> bool:
        """Tell whether the assignment is theirs, in the cycle that they speak of."""
        of_now = self.cycle is None or self.cycle == row.cycle
        return of_now and (self.lms_user_id is None or self.lms_user_id == row.lms_user_id)


def decline_many(replies: Iterable[Reply], *, actor: Actor, progress: Progress | None = None) -> Outcome:
    """Decline allocated assignments for a `DeclineReason`: cancelled, the money free in the same commit, no mail about it.

    Mails that wait are withdrawn. Those declined before in this cycle are answered `unchanged`. By chunks of one
    transaction, a refused one named. Raises `BadInput` (`unknown_reason`, `text_too_long`) before anything is done.
    """
    asked = {reply.assignment: reply for reply in replies}
    for reply in asked.values():
        if reply.reason not in DeclineReason.values:
            raise BadInput("There is no such reason to decline.", code="unknown_reason")
        _check_words(reply.words)
    outcome = Outcome()
    for reason in sorted(DECLINED_REASONS):
        mine = {key: reply for key, reply in asked.items() if _history_reason(reply) == reason}
        outcome.merge(in_chunks(mine, partial(_decline_chunk, asked=mine, reason=reason, actor=actor), progress))
    return outcome


def _history_reason(reply: Reply) -> HistoryReason:
    is_stranger = reply.reason == DeclineReason.NOT_ME
    return HistoryReason.NOT_ME if is_stranger else HistoryReason.DECLINED_BY_LEARNER


@writes
def _decline_chunk(
    keys: Sequence[UUID], *, asked: Mapping[UUID, Reply], reason: HistoryReason, actor: Actor
) -> Outcome:
    rows = _own(keys, asked, actor)
    before = _declined_before(rows.values())
    ready, refused = sift([key for key in keys if key not in before], rows, _refuse)
    mine, now = [row.uuid for row in ready], clock.now()
    kind = ReplyKind.NOT_ME if reason == HistoryReason.NOT_ME else ReplyKind.DECLINED
    insert_records([_record(row, asked[row.uuid], kind, ReplyState.NOTED) for row in ready])
    withdraw_many(TOPIC_MAIL, list(MessageKind), mine, reason=str(reason))
    seen = AssignmentActions.CANCELLED_ACKNOWLEDGED  # whoever declines has seen the end of it
    moves.move_many(Verb.CANCEL, ready, How(actor, now, reason, tell=False, action=seen))
    return Outcome(dict.fromkeys(mine, DECLINED) | dict.fromkeys(before, UNCHANGED), refused)


def _own(keys: Sequence[UUID], asked: Mapping[UUID, Reply], actor: Actor) -> dict[UUID, Row]:
    rows = moves.lock(keys, actor, Permission.LEARN)
    return {key: row for key, row in rows.items() if asked[key].is_for(row)}


def _declined_before(rows: Collection[Row]) -> set[UUID]:
    cycles = {row.uuid: row.cycle for row in rows if row.state == State.CANCELLED}
    if not cycles:
        return set()
    kinds = (ReplyKind.DECLINED, ReplyKind.NOT_ME)
    found = LearnerReply.objects.filter(assignment__in=cycles, kind__in=kinds).values_list("assignment", "cycle")
    return {key for key, cycle in found if cycles[key] == cycle}


def _refuse(row: Row) -> Refusal | None:
    if row.redemption is not None:
        return refusal(Code.REDEMPTION_IN_PROGRESS)
    return None if row.state in HOLDING else refusal(STATE_REFUSALS[row.state])


def _record(row: Row, reply: Reply, kind: ReplyKind, state: ReplyState) -> LearnerReply:
    return LearnerReply(
        assignment_id=row.uuid, cycle=row.cycle, kind=kind, state=state, until=reply.until, reason=reply.reason,
        words=storable(reply.words).strip(),
    )  # fmt: skip


def _check_words(words: str) -> None:
    if len(words) > LONGEST_WORDS:
        raise BadInput(f"At most {LONGEST_WORDS} characters.", code="text_too_long", at_most=LONGEST_WORDS)


def request_time_many(replies: Iterable[Reply], *, actor: Actor, progress: Progress | None = None) -> Outcome:
    """Ask for more time for allocated assignments; whoever manages them decides (`grant_time_many`, `refuse_time_many`).

    A request that is open already is overwritten, the same one again `unchanged`. By chunks of one transaction, a refused
    one named. Raises `BadInput` (`invalid_deadline`, `deadline_passed`, `deadline_too_far`, `text_too_long`) before
    anything is done.
    """
    asked = {reply.assignment: reply for reply in replies}
    for reply in asked.values():
        _check_words(reply.words)
        _check_until(reply.until)
    return in_chunks(asked, partial(_request_chunk, asked=asked, actor=actor), progress)


def _check_until(until: datetime | None) -> None:
    if until is None:
        return
    if until.tzinfo is None:
        raise BadInput("A deadline needs a time zone.", code="invalid_deadline")
    if until <= clock.now():
        raise BadInput("A deadline lies in the future.", code="deadline_passed")
    if until > clock.now() + FARTHEST:
        raise BadInput("A deadline lies within a year.", code="deadline_too_far")


@writes
def _request_chunk(keys: Sequence[UUID], *, asked: Mapping[UUID, Reply], actor: Actor) -> Outcome:
    ready, refused = sift(keys, _own(keys, asked, actor), _refuse)
    waiting = _waiting([row.uuid for row in ready])
    fresh, changed, same = [], [], []
    for row in ready:
        wanted = _record(row, asked[row.uuid], ReplyKind.MORE_TIME, ReplyState.OPEN)
        kept = waiting.get(row.uuid)
        if kept is None:
            fresh.append(wanted)
        elif _facts(kept) == _facts(wanted):
            same.append(row.uuid)
        else:
            wanted.uuid, wanted.created = kept.uuid, kept.created
            changed.append(wanted)
    insert_records(fresh)
    update_records(changed, ["cycle", "until", "words", "modified"])
    told = {record.assignment_id for record in (*fresh, *changed)}
    moves.announce(EventType.MORE_TIME_ASKED, [row for row in ready if row.uuid in told], at=clock.now())
    return Outcome(dict.fromkeys(told, ASKED) | dict.fromkeys(same, UNCHANGED), refused)


def _waiting(assignments: Sequence[UUID]) -> dict[UUID, LearnerReply]:
    rows = LearnerReply.objects.filter(assignment__in=assignments, kind=ReplyKind.MORE_TIME, state=ReplyState.OPEN)
    return {row.assignment_id: row for row in rows.select_for_update().order_by("pk")}


def _facts(reply: LearnerReply) -> tuple[int, datetime | None, str]:
    return reply.cycle, reply.until, reply.words


def grant_time_many(requests: Iterable[UUID], *, until: datetime | None = None, why: str = "", actor: Actor) -> Outcome:
    """Grant requests for more time: the learner's deadline becomes `until`, else the date asked for, else 30 days more.

    The learner is told by mail, with the words in `why`. By chunks of one transaction, each refused one named; those granted before are `unchanged`. Raises `BadInput` as
    `request_time_many`.
    """
    _check_words(why)
    _check_until(until)
    return in_chunks(requests, partial(_decide_chunk, verdict=ReplyState.GRANTED, until=until, why=why, actor=actor))


def refuse_time_many(requests: Iterable[UUID], *, why: str = "", actor: Actor) -> Outcome:
    """Refuse requests for more time; the deadline stays. Otherwise as `grant_time_many`."""
    _check_words(why)
    return in_chunks(requests, partial(_decide_chunk, verdict=ReplyState.REFUSED, until=None, why=why, actor=actor))


@writes
def _decide_chunk(
    keys: Sequence[UUID], *, verdict: ReplyState, until: datetime | None, why: str, actor: Actor
) -> Outcome:
    wanted = LearnerReply.objects.filter(pk__in=keys, kind=ReplyKind.MORE_TIME)
    rows = moves.lock(list(wanted.order_by().values_list("assignment", flat=True)), actor, Permission.MANAGE)
    found = {row.pk: row for row in wanted.filter(assignment__in=rows).select_for_update().order_by("pk")}
    outcome, ready = Outcome(), []
    for key in keys:
        reply = found.get(key)
        why_not = _refuse_decision(reply, verdict, rows)
        if reply is not None and reply.state == verdict:
            outcome.done[key] = UNCHANGED
        elif why_not is not None:
            outcome.refused[key] = why_not
        elif reply is not None:
            outcome.done[key] = str(verdict)
            ready.append(reply)
    _decide(ready, rows, verdict, until, why, actor)
    return outcome


def _refuse_decision(reply: LearnerReply | None, verdict: ReplyState, rows: Mapping[UUID, Row]) -> Refusal | None:
    if reply is None:
        return replace(refusal(Code.NOT_FOUND), message="There is no such request here.")
    row = rows[reply.assignment_id]
    if reply.state != ReplyState.OPEN or row.cycle != reply.cycle:
        return refusal(Code.WRONG_STATE, state=str(reply.state), verdict=str(verdict))
    return refuse_state(row.state, HOLDING)


def _decide(
    replies: Sequence[LearnerReply],
    rows: Mapping[UUID, Row],
    verdict: ReplyState,
    until: datetime | None,
    why: str,
    actor: Actor,
) -> None:
    if not replies:
        return
    now = clock.now()
    for reply in replies:
        if verdict == ReplyState.GRANTED:
            reply.until = until or date_for(reply, rows[reply.assignment_id].expires_at, now)
        reply.state, reply.answer, reply.answered_at = verdict, storable(why).strip(), now
        reply.answered_by, reply.modified = actor.user_id, now
    update_records(replies, ["state", "answer", "answered_at", "answered_by", "until", "modified"])
    if verdict == ReplyState.GRANTED:
        move_deadlines({reply.assignment_id: reply.until for reply in replies}, why=ASKED_FOR, actor=actor)
    event, kind = DECIDED[verdict]
    decided = [rows[reply.assignment_id] for reply in replies]
    moves.tell(kind, decided, at=now, ordinals=_how_manieth(decided, verdict))
    moves.announce(event, decided, at=now)
    moves.note(Act.DEADLINE_MOVED if verdict == ReplyState.GRANTED else Act.MORE_TIME_REFUSED, decided, actor)


def _how_manieth(rows: Collection[Row], verdict: ReplyState) -> dict[UUID, int]:
    """Return how many requests of the present cycle have been decided so: the mail about a decision bears its number."""
    told = answers_to([row.uuid for row in rows])
    return {row.uuid: len(told[row.uuid, row.cycle, str(verdict)]) for row in rows}


def date_for(reply: LearnerReply, expires_at: datetime | None, now: datetime) -> datetime:
    """Return the deadline that granting a request gives without another one: the date asked for, else 30 days more."""
    if reply.until is not None and reply.until > now:
        return reply.until
    return max(expires_at or now, now) + EXTENSION

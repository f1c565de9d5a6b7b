"""The only writer of messages: enqueue, claim, commit the intent, settle, withdraw, recover, replay."""

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from random import random
from typing import Any, Final, TypeVar
from uuid import UUID, uuid4

from django.db import connection
from django.db.models import Count, F, Max, Min, Model, QuerySet

from bursar.kernel import clock
from bursar.kernel.batching import chunks
from bursar.kernel.bulk import insert_rows
from bursar.kernel.conf import setting
from bursar.kernel.failpoints import fail_point
from bursar.kernel.transactions import require_transaction, writes
from bursar.outbox import registry, retries
from bursar.outbox.claims import Claim, Delivered, Item, Settlement, natural_keys
from bursar.outbox.models import DEAD, HELD, LEFT, UNSETTLED, Message, State

__all__ = [
    "Backlog",
    "Claim",
    "Delivered",
    "Item",
    "Recovered",
    "Settlement",
    "backlog",
    "claim_due",
    "commit_intent",
    "dead_letters",
    "enqueue_many",
    "fates",
    "mark_bounced",
    "next_ordinals",
    "no_intent_once",
    "prune",
    "recover",
    "release_many",
    "replay",
    "sent_again",
    "settle_alone",
    "settle_many",
    "unsettled",
    "withdraw_many",
]

M = TypeVar("M", bound=Model)

logger = logging.getLogger(__name__)

OUTCOME_UNKNOWN: Final = "outcome_unknown"
RECOVERED_AT_ONCE: Final = 1000
CLAIM_FIELDS: Final = (
    *("uuid", "key", "topic", "kind", "subject_uuid", "cycle", "ordinal", "customer_uuid", "created", "attempts"),
    "fence",
)
TOPIC: Final = CLAIM_FIELDS.index("topic")


@dataclass(frozen=True, slots=True)
class Recovered:
    """What stopped workers left behind: `released` wait again, `resent` too though they may have left, or `unknown`.

    `found` were looked up and had left, or had not and wait again.
    """

    released: int = 0
    resent: int = 0
    unknown: int = 0
    found: int = 0


@dataclass(frozen=True, slots=True)
class Backlog:
    """Messages per state, without those sent or dropped, and when the longest waiting one was due (None: none waits)."""

    counts: Mapping[State, int]
    oldest_due: datetime | None


def enqueue_many(
    topic: str,
    kind: str,
    items: Sequence[Item],
    *,
    customer: UUID | None,
    priority: int = 50,
    due_at: datetime | None = None,
) -> int:
    """Write a message for each item, due at `due_at` (now if not given), and return how many.

    Runs inside the caller's transaction: the messages exist if, and only if, their cause does. A key that exists already
    raises IntegrityError and nothing of the transaction stays; `next_ordinals` gives fresh ones.
    """
    require_transaction()
    keys = natural_keys(topic, kind, items)
    insert_rows(
        Message,
        ("uuid", "key", "subject_uuid", "cycle", "ordinal"),
        [(uuid4(), key, item.subject, item.cycle, item.ordinal) for key, item in zip(keys, items, strict=True)],
        {
            "topic": topic,
            "kind": kind,
            "customer_uuid": customer,
            "priority": priority,
            "due_at": due_at or clock.now(),
        },
    )
    return len(keys)


def next_ordinals(topic: str, kind: str, pairs: Sequence[tuple[UUID, int]]) -> dict[tuple[UUID, int], int]:
    """Return for each (subject, cycle) the ordinal that its next message of this kind takes; one statement.

    Fresh only while the caller holds the subjects' rows locked.
    """
    if not pairs:
        return {}
    found = (
        Message.objects.filter(topic=topic, kind=kind, subject_uuid__in={subject for subject, _ in pairs})
        .order_by()
        .values_list("subject_uuid", "cycle")
        .annotate(last=Max("ordinal"))
    )
    taken = {(subject, cycle): last for subject, cycle, last in found}
    return {pair: taken.get(pair, 0) + 1 for pair in pairs}


def unsettled(topic: str, kind: str, subjects: Sequence[UUID]) -> set[tuple[UUID, int]]:
    """Return each (subject, cycle) that has a message of this kind still waiting or on its way; one statement."""
    if not subjects:
        return set()
    rows = Message.objects.filter(topic=topic, kind=kind, subject_uuid__in=subjects, state__in=UNSETTLED)
    return set(rows.values_list("subject_uuid", "cycle"))


@writes
def claim_due(limit: int, *, worker: str, now: datetime | None = None) -> list[Claim]:
    """Take at most `limit` messages that are due, most urgent first, for the setting `mail_lease`.

    A transaction of its own. No message is ever in two hands: where the database can skip rows that another worker has
    locked it does, and everywhere the state is compared again by the write that changes it.
    """
    moment = now or clock.now()
    order = ("priority", "due_at", "uuid")
    due = _skip_locked(Message.objects.filter(state=State.PENDING, due_at__lte=moment).order_by(*order))
    picked = list(due.values_list("uuid", flat=True)[:limit])
    if not picked:
        return []
    mark = f"{worker[:80]}#{uuid4().hex}"
    Message.objects.filter(uuid__in=picked, state=State.PENDING).update(
        state=State.CLAIMED, fence=F("fence") + 1, claimed_by=mark, lease_until=moment + setting("mail_lease")
    )
    return _claims(Message.objects.filter(uuid__in=picked, claimed_by=mark).order_by(*order))


def commit_intent(claim: Claim) -> bool:
    """Commit that the message is about to leave; call it just before the point of no return.

    False if it must not leave: another worker has taken it over, or this one is stopping. A transaction of its own;
    raises `Unavailable` if the database does not answer, and then the message must not leave either.
    """
    may_leave = not _stopping.get()() and _commit_intent(claim)
    fail_point("after_intent")
    return may_leave


@writes
def _commit_intent(claim: Claim) -> bool:
    held = Message.objects.filter(uuid=claim.uuid, fence=claim.fence, state=State.CLAIMED)
    return held.update(state=State.COMMITTING, lease_until=clock.now() + setting("mail_lease")) == 1


def settle_many(settlements: Sequence[Settlement]) -> set[UUID]:
    """Write how held messages ended and return those that were still ours; the others are left as they are.

    Runs inside the caller's transaction; the caller locks its own rows first, and records what happened for the
    returned ones only. A `retry` is due again after `retries.delay`, or failed after the last attempt.
    """
    require_transaction()
    asked = [settlement.claim.uuid for settlement in settlements]
    rows = Message.objects.select_for_update().filter(uuid__in=asked, state__in=HELD).order_by("uuid")
    fences = dict(rows.values_list("uuid", "fence"))
    ours = [item for item in settlements if fences.get(item.claim.uuid) == item.claim.fence]
    moment = clock.now()
    pause = cache(_pause_after)  # those that failed together, at the same try, wait equally long
    alike: defaultdict[tuple[tuple[str, Any], ...], list[Claim]] = defaultdict(list)
    for item in ours:
        alike[tuple(_ending(item, moment, pause).items())].append(item.claim)
    for ending, claims in alike.items():
        for held in _by_fence(claims):
            held.update(**dict(ending))
    return {item.claim.uuid for item in ours}


def _pause_after(attempt: int, waits: retries.Waits) -> timedelta | None:
    return retries.delay(attempt, random=random, waits=waits)


def _ending(
    item: Settlement, moment: datetime, pause: Callable[[int, retries.Waits], timedelta | None]
) -> dict[str, Any]:
    """Return what is written to the row of a message that ended so; equal for those of one call that ended alike."""
    attempts = item.claim.attempts + (item.outcome != "dropped")
    ending = {"attempts": attempts, "lease_until": None, "error_code": item.error_code, "reason": item.reason}
    if item.outcome != "retry":
        return ending | {"state": State(item.outcome), "settled_at": moment}
    wait = pause(attempts, item.claim.waits)
    if wait is None:
        return ending | {"state": State.FAILED, "settled_at": moment}
    return ending | {"state": State.PENDING, "due_at": moment + max(wait, item.retry_after)}


def settle_alone(settlements: Sequence[Settlement]) -> None:
    """Settle, each in a transaction of its own, by the topic's `settle`; where that raises or is missing, without it."""
    for settlement in settlements:
        owner = registry.find(settlement.claim.topic)
        try:
            (owner.settle if owner and owner.settle else _settle)([settlement])
        except Exception as error:  # noqa: BLE001  whatever the owner's records do, the message must come to an end
            logger.warning("outbox: settle of %s failed with %s", settlement.claim.topic, type(error).__name__)
            _settle([settlement])


@writes
def _settle(settlements: Sequence[Settlement]) -> None:
    settle_many(settlements)


def withdraw_many(topic: str, kinds: Collection[str], subjects: Sequence[UUID], *, reason: str) -> int:
    """Drop the waiting messages of these kinds and subjects and return how many; inside the caller's transaction.

    One that a worker holds already is left to the check which its handler makes before sending.
    """
    require_transaction()
    if not subjects:
        return 0
    waiting = Message.objects.filter(topic=topic, kind__in=kinds, subject_uuid__in=subjects, state=State.PENDING)
    return waiting.update(state=State.DROPPED, reason=reason, settled_at=clock.now())


@writes
def release_many(claims: Sequence[Claim]) -> int:
    """Put back at once what was claimed and not begun, and return how many; what has been taken over is left alone."""
    untouched = {"state": State.PENDING, "lease_until": None}
    return sum(held.filter(state=State.CLAIMED).update(**untouched) for held in _by_fence(claims))


def fates(claims: Sequence[Claim]) -> dict[UUID, State]:
    """Return where each of these messages stands, without those that another worker has taken over since."""
    fences = {claim.uuid: claim.fence for claim in claims}
    rows = Message.objects.filter(uuid__in=fences).values_list("uuid", "fence", "state")
    return {uuid: State(state) for uuid, fence, state in rows if fences[uuid] == fence}


def recover(now: datetime | None = None) -> Recovered:
    """Take up what stopped workers left behind; part of every poll, in short transactions of its own.

    Claimed and the lease over: waits again, nothing had left. On its way out and the lease over by the setting
    `mail_uncertain_for`: it may have left. Where its topic can look that up it is settled as sent or waits again; else,
    by the topic's policy, it is sent again (same key, same Message-ID) or settled as unknown.
    """
    moment = now or clock.now()
    released = _release_overdue(moment)
    left_at = moment - setting("mail_uncertain_for")
    overdue = _claims(Message.objects.filter(state=State.COMMITTING, lease_until__lt=left_at)[:RECOVERED_AT_ONCE])
    known, open_question = _look_up(overdue)
    settle_alone([Settlement(claim, "sent") for claim in overdue if known.get(claim.uuid) is True])
    _resend([claim for claim in overdue if known.get(claim.uuid) is False])
    again: list[Claim] = []
    unknown: list[Claim] = []
    for claim in overdue:
        if claim.uuid not in known and claim.topic not in open_question:
            (again if _is_sent_again(claim) else unknown).append(claim)
    resent = _resend(again, error_code=OUTCOME_UNKNOWN, resent_at=moment)
    settle_alone([Settlement(claim, "unknown", error_code=OUTCOME_UNKNOWN) for claim in unknown])
    settled = sum(state == State.UNKNOWN for state in fates(unknown).values())
    if resent or settled:
        logger.warning("outbox: outcome unknown after a stopped worker: sent again %d, left %d", resent, settled)
    return Recovered(released, resent, settled, len(known))


def _look_up(claims: Sequence[Claim]) -> tuple[dict[UUID, bool], set[str]]:
    """Return which of these have left, as far as their topics can tell, and the topics that could not be asked now."""
    by_topic: defaultdict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        by_topic[claim.topic].append(claim)
    known: dict[UUID, bool] = {}
    silent: set[str] = set()
    for topic, group in by_topic.items():
        owner = registry.find(topic)
        if owner is None or owner.find is None:
            continue
        try:
            known |= owner.find(group)
        except Exception as error:  # noqa: BLE001  whatever a look-up raises, the next poll asks again
            logger.warning("outbox: looking up %s failed with %s", topic, type(error).__name__)
            silent.add(topic)
    return known, silent


@writes
def _release_overdue(moment: datetime) -> int:
    overdue = Message.objects.filter(state=State.CLAIMED, lease_until__lt=moment)
    picked = list(_skip_locked(overdue).values_list("uuid", flat=True))
    return overdue.filter(uuid__in=picked).update(state=State.PENDING, lease_until=None) if picked else 0


def _is_sent_again(claim: Claim) -> bool:
    owner = registry.find(claim.topic)
    return owner is not None and not claim.is_last_attempt and owner.resend_unknown(claim.kind)


@writes
def _resend(claims: Sequence[Claim], **more: Any) -> int:
    again = {"state": State.PENDING, "lease_until": None, "attempts": F("attempts") + 1, **more}
    return sum(held.filter(state=State.COMMITTING).update(**again) for held in _by_fence(claims))


def mark_bounced(uuid: UUID, *, code: str) -> Message | None:
    """Note that a message came back, with a fixed word why; returns it as it was, or None if that is no news.

    Inside the caller's transaction, which has locked its own rows first. One that has not left by our books is returned
    unmarked. A worker that still holds it cannot settle it any more.
    """
    require_transaction()
    row = Message.objects.select_for_update().filter(pk=uuid).exclude(state=State.BOUNCED).first()
    if row is not None and row.state in LEFT:
        Message.objects.filter(pk=uuid).update(
            state=State.BOUNCED, error_code=code, settled_at=clock.now(), lease_until=None
        )
    return row


def dead_letters(topic: str | None = None, *, customer: UUID | None = None, limit: int = 100) -> list[Message]:
    """Return messages that were given up or whose outcome is unknown, most urgent first, then longest due."""
    rows = Message.objects.filter(state__in=DEAD)
    if topic is not None:
        rows = rows.filter(topic=topic)
    if customer is not None:
        rows = rows.filter(customer_uuid=customer)
    return list(rows.order_by("priority", "due_at", "uuid")[:limit])


def sent_again(*, customer: UUID | None = None, limit: int = 100) -> list[Message]:
    """Return messages that were put back though they may have left, newest first: somebody may have them twice."""
    rows = Message.objects.filter(resent_at__isnull=False)
    if customer is not None:
        rows = rows.filter(customer_uuid=customer)
    return list(rows.order_by("-resent_at", "uuid")[:limit])


@writes
def replay(uuids: Collection[UUID]) -> int:
    """Make dead letters due now, with all their attempts before them, and return how many; a transaction of its own."""
    dead = Message.objects.filter(uuid__in=uuids, state__in=DEAD)
    fresh = {"attempts": 0, "error_code": "", "reason": "", "settled_at": None}
    return dead.update(state=State.PENDING, due_at=clock.now(), **fresh)


def prune() -> int:
    """Remove messages that were over before the setting `keep_messages`, in short transactions; returns how many.

    Reads every message once, so call it daily rather than always.
    """
    over = Message.objects.exclude(state__in=UNSETTLED).filter(settled_at__lt=clock.now() - setting("keep_messages"))
    return sum(_remove(part) for part in chunks(list(over.order_by("uuid").values_list("uuid", flat=True))))


@writes
def _remove(uuids: Sequence[UUID]) -> int:
    removed, _ = Message.objects.filter(uuid__in=uuids).delete()
    return removed


def backlog() -> Backlog:
    """Return what waits, is under way or was given up; one statement that costs nothing for what was sent long ago."""
    rows = Message.objects.filter(state__in=UNSETTLED | DEAD).order_by().values_list("state")
    found = {state: (count, due) for state, count, due in rows.annotate(count=Count("*"), due=Min("due_at"))}
    counts = {state: found.get(state, (0, None))[0] for state in sorted(UNSETTLED | DEAD)}
    return Backlog(counts, found.get(State.PENDING, (0, None))[1])


def _never() -> bool:
    return False


_stopping: ContextVar[Callable[[], bool]] = ContextVar("bursar_outbox_stopping", default=_never)


@contextmanager
def no_intent_once(should_stop: Callable[[], bool]) -> Iterator[None]:
    """Refuse every intent inside the block from the moment when `should_stop` says so: the message in hand ends."""
    token = _stopping.set(should_stop)
    try:
        yield
    finally:
        _stopping.reset(token)


def _skip_locked(rows: QuerySet[M]) -> QuerySet[M]:
    """Lock `rows`, passing over those that somebody else has locked, where the database can do that."""
    return rows.select_for_update(skip_locked=True) if connection.features.has_select_for_update_skip_locked else rows


def _claims(rows: QuerySet[Message]) -> list[Claim]:
    return [replace(Claim(*row), waits=registry.waits(row[TOPIC])) for row in rows.values_list(*CLAIM_FIELDS)]


def _by_fence(claims: Iterable[Claim]) -> Iterator[QuerySet[Message]]:
    """Yield the claims' rows, those of equal fence together, as far as they are still under that fence."""
    groups: defaultdict[int, list[UUID]] = defaultdict(list)
    for claim in claims:
        groups[claim.fence].append(claim.uuid)
    for fence, uuids in sorted(groups.items()):
        yield Message.objects.filter(uuid__in=uuids, fence=fence)

"""Writing, publishing and pruning events. Written with their cause; numbered after its commit, under one lock (decision 11)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from bursar.kernel import clock
from bursar.kernel.bulk import insert_rows, update_rows
from bursar.kernel.conf import setting
from bursar.kernel.transactions import require_transaction, writes
from bursar.outbox.services import Item, enqueue_many
from bursar.webhooks.models import SINGLE, Endpoint, Event, Numbering, Sequencer

TOPIC: Final = "webhook"
PRIORITY: Final = 50
PUBLISHED_AT_ONCE: Final = 1000
PRUNED_AT_ONCE: Final = 1000
STEP: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Fact:
    """What happened to one subject of a customer; `data` holds ids, cents, dates and fixed words, nothing personal."""

    customer: UUID
    subject: UUID
    data: Mapping[str, Any]


def record_events(kind: str, facts: Iterable[Fact], *, at: datetime) -> None:
    """Write an event of one type for each fact; one statement, inside the caller's transaction, which holds the subjects.

    Nobody is told before `publish_due` has seen the commit.
    """
    require_transaction()
    insert_rows(
        Event,
        ("uuid", "customer_uuid", "subject_uuid", "data"),
        [(uuid4(), fact.customer, fact.subject, dict(fact.data)) for fact in facts],
        {"type": str(kind), "created": at},
    )


def has_unpublished() -> bool:
    """Tell whether any event waits to be published; one look into an index that holds only those."""
    return Event.objects.filter(position=None).exists()


def publish_due() -> int:
    """Publish everything that has committed, in short transactions; returns how many events. Safe twice at once."""
    published = 0
    while has_unpublished() and (done := _publish(PUBLISHED_AT_ONCE)):
        published += done
    return published


@writes
def _publish(limit: int) -> int:
    """Number the oldest events and leave a message for each endpoint that wants them.

    Whoever comes second waits for the lock and finds these numbered. A position is visible only with all before it: the
    next one is given after this commit.
    """
    sequencer, _ = Sequencer.objects.select_for_update().get_or_create(pk=SINGLE)
    events = list(Event.objects.filter(position=None).order_by("id")[:limit])
    if not events:
        return 0
    rounds = _number(events, sequencer.position)
    update_rows(Event, ["position", "sequence"], [(event.pk, event.position, event.sequence) for event in events])
    Sequencer.objects.filter(pk=SINGLE).update(position=sequencer.position + len(events))
    _enqueue(events, rounds)
    return len(events)


def _number(events: Sequence[Event], position: int) -> list[int]:
    """Give each event its numbers; returns for each the how-manieth about its subject it is among these (from 0)."""
    subjects = {event.subject_uuid for event in events}
    before = dict(Numbering.objects.filter(pk__in=subjects).values_list("pk", "last"))
    last = defaultdict(int, before)
    rounds = []
    for place, event in enumerate(events, start=1):
        last[event.subject_uuid] += 1
        event.position, event.sequence = position + place, last[event.subject_uuid]
        rounds.append(event.sequence - before.get(event.subject_uuid, 0) - 1)
    update_rows(Numbering, ["last"], [(subject, last[subject]) for subject in before])
    insert_rows(Numbering, ("subject_uuid", "last"), [(key, last[key]) for key in sorted(subjects - before.keys())])
    return rounds


def _enqueue(events: Sequence[Event], rounds: Sequence[int]) -> None:
    """Leave a message for each event and endpoint; those about one subject are due one after the other, the last one now."""
    endpoints = defaultdict(list)
    for endpoint in Endpoint.objects.filter(
        customer_uuid__in={event.customer_uuid for event in events}, disabled_at=None
    ):
        endpoints[endpoint.customer_uuid].append(endpoint)
    groups: defaultdict[tuple[int, UUID, str], list[Item]] = defaultdict(list)
    for event, place in zip(events, rounds, strict=True):
        for endpoint in endpoints[event.customer_uuid]:
            if endpoint.wants(event.type):
                groups[place, event.customer_uuid, event.type].append(Item(event.uuid, 1, endpoint.pk))
    first = clock.now() - max(rounds) * STEP
    for (place, customer, kind), items in sorted(groups.items(), key=lambda group: group[0]):
        enqueue_many(TOPIC, kind, items, customer=customer, priority=PRIORITY, due_at=first + place * STEP)


def prune_events() -> int:
    """Remove published events older than the setting `keep_events`, oldest first, in short transactions; returns how many.

    The numbers of their subjects stay, and the feed tells whoever comes with a cursor from before.
    """
    pruned = 0
    while done := _prune(clock.now() - setting("keep_events")):
        pruned += done
    return pruned


@writes
def _prune(before: datetime) -> int:
    oldest = Event.objects.order_by("id").values_list("pk", "created", "position")[:PRUNED_AT_ONCE]
    old = [(key, position) for key, created, position in oldest if created < before and position is not None]
    if not old:
        return 0
    Sequencer.objects.select_for_update().get(pk=SINGLE)
    last = max(position for _, position in old)
    Sequencer.objects.filter(pk=SINGLE, pruned_to__lt=last).update(pruned_to=last)
    removed, _ = Event.objects.filter(pk__in=[key for key, _ in old]).delete()
    return removed

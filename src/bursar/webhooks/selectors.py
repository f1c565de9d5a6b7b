"""What can be read of webhooks: the feed of events by cursor, and endpoints."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Count, QuerySet

from bursar.kernel.actor import Actor
from bursar.kernel.errors import BadInput, NotFound
from bursar.outbox.models import DEAD, UNSETTLED, Message
from bursar.people.access import Permission, require, visible
from bursar.webhooks import registry, services
from bursar.webhooks.models import SINGLE, Endpoint, Event, Sequencer

LONGEST_PAGE: Final = 10_000
LOOKED_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """Events in the order of commits; `cursor` is what to ask for next. Not `complete`: earlier ones are no longer kept."""

    events: list[Event]
    cursor: int
    more: bool
    complete: bool


def feed(customer: UUID, *, after: int = 0, types: Collection[str] = (), limit: int = 100, actor: Actor) -> Page:
    """Return a customer's events after the position `after`, oldest first: each once, none ever passed over.

    Publishes what has committed before it looks. Raises `NotFound` without the permission, `BadInput`
    (`invalid_cursor`, `unknown_event_type`, `invalid_limit`).
    """
    require(actor, Permission.MANAGE, customer)
    if after < 0:
        raise BadInput("A cursor is a number from 0.", code="invalid_cursor")
    if not 1 <= limit <= LONGEST_PAGE:
        raise BadInput(f"A page has from 1 to {LONGEST_PAGE} events.", code="invalid_limit")
    if unknown := sorted(set(types) - set(registry.known())):
        raise BadInput(f"A type is one of {', '.join(registry.known())}.", code="unknown_event_type", types=unknown)
    services.publish_due()
    sequencer = Sequencer.objects.filter(pk=SINGLE).first() or Sequencer()
    rows = Event.objects.filter(customer_uuid=customer, position__gt=after, position__lte=sequencer.position)
    if types:
        rows = rows.filter(type__in=types)
    found = list(rows.order_by("position")[: limit + 1])
    events, more = found[:limit], len(found) > limit
    last = events[-1].position if events else None
    cursor = last if more and last is not None else max(after, sequencer.position)
    return Page(events, cursor, more, after >= sequencer.pruned_to)


def endpoints(actor: Actor, *, customer: UUID | None = None) -> "QuerySet[Endpoint]":
    """Return the endpoints that `actor` may configure, oldest first."""
    rows = visible(Endpoint.objects.all(), actor, Permission.NOTIFY, customer_field="customer_uuid")
    return rows if customer is None else rows.filter(customer_uuid=customer)


def given_up() -> "QuerySet[Endpoint]":
    """Return the endpoints that were disabled because they failed or wanted nothing more: what admins are to be told of."""
    return Endpoint.objects.filter(disabled_reason__in=(services.FAILING, services.GONE)).order_by("disabled_at", "id")


@dataclass(frozen=True, slots=True)
class Owed:
    """How many deliveries wait for an endpoint, and how many to it were given up."""

    waiting: int
    given_up: int


def owed_to(endpoint: Endpoint) -> Owed:
    """Return what waits for an endpoint and what was given up; one statement."""
    mine = Message.objects.filter(topic=services.TOPIC, ordinal=endpoint.pk, customer_uuid=endpoint.customer_uuid)
    rows = mine.filter(state__in=UNSETTLED | DEAD).order_by().values_list("state").annotate(Count("pk"))
    counts = dict(rows)
    return Owed(sum(counts.get(state, 0) for state in UNSETTLED), sum(counts.get(state, 0) for state in DEAD))


def find_endpoint(endpoint: UUID, *, actor: Actor) -> Endpoint:
    """Return one endpoint; raises `NotFound` when there is none that `actor` may configure."""
    row = endpoints(actor).filter(uuid=endpoint).first()
    if row is None:
        raise NotFound("There is no such endpoint.")
    return row


@dataclass(frozen=True, slots=True)
class Delivery:
    """The last message to an endpoint about the event at a position."""

    position: int
    message: Message


def deliveries(
    endpoint: Endpoint, *, before: int | None = None, limit: int, looks: int | None = None
) -> list[Delivery]:
    """Return what became of the newest events that an endpoint was told of, before a position (None: from the last).

    Looks at so many events at a time until there are `limit`, or for so many `looks`: two statements for each.
    """
    found: list[Delivery] = []
    while len(found) < limit and looks != 0:
        looks = looks and looks - 1
        rows = Event.objects.filter(customer_uuid=endpoint.customer_uuid, position__isnull=False)
        rows = rows if before is None else rows.filter(position__lt=before)
        latest = rows.order_by("-position").values_list("uuid", "position")[:LOOKED_AT_ONCE]
        events = {key: place for key, place in latest if place is not None}
        if not events:
            break
        sent = Message.objects.filter(topic=services.TOPIC, ordinal=endpoint.pk, subject_uuid__in=events)
        last = {row.subject_uuid: row for row in sent.order_by("cycle")}
        found += [Delivery(place, last[key]) for key, place in events.items() if key in last]
        before = min(events.values())
    return found[:limit]

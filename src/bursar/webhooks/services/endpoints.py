"""The verbs about endpoints: add, rotate the secret, disable, enable, remove, replay."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from django.db.models import QuerySet

from bursar.kernel import clock
from bursar.kernel.actor import Actor
from bursar.kernel.batching import chunks
from bursar.kernel.conf import setting
from bursar.kernel.errors import BadInput, NotFound, Refused
from bursar.kernel.transactions import writes
from bursar.outbox.services import Item, enqueue_many
from bursar.people.access import Permission, require, visible
from bursar.people.auditing import About, record_act
from bursar.webhooks import registry, signing
from bursar.webhooks.egress import ForbiddenTargetError, Rules, read_target
from bursar.webhooks.models import Endpoint, Event
from bursar.webhooks.services.events import PRIORITY, TOPIC, publish_due

BY_HAND: Final = "by an admin"
GONE: Final = "the receiver answered 410"
FAILING: Final = "failing for too long"
KEEP_PREVIOUS: Final = timedelta(days=1)
MOST_ENDPOINTS: Final = 20
REPLAY_PRIORITY: Final = PRIORITY + 5  # what happens now goes before what happened once


class EndpointAct(StrEnum):
    """What is written down of endpoints."""

    ADDED = "endpoint.added"
    CHANGED = "endpoint.changed"
    SECRET_ROTATED = "endpoint.secret_rotated"  # noqa: S105  the name of an act
    DISABLED = "endpoint.disabled"
    ENABLED = "endpoint.enabled"
    REMOVED = "endpoint.removed"
    REPLAYED = "endpoint.replayed"


@dataclass(frozen=True, slots=True)
class NewSecret:
    """An endpoint with the secret that it has just got; shown once."""

    endpoint: Endpoint
    secret: str = field(repr=False)


@writes
def add_endpoint(customer: UUID, url: str, *, types: Collection[str] = (), actor: Actor) -> NewSecret:
    """Subscribe an address to a customer's events from now on, of these types (none: of all).

    Raises `NotFound` without the permission, `BadInput` (`unknown_event_type`, or why the URL is refused), `Refused`
    (`endpoint_exists`, `too_many_endpoints`).
    """
    require(actor, Permission.NOTIFY, customer)
    check_url(url)
    _check_types(types)
    mine = list(Endpoint.objects.filter(customer_uuid=customer).values_list("url", flat=True))
    if url in mine:
        raise Refused("This customer has that endpoint already.", code="endpoint_exists")
    if len(mine) >= MOST_ENDPOINTS:
        raise Refused(f"A customer has at most {MOST_ENDPOINTS} endpoints.", code="too_many_endpoints")
    seed = signing.new_seed()
    row = Endpoint.objects.create(customer_uuid=customer, url=url, types=sorted(set(types)), seed=seed)
    _note(actor, EndpointAct.ADDED, row)
    return NewSecret(row, signing.secret_of(seed))


@writes
def choose_events(endpoint: UUID, types: Collection[str], *, actor: Actor) -> Endpoint:
    """Tell an endpoint of these types of events from now on (none: of all); raises `NotFound`, `BadInput`."""
    row = _mine(endpoint, actor)
    _check_types(types)
    row.types = sorted(set(types))
    row.save(update_fields=["types", "modified"])
    _note(actor, EndpointAct.CHANGED, row)
    return row


def _check_types(types: Collection[str]) -> None:
    if unknown := sorted(set(types) - set(registry.known())):
        raise BadInput(f"A type is one of {', '.join(registry.known())}.", code="unknown_event_type", types=unknown)


def check_url(url: str) -> None:
    """Raise `BadInput` for a URL to which no webhook may go, whatever its name resolves to."""
    try:
        read_target(url, egress_rules())
    except ForbiddenTargetError as error:
        raise BadInput(str(error), code=error.code) from None


def egress_rules() -> Rules:
    """Return where the settings let webhooks go."""
    return Rules.of(setting("webhook_tcp_ports"), setting("webhook_allow"))


@writes
def rotate_secret(endpoint: UUID, *, keep_previous: timedelta = KEEP_PREVIOUS, actor: Actor) -> NewSecret:
    """Give an endpoint a new secret; deliveries are signed by the previous one too for `keep_previous`."""
    row = _mine(endpoint, actor)
    row.previous_seed, row.seed = row.seed, signing.new_seed()
    row.previous_until = clock.now() + keep_previous
    row.save(update_fields=["seed", "previous_seed", "previous_until", "modified"])
    _note(actor, EndpointAct.SECRET_ROTATED, row)
    return NewSecret(row, signing.secret_of(row.seed))


@writes
def disable_endpoint(endpoint: UUID, *, actor: Actor) -> Endpoint:
    """Tell an endpoint of nothing more until it is enabled; what waits for it is dropped. Again: nothing changes."""
    row = _mine(endpoint, actor)
    if row.disabled_at is None:
        row.disabled_at, row.disabled_reason = clock.now(), BY_HAND
        row.save(update_fields=["disabled_at", "disabled_reason", "modified"])
        _note(actor, EndpointAct.DISABLED, row)
    return row


@writes
def enable_endpoint(endpoint: UUID, *, actor: Actor) -> Endpoint:
    """Tell an endpoint of events again, from now on; `replay_events` tells of what it missed."""
    row = _mine(endpoint, actor)
    row.disabled_at = row.failing_since = row.paused_until = row.probe_until = None
    row.disabled_reason, row.failures = "", 0
    row.save()
    _note(actor, EndpointAct.ENABLED, row)
    return row


@writes
def remove_endpoint(endpoint: UUID, *, actor: Actor) -> None:
    """Forget an endpoint; what waits for it is dropped."""
    row = _mine(endpoint, actor)
    _note(actor, EndpointAct.REMOVED, row)
    row.delete()


def replay_events(
    endpoint: UUID,
    *,
    begin: datetime | None = None,
    end: datetime | None = None,
    events: Sequence[UUID] | None = None,
    actor: Actor,
) -> int:
    """Tell an endpoint again of its events from `begin` until before `end` (aware UTC), or of `events`; returns how many.

    Under the ids that they had, after everything that is due now. By chunks of one transaction; each replay tells anew.
    Raises `NotFound`, or `Refused` (`endpoint_disabled`).
    """
    row = _next_replay(endpoint, actor)
    publish_due()
    chosen = Event.objects.filter(customer_uuid=row.customer_uuid, position__isnull=False)
    if row.types:
        chosen = chosen.filter(type__in=row.types)
    if events is not None:
        chosen = chosen.filter(uuid__in=events)
    chosen = chosen.filter(created__gte=begin) if begin else chosen
    chosen = chosen.filter(created__lt=end) if end else chosen
    wanted = chosen.order_by("position").values_list("uuid", "type")
    return sum(_enqueue_again(part, row) for part in chunks(wanted.iterator()))


@writes
def _next_replay(endpoint: UUID, actor: Actor) -> Endpoint:
    """Count one more replay, which is the cycle of its messages, so that they are none that was there before."""
    row = _mine(endpoint, actor)
    if row.disabled_at is not None:
        raise Refused("This endpoint is disabled; enable it first.", code="endpoint_disabled")
    row.replays += 1
    row.save(update_fields=["replays"])
    _note(actor, EndpointAct.REPLAYED, row)
    return row


@writes
def _enqueue_again(events: Sequence[tuple[UUID, str]], endpoint: Endpoint) -> int:
    by_type: dict[str, list[Item]] = {}
    for event, kind in events:
        by_type.setdefault(kind, []).append(Item(event, 1 + endpoint.replays, endpoint.pk))
    for kind, items in sorted(by_type.items()):
        enqueue_many(TOPIC, kind, items, customer=endpoint.customer_uuid, priority=REPLAY_PRIORITY)
    return len(events)


def _note(actor: Actor, act: EndpointAct, row: Endpoint) -> None:
    """Write down what was done; of the address only the host, because the rest may be a secret."""
    record_act(actor, act, row.customer_uuid, About(row.uuid), host=row.host)


def _mine(endpoint: UUID, actor: Actor) -> Endpoint:
    """Return one endpoint, locked; raises `NotFound` when there is none that `actor` may change."""
    rows: QuerySet[Endpoint] = visible(Endpoint.objects.all(), actor, Permission.NOTIFY, customer_field="customer_uuid")
    row = rows.select_for_update().filter(uuid=endpoint).first()
    if row is None:
        raise NotFound("There is no such endpoint.")
    return row

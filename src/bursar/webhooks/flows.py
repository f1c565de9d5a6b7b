"""Delivering events: look again whether each is wanted, sign it, post it, record the answer; one receiver never stops others."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

from bursar.kernel import clock
from bursar.kernel.actor import Actor
from bursar.kernel.backends import backend
from bursar.kernel.conf import setting
from bursar.kernel.transactions import refuse_transaction
from bursar.outbox.postponing import postpone_many
from bursar.outbox.services import Claim, Delivered, Settlement, commit_intent, release_many
from bursar.ports.webhooks import Answer, Call, WebhookPort
from bursar.webhooks import payloads, services, signing
from bursar.webhooks.answers import judge
from bursar.webhooks.models import Endpoint, Event
from bursar.webhooks.selectors import find_endpoint

TEST_TYPE: Final = "webhook.test"
WHILE_ANOTHER_TRIES: Final = timedelta(seconds=3)


@dataclass(slots=True)
class _Round:
    """One batch of claims: what is needed for them, how long it may take, and how they ended."""

    endpoints: dict[int, Endpoint]
    events: dict[UUID, Event]
    ends: float
    counts: Counter[str] = field(default_factory=Counter)

    def is_over(self) -> bool:
        """Whether the lease of what is left runs low."""
        return time.monotonic() > self.ends


def deliver_many(claims: Sequence[Claim]) -> Delivered:
    """Deliver claimed messages, each settled before the next one to the same receiver leaves.

    Receivers in good health come first. One that is in trouble is tried once; the rest for it is put off untried.
    """
    refuse_transaction()
    batch = _Round(
        Endpoint.objects.in_bulk({claim.ordinal for claim in claims}),
        {event.uuid: event for event in Event.objects.filter(uuid__in={claim.subject for claim in claims})},
        time.monotonic() + setting("mail_lease").total_seconds() / 2,
    )
    wanted = _drop_unwanted(claims, batch)
    for endpoint in sorted(batch.endpoints.values(), key=lambda row: (row.failures > 0, row.pk)):
        mine = [claim for claim in wanted if claim.ordinal == endpoint.pk]
        mine.sort(key=lambda claim: batch.events[claim.subject].position or 0)
        if mine:
            _deliver_to(endpoint, mine, batch)
    counts = batch.counts
    return Delivered(counts["sent"], counts["dropped"], counts["failed"], counts["retry"])


def resend_unknown(_: str) -> bool:
    """Say yes for every type of event: a receiver knows a second copy by its id."""
    return True


def _drop_unwanted(claims: Sequence[Claim], batch: _Round) -> list[Claim]:
    """Settle what nobody waits for any more; returns the rest."""
    whys = {claim.uuid: why for claim in claims if (why := _why_unwanted(claim, batch))}
    dropped = [Settlement(claim, "dropped", reason=whys[claim.uuid]) for claim in claims if claim.uuid in whys]
    if dropped:
        services.settle_without_posting(dropped)
    batch.counts["dropped"] += len(dropped)
    return [claim for claim in claims if claim.uuid not in whys]


def _why_unwanted(claim: Claim, batch: _Round) -> str | None:
    endpoint = batch.endpoints.get(claim.ordinal)
    if endpoint is None:
        return "the endpoint is gone"
    if endpoint.disabled_at is not None:
        return "the endpoint is disabled"
    return None if claim.subject in batch.events else "the event is no longer kept"


def _deliver_to(endpoint: Endpoint, claims: Sequence[Claim], batch: _Round) -> None:
    """Post one receiver's messages until it shows that it is in trouble, or time is up; the rest waits."""
    now, fresh = clock.now(), Endpoint.objects.filter(pk=endpoint.pk).first()
    if fresh is None or fresh.disabled_at is not None or fresh.is_paused(now):
        _put_off(claims, fresh, batch)
        return
    if not services.may_try(fresh):
        batch.counts["retry"] += postpone_many(claims, until=now + WHILE_ANOTHER_TRIES)
        return
    by_uuid = {claim.uuid: claim for claim in claims}
    left = dict(by_uuid)
    port: WebhookPort = backend("webhook_port")
    for answer in port.post_many(_calls(endpoint, left, batch), intent=lambda key: commit_intent(by_uuid[key])):
        state = _record(by_uuid[answer.message], answer, batch)
        if state is None or state.disabled_at is not None or state.is_paused(clock.now()):
            _put_off(list(left.values()), state, batch)
            return
    batch.counts["retry"] += release_many(list(left.values()))


def _calls(endpoint: Endpoint, left: dict[UUID, Claim], batch: _Round) -> Iterator[Call]:
    """Yield the requests one by one, signed when their turn comes; what is yielded is no longer `left`."""
    for claim in list(left.values()):
        if batch.is_over():
            return
        del left[claim.uuid]
        event = batch.events[claim.subject]
        yield _call(endpoint, claim.uuid, str(event.uuid), payloads.body(event))


def _call(endpoint: Endpoint, message: UUID, name: str, body: bytes) -> Call:
    now = clock.now()
    keys = signing.secrets_of(endpoint.seeds(now))
    return Call(message, endpoint.url, body, signing.headers(name, body, at=now, keys=keys))


def _record(claim: Claim, answer: Answer, batch: _Round) -> Endpoint | None:
    verdict = judge(answer.status, fault=answer.fault, retry_after=answer.retry_after, now=clock.now())
    over = verdict.outcome == "retry" and claim.is_last_attempt
    batch.counts["failed" if over else verdict.outcome] += 1
    return services.record_delivery(claim, verdict)


def _put_off(claims: Sequence[Claim], endpoint: Endpoint | None, batch: _Round) -> None:
    """Let messages wait untried until their receiver is tried again; at once where it is gone: they are dropped."""
    until = endpoint.paused_until if endpoint and endpoint.disabled_at is None else None
    batch.counts["retry"] += postpone_many(claims, until=until or clock.now())


def post_test(endpoint: UUID, *, actor: Actor) -> Answer:
    """Post a test to an endpoint now, signed like an event (type `webhook.test`), and return the answer; nothing is kept.

    Raises `NotFound` for an endpoint that the actor may not configure.
    """
    refuse_transaction()
    row = find_endpoint(endpoint, actor=actor)
    message = uuid4()
    facts = {"endpoint": str(row.uuid), "customer": str(row.customer_uuid)}
    body = payloads.compact({"type": TEST_TYPE, "timestamp": payloads.moment(clock.now()), "data": facts})
    port: WebhookPort = backend("webhook_port")
    return next(iter(port.post_many([_call(row, message, str(message), body)], intent=lambda _: True)))

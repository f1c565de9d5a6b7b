"""What became of deliveries: settled in the outbox and kept on the endpoint in one commit; endpoints in trouble rest or end."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Q

from bursar.kernel import clock
from bursar.kernel.conf import setting
from bursar.kernel.transactions import writes
from bursar.outbox.services import Claim, Settlement, settle_many
from bursar.webhooks.answers import Verdict, pause
from bursar.webhooks.models import Endpoint
from bursar.webhooks.services.endpoints import FAILING, GONE

logger = logging.getLogger(__name__)

PROVEN_FOR: Final = timedelta(seconds=10)


@writes
def record_delivery(claim: Claim, verdict: Verdict) -> Endpoint | None:
    """Settle one try and note how its endpoint fares; returns the endpoint as it stands now, None when it is gone.

    An endpoint that answered 410, or has failed for the setting `webhook_disable_after` without one success, is
    disabled: it waits for an admin, and so does everything that it would have been told.
    """
    now = clock.now()
    rows = Endpoint.objects.filter(pk=claim.ordinal)
    row = rows.first()
    is_news = row is not None and not (verdict.outcome == "sent" and row.is_proven(now, PROVEN_FOR / 2))
    row = rows.select_for_update().first() if is_news else row  # before the messages, as everywhere
    settle_many([Settlement(claim, verdict.outcome, error_code=verdict.code, retry_after=verdict.retry_after)])
    if row is None or not is_news:
        return row
    health = {"probe_until": None} | _health(row, verdict, now)
    for name, value in health.items():
        setattr(row, name, value)
    row.save(update_fields=list(health))
    if row.disabled_at:
        logger.warning("webhooks: endpoint %s is disabled: %s", row.uuid, row.disabled_reason)
    return row


def _health(row: Endpoint, verdict: Verdict, now: datetime) -> dict[str, Any]:
    if verdict.outcome == "sent":
        return {"failing_since": None, "failures": 0, "paused_until": None, "last_fault": "", "proven_at": now}
    since, failures = row.failing_since or now, row.failures + 1
    health: dict[str, Any] = {"failing_since": since, "failures": failures, "last_fault": verdict.code}
    health["paused_until"] = now + pause(failures, verdict.retry_after) if verdict.pauses else None
    over = verdict.gone or now - since >= setting("webhook_disable_after")
    if over and row.disabled_at is None:
        health |= {"disabled_at": now, "disabled_reason": GONE if verdict.gone else FAILING}
    return health


def may_try(endpoint: Endpoint) -> bool:
    """Tell whether to try an endpoint now: one that is not proven is tried by one worker at a time, so that it holds up one."""
    return endpoint.is_proven(clock.now(), PROVEN_FOR) or _take_probe(endpoint)


@writes
def _take_probe(endpoint: Endpoint) -> bool:
    now = clock.now()
    free = Endpoint.objects.filter(pk=endpoint.pk).filter(Q(probe_until=None) | Q(probe_until__lte=now))
    return free.update(probe_until=now + 2 * setting("webhook_timeout")) == 1


def settle_without_posting(settlements: Sequence[Settlement]) -> None:
    """Settle messages that were not delivered: their endpoint or event is gone, or the outbox itself says how they end."""
    _settle(settlements)


@writes
def _settle(settlements: Sequence[Settlement]) -> None:
    settle_many(settlements)

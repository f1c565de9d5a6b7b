"""How messages leave: claim what is due, hand it to its topic's handler, keep one bad message from stopping the rest."""

import logging
import math
import os
import signal
import socket
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import count
from typing import Final

from bursar.kernel.transactions import refuse_transaction
from bursar.outbox import pulses, registry
from bursar.outbox.claims import Claim, Delivered, Settlement
from bursar.outbox.models import State
from bursar.outbox.registry import Handler
from bursar.outbox.services import claim_due, fates, no_intent_once, release_many, settle_alone

logger = logging.getLogger(__name__)

HANDLER_ERROR: Final = "handler_error"
NO_HANDLER: Final = "no_handler"
STEP_SECONDS: Final = 0.1


def never() -> bool:
    """Say no to every question whether to stop."""
    return False


def drain(
    limit_batches: int | None = None,
    *,
    batch: int = 20,
    lasting: timedelta | None = None,
    should_stop: Callable[[], bool] = never,
) -> Delivered:
    """Deliver what is due, in batches of at most `batch`, until nothing is left, `limit_batches` are done or `lasting` is over.

    When `should_stop` says so, the message in hand is finished and the rest of its batch waits again. A handler that
    raises is called again with one message at a time; one that raises then is retried with back-off. Raises
    `Unavailable` if the database does not answer; what was claimed is then taken up again when its lease is over.
    """
    refuse_transaction()
    end = time.monotonic() + lasting.total_seconds() if lasting else math.inf
    total = Delivered()
    with no_intent_once(should_stop):
        for _ in count() if limit_batches is None else range(limit_batches):
            claims = [] if should_stop() or time.monotonic() > end else claim_due(batch, worker=worker_name())
            if not claims:
                break
            delivered = _deliver(claims, should_stop)
            if delivered.sent or delivered.dropped or delivered.failed:
                pulses.beat(pulses.DELIVERY)
            total += delivered
    return total


_asked: Final = threading.Event()


def stopping() -> bool:
    """Tell whether this process was told to stop."""
    return _asked.is_set()


def stop_on_signals(*numbers: signal.Signals) -> Callable[[], bool]:
    """Return `stopping`, which says yes once the process gets SIGTERM or SIGINT (or one of `numbers`)."""
    _asked.clear()
    for number in numbers or (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: _asked.set())
    return stopping


def worker_name() -> str:
    """Return a name by which an operator finds this process: host and process id."""
    return f"{socket.gethostname()[:60]}:{os.getpid()}"


def wait(seconds: float, should_stop: Callable[[], bool]) -> None:
    """Sleep, but wake soon after `should_stop` has said so."""
    end = time.monotonic() + seconds
    while not should_stop() and (left := end - time.monotonic()) > 0:
        time.sleep(min(left, STEP_SECONDS))


def _deliver(claims: Sequence[Claim], should_stop: Callable[[], bool]) -> Delivered:
    """Hand a batch to the handlers of its topics; what a stopping worker did not begin waits again."""
    by_topic: defaultdict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        by_topic[claim.topic].append(claim)
    total = Delivered()
    for topic, group in by_topic.items():
        if not should_stop():
            total += _deliver_topic(topic, group, should_stop)
    if should_stop():
        release_many(claims)
    return total


def _deliver_topic(topic: str, claims: Sequence[Claim], should_stop: Callable[[], bool]) -> Delivered:
    owner = registry.find(topic)
    if owner is None:
        logger.error("outbox: nobody delivers %s, %d messages put off", topic, len(claims))
        _put_off(claims, NO_HANDLER)
        return _tally(claims)
    try:
        return owner.handler(claims)
    except Exception as error:  # noqa: BLE001  a handler's fault in one message must not stop the others
        logger.warning("outbox: %d messages of %s failed with %s", len(claims), topic, type(error).__name__)
    if len(claims) == 1:
        _put_off(claims, HANDLER_ERROR)
    else:
        _deliver_singly(owner.handler, claims, should_stop)
    return _tally(claims)


def _deliver_singly(handler: Handler, claims: Sequence[Claim], should_stop: Callable[[], bool]) -> None:
    """Hand over one by one those that the failed batch had not begun."""
    for claim in _untouched(claims):
        if should_stop():
            return
        try:
            handler([claim])
        except Exception as error:  # noqa: BLE001  the same, for one message
            logger.warning("outbox: %s failed with %s", claim.key, type(error).__name__)
            _put_off([claim], HANDLER_ERROR)


def _put_off(claims: Sequence[Claim], code: str) -> None:
    """Retry later, or give up after the last attempt, those that have not begun to leave; the others recovery settles."""
    settle_alone([Settlement(claim, "retry", error_code=code) for claim in _untouched(claims)])


def _untouched(claims: Sequence[Claim]) -> list[Claim]:
    states = fates(claims)
    return [claim for claim in claims if states.get(claim.uuid) == State.CLAIMED]


def _tally(claims: Sequence[Claim]) -> Delivered:
    """Count by the rows themselves how these claims ended."""
    ended = Counter(fates(claims).values())
    return Delivered(
        sent=ended[State.SENT], dropped=ended[State.DROPPED], failed=ended[State.FAILED], retried=ended[State.PENDING]
    )

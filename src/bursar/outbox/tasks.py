"""Draining the outbox as a task: enqueued where something is due, run by whatever engine the settings name.

The outbox is the truth; a task only says "look". One that is lost, or runs twice, changes nothing: its slot is given
back or runs out, and the next poll enqueues another.
"""

import logging
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from bursar.kernel import clock
from bursar.kernel.conf import setting
from bursar.kernel.errors import Unavailable
from bursar.kernel.tasks import task
from bursar.kernel.transactions import writes
from bursar.outbox import engine, pulses, registry
from bursar.outbox.models import Message, State
from bursar.outbox.services import recover
from bursar.outbox.worker import drain, stopping

logger = logging.getLogger(__name__)

AT_MOST: Final = timedelta(seconds=10)
KEPT_FOR: Final = timedelta(seconds=5)  # whoever is killed with a slot gives it back after that
WAITS_AT_MOST: Final = timedelta(minutes=10)  # while no worker runs at all, tasks must not pile up
ONE_MORE_PER: Final = 100


class TaskFailed(Exception):
    """A task came to nothing; names what went wrong without its words, which an engine would keep and may name people."""


@task
def drain_outbox(slot: int) -> int:
    """Deliver what is due, for at most ten seconds, and give the slot back; returns how many messages were settled."""
    try:
        keep(_slot(slot))
        publish()
        recover()
        done = drain(lasting=AT_MOST, should_stop=_Keeper(_slot(slot)))
    except Exception as error:  # noqa: BLE001  whatever it is, its words stay here and the next poll tries again
        logger.error("outbox: a drain failed with %s", type(error).__name__)  # noqa: TRY400  a stack may name people
        raise TaskFailed(type(error).__name__) from None
    finally:
        pulses.free(_slot(slot))
    return done.sent + done.dropped + done.failed


def schedule_drains() -> int:
    """Enqueue a drain for each free slot that the present backlog is worth; returns how many. Cheap when nothing is due."""
    waiting = _waiting(ONE_MORE_PER * setting("drains"))
    wanted = min(setting("drains"), -(-waiting // ONE_MORE_PER))
    enqueued = 0
    for slot in range(1, wanted + 1):
        enqueued += enqueue(drain_outbox, _slot(slot), slot, waiting_for=WAITS_AT_MOST)
    return enqueued


class _Keeper:
    """Asked before every batch and every message whether to stop, keeps the slot meanwhile; at most once a second."""

    def __init__(self, slot: str) -> None:
        self._slot = slot
        self._kept_at = time.monotonic()

    def __call__(self) -> bool:
        if time.monotonic() - self._kept_at > 1:
            keep(self._slot)
            self._kept_at = time.monotonic()
        return stopping()


def keep(slot: str) -> None:
    """Tell that whoever has the slot is alive, and so is this worker."""
    pulses.hold(slot, lasting=KEPT_FOR)
    pulses.beat(pulses.WORKER)


def enqueue(work: Any, slot: str, *arguments: Any, waiting_for: timedelta) -> bool:
    """Take the slot for as long as the task may wait for a worker, and enqueue it; False while the slot is taken.

    Where the database keeps the tasks both are one commit. Else an engine that does not take the task raises
    `Unavailable`, and the slot is free; if this process dies in between, the slot runs out.
    """
    if engine.kind() == "database":
        return _enqueue_in_one_commit(work, slot, arguments, waiting_for)
    if not pulses.take(slot, lasting=waiting_for):
        return False
    try:
        work.enqueue(*arguments)
    except Exception as error:
        pulses.free(slot)
        raise Unavailable("The engine that runs tasks does not answer.", code="tasks_unavailable") from error
    return True


@writes
def _enqueue_in_one_commit(work: Any, slot: str, arguments: Sequence[Any], waiting_for: timedelta) -> bool:
    if not pulses.take_within(slot, lasting=waiting_for):
        return False
    work.enqueue(*arguments)
    return True


def publish() -> None:
    """Make messages of what has committed since: events for those who subscribed to them."""
    for source in registry.sources():
        if source.is_waiting():
            source.publish()


def _waiting(limit: int) -> int:
    """Count what a drain would find, up to `limit`."""
    now = clock.now()
    due = Message.objects.filter(state=State.PENDING, due_at__lte=now).order_by()
    found = due[:limit].count()
    if found < limit:
        dropped = Message.objects.filter(state=State.CLAIMED, lease_until__lt=now)
        uncertain = Message.objects.filter(state=State.COMMITTING, lease_until__lt=now - setting("mail_uncertain_for"))
        found += dropped.exists() or uncertain.exists() or any(source.is_waiting() for source in registry.sources())
    return found


def _slot(number: int) -> str:
    return f"drain:{number}"

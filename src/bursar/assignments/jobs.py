"""What is due: everything that time alone demands. Runs at any interval, twice at once, or after a week of outage."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from bursar.assignments import flows, moves, services
from bursar.assignments.services.chunked import Progress
from bursar.kernel import clock, pruning
from bursar.kernel.actor import TICK
from bursar.kernel.conf import setting
from bursar.outbox import engine, pulses
from bursar.outbox.services import Claim, Delivered, prune, recover
from bursar.outbox.tasks import publish
from bursar.outbox.worker import drain, never
from bursar.people.limits import prune_counts
from bursar.webhooks.services import prune_events

PRUNING: Final = "prune"
DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Ticked:
    """How much of each was due and done."""

    batches_resumed: int
    redemptions_resumed: int
    rescheduled: int
    expired: int
    nudged: int
    mail: Delivered
    scrubbed: int
    pruned: int
    warned: int = 0
    digests: int = 0
    reminded: int = 0


def tick(
    *, progress: Progress | None = None, should_stop: Callable[[], bool] = never, mail_for: timedelta | None = None
) -> Ticked:
    """Do all that is due, in the order in which one follows from another; every part is safe to run again.

    `progress` is called between commits with numbers of people done; it may raise to end the tick there. When
    `should_stop` says so, no further message leaves; none is begun either once messages have been sent for `mail_for`.
    """
    recover()
    done = Ticked(
        batches_resumed=flows.resume_batches(),
        redemptions_resumed=flows.resume_redemptions(),
        rescheduled=flows.reschedule_changed(),
        expired=expire_due(progress=progress),
        nudged=flows.nudge_due(),
        reminded=flows.remind_due(progress=progress),
        warned=flows.warn_due(),
        digests=flows.digest_due(),
        mail=_deliver_due(should_stop, mail_for),
        scrubbed=flows.scrub_due(actor=TICK, progress=progress),
        pruned=prune_due(),
    )
    publish()  # of what was removed last; delivered by the next poll
    pulses.beat(pulses.TICK)
    return done


def _deliver_due(should_stop: Callable[[], bool], lasting: timedelta | None) -> Delivered:
    """Deliver what is due, with what this tick itself has brought about."""
    publish()
    return drain(lasting=lasting, should_stop=should_stop)


def prune_due() -> int:
    """Once a day, remove what is kept for a while only: what was told, events, counts of requests, tasks; returns how many."""
    if not pulses.take(PRUNING, lasting=DAY):
        return 0
    told = prune() + services.prune_told() + services.prune_stops() + prune_events()
    return told + prune_counts() + engine.prune() + pruning.prune()


def expire_due(*, progress: Progress | None = None) -> int:
    """Expire every assignment whose date has come, in chunks of one transaction; returns how many."""
    expired = 0
    while keys := _due(setting("chunk_size")):
        done = services.expire_many(keys, actor=TICK, progress=progress).done
        if not done:
            break  # somebody else is at them: they will be found done, or due, next time
        expired += len(done)
    return expired


def _due(limit: int) -> list[UUID]:
    rows = moves.due_rows(clock.now()).order_by("expires_at", "pk")
    return list(rows.values_list("pk", flat=True)[:limit])


def deliver(claims: Sequence[Claim]) -> Delivered:
    """Deliver claimed messages: what the outbox calls for the topic `mail`."""
    return flows.deliver_many(claims)


def deliver_notices(claims: Sequence[Claim]) -> Delivered:
    """Deliver claimed notices to those who assign: what the outbox calls for the topic `notice`."""
    return flows.deliver_notices(claims)


def deliver_digests(claims: Sequence[Claim]) -> Delivered:
    """Deliver claimed digests: what the outbox calls for the topic `digest`."""
    return flows.deliver_digests(claims)


def look_up(claims: Sequence[Claim]) -> Mapping[UUID, bool]:
    """Tell which messages that may have left did: what the outbox calls for them after a worker has stopped."""
    return flows.look_up(claims)


def link_saved_user(instance: Any, raw: bool = False, **_: Any) -> None:
    """Link what is assigned to the address of a user of the host project who was saved; the one signal we listen to.

    In the transaction of the save, if there is one; fixtures (`raw`) are left alone.
    """
    if not raw:
        flows.link_user(instance)

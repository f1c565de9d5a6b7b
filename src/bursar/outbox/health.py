"""Whether messages move and ticks come: what an operator must hear of, in words and in stable codes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Min

from bursar.kernel import clock
from bursar.kernel.conf import setting
from bursar.outbox import pulses
from bursar.outbox.models import Message, State
from bursar.outbox.services import Backlog, backlog

TICKS_MISSED: Final = 3
# What a message meets that is not its own fault: no other one will fare better.
NOBODY_TAKES_ANY: Final = ("smtp_unreachable", "provider_settings", "mail_files_unavailable", "misconfigured")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that does not run as it should."""

    code: str
    words: str


@dataclass(frozen=True, slots=True)
class Health:
    """What the outbox and its workers look like now; times are aware UTC, None where something never ran."""

    backlog: Backlog
    worker_at: datetime | None
    tick_at: datetime | None
    problems: tuple[Problem, ...]


def health() -> Health:
    """Look at everything; a fixed number of statements, whose cost does not grow with what was sent long ago."""
    waiting, beats, now = backlog(), pulses.beats(), clock.now()
    worker_at, tick_at = beats.get(pulses.WORKER), beats.get(pulses.TICK)
    found = (
        _stuck(waiting, beats.get(pulses.DELIVERY), now),
        _untaken(now),
        _silent(waiting, worker_at, now),
        _late(tick_at, now),
    )
    return Health(waiting, worker_at, tick_at, tuple(problem for problem in found if problem))


def _stuck(waiting: Backlog, moved_at: datetime | None, now: datetime) -> Problem | None:
    """Tell of messages that wait while none is delivered; a long backlog that moves is none."""
    if waiting.oldest_due is None:
        return None
    since = max(waiting.oldest_due, moved_at or waiting.oldest_due)
    if now - since < setting("stuck_after"):
        return None
    number = waiting.counts[State.PENDING]
    return Problem("mail_stuck", f"Mail has not moved for {_span(now - since)}; {number} wait or will be tried again.")


def _untaken(now: datetime) -> Problem | None:
    """Tell of a mail system that takes nothing: what is tried again later waits for its turn, and is not stuck."""
    rows = Message.objects.filter(state=State.PENDING, error_code__in=NOBODY_TAKES_ANY).order_by()
    since, number = rows.aggregate(since=Min("created"), number=Count("*")).values()
    if since is None or now - since < setting("stuck_after"):
        return None
    return Problem("mail_untaken", f"The mail system takes no mail; messages waiting for it: {number}.")


def _silent(waiting: Backlog, worker_at: datetime | None, now: datetime) -> Problem | None:
    """Tell of workers that stopped, and of ones that were never started once something has waited for them."""
    since = worker_at or waiting.oldest_due
    if since is None or now - since < setting("stuck_after"):
        return None
    last = f"for {_span(now - worker_at)}" if worker_at else "at all"
    return Problem("worker_silent", f"No worker has run {last}: start `bursar worker`.")


def _late(tick_at: datetime | None, now: datetime) -> Problem | None:
    allowed = max(setting("stuck_after"), TICKS_MISSED * setting("tick_every"))
    if tick_at is None or now - tick_at < allowed:
        return None
    return Problem(
        "tick_late", f"The last tick was {_span(now - tick_at)} ago: nothing expires or is forgotten meanwhile."
    )


def _span(past: timedelta) -> str:
    """Return a span of time as people say it."""
    minutes = int(past.total_seconds() // 60)
    if minutes < 120:  # noqa: PLR2004  up to two hours, minutes say more
        return f"{minutes} minutes"
    return f"{minutes // 60} hours" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days"

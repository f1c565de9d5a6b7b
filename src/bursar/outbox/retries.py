"""How long a message waits before it is tried again, and when it is given up; each topic has waits of its own."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

Waits = tuple[timedelta, ...]

MAIL: Final[Waits] = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=24),
)
# As Standard Webhooks has it: ten tries within 75 hours and 35 minutes.
WEBHOOKS: Final[Waits] = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
JITTER: Final = 0.2


def delay(attempt: int, *, random: Callable[[], float], waits: Waits = MAIL) -> timedelta | None:
    """Return the wait after the `attempt`-th try (from 1) has failed, or None when that was the last one.

    `random` gives numbers from 0 up to 1; they move the wait by up to 20 % either way, so that messages which failed
    together do not come back together.
    """
    if attempt < 1:
        raise ValueError("attempts are counted from 1")
    if is_last(attempt, waits):
        return None
    return waits[attempt - 1] * (1 - JITTER + 2 * JITTER * random())


def is_last(attempt: int, waits: Waits = MAIL) -> bool:
    """Tell whether nothing follows when the `attempt`-th try (from 1) fails."""
    return attempt > len(waits)

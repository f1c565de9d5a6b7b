"""The only source of "now": aware UTC, shifted by BURSAR_CLOCK_OFFSET or pinned by `at` (demo and tests only)."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

from django.utils import timezone

from bursar.kernel.conf import setting

LAST_MINUTE: Final = time(23, 59)
_pinned: ContextVar[datetime | None] = ContextVar("bursar_clock", default=None)


def now() -> datetime:
    """Return the current moment as aware UTC, as the whole product sees it."""
    pinned = _pinned.get()
    if pinned is not None:
        return pinned
    offset: timedelta = setting("clock_offset")
    return timezone.now().astimezone(UTC) + offset


def last_minute(day: date, zone: tzinfo) -> datetime:
    """Return the last minute of a day in a zone: whoever may do something until a day may do it on that day too."""
    return datetime.combine(day, LAST_MINUTE, zone)


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Pin `now` to `moment` (aware) inside the block; whoever calls this has checked that time may be moved."""
    if moment.tzinfo is None:
        raise ValueError("the clock takes aware datetimes only")
    token = _pinned.set(moment.astimezone(UTC))
    try:
        yield
    finally:
        _pinned.reset(token)

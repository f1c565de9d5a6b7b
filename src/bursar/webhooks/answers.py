"""What an answer to a delivery means, as Standard Webhooks has it: sent, again, not before, or never again. Pure: no Django."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final, Literal

LONGEST_WAIT: Final = timedelta(days=1)
LONGEST_NUMBER: Final = 9
FIRST_PAUSE: Final = timedelta(minutes=1)
LONGEST_PAUSE: Final = timedelta(hours=1)
# The receiver as a whole, not this event, is in trouble: everything else for it waits too.
BUSY: Final = frozenset({
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from an answer. `code` is a fixed word; `retry_after` is what the receiver asked for.

    `gone`: it wants nothing more, ever. `pauses`: nothing else is tried there for a while.
    """

    outcome: Literal["sent", "retry", "failed"]
    code: str = ""
    retry_after: timedelta = timedelta(0)
    gone: bool = False
    pauses: bool = False


def judge(status: int | None, *, fault: str = "", retry_after: str = "", now: datetime) -> Verdict:
    """Return what an answer means: its `status`, or None with the `fault` that kept it from coming."""
    if status is None:
        return Verdict("retry", fault, pauses=True)
    if 200 <= status < 300:  # noqa: PLR2004  the class of success
        return Verdict("sent")
    if status == HTTPStatus.GONE:
        return Verdict("failed", "http_410", gone=True)
    if status in BUSY:
        return Verdict("retry", f"http_{status}", wait_asked_for(retry_after, now), pauses=True)
    return Verdict("retry", f"http_{status}")


def wait_asked_for(header: str, now: datetime) -> timedelta:
    """Return how long a Retry-After header asks us to wait: seconds or a date, at most a day; nothing if unreadable."""
    text = header.strip()
    if text.isascii() and text.isdigit():
        seconds = int(text[:LONGEST_NUMBER]) if len(text) <= LONGEST_NUMBER else LONGEST_WAIT.total_seconds()
        return min(timedelta(seconds=seconds), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(text)
        wait = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
    except (ValueError, TypeError, IndexError, OverflowError):
        return timedelta(0)
    return max(timedelta(0), min(wait, LONGEST_WAIT))


def pause(failures: int, asked: timedelta) -> timedelta:
    """Return how long a receiver in trouble is left alone after so many failures in a row (from 1)."""
    own: timedelta = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(failures - 1, 10))
    return max(asked, own)

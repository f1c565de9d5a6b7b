"""How what is typed is read: whole currency units there, cents inside."""

import re
from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID

from bursar.kernel import clock
from bursar.kernel.conf import duration
from bursar.kernel.errors import BadInput
from bursar.kernel.spelling import date_text, money, second_text

__all__ = ["cents", "date_text", "deadline", "moment", "moment_or_span", "money", "second_text", "uuid_of"]

AMOUNT: Final = re.compile(r"([+-]?)([0-9]+)(?:\.([0-9]{1,2}))?")
DIGITS: Final = 13  # more than any amount may have, and fewer than databases can count to
YEARS: Final = range(1970, 9000)
QUOTED: Final = 40


def cents(text: str, *, code: str = "invalid_amount", signed: bool = False) -> int:
    """Return an amount typed in whole currency units with at most two decimals, such as 40000 or 49.00, in cents.

    Raises `BadInput` with `code` for anything else: fractions of a cent, other signs and letters, nothing at all, ten
    trillion and more, and a minus unless `signed`.
    """
    match = AMOUNT.fullmatch(text.strip())
    if match is None or not text.isascii():
        raise BadInput(
            f"{_shown(text)} is not an amount such as 40000 or 49.00: digits, and at most two decimals.", code=code
        )
    sign, whole, part = match.groups()
    if sign == "-" and not signed:
        raise BadInput(f"{_shown(text)} is below zero.", code=code)
    if len(whole.lstrip("0")) > DIGITS:
        raise BadInput(f"{_shown(text)} is too large for an amount.", code=code)
    amount = int(whole) * 100 + int((part or "0").ljust(2, "0"))
    return -amount if sign == "-" else amount


def moment(text: str, name: str) -> datetime:
    """Return an ISO 8601 date, or date and time, in aware UTC; without a zone it is UTC, a date alone its first moment.

    Raises `BadInput` (`invalid_date`), naming `name`.
    """
    try:
        found = datetime.fromisoformat(text.strip())
        aware = found if found.tzinfo else found.replace(tzinfo=UTC)
        utc = aware.astimezone(UTC)
    except (ValueError, OverflowError):
        utc = None
    if utc is None or utc.year not in YEARS:
        raise BadInput(
            f"{name} must be a date such as 2027-01-31 or 2027-01-31T09:00:00Z, not {_shown(text)}.",
            code="invalid_date",
        )
    return utc


def deadline(text: str, name: str) -> datetime:
    """Return until when something may be done: a moment as `moment` reads it, of a date alone the last minute (UTC)."""
    found = moment(text, name)
    try:
        return clock.last_minute(date.fromisoformat(text.strip()), UTC)
    except ValueError:  # with a time
        return found


def moment_or_span(text: str, name: str, *, now: datetime) -> datetime:
    """Return a moment as `moment` does, or `now` and a span of time more, such as +91d; raises `BadInput` alike."""
    if not text.startswith("+"):
        return moment(text, name)
    try:
        return moment((now + duration(text)).isoformat(), name)
    except (ValueError, OverflowError):
        raise BadInput(
            f"{name} must be a date, or a span such as +91d, not {_shown(text)}.", code="invalid_date"
        ) from None


def uuid_of(text: str, name: str) -> UUID:
    """Return a uuid; raises `BadInput` (`invalid_uuid`), naming `name`."""
    try:
        return UUID(text.strip())
    except ValueError:
        raise BadInput(f"{_shown(text)} is not the uuid of {name}.", code="invalid_uuid") from None


def _shown(text: str) -> str:
    """Return what was typed as a message may quote it: one short printable line."""
    return repr(text if len(text) <= QUOTED else f"{text[:QUOTED]}…")

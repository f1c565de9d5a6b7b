"""When the people who assign are told of what: thresholds, the times of digests, and what makes a notice a new one. Pure."""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from bursar.budgets.phases import LOW_FROM_PERCENT

BUDGET_PERCENT: Final = (LOW_FROM_PERCENT, 100)
FUND_DAYS: Final = (120, 90, 60, 30, 10, 0)
STALE_AFTER: Final = timedelta(days=30)  # the end of a fund is no news any more
FUND_TOLD_FOR: Final = timedelta(days=max(FUND_DAYS)) + STALE_AFTER  # a warning older than that is of an end long past
DIGEST_AT: Final = time(8)
MONDAY: Final = 0


class Frequency(StrEnum):
    """How often a digest goes out, in the morning of the customer's zone; weekly ones on Mondays."""

    OFF = "off"
    DAILY = "daily"
    WEEKLY = "weekly"


def percent_passed(used_cents: int, limit_cents: int) -> int | None:
    """Return the highest threshold, in percent of its limit, that a budget has reached; None below all of them."""
    if limit_cents <= 0:
        return None
    return max((percent for percent in BUDGET_PERCENT if used_cents * 100 >= limit_cents * percent), default=None)


def budget_slot(percent: int, limit_cents: int) -> str:
    """Return what a warning of this threshold is told once for: another limit makes it news again."""
    return f"{percent}:{limit_cents}"


def budget_slots_from(percent: int, limit_cents: int) -> list[str]:
    """Return the slots that say at least as much: who was told that all is used needs not hear of three quarters."""
    return [budget_slot(one, limit_cents) for one in BUDGET_PERCENT if one >= percent]


def days_passed(ends_at: datetime, now: datetime) -> int | None:
    """Return the newest threshold, in days before its end, that a fund has passed; None before all, and when long over."""
    if now - ends_at > STALE_AFTER:
        return None
    return min((days for days in FUND_DAYS if ends_at - now <= timedelta(days=days)), default=None)


def fund_slot(days: int, ends_at: datetime) -> str:
    """Return what a warning of this threshold is told once for: another end makes it news again."""
    return f"{ends_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z:{days}"


def fund_slots_from(days: int, ends_at: datetime) -> list[str]:
    """Return the slots that say at least as much: this threshold and those nearer to the end."""
    return [fund_slot(one, ends_at) for one in FUND_DAYS if one <= days]


def endpoint_slot(disabled_at: datetime) -> str:
    """Return what the end of a webhook is told once for: disabled again, it is news again."""
    return f"{disabled_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def digest_day(frequency: str, zone: str, now: datetime) -> date:
    """Return the day of the newest digest that is due by now, in the zone; for `daily` and `weekly` alone."""
    local = now.astimezone(ZoneInfo(zone))
    day = local.date() if local.time() >= DIGEST_AT else local.date() - timedelta(days=1)
    return day - timedelta(days=(day.weekday() - MONDAY) % 7) if frequency == Frequency.WEEKLY else day


def next_digest(frequency: str, zone: str, now: datetime) -> datetime | None:
    """Return the first moment after now at which a digest is due, aware UTC; None for never."""
    if frequency == Frequency.OFF:
        return None
    step = timedelta(days=7 if frequency == Frequency.WEEKLY else 1)
    day = digest_day(frequency, zone, now) + step
    return datetime.combine(day, DIGEST_AT, ZoneInfo(zone)).astimezone(UTC)


def digest_slot(frequency: str, day: date) -> str:
    """Return what a digest is told once for."""
    return f"{frequency}:{day:%Y-%m-%d}"

"""What is said of a budget at a glance: where it is in its life, and whether money is short. Pure: no Django."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

EXPIRING_WITHIN: Final = timedelta(days=120)
LOW_FROM_PERCENT: Final = 75
NOTHING_FROM_CENTS: Final = 100_00


class Phase(StrEnum):
    """Where a budget is in its life."""

    SCHEDULED = "scheduled"
    ACTIVE = "active"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    RETIRED = "retired"


def phase(now: datetime, *, retired: bool, starts_at: datetime | None, expires_at: datetime | None) -> Phase:
    """Return the phase of a budget from its own end and those of its fund; all times aware."""
    if retired:
        return Phase.RETIRED
    if starts_at is not None and starts_at > now:
        return Phase.SCHEDULED
    if expires_at is None or expires_at - now > EXPIRING_WITHIN:
        return Phase.ACTIVE
    return Phase.EXPIRING if expires_at > now else Phase.EXPIRED


class Room(StrEnum):
    """How much an open budget leaves to assign."""

    ENOUGH = "enough"
    LOW = "low"
    NOTHING = "nothing"


def room(available_cents: int, used_percent: int) -> Room:
    """Return whether money is short: at most 100 (of any currency) is as good as nothing, from 75 % used it is low."""
    if available_cents <= NOTHING_FROM_CENTS:
        return Room.NOTHING
    return Room.LOW if used_percent >= LOW_FROM_PERCENT else Room.ENOUGH

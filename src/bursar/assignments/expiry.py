"""When an assignment expires and why: the only place that adds days to a date. Pure: no Django, no clock."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

DAYS_BEFORE_EXPIRATION: Final = 90


class Reason(StrEnum):
    """Why an assignment expires, as stored and sent."""

    NINETY_DAYS_PASSED = "NINETY_DAYS_PASSED"
    ENROLLMENT_DATE_PASSED = "ENROLLMENT_DATE_PASSED"
    SUBSIDY_EXPIRED = "SUBSIDY_EXPIRED"


@dataclass(frozen=True, slots=True)
class Terms:
    """What an expiry follows from; all times aware UTC. `personal` replaces the rest: somebody gave a new deadline."""

    created: datetime
    allocated_at: datetime | None = None
    notified_at: datetime | None = None
    enroll_by: datetime | None = None
    fund_end: datetime | None = None
    personal: datetime | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """When an assignment expires, and for which reason."""

    at: datetime
    reason: Reason


@dataclass(frozen=True, slots=True)
class RunDates:
    """The dates of one run that decide whether people can still enrol; None means no limit."""

    enroll_by: datetime | None
    end: datetime | None
    active: bool = True


def timeout(terms: Terms) -> datetime:
    """Return 90 days after the learner was last told of the current allocation."""
    told = [moment for moment in (terms.notified_at, terms.allocated_at) if moment is not None]
    return max(told, default=terms.created) + timedelta(days=DAYS_BEFORE_EXPIRATION)


def candidates(terms: Terms) -> list[Due]:
    """Return every date that could end the assignment, in the order in which equal dates win."""
    found = [Due(timeout(terms), Reason.NINETY_DAYS_PASSED)]
    if terms.enroll_by is not None:
        found.append(Due(terms.enroll_by, Reason.ENROLLMENT_DATE_PASSED))
    if terms.fund_end is not None:
        found.append(Due(terms.fund_end, Reason.SUBSIDY_EXPIRED))
    return found


def due(terms: Terms) -> Due:
    """Return when the assignment expires: a personal deadline with the reason it stands in for, else the earliest."""
    earliest = min(candidates(terms), key=lambda candidate: candidate.at)
    return earliest if terms.personal is None else Due(terms.personal, earliest.reason)


def is_open(run: RunDates, now: datetime) -> bool:
    """Tell whether people can still enrol in a run."""
    in_time = run.enroll_by is None or run.enroll_by > now
    running = run.end is None or run.end > now
    return run.active and in_time and running


def course_enroll_by(runs: Iterable[RunDates], now: datetime) -> datetime | None:
    """Return the latest enrol-by among the runs still open, or None when one of them has no limit.

    When none is open, return when the last of them closed.
    """
    all_runs = list(runs)
    usable = [run for run in all_runs if is_open(run, now)]
    if usable:
        limits = [run.enroll_by for run in usable]
        return None if None in limits else max(limit for limit in limits if limit is not None)
    return max((run.enroll_by or run.end for run in all_runs if run.enroll_by or run.end), default=None)  # type: ignore[type-var]


def can_enrol(runs: Iterable[RunDates], now: datetime) -> bool:
    """Tell whether at least one of the runs is open; a course without any run has no date to miss."""
    all_runs = list(runs)
    return not all_runs or any(is_open(run, now) for run in all_runs)

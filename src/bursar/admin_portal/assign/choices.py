"""What of the catalog can be assigned from a budget now: courses with their runs, and why a run cannot be."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils.translation import gettext_lazy

from bursar.assignments.expiry import DAYS_BEFORE_EXPIRATION, RunDates, is_open
from bursar.catalog.models import Catalog, Course, Run
from bursar.catalog.selectors import courses
from bursar.kernel import clock

AT_ONCE: Final = 12
NOT_OFFERED: Final = gettext_lazy("not on offer")
CLOSED: Final = gettext_lazy("enrolment has closed")
AFTER_THE_FUND: Final = gettext_lazy("begins after the end of the fund")
PACING: Final = {
    "self_paced": gettext_lazy("self-paced"),
    "instructor_paced": gettext_lazy("led by an instructor"),
}


@dataclass(frozen=True, slots=True)
class RunChoice:
    """A run; `why_not` says why it cannot be assigned, "" where it can. `until` is the last moment to accept it now."""

    run: Run
    why_not: str
    until: datetime


@dataclass(frozen=True, slots=True)
class CourseChoice:
    """A course with its runs, those that can be assigned first."""

    course: Course
    runs: list[RunChoice]

    @property
    def can_be_assigned(self) -> bool:
        """Whether somebody could take it: it has a price, and a run that is open or none at all."""
        return self.course.price_cents is not None and (not self.runs or not self.runs[0].why_not)

    @property
    def next_start(self) -> datetime | None:
        """When the next of its open runs begins; where all have begun, when the last of them did."""
        now = clock.now()
        starts = [choice.run.start for choice in self.runs if choice.run.start and not choice.why_not]
        return min((start for start in starts if start > now), default=max(starts, default=None))

    @property
    def pacing(self) -> str:
        """How it is paced, in words; a word of the catalog that is no code of Open edX as it is."""
        return str(PACING.get(self.course.pacing, self.course.pacing))


def page_of_courses(
    catalog: Catalog | None, search: str, number: int, fund_ends_at: datetime | None
) -> tuple[list[CourseChoice], bool]:
    """Return a page of what a catalog offers, by title, and whether there are more; two statements."""
    first = (number - 1) * AT_ONCE
    found = list(
        courses(search=search, catalog=catalog, active=True).order_by("title", "key")[first : first + AT_ONCE + 1]
    )
    return [choice_of(course, fund_ends_at) for course in found[:AT_ONCE]], len(found) > AT_ONCE


def choice_of(course: Course, fund_ends_at: datetime | None) -> CourseChoice:
    """Return a course loaded with its runs as a choice."""
    return CourseChoice(course, _runs(course.runs.all(), fund_ends_at))


def _runs(runs: Iterable[Run], fund_ends_at: datetime | None) -> list[RunChoice]:
    now = clock.now()
    timeout = now + timedelta(days=DAYS_BEFORE_EXPIRATION)
    found = [
        RunChoice(run, _why_not(run, fund_ends_at, now), min(filter(None, (timeout, run.enroll_by, fund_ends_at))))
        for run in runs
    ]
    return sorted(found, key=lambda choice: bool(choice.why_not))


def _why_not(run: Run, fund_ends_at: datetime | None, now: datetime) -> str:
    if not run.active:
        return str(NOT_OFFERED)
    if not is_open(RunDates(run.enroll_by, run.end), now):
        return str(CLOSED)
    if run.start and fund_ends_at and run.start >= fund_ends_at:
        return str(AFTER_THE_FUND)
    return ""

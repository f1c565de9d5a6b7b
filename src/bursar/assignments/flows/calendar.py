"""Dates: a catalog or a fund that changed moves expiries; courses that start soon are worth a nudge."""

from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final
from uuid import UUID

from bursar.assignments import services
from bursar.assignments.flows import contents
from bursar.assignments.selectors import configurations_of_fund, contents_of, open_content, starting
from bursar.assignments.services.chunked import Outcome, Progress
from bursar.budgets.models import Fund
from bursar.budgets.services import set_fund_end
from bursar.catalog.services import (
    ImportResult,
    changed_courses,
    clear_changed,
    flag_changed,
    import_courses,
    import_runs,
)
from bursar.kernel import clock
from bursar.kernel.actor import TICK, Actor
from bursar.kernel.batching import chunks
from bursar.kernel.conf import LONGEST, setting

COURSES_AT_ONCE: Final = 500
EXECUTIVE_EDUCATION: Final = "executive-education"


def import_catalog(
    kind: str, source: Path | BinaryIO, *, encoding: str | None = None, progress: Progress | None = None
) -> tuple[ImportResult, int]:
    """Take a file of `courses` or `runs` into the catalog and move the expiries that follow from it; returns how many.

    What changed is flagged in the commit that changes it, so that a crash in between leaves the rest to `tick`.
    """
    read = import_courses if kind == "courses" else import_runs
    result = read(source, encoding=encoding, progress=progress, on_change=flag_changed)
    return result, reschedule_changed()


def reschedule_changed() -> int:
    """Move the expiries that follow from catalog changes not dealt with yet; returns how many moved."""
    changed = changed_courses()
    moved = reschedule_content(changed)
    for part in chunks(changed):
        clear_changed(part)
    return moved


def reschedule_content(courses: Collection[str]) -> int:
    """Compute the expiries of everything open of these courses anew; returns how many moved."""
    return sum(_reschedule_part(part) for part in chunks(sorted(courses), COURSES_AT_ONCE))


def _reschedule_part(courses: Collection[str]) -> int:
    now = clock.now()
    known = contents.describe(courses)
    moved = 0
    runs = {run.key: run for content in known.values() for run in content.runs}
    by_course, by_run = open_content(set(known), set(runs))
    course_dates = {key: contents.enroll_by(known[key], None, now) for key in by_course}
    moved += services.reschedule_many(course_dates) if course_dates else 0
    run_dates = {key: runs[key].enroll_by for key in by_run}
    moved += services.reschedule_many(run_dates, assigned=False) if run_dates else 0
    return moved


def change_fund_end(fund: UUID, ends_at: datetime | None, *, actor: Actor) -> tuple[Fund, int]:
    """Move the end of a fund, and the expiries that follow from it; returns the fund and how many moved."""
    row = set_fund_end(fund, ends_at, actor_user_id=actor.user_id)
    return row, services.reschedule_fund(configurations_of_fund(fund), ends_at)


def nudge_exactly(days: int, *, actor: Actor, progress: Progress | None = None) -> Outcome:
    """Nudge everybody who accepted a course that starts on the day `days` days from now; nobody twice."""
    return services.nudge_many(starting(*_day(days)), days=days, actor=actor, progress=progress)


def nudge_selected(keys: Collection[UUID], *, days: int, actor: Actor) -> Outcome:
    """Nudge those of these assignments that are of executive education starting on that day; nobody twice.

    Whoever is not nudged is named neither as done nor as refused, unless they were nudged before.
    """
    whole = Outcome()
    for part in chunks(keys):
        due = starting(*_day(days), among=part) if days <= LONGEST.days else []
        whole.merge(services.nudge_many(_executive(due), days=days, actor=actor))
    return whole


def _day(days: int) -> tuple[datetime, datetime]:
    """Return when the day that is so many days from now begins and ends, by UTC."""
    day = (clock.now() + timedelta(days=days)).replace(hour=0, minute=0, second=0, microsecond=0)
    return day, day + timedelta(days=1)


def _executive(keys: Collection[UUID]) -> list[UUID]:
    """Return which of these assignments are of executive education, as the catalog has it now."""
    content = contents_of(keys)
    types = {key: found.course_type for key, found in contents.describe(set(content.values())).items()}
    return [key for key in keys if types.get(content.get(key, ""), "").startswith(EXECUTIVE_EDUCATION)]


def nudge_due() -> int:
    """Nudge by the policy (setting `nudge_days`): who accepted before that many days ahead of the start, once.

    A week of outage ends in one nudge, as long as the course has not started. Whoever has been nudged is not locked again.
    """
    now, queued = clock.now(), 0
    for days in setting("nudge_days"):
        ahead = timedelta(days=days)
        keys = services.not_nudged(starting(now, now + ahead, accepted_ahead=ahead), days=days)
        queued += len(services.nudge_many(keys, days=days, actor=TICK).done)
    return queued

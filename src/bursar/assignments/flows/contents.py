"""What the catalog says of contents, in the terms of the rules: open or not, until when, which run."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from bursar.assignments import expiry
from bursar.kernel.backends import backend
from bursar.kernel.transactions import refuse_transaction
from bursar.ports.catalog import CatalogPort, Content, Run


def catalog() -> CatalogPort:
    """Return the catalog that the settings name."""
    refuse_transaction()
    port: CatalogPort = backend("catalog_port")
    return port


def describe(keys: Collection[str]) -> dict[str, Content]:
    """Return what the catalog says of these courses and runs; unknown ones are left out."""
    return catalog().describe_many(keys)


def offers(catalog_key: UUID | None, key: str) -> bool:
    """Tell whether a named catalog (None: any) offers a course or run."""
    return key in catalog().contains_many(catalog_key, [key])


def dates(run: Run) -> expiry.RunDates:
    """Return the dates of a run as the rules take them."""
    return expiry.RunDates(run.enroll_by, run.end, run.active)


def is_open(content: Content, run_key: str | None, now: datetime) -> bool:
    """Tell whether people can enrol: in the run meant, else in any run of the course."""
    run = run_meant(content, run_key)
    return expiry.is_open(dates(run), now) if run else expiry.can_enrol(map(dates, content.runs), now)


def enroll_by(content: Content, run_key: str | None, now: datetime) -> datetime | None:
    """Return until when people can enrol: in the run meant, else in the course; None for no limit."""
    run = run_meant(content, run_key)
    return run.enroll_by if run else expiry.course_enroll_by(map(dates, content.runs), now)


def run_meant(content: Content, run_key: str | None) -> Run | None:
    """Return the run that is assigned or preferred; None when only the course is."""
    if content.run is not None:
        return content.run
    return next((run for run in content.runs if run.key == run_key), None)


def first_open_run(content: Content, now: datetime) -> Run | None:
    """Return the run that a learner who names none is enrolled in: the open one that starts first."""
    return next((run for run in content.runs if expiry.is_open(dates(run), now)), None)


def last_run(content: Content) -> Run | None:
    """Return the run that whoever comes late is enrolled in, if that is allowed: the one on offer that closed last."""
    closed = {moment: run for run in content.runs if run.active and (moment := run.enroll_by or run.end)}
    return closed[max(closed)] if closed else None

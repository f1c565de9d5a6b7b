"""What we ask of a catalog: what a course or run is, what it costs and until when, and who may spend on it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Run:
    """One session of a course. Times are aware UTC; None says that there is no such limit."""

    key: str
    course_key: str
    start: datetime | None
    end: datetime | None
    enroll_by: datetime | None
    active: bool = True


@dataclass(frozen=True, slots=True)
class Content:
    """A course, or the course of a run, as the catalog has it now."""

    key: str
    """As asked: a course key or a run key."""
    course_key: str
    title: str
    partner: str
    price_cents: int | None
    """None: the catalog has no price; 0: it is free."""
    currency: str
    course_type: str
    active: bool
    """Whether it is on offer; of a run, whether the run and its course both are."""
    runs: tuple[Run, ...]
    """All runs of the course, inactive ones too, by start (unknown last), then key."""
    run: Run | None
    """The run asked for, when `key` is a run key."""


def run_order(run: Run) -> tuple[bool, float, str]:
    """Sort runs by start (unknown last), then key."""
    return run.start is None, run.start.timestamp() if run.start else 0.0, run.key


class CatalogPort(Protocol):
    """A catalog, asked for many keys at once. Keys compare exactly; one that names both is a course.

    Raises `Unavailable` when the catalog does not answer. Asked outside any transaction.
    """

    def describe_many(self, keys: Collection[str]) -> dict[str, Content]:
        """Return what is known of each key, by key; unknown ones are left out."""
        ...

    def contains_many(self, catalog: UUID | None, keys: Collection[str]) -> set[str]:
        """Return the keys (course or run) that the catalog offers; None stands for all active courses.

        What is unknown or inactive is not offered, and a catalog that does not exist offers nothing.
        """
        ...

"""What has become of allocations: which there are, how far they have come, and the result of every row of their file."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum

from bursar.assignments.models import (
    AllocationBatch,
    AllocationChunk,
    AssignmentConfiguration,
    LearnerContentAssignment,
)
from bursar.assignments.models.batches import BatchState
from bursar.assignments.states import State, Verb, starts
from bursar.kernel.actor import Actor
from bursar.kernel.batching import chunks
from bursar.kernel.errors import NotFound
from bursar.people.access import Permission, customers

PLACED: Final = ("created", "updated", "unchanged")

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Progress:
    """Of how many people of an allocation something has become, of how many."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Undoing:
    """What undoing an allocation would cancel now: how many assignments, and what they hold in cents."""

    count: int
    held_cents: int


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of one row of a file. `place` is where it is kept, in the order in which rows are listed.

    `outcome` is created, updated, unchanged, twin (of the row at `of_line`) or refused (`code`, `message`).
    """

    place: Place
    line: int
    outcome: str
    assignment: UUID | None = None
    of_line: int | None = None
    code: str | None = None
    message: str | None = None


def batches(actor: Actor) -> "QuerySet[AllocationBatch]":
    """Return the allocations of customers where `actor` may allocate, newest first."""
    allowed = customers(actor, Permission.ALLOCATE)
    rows = AllocationBatch.objects.order_by("-created", "-uuid")
    if allowed is None:
        return rows
    mine = AssignmentConfiguration.objects.filter(enterprise_customer_uuid__in=allowed)
    return rows.filter(configuration__in=mine.values("pk"))


def find_batch(batch: UUID, *, actor: Actor) -> AllocationBatch:
    """Return one allocation; raises `NotFound` when there is none that `actor` may look at."""
    row = batches(actor).filter(pk=batch).first()
    if row is None:
        raise NotFound("There is no such allocation.")
    return row


def progress_of(row: AllocationBatch) -> Progress:
    """Return how far an allocation has come; no statement."""
    return Progress(row.created_count + row.updated_count + row.unchanged_count + row.refused_count, row.people)


def undoing_of(row: AllocationBatch) -> Undoing | None:
    """Return what undoing an allocation would do by now, None where it would be refused or do nothing; one statement."""
    if row.state != BatchState.DONE:
        return None
    accepted = Q(state=State.ACCEPTED) | Q(redemption_uuid__isnull=False)
    found = LearnerContentAssignment.objects.filter(allocation_batch_id=row.pk).aggregate(
        accepted=Count("pk", filter=accepted),
        open=Count("pk", filter=Q(state__in=starts(Verb.CANCEL))),
        held=Sum("content_quantity", filter=Q(state=State.ALLOCATED)),
    )
    if found["accepted"] or not found["open"]:
        return None
    return Undoing(found["open"], -(found["held"] or 0))


def results(batch: UUID, *, after: Place = (-1, -1)) -> Iterator[RowResult]:
    """Yield the result of every row that has one by now, behind the place `after`; one chunk in memory at a time."""
    rows = AllocationChunk.objects.filter(batch=batch, position__gte=max(after[0], 0), results__isnull=False)
    for position, found in rows.order_by("position").values_list("position", "results").iterator(1):
        for item in _in_chunk(position, found or {}):
            if item.place > after:
                yield item


def page_of_results(batch: UUID, *, after: Place, limit: int) -> list[RowResult]:
    """Return at most `limit` results behind a place."""
    return list(islice(results(batch, after=after), limit))


def _in_chunk(position: int, found: Mapping[str, Any]) -> Iterator[RowResult]:
    rows = [
        *((line, {"outcome": name, "assignment": UUID(key)}) for name in PLACED for line, key in found.get(name, ())),
        *((line, {"outcome": "twin", "of_line": first}) for line, first in found.get("twins", ())),
        *(
            (line, {"outcome": "refused", "code": code, "message": words})
            for name in ("refused", "rejected")
            for line, code, words in found.get(name, ())
        ),
    ]
    for number, (line, facts) in enumerate(sorted(rows, key=lambda row: row[0])):
        yield RowResult((position, number), line, **facts)


@dataclass(frozen=True, slots=True)
class Shown:
    """An assignment beside a result: its state, and its address as it is now; None once that was removed."""

    state: str
    email: str | None


def shown(found: Sequence[RowResult]) -> dict[UUID, Shown]:
    """Return what the assignments of these results show now; one statement."""
    keys = {item.assignment for item in found if item.assignment}
    rows = LearnerContentAssignment.objects.filter(pk__in=keys).order_by()
    wanted = rows.values_list("pk", "state", "learner_email", "address_scrubbed_at")
    return {key: Shown(state, None if scrubbed else email) for key, state, email, scrubbed in wanted}


def shown_results(found: Iterable[RowResult]) -> Iterator[tuple[RowResult, Shown | None]]:
    """Yield each result with what its assignment shows now; one statement for each chunk of them."""
    for part in chunks(found):
        seen = shown(part)
        for item in part:
            yield item, seen.get(item.assignment) if item.assignment else None

"""Ours against raw SQL, turn by turn on one database: allocate, expire, cancel."""

import gc
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import count
from typing import Any, Final
from uuid import UUID

from django.db import DatabaseError, connection
from django.db.models import QuerySet

from bench import house, raw
from bursar.assignments import flows, jobs, services
from bursar.assignments.flows import AllocationRequest
from bursar.assignments.models import (
    AllocationBatch,
    LearnerContentAssignment,
    LearnerContentAssignmentAction,
)
from bursar.assignments.states import State
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.outbox.models import Message
from bursar.people.models import Membership, Person

ROWS: Final[Sequence[Any]] = (
    *(Person, Membership, LearnerContentAssignment, LearnerContentAssignment.history.model),
    *(LearnerContentAssignmentAction, LearnerContentAssignmentAction.history.model, Message, AllocationBatch),
)
FIRST_PRESENT: Final = 10**7
Turn = Callable[[], object]


class Rounds:
    """Lets both sides do every verb again and again, and keeps the seconds by verb and side."""

    def __init__(self, present: int, people: int) -> None:
        self.present, self.people = present, people
        self.numbers = count(1, step=people)
        self.seconds: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))

    def seed(self) -> None:
        """Put there those who have the course already."""
        present = house.people(FIRST_PRESENT, self.present)
        raw.execute(raw.allocation(house.budget(), present, clock.now()))
        settle_down(analyze=True)

    def one(self, number: int) -> None:
        """Measure every verb once on both sides; who goes first changes from round to round."""
        mine, others = self._allocate(number)
        self._expire(number)
        self._cancel(number, mine, others)

    def _allocate(self, number: int) -> tuple[list[UUID], list[UUID]]:
        """Allocate to people new to everything; returns the assignments of either side."""
        budget = house.budget()
        mine, others = (house.people(next(self.numbers), self.people) for _ in range(2))
        prepared = raw.allocation(budget, others, clock.now())
        request = AllocationRequest(budget, house.COURSE)
        self._race(
            "allocate",
            number,
            lambda: flows.allocate(request, mine, actor=CONSOLE),
            lambda: raw.execute(prepared),
        )
        return house.assignments_of(mine), house.assignments_of(others)

    def _expire(self, number: int) -> None:
        """Expire half of those whom a call allocates; only ours fall due, for our sweep takes whatever is due."""
        rows: QuerySet[LearnerContentAssignment] = QuerySet(LearnerContentAssignment)
        oldest = rows.filter(state=State.ALLOCATED).order_by("created", "pk")[: self.people]
        keys = list(oldest.values_list("pk", flat=True))
        half = self.people // 2
        mine, others = keys[:half], keys[half:][:half]
        prepared = raw.ending(house.budget(), others, "expired", clock.now())
        rows.filter(pk__in=mine).update(expires_at=clock.now() - timedelta(days=1))
        self._race("expire", number, jobs.expire_due, lambda: raw.execute(prepared))

    def _cancel(self, number: int, mine: list[UUID], others: list[UUID]) -> None:
        prepared = raw.ending(house.budget(), others, "cancelled", clock.now())
        self._race(
            "cancel",
            number,
            lambda: services.cancel_many(mine, actor=CONSOLE),
            lambda: raw.execute(prepared),
        )

    def _race(self, verb: str, number: int, ours: Turn, theirs: Turn) -> None:
        """Time both sides; in the first round they must write as many rows in every table."""
        sides = [("ours", ours), ("raw", theirs)]
        written = {}
        for side, turn in sides if number % 2 else reversed(sides):
            before = rows_there() if number == 1 else Counter()
            settle_down()
            self.seconds[verb][side].append(timed(turn))
            written[side] = rows_there() - before if number == 1 else before
        if written["ours"] != written["raw"]:
            raise SystemExit(f"bench: {verb} does not write the same rows on both sides: {written}")


def settle_down(*, analyze: bool = False) -> None:
    """Let nobody pay for what another turn has left behind."""
    gc.collect()
    statements = ["PRAGMA wal_checkpoint(TRUNCATE)"]
    if connection.vendor == "postgresql":
        statements = ["VACUUM ANALYZE", "CHECKPOINT"] if analyze else ["CHECKPOINT"]
    with connection.cursor() as cursor, suppress(DatabaseError):
        for statement in statements:
            cursor.execute(statement)


def timed(turn: Turn) -> float:
    """Return how many seconds it took."""
    start = time.perf_counter()
    turn()
    return time.perf_counter() - start


def rows_there() -> Counter[str]:
    """Return how many rows each table has that both sides must write alike."""
    return Counter({model.__name__: model._default_manager.count() for model in ROWS})

"""Assignments, plans and batches."""

import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, BinaryIO, Final, TypedDict, Unpack
from uuid import UUID

from bursar.client.connection import Upload
from bursar.client.errors import ClientError
from bursar.client.models import (
    AcceptedOutcome,
    Assignment,
    Batch,
    BatchRow,
    HandedOver,
    Outcome,
    Plan,
    PlanRow,
    Story,
)
from bursar.client.resource import M, Resource, as_json, given, read

CSV: Final = "text/csv"
JSON_LINES: Final = "application/x-ndjson"

Who = str | Mapping[str, str]


class AssignmentFilters(TypedDict, total=False):
    """Which assignments."""

    customer: UUID
    budget: UUID
    batch: UUID
    state: str
    learner_state: str
    content: str
    email: str
    search: str
    expiring_before: datetime
    mine: bool


class Offer(TypedDict, total=False):
    """What is assigned, beside the budget and the course: a preferred run, a price other than the catalog's (cents)."""

    run_key: str
    price_cents: int


class Assignments(Resource):
    """What was assigned to whom, and what can be done about it. Every verb answers for each assignment."""

    def list(self, **filters: Unpack[AssignmentFilters]) -> Iterator[Assignment]:
        """Name assignments."""
        return self._walk(Assignment, "assignments", **filters)

    def get(self, assignment: UUID) -> Story:
        """Return everything about one assignment."""
        return self._get(Story, f"assignments/{assignment}")

    def cancel(self, assignments: Iterable[UUID], *, key: str | None = None) -> Outcome:
        """Cancel open assignments; their money is free at once."""
        return self._do(Outcome, "cancel", assignments, paying=True, key=key)

    def accept(
        self, assignments: Iterable[UUID], *, run_key: str | None = None, key: str | None = None
    ) -> AcceptedOutcome:
        """Accept one's own, or for learners those that one manages."""
        return self._do(AcceptedOutcome, "accept", assignments, paying=True, key=key, run_key=run_key)

    def reverse(self, assignments: Iterable[UUID], *, reason: str = "", key: str | None = None) -> Outcome:
        """Take accepted assignments back, with their money."""
        return self._do(Outcome, "reverse", assignments, paying=True, key=key, reason=reason)

    def remind(self, assignments: Iterable[UUID]) -> Outcome:
        """Remind people of open assignments."""
        return self._do(Outcome, "remind", assignments)

    def nudge(self, assignments: Iterable[UUID], *, days: int) -> Outcome:
        """Tell people that their course starts in so many days."""
        return self._do(Outcome, "nudge", assignments, days=days)

    def extend(
        self, assignments: Iterable[UUID], *, until: datetime | None, reason: str = "", tell: bool = False
    ) -> Outcome:
        """Give open assignments a deadline of their own; None takes it away. With `tell` the learners get a mail."""
        body = {"assignments": as_json(list(assignments)), "until": as_json(until), "reason": reason, "tell": tell}
        return read(Outcome, self._connection.post("assignments/extend", body))

    def hand_over(self, assignment: UUID, email: str, *, key: str | None = None, **known: str) -> UUID:
        """Hand an open assignment to somebody else, of whom more may be `known`; returns the new one."""
        body = {"email": email, **known}
        return read(HandedOver, self._connection.pay(f"assignments/{assignment}/hand-over", body, key=key)).assignment

    def acknowledge(self, assignments: Iterable[UUID]) -> Outcome:
        """Note that learners have seen the end of their assignments."""
        return self._do(Outcome, "acknowledge", assignments)

    def _do(
        self,
        kind: type[M],
        verb: str,
        assignments: Iterable[UUID],
        *,
        paying: bool = False,
        key: str | None = None,
        **terms: Any,
    ) -> M:
        body = given(assignments=list(assignments), **terms)
        ask = self._connection.pay if paying else self._connection.post
        return read(kind, ask(f"assignments/{verb}", body, key=key))


def _body(budget: UUID, content_key: str, people: Iterable[Who], offer: Offer) -> dict[str, Any]:
    """Return people as the service reads them: addresses, or what is known of each by column."""
    named = [{"email": person} if isinstance(person, str) else dict(person) for person in people]
    return given(budget=budget, content_key=content_key, **offer) | {"people": named}


class Batches(Resource):
    """Allocations: everybody gets the course who can, or, when a rule or the money says no, nobody."""

    def list(self, *, budget: UUID | None = None, state: str | None = None) -> Iterator[Batch]:
        """Name the allocations, newest first."""
        return self._walk(Batch, "batches", budget=budget, state=state)

    def get(self, batch: UUID) -> Batch:
        """Return how far an allocation is."""
        return self._get(Batch, f"batches/{batch}")

    def create(
        self,
        budget: UUID,
        content_key: str,
        people: Iterable[Who],
        *,
        key: str | None = None,
        **offer: Unpack[Offer],
    ) -> Batch:
        """Assign a course to people. While its state is `filling` a worker is at it: see `wait`."""
        return read(Batch, self._connection.pay("batches", _body(budget, content_key, people, offer), key=key))

    def create_from_file(
        self,
        budget: UUID,
        content_key: str,
        file: BinaryIO,
        *,
        content_type: str = CSV,
        encoding: str | None = None,
        key: str | None = None,
        **offer: Unpack[Offer],
    ) -> Batch:
        """Assign a course to the people of a file (CSV, or `JSON_LINES`), which is sent as a stream."""
        query = {"budget": budget, "content_key": content_key, "encoding": encoding, **offer}
        answer = self._connection.call(
            "POST", "batches/file", query=query, body=Upload(file, content_type), key=key or self._connection.new_key()
        )
        return read(Batch, answer)

    def wait(self, batch: UUID, *, for_seconds: float = 300.0, every_seconds: float = 1.0) -> Batch:
        """Return an allocation once it is filled; raises `ClientError` when that takes longer."""
        end = time.monotonic() + for_seconds
        while (row := self.get(batch)).state == "filling":
            if time.monotonic() > end:
                raise ClientError(f"the batch {batch} is still being filled")
            self._connection.sleep(every_seconds)
        return row

    def rows(self, batch: UUID) -> Iterator[BatchRow]:
        """Name what became of every row, as far as it is done."""
        return self._walk(BatchRow, f"batches/{batch}/rows")

    def download_rows(self, batch: UUID, file: BinaryIO) -> None:
        """Write the same as CSV into a file."""
        with self._connection.stream(f"batches/{batch}/rows.csv") as response:
            file.writelines(response.iter_bytes())

    def undo(self, batch: UUID, *, key: str | None = None) -> Outcome:
        """Take a whole allocation back while nobody has accepted."""
        return read(Outcome, self._connection.pay(f"batches/{batch}/undo", key=key))


class Plans(Resource):
    """What an allocation would do, and doing exactly that."""

    def list(self, *, budget: UUID | None = None, state: str | None = None) -> Iterator[Plan]:
        """Name plans, newest first."""
        return self._walk(Plan, "plans", budget=budget, state=state)

    def get(self, plan: UUID) -> Plan:
        """Return one plan."""
        return self._get(Plan, f"plans/{plan}")

    def create(self, budget: UUID, content_key: str, people: Iterable[Who], **offer: Unpack[Offer]) -> Plan:
        """Find out what an allocation would do; nothing but the plan is written."""
        return read(Plan, self._connection.post("plans", _body(budget, content_key, people, offer)))

    def create_from_file(
        self,
        budget: UUID,
        content_key: str,
        file: BinaryIO,
        *,
        content_type: str = CSV,
        encoding: str | None = None,
        **offer: Unpack[Offer],
    ) -> Plan:
        """Find out the same for the people of a file."""
        query = {"budget": budget, "content_key": content_key, "encoding": encoding, **offer}
        answer = self._connection.call("POST", "plans/file", query=query, body=Upload(file, content_type))
        return read(Plan, answer)

    def rows(self, plan: UUID) -> Iterator[PlanRow]:
        """Name what would happen to every row."""
        return self._walk(PlanRow, f"plans/{plan}/rows")

    def apply(self, plan: Plan, *, key: str | None = None) -> Batch:
        """Do exactly what a plan says, or nothing (`Refused`, `plan_changed`)."""
        body = {"digest": plan.digest}
        return read(Batch, self._connection.pay(f"plans/{plan.uuid}/apply", body, key=key))

    def discard(self, plan: UUID) -> None:
        """Give up a plan, and have its people forgotten."""
        self._connection.delete(f"plans/{plan}")

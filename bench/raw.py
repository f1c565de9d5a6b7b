"""The yardstick: what a careful programmer writes by hand in SQL, with every value worked out before the clock starts.

The same rows in the same tables, one transaction per chunk as ours. PostgreSQL: COPY. SQLite: executemany. History by
INSERT … SELECT. Nothing is looked up, checked or locked beforehand, and columns that stay NULL are not written.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, models

from bench.house import COURSE, PRICE_CENTS
from bursar.assignments import expiry
from bursar.assignments.models import (
    AllocationBatch,
    AssignmentCounts,
    LearnerContentAssignment,
    LearnerContentAssignmentAction,
)
from bursar.budgets.models import Budget, Fund
from bursar.kernel.batching import chunks
from bursar.outbox.models import Message
from bursar.people.files import PersonRow
from bursar.people.keys import keys_of
from bursar.people.models import Membership, Person

Model = type[models.Model]
POSTGRESQL = connection.vendor == "postgresql"


@dataclass(frozen=True, slots=True)
class Insert:
    """Rows of one table, as its driver takes them."""

    table: str
    columns: Sequence[str]
    rows: Sequence[tuple[Any, ...]]

    def run(self, cursor: Any) -> None:
        """Write the rows in one statement."""
        target = f"{self.table} ({', '.join(self.columns)})"
        if POSTGRESQL:
            with cursor.copy(f"COPY {target} FROM STDIN") as copy:
                for row in self.rows:
                    copy.write_row(row)
        else:
            cursor.executemany(f"INSERT INTO {target} VALUES ({', '.join(['%s'] * len(self.columns))})", self.rows)


@dataclass(frozen=True, slots=True)
class Run:
    """Any other statement with its parameters."""

    sql: str
    parameters: Sequence[Any]

    def run(self, cursor: Any) -> None:
        """Execute the statement."""
        cursor.execute(self.sql, self.parameters)


Transaction = Sequence[Insert | Run]


def execute(transactions: Iterable[Transaction]) -> None:
    """Run the prepared transactions one after the other; this, and nothing else, is timed."""
    with connection.cursor() as cursor:
        for transaction in transactions:
            cursor.execute("BEGIN" if POSTGRESQL else "BEGIN IMMEDIATE")
            for statement in transaction:
                statement.run(cursor)
            cursor.execute("COMMIT")


def allocation(budget: Budget, people: Sequence[PersonRow], now: datetime) -> list[Transaction]:
    """Prepare what allocating to people who are new to everything has to write."""
    batch = uuid4()
    call = insert(AllocationBatch, [{"uuid": batch, "configuration_id": budget.assignment_configuration_id,
                                     "state": "done", "people": len(people), "created_count": len(people),
                                     "charged_cents": len(people) * PRICE_CENTS, "created": now, "modified": now}])  # fmt: skip
    parts = [_allocation_of(budget, part, batch, now) for part in chunks(people)]
    return [[call, *parts[0]], *parts[1:]]


def _allocation_of(budget: Budget, people: Sequence[PersonRow], batch: UUID, now: datetime) -> Transaction:
    assignments = [_assignment(budget, person, batch, now) for person in people]
    for row, key in zip(assignments, keys_of([person.normal for person in people]), strict=True):
        row["learner_email_key"] = key
    keys = [row["uuid"] for row in assignments]
    links = [_link(key, now) for key in keys]
    persons = [_person(budget, row, person) for row, person in zip(assignments, people, strict=True)]
    cents = len(people) * PRICE_CENTS
    return [
        insert(Person, persons),
        insert(Membership, [_membership(row) for row in persons]),
        insert(LearnerContentAssignment, assignments),
        history(LearnerContentAssignment, keys, "+", "allocated", now, assignments[0]),
        insert(LearnerContentAssignmentAction, links),
        history(LearnerContentAssignmentAction, [row["uuid"] for row in links], "+", None, now, links[0]),
        insert(Message, [message(budget, "assigned", 10, key, now) for key in keys]),
        counts(budget, allocated_notifying=len(keys)),
        *money(budget, held_cents=cents),
    ]


def ending(budget: Budget, keys: Sequence[UUID], state: str, now: datetime) -> list[Transaction]:
    """Prepare what cancelling or expiring allocated assignments, of which nobody was told yet, has to write."""
    return [_ending_of(budget, part, state, now) for part in chunks(keys)]


def _ending_of(budget: Budget, keys: Sequence[UUID], state: str, now: datetime) -> Transaction:
    reason = "cancelled by an admin" if state == "cancelled" else "expired"
    columns = ["assignment_configuration_id", "learner_email", "content_key", "is_assigned_course_run", "content_title"]
    columns += ["content_quantity", "state", "allocated_at", "allocation_batch_id", "cycle", "created", "modified"]
    return [
        update(LearnerContentAssignment, keys, {"state": state, f"{state}_at": now, "modified": now}),
        history(LearnerContentAssignment, keys, "~", reason, now, ["uuid", *columns, f"{state}_at"]),
        insert(Message, [message(budget, state, 20 if state == "cancelled" else 30, key, now) for key in keys]),
        counts(budget, allocated_notifying=-len(keys), **{state: len(keys)}),
        *money(budget, held_cents=-len(keys) * PRICE_CENTS),
    ]


def _assignment(budget: Budget, person: PersonRow, batch: UUID, now: datetime) -> dict[str, Any]:
    due = expiry.due(expiry.Terms(now, now))
    return {
        "uuid": uuid4(), "assignment_configuration_id": budget.assignment_configuration_id,
        "learner_email": person.email, "content_key": COURSE, "content_title": "Measuring what it costs",
        "content_quantity": -PRICE_CENTS, "state": "allocated", "allocated_at": now, "allocation_batch_id": batch,
        "created": now, "modified": now, "expires_at": due.at, "expires_reason": due.reason.value,
    }  # fmt: skip


def _person(budget: Budget, assignment: Mapping[str, Any], known: PersonRow) -> dict[str, Any]:
    return {
        "uuid": uuid4(), "customer_id": budget.customer_id, "address_key": assignment["learner_email_key"],
        "email": known.email, "name": known.name, "department": known.department, "language": known.language,
        "time_zone": known.time_zone, "created": assignment["created"], "modified": assignment["modified"],
    }  # fmt: skip


def _membership(person: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "uuid": uuid4(), "customer_id": person["customer_id"], "person_id": person["uuid"], "role": "learner",
        "created": person["created"], "modified": person["modified"],
    }  # fmt: skip


def _link(assignment: UUID, now: datetime) -> dict[str, Any]:
    return {
        "uuid": uuid4(), "assignment_id": assignment, "action_type": "learner_linked", "completed_at": now,
        "created": now, "modified": now,
    }  # fmt: skip


def message(budget: Budget, kind: str, priority: int, assignment: UUID, now: datetime) -> dict[str, Any]:
    """Return the message that a first cycle owes."""
    return {
        "uuid": uuid4(), "key": f"mail:{kind}:{assignment}:1:1", "topic": "mail", "kind": kind,
        "customer_uuid": budget.customer_id, "subject_uuid": assignment, "cycle": 1, "priority": priority,
        "due_at": now, "created": now,
    }  # fmt: skip


def insert(model: Model, rows: Sequence[Mapping[str, Any]]) -> Insert:
    """Prepare rows given by field; the others get their default, and those that are NULL everywhere are left out."""
    fields: list[Any] = [item for item in model._meta.concrete_fields if not item.generated and not _is_automatic(item)]
    columns = []
    values = []
    for field in fields:
        prepared = [field.get_db_prep_save(row.get(field.attname, field.get_default()), connection) for row in rows]
        if any(value is not None for value in prepared):
            columns.append(quote(field.column))
            values.append(prepared)
    return Insert(quote(model._meta.db_table), columns, list(zip(*values, strict=True)))


def _is_automatic(field: Any) -> bool:
    return isinstance(field, models.AutoField | models.BigAutoField)


def update(model: Any, keys: Sequence[UUID], values: Mapping[str, Any]) -> Run:
    """Prepare one UPDATE of these rows."""
    fields = {model._meta.get_field(name): value for name, value in values.items()}
    assigned = ", ".join(f"{quote(field.column)} = %s" for field in fields)
    which, parameters = among(keys)
    given = [field.get_db_prep_save(value, connection) for field, value in fields.items()]
    return Run(f"UPDATE {quote(model._meta.db_table)} SET {assigned} WHERE uuid {which}", [*given, *parameters])


def history(
    model: Any, keys: Sequence[UUID], kind: str, reason: str | None, now: datetime, names: Iterable[str]
) -> Run:
    """Prepare one INSERT … SELECT of these rows as they will stand then, of the columns named that history keeps."""
    past = model.history.model
    named = set(names)
    kept: list[Any] = [field.column for field in past.tracked_fields if field.attname in named or field.has_default()]
    columns = ", ".join(map(quote, [*kept, "history_date", "history_type", "history_change_reason"]))
    date = past._meta.get_field("history_date").get_db_prep_save(now, connection)
    extra = "CAST(%s AS timestamptz), %s, %s" if POSTGRESQL else "%s, %s, %s"
    which, parameters = among(keys)
    sql = (
        f"INSERT INTO {quote(past._meta.db_table)} ({columns}) SELECT {', '.join(map(quote, kept))}, {extra} "
        f"FROM {quote(model._meta.db_table)} WHERE uuid {which}"
    )
    return Run(sql, [date, kind, reason, *parameters])


def among(keys: Sequence[UUID]) -> tuple[str, list[Any]]:
    """Return the condition that picks these keys, with its parameters, as the database likes it best."""
    if POSTGRESQL:
        return "= ANY(%s)", [list(keys)]
    return f"IN ({', '.join(['%s'] * len(keys))})", [key.hex for key in keys]


def counts(budget: Budget, **differences: int) -> Run:
    """Prepare the shift of the kept counts."""
    key = LearnerContentAssignment._meta.pk.get_db_prep_value(budget.assignment_configuration_id, connection)
    return _shift(AssignmentCounts, "configuration_id", key, differences)


def money(budget: Budget, **differences: int) -> list[Run]:
    """Prepare the shift of the counters of the budget and its fund."""
    prepare = LearnerContentAssignment._meta.pk.get_db_prep_value
    return [
        _shift(Budget, "uuid", prepare(budget.pk, connection), differences),
        _shift(Fund, "uuid", prepare(budget.fund_id, connection), differences),
    ]


def _shift(model: Model, column: str, key: Any, differences: Mapping[str, int]) -> Run:
    assigned = ", ".join(f"{name} = {name} + %s" for name in differences)
    return Run(f"UPDATE {quote(model._meta.db_table)} SET {assigned} WHERE {column} = %s", [*differences.values(), key])


def quote(name: str) -> str:
    """Return a name as the database wants it quoted."""
    return str(connection.ops.quote_name(name))

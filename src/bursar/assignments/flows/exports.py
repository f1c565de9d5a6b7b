"""Everything that is known about one person, for the person: gathered from every table that holds something of theirs."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from bursar.assignments.models import (
    AllocationBatch,
    AllocationChunk,
    AllocationPlan,
    AssignmentConfiguration,
    LearnerContentAssignment,
    LearnerContentAssignmentAction,
    LearnerReply,
    PlanPart,
    PlanState,
)
from bursar.assignments.models.batches import BatchState
from bursar.assignments.selectors import assignments_of_person
from bursar.budgets.models import Transaction
from bursar.kernel import clock
from bursar.outbox.models import Message
from bursar.people.models import Membership, Person
from bursar.people.services import DETAILS
from bursar.people.suppression import stops_of

Record = dict[str, Any]

ASSIGNMENT: Final = (
    *(
        "uuid",
        "learner_email",
        "lms_user_id",
        "state",
        "learner_state",
        "content_key",
        "content_title",
        "content_quantity",
    ),
    *("preferred_course_run_key", "allocated_at", "accepted_at", "cancelled_at", "expired_at", "errored_at"),
    *("reversed_at", "expires_at", "expires_reason", "personal_deadline", "notified_at", "reminded_at", "cycle"),
    *("created", "modified"),
)
PAST: Final = ("history_date", "history_change_reason", "state", "learner_email", "lms_user_id")
REPLY: Final = ("uuid", "kind", "reason", "words", "until", "state", "answer", "answered_at", "created")
ACTION: Final = ("action_type", "completed_at", "error_reason", "created")
MESSAGE: Final = ("uuid", "topic", "kind", "state", "due_at", "settled_at", "created")
PAYMENT: Final = ("uuid", "state", "quantity", "content_key", "lms_user_id", "courseware_url", "created", "modified")


def export_person(person: Person) -> Record:
    """Return everything about one person at their customer, as JSON has it; a fixed number of statements.

    The caller has checked that they may have it. What was mailed is not kept here, so it is not in it.
    """
    keys = assignments_of_person(person)
    return {
        "exported_at": clock.now(),
        "person": _person(person),
        "memberships": list(Membership.objects.filter(person=person).order_by("created").values("role", "created")),
        "mail_stopped": sorted(stops_of(person.customer_id, [person.address_key]).get(person.address_key, ())),
        "assignments": _assignments(keys),
        "messages": list(
            Message.objects.filter(subject_uuid__in=[*keys, person.pk]).order_by("created", "uuid").values(*MESSAGE, "subject_uuid")
        ),
        "waiting": _waiting(person),
        "planned": _planned(person),
    }  # fmt: skip


def _person(person: Person) -> Record:
    names = (
        "uuid",
        "email",
        *DETAILS,
        "lms_user_id",
        "mail_suppressed_at",
        "mail_suppressed_reason",
        "created",
        "modified",
    )
    return {name: getattr(person, name) for name in names} | {"customer": person.customer_id}


def _assignments(keys: Sequence[UUID]) -> list[Record]:
    rows = list(LearnerContentAssignment.objects.filter(pk__in=keys).order_by("created", "uuid").values(*ASSIGNMENT))
    past = _grouped(LearnerContentAssignment.history.filter(uuid__in=keys).order_by("history_id"), "uuid", PAST)
    actions = LearnerContentAssignmentAction.objects.filter(assignment__in=keys).order_by("created", "uuid")
    done = _grouped(actions, "assignment_id", ACTION)
    paid = _grouped(
        Transaction.objects.filter(assignment_uuid__in=keys).order_by("created"), "assignment_uuid", PAYMENT
    )
    said = _grouped(LearnerReply.objects.filter(assignment__in=keys).order_by("created"), "assignment_id", REPLY)
    for row in rows:
        key = row["uuid"]
        row |= {"history": past[key], "actions": done[key], "transactions": paid[key], "replies": said[key]}
    return rows


def _grouped(rows: Any, key: str, names: Sequence[str]) -> defaultdict[UUID, list[Record]]:
    found: defaultdict[UUID, list[Record]] = defaultdict(list)
    for row in rows.values("pk", key, *names):
        found[row[key]].append({name: row[name] for name in names})
    return found


def _waiting(person: Person) -> list[Record]:
    """Return what allocations that are still being filled hold about the person."""
    mine = AssignmentConfiguration.objects.filter(enterprise_customer_uuid=person.customer_id)
    open_ones = AllocationBatch.objects.filter(state=BatchState.FILLING, configuration__in=mine.values("pk"))
    chunks = AllocationChunk.objects.filter(batch__in=open_ones.values("pk"), people__isnull=False)
    return [
        {"batch": chunk.batch_id, **row}
        for chunk in chunks.iterator(1)
        for row in chunk.people or ()
        if _is(person, row)
    ]


def _planned(person: Person) -> list[Record]:
    """Return what open plans hold about the person."""
    mine = AssignmentConfiguration.objects.filter(enterprise_customer_uuid=person.customer_id)
    open_ones = AllocationPlan.objects.filter(state=PlanState.OPEN, configuration__in=mine.values("pk"))
    parts = PlanPart.objects.filter(plan__in=open_ones.values("pk"), rows__isnull=False)
    return [{"plan": part.plan_id, **row} for part in parts.iterator(1) for row in part.rows or () if _is(person, row)]


def _is(person: Person, row: Record) -> bool:
    return bool(row.get("key") == person.address_key)

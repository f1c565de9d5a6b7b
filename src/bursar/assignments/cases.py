"""Everything that is kept about one assignment, for the page of those who assign: read in five statements."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import OuterRef, Subquery

from bursar.assignments.failures import with_failures
from bursar.assignments.models import LearnerContentAssignment, LearnerContentAssignmentAction, LearnerReply
from bursar.assignments.replies import replies_to
from bursar.assignments.selectors import messages_of
from bursar.budgets.models import Budget, Transaction
from bursar.kernel.errors import NotFound
from bursar.outbox.models import Message
from bursar.people.suppression import STOPPED, stops_to

BUDGET: Final = "assignment_configuration__subsidy_access_policy__fund"
PAYMENT: Final = ("state", "error_code", "due_at", "courseware_url", "created")


@dataclass(frozen=True, slots=True)
class Payment:
    """The last transaction of an assignment: how far it has come, and what the learning platform said."""

    state: str
    error_code: str
    due_at: datetime | None
    courseware_url: str
    created: datetime


@dataclass(frozen=True, slots=True)
class Case:
    """One assignment (read with its failures), what pays for it, and all that happened; lists are oldest first."""

    row: LearnerContentAssignment
    budget: Budget
    payment: Payment | None
    stops: Sequence[str]
    past: Sequence[Any]
    actions: Sequence[LearnerContentAssignmentAction]
    messages: Sequence[Message]
    replies: Sequence[LearnerReply]


def case_of(key: UUID, customer: UUID) -> Case:
    """Return everything about an assignment of a customer; raises `NotFound`. Five statements."""
    row = find_managed(key, customer)
    configuration = row.assignment_configuration
    assert configuration is not None  # only those of a customer are found
    past = LearnerContentAssignment.history.filter(uuid=key).select_related("history_user")
    return Case(
        row=row,
        budget=configuration.subsidy_access_policy,
        payment=_payment(row),
        stops=sorted({stop for name in STOPPED if (stop := getattr(row, name))}),
        past=list(past.order_by("history_date", "history_id")),
        actions=list(row.actions.order_by("created", "uuid")),
        messages=messages_of(key),
        replies=replies_to(key),
    )


def find_managed(key: UUID, customer: UUID) -> LearnerContentAssignment:
    """Return an assignment of a customer with budget, fund, failures, stops and last payment; raises `NotFound`.

    One statement.
    """
    paid = Transaction.objects.filter(assignment_uuid=OuterRef("pk")).order_by("-created", "-uuid")
    rows = LearnerContentAssignment.objects.filter(
        assignment_configuration__enterprise_customer_uuid=customer,
        assignment_configuration__subsidy_access_policy__isnull=False,
    )
    found = (
        with_failures(rows.select_related(BUDGET))
        .annotate(**{f"payment_{name}": Subquery(paid.values(name)[:1]) for name in PAYMENT})
        .annotate(**stops_to(customer, "learner_email_key"))
        .filter(pk=key)
        .first()
    )
    if found is None:
        raise NotFound("There is no such assignment here.")
    return found


def _payment(row: LearnerContentAssignment) -> Payment | None:
    facts = {name: getattr(row, f"payment_{name}") for name in PAYMENT}
    return Payment(**facts) if facts["state"] else None

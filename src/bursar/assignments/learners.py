"""Reads for learners: what somebody has been assigned, and what of it they have dismissed."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet

from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.models.actions import ACKNOWLEDGED_BY
from bursar.assignments.models.configuration import ACKNOWLEDGEMENTS
from bursar.assignments.states import State
from bursar.budgets.models import Budget, Transaction
from bursar.kernel.errors import NotFound

Row = Mapping[str, Any]
NO_STATE: Final[tuple[None, None]] = (None, None)


def assigned_to(lms_user_id: int | None, configurations: Collection[UUID]) -> "QuerySet[LearnerContentAssignment]":
    """Return what a learner has been assigned under these configurations, oldest first; nobody (None) has nothing."""
    rows = LearnerContentAssignment.objects.order_by("created", "uuid")
    if lms_user_id is None:
        return rows.none()
    return rows.filter(lms_user_id=lms_user_id, assignment_configuration__in=configurations)


def is_dismissed(assignment: Row, actions: Iterable[Row]) -> bool:
    """Tell whether a cancellation or expiry has been acknowledged since it happened, told of by mail or not.

    `assignment` and `actions` are rows: the state with the time of entering it, and the assignment's whole timeline.
    """
    _, acknowledgement = ACKNOWLEDGEMENTS.get(assignment["state"], NO_STATE)
    if acknowledgement is None:
        return False
    entered: datetime | None = assignment[f"{assignment['state']}_at"]
    seen = _last(acknowledgement, actions)
    return seen is not None and (entered is None or seen >= entered)


def shows(budget: Budget, balance_cents: int, states: Collection[str]) -> bool:
    """Tell whether a learner sees a budget in which these are the states of what they have not dismissed.

    Its fund may be over, so that the cards of what has ended are still seen; what is open is seen in any case, even a
    free course of a budget without money.
    """
    has_money = balance_cents > 0 and budget.spent_cents < budget.limit_cents
    return State.ALLOCATED in states or (bool(states) and has_money)


def action_is_acknowledged(action: Row, actions: Iterable[Row]) -> bool | None:
    """Return what `LearnerContentAssignmentAction.learner_acknowledged` says, from rows of one timeline."""
    acknowledgement = ACKNOWLEDGED_BY.get(action["action_type"])
    if acknowledgement is None:
        return None
    seen, done = _last(acknowledgement, actions), action["completed_at"]
    return seen is not None and done is not None and seen >= done


def find_own(key: UUID, lms_user_id: int, customer: UUID) -> LearnerContentAssignment:
    """Return one assignment of a learner at a customer; raises `NotFound` for anybody else's. One statement."""
    rows = LearnerContentAssignment.objects.select_related("assignment_configuration")
    mine = rows.filter(lms_user_id=lms_user_id, assignment_configuration__enterprise_customer_uuid=customer)
    found = mine.filter(pk=key).first()
    if found is None:
        raise NotFound("There is no such assignment.")
    return found


def last_payments(assignments: Collection[UUID]) -> dict[UUID, Transaction]:
    """Return the newest transaction of each of these assignments that has one; one statement, none for nobody."""
    if not assignments:
        return {}
    rows = Transaction.objects.filter(assignment_uuid__in=assignments).order_by("created", "uuid")
    return {row.assignment_uuid: row for row in rows if row.assignment_uuid}


def _last(kind: str, actions: Iterable[Row]) -> datetime | None:
    done = [row["completed_at"] for row in actions if row["action_type"] == kind and row["error_reason"] is None]
    return max((moment for moment in done if moment is not None), default=None)

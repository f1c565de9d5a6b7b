"""Reads of what learners have answered: for those who decide, and for the learner's own pages."""

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import F, QuerySet

from bursar.assignments.models import LearnerReply, ReplyKind, ReplyState
from bursar.assignments.states import State
from bursar.kernel.actor import Actor
from bursar.kernel.errors import NotFound
from bursar.people.access import Permission, customers

CUSTOMER: Final = "assignment__assignment_configuration__enterprise_customer_uuid"


def replies(actor: Actor) -> "QuerySet[LearnerReply]":
    """Return what learners have answered to the assignments that `actor` manages, newest first, each with its assignment."""
    rows = LearnerReply.objects.select_related("assignment__assignment_configuration").order_by("-created", "-uuid")
    allowed = customers(actor, Permission.MANAGE)
    if allowed is None:
        return rows
    return rows.filter(**{f"{CUSTOMER}__in": allowed})


def time_requests(actor: Actor, customer: UUID | None = None) -> "QuerySet[LearnerReply]":
    """Return the requests for more time that wait for a decision by those who manage them, oldest first."""
    rows = _waiting(replies(actor))
    return rows if customer is None else rows.filter(**{CUSTOMER: customer})


def _waiting(rows: "QuerySet[LearnerReply]") -> "QuerySet[LearnerReply]":
    waiting = rows.filter(
        kind=ReplyKind.MORE_TIME, state=ReplyState.OPEN, assignment__state=State.ALLOCATED, cycle=F("assignment__cycle")
    )
    return waiting.order_by("created", "uuid")


def waiting_at(customer: UUID) -> "QuerySet[LearnerReply]":
    """Return the requests that wait for a decision at a customer, oldest first, each with its assignment.

    Whoever calls has asked `people.access`, as for `declines_at` and `find_request`.
    """
    return _waiting(_at(customer))


def declines_at(customer: UUID, since: datetime) -> "QuerySet[LearnerReply]":
    """Return who declined at a customer since a moment (aware), newest first, each with its assignment."""
    return _at(customer).filter(state=ReplyState.NOTED, created__gte=since).order_by("-created", "-uuid")


def find_request(key: UUID, customer: UUID) -> LearnerReply:
    """Return a request for more time at a customer, decided or not, with its assignment; raises `NotFound`."""
    found = _at(customer).filter(pk=key, kind=ReplyKind.MORE_TIME).first()
    if found is None:
        raise NotFound("There is no such request here.")
    return found


def _at(customer: UUID) -> "QuerySet[LearnerReply]":
    return LearnerReply.objects.select_related("assignment").filter(**{CUSTOMER: customer})


def answers_to(assignments: Collection[UUID]) -> dict[tuple[UUID, int, str], list[str]]:
    """Return what was said to requests for more time, by assignment, cycle and verdict, in the order of the decisions.

    One statement, none for nobody.
    """
    if not assignments:
        return {}
    rows = LearnerReply.objects.filter(assignment__in=assignments, state__in=(ReplyState.GRANTED, ReplyState.REFUSED))
    found: dict[tuple[UUID, int, str], list[str]] = {}
    columns = ("assignment", "cycle", "state", "answer")
    for key, cycle, state, answer in rows.order_by("answered_at", "uuid").values_list(*columns):
        found.setdefault((key, cycle, state), []).append(answer)
    return found


def last_replies(assignments: Collection[UUID]) -> dict[UUID, LearnerReply]:
    """Return the last reply of the present cycle, by assignment; one statement, none for nobody."""
    if not assignments:
        return {}
    rows = LearnerReply.objects.filter(assignment__in=assignments, cycle=F("assignment__cycle"))
    return {row.assignment_id: row for row in rows.order_by("created", "uuid")}


def replies_to(assignment: UUID) -> list[LearnerReply]:
    """Return everything that a learner has answered to one assignment, oldest first; one statement."""
    return list(LearnerReply.objects.filter(assignment=assignment).order_by("created", "uuid"))

"""Assignments over our own API: lists by index, everything about one, and the verbs, each answering for every one."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field

from bursar.api.auth import actor_of
from bursar.api.idempotency import Reply
from bursar.api.rendering import answer
from bursar.api.v1 import bulk
from bursar.api.v1.allocating import ReceiverIn, person_of
from bursar.api.v1.assignment_lists import COLUMNS, AssignmentOut, assignment_shape
from bursar.api.v1.bulk import ManyIn, ManyOut
from bursar.api.v1.messages import MessageOut, message_shape
from bursar.api.v1.once import KEYED, made, once
from bursar.api.v1.schemas import Line, Moment, Out, Whole
from bursar.api.v1.transactions import TransactionOut, transaction_shape
from bursar.assignments import flows, services
from bursar.assignments.flows.stories import Story
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.services import HandedOver
from bursar.assignments.states import State
from bursar.assignments.timelines import fate
from bursar.budgets.models import Transaction, TransactionState

router: Final = Router(tags=["assignments"])


class PaymentOut(TransactionOut):
    """What is paid for an assignment, and where the course is taken."""

    courseware_url: str


class DateOut(Out):
    """A date that could end an assignment; one of them wins."""

    at: Moment
    reason: str
    why: str
    wins: bool


class WhyNotOut(Out):
    """Why something is refused."""

    code: str
    message: str
    facts: dict[str, Any]


class HappenedOut(Out):
    """One thing that happened."""

    at: Moment
    kind: str
    what: str


class StoryOut(AssignmentOut):
    """Everything about one assignment; what only those who assign may know is null for the learner."""

    expiry_candidates: list[DateOut]
    refusal: WhyNotOut | None = Field(description="Why it could not be accepted now; null where it could.")
    transactions: list[PaymentOut]
    messages: list[MessageOut] | None
    mail_stopped: list[str] | None = Field(description="Why mail to the address is stopped.")
    timeline: list[HappenedOut] | None


class AcceptedOut(bulk.DoneOut):
    """How accepting one went: `accepted`, `unchanged`, or `pending` while the learning platform has not answered."""

    transaction: PaymentOut


class ManyAcceptedOut(Out):
    """Every assignment of the call once: accepted (or on the way) or refused."""

    done: list[AcceptedOut]
    refused: list[bulk.RefusedOut]


class AcceptIn(ManyIn):
    """Some assignments, and the run to take, where the course leaves a choice."""

    run_key: Annotated[Line, Field(min_length=1, max_length=255)] | None = None


class ReverseIn(ManyIn):
    """Some accepted assignments, and why their money comes back."""

    reason: Annotated[Line, Field(max_length=255)] = ""


class ExtendIn(ManyIn):
    """Some assignments and their personal deadline; null takes it away."""

    until: Moment | None
    tell: bool = Field(False, description="Whether the learners get a mail about it.")
    reason: Annotated[Line, Field(max_length=255)] = ""


class HandedOverOut(Out):
    """What has ended, and what stands in its place."""

    assignment: UUID = Field(description="The new assignment, of the person named.")
    ended: UUID


class NudgeIn(ManyIn):
    """Some accepted assignments whose course starts in so many days."""

    days: Annotated[int, Field(ge=1, le=365), Whole]


@router.get("/assignments/{uuid:assignment}", response=StoryOut)
def get_assignment(request: HttpRequest, assignment: UUID) -> HttpResponse:
    """Tell everything about one assignment, and why."""
    told = flows.story(assignment, actor=actor_of(request))
    return answer(story_shape(told))


@router.post("/assignments/cancel", response=ManyOut, openapi_extra=KEYED)
def cancel_assignments(request: HttpRequest, payload: ManyIn) -> HttpResponse:
    """Cancel open assignments: their money is free at once, and whoever was told is told."""
    keys, actor = bulk.keys_of(payload), actor_of(request)
    return once(request, None, lambda: services.cancel_many(keys, actor=actor), bulk.kept)


@router.post("/assignments/reverse", response=ManyOut, openapi_extra=KEYED)
def reverse_assignments(request: HttpRequest, payload: ReverseIn) -> HttpResponse:
    """Take accepted assignments back, with their money."""
    keys, actor = bulk.keys_of(payload), actor_of(request)
    return once(request, None, lambda: services.reverse_many(keys, actor=actor, why=payload.reason), bulk.kept)


@router.post("/assignments/accept", response=ManyAcceptedOut, openapi_extra=KEYED)
def accept_assignments(request: HttpRequest, payload: AcceptIn) -> HttpResponse:
    """Accept one's own assignments, or for learners those that one manages: enrols and pays."""
    keys, actor = bulk.keys_of(payload), actor_of(request)
    before = _accepted(keys)
    return once(
        request,
        None,
        lambda: flows.accept_many(keys, run_key=payload.run_key, actor=actor),
        lambda begun: _begun(begun, before),
        show=lambda known: _acceptances(known, keys),
    )


def _accepted(keys: list[UUID]) -> set[UUID]:
    rows = LearnerContentAssignment.objects.filter(pk__in=keys, state=State.ACCEPTED).order_by()
    return set(rows.values_list("pk", flat=True))


def _begun(begun: Any, before: set[UUID]) -> Reply:
    """Keep which transactions were opened: what has become of them is looked up whenever it is asked."""
    opened = {
        str(key): str((item if isinstance(item, Transaction) else item.transaction).pk)
        for key, item in begun.done.items()
    }
    known = [str(key) for key in begun.done if key in before]
    return Reply(200, {"opened": opened, "before": known, "refused": bulk.refusals(begun.refused)})


def _acceptances(known: Mapping[str, Any], keys: list[UUID]) -> dict[str, Any]:
    rows = {
        str(row.pk): row
        for row in Transaction.objects.select_related("reversal").filter(pk__in=known["opened"].values())
    }
    done, refused = [], list(known["refused"])
    for key, opened in known["opened"].items():
        row = rows[opened]
        if row.state == TransactionState.FAILED:
            refused += bulk.refusals({UUID(key): flows.why_failed(row)})
        else:
            result = flows.result_of(row, was_accepted=key in known["before"])
            done.append({"assignment": key, "result": result, "transaction": payment_shape(row)})
    return {"done": done, "refused": refused + bulk.unknown(keys, [*done, *refused])}


@router.post("/assignments/{uuid:assignment}/hand-over", response={201: HandedOverOut}, openapi_extra=KEYED)
def hand_over_assignment(request: HttpRequest, assignment: UUID, payload: ReceiverIn) -> HttpResponse:
    """Hand an open assignment to somebody else: it ends, and the same course at the same price begins there, by the same money."""
    person, actor = person_of(payload), actor_of(request)

    def keep(done: HandedOver) -> Reply:
        body = {"assignment": str(done.begun), "ended": str(done.ended)}
        return made(body, "get_assignment", assignment=done.begun)

    return once(request, None, lambda: flows.hand_over(assignment, person, actor=actor), keep)


@router.post("/assignments/remind", response=ManyOut)
def remind_assignments(request: HttpRequest, payload: ManyIn) -> HttpResponse:
    """Remind people of open assignments; one that is being reminded already is refused (`already_queued`)."""
    return bulk.told(services.remind_many(bulk.keys_of(payload), actor=actor_of(request)))


@router.post("/assignments/nudge", response=ManyOut)
def nudge_assignments(request: HttpRequest, payload: NudgeIn) -> HttpResponse:
    """Tell people that their course starts in so many days; once for each number of days."""
    return bulk.told(services.nudge_many(bulk.keys_of(payload), days=payload.days, actor=actor_of(request)))


@router.post("/assignments/extend", response=ManyOut)
def extend_assignments(request: HttpRequest, payload: ExtendIn) -> HttpResponse:
    """Give open assignments a deadline of their own, or take it away."""
    until: datetime | None = payload.until
    keys = bulk.keys_of(payload)
    actor = actor_of(request)
    return bulk.told(services.extend_many(keys, until=until, why=payload.reason, actor=actor, tell=payload.tell))


@router.post("/assignments/acknowledge", response=ManyOut)
def acknowledge_assignments(request: HttpRequest, payload: ManyIn) -> HttpResponse:
    """Note that learners have seen the end of their assignments."""
    return bulk.told(services.acknowledge_each(bulk.keys_of(payload), actor=actor_of(request)))


def payment_shape(row: Transaction) -> dict[str, Any]:
    """Return a transaction loaded with its reversal as JSON, with where the course is taken."""
    return transaction_shape(row) | {"courseware_url": row.courseware_url}


def story_shape(told: Story) -> dict[str, Any]:
    """Return a story as JSON."""
    row = LearnerContentAssignment.objects.filter(pk=told.row.pk).values(*COLUMNS).get()
    why = told.refusal
    return assignment_shape(row) | {
        "expiry_candidates": told.due.candidates,
        "refusal": why and {"code": why.code, "message": why.message, "facts": why.facts},
        "transactions": [payment_shape(item) for item in told.payments],
        "messages": [message_shape(item) | {"fate": fate(item)} for item in told.messages] if told.managed else None,
        "mail_stopped": list(told.stops) if told.managed else None,
        "timeline": [{"at": item.at, "kind": item.kind, "what": item.what} for item in told.events]
        if told.managed
        else None,
    }

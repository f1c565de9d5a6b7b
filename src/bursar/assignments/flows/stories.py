"""Everything about one assignment, with the reasons: gathered from every table that knows a part of it, and the catalog."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from bursar.assignments.explanations import Explained, explain
from bursar.assignments.flows.redemptions import judge_redemptions
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.replies import replies_to
from bursar.assignments.selectors import deliverables, messages_of, reachable
from bursar.assignments.services import RedemptionRequest
from bursar.assignments.timelines import Event, timeline
from bursar.budgets.models import Budget, Transaction
from bursar.kernel.actor import Actor
from bursar.kernel.errors import NotFound
from bursar.kernel.results import Refusal
from bursar.outbox.models import Message


@dataclass(frozen=True, slots=True)
class Story:
    """One assignment: why it expires when it does, why it could not be accepted now, and what happened to it.

    `managed` tells whether whoever asks manages it, and may know what was done by whom.
    """

    managed: bool
    row: LearnerContentAssignment
    budget: Budget | None
    due: Explained
    refusal: Refusal | None
    payments: Sequence[Transaction]
    messages: Sequence[Message]
    events: Sequence[Event]
    stops: Sequence[str]


def story(key: UUID, *, actor: Actor) -> Story:
    """Tell everything about one assignment; raises `NotFound` unless `actor` manages it or it is theirs."""
    reach = reachable([key], actor)
    row = LearnerContentAssignment.objects.filter(pk__in=reach.all).prefetch_related("actions").first()
    if row is None:
        raise NotFound("There is no such assignment.")
    budgets = Budget.objects.select_related("fund").filter(assignment_configuration=row.assignment_configuration_id)
    payments = list(Transaction.objects.filter(assignment_uuid=key).select_related("reversal").order_by("created"))
    messages = messages_of(key)
    sent = deliverables([key]).get(key)
    return Story(
        managed=key in reach.managed,
        row=row,
        budget=budgets.first(),
        due=explain(row.terms()),
        refusal=judge_redemptions([RedemptionRequest(key)], actor=actor)[key],
        payments=payments,
        messages=messages,
        events=timeline(row, payments, messages, replies_to(key)),
        stops=sorted(sent.stops) if sent else [],
    )

"""Removing what was kept so that nothing is told twice, once it can be told no more: steps, notices, plans, stops of nobody."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from bursar.assignments.models import (
    DIGESTS,
    AllocationPlan,
    LearnerContentAssignment,
    Notice,
    NoticeKind,
    PlanState,
    ReminderStep,
)
from bursar.assignments.slots import FUND_TOLD_FOR
from bursar.assignments.states import State
from bursar.budgets.models import Budget
from bursar.kernel import clock
from bursar.kernel.batching import chunks
from bursar.kernel.conf import setting
from bursar.kernel.transactions import writes
from bursar.people.suppression import forget_strangers
from bursar.webhooks.selectors import given_up


def prune_told() -> int:
    """Remove, in short transactions, what only says that something was told, older than `keep_messages`; returns how many.

    Steps of assignments that wait no more, or wait in a later cycle; notices that cannot come up again. Reads all of
    both. With them the plans that ended, which are empty.
    """
    return (
        _in_parts(_remove_steps, _steps_over())
        + _in_parts(_remove_notices, _notices_over())
        + _in_parts(_remove_plans, _plans_over())
    )


def _plans_over() -> Any:
    over = AllocationPlan.objects.exclude(state=PlanState.OPEN).filter(
        modified__lt=clock.now() - setting("keep_messages")
    )
    return over.order_by("pk").values_list("pk", flat=True)


def _steps_over() -> Any:
    waits = LearnerContentAssignment.objects.filter(
        pk=OuterRef("assignment_uuid"), cycle=OuterRef("cycle"), state=State.ALLOCATED
    )
    rows = ReminderStep.objects.filter(taken_at__lt=clock.now() - setting("keep_messages")).exclude(Exists(waits))
    return rows.order_by("pk").values_list("pk", flat=True)


def _notices_over() -> Any:
    """Return notices of which no copy is kept: whatever they are about has passed, is gone or is out of use for good."""
    now, kept = clock.now(), setting("keep_messages")
    budgets = Budget.objects.filter(pk=OuterRef("about_uuid"), retired=False)
    endpoints = given_up().order_by().filter(uuid=OuterRef("about_uuid"))
    over = (
        Q(kind__in=DIGESTS)
        | Q(kind=NoticeKind.FUND_ENDING, created__lt=now - max(kept, FUND_TOLD_FOR))
        | Q(~Exists(budgets), kind=NoticeKind.BUDGET_USED)
        | Q(~Exists(endpoints), kind=NoticeKind.ENDPOINT_DISABLED)
    )
    rows = Notice.objects.filter(over, created__lt=now - kept, copies_until=None)
    return rows.order_by("pk").values_list("pk", flat=True)


def _in_parts(remove: Callable[[Sequence[Any]], int], keys: Iterable[Any]) -> int:
    return sum(remove(part) for part in chunks(list(keys)))


@writes
def _remove_plans(keys: Sequence[UUID]) -> int:
    return AllocationPlan.objects.filter(pk__in=keys).delete()[1].get(AllocationPlan._meta.label, 0)


@writes
def _remove_steps(keys: Sequence[int]) -> int:
    return ReminderStep.objects.filter(pk__in=keys).delete()[0]


@writes
def _remove_notices(keys: Sequence[UUID]) -> int:
    return Notice.objects.filter(pk__in=keys).delete()[0]


def prune_stops() -> int:
    """Forget bounces and unsubscribing of addresses that are nobody's, once `scrub_after` old: links outlive addresses."""
    rows = LearnerContentAssignment.objects.filter(assignment_configuration__isnull=False).order_by()
    columns = ("assignment_configuration__enterprise_customer_uuid", "learner_email_key")
    return forget_strangers(
        lambda keys: set(rows.filter(learner_email_key__in=keys).values_list(*columns)),
        before=clock.now() - setting("scrub_after"),
    )

"""What a learner may spend and has been assigned (wire L1, A9, 2.4): cards that they have dismissed are left out here."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

from pydantic import Field

from bursar.api.openedx import schemas, scope, shapes
from bursar.assignments.flows import Learner, Sight, sights_of
from bursar.assignments.learners import action_is_acknowledged, assigned_to, is_dismissed, shows
from bursar.assignments.models.configuration import ACKNOWLEDGEMENTS
from bursar.budgets.models import Budget
from bursar.budgets.selectors import balances_of, spendable

Shape = dict[str, Any]
COLUMNS: Final = (*shapes.ASSIGNMENT_COLUMNS, "preferred_course_run_key", "cancelled_at", "expired_at")
GETTERS: Final = {column: attrgetter(column.replace("__", ".")) for column in shapes.BUDGET_COLUMNS}


class CreditAction(schemas.Action):
    """An action, and whether the learner has dismissed what it tells of."""

    learner_acknowledged: bool | None


class Partner(schemas.Exact):
    """Who offers a course."""

    name: str
    logo_image_url: str | None


class ContentMetadata(schemas.Exact):
    """What a card shows of a course; the price is dollars."""

    start_date: datetime | None
    end_date: datetime | None
    enroll_by_date: datetime | None
    content_price: float | None
    course_type: str | None
    partners: list[Partner]


class CreditAssignment(schemas.Assignment):
    """An assignment as a card shows it."""

    actions: list[CreditAction]  # type: ignore[assignment]  # more is said of each than in other lists
    content_metadata: ContentMetadata | None
    learner_acknowledged: bool | None


class Credit(schemas.RedeemableBudget):
    """A budget from which a learner has assignments; `remaining_balance` is cents."""

    remaining_balance_per_user: int | None
    remaining_balance: int
    subsidy_expiration_date: datetime | None
    learner_content_assignments: list[CreditAssignment]
    learner_requests: list[Shape]
    group_associations: list[UUID]
    uuid: UUID = Field(description="The budget.")


def credits_of(learner: Learner, root: str) -> list[Shape]:
    """Return the budgets that a learner sees, with what each has assigned them; seven statements."""
    budgets = spendable(learner.customer, scope.CURRENCY) if learner.known else []
    cards = _cards(learner, budgets)
    balances = balances_of([budget.fund for budget in budgets])
    return [
        _credit(budget, balances[budget.fund_id], cards[budget.assignment_configuration_id], root)
        for budget in budgets
        if shows(
            budget, balances[budget.fund_id], [card["state"] for card in cards[budget.assignment_configuration_id]]
        )
    ]


def budget_for_learners(budget: Budget, root: str) -> Shape:
    """Return a budget, loaded with its fund and configuration, as learners see it."""
    return shapes.redeemable_budget({column: get(budget) for column, get in GETTERS.items()}, root)


def _credit(budget: Budget, balance_cents: int, cards: Sequence[Shape], root: str) -> Shape:
    return {
        **budget_for_learners(budget, root),
        "remaining_balance_per_user": None,
        "remaining_balance": balance_cents,
        "subsidy_expiration_date": budget.fund.expires_at,
        "learner_content_assignments": cards,
        "learner_requests": [],
        "group_associations": [],
    }


def _cards(learner: Learner, budgets: Sequence[Budget]) -> Mapping[UUID | None, list[Shape]]:
    """Return what is still to be shown of a learner's assignments, by configuration."""
    cards: dict[UUID | None, list[Shape]] = {budget.assignment_configuration_id: [] for budget in budgets}
    rows = list(assigned_to(learner.lms_user_id, [key for key in cards if key]).values(*COLUMNS))
    timelines = shapes.timelines([row["uuid"] for row in rows])
    shown = [row for row in rows if not is_dismissed(row, timelines.get(row["uuid"], ()))]
    sights = sights_of({_content(row) for row in shown}, scope.CURRENCY)
    for row in shown:
        card = _card(row, timelines.get(row["uuid"], ()), sights.get(_content(row)))
        cards[row["assignment_configuration"]].append(card)
    return cards


def _content(row: shapes.Row) -> tuple[str, str | None]:
    return row["content_key"], row["preferred_course_run_key"]


def _card(row: shapes.Row, actions: Sequence[shapes.Row], sight: Sight | None) -> Shape:
    told = [{**action, "learner_acknowledged": action_is_acknowledged(action, actions)} for action in actions]
    return {
        **shapes.assignment(row, told),
        "content_metadata": sight and _metadata(sight),
        "learner_acknowledged": False if row["state"] in ACKNOWLEDGEMENTS else None,  # what is dismissed is not shown
    }


def _metadata(sight: Sight) -> Shape:
    return {
        "start_date": sight.start,
        "end_date": sight.end,
        "enroll_by_date": sight.enroll_by,
        "content_price": None if sight.price_cents is None else shapes.dollars(sight.price_cents),
        "course_type": sight.course_type or None,
        "partners": [{"name": sight.partner, "logo_image_url": None}] if sight.partner else [],
    }

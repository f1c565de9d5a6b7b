"""Budgets as the admin portal reads them (wire A1, A2, A10)."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from ninja.errors import HttpError

from bursar.api.auth import actor_of
from bursar.api.openedx import schemas, scope, shapes
from bursar.api.openedx.errors import Denied, body
from bursar.api.openedx.paging import PageQuery, page_of, wanted
from bursar.budgets.models import Budget
from bursar.budgets.selectors import totals_of_funds
from bursar.people.access import Permission

LARGEST_PAGE: Final = 10
ONE_WAY: Final = "Exactly one of page and traverse_pagination must be given."
router: Final = Router(tags=["budgets"])


class BudgetQuery(PageQuery):
    """Whose budgets, and which of them."""

    enterprise_customer_uuid: UUID | None = None
    active: bool | None = None
    policy_type: str | None = None


class MembersQuery(PageQuery):
    """Which members of a group."""

    group_uuid: UUID | None = None
    traverse_pagination: bool = False


@router.get("/", response={200: schemas.BudgetPage, 403: schemas.Detail}, summary="List the budgets of a customer")
def list_budgets(request: HttpRequest, query: Query[BudgetQuery]) -> HttpResponse:
    """Answer with the budgets of a customer, retired ones too: a retired budget stays active."""
    if query.enterprise_customer_uuid is None:
        raise Denied(scope.READ_BUDGETS)
    scope.require(actor_of(request), Permission.READ_BUDGETS, query.enterprise_customer_uuid, scope.READ_BUDGETS)
    rows = Budget.objects.filter(customer=query.enterprise_customer_uuid, fund__currency=scope.CURRENCY)
    if query.active is not None:
        rows = rows.filter(active=query.active)
    if query.policy_type not in {None, "", shapes.POLICY_TYPE}:
        rows = rows.none()
    page = wanted(query, largest=LARGEST_PAGE)
    return body(page_of(request, page, rows.values(*shapes.BUDGET_COLUMNS), _with_totals), 200)


def _with_totals(rows: Sequence[dict[str, Any]]) -> list[shapes.Shape]:
    return shapes.budgets(rows, totals_of_funds({row["fund_id"] for row in rows}))


@router.get("/{policy}/", response={200: schemas.Budget, 403: schemas.Detail}, summary="Read a budget")
def read_budget(request: HttpRequest, policy: UUID) -> HttpResponse:
    """Answer with one budget."""
    row = scope.budget_row(
        actor_of(request),
        policy,
        shapes.BUDGET_COLUMNS,
        permission=Permission.READ_BUDGETS,
        missing=scope.READ_BUDGETS,
    )
    return body(_with_totals([row])[0], 200)


@router.get(
    "/{policy}/group-members",
    response={400: dict[str, list[str]], 404: str | schemas.Detail},
    summary="List the members of a budget's group",
)
def list_members(request: HttpRequest, policy: UUID, query: Query[MembersQuery]) -> HttpResponse:
    """Answer that the budget has no group: budgets here are open to everybody whom they assign to.

    Where there is no budget either, who may know that is told so in a bare string too (wire A10).
    """
    try:
        scope.budget_row(actor_of(request), policy, (), permission=Permission.MANAGE, missing=scope.READ_BUDGETS)
    except HttpError as error:
        return body(error.message, error.status_code)
    if (query.page is not None) == query.traverse_pagination:
        return body({"non_field_errors": [ONE_WAY]}, 400)
    return body(f"The budget {policy} has no group.", 404)

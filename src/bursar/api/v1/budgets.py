"""Budgets over our own API: how much of a fund may be spent on which courses."""

from typing import Annotated, Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from bursar.api.auth import actor_of
from bursar.api.idempotency import Reply
from bursar.api.v1.etags import EDITED, edit, single
from bursar.api.v1.once import KEYED, made, once
from bursar.api.v1.paging import Paging, filled, page
from bursar.api.v1.schemas import Id, In, LimitCents, Line, Moment, Out, PageOf, QueryFlag, Text
from bursar.api.v1.scope import found, require
from bursar.assignments import flows
from bursar.assignments.selectors import counts_by_state
from bursar.budgets import services
from bursar.budgets.models import Budget, Fund
from bursar.budgets.selectors import balance
from bursar.budgets.services import LONGEST_DESCRIPTION, LONGEST_NAME
from bursar.catalog.selectors import find_catalog
from bursar.people.access import Permission, visible

router: Final = Router(tags=["budgets"])
TERMS: Final = ("display_name", "description", "limit_cents", "catalog_id", "active", "retired", "modified")
ORDER: Final = ("created", "uuid")
ABSENT: Any = None  # a field that is not sent is not changed

Name = Annotated[Line, Field(min_length=1, max_length=LONGEST_NAME, examples=["Sales training"])]
Description = Annotated[Text, Field(max_length=LONGEST_DESCRIPTION)]


class BudgetOut(Out):
    """A spend limit over part of a fund. Amounts are cents of the fund's currency."""

    uuid: UUID
    customer: UUID
    fund: UUID
    configuration: UUID | None = Field(description="What its assignments belong to.")
    catalog: UUID | None = Field(description="Which courses; null for every course.")
    name: str
    description: str
    currency: str
    limit_cents: int
    held_cents: int = Field(description="Promised to open assignments.")
    spent_cents: int = Field(description="Accepted, less reversed.")
    available_cents: int = Field(description="What can still be promised: limit and fund both allow it.")
    active: bool
    retired: bool
    retired_at: Moment | None
    created: Moment
    modified: Moment


class BudgetPage(PageOf[BudgetOut]):
    """A page of budgets."""


class BudgetDetail(BudgetOut):
    """A budget, with how many assignments it has in each state."""

    counts: dict[str, int] = Field(examples=[{"allocated": 12, "accepted": 30}])


class BudgetIn(In):
    """A new budget that assigns."""

    fund: Id
    name: Name
    limit_cents: LimitCents
    description: Description = ""
    catalog: Id | None = None


class BudgetChange(In):
    """What changes; what is left out stays."""

    name: Name = Field(ABSENT)
    description: Description = Field(ABSENT)
    limit_cents: LimitCents = Field(ABSENT)
    catalog: Id | None = None


class BudgetFilters(Paging):
    """Which budgets."""

    customer: UUID | None = None
    fund: UUID | None = None
    active: QueryFlag | None = None
    retired: QueryFlag | None = None


@router.get("/budgets", response=BudgetPage)
def list_budgets(request: HttpRequest, filters: Query[BudgetFilters]) -> HttpResponse:
    """Name the budgets, oldest first."""
    rows = visible(Budget.objects.select_related("fund"), actor_of(request), Permission.READ_CUSTOMER)
    wanted = rows.filter(**filled(filters.model_dump(include={"customer", "fund", "active", "retired"})))
    return page(request, wanted, filters, ORDER, budget_shape)


@router.post("/budgets", response={201: BudgetOut}, openapi_extra=KEYED)
def create_budget(request: HttpRequest, payload: BudgetIn) -> HttpResponse:
    """Make a budget that assigns. Takes `budgets.write`. The limits on one fund may together pass what it has."""
    fund = found(request, Fund.objects.all(), payload.fund)
    require(request, Permission.WRITE_BUDGETS, fund.customer_id)
    catalog = _catalog(payload.catalog, fund.customer_id)
    terms: dict[str, Any] = {
        "display_name": payload.name,
        "description": payload.description,
        "limit_cents": payload.limit_cents,
    }
    return once(
        request,
        fund.customer_id,
        lambda: flows.create_assignable_budget(fund.pk, catalog=catalog, **terms),
        _made,
    )


@router.get("/budgets/{uuid:budget}", response=BudgetDetail)
def get_budget(request: HttpRequest, budget: UUID) -> HttpResponse:
    """Tell what a budget has left, and how many assignments it pays for in each state."""
    return _single(found(request, _budgets(), budget))


@router.patch("/budgets/{uuid:budget}", response=BudgetDetail, openapi_extra=EDITED)
def edit_budget(request: HttpRequest, budget: UUID, payload: BudgetChange) -> HttpResponse:
    """Change a budget. Takes `budgets.write`.

    Refused (`limit_below_commitments`) where the limit would be lower than what is held and spent.
    """
    row = found(request, _budgets(), budget)
    require(request, Permission.WRITE_BUDGETS, row.customer_id)
    given = payload.model_dump(exclude_unset=True)
    if "catalog" in given:
        given["catalog"] = _catalog(given["catalog"], row.customer_id)
    terms = {NAMES.get(name, name): value for name, value in given.items()}
    user = actor_of(request).user_id
    edit(request, row, TERMS, lambda: services.change_budget(row.pk, terms, actor_user_id=user))
    return _single(_budgets().get(pk=row.pk))


@router.post("/budgets/{uuid:budget}/retire", response=BudgetDetail)
def retire_budget(request: HttpRequest, budget: UUID) -> HttpResponse:
    """Take a budget out of use, for good; what it holds stays promised. Again changes nothing. Takes `budgets.write`."""
    row = found(request, _budgets(), budget)
    require(request, Permission.WRITE_BUDGETS, row.customer_id)
    services.retire(row.pk, actor_user_id=actor_of(request).user_id)
    return _single(_budgets().get(pk=row.pk))


NAMES: Final = {"name": "display_name", "catalog": "catalog_id"}


def budget_shape(row: Budget) -> dict[str, Any]:
    """Return a budget loaded with its fund as JSON."""
    names = ("uuid", "description", "limit_cents", "held_cents", "spent_cents", "active", "retired", "retired_at")
    ids = {"customer": row.customer_id, "fund": row.fund_id, "catalog": row.catalog_id}
    return ids | {name: getattr(row, name) for name in names} | {
        "configuration": row.assignment_configuration_id,
        "name": row.display_name,
        "currency": row.fund.currency,
        "available_cents": balance(row).available_cents,
        "created": row.created,
        "modified": row.modified,
    }  # fmt: skip


def _budgets() -> Any:
    return Budget.objects.select_related("fund")


def _single(row: Budget) -> HttpResponse:
    counts = counts_by_state(row.assignment_configuration_id)
    return single(budget_shape(row) | {"counts": counts}, row, TERMS)


def _made(row: Budget) -> Reply:
    return made(budget_shape(row), "get_budget", budget=row.pk)


def _catalog(key: UUID | None, customer: UUID) -> UUID | None:
    """Return the key of a catalog that the customer may use; raises `NotFound`."""
    return None if key is None else find_catalog(key, customer_uuid=customer).pk

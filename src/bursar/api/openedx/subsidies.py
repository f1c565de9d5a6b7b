"""Funds as enterprise-subsidy calls them, and whether one can pay for a course (wire 4.2, 4.4, 4.5)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema

from bursar.api.addresses import openedx_root
from bursar.api.auth import actor_of
from bursar.api.openedx import schemas, scope
from bursar.api.openedx.bodies import Number
from bursar.api.openedx.errors import Denied, body
from bursar.api.openedx.keys import ContentKey
from bursar.api.openedx.paging import PageQuery, page_of, wanted
from bursar.api.openedx.transactions import UNIT, Transaction, transaction
from bursar.assignments.flows import sights_of
from bursar.assignments.payments import of_learner
from bursar.budgets.models import Fund
from bursar.budgets.selectors import balances_of, initial_deposits_of, totals_of_funds
from bursar.kernel import clock
from bursar.kernel.actor import Actor
from bursar.people.access import Permission

READ: Final = "MISSING: subsidies.can_read_metadata"
PAGE: Final = 10
LARGEST_PAGE: Final = 100
Shape = dict[str, Any]
router: Final = Router(tags=["subsidies"])


class SubsidyQuery(PageQuery):
    """Whose funds."""

    enterprise_customer_uuid: UUID | None = None


class PaysQuery(Schema):
    """For whom and for what."""

    lms_user_id: Number
    content_key: ContentKey


class Subsidy(schemas.Exact):
    """A fund; amounts are cents."""

    uuid: UUID
    title: str
    enterprise_customer_uuid: UUID
    active_datetime: datetime | None
    expiration_datetime: datetime | None
    is_active: bool
    unit: str
    ledger: UUID
    reference_id: str | None
    reference_type: str | None
    internal_only: bool
    revenue_category: str | None
    is_soft_deleted: bool
    starting_balance: int
    current_balance: int
    total_deposits: int
    created: datetime
    modified: datetime


class SubsidyPage(schemas.Envelope):
    """A page of funds."""

    results: list[Subsidy]


class CanPay(schemas.Exact):
    """Whether a fund has what a course costs, in cents."""

    can_redeem: bool
    content_price: int | None
    unit: str
    all_transactions: list[Transaction]
    active: bool


@router.get("/", response={200: SubsidyPage, 403: schemas.Detail}, summary="List the funds of a customer")
def list_subsidies(request: HttpRequest, query: Query[SubsidyQuery]) -> HttpResponse:
    """Answer with the funds of a customer."""
    customer = query.enterprise_customer_uuid
    if customer is None:
        raise Denied(READ)
    scope.require(actor_of(request), Permission.MANAGE, customer, READ)
    page = wanted(query, default=PAGE, largest=LARGEST_PAGE)
    return body(page_of(request, page, _on_the_wire().filter(customer=customer), subsidies), 200)


@router.get("/{subsidy}/", response={200: Subsidy, 403: schemas.Detail}, summary="Read a fund")
def read_subsidy(request: HttpRequest, subsidy: UUID) -> HttpResponse:
    """Answer with one fund."""
    return body(subsidies([fund_of(actor_of(request), subsidy)])[0], 200)


@router.get("/{subsidy}/can_redeem/", response={200: CanPay, 403: schemas.Detail}, summary="Ask if a fund can pay")
def can_pay(request: HttpRequest, subsidy: UUID, query: Query[PaysQuery]) -> HttpResponse:
    """Answer whether the fund has what a course costs, and what it has paid of it for this learner."""
    fund = fund_of(actor_of(request), subsidy)
    sight = sights_of({(query.content_key, None)}, fund.currency).get((query.content_key, None))
    price = sight.price_cents if sight else None
    paid = of_learner(fund.customer_id, query.lms_user_id, [query.content_key])
    active = fund.is_active(clock.now())
    root = openedx_root(request)
    answer = {
        "can_redeem": active and price is not None and balances_of([fund])[fund.pk] >= price,
        "content_price": price,
        "unit": UNIT,
        "all_transactions": [transaction(row, root) for row in paid if row.fund == fund.pk],
        "active": active,
    }
    return body(answer, 200)


def fund_of(actor: Actor, key: UUID, *, permission: Permission = Permission.MANAGE, missing: str = READ) -> Fund:
    """Return a fund where the actor has the permission; answers 403, or 404 to who may everywhere."""
    fund = _on_the_wire().filter(pk=key).first()
    scope.require(actor, permission, fund.customer_id if fund else None, missing)
    assert fund is not None  # answered above
    return fund


def _on_the_wire() -> "QuerySet[Fund]":
    return Fund.objects.filter(currency=scope.CURRENCY)


def subsidies(funds: Sequence[Fund]) -> list[Shape]:
    """Return funds as subsidies; three statements."""
    now, keys = clock.now(), [fund.pk for fund in funds]
    first, balances, totals = initial_deposits_of(keys), balances_of(funds), totals_of_funds(keys)
    return [
        {
            "uuid": fund.pk,
            "title": fund.title,
            "enterprise_customer_uuid": fund.customer_id,
            "active_datetime": fund.starts_at,
            "expiration_datetime": fund.expires_at,
            "is_active": fund.is_active(now),
            "unit": UNIT,
            "ledger": fund.pk,
            "reference_id": None,
            "reference_type": None,
            "internal_only": False,
            "revenue_category": None,
            "is_soft_deleted": False,
            "starting_balance": first.get(fund.pk, 0),
            "current_balance": balances[fund.pk],
            "total_deposits": totals[fund.pk].deposits_cents if fund.pk in totals else fund.balance_cents,
            "created": fund.created,
            "modified": fund.modified,
        }
        for fund in funds
    ]

"""Funds over our own API: money in, corrections, the end, and the ledger."""

from functools import partial
from typing import Annotated, Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from bursar.api.auth import actor_of
from bursar.api.idempotency import Reply
from bursar.api.v1.etags import EDITED, edit, single
from bursar.api.v1.once import KEYED, effect_key, made, once
from bursar.api.v1.paging import Paging, filled, page
from bursar.api.v1.schemas import Cents, Id, In, LimitCents, Line, Moment, Out, PageOf, PositiveCents
from bursar.api.v1.scope import found, require, require_at
from bursar.assignments import flows
from bursar.budgets import services
from bursar.budgets.models import EntryKind, Fund, LedgerEntry
from bursar.budgets.services import LONGEST_TITLE
from bursar.people.access import Permission, visible

router: Final = Router(tags=["funds"])
TERMS: Final = ("title", "expires_at", "modified")
ORDER: Final = ("created", "uuid")


class FundOut(Out):
    """Money of one currency, between two dates. Amounts are cents."""

    uuid: UUID
    customer: UUID
    title: str
    currency: str = Field(examples=["USD"])
    starts_at: Moment | None
    expires_at: Moment | None
    balance_cents: int = Field(description="The sum of the ledger.")
    held_cents: int = Field(description="Promised to open assignments by the budgets on it.")
    free_cents: int = Field(description="What can still be promised.")
    created: Moment
    modified: Moment


class FundPage(PageOf[FundOut]):
    """A page of funds."""


class EntryOut(Out):
    """One movement of a fund's balance; entries never change and never go."""

    uuid: UUID
    fund: UUID
    sequence: int = Field(description="1, 2, 3 … within the fund.")
    kind: EntryKind
    amount_cents: int
    currency: str
    budget: UUID | None
    transaction: UUID | None
    reverses: UUID | None
    reason: str
    created: Moment
    previous_hash: str
    hash: str = Field(description="SHA-256 over the entry before and every fact of this one.")


class EntryPage(PageOf[EntryOut]):
    """A page of a ledger."""


class FundIn(In):
    """A new fund, with a first deposit if there is one."""

    customer: Id
    title: Annotated[Line, Field(min_length=1, max_length=LONGEST_TITLE, examples=["Training 2027"])]
    deposit_cents: LimitCents = 0
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "USD"
    starts_at: Moment | None = None
    expires_at: Moment | None = None


class FundTerms(In):
    """What can be changed of a fund."""

    expires_at: Moment | None = Field(description="When it ends; null for never.")


class DepositIn(In):
    """Money in."""

    amount_cents: PositiveCents
    reason: Annotated[Line, Field(max_length=255)] = ""


class AdjustmentIn(In):
    """A correction, up or down."""

    amount_cents: Cents = Field(json_schema_extra={"not": {"const": 0}})
    reason: Annotated[Line, Field(min_length=1, max_length=255, examples=["Typed a digit too many"])]


class FundFilters(Paging):
    """Which funds."""

    customer: UUID | None = None


class EntryFilters(Paging):
    """Which entries."""

    kind: EntryKind | None = None


@router.get("/funds", response=FundPage)
def list_funds(request: HttpRequest, filters: Query[FundFilters]) -> HttpResponse:
    """Name the funds, oldest first."""
    rows = visible(Fund.objects.all(), actor_of(request), Permission.READ_CUSTOMER)
    return page(request, rows.filter(**filled({"customer": filters.customer})), filters, ORDER, fund_shape)


@router.post("/funds", response={201: FundOut}, openapi_extra=KEYED)
def create_fund(request: HttpRequest, payload: FundIn) -> HttpResponse:
    """Make a fund, with a first deposit if one is given. Takes `budgets.write`."""
    require_at(request, Permission.WRITE_BUDGETS, payload.customer)
    terms = payload.model_dump(exclude={"customer"})
    return once(request, payload.customer, lambda: services.create_fund(payload.customer, **terms), _made)


@router.get("/funds/{uuid:fund}", response=FundOut)
def get_fund(request: HttpRequest, fund: UUID) -> HttpResponse:
    """Tell what a fund has."""
    row = found(request, Fund.objects.all(), fund)
    return single(fund_shape(row), row, TERMS)


@router.patch("/funds/{uuid:fund}", response=FundOut, openapi_extra=EDITED)
def edit_fund(request: HttpRequest, fund: UUID, payload: FundTerms) -> HttpResponse:
    """Change when a fund ends, and the expiries of assignments that follow from it. Takes `budgets.write`."""
    row = found(request, Fund.objects.all(), fund)
    require(request, Permission.WRITE_BUDGETS, row.customer_id)
    edit(request, row, TERMS, lambda: flows.change_fund_end(row.pk, payload.expires_at, actor=actor_of(request)))
    return get_fund(request, fund)


@router.post("/funds/{uuid:fund}/deposits", response={201: EntryOut}, openapi_extra=KEYED)
def deposit(request: HttpRequest, fund: UUID, payload: DepositIn) -> HttpResponse:
    """Put money in; answers with the entry of the ledger. Takes `budgets.write`."""
    return _enter(request, fund, EntryKind.DEPOSIT, payload)


@router.post("/funds/{uuid:fund}/adjustments", response={201: EntryOut}, openapi_extra=KEYED)
def adjust(request: HttpRequest, fund: UUID, payload: AdjustmentIn) -> HttpResponse:
    """Correct the balance, up or down, for a reason. Takes `budgets.write`.

    Refused (`fund_balance_exceeded`) where what budgets hold would not be covered.
    """
    return _enter(request, fund, EntryKind.ADJUSTMENT, payload)


@router.get("/funds/{uuid:fund}/ledger", response=EntryPage)
def list_ledger(request: HttpRequest, fund: UUID, filters: Query[EntryFilters]) -> HttpResponse:
    """Name the entries of a fund's ledger, newest first."""
    row = found(request, Fund.objects.all(), fund)
    entries = LedgerEntry.objects.filter(fund=row, **filled({"kind": filters.kind}))
    return page(request, entries, filters, ("-sequence",), entry_shape)


def fund_shape(row: Fund) -> dict[str, Any]:
    """Return a fund as JSON."""
    names = ("uuid", "title", "currency", "starts_at", "expires_at", "balance_cents", "held_cents", "free_cents")
    shape = {name: getattr(row, name) for name in names}
    return shape | {"customer": row.customer_id, "created": row.created, "modified": row.modified}


def entry_shape(row: LedgerEntry) -> dict[str, Any]:
    """Return an entry of a ledger as JSON."""
    names = ("uuid", "sequence", "kind", "amount_cents", "currency", "reason", "created", "previous_hash", "hash")
    ids = ("fund", "budget", "transaction", "reverses")
    return {name: getattr(row, name) for name in names} | {name: getattr(row, f"{name}_id") for name in ids}


def _made(row: Fund) -> Reply:
    return made(fund_shape(row), "get_fund", fund=row.pk)


def _enter(request: HttpRequest, fund: UUID, kind: EntryKind, payload: DepositIn | AdjustmentIn) -> HttpResponse:
    row = found(request, Fund.objects.all(), fund)
    require(request, Permission.WRITE_BUDGETS, row.customer_id)
    verb = services.deposit if kind == EntryKind.DEPOSIT else services.adjust
    key = effect_key(request)
    call = partial(verb, fund, payload.amount_cents, reason=payload.reason, idempotency_key=key)
    return once(request, row.customer_id, call, lambda _: _entered(services.entry_key(fund, kind, key)))


def _entered(key: str) -> Reply:
    return Reply(201, entry_shape(LedgerEntry.objects.get(idempotency_key=key)))

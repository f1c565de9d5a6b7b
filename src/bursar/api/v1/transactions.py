"""Transactions over our own API: one redemption of one assignment each; they are read here, and made by accepting."""

from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from bursar.api.rendering import answer
from bursar.api.v1.paging import Paging, filled, page
from bursar.api.v1.schemas import Moment, Out, PageOf
from bursar.api.v1.scope import found
from bursar.budgets.models import Fund, Transaction, TransactionState

router: Final = Router(tags=["transactions"])
LARGEST_NUMBER: Final = 2**63 - 1


class ReversalOut(Out):
    """The whole amount, given back."""

    uuid: UUID
    amount_cents: int
    reason: str
    created: Moment


class TransactionOut(Out):
    """Money for one enrolment; only a committed one is in the ledger."""

    uuid: UUID
    fund: UUID
    budget: UUID
    assignment: UUID
    state: TransactionState
    amount_cents: int = Field(description="What it costs, never below 0.")
    content_key: str
    content_title: str | None
    lms_user_id: int
    fulfillment_identifier: str | None = Field(description="What the learning platform calls the enrolment.")
    attempts: int = Field(description="How often the enrolment was asked for.")
    due_at: Moment | None = Field(description="When a pending one is asked for again.")
    error_code: str
    reversal: ReversalOut | None
    created: Moment
    modified: Moment


class TransactionPage(PageOf[TransactionOut]):
    """A page of transactions."""


class TransactionFilters(Paging):
    """Which transactions."""

    budget: UUID | None = None
    state: TransactionState | None = None
    assignment: UUID | None = None


@router.get("/funds/{uuid:fund}/transactions", response=TransactionPage)
def list_transactions(request: HttpRequest, fund: UUID, filters: Query[TransactionFilters]) -> HttpResponse:
    """Name the transactions on a fund, newest first."""
    source = found(request, Fund.objects.all(), fund)
    wanted = {"budget": filters.budget, "state": filters.state, "assignment_uuid": filters.assignment}
    rows = Transaction.objects.filter(fund=source, **filled(wanted)).select_related("reversal")
    return page(request, rows, filters, ("-created", "-uuid"), transaction_shape)


@router.get("/transactions/{uuid:transaction}", response=TransactionOut)
def get_transaction(request: HttpRequest, transaction: UUID) -> HttpResponse:
    """Tell how far a redemption has come."""
    rows = Transaction.objects.select_related("reversal")
    row = found(request, rows, transaction, customer_field="budget__customer_id")
    return answer(transaction_shape(row))


def transaction_shape(row: Transaction) -> dict[str, Any]:
    """Return a transaction loaded with its reversal as JSON."""
    names = (
        *("uuid", "state", "content_key", "content_title", "lms_user_id", "fulfillment_identifier", "attempts"),
        *("due_at", "error_code", "created", "modified"),
    )
    reversal = getattr(row, "reversal", None)
    return {name: getattr(row, name) for name in names} | {
        "fund": row.fund_id,
        "budget": row.budget_id,
        "assignment": row.assignment_uuid,
        "amount_cents": -row.quantity,
        "reversal": reversal and {
            "uuid": reversal.pk,
            "amount_cents": reversal.quantity,
            "reason": reversal.reason,
            "created": reversal.created,
        },
    }  # fmt: skip

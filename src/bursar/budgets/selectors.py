"""What a budget can still promise, how funds and budgets are found, and what is paid from them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet, Sum

from bursar.budgets.models import Budget, Fund, LedgerEntry, Transaction, TransactionState
from bursar.budgets.models.ledger import INITIAL_DEPOSIT
from bursar.budgets.phases import Phase, phase
from bursar.kernel import clock
from bursar.kernel.lookup import find_one

NEVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Balance:
    """A budget in cents: what is promised, what is spent and what is left."""

    limit_cents: int
    held_cents: int
    spent_cents: int
    budget_free_cents: int
    fund_free_cents: int

    @property
    def available_cents(self) -> int:
        """What can still be promised: the smaller of what the limit and what the fund leave, never below 0."""
        return max(0, min(self.budget_free_cents, self.fund_free_cents))


def balance(budget: Budget) -> Balance:
    """Return the balance of a budget loaded with its fund."""
    return Balance(budget.limit_cents, budget.held_cents, budget.spent_cents, budget.free_cents, budget.fund.free_cents)


@dataclass(frozen=True, slots=True)
class FundTotals:
    """Of a fund, in cents: the limits of its budgets in use, and what was put in, corrections included."""

    limits_cents: int
    deposits_cents: int


def totals_of_funds(funds: Collection[UUID]) -> dict[UUID, FundTotals]:
    """Return the totals of funds that have budgets; one statement, which reads counters and no ledger."""
    rows = Budget.objects.filter(fund__in=funds).order_by().values_list("fund_id", "fund__balance_cents")
    in_use = Sum("limit_cents", filter=Q(active=True, retired=False), default=0)
    found = rows.annotate(limits=in_use, spent=Sum("spent_cents", default=0))
    return {fund: FundTotals(limits, balance + spent) for fund, balance, limits, spent in found}


def phase_of(budget: Budget) -> Phase:
    """Return where a budget loaded with its fund is in its life; switched off counts as retired."""
    fund = budget.fund
    return phase(
        clock.now(),
        retired=not budget.usable,
        starts_at=fund.starts_at,
        expires_at=fund.expires_at,
    )


def budgets_of(customer: UUID) -> QuerySet[Budget]:
    """Return the budgets of a customer with their funds: open ones first, then by name; one statement."""
    rows = Budget.objects.filter(customer=customer).select_related("fund")
    return rows.order_by("retired", "-active", "display_name", "uuid")


def find_budget(reference: str | UUID, customers: frozenset[UUID] | None) -> Budget:
    """Return the budget with this uuid, or exactly this display name, at one of the customers (None: at any).

    Raises `NotFound`, or `Refused` (`ambiguous_name`) when the name fits several.
    """
    rows = Budget.objects.select_related("fund", "customer", "catalog")
    return find_one(rows if customers is None else rows.filter(customer__in=customers), reference, name="display_name")


def find_fund(reference: str | UUID, customers: frozenset[UUID] | None) -> Fund:
    """Return the fund with this uuid, or exactly this title, at one of the customers; errors as `find_budget`."""
    rows = Fund.objects.select_related("customer")
    return find_one(rows if customers is None else rows.filter(customer__in=customers), reference, name="title")


def spendable(customer: UUID, currency: str) -> list[Budget]:
    """Return the budgets in use at a customer that assign, with fund and customer, in the order in which they are tried.

    Those on funds of another currency are left out. First what ends first, then what has least left.
    """
    rows = Budget.objects.select_related("fund", "customer", "assignment_configuration").filter(
        customer=customer, active=True, retired=False, fund__currency=currency, assignment_configuration__isnull=False
    )
    return sorted(rows, key=lambda row: (row.fund.expires_at or NEVER, row.fund.balance_cents, row.pk))


def balances_of(funds: Collection[Fund]) -> dict[UUID, int]:
    """Return what each fund has in cents, less what enrolments under way are about to take; held money counts as there."""
    under_way = Transaction.objects.filter(
        fund__in=funds, state__in=(TransactionState.CREATED, TransactionState.PENDING)
    ).order_by()
    taken = dict(under_way.values_list("fund").annotate(cents=Sum("quantity")))
    return {fund.pk: fund.balance_cents + taken.get(fund.pk, 0) for fund in funds}


def initial_deposits_of(funds: Collection[UUID]) -> dict[UUID, int]:
    """Return the cents with which each fund was made; funds that were made empty are left out."""
    keys = [f"{fund}{INITIAL_DEPOSIT}" for fund in funds]
    return dict(LedgerEntry.objects.filter(idempotency_key__in=keys).values_list("fund_id", "amount_cents"))

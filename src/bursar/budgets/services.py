"""The only writer of money: limits, holds, spending, deposits and the ledger, each guarded by one conditional UPDATE."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from django.db.models import F

from bursar.budgets.models import Budget, EntryKind, Fund, LedgerEntry
from bursar.budgets.models.ledger import INITIAL_DEPOSIT
from bursar.kernel import clock
from bursar.kernel.bulk import insert_records
from bursar.kernel.errors import BadInput, NotFound, Refused
from bursar.kernel.failpoints import fail_point
from bursar.kernel.history import save_fields
from bursar.kernel.transactions import require_transaction, writes

LONGEST_NAME: Final = 512
LONGEST_DESCRIPTION: Final = 200
LARGEST_AMOUNT: Final = 10**15  # cents; far below what the columns hold, so that no sum overflows
LONGEST_TITLE: Final = 255
LONGEST_KEY: Final = 200
TERMS: Final = frozenset({"display_name", "description", "catalog_id", "limit_cents"})


@dataclass(frozen=True, slots=True)
class Entry:
    """A movement of a fund's balance, to be written to its ledger; `amount_cents` is signed."""

    kind: EntryKind
    amount_cents: int
    idempotency_key: str
    transaction: UUID | None = None
    reverses: UUID | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What one transaction does to one budget, in cents, and the ledger entries that go with it."""

    held_cents: int = 0
    spent_cents: int = 0
    entries: Sequence[Entry] = ()


class OverBudget(Refused):
    """A guard did not let the money through: the caller's transaction must be rolled back."""

    default_code = "over_budget"


def move_money(changes: Mapping[UUID, Change]) -> None:
    """Apply the changes to the budgets and their funds, or raise `OverBudget` and let the caller roll back.

    Call it last in the transaction: budgets in the order of their keys, then funds in theirs. Each guard is in the
    UPDATE itself, so no interleaving can pass it; new money is promised only by budgets in use.
    """
    require_transaction()
    moved = {budget: change for budget, change in changes.items() if change != Change()}
    funds = dict(Budget.objects.filter(pk__in=moved).values_list("pk", "fund_id"))
    fail_point("before_guard")
    for budget in sorted(moved):
        _move_budget(budget, moved[budget])
    for fund in sorted(set(funds.values())):
        _move_fund(fund, {budget: moved[budget] for budget in sorted(moved) if funds[budget] == fund})
    fail_point("after_guard")


def _move_budget(budget: UUID, change: Change) -> None:
    guarded = Budget.objects.filter(
        pk=budget,
        held_cents__gte=-change.held_cents,
        spent_cents__gte=-change.spent_cents,
        limit_cents__gte=F("held_cents") + F("spent_cents") + change.held_cents + change.spent_cents,
    )
    if change.held_cents > 0:
        guarded = guarded.filter(active=True, retired=False)
    counters = {"held_cents": F("held_cents") + change.held_cents, "spent_cents": F("spent_cents") + change.spent_cents}
    if guarded.update(**counters) != 1:
        raise OverBudget("The budget does not have this much left.", budget=str(budget))


def _move_fund(fund: UUID, changes: Mapping[UUID | None, Change]) -> None:
    held = sum(change.held_cents for change in changes.values())
    entries = [(budget, entry) for budget, change in changes.items() for entry in change.entries]
    amount = sum(entry.amount_cents for _, entry in entries)
    guarded = Fund.objects.filter(pk=fund, held_cents__gte=-held, balance_cents__gte=F("held_cents") + held - amount)
    counters = {
        "held_cents": F("held_cents") + held,
        "balance_cents": F("balance_cents") + amount,
        "ledger_length": F("ledger_length") + len(entries),
    }
    if guarded.update(**counters) != 1:
        raise OverBudget("The fund does not have this much left.", fund=str(fund))
    if entries:
        _write_entries(fund, entries)


def _write_entries(fund_id: UUID, entries: Sequence[tuple[UUID | None, Entry]]) -> None:
    """Append entries behind the head; the caller's UPDATE holds the fund's row, so nobody else can append."""
    fund = Fund.objects.only("ledger_length", "ledger_head", "currency").get(pk=fund_id)
    head, now, first = fund.ledger_head, clock.now(), fund.ledger_length - len(entries) + 1
    rows = []
    for sequence, (budget, entry) in enumerate(entries, start=first):
        row = LedgerEntry(
            fund_id=fund_id, sequence=sequence, kind=entry.kind, amount_cents=entry.amount_cents,
            currency=fund.currency, budget_id=budget, transaction_id=entry.transaction, reverses_id=entry.reverses,
            reason=entry.reason, idempotency_key=entry.idempotency_key, created=now, previous_hash=head,
        )  # fmt: skip
        row.hash = head = row.seal()
        rows.append(row)
    insert_records(rows)
    Fund.objects.filter(pk=fund_id).update(ledger_head=head)


def check_amount(cents: int) -> int:
    """Return `cents` if it is an amount of money above nothing that we can keep; raises `BadInput` otherwise."""
    if isinstance(cents, bool) or not isinstance(cents, int):
        raise BadInput("An amount is a whole number of cents.", code="invalid_amount")
    if not 0 < cents <= LARGEST_AMOUNT:
        raise BadInput("An amount is above zero and at most ten trillion.", code="invalid_amount")
    return cents


@writes
def create_fund(
    customer: UUID, *, title: str, deposit_cents: int = 0, currency: str = "USD",
    starts_at: datetime | None = None, expires_at: datetime | None = None,
) -> Fund:  # fmt: skip
    """Make a fund, with a first deposit if one is given. Amounts are cents of `currency` (ISO 4217), times UTC."""
    if not title.strip():
        raise BadInput("A fund needs a title.", code="missing_title")
    if len(title.strip()) > LONGEST_TITLE:
        raise BadInput(f"A title has at most {LONGEST_TITLE} characters.", code="too_long")
    if re.fullmatch("[A-Z]{3}", currency) is None:
        raise BadInput("A currency is three capital letters, such as USD.", code="invalid_currency")
    if starts_at and expires_at and expires_at <= starts_at:
        raise BadInput("A fund ends after it starts.", code="invalid_dates")
    fund = Fund.objects.create(
        customer_id=customer, title=title.strip(), currency=currency, starts_at=starts_at, expires_at=expires_at
    )
    if deposit_cents:
        key = f"{fund.pk}{INITIAL_DEPOSIT}"
        _enter(fund.pk, Entry(EntryKind.DEPOSIT, check_amount(deposit_cents), key, reason="initial deposit"))
    return Fund.objects.get(pk=fund.pk)


@writes
def deposit(fund: UUID, cents: int, *, reason: str = "", idempotency_key: str = "") -> Fund:
    """Put money in. The same idempotency key with the same amount again changes nothing; with another, is refused."""
    return _enter_once(fund, EntryKind.DEPOSIT, check_amount(cents), reason, idempotency_key)


@writes
def adjust(fund: UUID, cents: int, *, reason: str, idempotency_key: str = "") -> Fund:
    """Correct the balance by a signed amount, for a reason. Refused if what budgets hold would not be covered."""
    check_amount(-cents if type(cents) is int and cents < 0 else cents)
    if not reason.strip():
        raise BadInput("An adjustment needs a reason.", code="missing_reason")
    return _enter_once(fund, EntryKind.ADJUSTMENT, cents, reason, idempotency_key)


def _enter_once(fund: UUID, kind: EntryKind, cents: int, reason: str, idempotency_key: str) -> Fund:
    if len(idempotency_key) > LONGEST_KEY:
        raise BadInput(f"An idempotency key has at most {LONGEST_KEY} characters.", code="too_long")
    key = entry_key(fund, kind, idempotency_key or str(uuid4()))
    done = LedgerEntry.objects.filter(idempotency_key=key).first()
    if done is not None and done.amount_cents != cents:
        raise Refused("This idempotency key was used for another amount.", code="idempotency_key_reused")
    if done is None:
        _enter(fund, Entry(kind, cents, key, reason=reason[:255]))
    return Fund.objects.get(pk=fund)


def entry_key(fund: UUID, kind: EntryKind, idempotency_key: str) -> str:
    """Return what an entry is kept under, and can be found by, that was made with this idempotency key."""
    return f"{fund}:{kind}:{idempotency_key}"


def _enter(fund: UUID, entry: Entry) -> None:
    row = Fund.objects.filter(pk=fund).first()
    if row is None:
        raise NotFound("There is no such fund.")
    try:
        _move_fund(fund, {None: Change(entries=[entry])})
    except OverBudget as error:
        missing = -(row.free_cents + entry.amount_cents)
        raise Refused(
            "What the budgets hold would not be covered.", code="fund_balance_exceeded", missing_cents=missing
        ) from error


def insert_budget(
    fund: Fund, *, display_name: str, limit_cents: int, configuration: UUID | None,
    catalog: UUID | None = None, description: str = "",
) -> Budget:  # fmt: skip
    """Make a budget on a fund, in the caller's transaction.

    `limit_cents` may be 0; the limits on one fund may together pass its balance, which is the guard (ruling 25). Raises
    `BadInput` (`missing_name`, `too_long`).
    """
    require_transaction()
    _check_words(display_name, description)
    _check_named(display_name)
    return Budget.objects.create(
        customer_id=fund.customer_id, fund=fund, display_name=display_name, description=description,
        limit_cents=_check_limit(limit_cents), catalog_id=catalog, assignment_configuration_id=configuration,
    )  # fmt: skip


def _check_limit(cents: int) -> int:
    return 0 if cents == 0 and not isinstance(cents, bool) else check_amount(cents)


def set_limit(budget: UUID, limit_cents: int, *, actor_user_id: int | None = None) -> Budget:
    """Change a spend limit, in cents. Refused (`limit_below_commitments`, with the difference) below held and spent."""
    return change_budget(budget, {"limit_cents": limit_cents}, actor_user_id=actor_user_id)


@writes
def change_budget(budget: UUID, terms: Mapping[str, Any], *, actor_user_id: int | None = None) -> Budget:
    """Change any of a budget's terms: `display_name`, `description`, `catalog_id` (None: every course), `limit_cents`.

    Refused as `set_limit` is; raises `BadInput` (`missing_name`, `too_long`). What is assigned already stays as it is.
    """
    row = Budget.objects.select_for_update().filter(pk=budget).first()
    if row is None:
        raise NotFound("There is no such budget.")
    if unknown := terms.keys() - TERMS:
        raise AssertionError(f"unreachable: {unknown} are no terms of a budget")
    if "limit_cents" in terms:
        _refuse_lower(row, terms["limit_cents"])
    for name, value in terms.items():
        setattr(row, name, value)
    _check_words(row.display_name, row.description)
    if "display_name" in terms:  # one that an import left nameless may still be changed
        _check_named(row.display_name)
    save_fields(row, [name.removesuffix("_id") for name in terms], user_id=actor_user_id)
    return row


def _refuse_lower(row: Budget, limit_cents: int) -> None:
    short = row.held_cents + row.spent_cents - _check_limit(limit_cents)
    if short > 0:
        raise Refused(
            "The limit cannot be lower than what is held and spent.", code="limit_below_commitments",
            missing_cents=short, held_cents=row.held_cents, spent_cents=row.spent_cents,
        )  # fmt: skip


def _check_words(display_name: str, description: str) -> None:
    if len(display_name) > LONGEST_NAME or len(description) > LONGEST_DESCRIPTION:
        raise BadInput(f"A name takes {LONGEST_NAME} characters, a description {LONGEST_DESCRIPTION}.", code="too_long")


def _check_named(display_name: str) -> None:
    if not display_name.strip():
        raise BadInput("A budget needs a name.", code="missing_name")


def attach_configuration(
    budget: UUID, configuration: UUID, customer: UUID, *, actor_user_id: int | None = None
) -> None:
    """Let a budget of the customer assign through this configuration, in the caller's transaction.

    Raises `NotFound`, or `Refused` (`already_assigns`) when it has one.
    """
    require_transaction()
    row = Budget.objects.select_for_update().filter(pk=budget, customer=customer).first()
    if row is None:
        raise NotFound("This customer has no such budget.")
    if row.assignment_configuration_id is not None:
        raise Refused("This budget has a configuration already.", code="already_assigns")
    row.assignment_configuration_id = configuration
    save_fields(row, ["assignment_configuration"], user_id=actor_user_id)


@writes
def retire(budget: UUID, *, actor_user_id: int | None = None) -> Budget:
    """Take a budget out of use, with the date; what it holds stays promised. Doing it again changes nothing."""
    row = Budget.objects.select_for_update().filter(pk=budget).first()
    if row is None:
        raise NotFound("There is no such budget.")
    if not row.retired:
        row.retired, row.retired_at = True, clock.now()
        save_fields(row, ["retired", "retired_at"], user_id=actor_user_id)
    return row


@writes
def set_fund_end(fund: UUID, ends_at: datetime | None, *, actor_user_id: int | None = None) -> Fund:
    """Change when a fund ends (aware, None for never); expiries that follow from it are the caller's next step."""
    row = Fund.objects.select_for_update().filter(pk=fund).first()
    if row is None:
        raise NotFound("There is no such fund.")
    if ends_at and row.starts_at and ends_at <= row.starts_at:
        raise BadInput("A fund ends after it starts.", code="invalid_dates")
    row.expires_at = ends_at
    save_fields(row, ["expires_at"], user_id=actor_user_id)
    return row


def overcommitted_cents(fund: UUID) -> int:
    """Return by how much the limits of a fund's usable budgets pass what the fund can pay, or 0: a warning, no error."""
    row = Fund.objects.get(pk=fund)
    budgets = list(
        Budget.objects.filter(fund=fund, active=True, retired=False).values_list("limit_cents", "spent_cents")
    )
    return max(0, sum(limit - spent for limit, spent in budgets) - row.balance_cents)

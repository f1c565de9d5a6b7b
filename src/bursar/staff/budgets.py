"""Staff pages: funds, budgets, transactions, reversals and the ledger. Money is shown here and written nowhere."""

from django.contrib.admin import register

from bursar.assignments import flows
from bursar.assignments.models import LearnerContentAssignment
from bursar.budgets.models import Budget, Fund, LedgerEntry, Reversal, Transaction
from bursar.budgets.services import change_budget, retire
from bursar.kernel.actor import Actor
from bursar.staff.columns import amount, linked
from bursar.staff.deeds import Deed, Given, Moment, Reasoned, Rows, as_shown, changed, text
from bursar.staff.records import Lead, Record
from bursar.staff.searching import Found
from bursar.staff.site import site

WORDS = ("display_name", "description")


class EndForm(Reasoned):
    """When a fund ends."""

    expires_at = Moment(required=False, label="Ends", help_text="Blank: never. In the time zone of your browser.")


class BudgetForm(Reasoned):
    """How a budget is called."""

    display_name = text("Name", longest=512, required=True)
    description = text(longest=200)


def _change_end(actor: Actor, rows: Rows, given: Given) -> None:
    changed(given, rows[0], ("expires_at",))
    flows.change_fund_end(rows[0].pk, given["expires_at"], actor=actor)


def _change_budget(actor: Actor, rows: Rows, given: Given) -> Budget:
    return change_budget(rows[0].pk, changed(given, rows[0], WORDS), actor_user_id=actor.user_id)


@register(Fund, site=site)
class FundRecord(Record):
    """The money of customers."""

    list_display = (
        "title", linked("customer"), amount("balance_cents", "currency"), amount("held_cents", "currency"),
        amount("free_cents", "currency"), "starts_at", "expires_at",
    )  # fmt: skip
    list_select_related = ("customer",)
    ordering = ("-created", "uuid")
    found = Found(uuids=("pk", "customer_id"), words=("title",))
    hidden = ("ledger_head", "balance_cents", "held_cents")
    more = (amount("balance_cents", "currency"), amount("held_cents", "currency"), amount("free_cents", "currency"))
    deeds = (
        Deed(
            "end", "Change its end", "Everything open that is paid from it expires no later than that.", _change_end,
            EndForm, shown=as_shown("expires_at"),
        ),
    )  # fmt: skip
    leads = (
        Lead("Budgets", Budget, "fund"),
        Lead("Ledger", LedgerEntry, "fund"),
        Lead("Transactions", Transaction, "fund"),
    )


@register(Budget, site=site)
class BudgetRecord(Record):
    """What may be spent on what."""

    list_display = (
        "display_name", linked("customer"), linked("fund"), amount("limit_cents", "fund.currency"),
        amount("held_cents", "fund.currency"), amount("spent_cents", "fund.currency"), "active", "retired",
    )  # fmt: skip
    list_filter = ("active", "retired")
    list_select_related = ("customer", "fund", "catalog", "assignment_configuration")
    ordering = ("-created", "uuid")
    found = Found(uuids=("pk", "customer_id", "assignment_configuration_id"), words=("display_name",))
    hidden = ("limit_cents", "held_cents", "spent_cents")
    more = tuple(amount(f"{name}_cents", "fund.currency") for name in ("limit", "held", "spent", "free"))
    deeds = (
        Deed("change", "Change name", "How it is called and described.", _change_budget, BudgetForm, shown=as_shown(*WORDS)),
        Deed(
            "retire", "Retire", "Nothing more is assigned from it; what it holds stays promised.",
            lambda actor, rows, _: retire(rows[0].pk, actor_user_id=actor.user_id), each=True,
            fits=lambda row: not row.retired,
        ),
    )  # fmt: skip
    leads = (
        Lead("Assignments", LearnerContentAssignment, "assignment_configuration", "assignment_configuration_id"),
        Lead("Transactions", Transaction, "budget"),
        Lead("Ledger", LedgerEntry, "budget"),
    )


@register(Transaction, site=site)
class TransactionRecord(Record):
    """Redemptions, from asked to committed or failed."""

    list_display = (
        "uuid", linked("budget"), "content_key", "lms_user_id", amount("quantity", "fund.currency"), "state", "created",
    )  # fmt: skip
    list_filter = ("state",)
    list_select_related = ("budget", "fund")
    found = Found(uuids=("pk", "assignment_uuid"), numbers=("lms_user_id",))
    hidden = ("idempotency_key", "quantity")
    more = (amount("quantity", "fund.currency"),)
    leads = (
        Lead("Assignment", LearnerContentAssignment, "uuid", "assignment_uuid"),
        Lead("Reversal", Reversal, "transaction"),
        Lead("Ledger", LedgerEntry, "transaction"),
    )


@register(Reversal, site=site)
class ReversalRecord(Record):
    """Transactions given back."""

    list_display = ("uuid", linked("transaction"), amount("quantity", "transaction.fund.currency"), "reason", "created")
    list_select_related = ("transaction__fund",)
    found = Found(uuids=("pk", "transaction_id"))
    hidden = ("idempotency_key", "quantity")
    more = (amount("quantity", "transaction.fund.currency"),)


@register(LedgerEntry, site=site)
class LedgerRecord(Record):
    """Every movement of every fund, in the order of its ledger."""

    list_display = (
        "sequence", linked("fund"), "kind", amount("amount_cents", "currency"), linked("budget"), "reason", "created",
    )  # fmt: skip
    list_select_related = ("fund", "budget", "transaction", "reverses")
    ordering = ("-fund_id", "-sequence")
    found = Found(uuids=("pk", "fund_id", "budget_id", "transaction_id"))
    hidden = ("hash", "previous_hash", "idempotency_key", "amount_cents")
    more = (amount("amount_cents", "currency"),)

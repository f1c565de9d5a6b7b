"""Lists of what was paid for assignments: transactions with their reversals and whose they are, and deposits beside them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import models
from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Sum, Value

from bursar.assignments.lists import contains
from bursar.assignments.models import LearnerContentAssignment
from bursar.budgets.models import EntryKind, LedgerEntry, Transaction, TransactionState
from bursar.kernel.text import findable
from bursar.people.addresses import BadAddress, normal_form
from bursar.people.keys import key_of

PUT_IN: Final = (EntryKind.DEPOSIT, EntryKind.ADJUSTMENT)


class Payment(NamedTuple):
    """A transaction as lists show it; `quantity` is cents, below 0 for spending.

    `learner_email` is None once the address is forgotten. A deposit has no learner, no content and no budget.
    """

    uuid: UUID
    state: str
    idempotency_key: str
    lms_user_id: int | None
    learner_email: str | None
    content_key: str | None
    parent_content_key: str | None
    content_title: str | None
    course_run_start_date: datetime | None
    quantity: int
    fulfillment_identifier: str | None
    budget: UUID | None
    courseware_url: str
    error_code: str
    created: datetime
    modified: datetime
    fund: UUID
    customer: UUID
    assignment: UUID | None
    reversal: UUID | None
    reversal_key: str | None
    reversal_quantity: int | None
    reversed_at: datetime | None
    reversal_modified: datetime | None

    @property
    def is_under_way(self) -> bool:
        """Whether its enrolment is still being asked for."""
        return self.state in {TransactionState.CREATED, TransactionState.PENDING}

    @property
    def is_spent(self) -> bool:
        """Whether it paid for an enrolment that has not been given back."""
        return self.state == TransactionState.COMMITTED and self.reversal is None


@dataclass(frozen=True, slots=True)
class PaymentFilter:
    """Which payments are wanted; empty stands for all. `search` is a whole address, or part of an address or title."""

    lms_user_id: int | None = None
    content_key: str = ""
    budget: UUID | None = None
    states: Sequence[str] = ()
    search: str = ""

    @property
    def names_learners(self) -> bool:
        """Whether only what somebody was enrolled for can fit, and no deposit."""
        return self.lms_user_id is not None or self.budget is not None or bool(self.content_key or self.search)


# How a transaction gives what a payment has under another name, and a deposit what it has not.
OF_TRANSACTIONS: Final[dict[str, Any]] = {
    "learner_email": Subquery(
        LearnerContentAssignment.objects.filter(pk=OuterRef("assignment_uuid"), address_scrubbed_at=None)
        .order_by()
        .values("learner_email")[:1]
    ),
    "customer": F("fund__customer_id"),
    "assignment": F("assignment_uuid"),
    "reversal_key": F("reversal__idempotency_key"),
    "reversal_quantity": F("reversal__quantity"),
    "reversed_at": F("reversal__created"),
    "reversal_modified": F("reversal__modified"),
}
TEXT: Final = models.CharField()
OF_DEPOSITS: Final[dict[str, Any]] = {
    "state": Value(TransactionState.COMMITTED.value, TEXT),
    "quantity": F("amount_cents"),
    "modified": F("created"),
    "customer": F("fund__customer_id"),
    **{name: Value("", TEXT) for name in ("courseware_url", "error_code")},
    **{name: Value(None, models.BigIntegerField()) for name in ("lms_user_id", "reversal_quantity")},
    **{name: Value(None, models.UUIDField()) for name in ("assignment", "reversal")},
    **{
        name: Value(None, models.DateTimeField())
        for name in ("course_run_start_date", "reversed_at", "reversal_modified")
    },
    **{
        name: Value(None, TEXT)
        for name in (
            *("learner_email", "content_key", "parent_content_key", "content_title"),
            *("fulfillment_identifier", "reversal_key"),
        )
    },
}
# By which names lists are put in order, and the column behind each; prices are spent, so the highest is the lowest.
ORDERINGS: Final = {
    "created": "created",
    "enrollment_date": "created",
    "quantity": "quantity",
    "course_list_price": "-quantity",
    "course_title": "content_title",
    "user_email": "learner_email",
    "course_run_start_date": "course_run_start_date",
    "courseRunStartDate": "course_run_start_date",
}
MAY_BE_EMPTY: Final = frozenset({"content_title", "course_run_start_date"})
WALKED_AT_ONCE: Final = 1000


def payments() -> "QuerySet[Transaction]":
    """Return all transactions with what a `Payment` has; `read` makes payments of them."""
    return Transaction.objects.annotate(**OF_TRANSACTIONS)


def read(rows: "QuerySet[Any, Any]") -> list[Payment]:
    """Return these rows as payments, in their order; one statement."""
    return [Payment(*row) for row in rows.values_list(*Payment._fields)]


def of_learner(customer: UUID, lms_user_id: int, contents: Sequence[str]) -> list[Payment]:
    """Return what was paid, or is about to be, for these runs and courses and this learner at a customer, newest first."""
    rows = payments().filter(lms_user_id=lms_user_id, budget__customer=customer)
    rows = rows.filter(Q(content_key__in=contents) | Q(parent_content_key__in=contents))
    return read(rows.order_by("-created", "-uuid"))


def payment(key: UUID) -> Payment | None:
    """Return the payment that one transaction or deposit is; one statement for a transaction, two for others."""
    found = read(payments().filter(pk=key)) or read(_put_in().filter(pk=key))
    return found[0] if found else None


def of_fund(fund: UUID, wanted: PaymentFilter) -> "QuerySet[Any, Any]":
    """Return the payments from a fund that fit, unordered, as rows for `read`; with what was put in where that can fit."""
    spent = _narrowed(payments().filter(fund=fund), wanted).order_by().values_list(*Payment._fields)
    if wanted.names_learners or (wanted.states and TransactionState.COMMITTED not in wanted.states):
        return spent
    return spent.union(_put_in().filter(fund=fund).values_list(*Payment._fields), all=True)


def in_order(rows: "QuerySet[Any, Any]", names: Sequence[str]) -> "QuerySet[Any, Any]":
    """Return payments by these names (of `ORDERINGS`, a leading - turns one round), unknown ones ignored; newest first.

    What has no value comes last, but where deposits are among them: a union is put in order by bare columns alone.
    """
    known = [name for name in names if name.lstrip("-") in ORDERINGS]
    return rows.order_by(*(_columns(known) if rows.query.combinator else _sorting(known)))


def _turned(column: str, back: bool) -> str:
    return column.lstrip("-") if back == column.startswith("-") else f"-{column.lstrip('-')}"


def of_budget(budget: UUID, search: str = "") -> "QuerySet[Transaction]":
    """Return the transactions of a budget, of whatever state, that a search finds (`PaymentFilter`), unordered and bare."""
    rows = Transaction.objects.alias(learner_email=OF_TRANSACTIONS["learner_email"])
    return _narrowed(rows, PaymentFilter(budget=budget, search=search)).order_by()


def page_of_budget(rows: "QuerySet[Transaction]", names: Sequence[str], *, start: int, size: int) -> list[Payment]:
    """Return a page of what `of_budget` gives, by these names (of `ORDERINGS`); two statements.

    The newest first are read from an index; any other order reads the list.
    """
    keys = list(rows.order_by(*_sorting(names)).values_list("pk", flat=True)[start : start + size])
    found = {item.uuid: item for item in read(payments().filter(pk__in=keys).order_by())}
    return [found[key] for key in keys if key in found]


def walk_budget(rows: "QuerySet[Transaction]", names: Sequence[str]) -> Iterator[Payment]:
    """Yield all of what `of_budget` gives, by these names, holding few at a time; one statement."""
    whole = rows.annotate(**OF_TRANSACTIONS).order_by(*_sorting(names)).values_list(*Payment._fields)
    return (Payment(*row) for row in whole.iterator(WALKED_AT_ONCE))


def _columns(names: Sequence[str]) -> list[str]:
    """Return the order by these names; no two rows are equal."""
    columns = [_turned(ORDERINGS[name.lstrip("-")], name.startswith("-")) for name in names] or ["-created"]
    return [*columns, "uuid"]


def _sorting(names: Sequence[str]) -> list[Any]:
    """Return the same, where what has no value comes last either way."""
    return [_empty_last(column) if column.lstrip("-") in MAY_BE_EMPTY else column for column in _columns(names)]


def _empty_last(column: str) -> Any:
    field = F(column.lstrip("-"))
    return field.desc(nulls_last=True) if column.startswith("-") else field.asc(nulls_last=True)


def total_of_fund(fund: UUID, wanted: PaymentFilter) -> int:
    """Return the sum in cents of what `of_fund` lists, failed ones included and reversals not."""
    spent = _narrowed(payments().filter(fund=fund), wanted).aggregate(cents=Sum("quantity"))["cents"] or 0
    if wanted.names_learners or (wanted.states and TransactionState.COMMITTED not in wanted.states):
        return int(spent)
    return int(spent + (_put_in().filter(fund=fund).aggregate(cents=Sum("amount_cents"))["cents"] or 0))


def _put_in() -> "QuerySet[LedgerEntry]":
    return LedgerEntry.objects.filter(kind__in=PUT_IN).annotate(**OF_DEPOSITS).order_by()


def _narrowed(rows: "QuerySet[Transaction]", wanted: PaymentFilter) -> "QuerySet[Transaction]":
    if wanted.lms_user_id is not None:
        rows = rows.filter(lms_user_id=wanted.lms_user_id)
    if wanted.content_key:
        rows = rows.filter(content_key__in=findable([wanted.content_key]))
    if wanted.budget is not None:
        rows = rows.filter(budget=wanted.budget)
    if wanted.states:
        rows = rows.filter(state__in=findable(wanted.states))
    return rows.filter(_search(wanted.search)) if wanted.search else rows


def _search(text: str) -> Q:
    """Return the condition for an address or title to be what is searched for; a whole address is looked up by its key."""
    if not text.isprintable():
        return Q(pk__in=())
    try:
        key = key_of(normal_form(text))
    except BadAddress:
        return contains(text)
    theirs = LearnerContentAssignment.objects.filter(learner_email_key=key, address_scrubbed_at=None).order_by()
    return Q(assignment_uuid__in=theirs.values("pk"))

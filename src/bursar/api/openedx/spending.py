"""What was spent (wire L5, A11, 4.5): one transaction, all of a fund, a new one for an assignment; and what courses cost."""

from datetime import datetime
from typing import Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from ninja.errors import HttpError
from pydantic import BaseModel, Field

from bursar.api.addresses import openedx_root
from bursar.api.auth import actor_of
from bursar.api.openedx import schemas, scope
from bursar.api.openedx.allocations import BUSY
from bursar.api.openedx.bodies import Cents, Number, documents, read_body
from bursar.api.openedx.errors import body
from bursar.api.openedx.keys import ContentKey
from bursar.api.openedx.paging import PageQuery, page_of, wanted
from bursar.api.openedx.subsidies import LARGEST_PAGE, PAGE, fund_of
from bursar.api.openedx.transactions import UNIT, Transaction, transaction
from bursar.assignments.flows import Learner, Prospect, look_ahead, redeem_many, sights_of
from bursar.assignments.payments import Payment, PaymentFilter, in_order, of_fund, payment, total_of_fund
from bursar.assignments.policy import WORDS, Code
from bursar.assignments.services import RedemptionRequest
from bursar.budgets.models import Budget, TransactionState
from bursar.kernel.errors import Unavailable
from bursar.kernel.results import Refusal
from bursar.people.access import Permission
from bursar.people.selectors import belongs

READ_TRANSACTIONS: Final = "MISSING: subsidies.can_read_transactions"
CREATE_TRANSACTIONS: Final = "MISSING: subsidies.can_create_transactions"
READ_CONTENT: Final = "MISSING: subsidies.can_read_content_metadata"
LOCKED: Final = "Attempt to lock the Ledger failed, please try again."
NO_CONTENT: Final = "There is no such course or run in the catalog."
CREATION: Final = "transaction_creation_error"
CONTENT: Final = "content_not_found"
PRICE: Final = "invalid_requested_price"
INACTIVE: Final = "inactive_subsidy_creation_error"
ENROLLMENT: Final = "enrollment_error"
EXECUTIVE: Final = "executive-education"
router: Final = Router(tags=["transactions"])


class TransactionQuery(PageQuery):
    """Which transactions, in which order, and whether their sum is wanted."""

    lms_user_id: Number | None = None
    content_key: str = ""
    subsidy_access_policy_uuid: UUID | None = None
    state: list[str] = Field(default_factory=list)
    search: str = ""
    ordering: str = ""
    include_aggregates: bool = False


class TransactionAggregates(schemas.Exact):
    """The sum of everything listed, in cents."""

    unit: str
    total_quantity: int


class TransactionPage(schemas.Envelope):
    """A page of transactions; with `include_aggregates`, what all of them together come to."""

    results: list[Transaction]
    aggregates: TransactionAggregates | None = None
    total_quantity: int | None = None


class Uncreated(schemas.Exact):
    """Why no transaction was made."""

    detail: str
    code: str


class TransactionBody(BaseModel):
    """For whom, for what and from which budget; a price of 0 stands for none."""

    lms_user_id: Number
    content_key: ContentKey
    subsidy_access_policy_uuid: UUID
    requested_price_cents: Cents | None = None


class ContentQuery(Schema):
    """At which customer."""

    enterprise_customer_uuid: UUID | None = None


class ContentPrice(schemas.Exact):
    """What a course costs, in cents."""

    content_title: str
    content_uuid: str | None
    content_key: str
    course_run_uuid: str | None
    course_run_key: str | None
    course_run_start_date: datetime | None
    source: str
    mode: str
    content_price: int | None
    enroll_by_date: datetime | None
    geag_variant_id: str | None


@router.get("/v1/transactions/{key}/", response={200: Transaction, 403: schemas.Detail}, summary="Read a transaction")
def read_transaction(request: HttpRequest, key: UUID) -> HttpResponse:
    """Answer with a transaction to whoever it is for, and to the admins there."""
    actor = actor_of(request)
    paid = payment(key)
    own = paid is not None and paid.lms_user_id is not None and paid.lms_user_id == actor.lms_user_id
    permission = Permission.LEARN if own else Permission.MANAGE
    scope.require(actor, permission, paid.customer if paid else None, READ_TRANSACTIONS)
    assert paid is not None  # answered above
    return body(transaction(paid, openedx_root(request)), 200)


@router.get(
    "/v2/subsidies/{subsidy}/admin/transactions/",
    response={200: TransactionPage, 403: schemas.Detail},
    summary="List the transactions of a fund",
)
def list_transactions(request: HttpRequest, subsidy: UUID, query: Query[TransactionQuery]) -> HttpResponse:
    """Answer with what a fund has paid, and, unless a learner, course or budget is asked for, what was put into it."""
    fund = fund_of(actor_of(request), subsidy)
    fits = PaymentFilter(
        query.lms_user_id, query.content_key, query.subsidy_access_policy_uuid, tuple(query.state), query.search.strip()
    )
    root = openedx_root(request)
    rows = in_order(of_fund(fund.pk, fits), query.ordering.split(","))
    page = page_of(
        request,
        wanted(query, default=PAGE, largest=LARGEST_PAGE),
        rows,
        lambda found: [transaction(Payment(*row), root) for row in found],
    )
    if query.include_aggregates:
        total = total_of_fund(fund.pk, fits)
        page |= {"aggregates": {"unit": UNIT, "total_quantity": total}, "total_quantity": total}
    return body(page, 200)


@router.post(
    "/v2/subsidies/{subsidy}/admin/transactions/",
    response={200: Transaction, 201: Transaction, 403: schemas.Detail, 422: Uncreated, 429: schemas.Detail},
    summary="Redeem an assignment for a learner",
    openapi_extra=documents(TransactionBody),
)
def create_transaction(request: HttpRequest, subsidy: UUID) -> HttpResponse:
    """Redeem what is assigned to a learner: 201, or 200 with the transaction that exists; nothing else can be paid for."""
    fund = fund_of(actor_of(request), subsidy, permission=Permission.WRITE_BUDGETS, missing=CREATE_TRANSACTIONS)
    asked = read_body(request, TransactionBody)
    budget = Budget.objects.select_related("fund").filter(pk=asked.subsidy_access_policy_uuid, fund=fund).first()
    if budget is None:
        return _uncreated(CREATION, "The budget is not on this fund.")
    try:
        return _create(asked, budget, request)
    except Unavailable as error:
        if error.code == BUSY:
            return body({"detail": LOCKED}, 429)
        raise


def _create(asked: TransactionBody, budget: Budget, request: HttpRequest) -> HttpResponse:
    learner = Learner(budget.customer_id, asked.lms_user_id, known=belongs(budget.customer_id, asked.lms_user_id))
    (prospect,) = look_ahead(learner, [asked.content_key], [budget], scope.CURRENCY)
    if prospect.paid is not None:
        return body(transaction(prospect.paid, openedx_root(request)), 200)
    if prospect.assignment is None:
        return _unassigned(prospect)
    if asked.requested_price_cents and asked.requested_price_cents != prospect.price_cents:
        return _uncreated(PRICE, "The price is not the one at which this course was assigned.")
    return _paid(RedemptionRequest(prospect.assignment, asked.content_key, asked.lms_user_id), request)


def _paid(asked: RedemptionRequest, request: HttpRequest) -> HttpResponse:
    answer = redeem_many([asked], actor=actor_of(request))
    if asked.assignment in answer.refused:
        return _refused(answer.refused[asked.assignment])
    paid = payment(answer.done[asked.assignment].pk)
    assert paid is not None  # transactions stay
    if paid.state == TransactionState.FAILED:
        return _uncreated(ENROLLMENT, WORDS[Code.ENROLLMENT_ERROR])
    return body(transaction(paid, openedx_root(request)), 201)


def _unassigned(prospect: Prospect) -> HttpResponse:
    return _refused(prospect.refusals[0][1]) if prospect.known else _uncreated(CONTENT, NO_CONTENT)


def _refused(why: Refusal) -> HttpResponse:
    return _uncreated(INACTIVE if why.code == Code.SUBSIDY_EXPIRED else CREATION, why.message)


def _uncreated(code: str, words: str) -> HttpResponse:
    return body({"detail": words, "code": code}, 422)


@router.get(
    "/v1/content-metadata/{key}/",
    response={200: ContentPrice, 403: schemas.Detail, 404: schemas.Detail},
    summary="Ask what a course costs",
)
def content_metadata(request: HttpRequest, key: str, query: Query[ContentQuery]) -> HttpResponse:
    """Answer with the price and the run of a course, or of the course of a run."""
    scope.require(actor_of(request), Permission.LEARN, query.enterprise_customer_uuid, READ_CONTENT)
    sight = sights_of({(key, None)}, scope.CURRENCY).get((key, None))
    if sight is None:
        raise HttpError(404, NO_CONTENT)
    is_executive = sight.course_type.startswith(EXECUTIVE)
    answer = {
        "content_title": sight.title,
        "content_uuid": None,
        "content_key": sight.course_key,
        "course_run_uuid": None,
        "course_run_key": sight.run_key,
        "course_run_start_date": sight.start,
        "source": "2U" if is_executive else "edX",
        "mode": "paid-executive-education" if is_executive else "verified",
        "content_price": sight.price_cents,
        "enroll_by_date": sight.enroll_by,
        "geag_variant_id": None,
    }
    return body(answer, 200)

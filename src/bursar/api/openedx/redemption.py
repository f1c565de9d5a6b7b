"""What learners may take up, and taking it up (wire L1 to L4, A9): asking changes nothing, redeeming twice redeems once."""

from collections.abc import Sequence
from typing import Annotated, Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from ninja.errors import HttpError
from pydantic import BaseModel, Field

from bursar.api.addresses import openedx_root
from bursar.api.auth import actor_of
from bursar.api.openedx import schemas, scope, shapes, whose
from bursar.api.openedx.allocations import BUSY, LOCKED
from bursar.api.openedx.bodies import Number, documents, read_body
from bursar.api.openedx.credits import Credit, budget_for_learners, credits_of
from bursar.api.openedx.errors import Denied, body
from bursar.api.openedx.keys import ContentKey
from bursar.api.openedx.reasons import as_text, by_code
from bursar.api.openedx.transactions import Redemption, Transaction, redemption, transaction
from bursar.assignments.flows import Learner, Prospect, look_ahead, redeem_many
from bursar.assignments.payments import Payment, payment
from bursar.assignments.policy import Code, refusal
from bursar.assignments.services import RedemptionRequest
from bursar.budgets.models import Budget, TransactionState
from bursar.budgets.selectors import spendable
from bursar.kernel.errors import Unavailable
from bursar.kernel.results import Refusal
from bursar.people.access import Permission
from bursar.people.selectors import administrators_at

NO_POLICIES: Final = "No active policies for this customer"
NO_REQUESTS: Final = "Courses cannot be requested here: they are assigned."
FAILED: Final = "Subsidy Transaction API error: the enrollment was refused."
VANISHED: Final = "Assignments race-condition: the assignment is not there any more."
Shape = dict[str, Any]
router: Final = Router(tags=["redemption"])


class CreditsQuery(Schema):
    """Whose credits."""

    enterprise_customer_uuid: UUID | None = None
    lms_user_id: Number


class RedeemableQuery(Schema):
    """Which runs; `lms_user_id` counts for admins alone."""

    content_key: Annotated[list[ContentKey], Field(min_length=1)]
    lms_user_id: Number | None = None


class RequestableQuery(Schema):
    """Which course."""

    content_key: ContentKey


class ListPrice(schemas.Exact):
    """A price twice, in dollars and in cents."""

    usd: float
    usd_cents: int


class Administrator(schemas.Exact):
    """Whom a learner can ask."""

    email: str
    lms_user_id: int | None


class WhyNotMetadata(schemas.Exact):
    """What goes with a reason."""

    enterprise_administrators: list[Administrator]


class WhyNot(schemas.Exact):
    """Why budgets do not pay for a course."""

    reason: str
    user_message: str | None
    policy_uuids: list[UUID]
    metadata: WhyNotMetadata


class CanRedeem(schemas.Exact):
    """Whether, and from which budget, a course can be taken up."""

    content_key: str
    list_price: ListPrice | None
    redemptions: list[Redemption]
    has_successful_redemption: bool
    redeemable_subsidy_access_policy: schemas.RedeemableBudget | None
    can_redeem: bool
    reasons: list[WhyNot]
    display_reason: WhyNot | None


class CanRequest(schemas.Exact):
    """That a course cannot be requested."""

    can_request: bool
    reason: str


class Unredeemed(schemas.Exact):
    """Why a redemption failed that no rule refused; every leaf is text."""

    detail: str
    code: str | None = None
    subsidy_status_code: str | None = None


class RedeemBody(BaseModel):
    """Who takes up what. `metadata`, which executive education sends along, is neither kept nor passed on."""

    lms_user_id: Number
    content_key: ContentKey


@router.get(
    "/credits_available/", response={200: list[Credit], 403: schemas.Detail}, summary="List a learner's credits"
)
def credits_available(request: HttpRequest, query: Query[CreditsQuery]) -> HttpResponse:
    """Answer with the budgets from which a learner has assignments, and those that they have not dismissed."""
    customer = query.enterprise_customer_uuid
    if customer is None:
        raise Denied(whose.REDEEM)
    learner = whose.learner_named(actor_of(request), customer, query.lms_user_id, others=Permission.MANAGE)
    return body(credits_of(learner, openedx_root(request)), 200)


@router.get(
    "/enterprise-customer/{customer}/can-redeem/",
    response={200: list[CanRedeem], 403: schemas.Detail, 404: schemas.Detail},
    summary="Ask what can be redeemed",
)
def can_redeem(request: HttpRequest, customer: UUID, query: Query[RedeemableQuery]) -> HttpResponse:
    """Answer for each run whether the caller can take it up, from which budget, or why not."""
    learner = whose.learner_asking(actor_of(request), customer, query.lms_user_id)
    budgets = spendable(customer, scope.CURRENCY)
    if not budgets:
        raise HttpError(404, NO_POLICIES)
    found = look_ahead(learner, query.content_key, budgets, scope.CURRENCY)
    admins = administrators_at(budgets[0].customer) if any(prospect.refusals for prospect in found) else []
    root = openedx_root(request)
    return body([_prospect(prospect, by_code(prospect.refusals, admins), root) for prospect in found], 200)


def _prospect(prospect: Prospect, reasons: Sequence[Shape], root: str) -> Shape:
    price = prospect.price_cents
    return {
        "content_key": prospect.key,
        "list_price": None if price is None else {"usd": shapes.dollars(price), "usd_cents": price},
        "redemptions": [redemption(paid, root) for paid in prospect.payments],
        "has_successful_redemption": prospect.paid is not None and prospect.paid.is_spent,
        "redeemable_subsidy_access_policy": prospect.budget and budget_for_learners(prospect.budget, root),
        "can_redeem": prospect.budget is not None,
        "reasons": reasons,
        "display_reason": reasons[0] if reasons else None,
    }


@router.get("/enterprise-customer/{customer}/can-request/", response={200: CanRequest}, summary="Ask for a request")
def can_request(request: HttpRequest, customer: UUID, query: Query[RequestableQuery]) -> HttpResponse:  # noqa: ARG001  documents what clients send
    """Answer that nothing can be requested: budgets here assign."""
    scope.require(actor_of(request), Permission.LEARN, customer, whose.REDEEM)
    return body({"can_request": False, "reason": NO_REQUESTS}, 200)


@router.post(
    "/{policy}/redeem/",
    response={
        200: Transaction,
        403: schemas.Detail,
        422: list[schemas.AllocationRefusal] | Unredeemed,
        429: schemas.Detail,
    },
    summary="Redeem",
    openapi_extra=documents(RedeemBody),
)
def redeem(request: HttpRequest, policy: UUID) -> HttpResponse:
    """Take up what is assigned: answers its transaction, the existing one too, `pending` while the enrolment is not settled."""
    actor = actor_of(request)
    scope.budget_row(actor, policy, (), permission=Permission.LEARN, missing=whose.REDEEM)
    asked = read_body(request, RedeemBody)
    budget = Budget.objects.select_related("fund", "customer", "assignment_configuration").get(pk=policy)
    learner = whose.learner_named(actor, budget.customer_id, asked.lms_user_id, others=Permission.WRITE_BUDGETS)
    (prospect,) = look_ahead(learner, [asked.content_key], [budget], scope.CURRENCY)
    try:
        return _redeem(prospect, learner, budget, request)
    except Unavailable as error:
        if error.code == BUSY:
            return body({"detail": LOCKED}, 429)
        raise


def _redeem(prospect: Prospect, learner: Learner, budget: Budget, request: HttpRequest) -> HttpResponse:
    root, assignment = openedx_root(request), prospect.assignment
    if prospect.paid is not None and prospect.paid.is_spent:
        return body(transaction(prospect.paid, root), 200)
    if assignment is None:
        return _refused(prospect.refusals, budget)
    wanted = RedemptionRequest(assignment, prospect.key, learner.lms_user_id)
    answer = redeem_many([wanted], actor=actor_of(request))
    if assignment in answer.refused:
        return _refused([(budget.pk, answer.refused[assignment])], budget)
    paid = payment(answer.done[assignment].pk)
    assert paid is not None  # transactions stay
    return _answer(paid, prospect, budget, root)


def _answer(paid: Payment, prospect: Prospect, budget: Budget, root: str) -> HttpResponse:
    if paid.state == TransactionState.FAILED:
        return body({"detail": FAILED, "code": Code.ENROLLMENT_ERROR, "subsidy_status_code": "422"}, 422)
    if prospect.key not in {paid.content_key, paid.parent_content_key}:  # somebody was faster, with another run
        code = Code.REDEMPTION_IN_PROGRESS if paid.is_under_way else Code.ALREADY_ACCEPTED
        return _refused([(budget.pk, refusal(code))], budget)
    return body(transaction(paid, root), 200)


def _refused(refusals: Sequence[tuple[UUID, Refusal]], budget: Budget) -> HttpResponse:
    if any(why.code == Code.NOT_FOUND for _, why in refusals):
        return body({"detail": VANISHED}, 422)
    return body(as_text(by_code(refusals, administrators_at(budget.customer))), 422)

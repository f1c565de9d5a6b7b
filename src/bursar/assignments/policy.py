"""Whether something is refused, and why: facts in, a refusal or None out. Pure: no Django, no clock.

The codes are those that the Open edX clients read; the order of the checks is theirs too.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bursar.assignments.states import State
from bursar.kernel.results import Refusal


class Code(StrEnum):
    """Every reason for which an assignment, or all of an allocation, is refused."""

    CONTENT_NOT_IN_CATALOG = "content_not_in_catalog"
    PRICE_VALIDATION_ERROR = "PriceValidationError"
    PRICE_MISSING = "price_missing"
    POLICY_EXPIRED = "policy_expired"
    BEYOND_ENROLLMENT_DEADLINE = "beyond_enrollment_deadline"
    CURRENCY_MISMATCH = "currency_mismatch"
    SUBSIDY_EXPIRED = "subsidy_expired"
    NOT_ENOUGH_VALUE_IN_SUBSIDY = "not_enough_value_in_subsidy"
    POLICY_SPEND_LIMIT_REACHED = "policy_spend_limit_reached"
    LEARNER_NOT_IN_ENTERPRISE = "learner_not_in_enterprise"
    LEARNER_NOT_ASSIGNED_CONTENT = "reason_learner_not_assigned_content"
    LEARNER_ASSIGNMENT_CANCELLED = "reason_learner_assignment_cancelled"
    LEARNER_ASSIGNMENT_EXPIRED = "reason_learner_assignment_expired"
    LEARNER_ASSIGNMENT_FAILED = "reason_learner_assignment_failed"
    LEARNER_ASSIGNMENT_REVERSED = "reason_learner_assignment_reversed"
    ALREADY_ACCEPTED = "already_accepted"
    REDEMPTION_IN_PROGRESS = "redemption_in_progress"
    WRONG_STATE = "wrong_state"
    WRONG_RUN = "wrong_run"
    NOT_YET_DUE = "not_yet_due"
    NOT_PAID = "not_paid"
    NOT_FOUND = "not_found"
    ALREADY_QUEUED = "already_queued"
    ENROLLMENT_ERROR = "enrollment_error"
    PLAN_CHANGED = "plan_changed"
    ALREADY_ASSIGNED = "already_assigned"


WORDS: Final[dict[Code, str]] = {
    Code.CONTENT_NOT_IN_CATALOG: "This course is not in the catalog that the budget may spend on.",
    Code.PRICE_VALIDATION_ERROR: "The price given is too far from the catalog's price.",
    Code.PRICE_MISSING: "The catalog has no price for this course; give one.",
    Code.POLICY_EXPIRED: "The budget is not active.",
    Code.BEYOND_ENROLLMENT_DEADLINE: "The enrollment deadline of this course has passed.",
    Code.CURRENCY_MISMATCH: "The price of this course is in another currency than the fund.",
    Code.SUBSIDY_EXPIRED: "The fund behind the budget has not started or has ended.",
    Code.NOT_ENOUGH_VALUE_IN_SUBSIDY: "The fund does not have enough money left.",
    Code.POLICY_SPEND_LIMIT_REACHED: "The budget does not have enough money left.",
    Code.LEARNER_NOT_IN_ENTERPRISE: "This person does not belong to the organization.",
    Code.LEARNER_NOT_ASSIGNED_CONTENT: "This course is not assigned to this person.",
    Code.LEARNER_ASSIGNMENT_CANCELLED: "The assignment was cancelled.",
    Code.LEARNER_ASSIGNMENT_EXPIRED: "The assignment has expired.",
    Code.LEARNER_ASSIGNMENT_FAILED: "The assignment failed; it can be assigned again.",
    Code.LEARNER_ASSIGNMENT_REVERSED: "The assignment was reversed.",
    Code.ALREADY_ACCEPTED: "The assignment is accepted already.",
    Code.REDEMPTION_IN_PROGRESS: "An enrolment for this assignment is under way; try again when it has ended.",
    Code.WRONG_STATE: "The assignment is not in a state that allows this.",
    Code.WRONG_RUN: "This run is not the one, or not a run of the course, that was assigned.",
    Code.NOT_PAID: "No committed transaction pays for this assignment.",
    Code.NOT_YET_DUE: "The assignment has not reached its date.",
    Code.NOT_FOUND: "There is no such assignment here.",
    Code.ALREADY_QUEUED: "The same message is waiting to be sent already.",
    Code.ENROLLMENT_ERROR: "The enrolment was refused.",
    Code.PLAN_CHANGED: "Something has changed since the plan was made.",
    Code.ALREADY_ASSIGNED: "This person has the course already.",
}


NOT_TRANSACTIONAL: Final = frozenset({"reminded", "nudged"})
DIGEST: Final = "digest"
UNSUBSCRIBED: Final = "unsubscribed"
HAS_UNSUBSCRIBED: Final = "unsubscribed from reminders"
SUPPRESSED: Final = "mail to this address is suppressed"


def refusal(code: Code, **facts: object) -> Refusal:
    """Return the refusal with this code, in words, with the facts that prove it."""
    return Refusal(str(code), WORDS[code], facts)


@dataclass(frozen=True, slots=True)
class AllocationFacts:
    """What decides whether a content can be assigned at all, whoever gets it. Prices are integer cents."""

    known_content: bool
    price_cents: int | None
    catalog_price_cents: int | None
    tolerance_percent: int
    budget_active: bool
    in_catalog: bool
    enrolment_open: bool
    same_currency: bool
    fund_active: bool


def price_lies_near(price_cents: int, catalog_price_cents: int, tolerance_percent: int) -> bool:
    """Tell whether a price is within the tolerance of the catalog's, bounds included, in integers alone."""
    return abs(price_cents - catalog_price_cents) * 100 <= catalog_price_cents * tolerance_percent


def refuse_allocation(facts: AllocationFacts) -> Refusal | None:
    """Return why nobody can be assigned this content from this budget, or None; the first check that fails wins."""
    if not facts.known_content:
        return refusal(Code.CONTENT_NOT_IN_CATALOG)
    if facts.price_cents is None:
        return refusal(Code.PRICE_MISSING)
    catalog_price = facts.catalog_price_cents
    if catalog_price is not None and not price_lies_near(facts.price_cents, catalog_price, facts.tolerance_percent):
        return refusal(
            Code.PRICE_VALIDATION_ERROR, price_cents=facts.price_cents, catalog_price_cents=facts.catalog_price_cents
        )
    checks = (
        (facts.budget_active, Code.POLICY_EXPIRED),
        (facts.in_catalog, Code.CONTENT_NOT_IN_CATALOG),
        (facts.same_currency, Code.CURRENCY_MISMATCH),
        (facts.enrolment_open, Code.BEYOND_ENROLLMENT_DEADLINE),
        (facts.fund_active, Code.SUBSIDY_EXPIRED),
    )
    return next((refusal(code) for passed, code in checks if not passed), None)


@dataclass(frozen=True, slots=True)
class MoneyLeft:
    """What a budget can still promise, in cents: its own limit and the balance of its fund."""

    budget_cents: int
    fund_cents: int

    @property
    def cents(self) -> int:
        """The smaller of the two, never below nothing."""
        return max(0, min(self.budget_cents, self.fund_cents))


def refuse_amount(left: MoneyLeft, needed_cents: int) -> Refusal | None:
    """Return why an amount cannot be promised, with what is missing, or None."""
    if needed_cents <= 0:
        return None
    for cents, code in (
        (left.fund_cents, Code.NOT_ENOUGH_VALUE_IN_SUBSIDY),
        (left.budget_cents, Code.POLICY_SPEND_LIMIT_REACHED),
    ):
        if needed_cents > cents:
            return refusal(
                code, needed_cents=needed_cents, available_cents=left.cents, missing_cents=needed_cents - left.cents
            )
    return None


@dataclass(frozen=True, slots=True)
class RedemptionFacts:
    """What decides whether an assignment can be taken up now. `state` is None for what is not assigned at all.

    `fund_covers` and `limit_covers` are always so for what is allocated: its price is held.
    """

    state: str | None
    redemption_pending: bool
    budget_active: bool
    in_catalog: bool
    known_content: bool
    run_fits: bool
    enrolment_open: bool
    fund_active: bool
    learner_known: bool = True
    fund_covers: bool = True
    limit_covers: bool = True


STATE_REFUSALS: Final[dict[str, Code]] = {
    State.ACCEPTED: Code.ALREADY_ACCEPTED,
    State.CANCELLED: Code.LEARNER_ASSIGNMENT_CANCELLED,
    State.EXPIRED: Code.LEARNER_ASSIGNMENT_EXPIRED,
    State.ERRORED: Code.LEARNER_ASSIGNMENT_FAILED,
    State.REVERSED: Code.LEARNER_ASSIGNMENT_REVERSED,
}


def refuse_redemption(facts: RedemptionFacts) -> Refusal | None:
    """Return why an assignment cannot be taken up, or None; a passed expiry date alone never refuses (ruling 18)."""
    checks = (
        (facts.budget_active, Code.POLICY_EXPIRED),
        (facts.learner_known, Code.LEARNER_NOT_IN_ENTERPRISE),
        (facts.known_content and facts.in_catalog, Code.CONTENT_NOT_IN_CATALOG),
        (facts.run_fits, Code.WRONG_RUN),
        (facts.enrolment_open, Code.BEYOND_ENROLLMENT_DEADLINE),
        (facts.fund_active, Code.SUBSIDY_EXPIRED),
        (facts.fund_covers, Code.NOT_ENOUGH_VALUE_IN_SUBSIDY),
        (facts.limit_covers, Code.POLICY_SPEND_LIMIT_REACHED),
        (not facts.redemption_pending, Code.REDEMPTION_IN_PROGRESS),
    )
    by_rule = next((refusal(code) for passed, code in checks if not passed), None)
    if by_rule is not None:
        return by_rule
    if facts.state is None:
        return refusal(Code.LEARNER_NOT_ASSIGNED_CONTENT)
    return None if facts.state == State.ALLOCATED else refusal(STATE_REFUSALS[facts.state])


def is_transactional(kind: str) -> bool:
    """Tell whether a message says what has happened and must be known: nobody can unsubscribe from that.

    Reminders, nudges and whatever is called a digest are the ones that people can do without.
    """
    return kind not in NOT_TRANSACTIONAL and not kind.endswith(DIGEST)


def why_stopped(kind: str, stops: Collection[str]) -> str | None:
    """Return in words why a message of this kind does not go to somebody to whom mail is stopped so, or None.

    Unsubscribing stops what is not transactional; every other reason stops everything.
    """
    if any(reason != UNSUBSCRIBED for reason in stops):
        return SUPPRESSED
    return HAS_UNSUBSCRIBED if stops and not is_transactional(kind) else None


def refuse_state(state: str, allowed: frozenset[State], *, redemption_pending: bool = False) -> Refusal | None:
    """Return why a step cannot start from `state`, or None."""
    if redemption_pending:
        return refusal(Code.REDEMPTION_IN_PROGRESS)
    if state not in allowed:
        return refusal(Code.WRONG_STATE, state=str(state), allowed=sorted(allowed))
    return None

"""Why money or a rule says no, as the Open edX clients read it (wire 2.5, 2.6): a code, words, and whom to ask."""

from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from bursar.assignments.policy import Code
from bursar.kernel.results import Refusal
from bursar.people.selectors import Administrator

PRICE_WORDS: Final = "An error occurred while validating the provided price."
NO_FUNDS: Final = "Your organization does not have enough funds for this."
ASK: Final = "Your organization does not have enough funds for this. Please ask your administrator."
USER_MESSAGES: Final[dict[str, str]] = {
    Code.PRICE_VALIDATION_ERROR: PRICE_WORDS,
    Code.POLICY_EXPIRED: NO_FUNDS,
    Code.NOT_ENOUGH_VALUE_IN_SUBSIDY: NO_FUNDS,
    Code.POLICY_SPEND_LIMIT_REACHED: NO_FUNDS,
    Code.SUBSIDY_EXPIRED: "The funds of your organization have expired.",
    Code.CONTENT_NOT_IN_CATALOG: "This course is no longer in the catalog of your organization.",
    Code.BEYOND_ENROLLMENT_DEADLINE: "The enrollment deadline of this course has passed.",
    Code.LEARNER_NOT_ASSIGNED_CONTENT: "This course is not assigned to you.",
    Code.LEARNER_ASSIGNMENT_FAILED: "This course is not assigned to you.",
    Code.LEARNER_ASSIGNMENT_CANCELLED: "An administrator has canceled this assignment.",
    Code.LEARNER_NOT_IN_ENTERPRISE: "Your account is no longer associated with this organization.",
    Code.WRONG_RUN: "Another run of this course is assigned to you.",
    Code.ALREADY_ACCEPTED: "You are enrolled in another run of this course.",
    Code.REDEMPTION_IN_PROGRESS: "Your enrollment in another run of this course is under way.",
}
OWN: Final = frozenset({Code.WRONG_RUN, Code.ALREADY_ACCEPTED, Code.REDEMPTION_IN_PROGRESS})
"""Codes of ours that clients do not know: they get the one that comes nearest, with words of its own."""
Reason = dict[str, Any]


def reason(code: str, policies: Sequence[UUID], administrators: Sequence[Administrator]) -> Reason:
    """Return why something is refused; codes without words for people have null for them."""
    words = USER_MESSAGES.get(code)
    return {
        "reason": str(code),
        "user_message": ASK if words == NO_FUNDS and not administrators else words,
        "policy_uuids": list(policies),
        "metadata": {
            "enterprise_administrators": [
                {"email": found.email, "lms_user_id": found.lms_user_id} for found in administrators
            ]
        },
    }


def by_code(refusals: Iterable[tuple[UUID, Refusal]], administrators: Sequence[Administrator]) -> list[Reason]:
    """Return why budgets refuse a learner, one reason for each code, in the order in which the budgets were tried."""
    found: dict[str, list[UUID]] = {}
    for policy, why in refusals:
        found.setdefault(why.code, []).append(policy)
    return [_for_clients(code, reason(code, policies, administrators)) for code, policies in found.items()]


def _for_clients(code: str, found: Reason) -> Reason:
    return found | {"reason": str(Code.LEARNER_NOT_ASSIGNED_CONTENT)} if code in OWN else found


def as_text(value: Any) -> Any:
    """Return the same with every leaf a string, null as "None": how a refusal is sent with 422 (wire 5, 4)."""
    if isinstance(value, dict):
        return {name: as_text(item) for name, item in value.items()}
    return [as_text(item) for item in value] if isinstance(value, list) else str(value)

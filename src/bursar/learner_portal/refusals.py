"""Why something did not work and what the learner can do about it, by the stable code of the refusal."""

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from bursar.assignments.policy import Code

CLOSED: Final = gettext_lazy("Enrolment has closed. Ask your organisation for another date.")
MONEY: Final = gettext_lazy(
    "Your organisation's budget does not pay for it at the moment. Ask there; you need not pay anything yourself."
)
OTHERWISE: Final = gettext_lazy("It could not be done. Ask your organisation; nothing has been charged.")
ADVICE: Final[Mapping[str, Promise]] = {
    Code.BEYOND_ENROLLMENT_DEADLINE: CLOSED,
    Code.WRONG_RUN: gettext_lazy("This date is not offered any more. Choose another one."),
    Code.CONTENT_NOT_IN_CATALOG: gettext_lazy(
        "The course is not offered any more. Ask your organisation for another one."
    ),
    Code.POLICY_EXPIRED: MONEY,
    Code.SUBSIDY_EXPIRED: MONEY,
    Code.NOT_ENOUGH_VALUE_IN_SUBSIDY: MONEY,
    Code.POLICY_SPEND_LIMIT_REACHED: MONEY,
    Code.REDEMPTION_IN_PROGRESS: gettext_lazy("Your enrolment is under way. Wait for it to end; this page tells you."),
    Code.ALREADY_ACCEPTED: gettext_lazy("You have accepted it already."),
    Code.LEARNER_ASSIGNMENT_CANCELLED: gettext_lazy(
        "It was cancelled meanwhile. Ask your organisation if you still need it."
    ),
    Code.LEARNER_ASSIGNMENT_EXPIRED: gettext_lazy("Its deadline has passed. Ask your organisation to assign it again."),
    Code.LEARNER_ASSIGNMENT_FAILED: gettext_lazy(
        "The course did not take your enrolment. Ask your organisation to assign it again; nothing has been charged."
    ),
    Code.LEARNER_ASSIGNMENT_REVERSED: gettext_lazy(
        "Your place was given back. Ask your organisation to assign it again."
    ),
    "deadline_passed": gettext_lazy("Choose a day that is still to come."),
    "deadline_too_far": gettext_lazy("Choose a day within a year."),
}


def advice(code: str, otherwise: str = "") -> str:
    """Return in the reader's language what happened and what to do; for codes of others what `otherwise` stands for."""
    return str(ADVICE.get(code) or ADVICE.get(otherwise, OTHERWISE))

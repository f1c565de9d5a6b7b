"""The vocabulary of the records, exactly as installations of Open edX import and store it."""

from enum import nonmember
from typing import TypeVar

from django.db.models import TextChoices

from bursar.assignments.expiry import DAYS_BEFORE_EXPIRATION
from bursar.assignments.expiry import Reason as _Reason
from bursar.assignments.states import LEARNER_STATE_ORDER, Verb, starts
from bursar.assignments.states import LearnerState as _LearnerState
from bursar.assignments.states import State as _State

V = TypeVar("V", bound=type[TextChoices])


def _vocabulary(choices: V) -> V:
    """Give a vocabulary its `CHOICES`, the name under which older code imports the stored values with their labels."""
    choices.CHOICES = choices.choices  # type: ignore[attr-defined, misc]
    return choices


@_vocabulary
class LearnerContentAssignmentStateChoices(TextChoices):
    """The states of an assignment, and the sets of them from which something may be done."""

    ALLOCATED = _State.ALLOCATED.value
    ACCEPTED = _State.ACCEPTED.value
    CANCELLED = _State.CANCELLED.value
    ERRORED = _State.ERRORED.value
    EXPIRED = _State.EXPIRED.value
    REVERSED = _State.REVERSED.value

    REALLOCATE_STATES = nonmember(starts(Verb.ALLOCATE))
    CANCELABLE_STATES = nonmember(starts(Verb.CANCEL))
    REMINDABLE_STATES = nonmember(starts(Verb.REMIND))
    EXPIRABLE_STATES = nonmember(starts(Verb.EXPIRE))
    REVERSIBLE_STATES = nonmember(starts(Verb.REVERSE))


@_vocabulary
class AssignmentActions(TextChoices):
    """What can happen to an assignment beside its state."""

    LEARNER_LINKED = "learner_linked"
    NOTIFIED = "notified"
    REMINDED = "reminded"
    REDEEMED = "redeemed"
    CANCELLED = "cancelled"
    CANCELLED_ACKNOWLEDGED = "cancelled_acknowledged"
    EXPIRED = "expired"
    EXPIRED_ACKNOWLEDGED = "expired_acknowledged"
    REVERSED = "reversed"


@_vocabulary
class AssignmentActionErrors(TextChoices):
    """Why an action failed."""

    EMAIL_ERROR = "email_error"
    INTERNAL_API_ERROR = "internal_api_error"
    ENROLLMENT_ERROR = "enrollment_error"


@_vocabulary
class AssignmentRecentActionTypes(TextChoices):
    """What lists show as the last thing an admin did."""

    ASSIGNED = "assigned"
    REMINDED = "reminded"


@_vocabulary
class AssignmentLearnerStates(TextChoices):
    """What an assignment waits for, seen from the learner."""

    NOTIFYING = _LearnerState.NOTIFYING.value
    WAITING = _LearnerState.WAITING.value
    EXPIRED = _LearnerState.EXPIRED.value
    FAILED = _LearnerState.FAILED.value

    SORT_ORDER = nonmember(tuple(state.value for state in LEARNER_STATE_ORDER))


@_vocabulary
class AssignmentAutomaticExpiredReason(TextChoices):
    """Why an assignment expires."""

    NINETY_DAYS_PASSED = _Reason.NINETY_DAYS_PASSED.value
    ENROLLMENT_DATE_PASSED = _Reason.ENROLLMENT_DATE_PASSED.value
    SUBSIDY_EXPIRED = _Reason.SUBSIDY_EXPIRED.value


NUM_DAYS_BEFORE_AUTO_EXPIRATION = DAYS_BEFORE_EXPIRATION
RETIRED_EMAIL_ADDRESS_FORMAT = "retired_user{}@retired.invalid"

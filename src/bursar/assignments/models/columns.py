"""What is kept on an assignment's row beside the contract, and the rules by which the database generates list columns."""

from typing import Any, Final

from django.db import models
from django.db.models import Case, Q, Value, When
from django.db.models.functions import Coalesce

from bursar.assignments.constants import AssignmentLearnerStates, LearnerContentAssignmentStateChoices
from bursar.assignments.expiry import Reason
from bursar.assignments.projections import ScrubRule
from bursar.assignments.states import ENDED

States = LearnerContentAssignmentStateChoices
Learner = AssignmentLearnerStates

# What only follows from actions, terms and saga: kept on the row for lists and sweeps, left out of history.
FACTS: Final = ("notified_at", "notification_failed_at", "reminded_at")
EXPIRY: Final = ("expires_at", "expires_reason")
TERMS: Final = ("enroll_by", "fund_ends_at", *EXPIRY)
LISTS: Final = ("learner_state", "learner_state_sort_order", "recent_action", "recent_action_time", "listed")
GENERATED: Final = (*LISTS, "scrub_rule", "ended_at")
NOTES: Final = ("redemption_uuid", "address_scrubbed_at", "next_reminder_at")
UNTRACKED: Final = ("learner_email_key", *FACTS, *TERMS, *NOTES, *GENERATED)
# Written whenever the address is: who saves only the address after `clear_pii` has said all the same that it is gone.
GOES_WITH_ADDRESS: Final = frozenset({"learner_email_key", "address_scrubbed_at"})
# Writing one of these can move an assignment from one count to another.
COUNTED: Final = frozenset(
    {"state", "assignment_configuration", "assignment_configuration_id", "allocated_at", "created", *FACTS}
)
# Writing one of these can move the expiry.
DATED: Final = frozenset({"allocated_at", "created", "notified_at", "enroll_by", "fund_ends_at", "personal_deadline"})

CYCLE_START: Final = Coalesce("allocated_at", "created", output_field=models.DateTimeField())
IS_WAITING: Final = Q(state=States.ALLOCATED, notified_at__gte=CYCLE_START)
IS_FAILED: Final = Q(state=States.ALLOCATED, notification_failed_at__gte=CYCLE_START)
IS_REMINDED: Final = Q(reminded_at__gte=CYCLE_START)

IS_UNSCRUBBED: Final = Q(address_scrubbed_at__isnull=True)
SCRUB_RULE: Final = Case(
    When(
        IS_UNSCRUBBED & Q(state=States.EXPIRED, expires_reason=Reason.NINETY_DAYS_PASSED.value),
        then=Value(ScrubRule.TOLD.value),
    ),
    When(IS_UNSCRUBBED & Q(state__in=[state.value for state in ENDED]), then=Value(ScrubRule.AGED.value)),
    default=Value(None),
)
ENDED_AT: Final = Case(
    *(
        When(state=state.value, then=Coalesce(f"{state.value}_at", "modified", output_field=models.DateTimeField()))
        for state in ENDED
    ),
    default=Value(None),
)


def by_learner_state(values: dict[Learner, Any], otherwise: Any) -> Case:
    """Return the expression that gives each learner state its value: the rule that `projections` says in Python."""
    return Case(
        When(IS_WAITING, then=Value(values[Learner.WAITING])),
        When(IS_FAILED, then=Value(values[Learner.FAILED])),
        When(state=States.ALLOCATED, then=Value(values[Learner.NOTIFYING])),
        When(state=States.EXPIRED, then=Value(values[Learner.EXPIRED])),
        When(state=States.ERRORED, then=Value(values[Learner.FAILED])),
        default=Value(otherwise),
    )

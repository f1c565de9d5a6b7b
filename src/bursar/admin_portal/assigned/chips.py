"""The status of an assignment in a word, and what has happened and what can be done, in a few (wire 3.1)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from bursar.assignments.constants import AssignmentActionErrors, AssignmentActions
from bursar.assignments.states import LISTED, LearnerState, State
from bursar.pages.shapes import Chip, Tone


class Status(StrEnum):
    """Everything that a chip can say."""

    INCOMPLETE = "incomplete"
    NOTIFYING = "notifying"
    WAITING = "waiting"
    BAD_EMAIL = "bad-email"
    SYSTEM = "system"
    CANCELLATION = "cancellation"
    REMINDER = "reminder"
    REDEMPTION = "redemption"
    EXPIRED = "expired"
    ACCEPTED = "accepted"
    CANCELLED = "cancelled"
    REVERSED = "reversed"


@dataclass(frozen=True, slots=True)
class Explained:
    """A status as it is shown: its word, and what there is to know about it."""

    label: str | Promise
    tone: Tone
    icon: str
    happened: str | Promise
    advice: str | Promise = ""


EXPLAINED: Final = {
    Status.INCOMPLETE: Explained(
        gettext_lazy("Incomplete"), Tone.NEUTRAL, "lock",
        gettext_lazy("The budget ended before this course was taken up. Nobody can accept it from this budget any more."),
        gettext_lazy("Assign the course again from a budget that is active, or ask whoever runs this service."),
    ),
    Status.NOTIFYING: Explained(
        gettext_lazy("Notifying learner"), Tone.INFO, "mail",
        gettext_lazy("The mail that tells of the course is on its way."),
        gettext_lazy("There is nothing to do. Reload the page in a few minutes."),
    ),
    Status.WAITING: Explained(
        gettext_lazy("Waiting for learner"), Tone.WARN, "clock",
        gettext_lazy("The learner has been told, and has until the deadline: 90 days, unless the course or the fund ends earlier or another day was set. After that the assignment expires and its money is free again."),
        gettext_lazy("You can remind them, give them more time, or cancel."),
    ),
    Status.BAD_EMAIL: Explained(
        gettext_lazy("Failed: Bad email"), Tone.BAD, "error",
        gettext_lazy("The mail that tells of the course could not be delivered. Perhaps the address is misspelled, or its mailbox is gone."),
        gettext_lazy("Hand the course over to the right address, or cancel: its money is free at once."),
    ),
    Status.SYSTEM: Explained(
        gettext_lazy("Failed: System"), Tone.BAD, "error",
        gettext_lazy("Something went wrong on our side, and the learner does not know of the course."),
        gettext_lazy("Cancel, which frees the money at once, and assign the course again. If that fails too, ask whoever runs this service."),
    ),
    Status.CANCELLATION: Explained(
        gettext_lazy("Failed: Cancellation"), Tone.BAD, "error",
        gettext_lazy("The assignment could not be cancelled; it stands as it was."),
        gettext_lazy("Try again later. If it fails again, ask whoever runs this service."),
    ),
    Status.REMINDER: Explained(
        gettext_lazy("Failed: Reminder"), Tone.BAD, "error",
        gettext_lazy("The reminder could not be delivered, nor could the mail before it."),
        gettext_lazy("Wait a little and remind again, or write to the learner yourself."),
    ),
    Status.REDEMPTION: Explained(
        gettext_lazy("Failed: Redemption"), Tone.BAD, "error",
        gettext_lazy("The learner accepted, but the learning platform refused the enrolment. The money is free again."),
        gettext_lazy("Assign the course again. The timeline of the assignment says what the platform answered."),
    ),
    Status.EXPIRED: Explained(
        gettext_lazy("Expired"), Tone.NEUTRAL, "clock",
        gettext_lazy("The deadline passed before the learner accepted. The money is free again."),
        gettext_lazy("Assign the course again if it is still wanted."),
    ),
    Status.ACCEPTED: Explained(
        gettext_lazy("Accepted"), Tone.GOOD, "check",
        gettext_lazy("The learner has accepted and is enrolled. The course is paid for."),
    ),
    Status.CANCELLED: Explained(
        gettext_lazy("Cancelled"), Tone.NEUTRAL, "close",
        gettext_lazy("It was cancelled, by somebody who assigns or by the learner. The money is free again."),
        gettext_lazy("The timeline of the assignment says by whom, and why."),
    ),
    Status.REVERSED: Explained(
        gettext_lazy("Taken back"), Tone.NEUTRAL, "undo",
        gettext_lazy("The enrolment was taken back, and the money with it."),
    ),
}  # fmt: skip
FAILED_BY: Final = {
    AssignmentActions.CANCELLED: Status.CANCELLATION,
    AssignmentActions.REMINDED: Status.REMINDER,
    AssignmentActions.REDEEMED: Status.REDEMPTION,
}
ENDED: Final = {
    State.ACCEPTED: Status.ACCEPTED,
    State.CANCELLED: Status.CANCELLED,
    State.REVERSED: Status.REVERSED,
    State.EXPIRED: Status.EXPIRED,
}


def status_of(
    state: str, learner_state: str | None, failed_action: str | None, failed_reason: str | None, *, is_over: bool
) -> Status:
    """Return the status of an assignment; one that is open in a budget that is over is incomplete, whatever else it is."""
    if state not in LISTED:
        return ENDED[State(state)]
    if is_over:
        return Status.INCOMPLETE
    if learner_state == LearnerState.FAILED:
        return _failure(failed_action, failed_reason)
    return Status.NOTIFYING if learner_state == LearnerState.NOTIFYING else Status.WAITING


def _failure(action: str | None, reason: str | None) -> Status:
    if reason is None or action is None:
        return Status.SYSTEM
    if (action, reason) == (AssignmentActions.NOTIFIED, AssignmentActionErrors.EMAIL_ERROR):
        return Status.BAD_EMAIL
    return FAILED_BY.get(AssignmentActions(action), Status.SYSTEM)


def chip_of(status: Status) -> Chip:
    """Return the word for a status."""
    words = EXPLAINED[status]
    return Chip(str(words.label), words.tone, words.icon)

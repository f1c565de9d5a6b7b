"""What a card of an assignment tells its learner, by its state."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy

from bursar.assignments.expiry import Reason
from bursar.assignments.learners import last_payments
from bursar.assignments.models import LearnerContentAssignment, LearnerReply, ReplyKind
from bursar.assignments.policy import Code
from bursar.assignments.replies import last_replies
from bursar.assignments.states import State
from bursar.budgets.models import Transaction
from bursar.learner_portal.refusals import advice
from bursar.pages.moments import days_until
from bursar.pages.shapes import Chip, Tone

SOON_DAYS: Final = 10
CHIPS: Final = {
    State.ALLOCATED: (gettext_lazy("Assigned"), Tone.INFO, "course"),
    State.ACCEPTED: (gettext_lazy("Accepted"), Tone.GOOD, "check"),
    State.CANCELLED: (gettext_lazy("Cancelled"), Tone.NEUTRAL, "close"),
    State.EXPIRED: (gettext_lazy("Expired"), Tone.NEUTRAL, "clock"),
    State.ERRORED: (gettext_lazy("Did not work"), Tone.BAD, "error"),
    State.REVERSED: (gettext_lazy("Taken back"), Tone.NEUTRAL, "undo"),
}
WHY: Final[dict[str, Promise]] = {
    Reason.NINETY_DAYS_PASSED: gettext_lazy("A place is kept for 90 days after you were told of it."),
    Reason.ENROLLMENT_DATE_PASSED: gettext_lazy("Enrolment in the course closes then."),
    Reason.SUBSIDY_EXPIRED: gettext_lazy("The money for it is available until then."),
}
PERSONAL: Final = gettext_lazy("It was set for you.")
OPENS_IN_BROWSERS: Final = ("https://", "http://")


@dataclass(frozen=True, slots=True)
class CourseCard:
    """One assignment as its learner sees it, with their last reply and how it is paid for."""

    assignment: LearnerContentAssignment
    reply: LearnerReply | None = None
    payment: Transaction | None = None

    @property
    def title(self) -> str:
        """The name of the course."""
        return self.assignment.content_title or self.assignment.content_key

    @property
    def chip(self) -> Chip:
        """The state in a word."""
        if self.is_under_way:
            return Chip(gettext("Under way"), Tone.INFO, "clock")
        if self.is_declined:
            return Chip(gettext("Declined"), Tone.NEUTRAL, "close")
        text, tone, icon = CHIPS[State(self.assignment.state)]
        return Chip(str(text), tone, icon)

    @property
    def is_open(self) -> bool:
        """Whether it waits for the learner."""
        return self.assignment.state == State.ALLOCATED and not self.is_under_way

    @property
    def is_under_way(self) -> bool:
        """Whether the enrolment has been asked for and not been answered yet."""
        return self.assignment.state == State.ALLOCATED and self.assignment.redemption_uuid is not None

    @property
    def is_declined(self) -> bool:
        """Whether the learner ended it."""
        return self.assignment.state == State.CANCELLED and self._said(ReplyKind.DECLINED, ReplyKind.NOT_ME)

    @property
    def is_soon(self) -> bool:
        """Whether an open one has to be accepted within ten days."""
        end = self.assignment.expires_at
        return self.is_open and end is not None and days_until(end) <= SOON_DAYS

    @property
    def is_dismissible(self) -> bool:
        """Whether it has ended and stays until the learner has dismissed it."""
        return self.assignment.state in (State.CANCELLED, State.EXPIRED)

    @property
    def why_then(self) -> str:
        """Why the deadline is what it is."""
        if self.assignment.personal_deadline is not None:
            return str(PERSONAL)
        return str(WHY.get(self.assignment.expires_reason, ""))

    @property
    def request(self) -> LearnerReply | None:
        """The learner's request for more time: open, granted or refused."""
        return self.reply if self._said(ReplyKind.MORE_TIME) else None

    @property
    def why_failed(self) -> str:
        """What happened to an enrolment that failed, and what to do."""
        return advice(self.failed_by, Code.LEARNER_ASSIGNMENT_FAILED)

    @property
    def failed_by(self) -> str:
        """The code of the failure."""
        return (self.payment.error_code if self.payment else "") or str(Code.LEARNER_ASSIGNMENT_FAILED)

    @property
    def link(self) -> str:
        """Where the course is, once accepted; "" if that is not known."""
        url = self.payment.courseware_url if self.payment and self.assignment.state == State.ACCEPTED else ""
        return url if url.startswith(OPENS_IN_BROWSERS) else ""

    def _said(self, *kinds: ReplyKind) -> bool:
        return self.reply is not None and self.reply.kind in kinds


def course_cards(assignments: Sequence[LearnerContentAssignment]) -> list[CourseCard]:
    """Return the cards of assignments, in their order; two statements."""
    keys = [row.pk for row in assignments]
    replies, payments = last_replies(keys), last_payments(keys)
    return [CourseCard(row, replies.get(row.pk), payments.get(row.pk)) for row in assignments]

"""The named methods over an assignment's timeline: each one line over the one path that records an action."""

from typing import TYPE_CHECKING

from bursar.assignments.constants import AssignmentActionErrors, AssignmentActions

if TYPE_CHECKING:
    from bursar.assignments.models.actions import LearnerContentAssignmentAction


class Timeline:
    """What an assignment answers about its actions; mixed into the record."""

    def last_successful(self, kind: AssignmentActions) -> "LearnerContentAssignmentAction | None":
        """Return the newest completed, error-free action of a kind, by `completed_at`, or None."""
        raise NotImplementedError

    def add_action(
        self, kind: AssignmentActions, error: AssignmentActionErrors | None = None, exc: BaseException | None = None
    ) -> "LearnerContentAssignmentAction":
        """Record an action: completed now, or failed with the reason and the traceback of `exc`."""
        raise NotImplementedError

    def get_last_successful_linked_action(self) -> "LearnerContentAssignmentAction | None":
        """Return the last time that the customer's getting to know the learner succeeded, or None."""
        return self.last_successful(AssignmentActions.LEARNER_LINKED)

    def add_successful_linked_action(self) -> "LearnerContentAssignmentAction":
        """Record that the customer's getting to know the learner succeeded, now."""
        return self.add_action(AssignmentActions.LEARNER_LINKED)

    def add_errored_linked_action(self, exc: BaseException) -> "LearnerContentAssignmentAction":
        """Record that the customer's getting to know the learner failed, with the traceback of `exc`."""
        return self.add_action(AssignmentActions.LEARNER_LINKED, AssignmentActionErrors.INTERNAL_API_ERROR, exc)

    def get_last_successful_notified_action(self) -> "LearnerContentAssignmentAction | None":
        """Return the last time that telling the learner of the assignment succeeded, or None."""
        return self.last_successful(AssignmentActions.NOTIFIED)

    def add_successful_notified_action(self) -> "LearnerContentAssignmentAction":
        """Record that telling the learner of the assignment succeeded, now."""
        return self.add_action(AssignmentActions.NOTIFIED)

    def add_errored_notified_action(self, exc: BaseException) -> "LearnerContentAssignmentAction":
        """Record that telling the learner of the assignment failed, with the traceback of `exc`."""
        return self.add_action(AssignmentActions.NOTIFIED, AssignmentActionErrors.EMAIL_ERROR, exc)

    def get_last_successful_reminded_action(self) -> "LearnerContentAssignmentAction | None":
        """Return the last time that reminding the learner succeeded, or None."""
        return self.last_successful(AssignmentActions.REMINDED)

    def add_successful_reminded_action(self) -> "LearnerContentAssignmentAction":
        """Record that reminding the learner succeeded, now."""
        return self.add_action(AssignmentActions.REMINDED)

    def add_errored_reminded_action(self, exc: BaseException) -> "LearnerContentAssignmentAction":
        """Record that reminding the learner failed, with the traceback of `exc`."""
        return self.add_action(AssignmentActions.REMINDED, AssignmentActionErrors.EMAIL_ERROR, exc)

    def get_last_successful_cancel_action(self) -> "LearnerContentAssignmentAction | None":
        """Return the last time that telling the learner of the cancellation succeeded, or None."""
        return self.last_successful(AssignmentActions.CANCELLED)

    def add_successful_cancel_action(self) -> "LearnerContentAssignmentAction":
        """Record that telling the learner of the cancellation succeeded, now."""
        return self.add_action(AssignmentActions.CANCELLED)

    def add_errored_cancel_action(self, exc: BaseException) -> "LearnerContentAssignmentAction":
        """Record that telling the learner of the cancellation failed, with the traceback of `exc`."""
        return self.add_action(AssignmentActions.CANCELLED, AssignmentActionErrors.EMAIL_ERROR, exc)

    def get_last_successful_expiration_action(self) -> "LearnerContentAssignmentAction | None":
        """Return the last time that telling the learner of the expiry succeeded, or None."""
        return self.last_successful(AssignmentActions.EXPIRED)

    def add_successful_expiration_action(self) -> "LearnerContentAssignmentAction":
        """Record that telling the learner of the expiry succeeded, now."""
        return self.add_action(AssignmentActions.EXPIRED)

    def add_errored_expiration_action(self, exc: BaseException) -> "LearnerContentAssignmentAction":
        """Record that telling the learner of the expiry failed, with the traceback of `exc`."""
        return self.add_action(AssignmentActions.EXPIRED, AssignmentActionErrors.EMAIL_ERROR, exc)

    def get_last_successful_redeemed_action(self) -> "LearnerContentAssignmentAction | None":
        """Return the last time that enrolling the learner succeeded, or None."""
        return self.last_successful(AssignmentActions.REDEEMED)

    def add_successful_redeemed_action(self) -> "LearnerContentAssignmentAction":
        """Record that enrolling the learner succeeded, now."""
        return self.add_action(AssignmentActions.REDEEMED)

    def add_errored_redeemed_action(self, exc: BaseException) -> "LearnerContentAssignmentAction":
        """Record that enrolling the learner failed, with the traceback of `exc`."""
        return self.add_action(AssignmentActions.REDEEMED, AssignmentActionErrors.ENROLLMENT_ERROR, exc)

    def get_last_successful_reversal_action(self) -> "LearnerContentAssignmentAction | None":
        """Return the last time that giving the enrolment back succeeded, or None."""
        return self.last_successful(AssignmentActions.REVERSED)

    def add_successful_reversal_action(self) -> "LearnerContentAssignmentAction":
        """Record that giving the enrolment back succeeded, now."""
        return self.add_action(AssignmentActions.REVERSED)

    def add_errored_reversal_action(self, exc: BaseException) -> "LearnerContentAssignmentAction":
        """Record that giving the enrolment back failed, with the traceback of `exc`."""
        return self.add_action(AssignmentActions.REVERSED, AssignmentActionErrors.EMAIL_ERROR, exc)

    def get_last_successful_acknowledged_cancelled_action(self) -> "LearnerContentAssignmentAction | None":
        """Return the last time that the learner dismissed the cancellation, or None."""
        return self.last_successful(AssignmentActions.CANCELLED_ACKNOWLEDGED)

    def add_successful_acknowledged_cancelled_action(self) -> "LearnerContentAssignmentAction":
        """Record that the learner dismissed the cancellation, now."""
        return self.add_action(AssignmentActions.CANCELLED_ACKNOWLEDGED)

    def get_last_successful_acknowledged_expired_action(self) -> "LearnerContentAssignmentAction | None":
        """Return the last time that the learner dismissed the expiry, or None."""
        return self.last_successful(AssignmentActions.EXPIRED_ACKNOWLEDGED)

    def add_successful_acknowledged_expired_action(self) -> "LearnerContentAssignmentAction":
        """Record that the learner dismissed the expiry, now."""
        return self.add_action(AssignmentActions.EXPIRED_ACKNOWLEDGED)

"""The three records of `content_assignments`, and what is kept beside them."""

from bursar.assignments.models.actions import LearnerContentAssignmentAction
from bursar.assignments.models.assignment import LearnerContentAssignment
from bursar.assignments.models.batches import AllocationBatch, AllocationChunk
from bursar.assignments.models.configuration import AssignmentConfiguration
from bursar.assignments.models.counts import AssignmentCounts
from bursar.assignments.models.notices import DIGESTS, Notice, NoticeKind, NoticePolicy, Sweep
from bursar.assignments.models.plans import AllocationPlan, PlanPart, PlanState
from bursar.assignments.models.reminders import MessageText, ReminderPolicy, ReminderStep
from bursar.assignments.models.replies import DeclineReason, LearnerReply, ReplyKind, ReplyState

__all__ = [
    "DIGESTS",
    "AllocationBatch",
    "AllocationChunk",
    "AllocationPlan",
    "AssignmentConfiguration",
    "AssignmentCounts",
    "DeclineReason",
    "LearnerContentAssignment",
    "LearnerContentAssignmentAction",
    "LearnerReply",
    "MessageText",
    "Notice",
    "NoticeKind",
    "NoticePolicy",
    "PlanPart",
    "PlanState",
    "ReminderPolicy",
    "ReminderStep",
    "ReplyKind",
    "ReplyState",
    "Sweep",
]

"""Staff pages: configurations, assignments and what happened to them, allocations, plans, answers, reminders and notices.

The state of an assignment is changed by its verbs alone, which refuse here as everywhere.
"""

from django.contrib.admin import register

from bursar.assignments import flows
from bursar.assignments.models import (
    AllocationBatch,
    AllocationPlan,
    AssignmentConfiguration,
    LearnerContentAssignment,
    LearnerContentAssignmentAction,
    LearnerReply,
    MessageText,
    Notice,
    NoticePolicy,
    PlanState,
    ReminderPolicy,
)
from bursar.assignments.models.batches import BatchState
from bursar.assignments.services import cancel_many, discard_plan, extend_many, remind_many, reverse_many, undo_batch
from bursar.budgets.models import Budget, Transaction
from bursar.outbox.models import Message
from bursar.people.models import Customer
from bursar.staff.columns import amount, linked, yes
from bursar.staff.deeds import Deed, Moment, Reasoned
from bursar.staff.records import Lead, Record
from bursar.staff.searching import Found
from bursar.staff.site import site


class DeadlineForm(Reasoned):
    """A deadline for one person."""

    until = Moment(
        required=False,
        label="Until",
        help_text="Blank takes a personal deadline away. In the time zone of your browser.",
    )


@register(AssignmentConfiguration, site=site)
class ConfigurationRecord(Record):
    """The assignments under one budget of one customer."""

    list_display = ("uuid", linked("policy", "budget"), "enterprise_customer_uuid", "active", "created")
    list_filter = ("active",)
    list_select_related = ("subsidy_access_policy",)
    found = Found(uuids=("pk", "enterprise_customer_uuid"))
    deeds = (
        Deed(
            "off", "Switch off", "Its assignments stay; no more are made.", each=True, fits=lambda row: row.active,
            do=lambda actor, rows, given: flows.switch_configuration(
                rows[0].pk, active=False, actor=actor, reason=given["reason"]
            ),
        ),
        Deed(
            "on", "Switch on", "Courses can be assigned under it again.", each=True, fits=lambda row: not row.active,
            do=lambda actor, rows, given: flows.switch_configuration(
                rows[0].pk, active=True, actor=actor, reason=given["reason"]
            ),
        ),
    )  # fmt: skip
    leads = (
        Lead("Assignments", LearnerContentAssignment, "assignment_configuration"),
        Lead("Budget", Budget, "assignment_configuration"),
        Lead("Allocations", AllocationBatch, "configuration"),
        Lead("Plans", AllocationPlan, "configuration"),
        Lead("Customer", Customer, "uuid", "enterprise_customer_uuid"),
    )


@register(LearnerContentAssignment, site=site)
class AssignmentRecord(Record):
    """Found by address, content or uuid at any size; in the order of their keys, which is the only one that costs nothing."""

    list_display = (
        "learner_email",
        "content_key",
        "state",
        "learner_state",
        amount("content_quantity"),
        "expires_at",
        "created",
    )
    list_filter = ("state",)
    found = Found(
        uuids=("pk", "assignment_configuration_id", "allocation_batch_id"), addresses=("learner_email_key",),
        numbers=("lms_user_id",), texts=("content_key",),
    )  # fmt: skip
    hidden = ("learner_email_key", "content_quantity", "learner_state_sort_order", "listed", "scrub_rule", "ended_at")
    more = (amount("content_quantity"),)
    deeds = (
        Deed(
            "remind", "Remind", "Each of them gets a mail.", lambda actor, rows, _: remind_many([row.pk for row in rows], actor=actor),
            many=True,
        ),
        Deed(
            "cancel", "Cancel", "The money is free at once, and each of them is told.",
            lambda actor, rows, _: cancel_many([row.pk for row in rows], actor=actor), many=True,
        ),
        Deed(
            "deadline", "Change the deadline", "A date of their own in place of the one that the terms give.",
            lambda actor, rows, given: extend_many(
                [row.pk for row in rows], until=given["until"], why=given["reason"], actor=actor
            ),
            DeadlineForm, many=True,
        ),
        Deed(
            "reverse", "Reverse", "What was paid for an accepted assignment comes back to the budget.",
            lambda actor, rows, given: reverse_many([row.pk for row in rows], actor=actor, why=given["reason"]), many=True,
        ),
    )  # fmt: skip
    leads = (
        Lead("What happened to it", LearnerContentAssignmentAction, "assignment"),
        Lead("Messages", Message, "subject_uuid"),
        Lead("Transactions", Transaction, "assignment_uuid"),
        Lead("Answers", LearnerReply, "assignment"),
    )


@register(LearnerContentAssignmentAction, site=site)
class ActionRecord(Record):
    """What happened to assignments beside their state. Tracebacks are not shown: they may name people."""

    list_display = ("action_type", linked("assignment"), "completed_at", "error_reason", "created")
    list_filter = ("action_type", "error_reason")
    list_select_related = ("assignment",)
    found = Found(uuids=("pk", "assignment_id"))
    hidden = ("traceback",)
    more = (yes("traceback", "has a traceback"),)


@register(AllocationBatch, site=site)
class BatchRecord(Record):
    """Allocations."""

    list_display = (
        "uuid",
        linked("configuration"),
        "state",
        "people",
        "created_count",
        "refused_count",
        amount("charged_cents"),
        "created",
    )
    list_filter = ("state",)
    list_select_related = ("configuration",)
    found = Found(uuids=("pk", "configuration_id"))
    hidden = ("hold_cents", "charged_cents")
    more = (amount("hold_cents"), amount("charged_cents"))
    deeds = (
        Deed(
            "undo", "Undo", "All that it made is cancelled, while nobody has accepted; all of it or nothing.",
            lambda actor, rows, _: _whole(undo_batch(rows[0].pk, actor=actor)), each=True,
            fits=lambda row: row.state == BatchState.DONE,
        ),
    )  # fmt: skip
    leads = (Lead("Assignments", LearnerContentAssignment, "allocation_batch_id"),)


def _whole(_: object) -> None:
    """Tell that it was done: the answers are about assignments, and the deed about the allocation."""


@register(AllocationPlan, site=site)
class PlanRecord(Record):
    """Planned allocations; whom they name is not shown."""

    list_display = ("uuid", linked("configuration"), "state", "people", amount("charged_cents"), "lapses_at", "created")
    list_filter = ("state",)
    list_select_related = ("configuration",)
    found = Found(uuids=("pk", "configuration_id", "batch_uuid"))
    hidden = ("digest", "charged_cents", "available_cents")
    more = (amount("charged_cents"), amount("available_cents"))
    deeds = (
        Deed(
            "discard", "Discard", "It cannot be applied any more, and its people are forgotten.", each=True,
            do=lambda actor, rows, _: discard_plan(rows[0].pk, actor=actor), fits=lambda row: row.state == PlanState.OPEN,
        ),
    )  # fmt: skip


@register(LearnerReply, site=site)
class ReplyRecord(Record):
    """What learners answered."""

    list_display = ("kind", linked("assignment"), "reason", "until", "state", "created")
    list_filter = ("state",)
    list_select_related = ("assignment",)
    found = Found(uuids=("pk", "assignment_id"))


@register(ReminderPolicy, site=site)
class ReminderPolicyRecord(Record):
    """How customers remind; they set it themselves."""

    list_display = ("customer_uuid", "enabled", "per_week", "digest", "modified")
    list_filter = ("enabled",)
    found = Found(uuids=("pk",))


@register(MessageText, site=site)
class TextRecord(Record):
    """Customers' own texts."""

    list_display = ("kind", "language", "subject", "customer_uuid", "modified")
    found = Found(uuids=("pk", "customer_uuid"), texts=("kind", "language"))


@register(Notice, site=site)
class NoticeRecord(Record):
    """What the people who assign were told of."""

    list_display = ("kind", "customer_uuid", "about_uuid", "slot", "created")
    found = Found(uuids=("pk", "about_uuid", "customer_uuid"))
    leads = (Lead("Messages", Message, "subject_uuid"),)


@register(NoticePolicy, site=site)
class NoticePolicyRecord(Record):
    """How often they want to hear."""

    list_display = ("customer_uuid", "admin_digest", "manager_digest", "admin_due_at", "manager_due_at")
    found = Found(uuids=("pk",))

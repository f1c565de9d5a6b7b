"""The database and the model, each told in the same words, so that one assertion compares everything."""

from django.db.models import Sum
from tests.walk.records import STAMPED

from bursar.assignments.models import (
    AllocationBatch,
    AssignmentCounts,
    LearnerContentAssignment,
    LearnerContentAssignmentAction,
)
from bursar.budgets.models import Budget, Fund, LedgerEntry, Transaction
from bursar.outbox.models import Message
from bursar.people.addresses import normal_form
from bursar.people.models import Person

RETIRED = "@retired.invalid"
FIELDS = (
    *("uuid", "content_key", "learner_email", "lms_user_id", "state", "cycle", "content_quantity", "created"),
    *("preferred_course_run_key", "enroll_by", "fund_ends_at", "allocation_batch_id", "personal_deadline"),
    *("expires_at", "expires_reason", "learner_state", "recent_action", "recent_action_time", "notified_at"),
    *("reminded_at", "notification_failed_at", "learner_state_sort_order", "listed"),
)
ORDER = {"notifying": 0, "waiting": 1, "expired": 2, "failed": 3, None: 999}


def expected(model):
    """Tell the model."""
    return {
        "money": {name: (purse.limit, purse.held, purse.spent) for name, purse in model.purses.items()},
        "fund": (model.balance, sum(purse.held for purse in model.purses.values()), model.fund_end),
        "entries": {kind: cents for kind, cents in model.entries.items() if cents},
        "counts": model.counts(),
        "persons": {address: person.number for address, person in model.persons.items()},
        "batches": {str(batch): state for batch, state in model.batches.items()},
        "rows": {str(row.uuid): expected_row(row) for row in model.rows},
    }


def expected_row(row):
    action, at = row.recent_action
    return {
        "uuid": row.uuid,
        "content_key": row.content,
        "learner_email": row.address,
        "lms_user_id": row.number,
        "state": row.state,
        "cycle": row.cycle,
        "content_quantity": -row.cents,
        "created": row.created,
        "preferred_course_run_key": row.run,
        "enroll_by": row.enroll_by,
        "fund_ends_at": row.fund_end,
        "allocation_batch_id": row.batch,
        "personal_deadline": row.personal,
        "expires_at": row.expires[0],
        "expires_reason": row.expires[1],
        "learner_state": row.learner_state,
        "recent_action": action,
        "recent_action_time": at,
        "notified_at": row.last("notified"),
        "reminded_at": row.last("reminded"),
        "notification_failed_at": row.last_failed_telling,
        "learner_state_sort_order": ORDER[row.learner_state],
        "listed": row.state in ("allocated", "errored"),
        "stamps": row.stamps,
        "is_pending": row.pending is not None,
        "is_scrubbed": row.is_scrubbed,
        "history": row.history,
        "actions": sorted((item.at, item.kind, item.succeeded) for item in row.actions),
        "messages": sorted((item.kind, item.cycle, item.ordinal, item.state, item.attempts) for item in row.messages),
        "payments": [(item.state, -item.cents, item.attempts, item.is_reversed) for item in row.payments],
    }


def found(purses):
    """Tell the database; `purses` names the budgets by their keys."""
    configurations = {}
    money = {}
    for budget in Budget.objects.all():
        configurations[budget.assignment_configuration_id] = purses[budget.pk]
        money[purses[budget.pk]] = (budget.limit_cents, budget.held_cents, budget.spent_cents)
    (fund,) = Fund.objects.all()
    totals = LedgerEntry.objects.order_by().values_list("kind").annotate(total=Sum("amount_cents"))
    persons = Person.objects.filter(erased_at=None).values_list("email", "lms_user_id")
    return {
        "money": money,
        "fund": (fund.balance_cents, fund.held_cents, fund.expires_at),
        "entries": dict(totals),
        "counts": {configurations[row.pk]: present(row) for row in AssignmentCounts.objects.all() if present(row)},
        "persons": {normal_form(email): number for email, number in persons},
        "batches": {str(batch): state for batch, state in AllocationBatch.objects.values_list("pk", "state")},
        "rows": found_rows(),
    }


def present(counts):
    """Return the counts that are not 0, by column."""
    columns = [field.attname for field in counts._meta.concrete_fields if field.attname != "configuration_id"]
    return {column: getattr(counts, column) for column in columns if getattr(counts, column)}


def found_rows():
    stamps = [f"{state}_at" for state in STAMPED]
    rows = {}
    for values in LearnerContentAssignment.objects.values(*FIELDS, *stamps, "redemption_uuid", "address_scrubbed_at"):
        row = {name: values[name] for name in FIELDS}
        row["learner_email"] = (
            None if values["learner_email"].endswith(RETIRED) else normal_form(values["learner_email"])
        )
        row["stamps"] = {state: values[f"{state}_at"] for state in STAMPED}
        row["is_pending"] = values["redemption_uuid"] is not None
        row["is_scrubbed"] = values["address_scrubbed_at"] is not None
        row |= {"history": [], "actions": [], "messages": [], "payments": []}
        rows[str(row["uuid"])] = row
    add_past(rows)
    return rows


def add_past(rows):
    """Add what each row left behind: history, timeline, messages and payments."""
    past = LearnerContentAssignment.history.model.objects.order_by("history_id")
    for uuid, state, reason, email in past.values_list("uuid", "state", "history_change_reason", "learner_email"):
        rows[str(uuid)]["history"].append((state, reason))
        assert not rows[str(uuid)]["is_scrubbed"] or email.endswith(RETIRED), "history remembers a scrubbed address"
    actions = LearnerContentAssignmentAction.objects.order_by("created", "action_type")
    for uuid, created, kind, done, error in actions.values_list(
        "assignment_id", "created", "action_type", "completed_at", "error_reason"
    ):
        assert (done is None) == (error is not None), "an action is either completed or failed"
        rows[str(uuid)]["actions"].append((created, kind, error is None))
    told = Message.objects.filter(topic="mail").order_by("kind", "cycle", "ordinal")
    for uuid, *message in told.values_list("subject_uuid", "kind", "cycle", "ordinal", "state", "attempts"):
        rows[str(uuid)]["messages"].append(tuple(message))
    paid = Transaction.objects.order_by("created").values_list(
        "assignment_uuid", "state", "quantity", "attempts", "reversal"
    )
    for uuid, state, quantity, attempts, reversal in paid:
        rows[str(uuid)]["payments"].append((state, quantity, attempts, reversal is not None))

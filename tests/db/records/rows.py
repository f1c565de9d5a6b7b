"""Rows that the tests of the records stand on, written past the verbs, as an import or a host project writes them."""

from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import uuid4

from django.db import connection

from bursar.assignments.models import (
    AssignmentConfiguration,
    AssignmentCounts,
    LearnerContentAssignment,
    LearnerContentAssignmentAction,
)
from bursar.assignments.models.counts import COLUMNS

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
FACTS = ("notified_at", "notification_failed_at", "reminded_at")
LISTS = ("learner_state", "learner_state_sort_order", "recent_action", "recent_action_time", "listed")
GENERATED = (*LISTS, "scrub_rule", "ended_at")
HISTORY = ("history_id", "history_date", "history_type", "history_change_reason", "history_user_id")

_numbers = count(1)


def make_configuration(**facts):
    return AssignmentConfiguration.objects.create(**{"enterprise_customer_uuid": uuid4(), **facts})


def new_assignment(configuration=None, **facts):
    """Return an assignment that is not saved yet, to an address of its own."""
    given = {
        "learner_email": f"learner{next(_numbers)}@example.org",
        "content_key": "DemoX+D101",
        "content_quantity": -4900,
        **facts,
    }
    return LearnerContentAssignment(assignment_configuration=configuration, **given)


def make_assignment(configuration=None, **facts):
    """Save an assignment, with a configuration of its own if none is given."""
    record = new_assignment(configuration or make_configuration(), **facts)
    record.save()
    return record


def stored(record):
    """Return the row as the database has it now."""
    return LearnerContentAssignment.objects.get(pk=record.pk)


def add_action(record, kind, at, **facts):
    """Save an action past the named methods: completed at a moment unless said otherwise."""
    facts = {"completed_at": at, "created": at or NOON, "modified": at or NOON, **facts}
    return LearnerContentAssignmentAction.objects.create(assignment=record, action_type=kind, **facts)


def facts_of(record):
    """Return the stored list facts of a record: told, telling failed, reminded."""
    return LearnerContentAssignment.objects.filter(pk=record.pk).values_list(*FACTS).get()


def kept(configuration):
    """Return the counts kept for a configuration, without the zeros."""
    row = AssignmentCounts.objects.filter(pk=configuration.pk).first()
    return {key: amount for key, amount in row.by_states().items() if amount} if row else {}


def recounted(configuration):
    """Return what the kept counts of a configuration must be, counted anew."""
    counts = {}
    for states in configuration.assignments.values_list("state", "learner_state"):
        if states in COLUMNS:
            counts[states] = counts.get(states, 0) + 1
    return counts


def raw(sql, *values):
    """Run a statement that no model knows of."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall() if cursor.description else None

"""What the tests of returned mails do and look at, in their words."""

from tests.db.verbs.steps import HOUR, assigned, fresh, later, tick

from bursar.assignments.services import Feedback, record_feedback
from bursar.outbox.models import Message

ANA = "learner1@example.org"


def message_of(row, kind="assigned", ordinal=1):
    return Message.objects.get(subject_uuid=row.pk, kind=kind, cycle=fresh(row).cycle, ordinal=ordinal)


def actions(row):
    """Return what mails stand for on the timeline, oldest first."""
    rows = row.actions.exclude(action_type="learner_linked").order_by("created", "action_type")
    return list(rows.values_list("action_type", "error_reason"))


def told(house, people=1):
    """Return assignments whose people have been told."""
    rows = assigned(house.budget, people)
    tick()
    return fresh(rows)


def comes_back(row, kind="assigned", *, feedback=Feedback.HARD, code="5.1.1", ordinal=1, after=HOUR):
    with later(after):
        return record_feedback(message_of(row, kind, ordinal).pk, feedback, code=code)


def outcome(row, kind="assigned"):
    message = Message.objects.filter(subject_uuid=row.pk, kind=kind).order_by("created", "ordinal").last()
    return message.state, message.reason

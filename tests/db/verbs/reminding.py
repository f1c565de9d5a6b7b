"""What the tests of reminders do and look at."""

from bursar.assignments import services
from bursar.assignments.flows import remind_due
from bursar.assignments.models import ReminderStep
from bursar.assignments.services import PolicyChange
from bursar.kernel.actor import CONSOLE
from bursar.outbox.models import Message
from bursar.testing.factories import make_budget


def remind_by(customer, **change):
    """Switch reminders on, without quiet hours and after seven days unless said otherwise."""
    change = {"after_days": [7], "before_days": [], "quiet": None, "per_week": 7, **change}
    return services.set_policy(customer.pk, PolicyChange(**change), actor=CONSOLE)


def reminders(*, state=None):
    """Return the reminders and digests in the outbox, oldest first: kind, ordinal or day, state."""
    rows = Message.objects.filter(kind__in=("reminded", "digest")).order_by("created", "kind", "subject_uuid")
    rows = rows.filter(state=state) if state else rows
    return list(rows.values_list("kind", "state"))


def slots(row):
    """Return the steps taken for an assignment, oldest first."""
    return list(ReminderStep.objects.filter(assignment_uuid=row.pk).order_by("taken_at").values_list("slot", flat=True))


def second_budget(house):
    return make_budget(house.fund)


__all__ = ["remind_by", "remind_due", "reminders", "second_budget", "slots"]

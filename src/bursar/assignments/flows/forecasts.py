"""Foretelling reminders: by what is kept here, and by what the catalog says of courses that let nobody in any more."""

from datetime import datetime
from uuid import UUID

from bursar.assignments.flows import contents
from bursar.assignments.flows.deliveries import why_closed
from bursar.assignments.models import ReminderPolicy
from bursar.assignments.selectors import deliverables
from bursar.assignments.simulations import Forecast, audience_of, foretell
from bursar.kernel import clock
from bursar.kernel.actor import Actor
from bursar.people.access import Permission, require


def forecast(policy: ReminderPolicy, *, actor: Actor) -> Forecast:
    """Return which reminders would go out in the seven days from now under a policy, kept or not; writes nothing.

    A fixed number of statements. Raises `NotFound` where the actor manages nothing.
    """
    require(actor, Permission.MANAGE, policy.pk)
    audience = audience_of(policy, begin=clock.now())
    found = deliverables(audience.assignments)
    courses = contents.describe({item.assignment.content_key for item in found.values()})

    def closed(key: UUID, at: datetime) -> str | None:
        item = found.get(key)
        return why_closed(item, courses.get(item.assignment.content_key), at) if item else None

    return foretell(audience, closed=closed)

"""What the tests of webhooks do and look at."""

from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

from django.db import transaction

from bursar.assignments.events import EventType
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.outbox.models import Message
from bursar.outbox.worker import drain
from bursar.webhooks.models import Event
from bursar.webhooks.services import Fact, add_endpoint, publish_due, record_events

URL = "https://hooks.example.org/bursar"
OTHER = "https://other.example.org/bursar"
DAY = timedelta(days=1)


def endpoint(customer, url=URL, **options):
    return add_endpoint(customer, url, actor=CONSOLE, **options).endpoint


def happen(customer, *subjects, kind=EventType.ACCEPTED):
    """Write an event about each subject, as the verbs do; returns them as they stand."""
    subjects = subjects or (uuid4(),)
    with transaction.atomic():
        facts = [Fact(customer, subject, {"assignment": str(subject)}) for subject in subjects]
        record_events(kind, facts, at=clock.now())
    return list(Event.objects.filter(subject_uuid__in=subjects).order_by("id"))[-len(subjects) :]


def many(customer, count, **options):
    return happen(customer, *[uuid4() for _ in range(count)], **options)


def deliver():
    publish_due()
    return drain()


@contextmanager
def later(span):
    with clock.at(clock.now() + span):
        yield


def messages(**conditions):
    return list(Message.objects.filter(topic="webhook", **conditions).order_by("created", "uuid"))


def states():
    return sorted(Message.objects.filter(topic="webhook").values_list("state", flat=True))


def told(kind=None):
    """Return what was written, oldest first: type and facts."""
    rows = Event.objects.order_by("id")
    return [(row.type, row.data) for row in (rows.filter(type=kind) if kind else rows)]

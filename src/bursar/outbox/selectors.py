"""What the outbox holds about its subjects: for timelines, and for not asking twice."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from bursar.outbox.claims import Item, natural_keys
from bursar.outbox.models import HELD, LEFT, Message


def known_subjects(topic: str, kind: str, items: Sequence[Item]) -> set[UUID]:
    """Return the subjects among `items` whose message exists already, in whatever state; one statement."""
    rows = Message.objects.filter(key__in=natural_keys(topic, kind, items))
    return set(rows.values_list("subject_uuid", flat=True))


def queued_at(message: UUID) -> datetime:
    """Return when a message was written (aware UTC); one statement."""
    return Message.objects.values_list("created", flat=True).get(pk=message)


def may_have_left(topic: str, kind: str, subject: UUID, cycle: int) -> bool:
    """Tell whether a message of this kind has left, may have, or is in the hands of a worker; one statement."""
    rows = Message.objects.filter(subject_uuid=subject, topic=topic, kind=kind, cycle=cycle, state__in=HELD | LEFT)
    return rows.exists()


def messages_about(subject: UUID) -> QuerySet[Message]:
    """Return every message about one subject, oldest first."""
    return Message.objects.filter(subject_uuid=subject).order_by("created", "uuid")

"""Recomputes the numbers of events: no subject and no position counted twice or passed over."""

from collections.abc import Iterator
from typing import Final

from django.db.models import Count, Max, Min

from bursar.kernel.audit import Difference
from bursar.kernel.batching import chunks
from bursar.webhooks.models import SINGLE, Event, Numbering, Sequencer

READ_AT_ONCE: Final = 1000


def audit_events() -> Iterator[Difference]:
    """Yield every difference between the numbers of published events and the counters that gave them."""
    yield from _audit_positions()
    groups = Event.objects.filter(position__isnull=False).order_by().values_list("subject_uuid")
    spans = groups.annotate(Count("pk"), Min("sequence"), Max("sequence"))
    for part in chunks(spans.iterator(READ_AT_ONCE)):
        last = Numbering.objects.in_bulk([row[0] for row in part])
        for subject, count, first, newest in part:
            given = last[subject].last if subject in last else None
            if newest - first + 1 != count:
                words = "The events about it are not numbered one after the other."
                yield Difference("event_sequence", f"subject {subject}", words, count, newest - first + 1)
            if given != newest:
                words = "The newest event about it does not bear the last number that was given."
                yield Difference("event_last", f"subject {subject}", words, given, newest)


def _audit_positions() -> Iterator[Difference]:
    """Compare the positions given since the last pruned one with the events that have them."""
    sequencer = Sequencer.objects.filter(pk=SINGLE).first() or Sequencer()
    given = sequencer.position - sequencer.pruned_to
    found = Event.objects.filter(position__gt=sequencer.pruned_to, position__lte=sequencer.position).count()
    beyond = Event.objects.filter(position__gt=sequencer.position).count()
    if found != given or beyond:
        words = "Positions of events were passed over, or given without being counted."
        yield Difference("event_position", "sequencer", words, given, found + beyond)

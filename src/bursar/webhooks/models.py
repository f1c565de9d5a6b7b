"""The log of events, the endpoints that are told of them, and the counters that number events in the order of commits."""

import uuid
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from django.db import models
from django.db.models import Q

from bursar.kernel.fields import CreatedField, ExactCharField, ModifiedField
from bursar.webhooks.egress import LONGEST_URL

SINGLE: Final = 1


class Event(models.Model):
    """Something that happened, written in the transaction in which it did: ids, amounts in cents, dates and fixed words.

    `position` and `sequence` (the how-manieth event about its subject, from 1) are given when it is published, after its
    commit: numbers given before could become visible out of order, and a reader would pass over the late one.
    """

    id = models.BigAutoField(primary_key=True)
    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    customer_uuid = models.UUIDField()
    type = ExactCharField(max_length=40)
    subject_uuid = models.UUIDField()
    data = models.JSONField(default=dict)
    created = CreatedField()
    position = models.BigIntegerField(null=True, editable=False)
    sequence = models.IntegerField(null=True, editable=False)

    class Meta:
        db_table = "bursar_webhooks_event"
        constraints = [models.UniqueConstraint(fields=("customer_uuid", "position"), name="bursar_event_place")]
        indexes = [models.Index(fields=("id",), condition=Q(position__isnull=True), name="bursar_event_unpublished")]


class Numbering(models.Model):
    """How many events about a subject were published; outlives them, so that numbers never begin again."""

    subject_uuid = models.UUIDField(primary_key=True)
    last = models.IntegerField()

    class Meta:
        db_table = "bursar_webhooks_numbering"


class Sequencer(models.Model):
    """Row 1 and no other, locked by whoever publishes: the last position given, and the last one pruned."""

    id = models.SmallIntegerField(primary_key=True, default=SINGLE)
    position = models.BigIntegerField(default=0)
    pruned_to = models.BigIntegerField(default=0)

    class Meta:
        db_table = "bursar_webhooks_sequencer"
        constraints = [models.CheckConstraint(condition=Q(id=SINGLE), name="bursar_one_sequencer")]


class Endpoint(models.Model):
    """An address of a customer's that is told of events of the named `types` ([]: of all).

    Seeds are what secrets follow from (`signing`); the previous one signs too until `previous_until`. `failures` counts
    in a row since `failing_since`; nothing is tried before `paused_until`. One that has not answered well lately
    (`proven_at`) is tried by one worker at a time, who has it until `probe_until`. `replays` numbers the cycles of its
    messages.
    """

    id = models.AutoField(primary_key=True)
    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    customer_uuid = models.UUIDField(db_index=True)
    url = ExactCharField(max_length=LONGEST_URL)
    types = models.JSONField(default=list)
    seed = ExactCharField(max_length=64, editable=False)
    previous_seed = ExactCharField(max_length=64, blank=True, default="", editable=False)
    previous_until = models.DateTimeField(null=True, editable=False)
    disabled_at = models.DateTimeField(null=True, editable=False)
    disabled_reason = ExactCharField(max_length=40, blank=True, default="", editable=False)
    failing_since = models.DateTimeField(null=True, editable=False)
    failures = models.IntegerField(default=0, editable=False)
    last_fault = ExactCharField(max_length=64, blank=True, default="", editable=False)
    paused_until = models.DateTimeField(null=True, editable=False)
    proven_at = models.DateTimeField(null=True, editable=False)
    probe_until = models.DateTimeField(null=True, editable=False)
    replays = models.IntegerField(default=0, editable=False)
    created = CreatedField()
    modified = ModifiedField()

    class Meta:
        db_table = "bursar_webhooks_endpoint"
        ordering = ("created", "id")

    def wants(self, kind: str) -> bool:
        """Tell whether it is told of events of this type now."""
        return self.disabled_at is None and (not self.types or kind in self.types)

    @property
    def host(self) -> str:
        """The host of the address, which may be shown where the rest of it may not."""
        return urlsplit(self.url).hostname or ""

    def seeds(self, now: datetime) -> list[str]:
        """Return the seeds whose secrets sign at this moment."""
        both = self.previous_seed and self.previous_until is not None and self.previous_until > now
        return [self.seed, self.previous_seed] if both else [self.seed]

    def is_proven(self, now: datetime, within: timedelta) -> bool:
        """Tell whether it has answered well, and nothing else, for so long at least."""
        return self.failing_since is None and self.proven_at is not None and self.proven_at > now - within

    def is_paused(self, now: datetime) -> bool:
        """Tell whether it is to be left alone for now."""
        return self.paused_until is not None and self.paused_until > now

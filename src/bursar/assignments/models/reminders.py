"""How a customer reminds, in which words, and which steps were taken: ids, numbers and the customer's own texts."""

import uuid
from typing import Any, Final

from django.db import models

from bursar.kernel.fields import CreatedField, ExactCharField, ModifiedField
from bursar.kernel.history import History

UNAPPLIED: Final = ("unapplied",)


class ReminderPolicy(models.Model):
    """The rules of one customer; without a row nobody is reminded automatically and every kind of mail is sent.

    Days are whole numbers, hours those of the learner's clock. `muted` names the kinds of mail that are not sent at all.
    `unapplied` says that open assignments have not been looked at under these rules yet: `tick` does it.
    """

    customer_uuid = models.UUIDField(primary_key=True, editable=False)
    enabled = models.BooleanField(default=False)
    after_days: "models.JSONField[Any, Any]" = models.JSONField(default=list)
    before_days: "models.JSONField[Any, Any]" = models.JSONField(default=list)
    per_week = models.PositiveSmallIntegerField(default=1)
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(null=True, blank=True)
    working_days_only = models.BooleanField(default=False)
    digest = models.BooleanField(default=True)
    muted: "models.JSONField[Any, Any]" = models.JSONField(default=list)
    unapplied = models.BooleanField(default=False)
    created = CreatedField()
    modified = ModifiedField()
    history = History(excluded_fields=UNAPPLIED)

    class Meta:
        verbose_name_plural = "reminder policies"


class MessageText(models.Model):
    """A customer's own subject and body for one kind of mail in one language (`assignments.texts` says what they may hold)."""

    uuid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    customer_uuid = models.UUIDField()
    kind = ExactCharField(max_length=16)
    language = ExactCharField(max_length=16)
    subject = models.CharField(max_length=200)
    body = models.TextField()
    created = CreatedField()
    modified = ModifiedField()
    history = History()

    class Meta:
        ordering = ("kind", "language")
        constraints = [
            models.UniqueConstraint(fields=("customer_uuid", "kind", "language"), name="bursar_text_once"),
        ]


class ReminderStep(models.Model):
    """A step of the policy that was taken for one cycle of an assignment; the slot is unique, so it is taken once.

    `digest` is the day whose digest tells of it, None for a mail of its own. `taken_at` is when it was taken, or the later
    moment of the same day at which it was due.
    """

    assignment_uuid = models.UUIDField()
    cycle = models.IntegerField()
    slot = ExactCharField(max_length=40)
    digest = models.PositiveIntegerField(null=True)
    taken_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("assignment_uuid", "cycle", "slot"), name="bursar_reminded_once"),
        ]

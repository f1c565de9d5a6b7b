"""What the people who assign were told of and how often they want to hear: ids and numbers, no name and no address."""

import uuid
from typing import Any, Final

from django.db import models

from bursar.assignments.slots import Frequency
from bursar.kernel.fields import CreatedField, ExactCharField, ModifiedField

FREQUENCIES: Final = [(one.value, one.value) for one in Frequency]


class NoticeKind(models.TextChoices):
    """What a notice is about; its texts have the same name."""

    BUDGET_USED = "budget_used", "a budget is nearly or wholly used"
    FUND_ENDING = "fund_ending", "a fund ends soon or has ended"
    ENDPOINT_DISABLED = "endpoint_disabled", "a receiver of webhooks is told nothing any more"
    ADMIN_DIGEST = "admin_digest", "how assignments and money stand"
    MANAGER_DIGEST = "manager_digest", "how the assignments of one's people stand"


DIGESTS: Final = (NoticeKind.ADMIN_DIGEST, NoticeKind.MANAGER_DIGEST)


class Notice(models.Model):
    """One thing told once: `slot` names the threshold or the day, and the three that are unique together are its key.

    `about_uuid` is a budget, a fund, a receiver of webhooks, a customer or (manager digests) the first of the manager's people. `facts` are
    numbers, dates and ids of the moment. `copies_until` is when kept copies of its mails are forgotten; None: they are.
    """

    uuid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    customer_uuid = models.UUIDField()
    kind = ExactCharField(max_length=32, choices=NoticeKind.choices)
    about_uuid = models.UUIDField()
    slot = ExactCharField(max_length=64)
    facts: "models.JSONField[Any, Any]" = models.JSONField(default=dict)
    copies_until = models.DateTimeField(null=True, db_index=True)
    created = CreatedField()

    class Meta:
        ordering = ("-created", "uuid")
        constraints = [models.UniqueConstraint(fields=("about_uuid", "kind", "slot"), name="bursar_notice_once")]
        indexes = [models.Index(fields=("customer_uuid", "created", "uuid"), name="bursar_notices_told")]


class NoticePolicy(models.Model):
    """How often a customer's admins and managers get a digest, and when the next one is due (None: never).

    Made when a customer is first met; the row is the lock under which its digests are told.
    """

    customer_uuid = models.UUIDField(primary_key=True, editable=False)
    admin_digest = ExactCharField(max_length=16, choices=FREQUENCIES, default=Frequency.WEEKLY.value)
    manager_digest = ExactCharField(max_length=16, choices=FREQUENCIES, default=Frequency.OFF.value)
    admin_due_at = models.DateTimeField(null=True, db_index=True)
    manager_due_at = models.DateTimeField(null=True, db_index=True)
    created = CreatedField()
    modified = ModifiedField()

    class Meta:
        verbose_name_plural = "notice policies"


class Sweep(models.Model):
    """How far a sweep over very many rows has come, by the key of the last one looked at (None: at the beginning)."""

    name = ExactCharField(max_length=32, primary_key=True)
    position = models.UUIDField(null=True)
    began_at = models.DateTimeField()

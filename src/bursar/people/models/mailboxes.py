"""What is known of an address beside who has it: that mail to it comes back, or that its owner wants no reminders.

Both go by the key of the address alone, so that people need not be known to us to be left in peace, and both are
removed when the address is forgotten.
"""

import uuid

from django.db import models

from bursar.kernel.fields import CreatedField, ExactCharField, ModifiedField
from bursar.people.models.customers import Customer


class StopReason(models.TextChoices):
    """Why mail to somebody is stopped: unsubscribing stops what nobody must have, the others stop everything."""

    UNSUBSCRIBED = "unsubscribed", "does not want reminders"
    BOUNCED = "bounced", "mail to this address comes back"
    COMPLAINED = "complained", "our mail was reported as unwanted"
    SUPPRESSED = "suppressed", "stopped by the customer"


class Mailbox(models.Model):
    """One per address of which there is bad news; a dead mailbox is dead for every customer."""

    address_key = ExactCharField(max_length=64, primary_key=True)
    suppressed_at = models.DateTimeField(null=True, blank=True)
    suppressed_reason = models.CharField(max_length=16, choices=StopReason.choices, blank=True, default="")
    soft_bounces = models.PositiveIntegerField(default=0, help_text="Since mail last arrived or was allowed.")
    soft_bounced_at = models.DateTimeField(null=True, blank=True)
    created = CreatedField()
    modified = ModifiedField()

    class Meta:
        db_table = "bursar_people_mailbox"
        verbose_name = "mailbox"
        verbose_name_plural = "mailboxes"


class Unsubscription(models.Model):
    """One per customer and address whose owner has unsubscribed."""

    uuid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="unsubscriptions", db_index=False)
    address_key = ExactCharField(max_length=64)
    created = CreatedField()

    class Meta:
        db_table = "bursar_people_unsubscription"
        constraints = [models.UniqueConstraint(fields=("address_key", "customer"), name="bursar_unsubscribed_once")]

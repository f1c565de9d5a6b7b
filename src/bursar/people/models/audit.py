"""Who did what at a customer: ids, codes and numbers, never an address and nobody's own words."""

from typing import Final

from django.db import models

from bursar.kernel.fields import CreatedField, ExactCharField

LONGEST_ACT: Final = 40


class AuditEntry(models.Model):
    """One thing that somebody did, written in the transaction that did it, and never changed.

    `actor_name` is the token of a client, by its uuid, or the name of a job. What was done is about `subject_uuid`, about
    the user `subject_user_id`, or about several things alike, counted in `facts`. `reason` is a fixed word.
    """

    id = models.BigAutoField(primary_key=True)
    customer_uuid = models.UUIDField(null=True)
    act = ExactCharField(max_length=LONGEST_ACT)
    actor_kind = ExactCharField(max_length=16)
    actor_name = ExactCharField(max_length=64, blank=True, default="")
    user_id = models.BigIntegerField(null=True)
    subject_uuid = models.UUIDField(null=True)
    subject_user_id = models.BigIntegerField(null=True)
    reason = models.CharField(max_length=100, blank=True, default="")
    facts = models.JSONField(default=dict)
    created = CreatedField()

    class Meta:
        verbose_name_plural = "audit entries"
        db_table = "bursar_people_auditentry"
        ordering = ("-id",)
        indexes = [
            models.Index(fields=("customer_uuid", "id"), name="bursar_audit_of_customer"),
            models.Index(fields=("customer_uuid", "user_id", "id"), name="bursar_audit_of_user"),
            models.Index(fields=("customer_uuid", "created"), name="bursar_audit_of_day"),
        ]

"""What was answered to a request with an Idempotency-Key: written in the commit of its effect, given again to who asks again."""

from django.db import models

from bursar.kernel.fields import CreatedField, ExactCharField


class IdempotencyKey(models.Model):
    """One per key, caller and route, at one customer (or none). Holds no personal data and no key as it was sent.

    `key`, `principal` and `fingerprint` are keyed hashes: a key may be made of an address. `kept` is the answer as JSON
    where it names nobody, else what the answer is made of again: ids. A row without a status is never committed.
    """

    tenant = ExactCharField(max_length=36, blank=True, default="")
    principal = ExactCharField(max_length=64)
    route = ExactCharField(max_length=160)
    key = ExactCharField(max_length=64)
    fingerprint = ExactCharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    kept = models.TextField(blank=True, default="")
    location = models.CharField(max_length=255, blank=True, default="")
    created = CreatedField(db_index=True)

    class Meta:
        db_table = "bursar_api_idempotencykey"
        constraints = [
            models.UniqueConstraint(fields=("tenant", "principal", "route", "key"), name="bursar_idempotency_once")
        ]

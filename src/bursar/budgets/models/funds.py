"""Funds: the money of a customer, with the counters that no budget on it can pass together."""

import uuid
from datetime import datetime

from django.db import models
from django.db.models import F, Q

from bursar.kernel.fields import CreatedField, ModifiedField
from bursar.kernel.history import History

COUNTERS = ("balance_cents", "held_cents", "ledger_length", "ledger_head")


class Fund(models.Model):
    """Money of one currency, between two dates. Amounts are cents; the counters follow the ledger and the holds."""

    uuid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    customer = models.ForeignKey("bursar_people.Customer", on_delete=models.PROTECT, related_name="funds")
    title = models.CharField(max_length=255)
    currency = models.CharField(max_length=3, default="USD")
    starts_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    balance_cents = models.BigIntegerField(default=0, editable=False, help_text="Sum of the ledger.")
    held_cents = models.BigIntegerField(default=0, editable=False, help_text="Sum of what its budgets hold.")
    ledger_length = models.BigIntegerField(default=0, editable=False)
    ledger_head = models.CharField(max_length=64, default="", editable=False, help_text="Hash of the last entry.")
    created = CreatedField()
    modified = ModifiedField()
    history = History(excluded_fields=COUNTERS)

    class Meta:
        db_table = "bursar_budgets_fund"
        ordering = ("created", "uuid")
        constraints = [
            models.CheckConstraint(condition=Q(held_cents__gte=0), name="bursar_fund_held_not_negative"),
            models.CheckConstraint(
                condition=Q(held_cents__lte=F("balance_cents")), name="bursar_fund_covers_what_it_holds"
            ),
        ]

    @property
    def free_cents(self) -> int:
        """What can still be promised."""
        return self.balance_cents - self.held_cents

    def is_active(self, now: datetime) -> bool:
        """Tell whether the fund has started and has not ended."""
        return runs_at(self.starts_at, self.expires_at, now)


def runs_at(starts_at: datetime | None, expires_at: datetime | None, now: datetime) -> bool:
    """Tell whether a fund with these dates has started and has not ended."""
    started = starts_at is None or starts_at <= now
    return started and (expires_at is None or expires_at > now)

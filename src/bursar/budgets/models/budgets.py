"""Budgets: how much of a fund may be spent on what, with the counters that can never pass the limit."""

import uuid
from datetime import datetime

from django.db import models
from django.db.models import F, Q

from bursar.budgets.models.funds import Fund
from bursar.kernel.fields import CreatedField, ModifiedField
from bursar.kernel.history import History

COUNTERS = ("held_cents", "spent_cents")


class Budget(models.Model):
    """A spend limit in cents over part of a fund, a catalog, and the configuration whose assignments it pays for."""

    uuid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    customer = models.ForeignKey("bursar_people.Customer", on_delete=models.PROTECT, related_name="budgets")
    fund = models.ForeignKey(Fund, on_delete=models.PROTECT, related_name="budgets")
    display_name = models.CharField(max_length=512, blank=True, default="")
    description = models.CharField(max_length=200, blank=True, default="")
    limit_cents = models.BigIntegerField()
    held_cents = models.BigIntegerField(default=0, editable=False, help_text="Promised to open assignments.")
    spent_cents = models.BigIntegerField(default=0, editable=False, help_text="Redeemed less reversed.")
    active = models.BooleanField(default=True)
    retired = models.BooleanField(default=False)
    retired_at = models.DateTimeField(null=True, blank=True)
    catalog = models.ForeignKey(
        "bursar_catalog.Catalog",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="budgets",
        help_text="Which courses; none stands for all.",
    )
    assignment_configuration = models.OneToOneField(
        "content_assignments.AssignmentConfiguration",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="subsidy_access_policy",
    )
    late_redemption_allowed_until = models.DateTimeField(null=True, blank=True)
    created = CreatedField()
    modified = ModifiedField()
    history = History(excluded_fields=COUNTERS)

    class Meta:
        db_table = "bursar_budgets_budget"
        ordering = ("created", "uuid")
        constraints = [
            models.CheckConstraint(condition=Q(held_cents__gte=0), name="bursar_budget_held_not_negative"),
            models.CheckConstraint(condition=Q(spent_cents__gte=0), name="bursar_budget_spent_not_negative"),
            models.CheckConstraint(
                condition=Q(limit_cents__gte=F("held_cents") + F("spent_cents")), name="bursar_budget_never_overspent"
            ),
        ]

    @property
    def free_cents(self) -> int:
        """What the limit leaves, whatever the fund has."""
        return self.limit_cents - self.held_cents - self.spent_cents

    @property
    def usable(self) -> bool:
        """Whether new money may be promised from it."""
        return self.active and not self.retired


def allows_late_redemption(until: datetime | None, now: datetime) -> bool:
    """Tell whether a budget with this date still pays for courses whose enrolment has closed."""
    return until is not None and until > now

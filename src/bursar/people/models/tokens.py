"""API tokens: proof of who a program acts for. The text is shown once; only its digest is kept."""

import uuid
from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q

from bursar.kernel.fields import CreatedField, ExactCharField
from bursar.people.models.customers import Customer
from bursar.people.models.members import Role


class ApiToken(models.Model):
    """Speaks for a user (with the user's roles), or for a role at a customer without being anybody.

    Without a customer the role holds everywhere, which only operators have. `scopes` names permissions; none stands for
    everything that the role includes. `prefix` is the beginning of the text, by which people tell tokens apart.
    """

    uuid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=255)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="bursar_tokens"
    )
    customer = models.ForeignKey(Customer, null=True, blank=True, on_delete=models.PROTECT, related_name="tokens")
    role = ExactCharField(max_length=16, choices=Role.choices, blank=True, default="")
    prefix = models.CharField(max_length=16)
    digest = ExactCharField(max_length=64, unique=True, help_text="SHA-256 of the text.")
    scopes = models.JSONField(default=list, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    created = CreatedField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(
        null=True,
        editable=False,
        help_text="When it was last used, to the hour; null for never since the hour in which it was made.",
    )

    class Meta:
        db_table = "bursar_people_apitoken"
        ordering = ("created", "uuid")
        constraints = [
            models.CheckConstraint(
                condition=Q(user__isnull=False, customer__isnull=True, role="") | (Q(user__isnull=True) & ~Q(role="")),
                name="bursar_token_speaks_for_one",
            ),
            models.CheckConstraint(
                condition=Q(user__isnull=False) | Q(customer__isnull=False) | Q(role="operator"),
                name="bursar_token_somewhere",
            ),
        ]

    def is_live(self, now: datetime) -> bool:
        """Tell whether the token is good at this moment."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)

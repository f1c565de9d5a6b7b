"""Identity providers: where the people of a customer sign in with their organisation's own accounts (OpenID Connect)."""

import uuid

from django.db import models

from bursar.kernel.fields import CreatedField, ModifiedField
from bursar.people.models.customers import Customer


class IdentityProvider(models.Model):
    """One issuer that vouches for the people of one customer, and for addresses of `domains` alone.

    The uuid is what its accounts are kept under: a provider that is removed and added again knows nobody yet.
    """

    uuid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="identity_providers")
    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=40)
    issuer = models.CharField(max_length=500)
    client_id = models.CharField(max_length=191)
    sealed_secret = models.TextField(help_text="Encrypted under SECRET_KEY.")
    domains = models.JSONField(default=list)
    manages_addresses = models.BooleanField(
        default=False, help_text="Whether its addresses are proven without its saying so (email_verified)."
    )
    created = CreatedField()
    modified = ModifiedField()

    class Meta:
        db_table = "bursar_people_identityprovider"
        ordering = ("slug",)

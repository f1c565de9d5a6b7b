"""Customers: the organisations that assign; no one of them ever sees another's rows."""

import uuid

from django.db import models

from bursar.kernel.fields import CreatedField, ModifiedField
from bursar.kernel.history import History
from bursar.people.keys import AddressField


class Customer(models.Model):
    """One organisation, and how its mails look."""

    uuid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=255)
    slug = models.SlugField(max_length=80, unique=True)
    contact_email = AddressField(blank=True, default="")
    language = models.CharField(max_length=16, default="en")
    time_zone = models.CharField(max_length=64, default="UTC")
    brand_color = models.CharField(max_length=7, default="#1f5f5b")
    logo_url = models.URLField(blank=True, default="")
    show_price = models.BooleanField(default=False, help_text="Whether mails to learners name the price.")
    active = models.BooleanField(default=True)
    created = CreatedField()
    modified = ModifiedField()
    history = History()

    class Meta:
        db_table = "bursar_people_customer"
        ordering = ("name", "uuid")

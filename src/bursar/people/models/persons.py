"""Persons: what a customer knows of somebody before there is an account; erased with the address."""

import uuid

from django.db import models

from bursar.kernel.fields import CreatedField, ModifiedField
from bursar.people.keys import AddressField, AddressKeyField
from bursar.people.models.customers import Customer


class Person(models.Model):
    """One per customer and address. No history is kept, so that erasing the row erases the person."""

    uuid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="persons", db_index=False)
    address_key = AddressKeyField(source="email")
    email = AddressField()
    name = models.CharField(max_length=255, blank=True, default="")
    department = models.CharField(max_length=255, blank=True, default="")
    language = models.CharField(max_length=16, blank=True, default="")
    time_zone = models.CharField(max_length=64, blank=True, default="")
    manager_email = AddressField(blank=True, default="")
    lms_user_id = models.BigIntegerField(null=True, blank=True, db_index=True)
    mail_suppressed_at = models.DateTimeField(null=True, blank=True)
    mail_suppressed_reason = models.CharField(max_length=64, blank=True, default="")
    erased_at = models.DateTimeField(null=True, blank=True)
    created = CreatedField()
    modified = ModifiedField()

    class Meta:
        verbose_name_plural = "people"
        db_table = "bursar_people_person"
        constraints = [models.UniqueConstraint(fields=("customer", "address_key"), name="bursar_person_once")]

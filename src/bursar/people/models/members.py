"""Who belongs to a customer and as what; users of the host project and their ids in the learning platform."""

import uuid
from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import Q

from bursar.kernel.fields import CreatedField, ExactCharField, ModifiedField
from bursar.people.models.customers import Customer
from bursar.people.models.persons import Person

FIRST_OWN_NUMBER: Final = 1_000_000_000


class Role(models.TextChoices):
    """What a member may do; `people.access` says what each includes."""

    LEARNER = "learner"
    ADMIN = "admin"
    OPERATOR = "operator"


LARGEST_LMS_USER_ID: Final = 2**31 - 1  # what an assignment's column holds: with a larger id nothing could be linked


class Profile(models.Model):
    """What we keep beside whatever user model the host has."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="bursar_profile"
    )
    lms_user_id = models.BigIntegerField(unique=True)
    verified_key = ExactCharField(
        max_length=64, blank=True, default="", help_text="Key of the address proven to be theirs."
    )
    created = CreatedField()
    modified = ModifiedField()

    class Meta:
        db_table = "bursar_people_profile"


class Membership(models.Model):
    """A role at a customer, of a person known by address (pending until they have an account) or of a user.

    Without a customer the role holds everywhere, which only operators have.
    """

    uuid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    customer = models.ForeignKey(Customer, null=True, blank=True, on_delete=models.PROTECT, related_name="memberships")
    person = models.ForeignKey(
        Person, null=True, blank=True, on_delete=models.CASCADE, related_name="memberships", db_index=False
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="bursar_memberships"
    )
    role = ExactCharField(max_length=16, choices=Role.choices)
    created = CreatedField()
    modified = ModifiedField()

    class Meta:
        db_table = "bursar_people_membership"
        indexes = [models.Index(fields=("customer", "uuid"), name="bursar_member_list")]
        constraints = [
            models.UniqueConstraint(fields=("person", "role"), name="bursar_member_person_once"),
            models.UniqueConstraint(fields=("user", "customer", "role"), name="bursar_member_user_once"),
            models.CheckConstraint(
                condition=Q(person__isnull=False) | Q(user__isnull=False), name="bursar_member_is_somebody"
            ),
            models.CheckConstraint(
                condition=Q(customer__isnull=False) | Q(role="operator"), name="bursar_member_somewhere"
            ),
        ]

    @property
    def pending(self) -> bool:
        """Whether the person has no account yet."""
        return self.user_id is None


class LearnerNumber(models.Model):
    """Gives out ids to people without a learning platform: above 10^9, never twice."""

    id = models.BigAutoField(primary_key=True)

    class Meta:
        db_table = "bursar_people_learnernumber"

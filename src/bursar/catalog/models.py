"""Courses, their runs, and the named catalogs that say which courses a budget may spend on."""

import uuid

from django.db import models
from django.db.models import Q

from bursar.catalog.files import TEXT_LENGTH, URL_LENGTH
from bursar.kernel.fields import CreatedField, ExactCharField, ModifiedField


class Course(models.Model):
    """One course. Its price is in minor units of its currency: null when unknown, 0 when free."""

    key = ExactCharField(max_length=TEXT_LENGTH, unique=True)
    title = models.CharField(max_length=TEXT_LENGTH)
    partner = ExactCharField(max_length=TEXT_LENGTH, blank=True, default="")
    price_cents = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, default="USD")
    pacing = models.CharField(max_length=TEXT_LENGTH, blank=True, default="")
    weeks = models.PositiveSmallIntegerField(null=True, blank=True)
    level = models.CharField(max_length=TEXT_LENGTH, blank=True, default="")
    subject = ExactCharField(max_length=TEXT_LENGTH, blank=True, default="")
    language = models.CharField(max_length=TEXT_LENGTH, blank=True, default="")
    course_type = models.CharField(max_length=TEXT_LENGTH, blank=True, default="")
    url = models.CharField(max_length=URL_LENGTH, blank=True, default="")
    active = models.BooleanField(default=True)
    terms_changed = models.BooleanField(
        default=False, db_index=True, editable=False, help_text="Deadlines that follow from it are still to be moved."
    )
    created = CreatedField()
    modified = ModifiedField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(price_cents__isnull=True) | Q(price_cents__gte=0), name="bursar_catalog_course_price"
            ),
        ]
        indexes = [
            models.Index(fields=["partner", "subject"], name="bursar_catalog_course_partner"),
            models.Index(fields=["subject"], name="bursar_catalog_course_subject"),
        ]

    def __str__(self) -> str:
        return str(self.key)


class Run(models.Model):
    """One session of a course. A null date sets no limit."""

    key = ExactCharField(max_length=TEXT_LENGTH, unique=True)
    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="runs")
    start = models.DateTimeField(null=True, blank=True)
    end = models.DateTimeField(null=True, blank=True)
    enroll_by = models.DateTimeField(null=True, blank=True)
    active = models.BooleanField(default=True)
    created = CreatedField()
    modified = ModifiedField()

    def __str__(self) -> str:
        return str(self.key)

    @property
    def course_key(self) -> str:
        """The key of its course."""
        return str(self.course.key)


class CatalogRule(models.TextChoices):
    """How a catalog chooses its courses; inactive ones are never chosen."""

    ALL = "all", "every course"
    KEYS = "keys", "courses and runs listed by key"
    QUERY = "query", "courses of listed partners and subjects"


class Catalog(models.Model):
    """A named choice of courses, of one customer or, without one, shared by all.

    `keys`: a course key offers the course and all its runs, a run key that run alone. `query`: the partner must be
    one of `partners` and the subject one of `subjects`; an empty list leaves that side open.
    """

    uuid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    customer_uuid = models.UUIDField(null=True, blank=True)
    title = ExactCharField(max_length=TEXT_LENGTH)
    rule = models.CharField(max_length=8, choices=CatalogRule, default=CatalogRule.ALL)
    keys = models.JSONField(default=list, blank=True)
    partners = models.JSONField(default=list, blank=True)
    subjects = models.JSONField(default=list, blank=True)
    created = CreatedField()
    modified = ModifiedField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["customer_uuid", "title"], name="bursar_catalog_own_title"),
            models.UniqueConstraint(
                fields=["title"], condition=Q(customer_uuid__isnull=True), name="bursar_catalog_shared_title"
            ),
        ]

    def __str__(self) -> str:
        return str(self.title)

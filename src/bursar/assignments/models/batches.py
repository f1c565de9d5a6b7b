"""Allocations too large for one transaction: the money reserved first, the people in chunks that are filled one by one."""

import uuid

from django.db import models
from django.db.models import Q

from bursar.assignments.models.configuration import AssignmentConfiguration
from bursar.kernel.fields import CreatedField, ExactCharField, ModifiedField


class BatchState(models.TextChoices):
    """How far an allocation has come."""

    FILLING = "filling"
    DONE = "done"
    UNDONE = "undone"


class AllocationBatch(models.Model):
    """One allocation call. `hold_cents` is the part of the budget's held money that no assignment stands for yet."""

    uuid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    configuration = models.ForeignKey(AssignmentConfiguration, on_delete=models.PROTECT, related_name="batches")
    state = ExactCharField(max_length=16, choices=BatchState.choices, default=BatchState.FILLING)
    hold_cents = models.BigIntegerField(default=0)
    terms = models.JSONField(
        default=dict, help_text="Content, run, price in cents, dates and actor: the same for everybody."
    )
    people = models.IntegerField(default=0)
    created_count = models.IntegerField(default=0)
    updated_count = models.IntegerField(default=0)
    unchanged_count = models.IntegerField(default=0)
    refused_count = models.IntegerField(default=0)
    twin_count = models.IntegerField(default=0, help_text="Rows that named again whom an earlier one had named.")
    rejected_count = models.IntegerField(default=0, help_text="Rows that named nobody.")
    charged_cents = models.BigIntegerField(default=0)
    created = CreatedField()
    modified = ModifiedField()

    class Meta:
        verbose_name_plural = "allocation batches"
        db_table = "content_assignments_allocationbatch"
        constraints = [models.CheckConstraint(condition=Q(hold_cents__gte=0), name="bursar_batch_hold_not_negative")]
        indexes = [
            models.Index(fields=("state", "created"), name="bursar_batches_to_fill"),
            models.Index(fields=("configuration", "created", "uuid"), name="bursar_batches_of_budget"),
        ]


class AllocationChunk(models.Model):
    """The people of one step of a batch. `people` holds addresses and is emptied in the commit that fills the chunk.

    Rows that named nobody or somebody again are in chunks of their own, behind the others and filled from the start.
    """

    batch = models.ForeignKey(AllocationBatch, on_delete=models.CASCADE, related_name="chunks", db_index=False)
    position = models.IntegerField()
    people = models.JSONField(null=True)
    results = models.JSONField(null=True, help_text="Per person: place in the file, outcome, assignment; no address.")

    class Meta:
        db_table = "content_assignments_allocationchunk"
        ordering = ("batch_id", "position")
        constraints = [models.UniqueConstraint(fields=("batch", "position"), name="bursar_chunk_once")]

"""Plans: what an allocation would do, person by person, kept until it is done exactly so, or lapses."""

import uuid

from django.db import models

from bursar.assignments.models.configuration import AssignmentConfiguration
from bursar.kernel.fields import CreatedField, ExactCharField, ModifiedField


class PlanState(models.TextChoices):
    """Whether a plan can still be applied: `lapsed` is over its time, `withdrawn` lost its people to an erasure."""

    OPEN = "open"
    USED = "used"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"


class AllocationPlan(models.Model):
    """One planned allocation: the same for everybody in `terms`, who exactly in its parts; amounts in cents.

    `digest` stands for all of it: whoever applies the plan names it, so that nobody applies what they have not seen.
    """

    uuid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    configuration = models.ForeignKey(AssignmentConfiguration, on_delete=models.PROTECT, related_name="plans")
    state = ExactCharField(max_length=16, choices=PlanState.choices, default=PlanState.OPEN)
    digest = ExactCharField(max_length=64)
    terms = models.JSONField(default=dict, help_text="What was asked for, and the offer that it came to.")
    people = models.IntegerField(default=0)
    created_count = models.IntegerField(default=0)
    updated_count = models.IntegerField(default=0)
    unchanged_count = models.IntegerField(default=0)
    twin_count = models.IntegerField(default=0)
    refused_count = models.IntegerField(default=0)
    charged_cents = models.BigIntegerField(default=0)
    available_cents = models.BigIntegerField(default=0, help_text="What the budget had left when the plan was made.")
    refusal = models.JSONField(null=True, help_text="Why it would have been refused for lack of money then.")
    batch_uuid = models.UUIDField(null=True, help_text="The allocation that it became.")
    lapses_at = models.DateTimeField()
    created = CreatedField()
    modified = ModifiedField()

    class Meta:
        db_table = "content_assignments_allocationplan"
        indexes = [
            models.Index(fields=("state", "lapses_at"), name="bursar_plans_to_empty"),
            models.Index(fields=("configuration", "created", "uuid"), name="bursar_plans_of_budget"),
        ]


class PlanPart(models.Model):
    """Some rows of a plan, in the order of the file. `rows` holds addresses and is emptied when the plan is no longer open."""

    plan = models.ForeignKey(AllocationPlan, on_delete=models.CASCADE, related_name="parts", db_index=False)
    position = models.IntegerField()
    rows = models.JSONField(null=True)

    class Meta:
        db_table = "content_assignments_planpart"
        ordering = ("plan_id", "position")
        constraints = [models.UniqueConstraint(fields=("plan", "position"), name="bursar_plan_part_once")]

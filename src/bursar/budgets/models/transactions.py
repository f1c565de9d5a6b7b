"""Transactions: one redemption of one assignment, from asked to committed or failed; and their reversals."""

import uuid

from django.db import models
from django.db.models import Q

from bursar.budgets.models.budgets import Budget
from bursar.budgets.models.funds import Fund
from bursar.kernel.fields import CreatedField, ExactCharField, ModifiedField


class TransactionState(models.TextChoices):
    """How far a redemption has come; only committed ones are in the ledger."""

    CREATED = "created"
    PENDING = "pending"
    COMMITTED = "committed"
    FAILED = "failed"


class Transaction(models.Model):
    """Money for one enrolment; `quantity` is cents, never above 0. Names nobody: the assignment does."""

    uuid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    fund = models.ForeignKey(Fund, on_delete=models.PROTECT, related_name="transactions")
    budget = models.ForeignKey(Budget, on_delete=models.PROTECT, related_name="transactions", db_index=False)
    state = ExactCharField(max_length=16, choices=TransactionState.choices, default=TransactionState.CREATED)
    idempotency_key = ExactCharField(max_length=255)
    assignment_uuid = models.UUIDField(db_index=True)
    lms_user_id = models.BigIntegerField(db_index=True)
    content_key = ExactCharField(max_length=255)
    parent_content_key = ExactCharField(max_length=255, null=True, blank=True)
    content_title = models.CharField(max_length=255, null=True, blank=True)
    course_run_start_date = models.DateTimeField(null=True, blank=True)
    quantity = models.BigIntegerField()
    fulfillment_identifier = models.CharField(max_length=255, null=True, blank=True)
    courseware_url = models.CharField(max_length=1000, blank=True, default="")
    attempts = models.IntegerField(default=0, help_text="How often the enrolment was asked for.")
    due_at = models.DateTimeField(null=True, blank=True, help_text="When a pending one is asked for again.")
    error_code = models.CharField(max_length=64, blank=True, default="")
    created = CreatedField()
    modified = ModifiedField()

    class Meta:
        db_table = "bursar_budgets_transaction"
        ordering = ("-created", "uuid")
        constraints = [
            models.UniqueConstraint(fields=("fund", "idempotency_key"), name="bursar_transaction_once"),
            models.CheckConstraint(condition=Q(quantity__lte=0), name="bursar_transaction_is_a_debit"),
        ]
        indexes = [
            models.Index(fields=("budget", "-created", "uuid"), name="bursar_transaction_of_budget"),
            models.Index(fields=("state", "due_at"), name="bursar_transaction_due"),
            models.Index(fields=("fund", "-created", "-uuid"), name="bursar_transaction_of_fund"),
        ]


class Reversal(models.Model):
    """The whole amount of a committed transaction, given back: at most one for each."""

    uuid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    transaction = models.OneToOneField(Transaction, on_delete=models.PROTECT, related_name="reversal")
    idempotency_key = ExactCharField(max_length=255, unique=True)
    quantity = models.BigIntegerField()
    reason = models.CharField(max_length=255, blank=True, default="")
    created = CreatedField()
    modified = ModifiedField()

    class Meta:
        db_table = "bursar_budgets_reversal"
        constraints = [models.CheckConstraint(condition=Q(quantity__gte=0), name="bursar_reversal_is_a_credit")]

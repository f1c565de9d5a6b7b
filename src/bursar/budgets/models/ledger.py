"""The ledger of a fund: insert-only, numbered without gaps, each entry sealed with the hash of the one before."""

import hashlib
import json
import uuid
from collections.abc import Iterable
from typing import Any, Final, NoReturn

from django.db import models

from bursar.budgets.models.budgets import Budget
from bursar.budgets.models.funds import Fund
from bursar.budgets.models.transactions import Transaction
from bursar.kernel.errors import Refused
from bursar.kernel.fields import CreatedField, ExactCharField

INITIAL_DEPOSIT: Final = ":initial-deposit"
"""How the idempotency key ends of the deposit with which a fund is made."""


class EntryKind(models.TextChoices):
    """What moved the fund's balance. Holds are not entries: they are recomputed from assignments."""

    DEPOSIT = "deposit"
    ADJUSTMENT = "adjustment"
    REDEMPTION = "redemption"
    REVERSAL = "reversal"


def _refuse() -> NoReturn:
    raise Refused("The ledger is insert-only; correct it by a reversal or an adjustment.", code="ledger_is_insert_only")


class LedgerQuerySet(models.QuerySet["LedgerEntry"]):
    """Reads and inserts only."""

    def bulk_create(
        self, objs: Iterable["LedgerEntry"], *args: Any, update_conflicts: bool = False, **kwargs: Any
    ) -> Any:
        """Insert; refuse to write over an entry that is there."""
        if update_conflicts:
            _refuse()
        return super().bulk_create(objs, *args, **kwargs)

    def update(self, **_: Any) -> int:
        """Refuse: entries never change."""
        _refuse()

    def delete(self) -> tuple[int, dict[str, int]]:
        """Refuse: entries never go."""
        _refuse()

    def bulk_update(self, *_: Any, **__: Any) -> int:
        """Refuse: entries never change."""
        _refuse()


class LedgerEntry(models.Model):
    """One movement of a fund's balance, in cents. Holds no personal data, so that erasing a person leaves it whole."""

    uuid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    fund = models.ForeignKey(Fund, on_delete=models.PROTECT, related_name="entries", db_index=False)
    sequence = models.BigIntegerField(help_text="1, 2, 3 … within the fund.")
    kind = ExactCharField(max_length=16, choices=EntryKind.choices)
    amount_cents = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    budget = models.ForeignKey(Budget, null=True, blank=True, on_delete=models.PROTECT, related_name="entries")
    transaction = models.ForeignKey(
        Transaction, null=True, blank=True, on_delete=models.PROTECT, related_name="entries"
    )
    reverses = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="reversed_by", help_text="Reversed once."
    )
    reason = models.CharField(max_length=255, blank=True, default="")
    idempotency_key = ExactCharField(max_length=255, unique=True)
    created = CreatedField()
    previous_hash = models.CharField(max_length=64, blank=True, default="")
    hash = models.CharField(max_length=64)

    objects = LedgerQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "ledger entries"
        db_table = "bursar_budgets_ledgerentry"
        ordering = ("fund_id", "sequence")
        constraints = [models.UniqueConstraint(fields=("fund", "sequence"), name="bursar_ledger_without_gaps")]

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert; refuse to write again."""
        if not self._state.adding:
            _refuse()
        super().save(*args, **kwargs)

    def delete(self, *_: Any, **__: Any) -> tuple[int, dict[str, int]]:
        """Refuse: entries never go."""
        _refuse()

    def seal(self) -> str:
        """Return the hash that this entry must carry: SHA-256 over the one before and every fact of its own."""
        facts = [
            self.previous_hash,
            str(self.fund_id),
            self.sequence,
            str(self.kind),
            self.amount_cents,
            self.currency,
            self.budget_id and str(self.budget_id),
            self.transaction_id and str(self.transaction_id),
            self.reverses_id and str(self.reverses_id),
            self.reason,
            self.idempotency_key,
            self.created.isoformat(timespec="microseconds"),
        ]
        return hashlib.sha256(json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()

"""How many assignments of a configuration are in each state and learner state: kept by every write, so lists never count."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from django.db import models
from django.db.models import Count, F

from bursar.assignments.states import LearnerState, State
from bursar.kernel.transactions import require_transaction

# What is counted apart, and the column that counts it.
COLUMNS: Final[dict[tuple[str, str | None], str]] = {
    (State.ALLOCATED, LearnerState.NOTIFYING): "allocated_notifying",
    (State.ALLOCATED, LearnerState.WAITING): "allocated_waiting",
    (State.ALLOCATED, LearnerState.FAILED): "allocated_failed",
    (State.ACCEPTED, None): "accepted",
    (State.CANCELLED, None): "cancelled",
    (State.ERRORED, LearnerState.FAILED): "errored",
    (State.EXPIRED, LearnerState.EXPIRED): "expired",
    (State.REVERSED, None): "reversed",
}

Tally = Counter[tuple[UUID, str, str | None]]


class AssignmentCounts(models.Model):
    """One row per configuration, so that a change is one UPDATE of one row and cannot deadlock."""

    configuration = models.OneToOneField(
        "content_assignments.AssignmentConfiguration", primary_key=True, on_delete=models.CASCADE, related_name="counts"
    )
    allocated_notifying = models.BigIntegerField(default=0)
    allocated_waiting = models.BigIntegerField(default=0)
    allocated_failed = models.BigIntegerField(default=0)
    accepted = models.BigIntegerField(default=0)
    cancelled = models.BigIntegerField(default=0)
    errored = models.BigIntegerField(default=0)
    expired = models.BigIntegerField(default=0)
    reversed = models.BigIntegerField(default=0)

    def by_states(self) -> dict[tuple[str, str | None], int]:
        """Return the counts by state and learner state."""
        return {states: getattr(self, column) for states, column in COLUMNS.items()}


def tally(rows: Iterable[tuple[UUID | None, str, str | None]]) -> Tally:
    """Count rows given as configuration, state, learner state; rows without a configuration are in no list."""
    return Counter((configuration, state, learner) for configuration, state, learner in rows if configuration)


def tally_of(rows: "models.QuerySet[Any]") -> Tally:
    """Count the assignments of a queryset, in one statement."""
    groups = rows.order_by().values_list("assignment_configuration_id", "state", "learner_state")
    found = groups.annotate(amount=Count("pk"))
    return Counter({(cfg, state, learner): amount for cfg, state, learner, amount in found if cfg})


def lock_and_tally(rows: "models.QuerySet[Any]") -> Tally:
    """Lock the assignments of a queryset, in key order, and count them, in one statement; inside a transaction."""
    require_transaction()
    locked = rows.select_for_update().order_by("pk")
    return tally(locked.values_list("assignment_configuration_id", "state", "learner_state"))


def shift_counts(before: Mapping[Any, int], after: Mapping[Any, int]) -> None:
    """Move the kept counts by the difference of two tallies of the same assignments.

    Late in the transaction, after all rows and before budgets: the rows here are hot. States nobody knows (written
    past the vocabulary) are left to `bursar audit`.
    """
    require_transaction()
    changes: dict[UUID, dict[str, int]] = {}
    for key in {*before, *after}:
        configuration, state, learner = key
        column = COLUMNS.get((state, learner))
        difference = after.get(key, 0) - before.get(key, 0)
        if difference and column:
            changes.setdefault(configuration, {})[column] = difference
    for configuration in sorted(changes):
        _shift_one(configuration, changes[configuration])


def _shift_one(configuration: UUID, differences: Mapping[str, int]) -> None:
    values = {column: F(column) + difference for column, difference in differences.items()}
    rows = AssignmentCounts.objects.filter(pk=configuration)
    if rows.update(**values) == 0:
        AssignmentCounts.objects.bulk_create([AssignmentCounts(configuration_id=configuration)], ignore_conflicts=True)
        rows.update(**values)

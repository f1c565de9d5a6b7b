"""LearnerContentAssignmentAction: the timeline, and the one path that records an action."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import models
from django.db.models import Case, F, Max, OuterRef, Q, Subquery, When

from bursar.assignments.constants import AssignmentActionErrors, AssignmentActions
from bursar.assignments.models.counts import lock_and_tally, shift_counts, tally_of
from bursar.assignments.models.deadlines import reschedule
from bursar.kernel import clock
from bursar.kernel.bulk import insert_rows
from bursar.kernel.errors import format_traceback
from bursar.kernel.fields import CreatedField, ExactCharField, ModifiedField
from bursar.kernel.history import History, record_history
from bursar.kernel.text import mask
from bursar.kernel.transactions import one_commit

TELLING: Final = frozenset({AssignmentActions.NOTIFIED.value, AssignmentActions.REMINDED.value})
ACKNOWLEDGED_BY: Final = {
    AssignmentActions.CANCELLED.value: AssignmentActions.CANCELLED_ACKNOWLEDGED,
    AssignmentActions.EXPIRED.value: AssignmentActions.EXPIRED_ACKNOWLEDGED,
}
DONE: Final = Q(error_reason=None, completed_at__isnull=False)


class ActionQuerySet(models.QuerySet["LearnerContentAssignmentAction"]):
    """Keeps the facts that lists are made of right after every write."""

    def record_many(  # noqa: PLR0913 - one path for every kind of action, so it takes what any of them needs
        self,
        assignments: Sequence[UUID],
        kind: AssignmentActions,
        *,
        error: AssignmentActionErrors | None = None,
        exc: BaseException | None = None,
        at: datetime | None = None,
        user_id: int | None = None,
        counting: bool = True,
    ) -> list["LearnerContentAssignmentAction"]:
        """Record one action of a kind for each assignment: completed now, or failed with the traceback of `exc`.

        An error that befell several people may name them all: it is kept without addresses, for each is forgotten alone.
        Writes history, list facts and expiry with it, in the caller's transaction or one of its own; a fixed number of
        statements. With `counting` off the caller moves the kept counts itself, later.
        """
        now = at or clock.now()
        trace = _traceback(exc, shared=len(assignments) > 1) if exc else None
        actions = [
            self.model(
                assignment_id=assignment, action_type=kind.value, completed_at=None if error else now, error_reason=error,
                traceback=trace, created=now, modified=now,
            )
            for assignment in assignments
        ]  # fmt: skip
        telling = assignments if kind.value in TELLING else ()
        with one_commit(), facts_following(self.model, telling, counting=counting):
            insert_rows(
                self.model,
                COLUMNS,
                [[getattr(action, name) for name in COLUMNS] for action in actions],
                {"action_type": kind.value, "error_reason": error and error.value, "created": now, "modified": now},
            )
            record_history(self.model, [action.pk for action in actions], "+", user_id=user_id, at=now)
        for action in actions:
            action._state.adding = False
        return actions

    def bulk_create(self, objs: Iterable["LearnerContentAssignmentAction"], *args: Any, **kwargs: Any) -> Any:
        """Insert, and bring the list fields of their assignments up to date."""
        actions = list(objs)
        telling = {row.assignment_id for row in actions if row.action_type in TELLING}
        with one_commit(), facts_following(self.model, sorted(telling)):
            return super().bulk_create(actions, *args, **kwargs)

    def update(self, **values: Any) -> int:
        """Update, and bring the list fields of their assignments, before and after, up to date."""
        moving = {"assignment", "assignment_id"} & values.keys()
        rows = self.model.objects.filter(pk__in=list(self.values_list("pk", flat=True))) if moving else self.none()
        with one_commit():
            with facts_following(self.model, self.assignments()):
                updated = super().update(**values)
            with facts_following(self.model, rows.assignments()):
                return updated

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete, and bring the list fields of their assignments up to date."""
        with one_commit(), facts_following(self.model, self.assignments()):
            return super().delete()

    delete.queryset_only = True  # type: ignore[attr-defined]  # as Django's own: `objects.delete()` must not be all

    def assignments(self) -> list[UUID]:
        """Return the keys of the assignments that these actions belong to, in order."""
        return sorted(set(self.order_by().values_list("assignment_id", flat=True)))


class LearnerContentAssignmentAction(models.Model):
    """What happened to an assignment beside its state. `traceback` is for operators only."""

    uuid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False, unique=True)
    assignment = models.ForeignKey(
        "content_assignments.LearnerContentAssignment", related_name="actions", on_delete=models.CASCADE, db_index=False
    )
    action_type = ExactCharField(max_length=255, choices=AssignmentActions.choices, db_index=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    error_reason = ExactCharField(
        max_length=255, choices=AssignmentActionErrors.choices, null=True, blank=True, db_index=True
    )
    traceback = models.TextField(null=True, blank=True, editable=False)
    created = CreatedField()
    modified = ModifiedField()
    history = History(found_by="assignment")

    objects = ActionQuerySet.as_manager()

    class Meta:
        ordering = ("created",)
        indexes = [models.Index(fields=("assignment", "action_type", "completed_at"), name="bursar_timeline")]

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save, and bring the list fields of the assignment, and of the one it belonged to before, up to date."""
        telling = self.action_type in TELLING or not self._state.adding
        with one_commit(), facts_following(type(self), self._touched() if telling else ()):
            super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete, and bring the list fields of the assignment up to date."""
        with one_commit(), facts_following(type(self), self._touched()):
            return super().delete(*args, **kwargs)

    def _touched(self) -> list[UUID]:
        before = () if self._state.adding else type(self).objects.filter(pk=self.pk).assignments()
        return sorted({*before, self.assignment_id})

    @property
    def succeeded(self) -> bool:
        """Whether it was completed without an error."""
        return self.completed_at is not None and self.error_reason is None

    def is_since(self, moment: datetime | None) -> bool:
        """Tell whether it was completed at or after a moment (None: whenever)."""
        return self.completed_at is not None and (moment is None or self.completed_at >= moment)

    @property
    def learner_acknowledged(self) -> bool | None:
        """Whether the learner has dismissed this expiry or cancellation since; None for any other action."""
        acknowledgement = ACKNOWLEDGED_BY.get(self.action_type)
        if acknowledgement is None:
            return None
        seen = self.assignment.last_successful(acknowledgement)
        return seen is not None and self.completed_at is not None and seen.is_since(self.completed_at)


COLUMNS: Final = ("uuid", "assignment_id", "completed_at", "traceback")


def _traceback(exc: BaseException, *, shared: bool) -> str:
    text = format_traceback(exc)
    return mask(text) if shared else text


@contextmanager
def facts_following(model: Any, assignments: Sequence[UUID], *, counting: bool = True) -> Iterator[None]:
    """Derive the list facts of these assignments anew once the block has written their actions; fixed statements.

    Locks the assignments first: two writers of one timeline must not count from the same past.
    """
    if not assignments:
        yield
        return
    records: models.QuerySet[Any] = models.QuerySet(model._meta.get_field("assignment").related_model).filter(
        pk__in=assignments
    )
    before = lock_and_tally(records) if counting else {}
    yield
    records.update(**facts_from_actions(model))
    reschedule(records)
    if counting:
        shift_counts(before, tally_of(records))


def facts_from_actions(model: Any) -> dict[str, Subquery]:
    """Return the expressions that derive each stored fact from the timeline."""
    mine = model._base_manager.filter(assignment=OuterRef("pk")).order_by()

    def newest(kind: AssignmentActions) -> Subquery:
        done = mine.filter(DONE, action_type=kind).values("assignment")
        return Subquery(done.annotate(newest=Max("completed_at")).values("newest"))

    last = mine.filter(action_type=AssignmentActions.NOTIFIED).order_by("-created", "-uuid")
    failed = last.annotate(failed_at=Case(When(error_reason__isnull=False, then=F("created")))).values("failed_at")[:1]
    return {
        "notified_at": newest(AssignmentActions.NOTIFIED),
        "reminded_at": newest(AssignmentActions.REMINDED),
        "notification_failed_at": Subquery(failed),
    }

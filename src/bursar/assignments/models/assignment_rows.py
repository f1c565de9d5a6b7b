"""Django's own bulk writes of assignments, with counts and address keys kept right; history is the caller's, as in Django."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db import models

from bursar.assignments.models.columns import COUNTED, DATED, GOES_WITH_ADDRESS
from bursar.assignments.models.counts import lock_and_tally, shift_counts, tally_of
from bursar.assignments.models.deadlines import reschedule, schedule
from bursar.kernel.transactions import one_commit
from bursar.people.keys import key_of

if TYPE_CHECKING:
    from bursar.assignments.models.assignment import LearnerContentAssignment


class LearnerContentAssignmentQuerySet(models.QuerySet["LearnerContentAssignment"]):
    """What `objects` answers with."""

    def bulk_create(self, objs: Iterable["LearnerContentAssignment"], *args: Any, **kwargs: Any) -> Any:
        """Insert and count; signals and history are not for bulk writes (see the class method of the record)."""
        given = list(objs)
        for record in given:
            schedule(record)
        rows = self.model.objects.filter(pk__in=[record.pk for record in given])
        with one_commit():
            before = lock_and_tally(rows)  # rows that are there already, when conflicts are ignored
            records = super().bulk_create(given, *args, **kwargs)
            shift_counts(before, tally_of(rows))
        for record in records:
            record.remember()
        return records

    def bulk_update(
        self, objs: Iterable["LearnerContentAssignment"], fields: Iterable[str], batch_size: int | None = None
    ) -> int:
        """Update, the key of an address with it."""
        records, names = list(objs), set(fields)
        if "learner_email" in names:
            names |= GOES_WITH_ADDRESS
            for record in records:
                record.learner_email_key = key_of(record.learner_email)
        updated = super().bulk_update(records, sorted(names), batch_size)
        for record in records:
            record.has_written(names)
        return updated

    def update(self, **values: Any) -> int:
        """Update, the key of an address with it, and count and date again where the values can matter for it."""
        if isinstance(values.get("learner_email"), str):
            values.setdefault("learner_email_key", key_of(values["learner_email"]))
        dating = "expires_at" not in values and DATED & values.keys()
        if not (dating or COUNTED & values.keys()):
            return super().update(**values)
        with one_commit():
            keys = list(self.values_list("pk", flat=True))
            rows = self.model.objects.filter(pk__in=keys)
            before = lock_and_tally(rows)
            updated = models.QuerySet.update(self.filter(pk__in=keys), **values)  # no row that came since
            if dating:
                reschedule(rows)
            shift_counts(before, tally_of(rows))
        return updated

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete for good, and count; the history stays."""
        with one_commit():
            before = lock_and_tally(self.model.objects.filter(pk__in=list(self.values_list("pk", flat=True))))
            deleted = super().delete()
            shift_counts(before, {})
        return deleted

    delete.queryset_only = True  # type: ignore[attr-defined]  # as Django's own: `objects.delete()` must not be all

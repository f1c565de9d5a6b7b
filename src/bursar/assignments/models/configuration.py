"""AssignmentConfiguration: the set of assignments under one budget of one customer, and what learners have seen of it."""

import logging
import uuid
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models

from bursar.assignments.constants import AssignmentActions
from bursar.assignments.states import State
from bursar.kernel.fields import CreatedField, ModifiedField
from bursar.kernel.history import History
from bursar.kernel.transactions import one_commit

if TYPE_CHECKING:
    from bursar.assignments.models.assignment import LearnerContentAssignment

logger = logging.getLogger(__name__)

NO_CUSTOMER = UUID(int=0)
ACKNOWLEDGEMENTS: dict[str, tuple[AssignmentActions, AssignmentActions]] = {
    State.CANCELLED: (AssignmentActions.CANCELLED, AssignmentActions.CANCELLED_ACKNOWLEDGED),
    State.EXPIRED: (AssignmentActions.EXPIRED, AssignmentActions.EXPIRED_ACKNOWLEDGED),
}
Acknowledged = tuple[
    list["LearnerContentAssignment"], list["LearnerContentAssignment"], list["LearnerContentAssignment"]
]


class AssignmentConfigurationQuerySet(models.QuerySet["AssignmentConfiguration"]):
    """Deletes softly, like the single record."""

    def delete(self, reason: str | None = None) -> tuple[int, dict[str, int]]:
        """Make the configurations inactive; nothing is removed. Returns what Django's delete returns."""
        with one_commit():
            deleted = sum(row.delete(reason=reason)[0] for row in self.filter(active=True))
        return deleted, {self.model._meta.label: deleted} if deleted else {}

    delete.queryset_only = True  # type: ignore[attr-defined]  # as Django's own: `objects.delete()` must not be all


class AssignmentConfiguration(models.Model):
    """The set of assignments under one budget (`policy`) of one customer, and its lifecycle rules."""

    uuid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False, unique=True)
    enterprise_customer_uuid = models.UUIDField(db_index=True, null=False, default=NO_CUSTOMER)
    active = models.BooleanField(db_index=True, default=True)
    created = CreatedField()
    modified = ModifiedField()
    history = History()

    objects = AssignmentConfigurationQuerySet.as_manager()

    class Meta:
        ordering = ("created", "uuid")

    @property
    def policy(self) -> Any:
        """The budget that pays for these assignments, or None when there is none."""
        return getattr(self, "subsidy_access_policy", None)

    def delete(self, *_: Any, reason: str | None = None, **__: Any) -> tuple[int, dict[str, int]]:
        """Make the configuration inactive, with `reason` in its history; nothing if it is inactive already."""
        with one_commit():
            is_active = type(self).objects.select_for_update().filter(pk=self.pk, active=True).exists()
            self.active = False
            if not is_active:
                return 0, {}
            self._change_reason = reason
            self.save(update_fields=["active", "modified"])
            self._change_reason = None
        return 1, {self._meta.label: 1}

    def acknowledge_assignments(self, assignment_uuids: Iterable[UUID | str], lms_user_id: int | None) -> Acknowledged:
        """Record that a learner has seen (dismissed) expired or cancelled assignments of this configuration.

        Only assignments of `lms_user_id` count; with none found, raises ValidationError. Returns those acknowledged
        now, those acknowledged before, and those in a state that cannot be. All in one commit.
        """
        wanted = list(assignment_uuids)
        fresh: list[LearnerContentAssignment] = []
        before: list[LearnerContentAssignment] = []
        never: list[LearnerContentAssignment] = []
        theirs = self._assignments_of(lms_user_id, wanted)
        with one_commit():
            for assignment in theirs.select_for_update():
                _sort_by_acknowledgement(assignment, fresh, before, never)
            self._record_acknowledgements(fresh)
        if not (fresh or before or never):  # raised out here, so that a caller's transaction lives on
            raise ValidationError(
                f"No assignments found for assignment_uuids={[str(item) for item in wanted]} "
                f"and lms_user_id={lms_user_id}."
            )
        return fresh, before, never

    def _assignments_of(
        self, lms_user_id: int | None, keys: Collection[UUID | str]
    ) -> "models.QuerySet[LearnerContentAssignment]":
        """Return those of this configuration and this learner; somebody without an id has none."""
        mine = self.assignments.order_by("pk").prefetch_related("actions")
        return mine.none() if lms_user_id is None else mine.filter(pk__in=keys, lms_user_id=lms_user_id)

    def _record_acknowledgements(self, assignments: "list[LearnerContentAssignment]") -> None:
        for state, (_, acknowledgement) in ACKNOWLEDGEMENTS.items():
            mine = [assignment for assignment in assignments if assignment.state == state]
            if mine:
                mine[0].actions.model.objects.record_many([item.pk for item in mine], acknowledgement)
            for assignment in mine:
                assignment.forget_actions()


def _sort_by_acknowledgement(
    assignment: "LearnerContentAssignment",
    fresh: "list[LearnerContentAssignment]",
    before: "list[LearnerContentAssignment]",
    never: "list[LearnerContentAssignment]",
) -> None:
    kinds = ACKNOWLEDGEMENTS.get(assignment.state)
    if kinds is None:
        logger.error("assignment %s in state %s cannot be acknowledged", assignment.uuid, assignment.state)
        never.append(assignment)
        return
    action = assignment.last_ending(kinds[0])
    if action is None:
        logger.error("%s assignment %s has no successful %s action", assignment.state, assignment.uuid, kinds[0].value)
    seen = assignment.last_successful(kinds[1])
    happened = assignment.entered_state_at() if action is None else action.completed_at
    known = seen is not None and seen.is_since(happened)
    (before if known else fresh).append(assignment)

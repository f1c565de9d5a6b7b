"""LearnerContentAssignment: one piece of content assigned to one learner, and the columns that lists are made of."""

import logging
import uuid
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final, Self, cast

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Case, F, Q, Value, When

from bursar.assignments import expiry
from bursar.assignments.constants import (
    AssignmentActionErrors,
    AssignmentActions,
    AssignmentRecentActionTypes,
)
from bursar.assignments.models.actions import LearnerContentAssignmentAction
from bursar.assignments.models.assignment_rows import LearnerContentAssignmentQuerySet
from bursar.assignments.models.columns import (
    COUNTED,
    CYCLE_START,
    DATED,
    ENDED_AT,
    EXPIRY,
    FACTS,
    GENERATED,
    GOES_WITH_ADDRESS,
    IS_REMINDED,
    SCRUB_RULE,
    UNTRACKED,
    Learner,
    States,
    by_learner_state,
)
from bursar.assignments.models.configuration import AssignmentConfiguration
from bursar.assignments.models.counts import lock_and_tally, shift_counts, tally, tally_of
from bursar.assignments.models.deadlines import reschedule, schedule
from bursar.assignments.models.privacy import erase_traces
from bursar.assignments.models.timeline import Timeline
from bursar.assignments.reminders import LOOK_AT_ONCE
from bursar.assignments.states import LEARNER_STATE_ORDER, LISTED, UNORDERED, verb_to
from bursar.kernel import clock
from bursar.kernel.errors import Refused
from bursar.kernel.fields import CreatedField, ExactCharField, ModifiedField
from bursar.kernel.history import History, record_history
from bursar.kernel.transactions import one_commit
from bursar.people.keys import AddressField, AddressKeyField

logger = logging.getLogger(__name__)


class LearnerContentAssignment(Timeline, models.Model):
    """One content, one learner, one configuration; the row lives through every cycle of allocation.

    `state` is written by the verbs alone (`bursar.assignments.services`). Amounts are cents, times aware UTC.
    """

    uuid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False, unique=True)
    assignment_configuration = models.ForeignKey(
        AssignmentConfiguration, related_name="assignments", on_delete=models.SET_NULL, null=True
    )
    learner_email = AddressField(blank=False, null=False, db_index=True)
    learner_email_key = AddressKeyField(source="learner_email")
    lms_user_id = models.IntegerField(null=True, blank=True, db_index=True)
    content_key = ExactCharField(max_length=255, db_index=True)
    parent_content_key = ExactCharField(max_length=255, null=True, blank=True, db_index=True)
    is_assigned_course_run = models.BooleanField(default=False)
    content_title = models.CharField(max_length=255, null=True, blank=True)
    content_quantity = models.BigIntegerField(help_text="Cost in cents as a debit: never above 0.")
    preferred_course_run_key = ExactCharField(max_length=255, null=True, blank=True, db_index=True)
    state = ExactCharField(max_length=255, choices=States.choices, default=States.ALLOCATED, db_index=True)
    allocated_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    expired_at = models.DateTimeField(null=True, blank=True)
    errored_at = models.DateTimeField(null=True, blank=True)
    reversed_at = models.DateTimeField(null=True, blank=True)
    transaction_uuid = models.UUIDField(null=True, blank=True)
    allocation_batch_id = models.UUIDField(null=True, blank=True, db_index=True)
    admin_lms_user_id = models.IntegerField(null=True, blank=True, db_index=True)
    cycle = models.IntegerField(default=1, help_text="How many times it has been allocated.")
    personal_deadline = models.DateTimeField(
        null=True, blank=True, help_text="Replaces the expiry that the terms give."
    )
    created = CreatedField()
    modified = ModifiedField()

    notified_at = models.DateTimeField(null=True, editable=False)
    notification_failed_at = models.DateTimeField(null=True, editable=False)
    reminded_at = models.DateTimeField(null=True, editable=False)
    enroll_by = models.DateTimeField(null=True, editable=False)
    fund_ends_at = models.DateTimeField(null=True, editable=False)
    expires_at = models.DateTimeField(null=True, editable=False)
    expires_reason = ExactCharField(max_length=32, blank=True, default="", editable=False)
    redemption_uuid = models.UUIDField(
        null=True, editable=False, help_text="A transaction whose enrolment is under way."
    )
    address_scrubbed_at = models.DateTimeField(null=True, editable=False)
    next_reminder_at = models.DateTimeField(
        null=True, default=LOOK_AT_ONCE, editable=False, help_text="When its customer's rules of reminding ask again."
    )

    learner_state = models.GeneratedField(
        expression=by_learner_state({state: str(state) for state in Learner}, None),
        output_field=ExactCharField(max_length=16, null=True),
        db_persist=True,
    )
    learner_state_sort_order = models.GeneratedField(
        expression=by_learner_state(
            {Learner(name): place for place, name in enumerate(LEARNER_STATE_ORDER)}, UNORDERED
        ),
        output_field=models.IntegerField(),
        db_persist=True,
    )
    recent_action = models.GeneratedField(
        expression=Case(
            When(IS_REMINDED, then=Value(str(AssignmentRecentActionTypes.REMINDED))),
            default=Value(str(AssignmentRecentActionTypes.ASSIGNED)),
        ),
        output_field=ExactCharField(max_length=16),
        db_persist=True,
    )
    recent_action_time = models.GeneratedField(
        expression=Case(When(IS_REMINDED, then=F("reminded_at")), default=CYCLE_START),
        output_field=models.DateTimeField(),
        db_persist=True,
    )
    listed = models.GeneratedField(  # a number: by a bare truth value SQLite seeks in no index
        expression=Case(When(state__in=sorted(LISTED), then=Value(1)), default=Value(0)),
        output_field=models.SmallIntegerField(),
        db_persist=True,
    )
    scrub_rule = models.GeneratedField(
        expression=SCRUB_RULE, output_field=models.SmallIntegerField(null=True), db_persist=True
    )
    ended_at = models.GeneratedField(expression=ENDED_AT, output_field=models.DateTimeField(null=True), db_persist=True)

    history = History(excluded_fields=UNTRACKED)
    _stored: dict[str, Any] = {}  # replaced, never changed

    objects = LearnerContentAssignmentQuerySet.as_manager()

    class Meta:
        ordering = ("created", "uuid")
        constraints = [
            models.UniqueConstraint(
                fields=("assignment_configuration", "learner_email_key", "content_key"), name="bursar_once_per_address"
            ),
            models.UniqueConstraint(
                fields=("assignment_configuration", "lms_user_id", "content_key"), name="bursar_once_per_user"
            ),
            models.CheckConstraint(condition=Q(content_quantity__lte=0), name="bursar_assignment_is_a_debit"),
        ]
        indexes = [
            models.Index(
                fields=("assignment_configuration", "listed", "recent_action_time", "uuid"), name="bursar_list_recent"
            ),
            models.Index(
                fields=("assignment_configuration", "listed", "learner_state_sort_order", "recent_action_time", "uuid"),
                name="bursar_list_learner_state",
            ),
            models.Index(
                fields=("assignment_configuration", "listed", "content_quantity", "uuid"), name="bursar_list_amount"
            ),
            models.Index(
                fields=("assignment_configuration", "state", "recent_action_time", "uuid"), name="bursar_list_state"
            ),
            models.Index(fields=("state", "expires_at", "uuid"), name="bursar_due_to_expire"),
            models.Index(fields=("learner_email_key", "uuid"), name="bursar_by_address"),
            models.Index(fields=("scrub_rule", "ended_at", "uuid"), name="bursar_due_to_scrub"),
            models.Index(fields=("content_key", "state"), name="bursar_by_content"),
            models.Index(fields=("assignment_configuration", "state", "next_reminder_at"), name="bursar_due_to_remind"),
        ]

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """Insert; or write the fields changed since loading (of `update_fields`, if given), and nothing else.

        Raises `Refused` (`state_needs_a_verb`) when `state` was changed by hand, and like Django ValueError when
        `update_fields` names what is no field. A write of nothing but derived facts leaves no history row and does not
        move `modified`.
        """
        if self._state.adding:
            self._insert(*args, **kwargs)
            return
        changed = self._changed_fields(update_fields)
        if "state" in changed:
            raise Refused(
                f"The state of an assignment is not written by hand; use {verb_to(self.state)}.",
                code="state_needs_a_verb",
            )
        if changed:
            self._write(changed, **kwargs)

    @classmethod
    def from_db(cls, db: str | None, field_names: Collection[str], values: Collection[Any], **kwargs: Any) -> Self:
        """Remember what was loaded, so that `save` knows what has changed."""
        instance = super().from_db(db, field_names, values, **kwargs)
        instance.remember()
        return instance

    def refresh_from_db(
        self, using: str | None = None, fields: Iterable[str] | None = None, from_queryset: Any = None
    ) -> None:
        """Load again, all or the named fields, and remember what was loaded."""
        named = None if fields is None else list(fields)
        super().refresh_from_db(using=using, fields=named, from_queryset=from_queryset)
        self.remember(None if named is None else _attribute_names(named))

    def remember(self, names: Collection[str] | None = None) -> None:
        """Take the values that are loaded now (of `names`, if given) for those in the database."""
        loaded = {name: self.__dict__[name] for name in WRITABLE if name in self.__dict__}
        if names is None:
            self._stored = loaded
        else:
            self._stored = self._stored | {name: value for name, value in loaded.items() if name in names}

    def has_written(self, names: Iterable[str]) -> None:
        """Note that these fields are in the database now, and let what it generates of them be loaded at a next look."""
        written = _attribute_names(names)
        self.remember(written)
        if COUNTED & written:
            self._forget(GENERATED)
        if DATED & written and "expires_at" not in written:
            self._forget(EXPIRY)

    def clean(self) -> None:
        """Refuse an amount above 0: a cost is a debit."""
        super().clean()
        if self.content_quantity is not None and self.content_quantity > 0:
            raise ValidationError({"content_quantity": "The cost of an assignment is a debit: 0 or below."})

    def _insert(self, *args: Any, **kwargs: Any) -> None:
        schedule(self)
        with one_commit():
            super().save(*args, **kwargs)
            shift_counts({}, tally([(self.assignment_configuration_id, self.state, self.learner_state)]))
        self.remember()

    def _changed_fields(self, update_fields: Iterable[str] | None) -> set[str]:
        stored = self._stored
        changed = {
            name for name in WRITABLE if name in self.__dict__ and self.__dict__[name] != stored.get(name, _ABSENT)
        }
        if update_fields is None:
            return changed
        named = _attribute_names(update_fields)
        if unknown := named - NAMEABLE:
            raise ValueError(f"An assignment has no such fields to write: {', '.join(sorted(unknown))}.")
        return changed & named

    def _write(self, changed: set[str], **kwargs: Any) -> None:
        fields = set(changed)
        if "learner_email" in changed:
            fields |= GOES_WITH_ADDRESS
        tracked = not changed <= set(UNTRACKED)
        if tracked:
            fields.add("modified")
        else:
            self.skip_history_when_saving = True
        row = type(self).objects.filter(pk=self.pk)
        try:
            with one_commit():
                before = lock_and_tally(row) if COUNTED & changed else None
                super().save(update_fields=fields, **kwargs)
                if DATED & changed and "expires_at" not in changed:
                    reschedule(row)
                if before is not None:
                    shift_counts(before, tally_of(row))
        finally:
            if not tracked:
                del self.skip_history_when_saving
        self.has_written(fields)

    def _forget(self, names: Iterable[str]) -> None:
        """Let what the database has be loaded at the next look."""
        for name in names:
            self.__dict__.pop(name, None)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete for good, and count; the history stays."""
        row = type(self).objects.filter(pk=self.pk)
        with one_commit():
            before = lock_and_tally(row)
            self.__dict__.update(row.values(*WRITABLE).first() or {})  # history keeps the row, not what is in memory
            deleted = super().delete(*args, **kwargs)
            shift_counts(before, {})
        return deleted

    @classmethod
    def bulk_create(cls, records: Iterable["LearnerContentAssignment"]) -> list["LearnerContentAssignment"]:
        """Insert records with a history row each, and return them."""
        with one_commit():
            created = cast("list[LearnerContentAssignment]", cls.objects.bulk_create(records))
            record_history(cls, [record.pk for record in created], "+")
        return created

    @classmethod
    def bulk_update(cls, records: Iterable["LearnerContentAssignment"], field_names: Iterable[str]) -> int:
        """Write the named fields of records, with a history row each and a new `modified`; returns how many rows."""
        rows, now = list(records), clock.now()
        for row in rows:
            row.modified = now
        with one_commit():
            updated = cls.objects.bulk_update(rows, {*field_names, "modified"})
            record_history(cls, [row.pk for row in rows], "~")
        return updated

    def terms(self) -> expiry.Terms:
        """Return what the expiry follows from, as stored."""
        return expiry.Terms(
            self.created, self.allocated_at, self.notified_at, self.enroll_by, self.fund_ends_at, self.personal_deadline
        )

    def get_allocation_timeout_expiration(self) -> datetime:
        """Return 90 days after the learner was last told of the current allocation; a reminder never moves it."""
        told = self.get_last_successful_notified_action()
        notified_at = told.completed_at if told else None
        return expiry.timeout(expiry.Terms(self.created, self.allocated_at, notified_at))

    def entered_state_at(self) -> datetime | None:
        """Return when the present state was last entered, as the record says."""
        moment: datetime | None = getattr(self, f"{self.state}_at", None)
        return moment

    def last_successful(self, kind: AssignmentActions) -> LearnerContentAssignmentAction | None:
        """Return the newest completed, error-free action of a kind; from memory if the actions were prefetched."""
        if "actions" in getattr(self, "_prefetched_objects_cache", {}):
            done = [action for action in self.actions.all() if action.action_type == kind and action.succeeded]
            return max(done, key=lambda action: (action.completed_at, action.created), default=None)
        done_rows = self.actions.filter(action_type=kind, error_reason=None, completed_at__isnull=False)
        return done_rows.order_by("-completed_at", "-created").first()

    def last_ending(self, kind: AssignmentActions) -> LearnerContentAssignmentAction | None:
        """Return the newest successful action that told of an expiry or cancellation, unless of an earlier cycle's."""
        action = self.last_successful(kind)
        return action if action is not None and action.is_since(self.allocated_at) else None

    def add_action(
        self, kind: AssignmentActions, error: AssignmentActionErrors | None = None, exc: BaseException | None = None
    ) -> LearnerContentAssignmentAction:
        """Record an action and take its consequences for the list fields over into this instance."""
        (action,) = LearnerContentAssignmentAction.objects.record_many([self.pk], kind, error=error, exc=exc)
        action.assignment = self
        self.forget_actions()
        self._forget((*FACTS, *EXPIRY, *GENERATED))
        return action

    def forget_actions(self) -> None:
        """Drop actions read earlier, because there are newer ones."""
        getattr(self, "_prefetched_objects_cache", {}).pop("actions", None)

    @property
    def learner_acknowledged(self) -> bool | None:
        """Whether the learner has dismissed this expiry or cancellation; None in any other state."""
        kinds = {States.EXPIRED.value: AssignmentActions.EXPIRED, States.CANCELLED.value: AssignmentActions.CANCELLED}
        if self.state not in kinds:
            return None
        action = self.last_ending(kinds[self.state])
        if action is None:
            logger.warning(
                "%s assignment %s has no successful %s action", self.state, self.uuid, kinds[self.state].value
            )
            return False
        return action.learner_acknowledged

    def clear_pii(self) -> None:
        """Put a fresh retired address on the record (the caller saves) and on all its history, and erase every trace.

        Tracebacks and the person behind the address go too; `lms_user_id` stays.
        """
        with one_commit():
            erase_traces([self])
        self.address_scrubbed_at = clock.now()

    @classmethod
    def annotate_dynamic_fields_onto_queryset(
        cls, queryset: "models.QuerySet[LearnerContentAssignment]"
    ) -> "models.QuerySet[LearnerContentAssignment]":
        """Return the queryset as it is: the fields that it used to add are columns now."""
        return queryset


def _attribute_names(names: Iterable[str]) -> set[str]:
    """Return the names under which instances keep these fields: a foreign key's ends in `_id`."""
    fields = {field.name: field.attname for field in LearnerContentAssignment._meta.concrete_fields}
    return {fields.get(name, name) for name in names}


_ABSENT: Final = object()
NAMEABLE: Final = frozenset(
    field.attname for field in LearnerContentAssignment._meta.concrete_fields if not field.primary_key
)
WRITABLE: Final[Sequence[str]] = tuple(
    field.attname
    for field in LearnerContentAssignment._meta.concrete_fields
    if not field.generated and field.attname not in {"uuid", "learner_email_key", "modified"}
)

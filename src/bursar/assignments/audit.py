"""Recomputes what assignments say: holds, payments, history, list facts, generated columns, counts, keys, expiries."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, Max, Model, Sum

from bursar.assignments import expiry, projections
from bursar.assignments.models import (
    AllocationBatch,
    AssignmentConfiguration,
    AssignmentCounts,
    LearnerContentAssignment,
    LearnerContentAssignmentAction,
)
from bursar.assignments.models.actions import facts_from_actions
from bursar.assignments.models.columns import FACTS
from bursar.assignments.models.counts import COLUMNS
from bursar.assignments.projections import Facts
from bursar.assignments.services.chunked import Progress
from bursar.assignments.states import ENDED, LISTED, State
from bursar.budgets.audit import audit_money
from bursar.budgets.models import Budget, Transaction, TransactionState
from bursar.kernel.audit import Difference
from bursar.kernel.batching import chunks
from bursar.kernel.transactions import snapshot
from bursar.people.keys import key_of
from bursar.webhooks.audit import audit_events

READ_AT_ONCE: Final = 1000
TRACKED: Final[Sequence[type[Model]]] = (
    AssignmentConfiguration,
    LearnerContentAssignment,
    LearnerContentAssignmentAction,
)


def run_audit(*, progress: Progress | None = None) -> list[Difference]:
    """Return every difference between what is kept and what the records say, of one moment; changes nothing.

    Reads every assignment once: minutes for millions. `progress` is called with the number read.
    """
    with snapshot():
        return [
            *audit_money(),
            *audit_events(),
            *_audit_holds(),
            *_audit_payments(),
            *_audit_counts(),
            *_audit_rows(progress),
            *(difference for model in TRACKED for difference in _audit_history(model)),
        ]


def _audit_holds() -> Iterator[Difference]:
    rows = LearnerContentAssignment.objects.filter(state=State.ALLOCATED).order_by()
    held: Counter[UUID] = Counter()
    for key, total in rows.values_list("assignment_configuration").annotate(total=-Sum("content_quantity")):
        held[key] += total
    batches = AllocationBatch.objects.order_by().values_list("configuration")
    for key, total in batches.annotate(total=Sum("hold_cents")):
        held[key] += total
    for budget in Budget.objects.order_by("pk"):
        want = held[budget.assignment_configuration_id] if budget.assignment_configuration_id else 0
        if want != budget.held_cents:
            words = "What is held is not what open assignments and unfinished allocations cost."
            yield Difference("budget_held", f"budget {budget.pk}", words, want, budget.held_cents)


def _audit_payments() -> Iterator[Difference]:
    """Compare accepted assignments with committed transactions, and pending ones with enrolments under way."""
    paid = {
        row.pk: row
        for row in Transaction.objects.filter(state=TransactionState.COMMITTED, reversal=None).iterator(READ_AT_ONCE)
    }
    assignments = LearnerContentAssignment.objects.filter(assignment_configuration__subsidy_access_policy__isnull=False)
    accepted = assignments.filter(state=State.ACCEPTED).values_list("pk", "transaction_uuid", "content_quantity")
    for key, transaction, quantity in accepted.iterator(READ_AT_ONCE):
        row = paid.pop(transaction, None) if transaction else None
        if (row is None and quantity) or (row is not None and (row.assignment_uuid, row.quantity) != (key, quantity)):
            found = row.quantity if row else None
            yield Difference("unpaid", f"assignment {key}", "No transaction pays for it as it stands.", quantity, found)
    for transaction in sorted(paid):
        words = "A committed transaction pays for nothing that is accepted."
        yield Difference("paid_for_nothing", f"transaction {transaction}", words, "accepted", None)
    pending = Transaction.objects.filter(state=TransactionState.PENDING).values_list("assignment_uuid", "pk")
    under_way = LearnerContentAssignment.objects.exclude(redemption_uuid=None).values_list("pk", "redemption_uuid")
    for key, transaction in sorted(set(pending) ^ set(under_way)):
        words = "An enrolment under way and its pending transaction do not match."
        yield Difference("pending_mismatch", f"assignment {key}", words, str(transaction), None)


def _audit_counts() -> Iterator[Difference]:
    found: dict[UUID, Counter[str]] = {}
    groups = LearnerContentAssignment.objects.exclude(assignment_configuration=None).order_by()
    for configuration, state, learner, amount in groups.values_list(
        "assignment_configuration_id", "state", "learner_state"
    ).annotate(amount=Count("pk")):
        found.setdefault(configuration, Counter())[COLUMNS.get((state, learner), state)] += amount
    kept = AssignmentCounts.objects.in_bulk()
    for configuration in sorted({*found, *kept}):
        row, true = kept.get(configuration), found.get(configuration, Counter())
        for column in COLUMNS.values():
            counted = getattr(row, column) if row else 0
            if counted != true[column]:
                words = f"The count of {column.replace('_', ' ')} assignments is wrong."
                yield Difference("count", f"configuration {configuration}", words, true[column], counted)


def _audit_rows(progress: Progress | None) -> Iterator[Difference]:
    """Compare what each row keeps for lists and sweeps with what follows from its actions and terms."""
    derived = {
        f"true_{name}": expression for name, expression in facts_from_actions(LearnerContentAssignmentAction).items()
    }
    rows: Any = LearnerContentAssignment.objects.annotate(**derived).order_by("pk")
    for place, row in enumerate(rows.iterator(READ_AT_ONCE), start=1):
        yield from _audit_row(row)
        if progress and place % READ_AT_ONCE == 0:
            progress(READ_AT_ONCE)


def _audit_row(row: Any) -> Iterator[Difference]:
    facts = Facts(
        row.state, row.created, row.allocated_at, row.notified_at, row.notification_failed_at, row.reminded_at
    )
    learner = projections.learner_state(facts)
    action, at = projections.recent_action(facts)
    due = expiry.due(row.terms())
    pairs = [(name, getattr(row, f"true_{name}"), getattr(row, name)) for name in FACTS]
    pairs += [
        ("learner_state", learner, row.learner_state),
        ("learner_state_sort_order", projections.learner_state_sort_order(facts), row.learner_state_sort_order),
        ("recent_action", action, row.recent_action),
        ("recent_action_time", at, row.recent_action_time),
        ("listed", row.state in LISTED, row.listed),
        ("learner_email_key", key_of(row.learner_email), row.learner_email_key),
        ("scrub_rule", _scrub_rule(row), row.scrub_rule),
        ("ended_at", projections.ended_at(row.state, _stamps(row), row.modified), row.ended_at),
    ]
    if row.state == State.ALLOCATED and row.expires_at is not None:
        pairs += [("expires_at", due.at, row.expires_at), ("expires_reason", due.reason.value, row.expires_reason)]
    for name, want, found in pairs:
        if want != found:
            words = f"{name} is not what follows from the records."
            hidden = name == "learner_email_key"
            yield Difference(
                f"fact_{name}", f"assignment {row.pk}", words, None if hidden else want, None if hidden else found
            )


def _scrub_rule(row: Any) -> projections.ScrubRule | None:
    return projections.scrub_rule(row.state, row.expires_reason, row.address_scrubbed_at)


def _stamps(row: Any) -> dict[str, Any]:
    return {state: getattr(row, f"{state}_at") for state in ENDED}


def _audit_history(model: Any) -> Iterator[Difference]:
    """Name rows whose newest history row is missing or says something else than the row itself."""
    history = model.history.model
    key = model._meta.pk.attname
    names = [field.attname for field in history.tracked_fields if field.attname != "modified"]
    for part in chunks(model._base_manager.order_by("pk").values_list("pk", *names).iterator(READ_AT_ONCE)):
        past = _newest(history, key, [row[0] for row in part], names)
        for row_key, *values in part:
            subject = f"{model.__name__} {row_key}"
            known = past.get(row_key)
            if known is None:
                yield Difference("history_missing", subject, "It has no history.", "a history row", None)
            elif tuple(values) != known:
                changed = [name for name, now, then in zip(names, values, known, strict=True) if now != then]
                words = f"Its history does not know of its present {', '.join(changed)}."
                yield Difference("history_behind", subject, words, "the row's values", changed)


def _newest(history: Any, key: str, keys: Sequence[UUID], names: Sequence[str]) -> dict[UUID, tuple[Any, ...]]:
    """Return what the newest history row of each of these records says, by key."""
    last = history.objects.filter(**{f"{key}__in": keys}).order_by().values(key).annotate(last=Max("history_id"))
    rows = history.objects.filter(history_id__in=last.values("last"), history_type__in=("+", "~"))
    return {row[0]: tuple(row[1:]) for row in rows.values_list(key, *names)}

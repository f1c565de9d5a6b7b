"""The only writer of `state`: compare-and-set, then history, actions and messages, then counts, then money. Always in bulk."""

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db.models import F, Q, QuerySet

from bursar.assignments.constants import AssignmentActions
from bursar.assignments.events import DECLINED, NOTED, TOPIC_MAIL, Act, EventType, HistoryReason, event_of
from bursar.assignments.models import AssignmentConfiguration, LearnerContentAssignment, LearnerContentAssignmentAction
from bursar.assignments.models.counts import Tally, shift_counts, tally
from bursar.assignments.projections import Facts, learner_state
from bursar.assignments.reminders import LOOK_AT_ONCE
from bursar.assignments.states import HOLDING, STEPS, Money, State, Verb, starts
from bursar.budgets.models import Budget
from bursar.budgets.services import Change, Entry, move_money
from bursar.kernel.actor import Actor
from bursar.kernel.history import record_history
from bursar.kernel.transactions import require_transaction
from bursar.outbox.services import Item, enqueue_many
from bursar.people.access import Permission, customers
from bursar.people.auditing import About, record_act
from bursar.webhooks.services import Fact, record_events

logger = logging.getLogger(__name__)

# Most urgent first: an invitation does not wait behind a hundred thousand nudges.
PRIORITY: Final = {
    "assigned": 10, "time_granted": 15, "time_refused": 15, "extended": 15, "cancelled": 20, "expired": 30,
    "reminded": 40, "nudged": 60,
}  # fmt: skip


PEOPLE: Final = frozenset({"person", "client", "console"})
PAID_ONCE: Final = frozenset({State.ACCEPTED, State.REVERSED, State.ERRORED})


class Row(NamedTuple):
    """What a step needs to know of an assignment; read under lock."""

    uuid: UUID
    configuration: UUID | None
    state: str
    learner_state: str | None
    cycle: int
    quantity: int
    redemption: UUID | None
    created: datetime
    allocated_at: datetime | None
    notified_at: datetime | None
    notification_failed_at: datetime | None
    expires_at: datetime | None
    transaction: UUID | None
    content_key: str
    lms_user_id: int | None

    def after(self, state: str, allocated_at: datetime | None = None) -> str | None:
        """Return the learner state that the row has once it is in `state`."""
        start = allocated_at or self.allocated_at
        facts = Facts(state, self.created, start, self.notified_at, self.notification_failed_at)
        return learner_state(facts)


COLUMNS: Final = (
    *("uuid", "assignment_configuration_id", "state", "learner_state", "cycle", "content_quantity", "redemption_uuid"),
    *("created", "allocated_at", "notified_at", "notification_failed_at", "expires_at", "transaction_uuid"),
    *("content_key", "lms_user_id"),
)


@dataclass(frozen=True, slots=True)
class How:
    """How a step is taken: by whom, when, why, and what else it writes on the rows."""

    actor: Actor
    at: datetime
    reason: str
    succeeded: bool = True
    tell: bool = True
    pays: bool = True  # off where the money stays held, by what comes in its place
    values: Mapping[str, Any] = field(default_factory=dict)
    action: AssignmentActions | None = None
    entries: Mapping[UUID, Entry] = field(default_factory=dict)  # by assignment


def raw(keys: Sequence[UUID]) -> "QuerySet[LearnerContentAssignment]":
    """Return these assignments as plain rows, whose writer moves the counts itself."""
    return QuerySet(LearnerContentAssignment).filter(pk__in=keys)


def lock(keys: Sequence[UUID], actor: Actor, permission: Permission) -> dict[UUID, Row]:
    """Lock the assignments with these keys that `actor` may touch, in key order, and return them."""
    require_transaction()
    rows = visible(raw(keys), actor, permission).select_for_update().order_by("pk")
    return {row[0]: Row(*row) for row in rows.values_list(*COLUMNS)}


def visible(
    rows: "QuerySet[LearnerContentAssignment]", actor: Actor, permission: Permission
) -> "QuerySet[LearnerContentAssignment]":
    """Keep the assignments of customers where `actor` has `permission`."""
    allowed = customers(actor, permission)
    if allowed is None:
        return rows
    mine = AssignmentConfiguration.objects.filter(enterprise_customer_uuid__in=allowed)
    return rows.filter(assignment_configuration__in=mine.values("pk"))


class LostRaceError(RuntimeError):
    """A row was not in the state it was locked in: a rule of ours is wrong, and the transaction must not commit."""


def move_many(verb: Verb, rows: Sequence[Row], how: How) -> None:
    """Take one step with rows locked by the caller's transaction, all of which may take it.

    Writes state with its timestamp, history, an action if named, the message that the step owes, counts and money. A
    fixed number of statements, and a few for each budget touched.
    """
    require_transaction()
    if not rows:
        return
    step = STEPS[verb]
    target = step.succeeded if how.succeeded else step.failed
    if target is None:
        raise ValueError(f"{verb} does not move the state")
    keys = [row.uuid for row in rows]
    _write_state(verb, keys, target, how)
    record_history(LearnerContentAssignment, keys, "~", reason=how.reason, user_id=how.actor.user_id, at=how.at)
    if how.action:
        LearnerContentAssignmentAction.objects.record_many(
            keys, how.action, at=how.at, user_id=how.actor.user_id, counting=False
        )
    if step.message and how.tell and how.succeeded:
        tell(step.message, rows, at=how.at)
    announce(
        event_of(verb, succeeded=how.succeeded, reason=how.reason),
        [row._replace(state=target, transaction=row.redemption or row.transaction) for row in rows],
        at=how.at,
        reason=how.reason,
    )
    if verb in NOTED and how.reason not in DECLINED:
        note(NOTED[verb], rows, how.actor, reason=how.reason)
    shift_counts(tally_rows(rows), tally((row.configuration, target, row.after(target)) for row in rows))
    effect = step.money if how.succeeded else Money.RELEASE
    if how.pays:
        pay(effect, rows, entries=how.entries)


def tally_rows(rows: Iterable[Row]) -> Tally:
    """Count rows as they are."""
    return tally((row.configuration, row.state, row.learner_state) for row in rows)


def _write_state(verb: Verb, keys: Sequence[UUID], target: State, how: How) -> None:
    stamps: dict[str, datetime | None] = {f"{target}_at": how.at, "modified": how.at}
    if target is State.ACCEPTED:
        stamps |= dict.fromkeys(("cancelled_at", "expired_at", "errored_at", "reversed_at"))
    moved = raw(keys).filter(state__in=starts(verb)).update(state=target, **stamps, **how.values)
    if moved != len(keys):
        raise LostRaceError(f"{len(keys) - moved} of {len(keys)} assignments could not {verb}")


def tell(kind: str, rows: Sequence[Row], *, at: datetime, ordinals: Mapping[UUID, int] | None = None) -> None:
    """Leave a message of this kind for each row in the outbox, with the present cycle."""
    customer_of = customers_of(rows)
    by_customer: dict[UUID | None, list[Item]] = defaultdict(list)
    for row in rows:
        by_customer[customer_of.get(row.uuid)].append(Item(row.uuid, row.cycle, (ordinals or {}).get(row.uuid, 1)))
    for customer, items in by_customer.items():
        enqueue_many(TOPIC_MAIL, kind, items, customer=customer, priority=PRIORITY[kind], due_at=at)


def customers_of(rows: Sequence[Row]) -> dict[UUID, UUID]:
    """Return the customer of each assignment; those without a configuration have none."""
    found = AssignmentConfiguration.objects.filter(pk__in={row.configuration for row in rows if row.configuration})
    owner = dict(found.values_list("pk", "enterprise_customer_uuid"))
    return {row.uuid: owner[row.configuration] for row in rows if row.configuration in owner}


def note(act: Act, rows: Sequence[Row], actor: Actor, *, reason: str = "") -> None:
    """Write down that somebody did this to these rows: one entry for each customer, none for what time does by itself."""
    if not rows or actor.kind not in PEOPLE:
        return
    by_customer: dict[UUID, list[UUID]] = defaultdict(list)
    for key, customer in customers_of(rows).items():
        by_customer[customer].append(key)
    word = reason if reason in set(HistoryReason) else ""  # an actor's own words may name people
    for customer, keys in sorted(by_customer.items()):
        about = About(keys[0] if len(keys) == 1 else None)
        record_act(actor, act, customer, about, reason=word, count=len(keys))


def announce(
    kind: EventType, rows: Sequence[Row], *, at: datetime, reason: str = "", customer: UUID | None = None
) -> None:
    """Write for other systems that this happened to each of these rows, given as they are now; two statements.

    Ids, amounts in cents and fixed words alone. Without `customer` each row's own is looked up.
    """
    owner = customers_of(rows) if customer is None else {row.uuid: customer for row in rows}
    word = reason if reason in set(HistoryReason) else ""  # an actor's own words may name people
    facts = [Fact(owner[row.uuid], row.uuid, _facts(row, word)) for row in rows if row.uuid in owner]
    record_events(kind, facts, at=at)


def announce_as_they_stand(kind: EventType, keys: Sequence[UUID], *, at: datetime, reason: str = "") -> None:
    """Write that this happened to the assignments with these keys, which the caller holds locked; three statements."""
    rows = raw(keys).order_by("pk").values_list(*COLUMNS)
    announce(kind, [Row(*row) for row in rows], at=at, reason=reason)


def _facts(row: Row, reason: str) -> dict[str, Any]:
    return {
        "assignment": str(row.uuid),
        "configuration": str(row.configuration),
        "state": str(row.state),
        "cycle": row.cycle,
        "content_key": row.content_key,
        "price_cents": -row.quantity,
        "lms_user_id": row.lms_user_id,
        "transaction": str(row.transaction) if row.transaction and row.state in PAID_ONCE else None,
        "reason": reason or None,
    }


def pay(effect: Money, rows: Sequence[Row], *, entries: Mapping[UUID, Entry] | None = None) -> None:
    """Apply what a step does to money, by budget; an assignment that holds nothing releases nothing."""
    held: Counter[UUID] = Counter()
    spent: Counter[UUID] = Counter()
    booked: dict[UUID, list[Entry]] = defaultdict(list)
    for row in rows:
        if row.configuration is None:
            continue
        cents = -row.quantity
        if effect in (Money.RELEASE, Money.SPEND) and row.state in HOLDING:
            held[row.configuration] -= cents
        if effect is Money.HOLD:
            held[row.configuration] += cents
        if effect in (Money.SPEND, Money.REFUND):
            spent[row.configuration] += cents if effect is Money.SPEND else -cents
        if entries and row.uuid in entries:
            booked[row.configuration].append(entries[row.uuid])
    touched = held.keys() | spent.keys() | booked.keys()
    budgets = Budget.objects.filter(assignment_configuration__in=touched).values_list(
        "assignment_configuration_id", "pk", "held_cents"
    )
    move_money({
        budget: Change(_at_most(there, held[configuration], budget), spent[configuration], booked[configuration])
        for configuration, budget, there in budgets
        if configuration
    })  # fmt: skip


def _at_most(there: int, change: int, budget: UUID) -> int:
    """Return what a step changes of what a budget holds: it takes away no more than is there.

    Only rows written past the verbs, for which nothing was ever held, come to that (the rows that are locked here would
    hold the rest). They can be cancelled, expired and taken up like any other; the limit guards what they then spend.
    """
    if there + change < 0:
        logger.warning("budget %s holds %d cents, less than the %d that a step releases", budget, there, -change)
    return max(change, -there)


def renew_many(rows: Sequence[Row], how: How, quantity: int) -> list[Row]:
    """Start a new cycle of rows in a state that may be allocated again; returns them as they are now, unpaid.

    The caller writes addresses and user ids, and pays: it alone knows whether a batch has reserved the money already.
    """
    keys = [row.uuid for row in rows]
    cleared = dict.fromkeys(("accepted_at", "cancelled_at", "expired_at", "errored_at", "reversed_at"))
    moved = raw(keys).filter(state__in=starts(Verb.ALLOCATE)).update(
        state=State.ALLOCATED, allocated_at=how.at, modified=how.at, cycle=F("cycle") + 1,
        content_quantity=quantity, personal_deadline=None, address_scrubbed_at=None, redemption_uuid=None,
        next_reminder_at=LOOK_AT_ONCE,
        **cleared, **how.values,
    )  # fmt: skip
    if moved != len(keys):
        raise LostRaceError(f"{len(keys) - moved} of {len(keys)} assignments could not be allocated again")
    return [
        row._replace(
            state=State.ALLOCATED, allocated_at=how.at, cycle=row.cycle + 1, quantity=quantity,
            learner_state=row.after(State.ALLOCATED, how.at),
        )
        for row in rows
    ]  # fmt: skip


def due_rows(now: datetime) -> "QuerySet[LearnerContentAssignment]":
    """Return the allocated assignments whose date has come and whose enrolment is not under way."""
    open_rows = LearnerContentAssignment.objects.filter(Q(state__in=starts(Verb.EXPIRE)), redemption_uuid=None)
    return open_rows.filter(expires_at__lte=now)

"""Taking the steps of a reminder policy: each once, with the message that it owes, in one commit."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from bursar.assignments import moves
from bursar.assignments.events import DIGEST, TOPIC_DIGEST, TOPIC_MAIL, MessageKind
from bursar.assignments.models import AssignmentConfiguration, LearnerContentAssignment, ReminderPolicy, ReminderStep
from bursar.assignments.reminders import LOOK_AT_ONCE, Plan, local_day
from bursar.assignments.reminding import Open, assignments_to, looks_unplanned, people_of, read_open
from bursar.assignments.states import State
from bursar.assignments.wishes import rules_of
from bursar.kernel import clock
from bursar.kernel.batching import chunks
from bursar.kernel.bulk import insert_rows, update_rows
from bursar.kernel.transactions import writes
from bursar.outbox.services import Item, enqueue_many, next_ordinals


@dataclass(frozen=True, slots=True)
class Looked:
    """How many open assignments were looked at, and how many mails that left in the outbox."""

    assignments: int = 0
    mails: int = 0


@dataclass(frozen=True, slots=True)
class Taken:
    """What is done for one person: who that is (None: nobody is known), their zone's day, their rows and the plan."""

    person: UUID | None
    day: int
    rows: Mapping[UUID, moves.Row]
    plan: Plan


@writes
def remind_people(customer: UUID, address_keys: Sequence[str]) -> Looked:
    """Look at everything open to these people at a customer, take the steps that are due, and note the next look.

    One transaction, a fixed number of statements. The rows are locked first: of two who look at the same person at once
    the second finds nothing left to look at.
    """
    now = clock.now()
    policy = ReminderPolicy.objects.filter(pk=customer).first()
    found = _lock_open(customer, address_keys, now)
    if policy is None or not found:
        return Looked()
    looks = looks_unplanned(found, now)
    taken = list(_plan_each(policy, found, now)) if rules_of(policy).enabled else []
    for part in taken:
        looks |= part.plan.look_at
    mails = _write(customer, taken, now)
    update_rows(LearnerContentAssignment, ["next_reminder_at"], list(looks.items()))
    return Looked(len(looks), mails)


def _lock_open(customer: UUID, address_keys: Sequence[str], now: datetime) -> list[Open]:
    """Lock all that is open to these people at the customer, and return that of whoever is to be looked at now."""
    rows = assignments_to(customer, address_keys).filter(state=State.ALLOCATED)
    found = read_open(rows.select_for_update().order_by("pk"))
    due = {item.address_key for item in found if item.looks_at is not None and item.looks_at <= now}
    return [item for item in found if item.address_key in due]


def _plan_each(policy: ReminderPolicy, found: Sequence[Open], now: datetime) -> Iterator[Taken]:
    """Yield what is to be done for each person; whoever wants or takes no mail is left out. Six statements."""
    rules = rules_of(policy)
    for one in people_of(policy, found, now):
        if one.stopped is None:
            rows = {item.row.uuid: item.row for item in one.items}
            yield Taken(one.person.pk if one.person else None, local_day(one.zone, now), rows, one.plan(rules, now))


def _write(customer: UUID, taken: Sequence[Taken], now: datetime) -> int:
    """Write the steps and the messages that they owe; returns how many messages."""
    steps: list[tuple[Any, ...]] = []
    singles: list[moves.Row] = []
    digests: list[Item] = []
    for part in taken:
        for mail in part.plan.mails:
            together = len(mail) > 1 and part.person is not None
            if together and part.person is not None:
                digests.append(Item(part.person, 1, part.day))
            else:
                singles += [part.rows[key] for key in mail]
            for key in mail:
                step = part.plan.steps[key]
                at = max(now, step.moment)
                steps.append((key, part.rows[key].cycle, step.slot, part.day if together else None, at))
    insert_rows(ReminderStep, ("assignment_uuid", "cycle", "slot", "digest", "taken_at"), sorted(steps, key=_first))
    _tell(singles, now)
    if digests:
        urgency = moves.PRIORITY[MessageKind.REMINDED]
        enqueue_many(TOPIC_DIGEST, DIGEST, digests, customer=customer, priority=urgency, due_at=now)
    return len(singles) + len(digests)


def _first(row: Sequence[Any]) -> Any:
    return row[0]


def _tell(rows: Sequence[moves.Row], now: datetime) -> None:
    """Leave a reminder for each assignment, beside those that an admin has asked for."""
    if not rows:
        return
    ordered = sorted(rows, key=_first)
    ordinals = next_ordinals(TOPIC_MAIL, MessageKind.REMINDED, [(row.uuid, row.cycle) for row in ordered])
    by_key = {row.uuid: ordinals[row.uuid, row.cycle] for row in ordered}
    moves.tell(MessageKind.REMINDED, ordered, at=now, ordinals=by_key)


def apply_policy(customer: UUID) -> int:
    """Let everything open at a customer be looked at under its new rules; returns how many. By chunks of one transaction.

    The policy is marked as applied at the end, unless it has been changed again meanwhile: a kill leaves it to do anew.
    """
    version = ReminderPolicy.objects.filter(pk=customer).values_list("modified", flat=True).first() or LOOK_AT_ONCE
    mine = AssignmentConfiguration.objects.filter(enterprise_customer_uuid=customer)
    rows = LearnerContentAssignment.objects.filter(assignment_configuration__in=mine, state=State.ALLOCATED)
    keys = rows.order_by("pk").values_list("pk", flat=True)
    found = sum(_look_anew(part) for part in chunks(keys.iterator()))
    _mark_applied(customer, version)
    return found


@writes
def _look_anew(keys: Sequence[UUID]) -> int:
    locked = list(moves.raw(keys).select_for_update().order_by("pk").values_list("pk", flat=True))
    return moves.raw(locked).update(next_reminder_at=LOOK_AT_ONCE)


@writes
def _mark_applied(customer: UUID, version: datetime) -> None:
    ReminderPolicy.objects.filter(pk=customer, modified=version).update(unapplied=False)

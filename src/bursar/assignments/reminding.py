"""What is known of the people at a customer who may be reminded: their open assignments, and what was sent to them lately.

Read by whoever takes steps (`services.steps`, under lock) and by whoever foretells them (`simulations`, without).
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final
from uuid import UUID

from django.db.models import Q

from bursar.assignments import moves
from bursar.assignments.events import DIGEST, MessageKind
from bursar.assignments.models import AssignmentConfiguration, LearnerContentAssignment, ReminderPolicy, ReminderStep
from bursar.assignments.policy import why_stopped
from bursar.assignments.reminders import CAP_PERIOD, Addressee, Plan, Policy, Waiting, local_day, next_midnight, plan
from bursar.assignments.states import State
from bursar.assignments.wishes import zone_of
from bursar.outbox.models import UNSETTLED, Message
from bursar.outbox.models import State as Fate
from bursar.people.models import Customer, Person
from bursar.people.suppression import NOTHING, stops_of

LOOK_AGAIN: Final = timedelta(days=1)
ONE_AT_A_TIME: Final = timedelta(hours=1)
NOT_SENT: Final = frozenset({Fate.DROPPED, Fate.FAILED})
EXTRA: Final = ("learner_email_key", "reminded_at", "next_reminder_at", "address_scrubbed_at")


@dataclass(frozen=True, slots=True)
class Open:
    """One open assignment: its row as steps know it, and what else decides about reminders."""

    row: moves.Row
    address_key: str
    reminded_at: datetime | None
    looks_at: datetime | None
    scrubbed: bool

    @property
    def can_be_reminded(self) -> bool:
        """Whether there is somebody to be reminded who is not in the middle of accepting."""
        return self.row.redemption is None and not self.scrubbed

    def waiting(self, taken: Mapping[str, datetime], *, invited: bool) -> Waiting:
        """Return what the rules ask; `invited`: the customer sends invitations, so that nobody is told before one left."""
        start = self.row.allocated_at or self.row.created
        told = _within_cycle(self.row.notified_at, start) if invited else start
        reminded = _within_cycle(self.reminded_at, start)
        return Waiting(self.row.uuid, start, told, self.row.expires_at, taken, reminded)


@dataclass(frozen=True, slots=True)
class Reminder:
    """One reminder or digest of somebody, of the last seven days or still to leave; its day if it is a digest."""

    state: str
    settled_at: datetime | None
    day: int | None

    def settled(self, now: datetime) -> "Reminder":
        """Return the same once it has left, if it has not yet."""
        return Reminder(Fate.SENT, now, self.day) if self.state in UNSETTLED else self


@dataclass(frozen=True, slots=True)
class Someone:
    """One person (None: nobody is known by that address), what they could be reminded of, and by what they were.

    `stopped` says in words why they get no reminders at all, None if they do.
    """

    address_key: str
    person: Person | None
    zone: tzinfo
    items: Sequence[Open]
    waiting: Sequence[Waiting]  # without those that are being accepted
    reminders: Sequence[Reminder]
    stopped: str | None = None

    def rules(self, rules: Policy) -> Policy:
        """Return the rules as they hold for them: a digest is for somebody who is known."""
        return replace(rules, digest=rules.digest and self.person is not None)

    def addressee(self, now: datetime) -> Addressee:
        """Return what holds reminders back: those of the week, one that has not left yet, today's digest."""
        recent = tuple(item.settled_at or now for item in self.reminders if item.state not in NOT_SENT)
        holds = [now + ONE_AT_A_TIME for item in self.reminders if item.state in UNSETTLED]
        if any(item.day == local_day(self.zone, now) for item in self.reminders):
            holds.append(next_midnight(self.zone, now))
        return Addressee(self.zone, recent, max(holds, default=None))

    def plan(self, rules: Policy, now: datetime) -> Plan:
        """Return what is due for them at a moment, and when to look again."""
        return plan(self.rules(rules), self.addressee(now), self.waiting, now)


def looks_unplanned(items: Sequence[Open], now: datetime) -> dict[UUID, datetime | None]:
    """Return when to look again at what no plan speaks of: tomorrow, and never at what belongs to nobody any more."""
    return {item.row.uuid: None if item.scrubbed else now + LOOK_AGAIN for item in items}


def assignments_to(customer: UUID, address_keys: Collection[str]) -> Any:
    """Return the assignments to these people at a customer, over all its budgets."""
    mine = AssignmentConfiguration.objects.filter(enterprise_customer_uuid=customer)
    return LearnerContentAssignment.objects.filter(
        learner_email_key__in=address_keys, assignment_configuration__in=mine.values("pk")
    )


def read_open(rows: Any) -> list[Open]:
    """Return these open assignments as reminding knows them; one statement."""
    return [open_of(row) for row in rows.values_list(*moves.COLUMNS, *EXTRA)]


def open_of(values: Sequence[Any]) -> Open:
    """Return one of them from the values of its columns and of `EXTRA`."""
    key, reminded_at, looks_at, scrubbed_at = values[-len(EXTRA) :]
    return Open(moves.Row(*values[: -len(EXTRA)]), key, reminded_at, looks_at, scrubbed_at is not None)


def people_of(policy: ReminderPolicy, found: Sequence[Open], now: datetime) -> Iterator[Someone]:
    """Yield the people behind open assignments; six statements. Of the policy it takes whose it is, and what is not sent."""
    customer, keys = policy.pk, {item.address_key for item in found}
    own_zone = Customer.objects.filter(pk=customer).values_list("time_zone", flat=True).first() or ""
    persons = {person.address_key: person for person in Person.objects.filter(customer=customer, address_key__in=keys)}
    taken = _steps_taken([item.row.uuid for item in found])
    history = _reminders(customer, persons, keys, now)
    stops = stops_of(customer, keys)
    invited = MessageKind.ASSIGNED not in policy.muted
    for key, items in _by_address(found).items():
        person = persons.get(key)
        yield Someone(
            key,
            person,
            zone_of(person.time_zone if person else "", own_zone),
            items,
            [
                item.waiting(taken[item.row.uuid, item.row.cycle], invited=invited)
                for item in items
                if item.can_be_reminded
            ],
            history[key],
            why_stopped(MessageKind.REMINDED, stops.get(key, NOTHING)),
        )


def _by_address(found: Sequence[Open]) -> dict[str, list[Open]]:
    grouped: defaultdict[str, list[Open]] = defaultdict(list)
    for item in found:
        grouped[item.address_key].append(item)
    return grouped


def _within_cycle(moment: datetime | None, start: datetime) -> datetime | None:
    return moment if moment is not None and moment >= start else None


def _steps_taken(keys: Sequence[UUID]) -> defaultdict[tuple[UUID, int], dict[str, datetime]]:
    """Return by assignment and cycle the codes of the steps taken, with the newest time of each; one statement."""
    found: defaultdict[tuple[UUID, int], dict[str, datetime]] = defaultdict(dict)
    rows = ReminderStep.objects.filter(assignment_uuid__in=keys).order_by("taken_at")
    for key, cycle, slot, at in rows.values_list("assignment_uuid", "cycle", "slot", "taken_at"):
        found[key, cycle][slot.partition("@")[0]] = at
    return found


def _reminders(
    customer: UUID, persons: Mapping[str, Person], keys: Collection[str], now: datetime
) -> defaultdict[str, list[Reminder]]:
    """Return the reminders of each person over all budgets, whoever has asked for them; two statements."""
    since = now - CAP_PERIOD
    lately = assignments_to(customer, keys).filter(Q(state=State.ALLOCATED) | Q(reminded_at__gte=since)).order_by()
    owner = dict(lately.values_list("pk", "learner_email_key")) | {person.pk: key for key, person in persons.items()}
    messages = Message.objects.filter(subject_uuid__in=owner, kind__in=(MessageKind.REMINDED, DIGEST))
    messages = messages.filter(Q(state__in=UNSETTLED) | Q(settled_at__gt=since)).order_by()
    found: defaultdict[str, list[Reminder]] = defaultdict(list)
    for subject, kind, ordinal, state, at in messages.values_list(
        "subject_uuid", "kind", "ordinal", "state", "settled_at"
    ):
        found[owner[subject]].append(Reminder(state, at, ordinal if kind == DIGEST else None))
    return found

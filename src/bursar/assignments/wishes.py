"""What customers want of the mails to their learners, as kept: policies of reminders, own texts, kinds not sent at all."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db.models import Exists, OuterRef

from bursar.assignments.events import DIGEST, MessageKind
from bursar.assignments.models import AssignmentConfiguration, LearnerContentAssignment, MessageText, ReminderPolicy
from bursar.assignments.models.reminders import ReminderStep
from bursar.assignments.reminders import Policy, Quiet
from bursar.assignments.states import State
from bursar.assignments.texts import OwnText, choose
from bursar.people.models import Customer, Person

SWITCHED_OFF: Final = "switched off"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What one customer wants: the kinds of mail that are not sent, its texts by kind and language, when it reminds."""

    muted: frozenset[str] = frozenset()
    texts: Mapping[str, Mapping[str, OwnText]] = field(default_factory=dict)
    rules: Policy | None = None

    def why_muted(self, kind: str) -> str | None:
        """Return in words why a kind of mail is not sent, or None; a digest is a way of reminding."""
        told = MessageKind.REMINDED if kind == DIGEST else kind
        return SWITCHED_OFF if told in self.muted else None

    def text(self, kind: str, *languages: str) -> OwnText | None:
        """Return the text that the customer has for this kind of mail, in the first of these languages it has it in."""
        return choose(self.texts.get(kind, {}), *languages)


NOTHING: Final = Wishes()


def wishes_of(customers: Collection[UUID]) -> dict[UUID, Wishes]:
    """Return what each of these customers wants of its mails; two statements."""
    texts: defaultdict[UUID, defaultdict[str, dict[str, OwnText]]] = defaultdict(lambda: defaultdict(dict))
    for row in MessageText.objects.filter(customer_uuid__in=customers):
        texts[row.customer_uuid][row.kind][row.language] = OwnText(row.language, row.subject, row.body)
    policies = ReminderPolicy.objects.in_bulk(customers)
    wishes = {}
    for customer in customers:
        policy = policies.get(customer)
        muted, rules = (frozenset(policy.muted), rules_of(policy)) if policy else (frozenset[str](), None)
        wishes[customer] = Wishes(muted, texts.get(customer, {}), rules)
    return wishes


def rules_of(row: ReminderPolicy) -> Policy:
    """Return a stored policy as the rules take it; with reminders muted there is nothing to plan."""
    quiet = None
    if row.quiet_from is not None and row.quiet_until is not None:
        quiet = Quiet(row.quiet_from, row.quiet_until)
    return Policy(
        after=tuple(row.after_days),
        before=tuple(row.before_days),
        per_week=row.per_week,
        quiet=quiet,
        working_days=row.working_days_only,
        digest=row.digest,
        enabled=row.enabled and MessageKind.REMINDED not in row.muted,
    )


def zone_of(*names: str) -> tzinfo:
    """Return the first of these time zones that there is, else UTC."""
    for name in names:
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
    return UTC


def reminding_customers() -> dict[UUID, bool]:
    """Return the customers who remind automatically, and whether their rules wait to be applied; one statement."""
    active = Customer.objects.filter(pk=OuterRef("pk"), active=True)
    rows = ReminderPolicy.objects.filter(Exists(active), enabled=True)
    return {row.pk: row.unapplied for row in rows if rules_of(row).enabled}


def configurations_of(customers: Collection[UUID]) -> dict[UUID, UUID]:
    """Return the configurations of these customers, each with its customer; one statement."""
    rows = AssignmentConfiguration.objects.filter(enterprise_customer_uuid__in=customers)
    return dict(rows.values_list("pk", "enterprise_customer_uuid"))


def due_to_look_at(configurations: Mapping[UUID, UUID], now: datetime, limit: int) -> dict[UUID, list[str]]:
    """Return whose open assignments are to be looked at now, by customer and key of the address; one index seek each."""
    rows = LearnerContentAssignment.objects.filter(
        assignment_configuration__in=configurations, state=State.ALLOCATED, next_reminder_at__lte=now
    )
    found: dict[UUID, set[str]] = defaultdict(set)
    for configuration, key in rows.order_by().values_list("assignment_configuration_id", "learner_email_key")[:limit]:
        if configuration:
            found[configurations[configuration]].add(key)
    return {customer: sorted(keys) for customer, keys in found.items()}


@dataclass(frozen=True, slots=True)
class Digest:
    """What one digest tells of: its person, and the assignments that are still waiting, with the cycle of each."""

    person: Person
    cycles: Mapping[UUID, int]


def digests(wanted: Collection[tuple[UUID, int]]) -> dict[tuple[UUID, int], Digest]:
    """Return by (person, day) what is still open of the steps that each digest took; three statements.

    Persons who are gone or erased have none.
    """
    persons = Person.objects.filter(pk__in={person for person, _ in wanted}, erased_at=None).in_bulk()
    open_to = _open_to(list(persons.values()))
    told = ReminderStep.objects.filter(
        assignment_uuid__in=[key for keys in open_to.values() for key in keys], digest__in={day for _, day in wanted}
    )
    days: defaultdict[UUID, set[tuple[int, int]]] = defaultdict(set)
    for key, cycle, day in told.values_list("assignment_uuid", "cycle", "digest"):
        days[key].add((cycle, day or 0))
    return {
        (person, day): Digest(
            persons[person], {key: cycle for key, cycle in sorted(open_to[person].items()) if (cycle, day) in days[key]}
        )
        for person, day in wanted
        if person in persons
    }


def _open_to(persons: Sequence[Person]) -> dict[UUID, dict[UUID, int]]:
    """Return the open assignments of these persons, each with its cycle; one statement."""
    found: dict[UUID, dict[UUID, int]] = {person.pk: {} for person in persons}
    by_address = {(person.customer_id, person.address_key): person.pk for person in persons}
    rows = LearnerContentAssignment.objects.filter(
        learner_email_key__in={key for _, key in by_address}, state=State.ALLOCATED, address_scrubbed_at=None
    ).order_by()
    columns = ("assignment_configuration__enterprise_customer_uuid", "learner_email_key", "pk", "cycle")
    for customer, key, assignment, cycle in rows.values_list(*columns):
        if (customer, key) in by_address:
            found[by_address[customer, key]][assignment] = cycle
    return found

"""Reads over assignments: lists for people (scoped by actor), candidates for sweeps, and what messages are made of."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import F, QuerySet

from bursar.assignments.events import TOPIC_DIGEST, TOPIC_MAIL, MessageKind
from bursar.assignments.models import (
    AssignmentConfiguration,
    AssignmentCounts,
    LearnerContentAssignment,
    ReminderStep,
)
from bursar.assignments.models.configuration import ACKNOWLEDGEMENTS
from bursar.assignments.moves import visible
from bursar.assignments.projections import ScrubRule
from bursar.assignments.states import State
from bursar.budgets.models import Budget, Transaction, TransactionState
from bursar.kernel import clock
from bursar.kernel.actor import Actor
from bursar.kernel.batching import chunks
from bursar.kernel.conf import setting
from bursar.outbox.models import Message
from bursar.outbox.selectors import messages_about
from bursar.outbox.services import unsettled
from bursar.people.access import Permission, customers
from bursar.people.models import Customer, Person
from bursar.people.suppression import NOTHING, stops_of

SWEPT_AT_ONCE: Final = 1000
NO_TERMS: Final = ("USD", None)
KEYS_AT_ONCE: Final = 200  # few enough that a database seeks for each rather than reads them all


def assignments(actor: Actor) -> "QuerySet[LearnerContentAssignment]":
    """Return the assignments that `actor` may manage, newest action first; pages neither skip nor repeat."""
    rows = visible(LearnerContentAssignment.objects.all(), actor, Permission.MANAGE)
    return rows.order_by("-recent_action_time", "-uuid")


def manages(actor: Actor) -> bool:
    """Tell whether `actor` manages the assignments of any customer."""
    allowed = customers(actor, Permission.MANAGE)
    return allowed is None or bool(allowed)


def own_assignments(actor: Actor) -> "QuerySet[LearnerContentAssignment]":
    """Return the assignments that are `actor`'s own, where they may learn; newest action first."""
    if actor.lms_user_id is None:
        return LearnerContentAssignment.objects.none()
    mine = LearnerContentAssignment.objects.filter(lms_user_id=actor.lms_user_id)
    return visible(mine, actor, Permission.LEARN).order_by("-recent_action_time", "-uuid")


@dataclass(frozen=True, slots=True)
class Reach:
    """Which assignments somebody manages, and which others are their own."""

    managed: frozenset[UUID]
    own: frozenset[UUID]

    @property
    def all(self) -> frozenset[UUID]:
        """Everything that they may look at."""
        return self.managed | self.own


def reachable(keys: Collection[UUID], actor: Actor) -> Reach:
    """Part the keys that `actor` may touch into those that they manage and their own; the rest does not exist for them."""
    managed = frozenset(assignments(actor).filter(pk__in=keys).order_by().values_list("pk", flat=True))
    own = own_assignments(actor).filter(pk__in=set(keys) - managed).order_by().values_list("pk", flat=True)
    return Reach(managed, frozenset(own))


def counts_by_state(configuration: UUID | None) -> dict[str, int]:
    """Return how many assignments of a configuration are in each state, as kept; states of nobody are left out."""
    kept = AssignmentCounts.objects.filter(pk=configuration).first()
    counts: dict[str, int] = {}
    for (state, _), number in kept.by_states().items() if kept else ():
        if number:
            counts[str(state)] = counts.get(str(state), 0) + number
    return counts


@dataclass(frozen=True, slots=True)
class Enrolment:
    """The run that an accepted assignment is enrolled in, and when that starts as far as was known then (aware UTC)."""

    run_key: str
    start: datetime | None


def shown_to_learner(lms_user_id: int, customer: UUID) -> "list[LearnerContentAssignment]":
    """Return what one learner has at one customer, without endings that they have dismissed; two statements.

    Open ones first by what is due soonest, then the rest, newest first.
    """
    rows = LearnerContentAssignment.objects.filter(
        lms_user_id=lms_user_id, assignment_configuration__enterprise_customer_uuid=customer
    ).order_by(F("expires_at").asc(nulls_last=True), "uuid")
    shown = [row for row in rows.prefetch_related("actions") if not _is_dismissed(row)]
    closed = [row for row in shown if row.state != State.ALLOCATED]
    closed.sort(key=lambda row: (row.entered_state_at() or row.created, row.pk), reverse=True)
    return [row for row in shown if row.state == State.ALLOCATED] + closed


def _is_dismissed(row: LearnerContentAssignment) -> bool:
    """Tell whether the learner has dismissed this ending, be its mail sent by then or not."""
    if row.state not in ACKNOWLEDGEMENTS:
        return False
    seen = row.last_successful(ACKNOWLEDGEMENTS[row.state][1])
    return seen is not None and seen.is_since(row.entered_state_at())


@dataclass(frozen=True, slots=True)
class Deliverable:
    """Everything that a message about an assignment is made of."""

    assignment: LearnerContentAssignment
    customer: Customer
    person: Person | None
    currency: str
    stops: frozenset[str] = NOTHING
    enrolment: Enrolment | None = None
    late_until: datetime | None = None  # how long the budget lets people in though enrolment has closed


def deliverables(keys: Sequence[UUID]) -> dict[UUID, Deliverable]:
    """Return what messages about these assignments are made of; those of no customer are left out.

    Four statements, and one for each customer; one more where somebody has accepted.
    """
    rows = list(LearnerContentAssignment.objects.filter(pk__in=keys).select_related("assignment_configuration"))
    owner = {
        row.pk: row.assignment_configuration.enterprise_customer_uuid for row in rows if row.assignment_configuration
    }
    customers = Customer.objects.in_bulk(set(owner.values()))
    people = Person.objects.filter(customer__in=customers, address_key__in={row.learner_email_key for row in rows})
    persons = {(person.customer_id, person.address_key): person for person in people}
    terms = _terms_of({row.assignment_configuration_id for row in rows if row.assignment_configuration_id})
    stops = {
        key: stops_of(key, [row.learner_email_key for row in rows if owner.get(row.pk) == key]) for key in customers
    }
    enrolled = enrolments_of([row for row in rows if row.state == State.ACCEPTED])
    return {
        row.pk: Deliverable(
            row,
            customers[owner[row.pk]],
            persons.get((owner[row.pk], row.learner_email_key)),
            terms.get(row.assignment_configuration_id, NO_TERMS)[0],
            stops[owner[row.pk]].get(row.learner_email_key, NOTHING),
            enrolled.get(row.pk),
            terms.get(row.assignment_configuration_id, NO_TERMS)[1],
        )
        for row in rows
        if owner.get(row.pk) in customers
    }


def _terms_of(configurations: Collection[UUID]) -> dict[UUID | None, tuple[str, datetime | None]]:
    """Return by configuration the currency of the fund behind it and until when its budget lets people in late."""
    rows = Budget.objects.filter(assignment_configuration__in=configurations)
    columns = ("assignment_configuration_id", "fund__currency", "late_redemption_allowed_until")
    return {configuration: (currency, late) for configuration, currency, late in rows.values_list(*columns)}


def enrolments_of(accepted: Sequence[LearnerContentAssignment]) -> dict[UUID, Enrolment]:
    """Return the enrolments of accepted assignments; one statement, none for nobody."""
    paid = {row.transaction_uuid: row.pk for row in accepted if row.transaction_uuid}
    rows = Transaction.objects.filter(pk__in=paid).order_by() if paid else ()
    return {paid[row.pk]: Enrolment(row.content_key, row.course_run_start_date) for row in rows}


def as_it_stands(item: Deliverable) -> Deliverable | None:
    """Return the same with what decides whether a message is needed read again; None if the assignment is gone.

    Whether mail is stopped goes by the address to which the message was made out.
    """
    rows = LearnerContentAssignment.objects.only(
        "cycle", "state", "address_scrubbed_at", "redemption_uuid", "expires_at"
    )
    assignment = rows.filter(pk=item.assignment.pk).first()
    if assignment is None:
        return None
    key = item.assignment.learner_email_key
    return replace(item, assignment=assignment, stops=stops_of(item.customer.pk, [key]).get(key, NOTHING))


def catalogs_of(configurations: Collection[UUID]) -> dict[UUID, UUID | None]:
    """Return the named catalog that the budget behind each configuration may spend on (None: any course)."""
    rows = Budget.objects.filter(assignment_configuration__in=configurations)
    return {cfg: catalog for cfg, catalog in rows.values_list("assignment_configuration_id", "catalog_id") if cfg}


def configurations_of_fund(fund: UUID) -> list[UUID]:
    """Return the configurations whose budgets are on a fund."""
    rows = Budget.objects.filter(fund=fund, assignment_configuration__isnull=False)
    return [cfg for cfg in rows.values_list("assignment_configuration_id", flat=True) if cfg]


def open_content(courses: Collection[str], runs: Collection[str]) -> tuple[set[str], set[str]]:
    """Return which of these courses are assigned without a preferred run, and which runs are assigned or preferred."""
    rows = LearnerContentAssignment.objects.filter(state=State.ALLOCATED).order_by()
    by_course = rows.filter(content_key__in=courses, preferred_course_run_key=None).values_list(
        "content_key", flat=True
    )
    by_run = rows.filter(preferred_course_run_key__in=runs).values_list("preferred_course_run_key", flat=True)
    return set(by_course.distinct()), {key for key in by_run.distinct() if key}


def contents_of(keys: Collection[UUID]) -> dict[UUID, str]:
    """Return the key of what is assigned, by assignment."""
    rows = LearnerContentAssignment.objects.filter(pk__in=keys).order_by()
    return dict(rows.values_list("pk", "content_key"))


def starting(
    begin: datetime,
    end: datetime,
    *,
    accepted_ahead: timedelta | None = None,
    among: Collection[UUID] | None = None,
) -> list[UUID]:
    """Return accepted assignments whose course starts from `begin` until before `end`.

    With `accepted_ahead`, only those accepted at least that long before the start; with `among`, only of these.
    """
    paid = Transaction.objects.filter(
        state=TransactionState.COMMITTED, reversal=None, course_run_start_date__gt=begin - timedelta(microseconds=1),
        course_run_start_date__lt=end,
    )  # fmt: skip
    if among is not None:
        paid = paid.filter(assignment_uuid__in=among)
    if accepted_ahead is not None:
        paid = paid.filter(created__lte=F("course_run_start_date") - accepted_ahead)
    return list(paid.order_by("assignment_uuid").values_list("assignment_uuid", flat=True))


def due_to_scrub(limit: int = SWEPT_AT_ONCE) -> list[UUID]:
    """Return assignments whose address must go now: by the deadline alone, whatever became of their mails (ruling 29).

    Reads the index `bursar_due_to_scrub` and in it nothing but what is due, and the expiries whose message is waited for.
    """
    now = clock.now()
    by_end = LearnerContentAssignment.objects.order_by("ended_at", "uuid")
    aged = by_end.filter(scrub_rule=ScrubRule.AGED, ended_at__lte=now - setting("scrub_after"))
    keys = list(aged.values_list("pk", flat=True)[:limit])
    return keys + _told_or_waited(by_end.filter(scrub_rule=ScrubRule.TOLD), now, limit - len(keys))


def _told_or_waited(rows: "QuerySet[LearnerContentAssignment]", now: datetime, limit: int) -> list[UUID]:
    """Return those of 90-day expiries whose message is settled, or has been waited for long enough."""
    found: list[UUID] = []
    patience = now - min(setting("scrub_wait_for_mail"), setting("scrub_after"))
    timed_out = rows.values_list("pk", "cycle", "ended_at").iterator(SWEPT_AT_ONCE) if limit > 0 else ()
    for part in chunks(timed_out, SWEPT_AT_ONCE):
        waiting = unsettled(TOPIC_MAIL, MessageKind.EXPIRED, [key for key, _, _ in part])
        found += [key for key, cycle, at in part if (key, cycle) not in waiting or at <= patience]
        if len(found) >= limit:
            break
    return found[:limit]


def persons_after(last: UUID | None) -> UUID | None:
    """Return the last of the next whole page of persons behind this one, in the order of their keys; None at the end."""
    rows = Person.objects.order_by("uuid") if last is None else Person.objects.filter(uuid__gt=last).order_by("uuid")
    return rows.values_list("uuid", flat=True)[SWEPT_AT_ONCE - 1 : SWEPT_AT_ONCE].first()


def orphaned_persons(after: UUID | None = None, until: UUID | None = None) -> list[UUID]:
    """Return persons whom no assignment of their customer shows any more, and who are older than addresses are kept.

    Among those behind `after` up to `until`, in the order of their keys (None: from the first, to the last).
    """
    old = Person.objects.filter(erased_at=None, modified__lte=clock.now() - setting("scrub_after"))
    if after is not None:
        old = old.filter(uuid__gt=after)
    if until is not None:
        old = old.filter(uuid__lte=until)
    found: list[UUID] = []
    for part in chunks(old.order_by("uuid").values_list("uuid", "customer_id", "address_key"), KEYS_AT_ONCE):
        rows = LearnerContentAssignment.objects.filter(learner_email_key__in=[key for _, _, key in part]).order_by()
        shown = set(rows.values_list("assignment_configuration__enterprise_customer_uuid", "learner_email_key"))
        found += [person for person, customer, key in part if (customer, key) not in shown]
    return found


def persons_behind(keys: Sequence[UUID]) -> list[UUID]:
    """Return the persons whose address these assignments show; two statements."""
    rows = LearnerContentAssignment.objects.filter(pk__in=keys, assignment_configuration__isnull=False).order_by()
    shown = set(rows.values_list("assignment_configuration__enterprise_customer_uuid", "learner_email_key"))
    persons = Person.objects.filter(address_key__in={key for _, key in shown}).order_by("uuid")
    return [
        person for person, *whom in persons.values_list("uuid", "customer_id", "address_key") if tuple(whom) in shown
    ]


def messages_of(assignment: UUID) -> list[Message]:
    """Return every message about an assignment and every digest that was to tell of it, oldest first; one statement."""
    row = LearnerContentAssignment.objects.filter(pk=assignment).order_by()
    persons = Person.objects.filter(
        address_key__in=row.values("learner_email_key"),
        customer__in=row.values("assignment_configuration__enterprise_customer_uuid"),
    )
    days = ReminderStep.objects.filter(assignment_uuid=assignment, digest__isnull=False).order_by()
    digests = Message.objects.filter(
        topic=TOPIC_DIGEST, subject_uuid__in=persons.order_by().values("pk"), ordinal__in=days.values("digest")
    )
    found = messages_about(assignment).order_by().union(digests.order_by())
    return sorted(found, key=lambda message: (message.created, message.uuid))


def assignments_of_address(customer: UUID, key: str) -> list[UUID]:
    """Return every assignment of a customer to one address."""
    mine = AssignmentConfiguration.objects.filter(enterprise_customer_uuid=customer)
    rows = LearnerContentAssignment.objects.filter(learner_email_key=key, assignment_configuration__in=mine)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def persons_like(person: Person) -> list[Person]:
    """Return a person, then whoever else at the customer is the same user under another address."""
    others = Person.objects.filter(customer=person.customer_id, erased_at=None).exclude(pk=person.pk).order_by("uuid")
    number = _number_of(person)
    return [person, *(others.filter(lms_user_id=number) if number is not None else ())]


def assignments_of_person(person: Person) -> list[UUID]:
    """Return every assignment of the customer that still shows somebody whom `persons_like` names.

    By the address or by the user id: whoever was given another address since has the old one in the history alone.
    """
    ours = AssignmentConfiguration.objects.filter(enterprise_customer_uuid=person.customer_id)
    shown = LearnerContentAssignment.objects.filter(assignment_configuration__in=ours).order_by()
    keys = [one.address_key for one in persons_like(person)]
    found = set(shown.filter(learner_email_key__in=keys).values_list("pk", flat=True))
    number = _number_of(person)
    if number is not None:
        theirs = shown.filter(lms_user_id=number, address_scrubbed_at=None)
        found |= set(theirs.values_list("pk", flat=True))
    return sorted(found)


def _number_of(person: Person) -> int | None:
    """Return the id of a person's user; nobody is known by it any more once they were erased."""
    return person.lms_user_id if person.erased_at is None else None


def address_behind(customer: UUID, key: str) -> str:
    """Return how an address is written at a customer, by its key; "" when nobody there has it any more."""
    known = Person.objects.filter(customer=customer, address_key=key).values_list("email", flat=True)
    shown = LearnerContentAssignment.objects.filter(pk__in=assignments_of_address(customer, key)[:1])
    return known.first() or shown.values_list("learner_email", flat=True).first() or ""

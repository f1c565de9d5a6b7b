"""What a mail would say before it is sent: with sample facts, or those of an assignment; and whose text it is."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

from bursar.assignments.events import DIGEST, MessageKind
from bursar.assignments.flows import contents
from bursar.assignments.flows.deliveries import course_of
from bursar.assignments.messages import Course, Entry, Rendered, languages, render, render_digest
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.selectors import deliverables
from bursar.assignments.services import Offer
from bursar.assignments.texts import OwnText, check_kind
from bursar.assignments.wishes import wishes_of
from bursar.kernel import clock
from bursar.kernel.actor import Actor
from bursar.kernel.errors import NotFound
from bursar.people.access import Permission, require
from bursar.people.files import read_language
from bursar.people.models import Customer, Person

BUILT_IN: Final = "built in"
OWN: Final = "own"
SAMPLE_NAME: Final = "Ada Example"
SAMPLE_TITLES: Final = ("Writing well", "Statistics for everybody")
SAMPLE_CENTS: Final = 4_900


@dataclass(frozen=True, slots=True)
class Preview:
    """A mail as somebody would read it; `source` is `own` or `built in`, `language` that of the own text.

    `why_not` says in words why the customer sends no such mail, None if it does.
    """

    rendered: Rendered = field(repr=False)
    source: str
    language: str = ""
    why_not: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What a preview is made of."""

    customer: Customer
    person: Person
    entries: tuple[Entry, ...]


def preview(
    customer: Customer,
    kind: str,
    *,
    actor: Actor,
    language: str = "",
    assignment: UUID | None = None,
    draft: OwnText | None = None,
) -> Preview:
    """Return a mail of a kind as a learner with this language would get it, of sample facts unless one is named.

    `draft` is tried in place of what is kept. Nothing is sent or written. Raises `NotFound` where the actor manages
    nothing or the assignment is another customer's, `BadInput` (`unknown_kind`, `invalid_language`).
    """
    require(actor, Permission.MANAGE, customer.pk)
    check_kind(kind)
    facts = _sample(customer) if assignment is None else _of(customer, assignment)
    if wanted := read_language(language):
        facts.person.language = wanted
    wishes = wishes_of([customer.pk])[customer.pk]
    own = draft or wishes.text(kind, *languages(facts.person, customer))
    muted = wishes.why_muted(kind)
    return Preview(_render(kind, facts, own), OWN if own else BUILT_IN, own.language if own else "", muted)


def preview_offer(customer: Customer, offer: Offer) -> Preview:
    """Return the invitation that people would get to an offer now, in the customer's language.

    Nothing is sent or written, and its links open nothing. An offer is made only for whoever may allocate.
    """
    now, due = clock.now(), offer.expiry(clock.now())
    assignment = LearnerContentAssignment(
        content_key=offer.content_key, content_title=offer.title, content_quantity=-offer.price_cents, created=now,
        allocated_at=now, expires_at=due.at, expires_reason=str(due.reason), preferred_course_run_key=offer.run_key,
    )  # fmt: skip
    content = contents.describe([offer.content_key]).get(offer.content_key)
    run = contents.run_meant(content, offer.run_key) if content else None
    course = Course(offer.title, content.partner if content else "", *((run.start, run.end) if run else ()))
    kind = MessageKind.ASSIGNED
    wishes = wishes_of([customer.pk])[customer.pk]
    own = wishes.text(kind, *languages(None, customer))
    facts = Facts(customer, Person(), (Entry(assignment, course),))
    return Preview(
        _render(kind, facts, own), OWN if own else BUILT_IN, own.language if own else "", wishes.why_muted(kind)
    )


def _render(kind: str, facts: Facts, own: OwnText | None) -> Rendered:
    if kind == DIGEST:
        return render_digest(facts.entries, facts.customer, facts.person, own=own)
    first = facts.entries[0]
    return render(kind, first.assignment, facts.customer, facts.person, first.course, own=own)


def _sample(customer: Customer) -> Facts:
    now = clock.now()
    entries = tuple(
        Entry(
            LearnerContentAssignment(
                content_key=f"SampleX+{number}", content_title=title, content_quantity=-SAMPLE_CENTS, created=now,
                allocated_at=now, expires_at=now + timedelta(days=30 * number), expires_reason="NINETY_DAYS_PASSED",
            ),
            Course(title, "SampleX", now + timedelta(days=60), None),
        )
        for number, title in enumerate(SAMPLE_TITLES, start=1)
    )  # fmt: skip
    return Facts(customer, Person(name=SAMPLE_NAME), entries)


def _of(customer: Customer, assignment: UUID) -> Facts:
    item = deliverables([assignment]).get(assignment)
    if item is None or item.customer.pk != customer.pk:
        raise NotFound("There is no such assignment here.")
    item.assignment.learner_email_key = ""  # the links of a preview open nothing
    known = contents.describe({item.assignment.content_key})
    course = course_of(item, known.get(item.assignment.content_key))
    return Facts(customer, item.person or Person(), (Entry(item.assignment, course),))

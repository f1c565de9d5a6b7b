"""One mail for all that somebody is to be reminded of on a day: what is in it is looked up when it is sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from bursar.assignments import services
from bursar.assignments.events import DIGEST, MessageKind
from bursar.assignments.flows import contents
from bursar.assignments.flows.deliveries import course_of, held_back, recipient, why_closed
from bursar.assignments.flows.envelopes import envelope
from bursar.assignments.flows.posting import Later, post
from bursar.assignments.messages import Entry, languages, render_digest, why_unneeded
from bursar.assignments.selectors import Deliverable, deliverables
from bursar.assignments.wishes import NOTHING, Wishes, digests, wishes_of
from bursar.kernel import clock
from bursar.kernel.conf import setting
from bursar.outbox.services import Claim, Delivered
from bursar.people.models import Person
from bursar.ports.catalog import Content
from bursar.ports.mail import Mail

PERSON_GONE = "personal data removed"
NOTHING_LEFT = "nothing of it is waiting any more"


@dataclass(frozen=True, slots=True)
class Contents:
    """What a digest tells of now, the nearest deadline first, or in words why there is nothing to send."""

    person: Person | None = None
    items: Sequence[Deliverable] = ()
    why_none: str | None = None
    wishes: Wishes = NOTHING
    courses: Mapping[str, Content] = field(default_factory=dict)

    @property
    def keys(self) -> set[UUID]:
        """The assignments that it tells of."""
        return {item.assignment.pk for item in self.items}


def deliver_digests(claims: Sequence[Claim]) -> Delivered:
    """Deliver claimed digests; accepted and cancelled courses are left out, and with none left nothing is sent.

    One of which something has been accepted or cancelled since it was composed is composed anew.
    """
    found = _look_up(claims)

    def compose(claim: Claim) -> Mail | str | Later:
        contained = found[claim.uuid]
        return contained.why_none or held_back(claim, contained.items[0], contained.wishes) or _mail(claim, contained)

    def why_unneeded(claim: Claim) -> str | Later | None:
        now = _look_up([claim])[claim.uuid]
        return now.why_none or (None if now.keys == found[claim.uuid].keys else Later(clock.now()))

    return post(claims, compose=compose, why_unneeded=why_unneeded, record=services.record_digests)


def _look_up(claims: Sequence[Claim]) -> dict[UUID, Contents]:
    """Return what each digest tells of at this moment."""
    found = digests([(claim.subject, claim.ordinal) for claim in claims])
    subjects = deliverables(sorted({key for digest in found.values() for key in digest.cycles}))
    courses = contents.describe({item.assignment.content_key for item in subjects.values()})
    wishes = wishes_of({digest.person.customer_id for digest in found.values()})
    contained: dict[UUID, Contents] = {}
    for claim in claims:
        digest = found.get((claim.subject, claim.ordinal))
        if digest is None:
            contained[claim.uuid] = Contents(why_none=PERSON_GONE)
            continue
        judged = [
            (
                item,
                why_unneeded(MessageKind.REMINDED, cycle, item.assignment, item.stops, clock.now())
                or why_closed(item, courses.get(item.assignment.content_key), clock.now()),
            )
            for key, cycle in digest.cycles.items()
            if (item := subjects.get(key))
        ]
        left = sorted((item for item, why in judged if why is None), key=_deadline)
        wanted = wishes[digest.person.customer_id]
        why_none = wanted.why_muted(DIGEST) or (None if left else _why(judged))
        contained[claim.uuid] = Contents(digest.person, left, why_none, wanted, courses)
    return contained


def _why(judged: Sequence[tuple[Deliverable, str | None]]) -> str:
    """Return the one reason that all of it has, such as a stopped address, else the general one."""
    reasons = {why for _, why in judged}
    return next(iter(reasons)) or NOTHING_LEFT if len(reasons) == 1 else NOTHING_LEFT


def _deadline(item: Deliverable) -> tuple[bool, datetime, str]:
    at = item.assignment.expires_at
    return at is None, at or clock.now(), item.assignment.content_key


def _mail(claim: Claim, contained: Contents) -> Mail:
    person, first = contained.person, contained.items[0]
    assert person is not None  # whoever is gone has nothing to be told
    entries = [
        Entry(item.assignment, course_of(item, contained.courses.get(item.assignment.content_key)))
        for item in contained.items
    ]
    customer = first.customer
    own = contained.wishes.text(DIGEST, *languages(person, customer))
    wrapped = envelope(claim.uuid, DIGEST, customer, person.address_key)
    rendered = render_digest(entries, customer, person, own=own, unsubscribe=wrapped.unsubscribe, owed_at=claim.owed_at)
    return Mail(
        claim.uuid, person.pk, setting("mail_from"), recipient(person.email),
        rendered.subject, rendered.text, rendered.html, wrapped.headers, envelope_from=wrapped.sender,
    )  # fmt: skip


def resend_unknown(_: str) -> bool:
    """Leave alone a digest that may have left: a reminder is not worth a second one."""
    return False

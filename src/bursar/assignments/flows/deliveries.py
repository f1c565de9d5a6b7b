"""Sending messages: look again whether each is needed, render it, hand it over, record what became of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from bursar.assignments import services
from bursar.assignments.events import MessageKind
from bursar.assignments.flows import contents
from bursar.assignments.flows.envelopes import envelope
from bursar.assignments.flows.posting import Later, post
from bursar.assignments.messages import Course, languages, render, why_too_late, why_unneeded
from bursar.assignments.models import ReplyState
from bursar.assignments.reminders import held_until, next_allowed
from bursar.assignments.replies import answers_to
from bursar.assignments.selectors import Deliverable, Enrolment, as_it_stands, deliverables
from bursar.assignments.wishes import Wishes, wishes_of, zone_of
from bursar.budgets.models.budgets import allows_late_redemption
from bursar.kernel import clock
from bursar.kernel.conf import setting
from bursar.outbox.selectors import queued_at
from bursar.outbox.services import Claim, Delivered
from bursar.people.addresses import BadAddress, normal_form
from bursar.ports.catalog import Content
from bursar.ports.mail import Mail

CLOSED: Final = "enrollment in the course has closed"
VERDICTS: Final[Mapping[str, str]] = {
    MessageKind.TIME_GRANTED: ReplyState.GRANTED,
    MessageKind.TIME_REFUSED: ReplyState.REFUSED,
}


def deliver_many(claims: Sequence[Claim]) -> Delivered:
    """Deliver claimed messages about assignments; each is settled before the next one leaves."""
    subjects = deliverables([claim.subject for claim in claims])
    courses = contents.describe({item.assignment.content_key for item in subjects.values()})
    wishes = wishes_of({item.customer.pk for item in subjects.values()})
    answers = answers_to([claim.subject for claim in claims if claim.kind in VERDICTS])

    def compose(claim: Claim) -> Mail | str | Later:
        item = subjects.get(claim.subject)
        if unneeded := _why_unneeded(claim, item, wishes):
            return unneeded
        item = subjects[claim.subject]
        content = courses.get(item.assignment.content_key)
        if claim.kind == MessageKind.REMINDED:
            why = why_closed(item, content, clock.now()) or held_back(claim, item, wishes[item.customer.pk])
            if why:
                return why
        course = course_of(item, content)
        return why_too_late(claim.kind, course, clock.now()) or _mail(
            claim, item, course, wishes, _answer(claim, answers)
        )

    return post(
        claims,
        compose=compose,
        why_unneeded=lambda claim: _why_unneeded(claim, as_it_stands(subjects[claim.subject]), wishes),
        record=services.record_deliveries,
    )


def why_closed(item: Deliverable, content: Content | None, now: datetime) -> str | None:
    """Return in words why nobody is to be reminded of a course, or None: one that is known, and lets nobody in any more."""
    if content is None or contents.is_open(content, item.assignment.preferred_course_run_key, now):
        return None
    if allows_late_redemption(item.late_until, now):
        return None
    return CLOSED


def held_back(claim: Claim, item: Deliverable, wishes: Wishes) -> Later | None:
    """Return until when a reminder waits that was to leave by day and could not, and would arrive in quiet hours now."""
    rules, now = wishes.rules, clock.now()
    zone = zone_of(item.person.time_zone if item.person else "", item.customer.time_zone)
    if rules is None or next_allowed(rules, zone, now) <= now:
        return None
    until = held_until(rules, zone, queued_at(claim.uuid), now)
    return Later(until) if until else None


def _why_unneeded(claim: Claim, item: Deliverable | None, wishes: Mapping[UUID, Wishes]) -> str | None:
    if item is None:
        return "the assignment is gone"
    return wishes[item.customer.pk].why_muted(claim.kind) or why_unneeded(
        claim.kind, claim.cycle, item.assignment, item.stops, clock.now()
    )


def _answer(claim: Claim, answers: Mapping[tuple[UUID, int, str], Sequence[str]]) -> str:
    """Return what was said to the request that a message answers; "" where nothing was, and for any other message."""
    said = answers.get((claim.subject, claim.cycle, VERDICTS.get(claim.kind, "")), ())
    return said[claim.ordinal - 1] if claim.ordinal <= len(said) else ""


def _mail(claim: Claim, item: Deliverable, course: Course, wishes: Mapping[UUID, Wishes], answer: str) -> Mail:
    assignment = item.assignment
    own = wishes[item.customer.pk].text(claim.kind, *languages(item.person, item.customer))
    wrapped = envelope(claim.uuid, claim.kind, item.customer, assignment.learner_email_key)
    rendered = render(
        claim.kind, assignment, item.customer, item.person, course,
        own=own, unsubscribe=wrapped.unsubscribe, owed_at=claim.owed_at, answer=answer,
    )  # fmt: skip
    return Mail(
        claim.uuid, assignment.pk, setting("mail_from"), recipient(assignment.learner_email),
        rendered.subject, rendered.text, rendered.html, wrapped.headers, envelope_from=wrapped.sender,
    )  # fmt: skip


def course_of(item: Deliverable, content: Content | None) -> Course:
    """Return what a mail about an assignment says of its course, of which the catalog may know nothing.

    The run is the one that the learner is enrolled in, else the one that is assigned or preferred.
    """
    title = item.assignment.content_title or item.assignment.content_key
    enrolled = item.enrolment or Enrolment("", None)
    if content is None:
        return Course(title, start=enrolled.start, currency=item.currency, run=enrolled.run_key)
    run = contents.run_meant(content, enrolled.run_key or item.assignment.preferred_course_run_key)
    start, end = (run.start, run.end) if run else (enrolled.start, None)
    return Course(content.title, content.partner, start, end, item.currency, enrolled.run_key)


def recipient(address: str) -> str:
    """Return the address as mail servers take it: as written if plain, else in normal form."""
    try:
        return address if address.isascii() else normal_form(address)
    except BadAddress:
        return address


def resend_unknown(kind: str) -> bool:
    """Tell whether a message that may have left is sent again: news of an assignment is, a reminder is not."""
    return kind not in {"reminded", "nudged"}

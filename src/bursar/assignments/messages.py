"""Which message a step owes, whether it is still needed, and its text; rendered when sent, never stored."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple
from urllib.parse import quote
from zoneinfo import ZoneInfo

from django.apps import apps
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.html import format_html

from bursar.assignments.constants import RETIRED_EMAIL_ADDRESS_FORMAT
from bursar.assignments.events import DIGEST, MessageKind
from bursar.assignments.mail_words import Amount, mail_day, mail_moment
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.policy import why_stopped
from bursar.assignments.states import State
from bursar.assignments.texts import OwnText, Value, Values, fill, fill_html
from bursar.kernel import clock
from bursar.kernel.conf import setting
from bursar.people.answer_tokens import Purpose, answer_token
from bursar.people.models import Customer, Person

NEEDED_IN: Final[Mapping[str, State]] = {
    MessageKind.ASSIGNED: State.ALLOCATED,
    MessageKind.REMINDED: State.ALLOCATED,
    MessageKind.CANCELLED: State.CANCELLED,
    MessageKind.EXPIRED: State.EXPIRED,
    MessageKind.NUDGED: State.ACCEPTED,
    MessageKind.EXTENDED: State.ALLOCATED,
    MessageKind.TIME_GRANTED: State.ALLOCATED,
    MessageKind.TIME_REFUSED: State.ALLOCATED,
}

INVITING: Final = frozenset(kind for kind, state in NEEDED_IN.items() if state == State.ALLOCATED)
ANSWERED: Final = INVITING | {DIGEST}
ANSWERS_LIVE_IN: Final = "bursar.learner_portal"

RETIRED_DOMAIN: Final = RETIRED_EMAIL_ADDRESS_FORMAT.removeprefix("retired_user{}")  # an import may have brought some

ENGLISH: Final = "en"
PROBE: Final = "An assignment that is not taken up lapses 90 days after you were told of it."


@dataclass(frozen=True, slots=True)
class Course:
    """What a message says of a course; times aware UTC, None when there is none; `run` is the key of the run meant."""

    title: str
    partner: str = ""
    start: datetime | None = None
    end: datetime | None = None
    currency: str = "USD"
    run: str = ""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message as the learner reads it."""

    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)


class Entry(NamedTuple):
    """What a mail is about: an assignment, and what is said of its course."""

    assignment: LearnerContentAssignment
    course: Course


def why_unneeded(  # noqa: PLR0911 - one line per reason reads best
    kind: str, cycle: int, assignment: LearnerContentAssignment, stops: Collection[str], now: datetime
) -> str | None:
    """Return in words why a message is not to be sent any more, or None if it is needed; asked just before sending.

    `stops` are the reasons for which mail to the address is stopped.
    """
    if assignment.address_scrubbed_at is not None or assignment.learner_email.endswith(RETIRED_DOMAIN):
        return "personal data removed"
    if cycle != assignment.cycle:
        return "allocated again since"
    if assignment.state != NEEDED_IN[kind]:
        return f"no longer needed: {assignment.state}"
    if stopped := why_stopped(kind, stops):
        return stopped
    if kind == MessageKind.REMINDED and assignment.redemption_uuid is not None:
        return "being accepted"
    if kind in INVITING and assignment.expires_at and assignment.expires_at <= now:
        return "its deadline has passed"
    return None


def why_too_late(kind: str, course: Course, now: datetime) -> str | None:
    """Return in words why a nudge says nothing any more, or None: it tells of a course that is about to start."""
    has_begun = course.start is not None and course.start <= now
    return "the course has begun" if kind == MessageKind.NUDGED and has_begun else None


def render(  # noqa: PLR0913  a mail is made of as many things
    kind: str,
    assignment: LearnerContentAssignment,
    customer: Customer,
    person: Person | None,
    course: Course,
    *,
    own: OwnText | None = None,
    unsubscribe: str = "",
    owed_at: datetime | None = None,
    answer: str = "",
) -> Rendered:
    """Return subject, text and HTML of a message, in the learner's language and time zone, else the customer's.

    `own` is the customer's text in place of the one that is built in; its language is then that of the dates too.
    `unsubscribe` is the link at its foot, "" for a message that offers none. `owed_at` is when the message was written,
    None for now: from then on its links work, so that it says the same at every try. `answer` is what whoever decided
    about a request for more time said to it.
    """
    since = owed_at or clock.now()
    with _as_read_by(person, customer, own):
        context = _context(customer, person, unsubscribe) | _about(kind, Entry(assignment, course), customer, since)
        context["answer"] = answer
        return _rendered(kind, context) if own is None else _rendered_own(own, _values(context), context)


def render_digest(
    entries: Sequence[Entry],
    customer: Customer,
    person: Person,
    *,
    own: OwnText | None = None,
    unsubscribe: str = "",
    owed_at: datetime | None = None,
) -> Rendered:
    """Return the one mail that reminds somebody of several courses, in the order given; otherwise as `render`."""
    since = owed_at or clock.now()
    with _as_read_by(person, customer, own):
        told = [_about(DIGEST, entry, customer, since) for entry in entries]
        context = _context(customer, person, unsubscribe) | {"kind": DIGEST, "entries": told}
        if own is None:
            return _rendered(DIGEST, context)
        place = "content_assignments/messages/_courses"
        courses = Value(
            render_to_string(f"{place}.txt", context).strip("\n"), render_to_string(f"{place}.html", context)
        )
        return _rendered_own(own, _values(context) | {"courses": courses}, context)


def languages(person: Person | None, customer: Customer) -> tuple[str, str]:
    """Return the languages in which somebody is written to, the preferred one first; "" where none is known."""
    return (person.language if person else ""), customer.language


def spoken(language: str) -> str:
    """Return this language if the texts that are built in are translated into it here, else English: dates go with them."""
    with translation.override(language or ENGLISH):
        return ENGLISH if translation.gettext(PROBE) == PROBE else language


@contextmanager
def _as_read_by(person: Person | None, customer: Customer, own: OwnText | None) -> Iterator[None]:
    """Speak the language and know the time of whoever will read the mail."""
    language = own.language if own else spoken(next(filter(None, languages(person, customer)), ""))
    zone = (person.time_zone if person else "") or customer.time_zone
    with translation.override(language), timezone.override(ZoneInfo(zone)):
        yield


def _rendered(kind: str, context: dict[str, Any]) -> Rendered:
    place = f"content_assignments/messages/{kind}"
    subject = " ".join(render_to_string(f"{place}.subject.txt", context).split())
    return Rendered(subject, render_to_string(f"{place}.txt", context), render_to_string(f"{place}.html", context))


def _rendered_own(own: OwnText, values: Values, context: dict[str, Any]) -> Rendered:
    """Fill a customer's text in, under its own head and foot; nothing of it is a template."""
    context = context | {"body": fill(own.body, values), "paragraphs": fill_html(own.body, values)}
    place = "content_assignments/messages/own"
    subject = " ".join(fill(own.subject, values).split())
    return Rendered(subject, render_to_string(f"{place}.txt", context), render_to_string(f"{place}.html", context))


def _context(customer: Customer, person: Person | None, unsubscribe: str) -> dict[str, Any]:
    return {"customer": customer, "name": person.name if person else "", "unsubscribe": unsubscribe}


def _about(kind: str, entry: Entry, customer: Customer, since: datetime) -> dict[str, Any]:
    assignment, course = entry
    cost = Amount(-assignment.content_quantity, course.currency)
    return {
        "kind": kind,
        "course": course,
        "assignment": assignment,
        "deadline": assignment.expires_at,
        "deadline_reason": "" if assignment.personal_deadline else assignment.expires_reason,
        "price": cost if customer.show_price else "",
        "cost": cost,
        "link": course_link(assignment, course.run),
        **_answers(kind, assignment, since),
    }


def _answers(kind: str, assignment: LearnerContentAssignment, since: datetime) -> dict[str, str]:
    """Return the links by which the learner answers without an account, `link` the one to accept; none where that is off."""
    if kind not in ANSWERED or not setting("answer_url") or not apps.is_installed(ANSWERS_LIVE_IN):
        return {}
    names = {"link": Purpose.ACCEPT, "decline_link": Purpose.DECLINE, "more_time_link": Purpose.MORE_TIME}
    return {name: answer_link(purpose, assignment, since) for name, purpose in names.items()}


def answer_link(purpose: Purpose, assignment: LearnerContentAssignment, since: datetime) -> str:
    """Return the link by which whoever has this assignment, in its present cycle and under its present address, does one thing.

    It works for `answer_links_last` from `since` (aware) on.
    """
    until = since + setting("answer_links_last")
    token = answer_token(purpose, assignment.pk, assignment.cycle, until, assignment.learner_email_key)
    address: str = setting("answer_url").format(base_url=setting("base_url").rstrip("/"), token=token)
    return address


def _values(context: Mapping[str, Any]) -> dict[str, Value]:
    """Return what stands for the placeholders of a customer's text, one line each."""
    values = {"name": _line(context["name"]), "customer": _line(context["customer"].name)}
    if "course" in context:
        values |= {
            "course_title": _line(context["course"].title),
            "deadline": _line(mail_moment(context["deadline"])),
            "start": _line(mail_day(context["course"].start)),
            "price": _line(str(context["cost"])),
            "answer": _line(context.get("answer", "")),
            "link": Value(context["link"], format_html('<a href="{0}">{0}</a>', context["link"])),
        }
    return values


def _line(text: str) -> Value:
    return Value(" ".join(text.split()))


def course_link(assignment: LearnerContentAssignment, run_key: str = "") -> str:
    """Return where the learner takes the course up, or goes on with the run that they are enrolled in."""
    key = run_key or assignment.preferred_course_run_key or assignment.content_key
    address: str = setting("course_url").format(
        base_url=setting("base_url").rstrip("/"), content_key=quote(key, safe=""), assignment=assignment.pk
    )
    return address

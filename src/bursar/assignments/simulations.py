"""Which reminders would go out in the days to come, to whom and why, by the rules and facts of the tick; nothing is written.

It is assumed that a tick runs whenever something is to be looked at, that mails leave at once and that nobody answers.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from bursar.assignments import moves
from bursar.assignments.events import TOPIC_MAIL, MessageKind
from bursar.assignments.models import AssignmentConfiguration, LearnerContentAssignment, ReminderPolicy
from bursar.assignments.reminders import LOOK_AT_ONCE, Hold, Plan, Policy, Step, Waiting, local_day, steps, why_held
from bursar.assignments.reminding import (
    EXTRA,
    Open,
    Reminder,
    Someone,
    assignments_to,
    looks_unplanned,
    open_of,
    people_of,
)
from bursar.assignments.states import State
from bursar.assignments.wishes import rules_of
from bursar.outbox.models import UNSETTLED, Message
from bursar.outbox.models import State as Fate

WEEK: Final = timedelta(days=7)
LOOKED_AT: Final = 2_000
NOT_TOLD: Final = "the invitation has not left"
SHOWN: Final = ("learner_email", "content_title", "content_key")

Closed = Callable[[UUID, datetime], str | None]


def never_closed(_: UUID, __: datetime) -> str | None:
    """Say of every assignment that its course lets people in."""
    return None


@dataclass(frozen=True, slots=True)
class About:
    """What one line of a forecast is about: whose assignment, of what, and the step of the policy that is due."""

    assignment: UUID
    email: str = field(repr=False)
    title: str
    step: Step


@dataclass(frozen=True, slots=True)
class Foretold:
    """One mail: when (aware UTC), about what, and what held it back since its first step was due.

    `why_not` says in words why it would be dropped at the door, None if it is sent.
    """

    at: datetime
    about: tuple[About, ...]
    holds: tuple[Hold, ...] = ()
    why_not: str | None = None

    @property
    def email(self) -> str:
        """Whose mail it is."""
        return self.about[0].email

    @property
    def is_digest(self) -> bool:
        """Whether it tells of several assignments at once."""
        return len(self.about) > 1


@dataclass(frozen=True, slots=True)
class Held:
    """A step that falls due in these days and is not taken in them: until when it waits (None: for good), and why.

    Why is what the policy holds back (`holds`), or in words what else stands against it (`why`).
    """

    about: About
    until: datetime | None
    holds: tuple[Hold, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What would happen from `begin` until before `end`: every mail and everything held back, in the order of time.

    `people` have been looked at. Not `complete`: there are more of them, of whom nothing is said.
    """

    begin: datetime
    end: datetime
    mails: Sequence[Foretold]
    held: Sequence[Held]
    people: int
    complete: bool = True

    @property
    def sent(self) -> list[Foretold]:
        """The mails that would reach somebody."""
        return [mail for mail in self.mails if mail.why_not is None]


@dataclass(frozen=True, slots=True)
class Audience:
    """The people who may be reminded in a span, as they stand, with the rules that are tried on them."""

    rules: Policy
    begin: datetime
    end: datetime
    people: Sequence[Someone]
    known: Mapping[UUID, tuple[str, str]] = field(repr=False)
    anew: bool = False
    complete: bool = True

    @property
    def assignments(self) -> list[UUID]:
        """Everything that is open to them."""
        return [item.row.uuid for one in self.people for item in one.items]


def audience_of(policy: ReminderPolicy, *, begin: datetime, span: timedelta = WEEK, most: int = LOOKED_AT) -> Audience:
    """Return who is looked at under a policy, kept or not, from `begin` on for `span`; nine statements, nothing written.

    Rules that have not been applied yet look at all that is open, others at what is due; at `most` so many assignments
    make people known, the rest is left out.
    """
    rules, end, anew = rules_of(policy), begin + span, policy.unapplied
    if not rules.enabled:
        return Audience(rules, begin, end, (), {})
    mine = AssignmentConfiguration.objects.filter(enterprise_customer_uuid=policy.pk)
    rows = LearnerContentAssignment.objects.filter(
        assignment_configuration__in=mine.values("pk"), state=State.ALLOCATED
    )
    rows = rows if anew else rows.filter(next_reminder_at__lt=end)
    keys = list(rows.order_by().values_list("learner_email_key", flat=True)[: most + 1])
    found, known = _read(assignments_to(policy.pk, set(keys[:most])).filter(state=State.ALLOCATED))
    people = list(people_of(policy, found, begin))
    invited = _about_to_be_told(people)
    told = [replace(one, waiting=[_told(item, invited, begin) for item in one.waiting]) for one in people]
    return Audience(rules, begin, end, told, known, anew, len(keys) <= most)


def _read(rows: Any) -> tuple[list[Open], dict[UUID, tuple[str, str]]]:
    """Return open assignments, and of each the address and the title that it shows; one statement."""
    found: list[Open] = []
    known: dict[UUID, tuple[str, str]] = {}
    for values in rows.order_by("pk").values_list(*moves.COLUMNS, *EXTRA, *SHOWN):
        email, title, key = values[-len(SHOWN) :]
        item = open_of(values[: -len(SHOWN)])
        found.append(item)
        known[item.row.uuid] = email, title or key
    return found, known


def _about_to_be_told(people: Iterable[Someone]) -> set[UUID]:
    """Return what people are not told of yet whose invitation leaves at the next tick; one statement."""
    untold = [item.key for one in people for item in one.waiting if item.told_at is None]
    rows = Message.objects.filter(
        subject_uuid__in=untold, topic=TOPIC_MAIL, kind=MessageKind.ASSIGNED, state__in=UNSETTLED
    )
    return set(rows.values_list("subject_uuid", flat=True))


def _told(item: Waiting, invited: set[UUID], now: datetime) -> Waiting:
    return replace(item, told_at=now) if item.key in invited else item


def foretell(audience: Audience, *, closed: Closed = never_closed) -> Forecast:
    """Return what would be sent to an audience, and what would not; `closed` says why nobody is reminded of a course."""
    mails: list[Foretold] = []
    held: list[Held] = []
    for one in audience.people:
        days = _Days(one, audience, closed)
        mails += days.run()
        held += days.left_over()
    mails.sort(key=lambda mail: (mail.at, mail.email))
    held.sort(key=lambda item: (item.about.step.moment, item.about.email))
    return Forecast(audience.begin, audience.end, mails, held, len(audience.people), audience.complete)


class _Days:
    """The days of one person: looking at them again and again, as ticks do, until the span is over."""

    def __init__(self, one: Someone, audience: Audience, closed: Closed) -> None:
        self.one, self.audience, self.closed = one, audience, closed
        self.rules = one.rules(audience.rules)
        first = {item.row.uuid: LOOK_AT_ONCE if audience.anew else item.looks_at for item in one.items}
        self.looks: dict[UUID, datetime | None] = first

    def run(self) -> Iterator[Foretold]:
        """Yield the mails, the first one first."""
        while (now := self._next_look()) < self.audience.end:
            self.one = replace(self.one, waiting=[item for item in self.one.waiting if _is_open(item, now)])
            done = Plan() if self.one.stopped else self.one.plan(self.audience.rules, now)
            self.looks |= {**looks_unplanned(self.one.items, now), **done.look_at}
            mails = [self._mail(keys, done, now) for keys in done.mails]
            self._take(done, mails, now)
            yield from mails

    def left_over(self) -> Iterator[Held]:
        """Yield what falls due in the span and has not been taken."""
        for item in self.one.waiting:
            step = next((step for step in steps(self.rules, item) if step.moment < self.audience.end), None)
            if step is not None and _is_open(item, max(step.moment, self.audience.begin)):
                yield self._held(item, step)

    def _next_look(self) -> datetime:
        soonest = min((moment for moment in self.looks.values() if moment is not None), default=self.audience.end)
        return max(soonest, self.audience.begin)

    def _mail(self, keys: Sequence[UUID], done: Plan, now: datetime) -> Foretold:
        """Return one mail; what held it back is asked as of the moment when its first step was due."""
        about = tuple(self._about(key, done.steps[key]) for key in keys)
        due = max(min(one.step.moment for one in about), self.audience.begin)
        holds = why_held(self.rules, self.one.addressee(due), due) if due < now else ()
        whys = {self.closed(key, now) for key in keys}
        return Foretold(now, about, holds, None if None in whys else whys.pop())

    def _take(self, done: Plan, mails: Iterable[Foretold], now: datetime) -> None:
        """Let what is planned be taken and sent, and what waited in the outbox leave."""
        taken = [item.after(done.steps[item.key], now) if item.key in done.steps else item for item in self.one.waiting]
        today = local_day(self.one.zone, now)
        sent = [
            Reminder(Fate.DROPPED if mail.why_not else Fate.SENT, now, today if mail.is_digest else None)
            for mail in mails
        ]
        left = [reminder.settled(now) for reminder in self.one.reminders]
        self.one = replace(self.one, waiting=taken, reminders=[*left, *sent])

    def _held(self, item: Waiting, step: Step) -> Held:
        about, due = self._about(item.key, step), max(step.moment, self.audience.begin)
        if self.one.stopped:
            return Held(about, None, why=self.one.stopped)
        if item.told_at is None:
            return Held(about, None, why=NOT_TOLD)
        return Held(about, self.looks[item.key], why_held(self.rules, self.one.addressee(due), due))

    def _about(self, key: UUID, step: Step) -> About:
        email, title = self.audience.known[key]
        return About(key, email, title, step)


def _is_open(item: Waiting, now: datetime) -> bool:
    """Tell whether an assignment has not lapsed by then."""
    return item.expires_at is None or item.expires_at > now

"""When somebody is reminded under a customer's policy: what is due now, or not before when. Pure: no Django, no clock.

Nothing is kept but the steps that were taken, so whoever looks late finds one step due: the newest that has passed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Final
from uuid import UUID

DAY: Final = timedelta(days=1)
SMALLEST: Final = timedelta.resolution
CAP_PERIOD: Final = timedelta(days=7)
LOOK_AT_ONCE: Final = datetime(1970, 1, 1, tzinfo=UTC)
SATURDAY: Final = 5
LONGEST_WAY_OUT: Final = 12  # evening, two days of a weekend and two mornings are five moves


class Hold(StrEnum):
    """What keeps a reminder that is due from being sent: another one (on its way, or today's digest), or the policy."""

    ANOTHER = "another"
    CAP = "cap"
    QUIET_HOURS = "quiet_hours"
    WEEKEND = "weekend"


@dataclass(frozen=True, slots=True)
class Quiet:
    """The hours, by the learner's clock, in which nothing is sent: from `start` until before `end`, over midnight too."""

    start: time
    end: time

    def covers(self, moment: time) -> bool:
        """Tell whether it is quiet then; equal ends leave no quiet hours."""
        if self.start <= self.end:
            return self.start <= moment < self.end
        return moment >= self.start or moment < self.end


@dataclass(frozen=True, slots=True)
class Policy:
    """How a customer reminds: days after somebody was told, days before the deadline, and what holds mails back.

    `per_week` is how many reminders one person gets within seven days, over all budgets of the customer.
    """

    after: tuple[int, ...] = ()
    before: tuple[int, ...] = ()
    per_week: int = 1
    quiet: Quiet | None = None
    working_days: bool = False
    digest: bool = True
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """One reminder that the policy foresees: its code, such as `after:7`, and when it is due (aware UTC)."""

    code: str
    moment: datetime

    @property
    def slot(self) -> str:
        """What makes the step unique in a cycle: a deadline that has moved far enough gives it a new one."""
        return f"{self.code}@{self.moment.astimezone(UTC):%Y-%m-%d}"


@dataclass(frozen=True, slots=True)
class Waiting:
    """One open assignment: allocated when, told of it when (None: not yet), its deadline, the steps taken, by code.

    `reminded_at` is when a reminder of whatever origin last reached the learner. All aware UTC.
    """

    key: UUID
    allocated_at: datetime
    told_at: datetime | None
    expires_at: datetime | None = None
    taken: Mapping[str, datetime] = field(default_factory=dict)
    reminded_at: datetime | None = None

    @property
    def start(self) -> datetime:
        """What days are counted from: an invitation that left late is not followed by a reminder at once."""
        return self.allocated_at if self.told_at is None else max(self.told_at, self.allocated_at)

    @property
    def last(self) -> datetime | None:
        """When the learner was last reminded of it, by whatever reminder; None: never in this cycle."""
        known = (*self.taken.values(), self.reminded_at)
        return max((moment for moment in known if moment is not None), default=None)

    def after(self, step: Step, now: datetime) -> "Waiting":
        """Return the same once the step has been taken."""
        return replace(self, taken={**self.taken, step.code: max(now, step.moment)})


@dataclass(frozen=True, slots=True)
class Addressee:
    """What is known of the person: zone, when reminders went or go out in the last seven days, and until when to hold."""

    zone: tzinfo = UTC
    recent: tuple[datetime, ...] = ()
    hold_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do for one person now: the mails (the keys in each), the steps they take, and when to look at each again.

    An assignment whose next look is None needs none, as long as its deadline and the policy stay what they are.
    """

    mails: tuple[tuple[UUID, ...], ...] = ()
    steps: Mapping[UUID, Step] = field(default_factory=dict)
    look_at: Mapping[UUID, datetime | None] = field(default_factory=dict)


def plan(policy: Policy, person: Addressee, items: Sequence[Waiting], now: datetime) -> Plan:
    """Return what is due for one person, whose open assignments at the customer are `items`.

    With a digest, whatever comes due later on the same day of the learner's goes out together with what is due now.
    """
    if not policy.enabled:
        return Plan(look_at={item.key: None for item in items})
    groups = _due_together(policy, person, items, now)
    mails: list[tuple[UUID, ...]] = []
    steps: dict[UUID, Step] = {}
    for group in groups:
        if earliest(policy, person, now) <= now:
            mails.append(tuple(group))
            steps |= group
            person = replace(person, recent=(*person.recent, now))
    later = [item.after(steps[item.key], now) if item.key in steps else item for item in items]
    return Plan(tuple(mails), steps, {item.key: _next_look(policy, person, item, now) for item in later})


def _due_together(policy: Policy, person: Addressee, items: Sequence[Waiting], now: datetime) -> list[dict[UUID, Step]]:
    """Return what would go out in one mail each, if mails may go out now.

    In a digest the nearest deadline comes first; alone, what was not reminded of for longest: under a cap it had to wait.
    """
    told = sorted((item for item in items if item.told_at is not None), key=_deadline)
    if not policy.digest:
        told.sort(key=lambda item: item.last or LOOK_AT_ONCE)
    due = {item.key: step for item in told if (step := _newest(policy, item, now))}
    if not policy.digest:
        return [{key: step} for key, step in due.items()]
    today = next_midnight(person.zone, now) - SMALLEST  # what is due at midnight is of tomorrow
    return [{item.key: step for item in told if (step := _newest(policy, item, today))}] if due else []


def _newest(policy: Policy, item: Waiting, until: datetime) -> Step | None:
    """Return the newest step that has passed by then: earlier ones that nobody took are part of it."""
    return max((step for step in steps(policy, item) if step.moment <= until), key=_moment, default=None)


def steps(policy: Policy, item: Waiting) -> list[Step]:
    """Return the steps that are not over yet, in the order of time: those between the start and the deadline."""
    found = [Step(f"after:{days}", item.start + days * DAY) for days in policy.after]
    if item.expires_at is not None:
        found += [Step(f"before:{days}", item.expires_at - days * DAY) for days in policy.before]
    return sorted((step for step in found if _is_within(step, item) and not _is_over(step, item)), key=_moment)


def _is_within(step: Step, item: Waiting) -> bool:
    return item.start < step.moment and (item.expires_at is None or step.moment < item.expires_at)


def _is_over(step: Step, item: Waiting) -> bool:
    """Tell whether a step was taken, or passed by a later reminder; one whose deadline moved by a week comes again."""
    if step.code in item.taken:
        return step.moment < item.taken[step.code] + CAP_PERIOD
    return item.last is not None and step.moment <= item.last


def _next_look(policy: Policy, person: Addressee, item: Waiting, now: datetime) -> datetime | None:
    coming = next(iter(steps(policy, item)), None)
    if coming is None:
        return None
    moment = max(coming.moment, now)
    if item.told_at is None and moment <= now:
        moment = now + DAY
    look = earliest(policy, person, moment)
    return look if item.expires_at is None or look < item.expires_at else None


def earliest(policy: Policy, person: Addressee, moment: datetime) -> datetime:
    """Return the first moment from `moment` on at which a reminder may be sent to the person."""
    return _last(moment, _held(policy, person, moment))


def why_held(policy: Policy, person: Addressee, moment: datetime) -> tuple[Hold, ...]:
    """Return what keeps a reminder that is due at `moment` from being sent then, in the order in which it is asked."""
    return tuple(dict.fromkeys(hold for hold, _ in _held(policy, person, moment)))


def next_allowed(policy: Policy, zone: tzinfo, moment: datetime) -> datetime:
    """Return the first moment from `moment` on that is neither in quiet hours nor, if so wished, at a weekend."""
    return _last(moment, _held_by_the_clock(policy, zone, moment))


def _last(moment: datetime, held: Iterable[tuple[Hold, datetime]]) -> datetime:
    """Return until when what is due at `moment` waits."""
    for _, later in held:
        moment = later
    return moment


def _held(policy: Policy, person: Addressee, moment: datetime) -> Iterator[tuple[Hold, datetime]]:
    """Yield one after the other what holds a reminder back, and until when."""
    if person.hold_until is not None and person.hold_until > moment:
        moment = person.hold_until
        yield Hold.ANOTHER, moment
    if len(person.recent) >= policy.per_week:
        free = sorted(person.recent)[-policy.per_week] + CAP_PERIOD
        if free > moment:
            moment = free
            yield Hold.CAP, moment
    yield from _held_by_the_clock(policy, person.zone, moment)


def _held_by_the_clock(policy: Policy, zone: tzinfo, moment: datetime) -> Iterator[tuple[Hold, datetime]]:
    for _ in range(LONGEST_WAY_OUT):
        local = moment.astimezone(zone)
        clock = local.time()
        if policy.working_days and local.weekday() >= SATURDAY:
            moment = next_midnight(zone, moment)
            yield Hold.WEEKEND, moment
        elif policy.quiet is not None and policy.quiet.covers(clock):
            moment = _at(local, days=int(clock >= policy.quiet.end), clock=policy.quiet.end)
            yield Hold.QUIET_HOURS, moment
        else:
            return


def held_until(policy: Policy, zone: tzinfo, queued_at: datetime, now: datetime) -> datetime | None:
    """Return until when a reminder that could not leave in time waits, or None: it goes now.

    Whoever asks for one within the quiet hours means it.
    """
    if not policy.enabled or next_allowed(policy, zone, queued_at) > queued_at:
        return None
    then = next_allowed(policy, zone, now)
    return then if then > now else None


def next_midnight(zone: tzinfo, moment: datetime) -> datetime:
    """Return when the next day begins, by the clock of the zone."""
    return _at(moment.astimezone(zone), days=1, clock=time.min)


def local_day(zone: tzinfo, moment: datetime) -> int:
    """Return the number of the day that it is in the zone."""
    return moment.astimezone(zone).date().toordinal()


def _at(local: datetime, *, days: int, clock: time) -> datetime:
    """Return (in UTC) when the clock shows `clock`, so many days on: after `local`, the second time if it shows it twice.

    A time that the clock leaps over counts as the same time after the leap.
    """
    day, now = local.date() + days * DAY, local.astimezone(UTC)
    shown = [datetime.combine(day, clock.replace(fold=fold), local.tzinfo).astimezone(UTC) for fold in (0, 1)]
    return next((moment for moment in shown if moment > now), now + timedelta(hours=1))


def calendar(policy: Policy, zone: tzinfo, item: Waiting) -> Iterator[tuple[datetime, Step]]:
    """Yield when somebody who never answers would be reminded of one assignment, and by which step."""
    person, now = Addressee(zone), item.start
    while True:
        done = plan(policy, person, [item], now)
        if item.key in done.steps:
            step = done.steps[item.key]
            yield now, step
            item, person = item.after(step, now), replace(person, recent=(*person.recent, now))
        look = done.look_at[item.key]
        if look is None:
            return
        now = look


def _moment(step: Step) -> datetime:
    return step.moment


def _deadline(item: Waiting) -> tuple[bool, datetime, UUID]:
    return item.expires_at is None, item.expires_at or LOOK_AT_ONCE, item.key

"""Policies of reminders from the command line: what they are, switching them on and off, what they would do."""

from collections.abc import Callable, Mapping
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from bursar.assignments import services
from bursar.assignments.expiry import DAYS_BEFORE_EXPIRATION
from bursar.assignments.models import ReminderPolicy
from bursar.assignments.reminders import Step, Waiting, calendar
from bursar.assignments.services import PolicyChange
from bursar.assignments.wishes import rules_of, zone_of
from bursar.cli.output import Answer, Part, facts, heading, table
from bursar.cli.values import date_text, moment
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.kernel.errors import BadInput
from bursar.people.files import read_time_zone
from bursar.people.models import Customer
from bursar.people.selectors import find_customer

NONE = "none"


def show(reference: str) -> Answer:
    """Tell by which rules a customer's learners are reminded."""
    customer = find_customer(reference, None)
    return _told(services.policy_of(customer.pk), customer)


def set_rules(reference: str, given: Mapping[str, Any]) -> Answer:
    """Switch reminders on, with what is given changed."""
    customer = find_customer(reference, None)
    readers: dict[str, tuple[str, Callable[[Any], Any]]] = {
        "after": ("after_days", _days),
        "before": ("before_days", _days),
        "per_week": ("per_week", int),
        "quiet": ("quiet", _hours),
        "working_days": ("working_days_only", bool),
        "digest": ("digest", bool),
    }
    change: dict[str, Any] = {}
    for name, (field, read) in readers.items():
        if given[name] is not None:
            change[field] = read(given[name])
    return _told(services.set_policy(customer.pk, PolicyChange(**change), actor=CONSOLE), customer)


def off(reference: str) -> Answer:
    """Switch reminders off."""
    customer = find_customer(reference, None)
    return _told(services.switch_off(customer.pk, actor=CONSOLE), customer)


def simulate(reference: str, *, allocated: str | None, deadline: str | None, zone: str) -> Answer:
    """Name the reminders that somebody who never answers would get."""
    customer = find_customer(reference, None)
    row = services.policy_of(customer.pk)
    row.enabled = True
    start = moment(allocated, "--allocated") if allocated else clock.now()
    end = moment(deadline, "--deadline") if deadline else start + timedelta(days=DAYS_BEFORE_EXPIRATION)
    if end <= start:
        raise BadInput("The deadline must come after the course is assigned.", code="invalid_dates")
    place = zone_of(read_time_zone(zone), customer.time_zone)
    sample = Waiting(UUID(int=0), start, start, end)
    found = list(calendar(rules_of(row), place, sample))
    data = {
        "allocated": start,
        "deadline": end,
        "zone": str(place),
        "reminders": [{"at": at, "step": step.code, "due": step.moment} for at, step in found],
    }
    named = facts((("Assigned", date_text(start)), ("Deadline", date_text(end)), ("Time zone", str(place))))
    rows = [(f"{at.astimezone(place):%a %Y-%m-%d %H:%M}", _step_words(step), _delay(at, step)) for at, step in found]
    shown: Part = table(("Sent", "Because it is", ""), rows) if found else "Nobody would be reminded."
    return Answer(data, (named, heading("Reminders"), shown), _notes(customer.pk))


def _notes(customer: UUID) -> tuple[str, ...]:
    enabled = rules_of(services.policy_of(customer)).enabled
    return () if enabled else ("Note: automatic reminders are off; this is what they would do.",)


def _step_words(step: Step) -> str:
    kind, _, days = step.code.partition(":")
    unit = "day" if days == "1" else "days"
    return f"{days} {unit} {'after somebody was told' if kind == 'after' else 'before the deadline'}"


def _delay(at: datetime, step: Step) -> str:
    return "" if at <= step.moment else f"due on {date_text(step.moment)}, held back"


def _days(text: str) -> list[int]:
    """Return whole numbers separated by commas; none for no days."""
    if text.strip() == NONE:
        return []
    try:
        return [int(word) for word in text.split(",")]
    except ValueError:
        raise BadInput(
            "Days are whole numbers separated by commas, such as 7,30, or none.", code="invalid_days"
        ) from None


def _hours(text: str) -> tuple[time, time] | None:
    """Return two times of the day; None for none."""
    if text.strip() == NONE:
        return None
    begin, _, end = text.partition("-")
    try:
        return time.fromisoformat(begin.strip()), time.fromisoformat(end.strip())
    except ValueError:
        raise BadInput("Quiet hours are such as 20:00-08:00, or none.", code="invalid_quiet_hours") from None


def _told(row: ReminderPolicy, customer: Customer) -> Answer:
    rules = rules_of(row)
    quiet = f"{row.quiet_from:%H:%M}-{row.quiet_until:%H:%M}" if row.quiet_from and row.quiet_until else None
    data = {
        "customer": customer.pk,
        "enabled": row.enabled,
        "after_days": row.after_days,
        "before_days": row.before_days,
        "per_week": row.per_week,
        "quiet": quiet,
        "working_days_only": row.working_days_only,
        "digest": row.digest,
        "muted": row.muted,
    }
    shown = facts((
        ("Customer", customer.name),
        ("Automatic reminders", "on" if rules.enabled else "off" if not row.enabled else "on, but reminders are muted"),
        ("After somebody was told", _in_days(row.after_days)),
        ("Before the deadline", _in_days(row.before_days)),
        ("At most in seven days", row.per_week),
        ("Quiet hours of the learner", quiet or NONE),
        ("Weekends", "left out" if row.working_days_only else "as other days"),
        ("Several due on one day", "one mail" if row.digest else "a mail each"),
        ("Mails not sent at all", ", ".join(row.muted) or None),
    ))  # fmt: skip
    hint = "" if row.enabled else f"Switch them on with: bursar reminders set {customer.slug}"
    return Answer(data, (shown, hint) if hint else (shown,))


def _in_days(days: list[int]) -> str:
    return f"{', '.join(map(str, days))} days" if days else NONE

"""A customer's own rules: when its learners are reminded, in which words they are written to, and which mails are not sent."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import time
from typing import Any, Final, TypeVar
from uuid import UUID

from django.contrib.auth import get_user_model

from bursar.assignments.events import Act, MessageKind
from bursar.assignments.models import MessageText, ReminderPolicy
from bursar.assignments.texts import OwnText, check_kind, read
from bursar.kernel import clock
from bursar.kernel.actor import Actor
from bursar.kernel.errors import BadInput, NotFound
from bursar.kernel.transactions import writes
from bursar.people.access import Permission, require
from bursar.people.auditing import record_act
from bursar.people.files import read_language
from bursar.people.models import Customer

K = TypeVar("K", ReminderPolicy, MessageText)

LONGEST_DAYS: Final = 365
MOST_STEPS: Final = 10
MOST_PER_WEEK: Final = 7
MUTABLE: Final = tuple(map(str, MessageKind))
UNCHANGED: Final[Any] = object()
RULES: Final = ("after_days", "before_days", "per_week", "working_days_only", "digest")

# What `set_policy` switches on where a customer says nothing else.
AFTER_DAYS: Final = (7, 30)
BEFORE_DAYS: Final = (1, 7)
PER_WEEK: Final = 2
QUIET: Final = (time(20), time(8))


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """What is to be changed of a policy; what is not given stays as it is.

    Days are whole numbers from 1 to 365, `per_week` is from 1 to 7, `quiet` two times of the learner's clock or None for
    no quiet hours.
    """

    after_days: Iterable[int] = UNCHANGED
    before_days: Iterable[int] = UNCHANGED
    per_week: int = UNCHANGED
    quiet: tuple[time, time] | None = UNCHANGED
    working_days_only: bool = UNCHANGED
    digest: bool = UNCHANGED


def policy_of(customer: UUID) -> ReminderPolicy:
    """Return the policy of a customer; one that nobody has made is off, and ready to be switched on."""
    return ReminderPolicy.objects.filter(pk=customer).first() or _unmade(customer)


def _unmade(customer: UUID) -> ReminderPolicy:
    return ReminderPolicy(
        customer_uuid=customer, after_days=list(AFTER_DAYS), before_days=list(BEFORE_DAYS), per_week=PER_WEEK,
        quiet_from=QUIET[0], quiet_until=QUIET[1],
    )  # fmt: skip


@writes
def set_policy(
    customer: UUID, change: PolicyChange | None = None, *, actor: Actor, enabled: bool = True
) -> ReminderPolicy:
    """Switch automatic reminders on, with what is given changed; open assignments come under the rules at the next tick.

    With `enabled` False the rules are kept for switching on later. Raises `NotFound` for a customer that the actor may not configure, `BadInput` (`invalid_days`, `invalid_cap`,
    `invalid_quiet_hours`, `no_steps`).
    """
    row, is_new = _locked(customer, actor)
    saved = _saved(_changed(row, change or PolicyChange(), enabled=enabled), is_new, actor)
    rules = {name: getattr(saved, name) for name in RULES}
    record_act(actor, Act.REMINDERS_SET, customer, **rules)
    return saved


def draft_policy(customer: UUID, change: PolicyChange | None = None) -> ReminderPolicy:
    """Return the policy that `set_policy` would keep, without keeping it; raises `BadInput` as it does."""
    return _changed(policy_of(customer), change or PolicyChange(), enabled=True)


def _changed(row: ReminderPolicy, change: PolicyChange, *, enabled: bool) -> ReminderPolicy:
    for name, value in _read(change).items():
        setattr(row, name, value)
    if not row.after_days and not row.before_days:
        raise BadInput("A policy without any step reminds nobody; switch it off instead.", code="no_steps")
    row.enabled = row.unapplied = enabled
    return row


@writes
def switch_off(customer: UUID, *, actor: Actor) -> ReminderPolicy:
    """Switch automatic reminders off; those that wait already are sent, the rules are kept for switching on again."""
    row, is_new = _locked(customer, actor)
    was_on, row.enabled = row.enabled, False
    if was_on:
        record_act(actor, Act.REMINDERS_OFF, customer)
    return _saved(row, is_new, actor)


@writes
def set_muted(customer: UUID, kind: str, *, muted: bool, actor: Actor) -> ReminderPolicy:
    """Send no more mails of a kind to the learners of a customer, or send them again.

    Those that come up meanwhile are dropped when they would leave, with the reason on the timeline. Raises `NotFound`,
    `BadInput` (`unknown_kind`).
    """
    if kind not in MUTABLE:
        raise BadInput(f"A kind of mail is one of {', '.join(MUTABLE)}.", code="unknown_kind")
    row, is_new = _locked(customer, actor)
    row.muted = sorted({*row.muted, kind} if muted else {*row.muted} - {kind})
    row.unapplied = row.enabled
    record_act(actor, Act.MAIL_STOPPED if muted else Act.MAIL_RESUMED, customer, kind=kind)
    return _saved(row, is_new, actor)


def _locked(customer: UUID, actor: Actor) -> tuple[ReminderPolicy, bool]:
    require(actor, Permission.NOTIFY, customer)
    _require_customer(customer)
    row = ReminderPolicy.objects.select_for_update().filter(pk=customer).first()
    return (_unmade(customer), True) if row is None else (row, False)


def _require_customer(customer: UUID) -> None:
    if not Customer.objects.filter(pk=customer).exists():
        raise NotFound("There is no such customer.")


def _saved(row: K, is_new: bool, actor: Actor) -> K:
    _act_as(row, actor)
    row.save(force_insert=is_new)
    return row


def _act_as(row: Any, actor: Actor) -> None:
    """Tell the history of this record who acts."""
    if actor.user_id is not None:
        user = get_user_model()(pk=actor.user_id)
        vars(row).update(_history_user=user, _history_user_id=actor.user_id)


def _read(change: PolicyChange) -> dict[str, Any]:
    """Return the fields to write, checked."""
    values: dict[str, Any] = {}
    for name in ("after_days", "before_days"):
        if (days := getattr(change, name)) is not UNCHANGED:
            values[name] = _days(days)
    if change.per_week is not UNCHANGED:
        values["per_week"] = _cap(change.per_week)
    if change.quiet is not UNCHANGED:
        values["quiet_from"], values["quiet_until"] = _quiet(change.quiet)
    for name in ("working_days_only", "digest"):
        if (chosen := getattr(change, name)) is not UNCHANGED:
            values[name] = bool(chosen)
    return values


def _days(given: Iterable[int]) -> list[int]:
    days = sorted(set(given))
    if len(days) > MOST_STEPS or any(isinstance(day, bool) or not 1 <= day <= LONGEST_DAYS for day in days):
        raise BadInput(f"Days are at most {MOST_STEPS} whole numbers from 1 to {LONGEST_DAYS}.", code="invalid_days")
    return days


def _cap(given: int) -> int:
    if isinstance(given, bool) or not 1 <= given <= MOST_PER_WEEK:
        raise BadInput(f"A person gets from 1 to {MOST_PER_WEEK} reminders in seven days.", code="invalid_cap")
    return given


def _quiet(given: tuple[time, time] | None) -> tuple[time | None, time | None]:
    if given is None:
        return None, None
    if given[0] == given[1] or any(moment.tzinfo is not None for moment in given):
        raise BadInput("Quiet hours begin and end at two times of the day.", code="invalid_quiet_hours")
    return given


@writes
def set_text(customer: UUID, kind: str, language: str, *, subject: str, body: str, actor: Actor) -> MessageText:
    """Keep a customer's own text for a kind of mail in a language, in place of the one before.

    Raises `NotFound` for a customer that the actor may not configure, `BadInput` with the codes of `texts.read`, or
    `invalid_language`.
    """
    require(actor, Permission.NOTIFY, customer)
    _require_customer(customer)
    text = read_text(kind, language, subject=subject, body=body)
    named = MessageText.objects.select_for_update().filter(customer_uuid=customer, kind=kind, language=text.language)
    row = named.first()
    is_new = row is None
    row = row or MessageText(customer_uuid=customer, kind=kind, language=text.language)
    row.subject, row.body = text.subject, text.body
    record_act(actor, Act.TEXT_SET, customer, kind=kind, language=text.language)
    return _saved(row, is_new, actor)


def read_text(kind: str, language: str, *, subject: str, body: str) -> OwnText:
    """Return a text as it may be kept; raises `BadInput` naming what is wrong."""
    known = read_language(language)
    if not known:
        raise BadInput("A text is in some language, such as en or de.", code="invalid_language")
    return read(kind, known, subject=subject, body=body)


@writes
def remove_text(customer: UUID, kind: str, language: str, *, actor: Actor) -> None:
    """Go back to the text that is built in; what the own one said stays in the history. Raises `NotFound`, `BadInput`."""
    require(actor, Permission.NOTIFY, customer)
    row = MessageText.objects.filter(
        customer_uuid=customer, kind=check_kind(kind), language=read_language(language)
    ).first()
    if row is None:
        raise NotFound("There is no such text.")
    _act_as(row, actor)
    vars(row)["_history_date"] = clock.now()
    record_act(actor, Act.TEXT_REMOVED, customer, kind=row.kind, language=row.language)
    row.delete()


def texts_of(customer: UUID, *, actor: Actor) -> list[MessageText]:
    """Return the own texts of a customer, by kind and language; raises `NotFound` where the actor manages nothing."""
    require(actor, Permission.MANAGE, customer)
    return list(MessageText.objects.filter(customer_uuid=customer))

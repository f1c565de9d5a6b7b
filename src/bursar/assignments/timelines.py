"""What happened to one assignment, from every table that knows a part of it, in the order of time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from bursar.assignments.models import LearnerContentAssignment, LearnerReply, ReplyKind, ReplyState
from bursar.budgets.models import Transaction, TransactionState
from bursar.kernel.spelling import date_text, money
from bursar.outbox.models import HELD, Message, State


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened: when, from which record it is known, and what."""

    at: datetime
    kind: str
    what: str


def timeline(
    row: LearnerContentAssignment,
    payments: Sequence[Transaction],
    messages: Sequence[Message],
    replies: Sequence[LearnerReply],
) -> list[Event]:
    """Return everything that is known to have happened, oldest first."""
    events = [*_history(row), *_actions(row), *_payments(payments), *_messages(messages), *_replies(replies)]
    return sorted(events, key=lambda event: event.at)


def fate(message: Message) -> str:
    """Return what became of a message, or why it has not left yet."""
    state = State(message.state)
    if state in HELD:
        return f"leaving now, in the hands of {message.claimed_by}"
    return _waits(message) if state == State.PENDING else _ended(message)


def _waits(message: Message) -> str:
    due = date_text(message.due_at)
    if not message.attempts:
        return f"waits to be sent since {due}; `bursar tick` or a worker does it"
    return f"not sent yet: {_tries(message)}, the last one failed with {message.error_code}; next on {due}"


def _twice(message: Message) -> str:
    """Return what is to be said of a message that nobody knows to have left before."""
    return "" if message.resent_at is None else ", again: nobody knows whether it had left before"


def _ended(message: Message) -> str:
    words = {
        State.BOUNCED: f"came back on {date_text(message.settled_at)}: bounced, {message.error_code}",
        State.SENT: f"sent on {date_text(message.settled_at)}{_twice(message)}",
        State.DROPPED: f"not sent: {message.reason}",
        State.FAILED: f"not sent: given up after {_tries(message)}, {message.error_code or message.reason}",
        State.UNKNOWN: f"may have been sent, {message.error_code}; `bursar messages replay` sends it again",
    }
    return words[State(message.state)]


def _tries(message: Message) -> str:
    return f"{message.attempts} {'try' if message.attempts == 1 else 'tries'}"


def _history(row: LearnerContentAssignment) -> Iterator[Event]:
    past: list[Any] = list(LearnerContentAssignment.history.filter(uuid=row.pk).order_by("history_date", "history_id"))
    for before, record in pairwise([None, *past]):
        moved = "" if before is None or before.state == record.state else f": {before.state} → {record.state}"
        by = f" (user {record.history_user_id})" if record.history_user_id else ""
        what = record.history_change_reason or ("made" if before is None else "changed")
        yield Event(record.history_date, "history", f"{what}{moved}{by}")


def _actions(row: LearnerContentAssignment) -> Iterator[Event]:
    for action in row.actions.all():
        name = action.action_type.replace("_", " ")
        if action.error_reason:
            yield Event(action.created, "action", f"{name}: failed, {action.error_reason}")
        else:
            yield Event(action.completed_at or action.created, "action", name)


def _payments(payments: Sequence[Transaction]) -> Iterator[Event]:
    for item in payments:
        amount = money(-item.quantity)
        yield Event(item.created, "transaction", f"opened over {amount} for {item.content_key}")
        if item.state == TransactionState.PENDING:
            asked = f", {item.error_code}" if item.error_code else ""
            yield Event(item.modified, "transaction", f"pending{asked}; asked again on {date_text(item.due_at)}")
        elif item.state != TransactionState.CREATED:
            yield Event(item.modified, "transaction", f"{item.state} {item.error_code}".rstrip())
        if hasattr(item, "reversal"):
            yield Event(
                item.reversal.created,
                "reversal",
                f"{money(item.reversal.quantity)} given back. {item.reversal.reason}".rstrip(),
            )


def _replies(replies: Sequence[LearnerReply]) -> Iterator[Event]:
    for item in replies:
        yield Event(item.created, "reply", f"{_said(item)}{_quoted(item.words)}")
        if item.answered_at:
            until = f" until {date_text(item.until)}" if item.until and item.state == ReplyState.GRANTED else ""
            by = f" (user {item.answered_by})" if item.answered_by else ""
            yield Event(item.answered_at, "reply", f"more time {item.state}{until}{by}{_quoted(item.answer)}")


def _said(item: LearnerReply) -> str:
    if item.kind == ReplyKind.MORE_TIME:
        wanted = f" until {date_text(item.until)}" if item.until and item.state != ReplyState.GRANTED else ""
        return f"asked for more time{wanted}"
    return f"declined: {item.reason}"


def _quoted(words: str) -> str:
    return f", “{words}”" if words else ""


def _messages(messages: Sequence[Message]) -> Iterator[Event]:
    for item in messages:
        yield Event(item.created, "message", f"{item.kind} queued")
        if item.settled_at:
            yield Event(item.settled_at, "message", f"{item.kind}: {_settled(item)}")


def _settled(item: Message) -> str:
    if item.state == State.BOUNCED:
        return f"bounced, {item.error_code}"
    return "sent" if item.state == State.SENT else fate(item)

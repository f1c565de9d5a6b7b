"""Assignments from the command line: the list, and everything about one of them with the reasons."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from bursar.assignments import flows
from bursar.assignments.events import TOPIC_DIGEST
from bursar.assignments.flows.stories import Story
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.selectors import assignments
from bursar.assignments.timelines import fate
from bursar.budgets.models import Budget
from bursar.cli.handlers.expiries import explanation_table
from bursar.cli.handlers.selection import by_address, of_budget
from bursar.cli.handlers.shapes import Shape, assignment_shape, message_shape, transaction_shape
from bursar.cli.output import Answer, Part, facts, heading, table
from bursar.cli.values import date_text, money, second_text, uuid_of
from bursar.kernel.actor import CONSOLE
from bursar.kernel.results import Refusal
from bursar.outbox.models import Message
from bursar.people.records import read_one


@dataclass(frozen=True, slots=True)
class Filters:
    """Which assignments are listed, and which page of them."""

    budget: str | None
    states: Sequence[str]
    learner_states: Sequence[str]
    emails: Sequence[str]
    content: str | None
    limit: int
    page: int


def list_some(filters: Filters) -> Answer:
    """Name assignments, the newest action first."""
    rows = of_budget(filters.budget) if filters.budget else assignments(CONSOLE)
    rows = rows.filter(by_address(filters.emails), _by_content(filters.content))
    if filters.states:
        rows = rows.filter(state__in=filters.states)
    if filters.learner_states:
        rows = rows.filter(learner_state__in=filters.learner_states)
    start = (filters.page - 1) * filters.limit
    found = list(rows[start : start + filters.limit + 1])
    shown, more = found[: filters.limit], len(found) > filters.limit
    data = {"assignments": [assignment_shape(row) for row in shown], "page": filters.page, "more": more}
    if not shown:
        return Answer(data, ("No assignment fits.",))
    return Answer(data, (_table(shown), f"More follow: --page {filters.page + 1}") if more else (_table(shown),))


def show(reference: str) -> Answer:
    """Tell everything about one assignment, and why."""
    told = flows.story(uuid_of(reference, "an assignment"), actor=CONSOLE)
    row, due, refusal, stops = told.row, told.due, told.refusal, list(told.stops)
    data = {
        **assignment_shape(row),
        "mail_stopped": stops,
        "budget": told.budget and told.budget.pk,
        "personal_deadline": row.personal_deadline,
        "address_scrubbed_at": row.address_scrubbed_at,
        "expiry": {"at": row.expires_at, "reason": row.expires_reason, "candidates": due.candidates},
        "redemption": {"possible": refusal is None, "refusal": _refusal_shape(refusal)},
        "transactions": [transaction_shape(item) for item in told.payments],
        "messages": [message_shape(item) | {"assignment": row.pk, "why": fate(item)} for item in told.messages],
        "timeline": [{"at": event.at, "kind": event.kind, "what": event.what} for event in told.events],
    }
    parts = _in_words(told)
    if stops:
        parts.insert(1, f"Mail is stopped: {', '.join(stops)}.")
    return Answer(data, parts)


def hand_over(reference: str, *, to: str, name: str) -> Answer:
    """End one assignment and begin the same for somebody else."""
    person = read_one({"email": to, "name": name})
    done = flows.hand_over(uuid_of(reference, "an assignment"), person, actor=CONSOLE)
    words = f"Handed to {person.email}: {done.begun}. Whoever was told of the first one is told of its end."
    return Answer({"assignment": done.begun, "ended": done.ended}, (words,))


def _in_words(told: Story) -> list[Part]:
    row, refusal = told.row, told.refusal
    parts: list[Part] = [_facts(row, told.budget), heading("Why it expires when it does")]
    if row.state != "allocated":
        parts.append(f"It does not any more: it is {row.state}. While it was open, these dates counted:")
    parts += [explanation_table(told.due), heading("Could it be accepted now?")]
    parts.append("Yes." if refusal is None else f"No: {refusal.message} ({refusal.code})")
    parts.append(heading("Messages"))
    sent = [(*_name(item), fate(item)) for item in told.messages]
    parts.append(table(("Message", "Of", "What became of it"), sent) if sent else "None was ever due.")
    parts += [
        heading("Everything that happened"),
        table(("When", "", "What"), [(second_text(e.at), e.kind, e.what) for e in told.events]),
    ]
    return parts


def _name(message: Message) -> tuple[str, str]:
    """Return what a message is called, and of which cycle it is; a digest tells of several assignments."""
    if message.topic == TOPIC_DIGEST:
        return "reminder of several courses", ""
    return f"{message.kind} {message.ordinal}", f"cycle {message.cycle}"


def _facts(row: LearnerContentAssignment, budget: Budget | None) -> Part:
    state = f"{row.state}, {row.learner_state}" if row.learner_state and row.learner_state != row.state else row.state
    currency = budget.fund.currency if budget else ""
    return facts((
        ("Assignment", row.pk),
        ("For", row.learner_email),
        ("Address removed", date_text(row.address_scrubbed_at) if row.address_scrubbed_at else None),
        ("Learning platform id", row.lms_user_id),
        ("Course", f"{row.content_title or ''} ({row.content_key})"),
        ("Run", row.preferred_course_run_key),
        ("State", state),
        ("Price", money(-row.content_quantity, currency)),
        ("Budget", budget.display_name if budget else None),
        ("Cycle", row.cycle),
        ("Expires", date_text(row.expires_at)),
        ("Personal deadline", date_text(row.personal_deadline) if row.personal_deadline else None),
    ))  # fmt: skip


def _table(rows: Sequence[LearnerContentAssignment]) -> Part:
    return table(
        ("Address", "Course", "State", "Learner", "Price", "Expires", "Uuid"),
        [
            (
                row.learner_email,
                row.content_key,
                row.state,
                row.learner_state,
                money(-row.content_quantity),
                date_text(row.expires_at),
                row.pk,
            )
            for row in rows
        ],
        right=("Price",),
    )


def _by_content(key: str | None) -> Q:
    return Q(content_key=key) | Q(preferred_course_run_key=key) if key else Q()


def _refusal_shape(refusal: Refusal | None) -> Shape | None:
    if refusal is None:
        return None
    shape: dict[str, Any] = {"code": refusal.code, "message": refusal.message}
    return shape | refusal.facts

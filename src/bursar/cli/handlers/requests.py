"""Requests for more time from the command line."""

from collections.abc import Sequence
from uuid import UUID

from bursar.assignments import services
from bursar.assignments.replies import time_requests
from bursar.assignments.services.chunked import Outcome
from bursar.cli.failures import DONE, REFUSED
from bursar.cli.output import Answer, table
from bursar.cli.values import date_text, deadline, uuid_of
from bursar.kernel.actor import CONSOLE
from bursar.people.selectors import find_customer


def list_waiting(*, customer: str | None, limit: int) -> Answer:
    """Name what waits for a decision."""
    wanted = find_customer(customer, None).pk if customer else None
    rows = list(time_requests(CONSOLE, wanted)[:limit])
    data = [
        {
            "uuid": row.pk, "assignment": row.assignment_id, "email": row.assignment.learner_email,
            "content_key": row.assignment.content_key, "deadline": row.assignment.expires_at, "until": row.until,
            "words": row.words, "created": row.created,
        }
        for row in rows
    ]  # fmt: skip
    cells = [
        (
            row.pk,
            row.assignment.learner_email,
            row.assignment.content_title or row.assignment.content_key,
            date_text(row.assignment.expires_at),
            date_text(row.until) if row.until else "",
            row.words,
        )
        for row in rows
    ]
    shown = table(("Request", "Who", "Course", "Deadline", "Asks for", "Words"), cells)
    return Answer({"requests": data}, (shown if rows else "Nobody waits for an answer.",))


def grant(requests: Sequence[str], *, until: str | None, why: str) -> Answer:
    """Give more time."""
    last = None if until is None else deadline(until, "--until")
    keys = _keys(requests)
    return _answer(services.grant_time_many(keys, until=last, why=why, actor=CONSOLE), keys)


def refuse(requests: Sequence[str], *, why: str) -> Answer:
    """Give no more time."""
    keys = _keys(requests)
    return _answer(services.refuse_time_many(keys, why=why, actor=CONSOLE), keys)


def _keys(requests: Sequence[str]) -> list[UUID]:
    return [uuid_of(text, "a request") for text in dict.fromkeys(requests)]


def _answer(outcome: Outcome, keys: Sequence[UUID]) -> Answer:
    done = [{"request": key, "result": outcome.done[key]} for key in keys if key in outcome.done]
    refused = [
        {"request": key, "code": why.code, "message": why.message, **why.facts}
        for key in keys
        if (why := outcome.refused.get(key))
    ]
    words = [f"{key}: {result}" for key, result in outcome.done.items()]
    words += [f"{item['request']}: {item['message']} ({item['code']})" for item in refused]
    return Answer({"done": done, "refused": refused}, words, code=REFUSED if refused and not done else DONE)

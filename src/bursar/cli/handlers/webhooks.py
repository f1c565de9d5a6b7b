"""Webhooks and the feed of events from the command line."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from bursar.cli.handlers.shapes import Shape
from bursar.cli.output import Answer, facts, table
from bursar.cli.values import date_text, moment, second_text, uuid_of
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.people.selectors import find_customer
from bursar.webhooks import flows, selectors, services
from bursar.webhooks.answers import judge
from bursar.webhooks.models import Endpoint
from bursar.webhooks.payloads import entry

NO_SUCCESS: Final = 5
NOTHING_DONE: Final = 3
ONCE: Final = "The secret is shown this once; it cannot be had again, only a new one."


def endpoint_shape(row: Endpoint) -> Shape:
    """Return an endpoint, without the secret."""
    names = ("uuid", "url", "types", "disabled_at", "disabled_reason", "failing_since", "failures", "last_fault")
    rest = ("paused_until", "previous_until", "created")
    return {"customer": row.customer_uuid} | {name: getattr(row, name) for name in (*names, *rest)}


def add(customer: str, url: str, *, types: Sequence[str]) -> Answer:
    """Subscribe an address."""
    return _with_secret(services.add_endpoint(find_customer(customer, None).pk, url, types=types, actor=CONSOLE))


def rotate(endpoint: str, *, keep_hours: int) -> Answer:
    """Give an endpoint a new secret."""
    kept = timedelta(hours=keep_hours)
    return _with_secret(services.rotate_secret(_key(endpoint), keep_previous=kept, actor=CONSOLE))


def list_all(customer: str | None) -> Answer:
    """Name the endpoints."""
    rows = list(selectors.endpoints(CONSOLE, customer=find_customer(customer, None).pk if customer else None))
    lines = [(row.url, ", ".join(row.types) or "all events", fares(row), row.uuid) for row in rows]
    shown = table(("Address", "Is told of", "", "Uuid"), lines)
    return Answer({"endpoints": [endpoint_shape(row) for row in rows]}, (shown if rows else "There is no endpoint.",))


def show(endpoint: str) -> Answer:
    """Tell what is known of an endpoint, what waits for it and what was given up."""
    row = selectors.find_endpoint(_key(endpoint), actor=CONSOLE)
    owed = selectors.owed_to(row)
    return _shown(row, (("Waiting for it", owed.waiting), ("Given up", owed.given_up)), asdict(owed))


def choose(endpoint: str, *, types: Sequence[str]) -> Answer:
    """Choose anew which events an endpoint is told of."""
    return _shown(services.choose_events(_key(endpoint), types, actor=CONSOLE))


def disable(endpoint: str) -> Answer:
    """Tell an endpoint of nothing more."""
    return _shown(services.disable_endpoint(_key(endpoint), actor=CONSOLE))


def enable(endpoint: str) -> Answer:
    """Tell an endpoint of events again."""
    return _shown(services.enable_endpoint(_key(endpoint), actor=CONSOLE))


def remove(endpoint: str) -> Answer:
    """Forget an endpoint."""
    key = _key(endpoint)
    services.remove_endpoint(key, actor=CONSOLE)
    return Answer({"removed": key}, ("The endpoint is removed.",))


def test(endpoint: str) -> Answer:
    """Post a test and tell the answer."""
    answer = flows.post_test(_key(endpoint), actor=CONSOLE)
    done = judge(answer.status, fault=answer.fault, now=clock.now()).outcome == "sent"
    said = f"It answered {answer.status}." if answer.status is not None else f"It did not answer: {answer.fault}."
    data = {"delivered": done, "status": answer.status, "fault": answer.fault}
    return Answer(data, (said,), code=0 if done else NO_SUCCESS)


def replay(endpoint: str, *, begin: str | None, end: str | None, events: Sequence[str] | None) -> Answer:
    """Tell an endpoint of events again."""
    number = services.replay_events(
        _key(endpoint),
        begin=moment(begin, "--from") if begin else None,
        end=moment(end, "--to") if end else None,
        events=[uuid_of(text, "an event") for text in events] if events else None,
        actor=CONSOLE,
    )
    said = f"{number} {'event is' if number == 1 else 'events are'} due now; `bursar tick` or a worker sends them."
    return Answer({"replayed": number}, (said,), code=0 if number else NOTHING_DONE)


def events(customer: str, *, after: int, types: Sequence[str], limit: int) -> Answer:
    """List events from a cursor on."""
    page = selectors.feed(find_customer(customer, None).pk, after=after, types=types, limit=limit, actor=CONSOLE)
    lines = [(row.position, second_text(row.created), row.type, row.subject_uuid, row.sequence) for row in page.events]
    shown = table(("Position", "When", "What", "About", "Number"), lines, right=("Position", "Number"))
    more = "More follow" if page.more else "That is all"
    notes = [] if page.complete else ["Events before these are no longer kept."]
    data: dict[str, Any] = {
        "events": [entry(row) for row in page.events],
        "cursor": page.cursor,
        "more": page.more,
        "complete": page.complete,
    }
    parts = (shown if lines else "There is no event.", f"{more}; go on with --after {page.cursor}.")
    return Answer(data, parts, notes)


def fares(row: Endpoint) -> str:
    """Return in words how an endpoint fares."""
    if row.disabled_at:
        return f"disabled since {date_text(row.disabled_at)}: {row.disabled_reason}"
    if row.failing_since:
        rest = f", left alone until {date_text(row.paused_until)}" if row.is_paused(clock.now()) else ""
        return f"failing since {date_text(row.failing_since)}, last {row.last_fault}{rest}"
    return "well"


def _with_secret(made: services.NewSecret) -> Answer:
    shown = facts((("Endpoint", made.endpoint.uuid), ("Address", made.endpoint.url), ("Secret", made.secret)))
    return Answer({"secret": made.secret, **endpoint_shape(made.endpoint)}, (shown, ONCE))


def _shown(row: Endpoint, more: Sequence[tuple[str, Any]] = (), data: Shape | None = None) -> Answer:
    pairs = (
        ("Endpoint", row.uuid),
        ("Address", row.url),
        ("Is told of", ", ".join(row.types) or "all events"),
        ("Fares", fares(row)),
        ("Failures in a row", row.failures),
        ("Previous secret signs until", row.previous_until and date_text(row.previous_until)),
        ("Made", date_text(row.created)),
    )
    return Answer(endpoint_shape(row) | (data or {}), (facts((*pairs, *more)),))


def _key(endpoint: str) -> UUID:
    return uuid_of(endpoint, "an endpoint")

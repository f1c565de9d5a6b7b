"""The outbox from the command line: what waits, what was given up, and trying that again."""

from collections.abc import Sequence
from typing import Final

from bursar.assignments.timelines import fate
from bursar.cli.failures import DONE, REFUSED
from bursar.cli.handlers.shapes import message_shape
from bursar.cli.output import Answer, Part, facts, heading, table
from bursar.cli.values import date_text, uuid_of
from bursar.kernel import clock
from bursar.kernel.batching import chunks
from bursar.outbox.models import Message
from bursar.outbox.services import backlog, dead_letters, replay, sent_again
from bursar.people.selectors import find_customer

EVERY: Final = 1_000_000


def list_dead(*, customer: str | None, limit: int) -> Answer:
    """Tell what waits, and name what was given up."""
    found_customer = find_customer(customer, None).pk if customer else None
    found = dead_letters(customer=found_customer, limit=limit)
    twice = sent_again(customer=found_customer, limit=limit)
    waiting = backlog()
    data = {
        "backlog": {str(state): number for state, number in waiting.counts.items()},
        "oldest_due": waiting.oldest_due,
        "dead": [message_shape(item) for item in found],
        "sent_again": [message_shape(item) for item in twice],
    }
    parts: list[Part] = [facts([(str(state), number) for state, number in waiting.counts.items()])]
    if waiting.oldest_due:
        waits = "The oldest waits since" if waiting.oldest_due <= clock.now() else "The next one is due on"
        parts.append(f"{waits} {date_text(waiting.oldest_due)}.")
    parts += [heading("Given up or uncertain"), _listed(found)] if found else ["Nothing was given up."]
    if twice:
        parts += [heading("Sent again, as nobody knows whether the first left"), _listed(twice)]
    return Answer(data, parts)


def _listed(messages: Sequence[Message]) -> Part:
    rows = [(item.kind, fate(item), item.subject_uuid, item.pk) for item in messages]
    return table(("Message", "What became of it", "About", "Uuid"), rows)


def replay_dead(uuids: Sequence[str], *, everything: bool) -> Answer:
    """Make messages that were given up due now."""
    keys = (
        [item.pk for item in dead_letters(limit=EVERY)]
        if everything
        else [uuid_of(text, "a message") for text in uuids]
    )
    number = sum(replay(part) for part in chunks(keys))
    said = f"{number} of {len(keys)} are due now; `bursar tick` or a worker sends them."
    return Answer({"replayed": number, "asked": len(keys)}, (said,), code=REFUSED if keys and not number else DONE)

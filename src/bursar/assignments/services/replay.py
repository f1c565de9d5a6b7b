"""Sending again what was given up: for those who manage the customer that it is about."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final
from uuid import UUID

from bursar.assignments.policy import Code, refusal
from bursar.assignments.services.chunked import Outcome, in_chunks
from bursar.kernel.actor import Actor
from bursar.kernel.results import Refusal
from bursar.outbox.models import DEAD, Message
from bursar.outbox.services import replay
from bursar.people.access import Permission, visible

DUE: Final = "due"
UNKNOWN: Final = Refusal("not_found", "There is no such message here.")


def replay_messages(keys: Iterable[UUID], *, actor: Actor) -> Outcome:
    """Make messages that were given up, or whose outcome is unknown, due now; the others are refused by name. By chunks."""
    return in_chunks(keys, partial(_replay_chunk, actor=actor))


def _replay_chunk(keys: Sequence[UUID], *, actor: Actor) -> Outcome:
    rows = visible(Message.objects.all(), actor, Permission.MANAGE, customer_field="customer_uuid")
    states = dict(rows.filter(pk__in=keys).values_list("pk", "state"))
    dead = [key for key in keys if states.get(key) in DEAD]
    refused = {
        key: refusal(Code.WRONG_STATE, state=states[key]) if key in states else UNKNOWN
        for key in keys
        if key not in dead
    }
    if dead:
        replay(dead)
    return Outcome(dict.fromkeys(dead, DUE), refused)

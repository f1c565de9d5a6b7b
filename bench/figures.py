"""Figures without a yardstick: statements per chunk, mails per second, the time of an audit."""

from itertools import count
from typing import Final
from uuid import UUID

from django.db import connection
from django.test.utils import CaptureQueriesContext

from bench import house
from bench.rounds import Turn, settle_down, timed
from bench.targets import CHUNKS
from bursar.assignments import flows, services
from bursar.assignments.audit import run_audit
from bursar.assignments.flows import AllocationRequest
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.services import RedemptionRequest
from bursar.kernel.actor import CONSOLE
from bursar.kernel.audit import Difference
from bursar.outbox.models import Message, State
from bursar.outbox.worker import drain

MAILS: Final = 500
_numbers = count(2 * 10**7, step=10**6)


def statements() -> dict[str, list[int]]:
    """Return how many statements each verb takes for one chunk, by verb, for each of the sizes.

    One prepared statement run over many rows counts as one, as does a COPY.
    """
    found: dict[str, list[int]] = {}
    for size in CHUNKS:
        for verb, turn in _verbs(size).items():
            with CaptureQueriesContext(connection) as seen:
                turn()
            found.setdefault(verb, []).append(len(seen))
    return found


def _verbs(size: int) -> dict[str, Turn]:
    """Return what is done, one after the other, with one chunk of people who are new."""
    people = house.people(next(_numbers), size)
    request = AllocationRequest(house.budget(), house.COURSE)
    keys: list[UUID] = []

    def allocate() -> None:
        done = flows.allocate(request, people, actor=CONSOLE)
        keys[:] = [placed.assignment for placed in (*done.created, *done.updated, *done.unchanged) if placed.assignment]

    return {
        "allocate": allocate,
        "allocate the same again": allocate,
        "remind": lambda: services.remind_many(keys, actor=CONSOLE),
        "cancel": lambda: services.cancel_many(keys, actor=CONSOLE),
        "renew": allocate,
        "accept": lambda: flows.redeem_many(map(RedemptionRequest, keys), actor=CONSOLE),
        "reverse": lambda: services.reverse_many(keys, actor=CONSOLE),
        "scrub": lambda: services.retire_many(keys, actor=CONSOLE),
    }


def mails_per_second() -> float:
    """Return how fast one worker hands mails to files; what else waits is settled first."""
    Message.objects.filter(state=State.PENDING).update(state=State.DROPPED)
    request = AllocationRequest(house.budget(), house.COURSE)
    flows.allocate(request, house.people(next(_numbers), MAILS), actor=CONSOLE)
    settle_down()
    seconds = timed(drain)
    if Message.objects.filter(state=State.SENT).count() != MAILS:
        raise SystemExit("bench: not every mail was sent.")
    return MAILS / seconds


def audit_seconds() -> tuple[int, float]:
    """Return how many assignments were audited and how long it took; a difference ends the measurement."""
    differences: list[Difference] = []
    settle_down()
    seconds = timed(lambda: differences.extend(run_audit()))
    if differences:
        raise SystemExit(f"bench: the audit differs {len(differences)} times, first: {differences[0]}")
    return LearnerContentAssignment.objects.count(), seconds

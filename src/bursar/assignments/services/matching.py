"""Reminding and cancelling what a list shows: which of its rows that fits, what comes back, and doing it part by part."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Q, Sum

from bursar.assignments import lists
from bursar.assignments.lists import NEWEST_FIRST, Filters, Standing
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.services.cancel import cancel_many
from bursar.assignments.services.chunked import Outcome
from bursar.assignments.services.remind import remind_many
from bursar.assignments.states import HOLDING, LearnerState, State, Verb, starts
from bursar.kernel.actor import Actor
from bursar.kernel.conf import setting

Place = tuple[datetime, UUID]

ACTS: Final[Mapping[Verb, Callable[..., Outcome]]] = {Verb.REMIND: remind_many, Verb.CANCEL: cancel_many}
FITTING: Final[Mapping[Verb, frozenset[Standing]]] = {
    Verb.REMIND: frozenset({(State.ALLOCATED, LearnerState.WAITING)}),
    Verb.CANCEL: frozenset(standing for standing in lists.STANDINGS if standing[0] in starts(Verb.CANCEL)),
}


@dataclass(frozen=True, slots=True)
class Measure:
    """How many assignments a verb fits, and the cents that they hold."""

    count: int
    cents: int


@dataclass(frozen=True, slots=True)
class Step:
    """What became of one part of a list, and the place behind which the next part begins; None at the end."""

    outcome: Outcome
    behind: Place | None


def fitting(filters: Filters, verb: Verb) -> Filters:
    """Return the same filters, narrowed to what the verb fits: who waits is reminded, what is open is cancelled."""
    standings = filters.standings & FITTING[verb]
    states = frozenset(state for state, _ in standings)
    learner_states = frozenset(learner for _, learner in standings if learner is not None)
    return replace(filters, states=states, learner_states=learner_states)


def measure_matching(configuration: UUID, filters: Filters, verb: Verb) -> Measure:
    """Return how many rows of a list a verb fits, and what they hold; two statements, one more to find a whole address."""
    selection = lists.select(configuration, fitting(filters, verb))
    total = lists.count(selection).total
    return Measure(total, _held(selection.rows.filter(state__in=HOLDING).aggregate(cents=Sum("content_quantity"))))


def measure_named(configuration: UUID, keys: Collection[UUID], verb: Verb) -> tuple[list[UUID], Measure]:
    """Return which of these assignments of a configuration a verb fits, and what they hold; two statements."""
    mine = lists.among(configuration, keys)
    fits = Q()
    for state, learner in FITTING[verb]:
        fits |= Q(state=state, learner_state=learner)
    rows = LearnerContentAssignment.objects.filter(fits, pk__in=mine)
    found = {key: (state, -cents) for key, state, cents in rows.values_list("pk", "state", "content_quantity")}
    held = sum(cents for state, cents in found.values() if state in HOLDING)
    return [key for key in mine if key in found], Measure(len(found), held)


def _held(found: Mapping[str, int | None]) -> int:
    return -(found["cents"] or 0)


def act_on_matching(
    configuration: UUID, filters: Filters, verb: Verb, *, actor: Actor, behind: Place | None = None, at_most: int = 5000
) -> Step:
    """Remind of, or cancel, what a list shows, the newest action first, from a place on: about `at_most` of it.

    By chunks of one transaction. What has been done lies before the place that is returned, also where a reminder has
    brought a row to the front: nobody is met twice. Whoever calls has asked `people.access` about the configuration.
    """
    selection, outcome = lists.select(configuration, fitting(filters, verb)), Outcome()
    size = setting("chunk_size")
    for _ in range(max(1, at_most // size)):
        keys = lists.page_after(selection, NEWEST_FIRST, after=behind or (), size=size)
        if not keys:
            return Step(outcome, None)
        behind = _place(keys[-1])
        outcome.merge(ACTS[verb](keys, actor=actor))
        if len(keys) < size:
            return Step(outcome, None)
    return Step(outcome, behind)


def _place(key: UUID) -> Place:
    time = LearnerContentAssignment.objects.values_list("recent_action_time", flat=True).get(pk=key)
    return time, key

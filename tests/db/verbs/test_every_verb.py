"""What holds for every verb on assignments: who may, what each state answers, answers for everybody, chunks, no doubles."""

from uuid import uuid4

import pytest
from tests.db.verbs.steps import (
    DAY,
    actions,
    assigned,
    codes,
    history,
    in_state,
    keys,
    later,
    messages,
    nothing_written,
    transactions,
)

from bursar.assignments import services
from bursar.assignments.flows import redeem_many
from bursar.assignments.services import RedemptionRequest
from bursar.assignments.states import State
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE, SYSTEM, TICK, Actor
from bursar.people.models import Role
from bursar.testing.factories import make_customer, make_house, make_member


def cancel(ids, actor=CONSOLE, **options):
    return services.cancel_many(ids, actor=actor, **options)


def expire(ids, actor=CONSOLE, **options):
    with later(91 * DAY):
        return services.expire_many(ids, actor=actor, **options)


def remind(ids, actor=CONSOLE, **options):
    return services.remind_many(ids, actor=actor, **options)


def nudge(ids, actor=CONSOLE, **options):
    return services.nudge_many(ids, days=14, actor=actor, **options)


def reverse(ids, actor=CONSOLE, **options):
    return services.reverse_many(ids, actor=actor, **options)


def extend(ids, actor=CONSOLE):
    return services.extend_many(ids, until=clock.now() + 200 * DAY, why="ill", actor=actor)


def retire(ids, actor=CONSOLE, **options):
    return services.retire_many(ids, actor=actor, **options)


def redeem(ids, actor=CONSOLE, **options):
    return redeem_many([RedemptionRequest(key) for key in ids], actor=actor, **options)


# For each verb: the answer in each state, `done` with its word or the code of the refusal.
ANSWERS = {
    cancel: {
        "allocated": "cancelled", "errored": "cancelled", "cancelled": "unchanged", "accepted": "wrong_state",
        "expired": "wrong_state", "reversed": "wrong_state",
    },
    expire: {"allocated": "expired", **dict.fromkeys(["accepted", "cancelled", "errored", "expired", "reversed"], "wrong_state")},
    remind: {"allocated": "queued", **dict.fromkeys(["accepted", "cancelled", "errored", "expired", "reversed"], "wrong_state")},
    nudge: {"accepted": "queued", **dict.fromkeys(["allocated", "cancelled", "errored", "expired", "reversed"], "wrong_state")},
    reverse: {
        "accepted": "reversed", "reversed": "unchanged",
        **dict.fromkeys(["allocated", "cancelled", "errored", "expired"], "wrong_state"),
    },
    extend: {"allocated": "moved", **dict.fromkeys(["accepted", "cancelled", "errored", "expired", "reversed"], "wrong_state")},
    retire: dict.fromkeys([str(state) for state in State], "scrubbed"),
    redeem: {
        "allocated": "committed", "accepted": "committed", "cancelled": "reason_learner_assignment_cancelled",
        "expired": "reason_learner_assignment_expired", "errored": "reason_learner_assignment_failed",
        "reversed": "reason_learner_assignment_reversed",
    },
}  # fmt: skip
VERBS = list(ANSWERS)
DONE = {"cancelled", "expired", "queued", "reversed", "unchanged", "moved", "scrubbed", "committed"}
STARTS = {cancel: "allocated", expire: "allocated", remind: "allocated", nudge: "accepted", reverse: "accepted",
          extend: "allocated", retire: "cancelled", redeem: "allocated"}  # fmt: skip

LEFT_ALONE = [
    (verb, state)
    for verb, answers in ANSWERS.items()
    for state, answer in answers.items()
    if answer not in DONE - {"unchanged"} or (verb, state) == (redeem, "accepted")
]

each_verb = pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.__name__)


def word(outcome):
    return getattr(outcome, "state", outcome)


@each_verb
@pytest.mark.parametrize("state", [str(state) for state in State])
def test_each_state_has_its_answer(house, course, verb, state):
    (row,) = in_state(state, house.budget)
    want = ANSWERS[verb][state]
    outcome = verb([row.pk])
    if want in DONE:
        assert {key: word(answer) for key, answer in outcome.done.items()} == {row.pk: want}
        assert outcome.refused == {}
    else:
        assert codes(outcome) == {row.pk: want}
        assert outcome.done == {}


@pytest.mark.parametrize(("verb", "state"), LEFT_ALONE, ids=[f"{verb.__name__}-{state}" for verb, state in LEFT_ALONE])
def test_whatever_is_refused_or_unchanged_is_left_as_it_was(house, course, verb, state):
    (row,) = in_state(state, house.budget)
    with nothing_written():
        verb([row.pk])


@each_verb
def test_one_who_is_refused_stops_nobody_else(house, course, verb):
    rows = in_state(STARTS[verb], house.budget, ["a@example.org", "b@example.org"])
    unknown = uuid4()
    outcome = verb([rows[0].pk, unknown, rows[1].pk])
    assert outcome.done.keys() == set(keys(rows))
    assert codes(outcome) == {unknown: "not_found"}


@each_verb
def test_everybody_in_the_call_is_answered_once_however_often_named(house, course, verb):
    once, thrice = in_state(STARTS[verb], house.budget, 2)
    verb([once.pk])
    answer = verb([thrice.pk] * 3)
    assert (answer.done.keys(), answer.refused) == ({thrice.pk}, {})
    for look in (history, messages, actions, transactions):
        assert len(look(thrice)) == len(look(once))


@each_verb
def test_an_admin_of_another_customer_does_not_find_it(house, course, verb):
    rows = in_state(STARTS[verb], house.budget, 2)
    stranger = make_member(make_house().customer)
    with nothing_written():
        outcome = verb(keys(rows), actor=stranger)
    assert codes(outcome) == dict.fromkeys(keys(rows), "not_found")
    assert outcome.done == {}


@each_verb
def test_of_two_customers_an_admin_reaches_the_own_one_alone(house, course, verb):
    (mine,) = in_state(STARTS[verb], house.budget)
    (foreign,) = in_state(STARTS[verb], make_house().budget)
    outcome = verb([mine.pk, foreign.pk], actor=make_member(house.customer))
    assert (outcome.done.keys(), codes(outcome)) == ({mine.pk}, {foreign.pk: "not_found"})


@each_verb
def test_a_learner_may_take_up_a_course_and_nothing_else(house, course, verb):
    (row,) = in_state(STARTS[verb], house.budget)
    outcome = verb([row.pk], actor=make_member(house.customer, Role.LEARNER))
    assert (row.pk in outcome.done) == (verb is redeem)


@each_verb
@pytest.mark.parametrize("actor", [SYSTEM, TICK, CONSOLE])
def test_the_system_its_jobs_and_the_console_may_everywhere(house, course, verb, actor):
    (row,) = in_state(STARTS[verb], house.budget)
    assert row.pk in verb([row.pk], actor=actor).done


@each_verb
def test_an_operator_may_everywhere_and_nobody_in_particular_nowhere(house, course, verb):
    (row,) = in_state(STARTS[verb], house.budget)
    nobody = Actor("person", "anonymous")
    assert codes(verb([row.pk], actor=nobody)) == {row.pk: "not_found"}
    assert row.pk in verb([row.pk], actor=make_member(None, Role.OPERATOR)).done


@each_verb
def test_nobody_named_is_nothing_done(house, course, verb):
    with nothing_written():
        outcome = verb([])
    assert (outcome.done, outcome.refused) == ({}, {})


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb is not extend], ids=lambda verb: verb.__name__)
def test_progress_is_told_by_chunk(house, course, configure, verb):
    rows = in_state(STARTS[verb], house.budget, 5)
    configure(chunk_size=2)
    told = []
    assert len(verb(keys(rows), progress=told.append).done) == 5
    assert told == [2, 2, 1]


@pytest.mark.parametrize(
    "verb", [verb for verb in VERBS if verb not in (remind, nudge)], ids=lambda verb: verb.__name__
)
def test_the_history_names_the_user(house, course, verb):
    (row,) = in_state(STARTS[verb], house.budget)
    admin = make_member(house.customer)
    verb([row.pk], actor=admin)
    assert row.history.latest("history_id").history_user_id == admin.user_id


def test_a_customer_without_assignments_has_nothing_to_do(course):
    assert assigned(make_house().budget, []) == []
    assert make_customer().pk

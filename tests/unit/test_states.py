"""From where to where an assignment may go, what each step does to money and tells whom."""

import pytest

from bursar.assignments.states import (
    HOLDING,
    LEARNER_STATE_ORDER,
    LISTED,
    STEPS,
    UNORDERED,
    LearnerState,
    Money,
    State,
    Verb,
    starts,
    verb_to,
)

AGAIN = {State.CANCELLED, State.ERRORED, State.EXPIRED, State.REVERSED}
# verb: from, to if it succeeds, to if it fails, effect on money, message
TABLE = {
    Verb.ALLOCATE: ({None, *AGAIN}, State.ALLOCATED, None, Money.HOLD, "assigned"),
    Verb.REMIND: ({State.ALLOCATED}, None, None, Money.NONE, "reminded"),
    Verb.REDEEM: ({State.ALLOCATED}, State.ACCEPTED, State.ERRORED, Money.SPEND, None),
    Verb.CANCEL: ({State.ALLOCATED, State.ERRORED}, State.CANCELLED, None, Money.RELEASE, "cancelled"),
    Verb.EXPIRE: ({State.ALLOCATED}, State.EXPIRED, None, Money.RELEASE, "expired"),
    Verb.REVERSE: ({State.ACCEPTED}, State.REVERSED, None, Money.REFUND, None),
    Verb.NUDGE: ({State.ACCEPTED}, None, None, Money.NONE, "nudged"),
}


def test_the_states_are_the_six_lower_case_words():
    assert [state.value for state in State] == ["allocated", "accepted", "cancelled", "errored", "expired", "reversed"]


@pytest.mark.parametrize("verb", list(Verb))
def test_each_verb_goes_where_the_table_says(verb):
    step = STEPS[verb]
    assert (set(step.start), step.succeeded, step.failed, step.money, step.message) == TABLE[verb]


def test_every_verb_has_a_step_and_no_other():
    assert set(STEPS) == set(Verb) == set(TABLE)


@pytest.mark.parametrize("verb", list(Verb))
def test_a_verb_starts_only_from_states_that_exist(verb):
    assert starts(verb) == frozenset(TABLE[verb][0]) - {None}


def test_every_state_can_be_reached_and_left():
    reached = {step.succeeded for step in STEPS.values()} | {step.failed for step in STEPS.values()}
    left = frozenset().union(*(starts(verb) for verb in Verb))
    assert reached - {None} == set(State) == set(left)


def test_only_what_is_allocated_holds_money():
    assert set(HOLDING) == {State.ALLOCATED}


def test_the_default_list_shows_allocated_and_errored():
    assert set(LISTED) == {State.ALLOCATED, State.ERRORED}


def test_learner_states_are_sorted_notifying_waiting_expired_failed():
    expected = (LearnerState.NOTIFYING, LearnerState.WAITING, LearnerState.EXPIRED, LearnerState.FAILED)
    assert expected == LEARNER_STATE_ORDER
    assert set(LEARNER_STATE_ORDER) == set(LearnerState)
    assert UNORDERED == 999


@pytest.mark.parametrize(
    ("state", "verb"),
    [
        ("allocated", "allocate_many"),
        ("accepted", "redeem_many"),
        ("cancelled", "cancel_many"),
        ("errored", "redeem_many"),
        ("expired", "expire_many"),
        ("reversed", "reverse_many"),
        ("forgotten", "one of the verbs"),
        ("", "one of the verbs"),
    ],
)
def test_the_verb_that_leads_to_a_state_is_named(state, verb):
    assert verb_to(state) == verb


def test_a_step_cannot_be_changed_by_accident():
    with pytest.raises(AttributeError):
        STEPS[Verb.CANCEL].succeeded = State.ACCEPTED

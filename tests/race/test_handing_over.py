"""Handing over against accepting, cancelling and itself: one winner, nobody twice, and the money is held or spent once."""

import random
import time
from functools import partial

import pytest
from tests.race.crowd import Crowd, at_once, blindly, figure, summary
from tests.race.test_one_winner import PEOPLE, PRICE, accept, cancel, open_assignments

from bursar.assignments.audit import run_audit
from bursar.assignments.flows import hand_over
from bursar.assignments.models import LearnerContentAssignment
from bursar.kernel.actor import CONSOLE
from bursar.testing import factories

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 8


def hand(key, to):
    time.sleep(random.uniform(0, 0.05))  # accepting asks the platform first, and should win sometimes
    return hand_over(key, factories.make_person(to), actor=CONSOLE)


def of_each(keys, name):
    others = [f"{name}{number}@example.net" for number in range(len(keys))]
    return [
        call for key, to in zip(keys, others, strict=True) for call in (partial(accept, key), partial(hand, key, to))
    ]


def begun(answers):
    return [answer for answer in answers if hasattr(answer, "begun")]


def test_control_without_lock_and_comparison_the_money_is_counted_twice(course, monkeypatch):
    _, keys = open_assignments()
    with monkeypatch.context() as patch:
        blindly(patch)
        answers = at_once(*of_each(keys, "control"))
    doubled = sum(
        bool(getattr(accepted, "done", None)) and hasattr(handed, "begun")
        for accepted, handed in zip(answers[::2], answers[1::2], strict=True)
    )
    figure(f"CONTROL assignments of {PEOPLE} accepted and handed on", doubled)
    assert doubled
    assert run_audit() != []


def test_accepting_and_handing_over_at_once_have_one_winner(course, retries):
    handed = 0
    with Crowd(2 * PEOPLE) as crowd:
        for number in range(ROUNDS):
            budget, keys = open_assignments(prefix=f"round{number}.")
            answers = crowd.call(*of_each(keys, f"other{number}."))
            states = dict(LearnerContentAssignment.objects.filter(pk__in=keys).values_list("pk", "state"))
            ended = {answer.ended for answer in begun(answers)}
            assert ended == {key for key, state in states.items() if state == "cancelled"}
            assert set(states.values()) <= {"accepted", "cancelled"}
            row = factories.reload(budget)
            assert (row.held_cents, row.spent_cents) == (len(ended) * PRICE, (PEOPLE - len(ended)) * PRICE)
            handed += len(ended)
    assert run_audit() == []
    figure(f"Handed over, of {ROUNDS * PEOPLE} also being accepted", handed)


def test_handing_over_and_cancelling_at_once_have_one_winner(course, retries):
    budget, keys = open_assignments()
    calls = [call for key in keys for call in (partial(cancel, key), partial(hand, key, f"{key}@example.net"))]
    answers = at_once(*calls)
    held = len(begun(answers)) * PRICE
    assert set(LearnerContentAssignment.objects.filter(pk__in=keys).values_list("state", flat=True)) == {"cancelled"}
    assert factories.reload(budget).held_cents == held
    assert run_audit() == []


def test_many_hands_for_one_assignment_and_one_person_end_in_one_commit(course, retries):
    budget, (first, second) = open_assignments(2)
    answers = at_once(*[partial(hand, key, "eve@example.net") for key in (first, second) * 4])
    assert len(begun(answers)) == 1
    assert factories.reload(budget).held_cents == 2 * PRICE
    assert "crashed" not in summary(answers)
    assert run_audit() == []


def test_courses_that_change_hands_to_and_fro_across_each_other_all_arrive(course, retries):
    budget, keys = open_assignments(4)
    for number in range(6):
        to = [f"hand{place}@{number % 2}.example" for place in range(4)]
        answers = at_once(*[partial(hand, key, person) for key, person in zip(keys, reversed(to), strict=True)])
        keys = [answer.begun for answer in answers]
    assert factories.reload(budget).held_cents == 4 * PRICE
    assert run_audit() == []

"""Accept against cancel against expire, and reversal against itself: one winner, and the money goes one way."""

import random
import time
from datetime import timedelta
from functools import partial

import pytest
from tests.race.crowd import Crowd, at_once, blindly, figure, summary, without_constraints

from bursar.assignments.audit import run_audit
from bursar.assignments.flows import AllocationRequest, allocate, redeem_many
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.services import RedemptionRequest, cancel_many, expire_many, reverse_many
from bursar.budgets.models import LedgerEntry, Reversal
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.testing import factories

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = 10
# The most seconds by which cancelling and expiring come later, round by round: accepting has more to do, and should win
# sometimes, on a slow machine too.
HEAD_STARTS = (0, 0, 0.05, 0.1, 0.1, 0.2, 0.5, 1, 2, 4)
PRICE = factories.PRICE_CENTS
REFUSED = {
    "accepted": {"already_accepted", "wrong_state", "redemption_in_progress"},
    "cancelled": {"wrong_state", "reason_learner_assignment_cancelled"},
    "expired": {"wrong_state", "reason_learner_assignment_expired"},
}


def open_assignments(people=PEOPLE, prefix="learner"):
    """Make a house with people allocated; returns the budget and the keys."""
    budget = factories.make_house(limit_cents=people * PRICE, deposit_cents=people * PRICE).budget
    request = AllocationRequest(budget, factories.COURSE)
    done = allocate(request, factories.make_people(people, prefix=prefix), actor=CONSOLE)
    return budget, [placed.assignment for placed in done.created]


def accept(key):
    return redeem_many([RedemptionRequest(key)], actor=CONSOLE)


def cancel(key, head_start=0.1):
    time.sleep(random.uniform(0, head_start))
    return cancel_many([key], actor=CONSOLE)


def expire(key, head_start=0.1):
    time.sleep(random.uniform(0, head_start))
    with clock.at(clock.now() + timedelta(days=91)):
        return expire_many([key], actor=CONSOLE)


def three_each(keys, head_start=0.1):
    return [
        call
        for key in keys
        for call in (partial(accept, key), partial(cancel, key, head_start), partial(expire, key, head_start))
    ]


def winners(answers, keys):
    """Return for each assignment the places of those who were told that they did it."""
    won = {key: [] for key in keys}
    for number, answer in enumerate(answers):
        key = keys[number // 3]
        if not isinstance(answer, Exception) and key in answer.done:
            won[key].append(("accepted", "cancelled", "expired")[number % 3])
    return won


def test_control_without_lock_and_comparison_an_assignment_has_two_winners(course, monkeypatch):
    _, keys = open_assignments()
    with monkeypatch.context() as patch:
        blindly(patch)
        answers = at_once(*three_each(keys))
    doubled = [won for won in winners(answers, keys).values() if len(won) > 1]
    figure(f"CONTROL assignments of {PEOPLE} with several winners", len(doubled))
    assert doubled
    assert run_audit() != []


def test_accept_cancel_and_expire_at_once_have_one_winner_and_the_money_follows_it(course, retries):
    wins = {"accepted": 0, "cancelled": 0, "expired": 0}
    with Crowd(3 * PEOPLE) as crowd:
        for number, head_start in enumerate(HEAD_STARTS):
            budget, keys = open_assignments(prefix=f"round{number}.")
            answers = crowd.call(*three_each(keys, head_start))
            assert set(summary(answers)) == {"done"}
            states = dict(LearnerContentAssignment.objects.filter(pk__in=keys).values_list("pk", "state"))
            assert {key: [state] for key, state in states.items()} == winners(answers, keys)
            assert refusals(answers, keys, states) == []
            accepted = sum(state == "accepted" for state in states.values())
            row = factories.reload(budget)
            assert (row.held_cents, row.spent_cents) == (0, accepted * PRICE)
            for state in states.values():
                wins[state] += 1
    assert run_audit() == []
    figure("won", wins)
    figure("retries of accept, cancel and expire", retries.total)
    assert all(wins.values())


def refusals(answers, keys, states):
    """Return what losers were told that does not fit the winner."""
    told = [
        (states[keys[number // 3]], why.code)
        for number, answer in enumerate(answers)
        for why in answer.refused.values()
    ]
    return [(state, code) for state, code in told if code not in {*REFUSED[state], "redemption_in_progress"}]


def reverse_fifty_times(crowd):
    _, (key,) = open_assignments(1)
    accept(key)
    answers = crowd.call(*[partial(reverse_many, [key], actor=CONSOLE)] * 50)
    done = [answer.done.get(key) for answer in answers if not isinstance(answer, Exception)]
    return key, done.count("reversed"), done.count("unchanged")


def test_control_without_lock_comparison_and_unique_keys_a_reversal_pays_twice(course, monkeypatch):
    with (
        Crowd(50) as crowd,
        without_constraints(Reversal, LedgerEntry, kinds="u"),
        monkeypatch.context() as patch,
    ):
        _, (key, *others) = open_assignments()
        redeem_many([RedemptionRequest(one) for one in (key, *others)], actor=CONSOLE)
        blindly(patch)
        crowd.call(*[partial(reverse_many, [key], actor=CONSOLE)] * 50)
        paid = LedgerEntry.objects.filter(kind="reversal").count()
        figure("CONTROL times that one reversal paid back", paid)
        assert paid > 1


def test_fifty_reversals_at_once_pay_back_once_and_the_rest_are_told_that_it_is_done(course, retries):
    with Crowd(50) as crowd:
        for _ in range(2):
            key, reversals, unchanged = reverse_fifty_times(crowd)
            assert (reversals, unchanged) == (1, 49)
            assert Reversal.objects.filter(transaction__assignment_uuid=key).count() == 1
    assert LedgerEntry.objects.filter(kind="reversal").count() == 2
    assert run_audit() == []
    figure("retries of reversals", retries.total)

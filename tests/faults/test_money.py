"""Money under faults: one winner for each assignment, one effect for each key, whatever fails in between."""

import random
import time
from collections import Counter
from functools import partial
from itertools import count

import pytest
from django.contrib.auth.models import Group
from tests.faults.figures import size
from tests.faults.killer import Crew, Failed
from tests.faults.steps import DAY, MUCH, accept, assigned
from tests.race.crowd import blindly

from bursar.assignments.audit import run_audit
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.services import cancel_many, expire_many
from bursar.budgets import services as money
from bursar.budgets.models import Fund, LedgerEntry, Transaction
from bursar.kernel import clock, transactions
from bursar.kernel.actor import CONSOLE
from bursar.kernel.failpoints import InjectedFault
from bursar.kernel.transactions import writes
from bursar.testing import factories

PEOPLE = size(full=200, short=20)
ROUNDS = size(full=10, short=2)
CALLERS = size(full=100, short=10)
KEYS = size(full=40, short=10)
TRIES = 200
PRICE = factories.PRICE_CENTS


def cancel(key):
    time.sleep(random.uniform(0, 0.03))  # accepting has more to do, and should win sometimes
    return key in cancel_many([key], actor=CONSOLE).done


def expire(key):
    time.sleep(random.uniform(0, 0.03))
    with clock.at(clock.now() + 91 * DAY):
        return key in expire_many([key], actor=CONSOLE).done


ACTORS = {"accepted": accept, "cancelled": cancel, "expired": expire}


def race_for(keys):
    """Let three processes try to take each assignment at the same moment; returns who was told to have done it."""
    won = {}
    with Crew(*ACTORS.values()) as crew:
        for key in keys:
            answers = crew.call(key, key, key)
            won[key] = [state for state, answer in zip(ACTORS, answers, strict=True) if answer is True]
    return won


def test_control_a7_without_lock_and_comparison_an_assignment_has_two_winners(house, monkeypatch, row):
    keys = assigned(house, PEOPLE)
    with monkeypatch.context() as patch:
        blindly(patch)
        won = race_for(keys)
    doubled = sum(len(winners) > 1 for winners in won.values())
    row.shows(assignments=len(keys), with_two_winners=doubled)
    assert doubled
    assert run_audit() != []


def test_a7_accept_cancel_and_expire_of_the_same_assignment_have_one_winner_and_the_money_follows_it(house, row):
    wins = Counter()
    for number in range(ROUNDS):
        keys = assigned(house, PEOPLE, prefix=f"round{number}.")
        won = race_for(keys)
        states = dict(LearnerContentAssignment.objects.filter(pk__in=keys).values_list("pk", "state"))
        assert {key: [state] for key, state in states.items()} == won
        wins.update(states.values())
    budget = factories.reload(house.budget)
    assert (budget.held_cents, budget.spent_cents) == (0, wins["accepted"] * PRICE)
    assert run_audit() == []
    row.shows(assignments=wins.total(), one_winner=wins.total(), **wins)
    assert len(wins) == len(ACTORS)


def until_it_works(attempt):
    """Try again after every injected fault and every busy database; returns how many tries it took, and conflicts."""
    met = Counter()
    judge = transactions.is_conflict
    transactions.is_conflict = lambda error: met.update([getattr(error.__cause__, "sqlstate", "busy")]) or judge(error)
    try:
        for tries in count(1):
            try:
                attempt()
            except InjectedFault:
                assert tries < TRIES
            else:
                return tries, met
    finally:
        transactions.is_conflict = judge


def deposit_once(fund, key):
    return until_it_works(lambda: money.deposit(fund, 100, idempotency_key=key))


def key_first(fund, key):
    """Note the key in a commit of its own, then do what it stands for: as if noting it were doing it."""

    @writes
    def note():
        return Group.objects.get_or_create(name=key)[1]

    @writes
    def do():
        money._enter_once(fund, "deposit", 100, "", "")

    until_it_works(lambda: do() if note() else None)


def call_all(attempt, fixed, keys):
    """Let all callers use the same key at once, for one key after the other; returns their answers."""
    with Crew(*[partial(attempt, fixed)] * CALLERS) as crew:
        answers = [answer for key in keys for answer in crew.call(*[key] * CALLERS)]
    assert [answer for answer in answers if isinstance(answer, Failed)] == []
    return answers


def keys_of_deposits():
    return [f"key {number}" for number in range(KEYS)]


def summed(answers):
    """Return of the answers of `until_it_works` what was rolled back, and the conflicts that were absorbed."""
    conflicts = sum((met for _, met in answers), Counter())
    return {"rolled_back": sum(tries - 1 for tries, _ in answers), "conflicts_absorbed": conflicts.total()}


@pytest.mark.on_both
def test_control_b3_a_key_noted_before_its_effect_is_taken_though_nothing_was_done(house, arm, row):
    arm("before_commit:raise:0.5")
    call_all(key_first, house.fund.pk, keys_of_deposits())
    done = LedgerEntry.objects.filter(fund=house.fund.pk).count() - 1
    row.shows(keys=KEYS, effects=done)
    assert done < KEYS


@pytest.mark.on_both
def test_b3_a_key_whose_first_attempts_roll_back_is_free_again_and_has_one_effect(house, arm, row):
    arm("before_commit:raise:0.5")
    answers = call_all(deposit_once, house.fund.pk, keys_of_deposits())
    done = LedgerEntry.objects.filter(fund=house.fund.pk).exclude(idempotency_key__endswith="initial-deposit")
    assert set(done.values_list("idempotency_key", flat=True)) == {
        f"{house.fund.pk}:deposit:{key}" for key in keys_of_deposits()
    }
    assert Fund.objects.get(pk=house.fund.pk).balance_cents == MUCH + KEYS * 100
    assert run_audit() == []
    row.shows(callers=CALLERS, keys=KEYS, effects=done.count(), **summed(answers))
    assert summed(answers)["rolled_back"]


def accept_once(_, key):
    return until_it_works(lambda: accept(key))


@pytest.mark.on_both
def test_b3_accepting_rolled_back_again_and_again_pays_once(house, arm, row):
    keys = assigned(house, KEYS)
    arm("before_commit:raise:0.5")
    answers = call_all(accept_once, None, keys)
    assert set(Transaction.objects.values_list("state", flat=True)) == {"committed"}
    assert factories.reload(house.budget).spent_cents == KEYS * PRICE
    assert Transaction.objects.count() == LedgerEntry.objects.filter(kind="redemption").count() == KEYS
    assert run_audit() == []
    row.shows(callers=CALLERS, assignments=KEYS, effects=Transaction.objects.count(), **summed(answers))
    assert summed(answers)["rolled_back"]

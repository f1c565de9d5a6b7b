"""The last places of a budget, of a fund, and under a limit that falls: never one too many, never one too few."""

import time
from contextlib import contextmanager, suppress

import pytest
from django.db.models import F
from tests.race.crowd import Crowd, at_once, figure, summary, without_constraints, without_row_locks

from bursar.assignments.audit import run_audit
from bursar.assignments.flows import AllocationRequest, allocate
from bursar.assignments.models import LearnerContentAssignment
from bursar.budgets import services as money
from bursar.budgets.models import Budget, Fund
from bursar.kernel.actor import CONSOLE
from bursar.kernel.errors import Refused
from bursar.testing import factories

pytestmark = pytest.mark.django_db(transaction=True)

CALLERS, PLACES, ROUNDS = 200, 100, 5
PRICE = factories.PRICE_CENTS

ROUNDS_UNTIL_IT_SHOWS = 10


def assigning(budget, *emails):
    """Return a call that assigns the course to these people from the budget as it is before the race."""
    request = AllocationRequest(factories.reload(budget), factories.COURSE)
    return lambda: allocate(request, factories.make_people(emails), actor=CONSOLE)


def assigned(budget):
    return LearnerContentAssignment.objects.filter(assignment_configuration__subsidy_access_policy=budget).count()


@contextmanager
def unguarded(monkeypatch):
    """Take the condition out of the UPDATEs of the counters, and the CHECKs behind them; the look before stays."""

    def budget(key, change):
        Budget.objects.filter(pk=key).update(held_cents=F("held_cents") + change.held_cents)

    def fund(key, changes):
        held = sum(change.held_cents for change in changes.values())
        Fund.objects.filter(pk=key).update(held_cents=F("held_cents") + held)

    with monkeypatch.context() as patch, without_constraints(Budget, Fund, kinds="c") as names:
        assert {"bursar_budget_never_overspent", "bursar_fund_covers_what_it_holds"} <= set(names)
        patch.setattr(money, "_move_budget", budget)
        patch.setattr(money, "_move_fund", fund)
        yield


def test_control_without_the_condition_in_the_update_the_last_places_are_promised_twice(course, monkeypatch):
    budget = factories.make_house(limit_cents=PLACES * PRICE).budget
    with unguarded(monkeypatch):
        at_once(*[assigning(budget, f"learner{number}@example.org") for number in range(CALLERS)])
        overspent = assigned(budget) - PLACES
        figure("CONTROL places promised too many", overspent)
    assert overspent > 0


def test_two_hundred_callers_for_a_hundred_places_get_exactly_a_hundred(course, retries):
    with Crowd(CALLERS) as crowd:
        for number in range(ROUNDS):
            budget = factories.make_house(limit_cents=PLACES * PRICE).budget
            answers = crowd.call(*[assigning(budget, f"r{number}.{caller}@example.org") for caller in range(CALLERS)])
            assert summary(answers) == {"done": PLACES, "policy_spend_limit_reached": CALLERS - PLACES}
            assert assigned(budget) == PLACES
            assert factories.reload(budget).held_cents == PLACES * PRICE
    assert run_audit() == []
    assert retries.worst < 5
    figure("retries for the last places", retries.total)


def two_budgets(places):
    """Make two budgets, each with a limit far above what their one fund has for so many places."""
    fund = factories.make_fund(deposit_cents=places * PRICE)
    return fund, [factories.make_budget(fund, limit_cents=10 * places * PRICE) for _ in range(2)]


def from_both(budgets, callers):
    return [assigning(budgets[caller % 2], f"learner{caller}@example.org") for caller in range(callers)]


def test_control_without_the_condition_two_budgets_promise_more_than_their_fund_has(course, monkeypatch):
    _, budgets = two_budgets(15)
    with unguarded(monkeypatch):
        at_once(*from_both(budgets, 40))
        overspent = sum(map(assigned, budgets)) - 15
        figure("CONTROL places promised too many by two budgets", overspent)
    assert overspent > 0


def test_two_budgets_together_never_promise_more_than_their_fund_has(course, retries):
    with Crowd(40) as crowd:
        for _ in range(3):
            fund, budgets = two_budgets(15)
            answers = crowd.call(*from_both(budgets, 40))
            assert summary(answers) == {"done": 15, "not_enough_value_in_subsidy": 25}
            fund.refresh_from_db()
            assert (fund.held_cents, fund.free_cents) == (15 * PRICE, 0)
            assert sum(map(assigned, budgets)) == 15
    assert run_audit() == []
    figure("retries of two budgets", retries.total)


def lowering(budget, *limits):
    """Return a call that tries one limit after the other, and answers with those that were taken."""

    def lower():
        taken = []
        for limit in limits:
            with suppress(Refused):
                money.set_limit(budget.pk, limit)
                taken.append(limit)
        return taken

    return lower


def lower_while_allocating(crowd, budget):
    """Let 30 people be allocated while two callers lower the limit place by place; returns both kinds of answers."""
    limits = [places * PRICE for places in range(30, 0, -1)]
    allocations = [assigning(budget, f"learner{caller}@example.org") for caller in range(30)]
    answers = crowd.call(*allocations, lowering(budget, *limits[::2]), lowering(budget, *limits[1::2]))
    return answers[:30], answers[30:]


def test_control_a_limit_looked_at_without_a_lock_falls_below_what_is_held(course, monkeypatch):
    with Crowd(32) as crowd, without_constraints(Budget, kinds="c"), monkeypatch.context() as patch:
        without_row_locks(patch)
        patch.setattr(money, "save_fields", slowly(money.save_fields))
        below = 0
        for _ in range(ROUNDS_UNTIL_IT_SHOWS):  # on a busy machine nobody may be overtaken in the first
            budget = factories.make_house(limit_cents=30 * PRICE).budget
            lower_while_allocating(crowd, budget)
            row = factories.reload(budget)
            below = max(below, row.held_cents - row.limit_cents)
            if below:
                break
        figure("CONTROL cents by which the limit is below what is held", below)
    assert below > 0


def slowly(function):
    """Return the function behind a pause that lets everybody else go on: whoever holds no lock has looked in vain."""

    def later(*args, **kwargs):
        time.sleep(0.1)
        return function(*args, **kwargs)

    return later


def test_a_limit_lowered_while_people_are_allocated_never_falls_below_what_is_held(course, retries):
    with Crowd(32) as crowd:
        for _ in range(3):
            budget = factories.make_house(limit_cents=30 * PRICE).budget
            allocations, limits = lower_while_allocating(crowd, budget)
            assert set(summary(allocations)) <= {"done", "policy_spend_limit_reached"}
            assert set(summary(limits)) == {"done"}
            row = factories.reload(budget)
            assert row.held_cents == assigned(budget) * PRICE <= row.limit_cents
    assert run_audit() == []
    figure("retries under a falling limit", retries.total)

"""The same people from several callers: nobody twice, nobody charged twice, nobody told of a deadlock."""

import random
import time
from functools import partial

import pytest
from django.db.models import Count, F
from tests.race.crowd import Crowd, at_once, figure, summary, without_constraints

from bursar.assignments import moves
from bursar.assignments.audit import run_audit
from bursar.assignments.flows import AllocationRequest, allocate, create_account
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.services import batches, cancel_many
from bursar.budgets.models import Budget
from bursar.kernel.actor import CONSOLE
from bursar.outbox.models import Message
from bursar.people.models import Person
from bursar.testing import factories

pytestmark = pytest.mark.django_db(transaction=True)

PRICE = factories.PRICE_CENTS
ROOM = 1_000 * PRICE


def roomy():
    return factories.make_house(limit_cents=ROOM, deposit_cents=ROOM).budget


def assigning(budget, people):
    request = AllocationRequest(factories.reload(budget), factories.COURSE)
    return partial(allocate, request, people, actor=CONSOLE)


def doubled():
    """Return how many people have the course more than once."""
    groups = LearnerContentAssignment.objects.order_by().values("assignment_configuration", "learner_email_key")
    return groups.annotate(times=Count("pk")).filter(times__gt=1).count()


def test_control_without_the_unique_key_four_callers_with_one_file_assign_everybody_several_times(course):
    budget, people = roomy(), factories.make_people(50)
    with without_constraints(LearnerContentAssignment, Person, kinds="u"):
        at_once(*[assigning(budget, people)] * 4)
        found = doubled()
        figure("CONTROL people of 50 assigned more than once", found)
    assert found


def test_four_callers_with_the_same_file_assign_and_charge_everybody_once(course, retries):
    budget, people = roomy(), factories.make_people(50)
    with Crowd(4) as crowd:
        for _ in range(3):
            answers = crowd.call(*[assigning(budget, people)] * 4)
            assert summary(answers) == {"done": 4}
            assert all(len(done.created) + len(done.unchanged) == 50 for done in answers)
            assert factories.reload(budget).held_cents == 50 * PRICE
    assert LearnerContentAssignment.objects.count() == Message.objects.count() == 50
    assert run_audit() == []
    assert retries.worst < 5
    figure("retries with one file", retries.total)


def churn(budget, people, seconds, tally, is_enough=lambda: False):
    """Allocate and cancel the same few people over and over, in an order of one's own."""
    end = time.monotonic() + seconds
    mine = LearnerContentAssignment.objects.filter(assignment_configuration__subsidy_access_policy=budget)
    while time.monotonic() < end and not is_enough():
        some = random.sample(people, 5)
        assigning(budget, some)()
        keys = list(mine.values_list("pk", flat=True))
        random.shuffle(keys)
        cancel_many(keys[:5], actor=CONSOLE)
        tally.append(2)


def budget_first(monkeypatch):
    """Let verbs on assignments take the budget's row before their own, as allocating does not."""
    lock = moves.lock

    def locking(keys, actor, permission):
        Budget.objects.update(held_cents=F("held_cents"))
        return lock(keys, actor, permission)

    monkeypatch.setattr(moves, "lock", locking)


def test_control_with_the_budget_taken_first_callers_deadlock(course, retries, monkeypatch):
    budget, people, tally = roomy(), factories.make_people(20), []
    with monkeypatch.context() as patch:
        budget_first(patch)
        at_once(*[partial(churn, budget, people, 20, tally, lambda: retries.deadlocks)] * 4)
    figure("CONTROL calls with the budget first until they deadlock", sum(tally))
    assert retries.deadlocks


def test_people_cancelled_and_allocated_again_at_once_are_never_doubled_and_never_deadlock(course, retries):
    budget, people, tally = roomy(), factories.make_people(20), []
    answers = at_once(*[partial(churn, budget, people, 6, tally)] * 8)
    assert summary(answers) == {"done": 8}
    assert doubled() == 0
    open_ones = LearnerContentAssignment.objects.filter(state="allocated").count()
    assert factories.reload(budget).held_cents == open_ones * PRICE
    assert run_audit() == []
    figure("calls while cancelling and allocating again", sum(tally))
    figure("retries while cancelling and allocating again", dict(retries.by_state))
    assert retries.deadlocks == 0


def newcomers(number=20):
    """Let people be assigned a course while their accounts are made; returns how many assignments are linked to none."""
    budget = roomy()
    addresses = [f"newcomer{place}@example.org" for place in range(number)]
    allocations = [assigning(budget, factories.make_people([email])) for email in addresses]
    accounts = [partial(create_account, email, password=None) for email in addresses]
    answers = at_once(*[call for pair in zip(allocations, accounts, strict=True) for call in pair])
    assert summary(answers) == {"done": 2 * number}
    return LearnerContentAssignment.objects.filter(lms_user_id=None).count()


def test_control_without_a_second_look_users_who_appear_meanwhile_stay_unlinked(course, monkeypatch):
    monkeypatch.setattr(batches, "link_newcomers", lambda batch: 0)
    unlinked = newcomers()
    figure("CONTROL assignments of 20 that stay unlinked", unlinked)
    assert unlinked


def test_users_who_appear_while_they_are_allocated_are_linked(course, retries):
    assert newcomers() == 0
    assert run_audit() == []
    figure("retries while linking", dict(retries.by_state))

"""Two workers at the same work: a batch is filled once, and what is due is done once for each."""

import threading
from collections import Counter
from datetime import timedelta

import pytest
from django.db.models import F
from tests.race import post
from tests.race.crowd import PATIENCE, at_once, blindly, figure, summary, without_constraints, without_row_locks

from bursar.assignments import jobs, moves, services
from bursar.assignments.audit import run_audit
from bursar.assignments.flows import AllocationRequest, allocate, posting, redeem_many
from bursar.assignments.flows.allocations import make_offer, recipients
from bursar.assignments.models import AllocationBatch, LearnerContentAssignment, LearnerContentAssignmentAction
from bursar.assignments.services import RedemptionRequest, fill_batch, open_batch
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.outbox import services as outbox
from bursar.outbox import worker
from bursar.outbox.models import Message, State
from bursar.people.models import Person
from bursar.testing import factories

pytestmark = pytest.mark.django_db(transaction=True)

PRICE = factories.PRICE_CENTS


@pytest.fixture(autouse=True)
def small_chunks(settings):
    settings.BURSAR = settings.BURSAR | {"chunk_size": 10, "inline_limit": 10}


def begun_batch(people=60):
    """Reserve a batch that nobody has filled yet; returns its budget and key."""
    budget = factories.make_house(limit_cents=2 * people * PRICE, deposit_cents=2 * people * PRICE).budget
    offer = make_offer(AllocationRequest(budget, factories.COURSE), actor=CONSOLE)
    return budget, open_batch(offer, recipients(factories.make_people(people)), actor=CONSOLE)


def test_control_without_lock_and_unique_keys_two_fillers_assign_and_count_people_twice(course, monkeypatch):
    _, batch = begun_batch()
    with without_constraints(LearnerContentAssignment, Person, kinds="u"), monkeypatch.context() as patch:
        without_row_locks(patch)
        patch.setattr(services.batches, "owe_fan_out", lambda *_, **__: None)  # whose unique key is a net of its own
        at_once(*[lambda: fill_batch(batch)] * 2)
        made = LearnerContentAssignment.objects.count()
        figure("CONTROL assignments of 60 people with two fillers", made)
    assert made > 60


def test_two_fillers_of_one_batch_fill_each_chunk_once(course, retries):
    for _ in range(3):
        budget, batch = begun_batch()
        assert summary(at_once(*[lambda key=batch: fill_batch(key)] * 3)) == {"done": 3}
        row = AllocationBatch.objects.get(pk=batch)
        assert (row.state, row.hold_cents, row.created_count, row.charged_cents) == ("done", 0, 60, 60 * PRICE)
        assert LearnerContentAssignment.objects.filter(allocation_batch_id=batch).count() == 60
        assert factories.reload(budget).held_cents == 60 * PRICE
    assert run_audit() == []
    figure("retries of fillers", retries.total)


def much_that_is_due(settings):
    """Leave 20 invitations to send, 20 assignments to expire and 20 accepted courses to nudge for."""
    settings.BURSAR = settings.BURSAR | {"mail_port": "tests.race.post.CountingMail"}
    post.sent.clear()
    now = clock.now()
    course = factories.make_course("DemoX+D200", runs=())
    factories.make_run(course, "D200-run", start=now + timedelta(days=100))
    budget = factories.make_house(limit_cents=10**9, deposit_cents=10**9).budget
    keys = []
    for prefix in ("told", "late", "going"):
        request = AllocationRequest(budget, "DemoX+D200")
        people = factories.make_people(20, prefix=prefix)
        keys.append([one.assignment for one in allocate(request, people, actor=CONSOLE).created])
    told, late, going = keys
    worker.drain()
    redeem_many([RedemptionRequest(key) for key in going], actor=CONSOLE)
    services.extend_many(told, until=now + timedelta(days=300), why="", actor=CONSOLE)
    services.remind_many(told, actor=CONSOLE)
    return told, late, going, now + timedelta(days=91)


def tick_at(moment):
    with clock.at(moment):
        return jobs.tick()


def naive_claims(workers):
    """Return a way to look for what is due and take it without looking again; at first all have looked before one takes."""
    everybody, mine = threading.Barrier(workers), threading.local()

    def claim(limit, *, worker, now=None):
        moment = now or clock.now()
        due = Message.objects.filter(state=State.PENDING, due_at__lte=moment).order_by("uuid")
        picked = list(due.values_list("uuid", flat=True)[:limit])
        if not hasattr(mine, "place"):
            mine.place = everybody.wait(PATIENCE)
        lease = moment + timedelta(minutes=2)
        Message.objects.filter(uuid__in=picked).update(state=State.CLAIMED, fence=F("fence") + 1, lease_until=lease)
        return outbox._claims(Message.objects.filter(uuid__in=picked))

    return claim


def test_control_a_claim_and_an_intent_that_compare_nothing_send_mails_twice(course, monkeypatch, settings):
    much_that_is_due(settings)
    monkeypatch.setattr(worker, "claim_due", naive_claims(3))
    monkeypatch.setattr(posting, "commit_intent", lambda claim: True)
    at_once(*[worker.drain] * 3)
    doubled = sum(times > 1 for times in post.sent.values())
    figure("CONTROL mails of 20 sent more than once", doubled)
    assert doubled


def test_control_without_lock_and_comparison_two_sweeps_expire_the_same_assignment(course, monkeypatch, settings):
    _, late, _, then = much_that_is_due(settings)
    blindly(monkeypatch)
    monkeypatch.setattr(moves, "tell", lambda *_, **__: None)  # whose unique key is a net of its own
    answers = at_once(*[lambda: expire_at(then)] * 3)
    expired = sum(answer for answer in answers if isinstance(answer, int))
    figure(f"CONTROL expiries of {len(late)} assignments", expired)
    assert expired > len(late) or "over_budget" in summary(answers)


def expire_at(moment):
    with clock.at(moment):
        return jobs.expire_due()


def test_two_ticks_at_once_do_each_thing_once(course, retries, settings):
    told, late, going, then = much_that_is_due(settings)
    answers = at_once(*[lambda: tick_at(then)] * 3)
    assert summary(answers) == {"done": 3}
    assert sum(done.expired for done in answers) == len(late)
    assert sum(done.nudged for done in answers) == len(going)
    assert sum(done.mail.sent for done in answers) == len(told) + len(late) + len(going)
    assert set(post.sent.values()) == {1}
    past = LearnerContentAssignment.history.model.objects.filter(history_change_reason="expired")
    assert Counter(past.values_list("uuid", flat=True)) == dict.fromkeys(late, 1)
    done = LearnerContentAssignmentAction.objects.filter(action_type__in=("expired", "reminded"))
    assert set(Counter(done.values_list("assignment", flat=True)).values()) == {1}
    assert run_audit() == []
    figure("retries of ticks", retries.total)

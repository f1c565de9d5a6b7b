"""Two ticks at once tell those who assign once: each warning, each digest, each page of a sweep."""

import time
from datetime import timedelta

import pytest
from django.db.models import QuerySet
from tests.race import post
from tests.race.crowd import at_once, figure, summary, without_constraints

from bursar.assignments import digests, flows
from bursar.assignments.flows import AllocationRequest, allocate
from bursar.assignments.models import Notice, NoticePolicy
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE, TICK
from bursar.outbox import worker
from bursar.outbox.models import Message
from bursar.people.models import Person
from bursar.testing import factories

pytestmark = pytest.mark.django_db(transaction=True)

HOUSES = 10
PRICE = factories.PRICE_CENTS


@pytest.fixture
def houses(course, settings):
    """Make customers whose budgets are used up, whose funds end soon, and whose digest is due; returns the moment."""
    settings.BURSAR = settings.BURSAR | {"mail_port": "tests.race.post.CountingMail"}
    post.sent.clear()
    end = clock.now() + timedelta(days=20)
    for number in range(HOUSES):
        customer = factories.make_customer(contact_email=f"contact{number}@acme.example")
        fund = factories.make_fund(customer, expires_at=end)
        budget = factories.make_budget(fund, limit_cents=PRICE)
        allocate(AllocationRequest(budget, factories.COURSE), factories.make_people(1), actor=CONSOLE)
    flows.digest_due()
    return clock.now() + timedelta(days=8)


@pytest.fixture
def pensive(monkeypatch):
    """Let everybody think for a moment between looking whether something was told and telling it."""
    real = digests.recipients

    def think(customer):
        time.sleep(0.02)
        return real(customer)

    monkeypatch.setattr(digests, "recipients", think)


def tell_at(moment):
    with clock.at(moment):
        told = flows.warn_due() + flows.digest_due()
        worker.drain()
        return told


def test_control_without_the_unique_key_warnings_are_told_twice(houses):
    with without_constraints(Notice, kinds="u"):
        at_once(*[flows.warn_due] * 3)
        told = Notice.objects.count()
        figure(f"CONTROL warnings about {2 * HOUSES} budgets and funds", told)
    assert told > 2 * HOUSES


def test_control_without_the_policys_row_and_unique_key_digests_are_told_twice(houses, pensive, monkeypatch):
    """The row is a lock twice: when it is read, and when the next time is written before the notices are looked for."""
    with without_constraints(Notice, kinds="u"), monkeypatch.context() as patch:
        patch.setattr(QuerySet, "select_for_update", lambda rows, **_: rows)
        patch.setattr(NoticePolicy, "save", lambda *_, **__: None)
        at_once(*[lambda: digests_at(houses)] * 3)
        told = Notice.objects.count()
        figure(f"CONTROL digests of {HOUSES} customers", told)
    assert told > HOUSES


def digests_at(moment):
    with clock.at(moment):
        return flows.digest_due()


def test_ticks_at_once_tell_each_thing_once(houses, pensive, retries):
    answers = at_once(*[lambda: tell_at(houses)] * 4)
    assert summary(answers) == {"done": 4}
    assert sum(answers) == 3 * HOUSES
    assert Notice.objects.count() == 3 * HOUSES
    assert Message.objects.filter(topic="notice").count() == 3 * HOUSES
    assert set(post.sent.values()) == {1}
    figure("retries of ticks that tell", retries.total)


def test_two_that_meet_a_customer_at_once_make_one_policy(houses, retries):
    NoticePolicy.objects.all().delete()
    assert summary(at_once(*[flows.digest_due] * 4)) == {"done": 4}
    assert NoticePolicy.objects.count() == HOUSES


def test_two_sweeps_over_all_persons_erase_each_and_end(houses, monkeypatch):
    monkeypatch.setattr("bursar.assignments.selectors.SWEPT_AT_ONCE", 3)
    customer = factories.make_customer()
    Person.objects.bulk_create(Person(customer=customer, email=f"orphan{number}@example.org") for number in range(20))
    later = clock.now() + timedelta(days=91)

    def sweep():
        with clock.at(later):
            for _ in range(20):
                flows.scrub_due(actor=TICK)

    assert summary(at_once(*[sweep] * 3)) == {"done": 3}
    assert not Person.objects.filter(customer=customer, erased_at=None).exists()

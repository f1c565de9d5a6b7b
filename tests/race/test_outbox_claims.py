"""Several workers at one table: every message in one hand only. Each race begins with the control that shows it."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from uuid import uuid4

import pytest
from django.db import connection, transaction

from bursar.kernel import clock
from bursar.outbox.models import Message, State
from bursar.outbox.services import Item, Settlement, claim_due, commit_intent, enqueue_many, recover, settle_many

WORKERS = 4
MESSAGES = 200
AFTER_LEASE = timedelta(minutes=5)

pytestmark = pytest.mark.django_db(transaction=True)


def enqueue(count=MESSAGES):
    with transaction.atomic():
        enqueue_many("mail", "notify", [Item(uuid4(), 1) for _ in range(count)], customer=None)


def at_once(*functions):
    """Run the functions in threads of their own that begin together, and return what each returns."""
    start = Barrier(len(functions))

    def run(function):
        try:
            start.wait(10)
            return function()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(functions)) as pool:
        return list(pool.map(run, functions))


def claim_everything():
    taken = []
    while claims := claim_due(10, worker="w"):
        taken += [claim.uuid for claim in claims]
    return taken


def test_control_workers_that_read_and_then_write_take_the_same_message():
    enqueue(10)
    everybody_has_read = Barrier(WORKERS)

    def claim_without_guard():
        picked = list(Message.objects.filter(state=State.PENDING).values_list("uuid", flat=True)[:10])
        everybody_has_read.wait(10)
        Message.objects.filter(uuid__in=picked).update(state=State.CLAIMED)
        return picked

    taken = Counter(uuid for part in at_once(*[claim_without_guard] * WORKERS) for uuid in part)
    assert set(taken.values()) == {WORKERS}


@pytest.mark.parametrize("skips_locked", [True, False], ids=["skip locked", "compare and set"])
def test_four_workers_take_every_message_once(skips_locked, monkeypatch):
    monkeypatch.setattr(type(connection.features), "has_select_for_update_skip_locked", skips_locked)
    enqueue()
    taken = Counter(uuid for part in at_once(*[claim_everything] * WORKERS) for uuid in part)
    assert (len(taken), set(taken.values())) == (MESSAGES, {1})
    assert set(Message.objects.values_list("state", "fence")) == {(State.CLAIMED, 1)}


def intend_without_fence(claim):
    return Message.objects.filter(uuid=claim.uuid).update(state=State.COMMITTING) == 1


@pytest.mark.parametrize(
    ("intend", "zombie_sends", "worker_sends"),
    [(intend_without_fence, MESSAGES, MESSAGES), (commit_intent, 0, MESSAGES)],
    ids=["control without the fence", "with the fence"],
)
def test_a_zombie_that_wakes_after_a_takeover_sends_nothing(intend, zombie_sends, worker_sends):
    enqueue()
    zombies = claim_due(MESSAGES, worker="zombie")
    recover(clock.now() + AFTER_LEASE)
    claims = claim_due(MESSAGES, worker="w")
    sent = at_once(lambda: sum(map(intend, zombies)), lambda: sum(map(intend, claims)))
    assert sent == [zombie_sends, worker_sends]


def test_a_zombie_that_wakes_during_a_takeover_and_the_worker_that_took_over_never_both_send():
    enqueue()
    zombies = claim_due(MESSAGES, worker="zombie")
    later = clock.now() + AFTER_LEASE

    def wake_up():
        return [claim.uuid for claim in zombies if commit_intent(claim)]

    def take_over():
        recover(later)
        sent = []
        while claims := claim_due(10, worker="w", now=later):
            sent += [claim.uuid for claim in claims if commit_intent(claim)]
        return sent

    sent = Counter(uuid for part in at_once(wake_up, take_over) for uuid in part)
    assert (len(sent), set(sent.values())) == (MESSAGES, {1})


def test_a_message_settled_by_many_at_once_is_settled_by_one():
    enqueue(20)
    claims = claim_due(20, worker="w")

    @transaction.atomic
    def settle():
        return settle_many([Settlement(claim, "sent") for claim in claims])

    ours = Counter(uuid for part in at_once(*[settle] * WORKERS) for uuid in part)
    assert (len(ours), set(ours.values())) == (20, {1})
    assert set(Message.objects.values_list("state", "attempts")) == {(State.SENT, 1)}

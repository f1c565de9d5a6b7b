"""Large allocations: one message per chunk, which a worker turns into one for each person who is still to be told."""

import pytest
from tests.db.verbs.steps import MINUTE, allocate, fan_out, fresh, later, messages
from tests.db.verbs.test_batches import open_batch

from bursar.assignments import services
from bursar.assignments.events import TOPIC_FAN_OUT
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.services import cancel_many
from bursar.kernel.actor import CONSOLE
from bursar.outbox.models import Message
from bursar.outbox.services import Delivered, claim_due, recover
from bursar.outbox.worker import drain

PEOPLE = 8
pytestmark = pytest.mark.usefixtures("small_batches")


def test_a_large_allocation_leaves_a_message_for_every_chunk_and_none_for_a_person(house, course):
    done = allocate(house.budget, PEOPLE)
    assert set(Message.objects.values_list("topic", "subject_uuid", "ordinal", "priority")) == {
        (TOPIC_FAN_OUT, done.batch, place, 10) for place in (1, 2, 3)
    }


def test_everybody_gets_one_mail_in_the_end(house, course, mail):
    allocate(house.budget, PEOPLE)
    assert drain() == Delivered(sent=PEOPLE)
    assert sorted(item.to for item in mail.sent) == [f"learner{number}@example.org" for number in range(1, PEOPLE + 1)]


def test_a_chunk_in_which_nothing_changed_owes_nothing(house, course):
    allocate(house.budget, PEOPLE)
    before = Message.objects.count()
    allocate(house.budget, PEOPLE)
    assert Message.objects.count() == before


def test_who_was_cancelled_meanwhile_is_not_told_of_the_assignment(house, course, mail):
    done = allocate(house.budget, PEOPLE)
    gone = done.created[0]
    cancel_many([gone.assignment], actor=CONSOLE, tell=False)
    drain()
    assert len(mail.sent) == PEOPLE - 1
    assert gone.email not in {item.to for item in mail.sent}


def test_who_was_allocated_again_meanwhile_is_told_once_of_the_newer_one(house, course, mail):
    done = allocate(house.budget, PEOPLE)
    again = done.created[0]
    cancel_many([again.assignment], actor=CONSOLE, tell=False)
    with later(MINUTE):
        allocate(house.budget, [again.email])
        drain()
    row = fresh(LearnerContentAssignment.objects.get(pk=again.assignment))
    assert messages(row) == [("assigned", 2, 1, "sent")]


def test_a_worker_that_dies_before_the_commit_leaves_it_to_the_next_and_nobody_is_told_twice(house, course):
    allocate(house.budget, PEOPLE)
    claims = claim_due(10, worker="dies")
    with later(3 * MINUTE):
        assert recover().released == 3
        fan_out()
        services.fan_out(claims)  # the dead one was only slow
    assert Message.objects.filter(topic="mail").count() == PEOPLE
    assert set(Message.objects.filter(topic=TOPIC_FAN_OUT).values_list("state", flat=True)) == {"sent"}


def test_a_fill_that_was_killed_and_resumed_owes_each_chunk_once(house, course):
    batch, _ = open_batch(house.budget, PEOPLE)
    services.batches._fill_chunk(batch, 0)
    services.fill_batch(batch)
    fan_out()
    assert Message.objects.filter(topic="mail").count() == PEOPLE

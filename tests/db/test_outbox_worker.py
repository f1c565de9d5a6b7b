"""The worker with a handler as an app would write one: nothing lost, nothing doubled, nobody waits for a bad message."""

import os
import signal
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.transaction import TransactionManagementError

from bursar.kernel import clock
from bursar.kernel.transactions import writes
from bursar.outbox import registry
from bursar.outbox.claims import Delivered
from bursar.outbox.models import Message, State
from bursar.outbox.services import (
    Item,
    Recovered,
    Settlement,
    claim_due,
    commit_intent,
    enqueue_many,
    recover,
    sent_again,
    settle_many,
)
from bursar.outbox.worker import drain, stop_on_signals, worker_name
from bursar.ports.mail import Mail
from bursar.testing.fake_mail import Died, FakeMail

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
AFTER_LEASE = 3 * MINUTE
AFTER_UNCERTAINTY = 13 * MINUTE
SETTLED_AS = {"sent": "sent", "retry": "retry", "rejected": "failed"}

pytestmark = pytest.mark.django_db


class Post:
    """An app's handler: checks again, renders, sends with the intent, settles together with a record of its own."""

    def __init__(self, resend=True):
        self.mail = FakeMail()
        self.batches = []
        self.poison = set()
        self.no_longer_needed = set()
        registry.register("mail", self, resend_unknown=lambda kind: resend, settle=self.settle)

    def __call__(self, claims):
        self.batches.append(len(claims))
        held = {claim.uuid: claim for claim in claims}
        delivered = Delivered()
        for claim in claims:
            if not self.needs(claim):
                delivered += self.settle([Settlement(claim, "dropped", reason="accepted")])
        mails = [self.render(claim) for claim in claims if self.needs(claim)]
        for delivery in self.mail.send_many(mails, intent=lambda message: commit_intent(held[message])):
            outcome = SETTLED_AS[delivery.outcome]
            delivered += self.settle([Settlement(held[delivery.message], outcome, delivery.code)])
        return delivered

    def needs(self, claim):
        return claim.subject not in self.no_longer_needed

    def render(self, claim):
        if claim.subject in self.poison:
            raise LookupError("no template for ana@example.org")
        return Mail(claim.uuid, claim.subject, "bursar@example.org", address(claim.subject), "Subject", "Text")

    @writes
    def settle(self, settlements):
        ours = settle_many(settlements)
        done = [item for item in settlements if item.claim.uuid in ours]
        Group.objects.bulk_create(Group(name=f"{item.claim.key} {item.claim.attempts} {item.outcome}") for item in done)
        outcomes = Counter(item.outcome for item in done)
        return Delivered(outcomes["sent"], outcomes["dropped"], outcomes["failed"], outcomes["retry"])

    def sent_to(self):
        return [mail.to for mail in self.mail.sent]


def address(subject):
    return f"{subject}@example.org"


def enqueue(count=1, topic="mail", **options):
    items = [Item(uuid4(), 1) for _ in range(count)]
    with transaction.atomic():
        enqueue_many(topic, "notify", items, customer=None, **options)
    found = Message.objects.filter(subject_uuid__in=[item.subject for item in items]).order_by("uuid")
    return list(found.values_list("subject_uuid", flat=True))


def state(subject):
    return Message.objects.get(subject_uuid=subject).state


def error(subject):
    return Message.objects.get(subject_uuid=subject).error_code


def records(subject):
    return [
        name.rpartition(" ")[2]
        for name in Group.objects.filter(name__contains=str(subject)).values_list("name", flat=True)
    ]


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


@pytest.fixture(autouse=True)
def _topics(monkeypatch):
    monkeypatch.setattr(registry, "_topics", {})


@pytest.fixture
def post():
    return Post()


def test_everything_due_leaves_once_in_as_many_batches_as_it_takes(post):
    subjects = enqueue(5)
    (later,) = enqueue(due_at=NOON + MINUTE)
    assert drain(batch=2) == Delivered(sent=5)
    assert post.batches == [2, 2, 1]
    assert post.sent_to() == [address(subject) for subject in subjects]
    assert [records(subject) for subject in subjects] == [["sent"]] * 5
    assert drain() == Delivered()
    assert state(later) == State.PENDING


def test_a_limit_of_batches_leaves_the_rest_for_the_next_call(post):
    enqueue(5)
    assert drain(1, batch=2) == Delivered(sent=2)
    assert Message.objects.filter(state=State.PENDING).count() == 3


def test_nothing_leaves_for_a_cause_that_was_rolled_back(post):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        enqueue(3)
        raise ZeroDivisionError
    assert drain() == Delivered()
    assert post.sent_to() == []


@pytest.mark.django_db(transaction=True)
def test_nothing_is_sent_while_a_transaction_is_open(post):
    with pytest.raises(TransactionManagementError), transaction.atomic():
        drain()


def test_a_message_no_longer_needed_is_dropped_with_its_reason(post):
    accepted, waiting = enqueue(2)
    post.no_longer_needed.add(accepted)
    assert drain() == Delivered(sent=1, dropped=1)
    assert post.sent_to() == [address(waiting)]
    assert (state(accepted), records(accepted)) == (State.DROPPED, ["dropped"])


def test_refused_and_put_off_mails_end_and_wait_as_their_handler_says(post):
    refused, put_off = enqueue(2)
    post.mail.script(address(refused), "reject")
    post.mail.script(address(put_off), "retry")
    assert drain() == Delivered(failed=1, retried=1)
    assert (state(refused), error(refused)) == (State.FAILED, "smtp_refused")
    assert (state(put_off), error(put_off)) == (State.PENDING, "smtp_temporary")
    with clock.at(NOON + 2 * MINUTE):
        assert drain() == Delivered(sent=1)
    assert records(put_off) == ["retry", "sent"]


def test_each_topic_has_its_own_handler(post):
    hooks = []

    def deliver(claims):
        hooks.extend(claim.subject for claim in claims)
        with transaction.atomic():
            return Delivered(sent=len(settle_many([Settlement(claim, "sent") for claim in claims])))

    registry.register("webhook", deliver, resend_unknown=lambda kind: True)
    (mail,), (hook,) = enqueue(), enqueue(topic="webhook")
    assert drain() == Delivered(sent=2)
    assert (post.sent_to(), hooks) == ([address(mail)], [hook])


# One bad message


def test_a_poisoned_message_stops_no_other_and_is_given_up_at_last(post, caplog):
    poisoned = enqueue(5)[2]
    post.poison.add(poisoned)
    assert drain() == Delivered(sent=4, retried=1)
    assert len(post.sent_to()) == len(set(post.sent_to())) == 4
    assert (state(poisoned), error(poisoned)) == (State.PENDING, "handler_error")
    for number in range(6):
        with clock.at(NOON + timedelta(days=2 * number + 2)):
            last = drain()
    assert last == Delivered(failed=1)
    assert (state(poisoned), error(poisoned)) == (State.FAILED, "handler_error")
    assert records(poisoned) == ["retry"] * 7
    assert "LookupError" in caplog.text
    assert "@" not in caplog.text, caplog.text


def test_a_fault_in_the_middle_of_a_batch_sends_nothing_twice(post):
    subjects = enqueue(4)
    post.mail.script(address(subjects[1]), "raise")
    assert drain() == Delivered(sent=3)
    assert sorted(post.sent_to()) == sorted(address(subject) for subject in subjects if subject != subjects[1])
    assert state(subjects[1]) == State.COMMITTING


def test_a_message_that_may_have_left_is_not_retried_at_once(post):
    (subject,) = enqueue()
    post.mail.script(address(subject), "raise")
    assert drain() == Delivered()
    assert state(subject) == State.COMMITTING
    with clock.at(NOON + AFTER_LEASE):
        assert recover() == Recovered()
        assert drain() == Delivered()


def test_a_message_of_a_topic_that_nobody_delivers_waits_and_is_given_up_at_last(post):
    (orphan,), (mail,) = enqueue(topic="fax"), enqueue()
    assert drain() == Delivered(sent=1, retried=1)
    assert (state(orphan), error(orphan), state(mail)) == (State.PENDING, "no_handler", State.SENT)
    for number in range(6):
        with clock.at(NOON + timedelta(days=2 * number + 2)):
            drain()
    assert state(orphan) == State.FAILED


# Dying workers


@pytest.mark.parametrize(("resend", "steps"), [(True, "die_before"), (True, "die_after"), (False, "die_after")])
def test_a_worker_killed_between_intent_and_settlement_ends_by_the_policy_of_the_kind(resend, steps):
    post = Post(resend=resend)
    (subject,) = enqueue()
    post.mail.script(address(subject), steps)
    with pytest.raises(Died):
        drain()
    assert (state(subject), records(subject)) == (State.COMMITTING, [])
    with clock.at(NOON + AFTER_LEASE):
        assert (recover(), drain()) == (Recovered(), Delivered())
    with clock.at(NOON + AFTER_UNCERTAINTY):
        assert recover() == Recovered(resent=int(resend), unknown=int(not resend))
        assert drain() == Delivered(sent=int(resend))
    assert state(subject) == (State.SENT if resend else State.UNKNOWN)
    assert records(subject) == (["sent"] if resend else ["unknown"])
    assert [row.subject_uuid for row in sent_again()] == [subject] * resend, "whoever may have it twice is listed"
    ids = {mail.message for mail in post.mail.sent}
    assert len(ids) == 1, "whatever left twice left under the same Message-ID"


def test_the_others_of_a_killed_workers_batch_leave_once_when_its_lease_is_over(post):
    subjects = enqueue(4)
    post.mail.script(address(subjects[1]), "die_before")
    with pytest.raises(Died):
        drain()
    with clock.at(NOON + AFTER_LEASE):
        assert recover() == Recovered(released=2)
        assert drain() == Delivered(sent=2)
    with clock.at(NOON + AFTER_UNCERTAINTY):
        assert recover() == Recovered(resent=1)
        assert drain() == Delivered(sent=1)
    assert sorted(post.sent_to()) == sorted(map(address, subjects))


def test_a_zombie_that_wakes_after_its_lease_sends_nothing_and_records_nothing(post):
    (subject,) = enqueue()
    zombie = claim_due(1, worker="zombie")
    with clock.at(NOON + AFTER_LEASE):
        recover()
        assert drain() == Delivered(sent=1)
        assert post(zombie) == Delivered()
    assert post.sent_to() == [address(subject)]
    assert records(subject) == ["sent"]


def test_a_settlement_whose_record_cannot_be_written_is_not_settled(post):
    (subject,) = enqueue()
    Group.objects.create(name=f"{Message.objects.get().key} 0 sent")
    assert drain() == Delivered()
    assert state(subject) == State.COMMITTING


# Stopping


@pytest.mark.django_db(transaction=True)
def test_sigterm_finishes_the_message_in_hand_and_puts_the_rest_back(post):
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    subjects = enqueue(5)
    send = post.mail._send

    def terminated_while_sending(mail):
        if mail.to == address(subjects[1]):
            os.kill(os.getpid(), signal.SIGTERM)
        return send(mail)

    post.mail._send = terminated_while_sending
    try:
        assert drain(should_stop=stop_on_signals()) == Delivered(sent=2)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert post.sent_to() == [address(subject) for subject in subjects[:2]]
    assert [state(subject) for subject in subjects] == [State.SENT] * 2 + [State.PENDING] * 3


def test_a_stopping_worker_begins_no_further_topic_and_claims_nothing(post):
    stopped = []

    def deliver(claims):
        stopped.append(True)
        with transaction.atomic():
            return Delivered(sent=len(settle_many([Settlement(claim, "sent") for claim in claims])))

    registry.register("webhook", deliver, resend_unknown=lambda kind: True)
    enqueue(topic="webhook", priority=1)
    (mail,) = enqueue()
    assert drain(should_stop=lambda: bool(stopped)) == Delivered(sent=1)
    assert (state(mail), post.batches) == (State.PENDING, [])
    assert drain(should_stop=lambda: True) == Delivered()


def test_a_stopping_worker_does_not_go_on_one_by_one_after_a_fault(post):
    subjects = enqueue(3)
    post.poison.add(subjects[2])
    assert drain(should_stop=lambda: bool(post.mail.sent)) == Delivered(sent=1)
    assert [state(subject) for subject in subjects] == [State.SENT, State.PENDING, State.PENDING]


def test_a_worker_is_found_by_its_process_id():
    assert worker_name().endswith(f":{os.getpid()}")

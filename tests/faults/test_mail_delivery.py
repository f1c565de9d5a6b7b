"""Delivering under pressure: each message in one hand, the bad one by itself, the urgent one first, the stale one not."""

import random
import time
from collections import Counter
from uuid import uuid4

import pytest
from django.db import connection
from tests.faults import controls
from tests.faults.figures import size
from tests.faults.killer import Process, hands, together, until
from tests.faults.sinks import sink
from tests.faults.steps import (
    DAY,
    accept_all,
    assigned,
    deliver_for_ever,
    later,
    mails,
    post_to,
    states,
    told_already,
    waiting,
)

from bursar.assignments.events import TOPIC_MAIL, MessageKind
from bursar.assignments.flows import deliveries
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.services import cancel_many
from bursar.kernel.actor import CONSOLE
from bursar.kernel.transactions import writes
from bursar.outbox import retries, worker
from bursar.outbox.models import Message, State
from bursar.outbox.services import Item, claim_due, enqueue_many
from bursar.people.models import Person

POISONED_ONE_OF = size(full=1000, short=60)
BATCH = 20
CLAIMERS = size(full=8, short=4)
CLAIMED = size(full=20_000, short=2_000)
STABLE = size(full=50, short=3)
TRIES = 6
SUPERSEDED = size(full=500, short=60)
GRACE_SECONDS = 1
NUDGES = size(full=100_000, short=2_000)
PROMISED_SECONDS = 30
CONTROL_SECONDS = size(full=30, short=3)


# C10


def poison(keys):
    """Give one person a time zone that no template can work with, past every check; returns their message's uuid."""
    address = LearnerContentAssignment.objects.get(pk=keys[len(keys) // 2]).learner_email_key
    Person.objects.filter(address_key=address).update(time_zone="No/Where")
    return Message.objects.get(subject_uuid=keys[len(keys) // 2]).uuid


def deliver_until_given_up():
    for day in range(len(retries.MAIL) + 2):
        with later(2 * day * DAY):
            worker.drain(batch=BATCH)


def test_control_c10_where_a_batch_shares_its_fate_the_innocent_die_with_the_poisoned(
    house, settings, tmp_path, monkeypatch, row
):
    put_off = lambda _, claims, *__: worker._put_off(claims, worker.HANDLER_ERROR)  # noqa: E731
    monkeypatch.setattr(worker, "_deliver_singly", put_off)
    poison(assigned(house, POISONED_ONE_OF))
    with sink(tmp_path, delay=(0, 0)) as mail:
        post_to(settings, mail)
        deliver_until_given_up()
    row.shows(messages=POISONED_ONE_OF, **states())
    assert states()["failed"] > 1


def test_c10_one_poisoned_message_is_given_up_and_every_other_one_is_sent(house, settings, tmp_path, row):
    bad = poison(assigned(house, POISONED_ONE_OF))
    with sink(tmp_path, delay=(0, 0)) as mail:
        post_to(settings, mail)
        deliver_until_given_up()
        arrived = mail.taken()
    given_up = Message.objects.get(uuid=bad)
    row.shows(messages=POISONED_ONE_OF, **states(), attempts_of_the_poisoned=given_up.attempts)
    assert states() == {"failed": 1, "sent": POISONED_ONE_OF - 1}
    assert (given_up.state, given_up.attempts) == (State.FAILED, len(retries.MAIL) + 1)
    assert (len(arrived), set(arrived.values())) == (POISONED_ONE_OF - 1, {1})


# C11


@writes
def enqueue(count):
    enqueue_many(TOPIC_MAIL, MessageKind.ASSIGNED, [Item(uuid4(), 1) for _ in range(count)], customer=None)


def claim_everything(claim=claim_due):
    taken = []
    while claims := claim(100, worker="w"):
        taken += [item.uuid for item in claims]
    return taken


def claimed_by_all(claim=claim_due):
    enqueue(CLAIMED)
    parts = together(*[lambda: claim_everything(claim)] * CLAIMERS)
    return Counter(uuid for part in parts for uuid in part)


@pytest.mark.on_both
def test_control_c11_workers_that_look_and_then_take_hold_the_same_message(course, row):
    taken = claimed_by_all(controls.claim_without_looking_again)
    doubled = sum(times > 1 for times in taken.values())
    row.shows(workers=CLAIMERS, messages=CLAIMED, in_two_hands=doubled)
    assert doubled


@pytest.mark.on_both
@pytest.mark.parametrize("skips_locked", [True, False], ids=["skip locked", "compare and set"])
def test_c11_workers_at_one_table_take_every_message_and_none_twice(course, skips_locked, monkeypatch, row):
    if connection.vendor == "sqlite" and skips_locked:
        pytest.skip("SQLite cannot skip what is locked")
    monkeypatch.setattr(type(connection.features), "has_select_for_update_skip_locked", skips_locked)
    began = time.monotonic()
    taken = claimed_by_all()
    rate = round(CLAIMED / (time.monotonic() - began))
    doubled = sum(times > 1 for times in taken.values())
    way = "skip locked" if skips_locked else "compare and set"
    row.shows(
        way=way,
        workers=CLAIMERS,
        messages=CLAIMED,
        in_two_hands=doubled,
        missed=CLAIMED - len(taken),
        claims_per_second=rate,
    )
    assert (len(taken), set(taken.values())) == (CLAIMED, {1})


# C12


def tries_of_all(house, settings, directory):
    """Let the server put every mail off until the last try; returns the (Message-ID, body) of each try, by recipient."""
    assigned(house, STABLE)
    script = {f"learner{number}@example.org": ["451 dot"] * (TRIES - 1) for number in range(1, STABLE + 1)}
    with sink(directory, script=script, delay=(0, 0)) as mail:
        post_to(settings, mail)
        for day in range(TRIES):
            with later(2 * day * DAY):
                worker.drain()
        events = [*mail.events("met"), *mail.events()]
    tries = {to: [(event["id"], event["body"]) for event in events if event["to"] == to] for to in script}
    assert {len(seen) for seen in tries.values()} == {TRIES}
    return tries


def test_control_c12_a_port_that_names_its_mails_anew_cannot_be_asked_what_has_left(house, settings, tmp_path, row):
    settings.BURSAR = settings.BURSAR | {"mail_port": "tests.faults.controls.FreshNames"}
    tries = tries_of_all(house, settings, tmp_path)
    names = {to: {identity for identity, _ in seen} for to, seen in tries.items()}
    row.shows(mails=len(tries), tries=TRIES, renamed=sum(len(seen) > 1 for seen in names.values()))
    assert {len(seen) for seen in names.values()} == {TRIES}


def test_c12_a_mail_keeps_its_message_id_and_its_body_at_every_try(house, settings, tmp_path, row):
    tries = tries_of_all(house, settings, tmp_path)
    stable = sum(len(set(seen)) == 1 for seen in tries.values())
    row.shows(mails=len(tries), tries=TRIES, stable=stable)
    assert stable == STABLE
    assert states() == {"sent": STABLE}


# C13


def cancel_one_by_one(keys):
    """Cancel while the invitations leave; returns when each cancellation was committed."""
    random.shuffle(keys)
    done = {}
    for key in keys:
        cancel_many([key], actor=CONSOLE, tell=False)
        done[key] = time.monotonic()
    return done


def invitations_after_their_cancellation(house, settings, directory):
    """Return how many invitations left though the cancellation had been committed for a while, and how many left."""
    keys = assigned(house, SUPERSEDED)
    with sink(directory, pace=0.05) as mail:
        post_to(settings, mail)
        with hands(deliver_for_ever, 2):
            until(mail.events, seconds=10)
            done = Process(cancel_one_by_one, keys).answer()
            until(lambda: not waiting(), seconds=120)
        arrived = {event["id"]: event["at"] for event in mail.events()}
    subjects = dict(mails().values_list("uuid", "subject_uuid"))
    late = [at - done[subjects[uuid]] for uuid in subjects for identity, at in arrived.items() if str(uuid) in identity]
    return sum(seconds > GRACE_SECONDS for seconds in late), len(arrived)


def test_control_c13_without_a_look_before_sending_invitations_follow_their_cancellation(
    house, settings, tmp_path, monkeypatch, row
):
    monkeypatch.setattr(deliveries, "_why_unneeded", lambda *_: None)
    late, left = invitations_after_their_cancellation(house, settings, tmp_path)
    row.shows(cancelled=SUPERSEDED, sent=left, sent_after_the_cancellation=late)
    assert late


def test_c13_no_invitation_follows_a_cancellation_that_is_a_second_old(house, settings, tmp_path, row):
    late, left = invitations_after_their_cancellation(house, settings, tmp_path)
    row.shows(cancelled=SUPERSEDED, sent=left, dropped=states()["dropped"], sent_after_the_cancellation=late)
    assert late == 0
    assert states() == {"sent": left, "dropped": SUPERSEDED - left}


# C16


@writes
def queue_nudges(keys):
    """Queue nudges without end, spread over accepted assignments."""
    items = [Item(keys[number % len(keys)], 1, number) for number in range(1, NUDGES + 1)]
    enqueue_many(TOPIC_MAIL, MessageKind.NUDGED, items, customer=None, priority=60)


def seconds_until_invited(house, settings, directory, patience):
    """Queue nudges, let workers at them, then invite somebody; returns how long that took, or None."""
    keys = assigned(house, 20)
    accept_all(keys)
    told_already()
    queue_nudges(keys)
    with sink(directory, delay=(0, 0.005)) as mail:
        post_to(settings, mail)
        with hands(deliver_for_ever, 2):
            assert until(lambda: len(mail.events()) > 2 * BATCH, seconds=30)
            began = time.monotonic()
            assigned(house, 1, prefix="urgent")
            invited = lambda: any(event["to"].startswith("urgent") for event in mail.events())  # noqa: E731
            found = until(invited, seconds=patience, step=0.2)
            return time.monotonic() - began if found else None, len(mail.events())


def test_control_c16_without_priorities_the_invitation_waits_behind_the_nudges(
    house, settings, tmp_path, monkeypatch, row
):
    monkeypatch.setattr("bursar.assignments.moves.PRIORITY", dict.fromkeys(MessageKind, 60))
    seconds, sent = seconds_until_invited(house, settings, tmp_path, CONTROL_SECONDS)
    row.shows(nudges_queued=NUDGES, mails_sent_before=sent, seconds_waited_in_vain=CONTROL_SECONDS)
    assert seconds is None


def test_c16_an_invitation_overtakes_all_the_nudges_that_wait(house, settings, tmp_path, row):
    seconds, sent = seconds_until_invited(house, settings, tmp_path, PROMISED_SECONDS)
    row.shows(nudges_queued=NUDGES, mails_sent_before=sent, seconds_until_invited=round(seconds or -1, 2))
    assert seconds is not None

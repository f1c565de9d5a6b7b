"""Delivering: what each answer does to message and endpoint, the same id and bytes at every try, one receiver at fault alone."""

import json
from datetime import timedelta
from itertools import count
from random import Random
from types import SimpleNamespace
from uuid import uuid4

import pytest
from standardwebhooks import Webhook
from tests.db.webhooks.steps import DAY, OTHER, URL, deliver, endpoint, happen, later, many, messages, states

from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.kernel.backends import backend
from bursar.outbox.models import Message
from bursar.outbox.services import recover
from bursar.outbox.worker import drain
from bursar.testing.factories import make_customer
from bursar.testing.fake_mail import Died
from bursar.webhooks import flows, signing
from bursar.webhooks.models import Event
from bursar.webhooks.services import disable_endpoint, publish_due, remove_endpoint, replay_events, rotate_secret

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
# The longest that each wait of the schedule may last, with 20 % of jitter.
SCHEDULE = [1.2 * wait for wait in (5 / 3600, 5 / 60, 0.5, 2, 5, 10, 14, 20, 24)]


def verify(call, secret):
    """Check the signature as a receiver does, at the moment of the try."""
    key = secret.removeprefix("whsec_")
    stamp = int(call.headers["webhook-timestamp"])
    moment = clock.now().fromtimestamp(stamp, tz=clock.now().tzinfo)
    want = Webhook(key).sign(call.headers["webhook-id"], moment, call.body.decode())
    return want in call.headers["webhook-signature"].split(" ")


def test_an_event_arrives_signed_with_its_facts(house, receivers):
    row = endpoint(house.customer.pk)
    (event,) = many(house.customer.pk, 1)
    assert deliver().sent == 1
    (call,) = receivers.received
    assert call.url == URL
    assert call.headers["webhook-id"] == str(event.uuid)
    assert verify(call, signing.secret_of(row.seed))
    assert json.loads(call.body) == {
        "type": "assignment.accepted",
        "timestamp": "2026-11-22T12:00:00Z",
        "data": {"assignment": str(event.subject_uuid), "sequence": 1},
    }
    assert b" " not in call.body
    assert states() == ["sent"]


def test_every_try_has_the_same_id_and_bytes_and_its_own_time(house, receivers):
    endpoint(house.customer.pk)
    receivers.script(URL, 500, "timeout", 503, 400, 302)
    many(house.customer.pk, 1)
    deliver()
    for _ in range(5):
        with later(2 * DAY):
            drain()
    calls = receivers.tried
    assert len(calls) >= 2
    assert len({call.headers["webhook-id"] for call in calls}) == 1
    assert len({call.body for call in calls}) == 1
    assert len({call.headers["webhook-timestamp"] for call in calls}) > 1


@pytest.mark.parametrize("step", [500, 301, 400, "timeout", "unreachable"])
def test_what_failed_comes_again_by_the_schedule_and_is_given_up_after_ten_tries(house, configure, step):
    configure(webhook_disable_after=timedelta(days=30))
    receivers = backend("webhook_port")
    endpoint(house.customer.pk)
    receivers.always[URL] = step
    many(house.customer.pk, 1)
    at = timedelta(0)
    deliver()
    for wait in SCHEDULE:
        (message,) = messages()
        assert message.state == "pending"
        assert message.due_at - clock.now() - at <= max(timedelta(hours=wait), HOUR)
        at = max(message.due_at - clock.now(), at + timedelta(hours=1.1))
        with later(at):
            drain()
    assert (len(receivers.tried), states()) == (10, ["failed"])


def test_410_disables_the_endpoint_at_once_and_the_rest_is_dropped(house, receivers):
    row = endpoint(house.customer.pk)
    receivers.script(URL, 410)
    many(house.customer.pk, 5)
    deliver()
    row.refresh_from_db()
    assert (row.disabled_reason, len(receivers.tried)) == ("the receiver answered 410", 1)
    assert states() == ["dropped"] * 4 + ["failed"]
    many(house.customer.pk, 3)
    deliver()
    assert len(receivers.tried) == 1


@pytest.mark.parametrize(
    ("asked", "wait"), [("7200", 2 * HOUR), ("999999", DAY), ("Sun, 22 Nov 2026 18:00:00 GMT", 6 * HOUR)]
)
def test_a_busy_receiver_gets_the_time_it_asks_for(house, receivers, asked, wait):
    endpoint(house.customer.pk)
    receivers.always[URL], receivers.retry_after = 429, asked
    many(house.customer.pk, 6)
    deliver()
    assert len(receivers.tried) == 1
    assert {message.due_at - clock.now() for message in messages()} == {wait}
    assert sorted(message.attempts for message in messages()) == [0, 0, 0, 0, 0, 1]


def test_a_hanging_receiver_is_tried_once_and_what_waits_for_it_loses_no_try(house, receivers):
    endpoint(house.customer.pk)
    receivers.always[URL] = "timeout"
    many(house.customer.pk, 50)
    deliver()
    assert len(receivers.tried) == 1
    assert sum(message.attempts for message in messages()) == 1
    receivers.always[URL] = 200
    with later(2 * MINUTE):
        drain()
    with later(20 * MINUTE):
        drain()
    assert states() == ["sent"] * 50


def test_one_event_that_a_receiver_cannot_take_stops_no_other(house, receivers):
    endpoint(house.customer.pk)
    receivers.script(URL, 500)
    many(house.customer.pk, 10)
    deliver()
    assert states() == ["pending"] + ["sent"] * 9


def test_a_receiver_that_hangs_holds_up_nobody_else(house, receivers):
    neighbour = make_customer("Neighbour").pk
    endpoint(house.customer.pk)
    endpoint(neighbour, OTHER)
    receivers.always[URL] = "timeout"
    many(house.customer.pk, 60)
    many(neighbour, 60)
    deliver()
    assert len(receivers.ids(OTHER)) == 60
    assert len([call for call in receivers.tried if call.url == URL]) == 1


def test_the_healthy_come_before_those_in_trouble(house, receivers):
    """Of one batch: whoever failed before is tried last, so that its time is nobody's."""
    endpoint(house.customer.pk)
    endpoint(house.customer.pk, OTHER)
    receivers.script(URL, 500)
    many(house.customer.pk, 1)
    deliver()
    receivers.tried.clear()
    many(house.customer.pk, 3)
    with later(HOUR):
        deliver()
    assert [call.url for call in receivers.tried][:3] == [OTHER] * 3


def test_only_one_of_several_workers_tries_a_receiver_in_trouble(house, receivers):
    from bursar.outbox.services import claim_due
    from bursar.webhooks import flows

    endpoint(house.customer.pk)
    receivers.always[URL] = "timeout"
    many(house.customer.pk, 40)
    deliver()
    with later(2 * MINUTE):
        first, second = claim_due(20, worker="a"), claim_due(20, worker="b")
        real = flows.services.may_try

        def while_another_begins(row):
            taken = real(row)
            if second:
                flows.deliver_many([second.pop() for _ in range(len(second))])
            return taken

        flows.services.may_try = while_another_begins
        try:
            flows.deliver_many(first)
        finally:
            flows.services.may_try = real
    assert len(receivers.tried) == 2  # the first ever, and the one probe


def test_what_nobody_waits_for_is_dropped_with_its_reason(house, receivers):
    row = endpoint(house.customer.pk)
    kept = endpoint(house.customer.pk, OTHER)
    many(house.customer.pk, 2)
    publish_due()
    remove_endpoint(row.uuid, actor=CONSOLE)
    drain()
    assert {message.reason for message in messages(ordinal=row.pk)} == {"the endpoint is gone"}
    assert {message.state for message in messages(ordinal=kept.pk)} == {"sent"}


def test_an_endpoint_disabled_while_its_batch_waits_for_its_turn_gets_nothing(house, receivers, monkeypatch):
    row = endpoint(house.customer.pk)
    many(house.customer.pk, 2)
    drop = flows._drop_unwanted
    monkeypatch.setattr(
        flows, "_drop_unwanted", lambda *asked: (drop(*asked), disable_endpoint(row.uuid, actor=CONSOLE))[0]
    )
    deliver()
    assert receivers.tried == []
    assert {message.reason for message in messages()} == {"the endpoint is disabled"}


def test_after_75_hours_without_success_the_endpoint_is_disabled_and_a_replay_brings_everything(house, receivers):
    """Row D9: nothing is lost, and the ids are the same."""
    row = endpoint(house.customer.pk)
    happened = [str(event.uuid) for event in many(house.customer.pk, 5)]
    receivers.always[URL] = 500
    for hour in range(76):
        with later(hour * HOUR):
            deliver()
            if hour % 10 == 0:
                happened += [str(event.uuid) for event in many(house.customer.pk, 2)]
    row.refresh_from_db()
    assert row.disabled_reason == "failing for too long"
    assert 72 * HOUR <= row.disabled_at - row.failing_since <= 76 * HOUR
    receivers.always[URL] = 200
    with later(80 * HOUR):
        deliver()
        assert receivers.received[-1:] == [] or receivers.received[-1].url == URL
        receivers.received.clear()
        from bursar.webhooks.services import enable_endpoint

        enable_endpoint(row.uuid, actor=CONSOLE)
        assert replay_events(row.uuid, actor=CONSOLE) == len(happened)
        deliver()
    assert sorted(receivers.ids()) == sorted(happened)


def test_one_success_in_between_keeps_an_endpoint(house, receivers):
    row = endpoint(house.customer.pk)
    many(house.customer.pk, 1)
    receivers.script(URL, 500, 500, 200)
    for hour in (0, 40, 80):
        with later(hour * HOUR):
            deliver()
    row.refresh_from_db()
    assert (row.disabled_at, row.failing_since, row.failures) == (None, None, 0)


def test_a_replay_of_a_range_brings_that_range_each_time(house, receivers):
    row = endpoint(house.customer.pk)
    days = []
    for day in range(4):
        with later(day * DAY):
            days.append([str(event.uuid) for event in many(house.customer.pk, 2)])
    deliver()
    start = clock.now()
    for _ in range(2):
        receivers.received.clear()
        assert replay_events(row.uuid, begin=start + DAY, end=start + 3 * DAY, actor=CONSOLE) == 4
        deliver()
        assert sorted(receivers.ids()) == sorted(days[1] + days[2])
    receivers.received.clear()
    assert replay_events(row.uuid, events=[Event.objects.first().uuid, uuid4()], actor=CONSOLE) == 1
    deliver()
    assert receivers.ids() == [str(Event.objects.first().uuid)]


def test_while_a_secret_is_changed_every_delivery_is_signed_by_both(house, receivers):
    row = endpoint(house.customer.pk)
    old = signing.secret_of(row.seed)
    many(house.customer.pk, 3)
    deliver()
    made = rotate_secret(row.uuid, keep_previous=DAY, actor=CONSOLE)
    many(house.customer.pk, 3)
    deliver()
    calls = receivers.received
    assert sum(verify(call, old) for call in calls) == 6
    assert sum(verify(call, made.secret) for call in calls) == 3
    receivers.received.clear()
    with later(DAY):
        many(house.customer.pk, 1)
        deliver()
    assert [(verify(call, old), verify(call, made.secret)) for call in receivers.received] == [(False, True)]


@pytest.mark.parametrize("step", ["die_before", "die_after"])
def test_a_worker_killed_while_posting_loses_and_doubles_nothing(house, receivers, step):
    """Row D3, with the process ended at the two worst moments: a receiver that knows ids gets each event once."""
    endpoint(house.customer.pk)
    events = many(house.customer.pk, 300)
    publish_due()
    chance, kills = Random(3), 0
    for number in range(60):
        if number < 50:
            receivers.script(URL, *[200] * chance.randrange(6), step)
        with later(number * HOUR):
            try:
                recover()
                drain()
            except Died:
                kills += 1
    assert kills == 50
    assert sorted(set(receivers.ids())) == sorted(str(event.uuid) for event in events)
    assert len(receivers.ids()) - len(set(receivers.ids())) <= kills
    assert set(Message.objects.values_list("state", flat=True)) == {"sent"}


def test_an_adapter_that_breaks_its_promise_leads_to_another_try(house, receivers):
    endpoint(house.customer.pk)
    receivers.script(URL, *["raise"] * 3)
    many(house.customer.pk, 3)
    deliver()
    for hours in range(1, 6):
        with later(hours * HOUR):
            recover()
            drain()
    assert set(receivers.ids()) == {str(event.uuid) for event in Event.objects.all()}


def test_a_stale_lease_is_never_run_down_by_one_batch(house, configure, monkeypatch):
    """Twenty receivers that hang together would outlast the lease: the batch ends before, and the rest waits again."""
    configure(mail_lease=timedelta(seconds=4))
    receivers = backend("webhook_port")
    ticking = count()
    monkeypatch.setattr("bursar.webhooks.flows.time", SimpleNamespace(monotonic=lambda: next(ticking) * 0.4))
    endpoint(house.customer.pk)
    many(house.customer.pk, 10)
    publish_due()
    drain(1)
    assert 0 < len(receivers.tried) < 10
    drain()
    assert states() == ["sent"] * 10


def test_events_of_one_subject_arrive_in_order_from_one_worker(house, receivers):
    endpoint(house.customer.pk)
    subject = uuid4()
    for _ in range(3):
        happen(house.customer.pk, *[subject] * 30)
        deliver()
    numbers = [json.loads(call.body)["data"]["sequence"] for call in receivers.received]
    assert numbers == list(range(1, 91))

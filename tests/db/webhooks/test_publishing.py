"""Publishing: positions without gaps, numbers per subject, a message for each endpoint that wants it, pruning, the feed."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.db.webhooks.steps import DAY, OTHER, URL, deliver, endpoint, happen, later, many, messages

from bursar.assignments.audit import run_audit
from bursar.assignments.events import EventType
from bursar.kernel.actor import CONSOLE
from bursar.kernel.errors import BadInput, NotFound
from bursar.people.models import Role
from bursar.testing.factories import make_customer, make_member
from bursar.webhooks import services
from bursar.webhooks.models import Event, Numbering, Sequencer
from bursar.webhooks.payloads import entry
from bursar.webhooks.selectors import feed
from bursar.webhooks.services import prune_events, publish_due


def read(customer, **options):
    return feed(customer, actor=CONSOLE, **options)


def test_positions_have_no_gaps_and_each_subject_is_numbered_from_one(house, monkeypatch):
    monkeypatch.setattr(services.events, "PUBLISHED_AT_ONCE", 3)
    subject = uuid4()
    happen(house.customer.pk, subject, uuid4(), subject, uuid4(), subject)
    assert publish_due() == 5
    happen(house.customer.pk, subject)
    assert publish_due() == 1
    assert list(Event.objects.order_by("id").values_list("position", flat=True)) == [1, 2, 3, 4, 5, 6]
    mine = Event.objects.filter(subject_uuid=subject).order_by("id")
    assert list(mine.values_list("sequence", flat=True)) == [1, 2, 3, 4]


def test_publishing_again_changes_nothing(house):
    endpoint(house.customer.pk)
    many(house.customer.pk, 3)
    assert [publish_due(), publish_due()] == [3, 0]
    assert len(messages()) == 3


def test_each_endpoint_gets_what_it_asked_for_and_nothing_of_other_customers(house):
    stranger = make_customer("Other").pk
    all_of_it = endpoint(house.customer.pk)
    accepted = endpoint(house.customer.pk, OTHER, types=[EventType.ACCEPTED])
    endpoint(stranger)
    many(house.customer.pk, 2)
    many(house.customer.pk, 3, kind=EventType.CANCELLED)
    publish_due()
    assert len(messages(ordinal=all_of_it.pk)) == 5
    assert {message.kind for message in messages(ordinal=accepted.pk)} == {"assignment.accepted"}
    assert len(messages()) == 7
    assert {message.customer_uuid for message in messages()} == {house.customer.pk}


def test_an_endpoint_is_told_of_what_happens_from_now_on(house):
    many(house.customer.pk, 3)
    publish_due()
    endpoint(house.customer.pk)
    publish_due()
    assert messages() == []


def test_messages_about_one_subject_are_due_one_after_the_other(house):
    endpoint(house.customer.pk)
    subject = uuid4()
    events = happen(house.customer.pk, *[subject] * 4)
    publish_due()
    due = {message.subject_uuid: message.due_at for message in messages()}
    order = [due[event.uuid] for event in events]
    assert order == sorted(order)
    assert len(set(order)) == 4


def test_looking_when_nothing_has_happened_costs_one_look(house):
    many(house.customer.pk, 5)
    publish_due()
    with CaptureQueriesContext(connection) as seen:
        publish_due()
    assert len(seen) == 1


def test_publishing_a_hundred_costs_as_much_as_publishing_ten(house):
    endpoint(house.customer.pk)
    many(house.customer.pk, 1)
    publish_due()
    counted = []
    for size in (10, 100):
        many(house.customer.pk, size)
        with CaptureQueriesContext(connection) as seen:
            publish_due()
        counted.append(len(seen))
    assert counted[0] == counted[1] < 20


def test_the_feed_gives_each_event_once_in_order(house):
    happened = [event.uuid for _ in range(7) for event in many(house.customer.pk, 3)]
    many(make_customer("Other").pk, 4)
    cursor, found, more = 0, [], True
    while more:
        page = read(house.customer.pk, after=cursor, limit=4)
        found += [event.uuid for event in page.events]
        cursor, more = page.cursor, page.more
        assert page.complete
    assert found == happened
    assert read(house.customer.pk, after=cursor).events == []
    (fresh,) = many(house.customer.pk, 1)
    assert [event.uuid for event in read(house.customer.pk, after=cursor).events] == [fresh.uuid]


def test_the_feed_keeps_to_the_types_asked_for_and_its_cursor_moves_past_the_others(house):
    many(house.customer.pk, 3)
    many(house.customer.pk, 2, kind=EventType.EXPIRED)
    many(house.customer.pk, 3)
    page = read(house.customer.pk, types=[EventType.EXPIRED], limit=2)
    assert ([event.type for event in page.events], page.more, page.cursor) == (["assignment.expired"] * 2, False, 8)


def test_the_feed_shows_what_a_delivery_says(house, receivers):
    endpoint(house.customer.pk)
    (event,) = many(house.customer.pk, 1)
    deliver()
    (call,) = receivers.received
    (shown,) = [entry(event) for event in read(house.customer.pk).events]
    assert shown["id"] == call.headers["webhook-id"] == str(event.uuid)
    assert shown["data"] == {"assignment": str(event.subject_uuid), "sequence": 1}


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"after": -1}, "invalid_cursor"),
        ({"limit": 0}, "invalid_limit"),
        ({"limit": 10_001}, "invalid_limit"),
        ({"types": ["assignment.vanished"]}, "unknown_event_type"),
    ],
)
def test_a_feed_that_cannot_be_given_is_refused(house, options, code):
    with pytest.raises(BadInput) as caught:
        read(house.customer.pk, **options)
    assert caught.value.code == code


def test_only_whoever_manages_a_customer_reads_its_feed(house):
    many(house.customer.pk, 1)
    assert len(feed(house.customer.pk, actor=make_member(house.customer)).events) == 1
    for actor in (make_member(house.customer, Role.LEARNER), make_member(make_customer("Other"))):
        with pytest.raises(NotFound):
            feed(house.customer.pk, actor=actor)


def test_old_events_are_pruned_and_numbers_go_on(house, monkeypatch):
    monkeypatch.setattr(services.events, "PRUNED_AT_ONCE", 2)
    subject = uuid4()
    happen(house.customer.pk, *[subject] * 5)
    publish_due()
    with later(60 * DAY):
        happen(house.customer.pk, subject)
        publish_due()
    with later(91 * DAY):
        assert [prune_events(), prune_events()] == [5, 0]
        happen(house.customer.pk, subject)
        publish_due()
    assert list(Event.objects.order_by("id").values_list("position", "sequence")) == [(6, 6), (7, 7)]
    assert not read(house.customer.pk, after=2).complete
    assert read(house.customer.pk, after=5).complete


def test_what_was_not_published_is_never_pruned(house):
    many(house.customer.pk, 3)
    with later(400 * DAY):
        assert prune_events() == 0
        publish_due()
        assert prune_events() == 3


def test_the_setting_says_how_long_events_are_kept(house, configure):
    configure(keep_events=timedelta(days=2))
    many(house.customer.pk, 1)
    publish_due()
    with later(DAY):
        assert prune_events() == 0
    with later(3 * DAY):
        assert prune_events() == 1


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (lambda: Event.objects.filter(position=2).delete(), {"event_position", "event_sequence"}),
        (lambda: Event.objects.filter(position=3).update(position=9), {"event_position"}),
        (lambda: Numbering.objects.update(last=9), {"event_last"}),
        (lambda: Sequencer.objects.update(position=9), {"event_position"}),
    ],
)
def test_the_audit_names_numbers_that_do_not_fit(house, damage, code):
    happen(house.customer.pk, *[uuid4()] * 3)
    publish_due()
    assert run_audit() == []
    damage()
    assert {difference.code for difference in run_audit()} == code
    Event.objects.all().delete()
    Numbering.objects.all().delete()
    Sequencer.objects.all().delete()


def test_the_path_of_the_url_is_not_in_any_message(house):
    endpoint(house.customer.pk, URL)
    many(house.customer.pk, 1)
    publish_due()
    (message,) = messages()
    assert "hooks" not in f"{message.key} {message.kind} {message.reason}"

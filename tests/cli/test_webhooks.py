"""Webhooks and the feed from the command line: added, listed, tested, rotated, replayed, removed, read by cursor."""

from datetime import timedelta

import pytest
from standardwebhooks import Webhook

from bursar.kernel.backends import backend
from bursar.outbox.models import Message
from bursar.webhooks import signing
from bursar.webhooks.models import Endpoint, Event

URL = "https://hooks.example.org/bursar"


@pytest.fixture
def receivers(settings):
    settings.BURSAR = {**settings.BURSAR, "webhook_port": "bursar.testing.fake_webhooks.FakeWebhooks"}
    return backend("webhook_port")


@pytest.fixture
def endpoint(receivers, world, bursar):
    return bursar("webhooks", "add", URL, "--customer", "acme-ltd", "--json").json


def test_an_endpoint_is_added_listed_and_shown_and_its_secret_shown_once(endpoint, bursar):
    row = Endpoint.objects.get()
    assert endpoint["secret"] == signing.secret_of(row.seed)
    Webhook(endpoint["secret"])
    for said in (
        bursar("webhooks", "list"),
        bursar("webhooks", "list", "--json"),
        bursar("webhooks", "show", row.uuid),
    ):
        assert URL in said.out
        assert endpoint["secret"] not in said.out
        assert row.seed not in said.out
    assert "well" in bursar("webhooks", "list", "--customer", "acme-ltd").out
    assert "shown this once" in bursar("webhooks", "add", f"{URL}/2", "--customer", "acme-ltd").out


def test_without_an_endpoint_the_list_says_so(world, bursar):
    assert "There is no endpoint." in bursar("webhooks", "list").out


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://127.0.0.1/", "forbidden_address"),
        ("http://hooks.example.org/", "not_https"),
        ("https://user:s3cret@hooks.example.org/", "forbidden_userinfo"),
        ("https://hooks.example.org:22/", "forbidden_port"),
        ("https://2130706433/", "invalid_host"),
        ("nonsense", "invalid_url"),
        ("https://hooks.example.org/#x", "forbidden_fragment"),
        ("https://localhost/", "forbidden_host"),
    ],
)
def test_an_address_that_no_webhook_may_go_to_is_bad_input(world, bursar, url, code):
    said = bursar("webhooks", "add", url, "--customer", "acme-ltd", "--json", code=4)
    assert said.json["error"]["code"] == code
    assert "s3cret" not in said.out + said.err


def test_an_unknown_type_is_bad_input_and_the_same_address_twice_refused(endpoint, bursar):
    said = bursar(
        "webhooks", "add", f"{URL}/2", "--customer", "acme-ltd", "--type", "assignment.lost", "--json", code=4
    )
    assert said.json["error"]["code"] == "unknown_event_type"
    said = bursar("webhooks", "add", URL, "--customer", "acme-ltd", "--json", code=3)
    assert said.json["error"]["code"] == "endpoint_exists"


def test_a_customer_has_at_most_twenty_endpoints(endpoint, bursar):
    for number in range(19):
        bursar("webhooks", "add", f"{URL}/{number}", "--customer", "acme-ltd")
    said = bursar("webhooks", "add", f"{URL}/more", "--customer", "acme-ltd", "--json", code=3)
    assert said.json["error"]["code"] == "too_many_endpoints"


def test_which_events_an_endpoint_is_told_of_is_chosen_anew(endpoint, bursar):
    chosen = ("--type", "assignment.accepted", "--type", "assignment.expired", "--type", "assignment.accepted")
    said = bursar("webhooks", "choose", endpoint["uuid"], *chosen, "--json")
    assert said.json["types"] == ["assignment.accepted", "assignment.expired"]
    wrong = bursar("webhooks", "choose", endpoint["uuid"], "--type", "assignment.lost", "--json", code=4)
    assert wrong.json["error"]["code"] == "unknown_event_type"
    assert Endpoint.objects.get().types == ["assignment.accepted", "assignment.expired"]
    assert "all events" in bursar("webhooks", "choose", endpoint["uuid"]).out
    assert Endpoint.objects.get().types == []


@pytest.mark.parametrize("verb", ["show", "choose", "rotate", "enable", "disable", "remove", "test"])
def test_an_endpoint_that_is_not_there_is_not_found(world, bursar, verb):
    said = bursar("webhooks", verb, "8d0b9a3e-0000-4000-8000-000000000001", "--json", code=4)
    assert said.json["error"]["code"] == "not_found"
    assert bursar("webhooks", verb, "hooks", "--json", code=4).json["error"]["code"] == "invalid_uuid"


def test_a_test_is_posted_at_once_and_its_answer_told(endpoint, receivers, bursar):
    assert "answered 200" in bursar("webhooks", "test", endpoint["uuid"]).out
    (call,) = receivers.received
    assert b'"type":"webhook.test"' in call.body
    Webhook(endpoint["secret"]).verify(call.body, dict(call.headers))
    receivers.script(URL, 500, "timeout")
    assert bursar("webhooks", "test", endpoint["uuid"], "--json", code=5).json["status"] == 500
    assert bursar("webhooks", "test", endpoint["uuid"], "--json", code=5).json["fault"] == "timeout"
    assert Event.objects.count() == 0


def test_a_new_secret_signs_beside_the_old_one_for_as_long_as_is_said(endpoint, receivers, bursar):
    made = bursar("webhooks", "rotate", endpoint["uuid"], "--keep-hours", "1", "--json").json
    assert made["secret"] != endpoint["secret"]
    bursar("webhooks", "test", endpoint["uuid"])
    for secret in (made["secret"], endpoint["secret"]):
        Webhook(secret).verify(receivers.received[-1].body, dict(receivers.received[-1].headers))
    row = Endpoint.objects.get()
    assert row.previous_until - row.modified <= timedelta(hours=1)


def test_a_disabled_endpoint_says_why_and_is_enabled_again(endpoint, receivers, allocated, bursar):
    assert "by an admin" in bursar("webhooks", "disable", endpoint["uuid"]).out
    bursar("tick")
    assert receivers.received == []
    said = bursar("webhooks", "replay", endpoint["uuid"], "--from", "2020-01-01", "--json", code=3)
    assert said.json["error"]["code"] == "endpoint_disabled"
    assert "well" in bursar("webhooks", "enable", endpoint["uuid"]).out
    assert bursar("webhooks", "replay", endpoint["uuid"], "--from", "2020-01-01", "--json").json == {"replayed": 3}
    bursar("tick")
    assert len(receivers.received) == 3


def test_an_endpoint_that_fails_says_since_when_and_what(endpoint, receivers, allocated, bursar):
    receivers.always[URL] = "timeout"
    bursar("tick")
    said = bursar("webhooks", "list").out
    assert "failing since" in said
    assert "last timeout, left alone until" in said


def test_an_endpoint_is_shown_with_what_waits_for_it_and_what_was_given_up(endpoint, receivers, allocated, bursar):
    receivers.always[URL] = 500
    bursar("tick")
    Message.objects.filter(pk=Message.objects.filter(topic="webhook").first().pk).update(state="failed")
    said = bursar("webhooks", "show", endpoint["uuid"], "--json").json
    assert (said["waiting"], said["given_up"]) == (2, 1)
    shown = " ".join(bursar("webhooks", "show", endpoint["uuid"]).out.split())
    assert "Waiting for it 2" in shown
    assert "Given up 1" in shown


def test_a_removed_endpoint_is_gone(endpoint, bursar):
    bursar("webhooks", "remove", endpoint["uuid"])
    assert bursar("webhooks", "list", "--json").json == {"endpoints": []}


def test_single_events_are_replayed_and_nothing_found_is_refused(endpoint, receivers, allocated, bursar):
    bursar("tick")
    first = Event.objects.first()
    said = bursar("webhooks", "replay", endpoint["uuid"], "--event", first.uuid)
    assert "1 event is due now" in said.out
    bursar("tick")
    assert [call.headers["webhook-id"] for call in receivers.received].count(str(first.uuid)) == 2
    bursar("webhooks", "replay", endpoint["uuid"], "--from", "2020-01-01", "--to", "2020-01-02", code=3)


@pytest.mark.parametrize("options", [(), ("--event", "x", "--from", "2027-01-01")])
def test_a_replay_is_of_a_range_or_of_events(endpoint, bursar, options):
    bursar("webhooks", "replay", endpoint["uuid"], *options, code=2)


def test_events_are_read_by_cursor(world, allocated, bursar):
    page = bursar("events", "acme-ltd", "--limit", "2", "--json").json
    assert (len(page["events"]), page["cursor"], page["more"], page["complete"]) == (2, 2, True, True)
    assert {event["type"] for event in page["events"]} == {"assignment.allocated"}
    assert {event["data"]["assignment"] for event in page["events"]} <= set(allocated.values())
    rest = bursar("events", "acme-ltd", "--after", page["cursor"], "--json").json
    assert (len(rest["events"]), rest["cursor"], rest["more"]) == (1, 3, False)
    bursar("cancel", allocated["ada@acme.example"])
    fresh = bursar("events", "acme-ltd", "--after", rest["cursor"], "--type", "assignment.cancelled").out
    assert "assignment.cancelled" in fresh
    assert "That is all; go on with --after 4." in fresh
    assert "There is no event." in bursar("events", "acme-ltd", "--after", "4").out
    assert "@" not in bursar("events", "acme-ltd", "--json").out

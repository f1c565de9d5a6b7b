"""Events, webhooks and messages over our own API: every event once, secrets shown once, no address anywhere."""

from datetime import timedelta

import pytest
from tests.db.verbs.steps import later, tick
from tests.web.v1.assigning import batch, many, one
from tests.web.v1.caller import code
from tests.web.v1.caller import learner as as_learner

from bursar.outbox.models import Message
from bursar.testing.factories import make_course

pytestmark = pytest.mark.django_db
NOBODYS = "6f0e3c9e-6d7a-4c55-9d52-0f3a3c3a7a10"
URL = "https://hooks.example.org/bursar"


@pytest.fixture(autouse=True)
def _course(db, settings):
    make_course()
    ports = {
        "mail_port": "bursar.testing.fake_mail.FakeMail", "webhook_port": "bursar.testing.fake_webhooks.FakeWebhooks"
    }  # fmt: skip
    settings.BURSAR = {**settings.BURSAR, **ports}


def hook(caller, house, **terms):
    response = caller.post("webhooks", {"customer": str(house.customer.pk), "url": URL, **terms})
    assert response.status_code == 201, response.content
    return response.json()


def feed(caller, house, query=""):
    response = caller.get(f"events?customer={house.customer.pk}{query}")
    assert response.status_code == 200, response.content
    return response.json()


class TestFeed:
    def test_every_event_is_read_once_from_a_cursor_on(self, admin, house):
        key = one(admin, house)
        first = feed(admin, house)
        assert [(item["type"], item["data"]["assignment"]) for item in first["items"]] == [
            ("assignment.allocated", key)
        ]
        admin.pay("assignments/cancel", many(key))
        then = feed(admin, house, f"&after={first['cursor']}")
        assert [item["type"] for item in then["items"]] == ["assignment.cancelled"]
        assert feed(admin, house, f"&after={then['cursor']}")["items"] == []
        assert len(feed(admin, house, "&types=assignment.cancelled")["items"]) == 1

    def test_a_page_takes_as_many_statements_for_a_hundred_as_for_one(
        self, admin, house, django_assert_max_num_queries
    ):
        counted = []
        for number in (1, 100):
            batch(admin, house, *(f"n{number}p{place}@example.org" for place in range(number)))
            feed(admin, house)
            with django_assert_max_num_queries(12) as seen:
                feed(admin, house)
            counted.append(len(seen))
        assert counted[0] == counted[1]

    @pytest.mark.parametrize(("query", "said"), [
        ("&after=-1", "invalid_input"), ("&types=no.such", "unknown_event_type"), ("&limit=0", "invalid_input"),
        ("&after=99999999999999999999", "invalid_input"),
    ])  # fmt: skip
    def test_what_cannot_be_read_is_refused(self, admin, house, query, said):
        assert code(admin.get(f"events?customer={house.customer.pk}{query}")) == (400, said)

    def test_a_stranger_finds_no_customer(self, house, stranger, learner):
        for caller in (stranger, learner):
            assert code(caller.get(f"events?customer={house.customer.pk}")) == (404, "not_found")


class TestWebhooks:
    def test_the_secret_is_shown_once_and_can_be_made_anew(self, operator, house):
        made = hook(operator, house, types=["assignment.accepted"])
        path = f"webhooks/{made['uuid']}"
        assert made["secret"].startswith("whsec_")
        assert operator.get(path).json() == {name: value for name, value in made.items() if name != "secret"}
        assert made["secret"] not in operator.get("webhooks").content.decode()
        again = operator.post(f"{path}/secret", {"keep_previous_hours": 1}).json()
        assert again["secret"] not in ("", made["secret"])
        assert again["previous_secret_until"] is not None

    def test_an_endpoint_is_told_of_what_was_chosen_last(self, operator, admin, house):
        path = f"webhooks/{hook(operator, house, types=['assignment.accepted'])['uuid']}"
        assert code(operator.patch(path, {"types": ["no.such"]})) == (400, "unknown_event_type")
        assert operator.patch(path, {"types": ["assignment.allocated"]}).json()["types"] == ["assignment.allocated"]
        one(admin, house)
        tick()
        assert [item["kind"] for item in operator.items(f"{path}/deliveries")] == ["assignment.allocated"]

    def test_deliveries_are_told_the_latest_first_and_replayed(self, operator, admin, house):
        made = hook(operator, house)
        key = one(admin, house)
        admin.pay("assignments/cancel", many(key))
        tick()
        told = operator.items(f"webhooks/{made['uuid']}/deliveries")
        assert [(item["kind"], item["state"]) for item in told] == [
            ("assignment.cancelled", "sent"), ("assignment.allocated", "sent"),
        ]  # fmt: skip
        paged = operator.get(f"webhooks/{made['uuid']}/deliveries?limit=1").json()
        rest = operator.get(f"webhooks/{made['uuid']}/deliveries?limit=1&cursor={paged['next']}").json()
        assert (paged["items"] + rest["items"], rest["next"]) == (told, None)
        event = told[1]["about"]
        assert operator.post(f"webhooks/{made['uuid']}/replay", {"events": [event]}).json() == {"replayed": 1}
        with later(timedelta(hours=1)):
            tick()
        assert operator.items(f"webhooks/{made['uuid']}/deliveries")[1]["cycle"] == 2

    def test_a_test_is_posted_at_once(self, operator, house):
        made = hook(operator, house)
        assert operator.post(f"webhooks/{made['uuid']}/test").json() == {"delivered": True, "status": 200, "fault": ""}

    def test_disabled_enabled_and_removed(self, operator, house):
        path = f"webhooks/{hook(operator, house)['uuid']}"
        assert operator.post(f"{path}/disable").json()["disabled_reason"] == "by an admin"
        assert code(operator.post(f"{path}/replay", {})) == (409, "endpoint_disabled")
        assert operator.post(f"{path}/enable").json()["disabled_at"] is None
        assert operator.delete(path).status_code == 204
        assert code(operator.get(path)) == (404, "not_found")

    @pytest.mark.parametrize(("terms", "said"), [
        ({"url": "http://hooks.example.org"}, "not_https"), ({"url": "https://127.0.0.1/x"}, "forbidden_address"),
        ({"types": ["no.such"]}, "unknown_event_type"), ({"seed": "x"}, "invalid_input"),
    ])  # fmt: skip
    def test_where_no_webhook_may_go_is_refused(self, operator, house, terms, said):
        body = {"customer": str(house.customer.pk), "url": URL, **terms}
        assert code(operator.post("webhooks", body)) == (400, said)

    def test_admins_have_their_own_and_nobody_elses(self, operator, admin, stranger, house):
        path = f"webhooks/{hook(operator, house)['uuid']}"
        assert [row["customer"] for row in admin.items("webhooks")] == [str(house.customer.pk)]
        for caller in (as_learner(house.customer), stranger):
            assert caller.items("webhooks") == []
            for method, tail, body in (
                ("GET", "", None), ("DELETE", "", None), ("GET", "/deliveries", None), ("POST", "/test", None),
                ("POST", "/enable", None), ("POST", "/disable", None), ("POST", "/secret", {}), ("POST", "/replay", {}),
            ):  # fmt: skip
                assert code(caller.call(method, path + tail, body)) == (404, "not_found")
            assert code(caller.patch(path, {"types": []}, etag="*")) == (404, "not_found")
        body = {"customer": str(house.customer.pk), "url": f"{URL}/2"}
        assert admin.post("webhooks", body).status_code == 201
        assert code(stranger.post("webhooks", body)) == (404, "not_found")


class TestMessages:
    def test_what_became_of_each_is_told_without_an_address(self, admin, house):
        key = one(admin, house)
        waiting = admin.get("messages?state=pending&topic=mail")
        assert [(item["kind"], item["about"]) for item in waiting.json()["items"]] == [("assigned", key)]
        assert "ann@" not in waiting.content.decode()
        tick()
        assert [item["kind"] for item in admin.items("messages?state=sent&topic=mail")] == ["assigned"]
        assert admin.items("messages") == []

    def test_what_was_given_up_is_due_again(self, admin, house, stranger):
        one(admin, house)
        row = Message.objects.get(topic="mail")
        Message.objects.filter(pk=row.pk).update(state="failed", attempts=7)
        assert [item["uuid"] for item in admin.items(f"messages?customer={house.customer.pk}")] == [str(row.pk)]
        assert stranger.items("messages") == []
        body = {"messages": [str(row.pk), NOBODYS]}
        refused = stranger.post("messages/replay", body).json()
        assert [item["code"] for item in refused["refused"]] == ["not_found", "not_found"]
        told = admin.post("messages/replay", body).json()
        assert [item["message"] for item in told["done"]] == [str(row.pk)]
        assert admin.post("messages/replay", body).json()["refused"][0]["code"] == "wrong_state"
        tick()
        assert Message.objects.get(pk=row.pk).state == "sent"

    def test_a_learner_is_told_of_none(self, admin, house, learner):
        one(admin, house)
        assert learner.items("messages?state=pending") == []

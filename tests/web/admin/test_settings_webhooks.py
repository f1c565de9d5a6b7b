"""Webhooks: added with a secret that is shown once, tested, renewed, switched off and on, told again, removed."""

import pytest
from tests.db.verbs.steps import assigned
from tests.pages.test_viewer import browser
from tests.web.admin.settings_steps import STATEMENTS, said, secret_in, text

from bursar.kernel.actor import CONSOLE
from bursar.outbox.worker import drain
from bursar.people.models import AuditEntry, Role
from bursar.testing import factories
from bursar.webhooks.flows import backend
from bursar.webhooks.models import Endpoint, Event
from bursar.webhooks.services import add_endpoint, disable_endpoint, publish_due

pytestmark = pytest.mark.django_db
HERE = "/admin-portal/acme/settings/webhooks/"
URL = "https://hooks.example.org/bursar"


@pytest.fixture
def endpoint(house):
    return add_endpoint(house.customer.pk, URL, actor=CONSOLE).endpoint


@pytest.fixture
def receiver():
    return backend("webhook_port")


def at(endpoint, *more):
    return "/".join([HERE.rstrip("/"), str(endpoint.uuid), *more, ""])


def acts():
    return list(AuditEntry.objects.filter(act__startswith="endpoint.").order_by("id").values_list("act", flat=True))


def test_a_webhook_is_added_and_its_secret_shown_once(house, operator):
    response = operator.post(HERE, {"url": URL, "types": ["assignment.accepted"]})
    secret = secret_in(response, "whsec_")
    row = Endpoint.objects.get()
    assert (row.customer_uuid, row.url, row.types) == (house.customer.pk, URL, ["assignment.accepted"])
    assert secret not in operator.get(at(row)).text + operator.get(HERE).text
    assert acts() == ["endpoint.added"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"url": ""}, "required"),
        ({"url": "http://hooks.example.org/"}, "https://"),
        ({"url": "https://localhost/"}, "public"),
        ({"url": "https://127.0.0.1/"}, "public"),
        ({"url": "https://[::1]/"}, "public"),
        ({"url": "https://me:secret@hooks.example.org/"}, "no user name"),
        ({"url": "nonsense"}, "https://"),
        ({"url": URL, "types": ["nonsense"]}, "not one of the available choices"),
    ],
)
def test_what_cannot_be_is_refused_at_its_place(operator, given, words):
    assert words in text(operator.post(HERE, given), 422)
    assert not Endpoint.objects.exists()


def test_the_same_address_is_not_added_twice(operator, endpoint):
    assert "There is a webhook to this address already." in text(operator.post(HERE, {"url": URL}), 422)


def test_a_test_says_in_words_what_was_answered(operator, endpoint, receiver):
    assert "The test arrived: it answered 200" in said(operator, operator.post(at(endpoint, "test")))
    (call,) = receiver.received
    assert b'"type":"webhook.test"' in call.body
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (500, "The test was not taken: it answered 500"),
        (410, "The test was not taken: it answered 410"),
        ("timeout", "The test did not arrive: it took too long"),
        ("unreachable", "The test did not arrive: nothing could be reached there"),
    ],
)
def test_a_test_that_fails_says_how(operator, endpoint, receiver, answer, words):
    receiver.script(URL, answer)
    assert words in said(operator, operator.post(at(endpoint, "test")))
    assert Endpoint.objects.get().disabled_at is None


def test_the_secret_is_renewed_and_shown_once(operator, endpoint):
    response = operator.post(at(endpoint, "secret"))
    assert secret_in(response, "whsec_")
    assert "signs too until" in text(response)
    assert acts()[-1] == "endpoint.secret_rotated"


def test_it_is_switched_off_and_on(operator, endpoint):
    page = said(operator, operator.post(at(endpoint, "disable")))
    assert "It is told of nothing" in page
    assert "switched off by hand" in page
    page = said(operator, operator.post(at(endpoint, "enable")))
    assert "Works" in page
    assert acts()[-2:] == ["endpoint.disabled", "endpoint.enabled"]


def test_its_events_are_chosen(operator, endpoint):
    said(operator, operator.post(at(endpoint, "events"), {"types": ["assignment.expired", "assignment.accepted"]}))
    assert Endpoint.objects.get().types == ["assignment.accepted", "assignment.expired"]
    assert "There is no such event." in said(operator, operator.post(at(endpoint, "events"), {"types": ["x"]}))
    said(operator, operator.post(at(endpoint, "events")))
    assert Endpoint.objects.get().types == []


def test_what_was_delivered_is_shown_and_told_again(house, operator, endpoint):
    assigned(house.budget, 1)
    publish_due()
    drain()
    page = text(operator.get(at(endpoint)))
    assert "assignment.allocated" in page
    assert "Delivered" in page
    event = Event.objects.get()
    told = operator.post(at(endpoint, "replay"), {"event": str(event.uuid)})
    assert "It is told of the event again" in said(operator, told)
    assert "Waits" in text(operator.get(at(endpoint)))


@pytest.mark.parametrize("event", ["", "nonsense", "0c5a0000-0000-4000-8000-000000000000", "\0"])
def test_an_event_that_is_none_is_refused_in_words(operator, endpoint, event):
    assert "no longer kept" in said(operator, operator.post(at(endpoint, "replay"), {"event": event}))


def test_one_that_is_off_is_not_told_again(operator, endpoint):
    disable_endpoint(endpoint.uuid, actor=CONSOLE)
    event = {"event": "0c5a0000-0000-4000-8000-000000000000"}
    assert "switch it on first" in said(operator, operator.post(at(endpoint, "replay"), event))


def test_it_is_removed(operator, endpoint):
    assert "No webhook yet" in said(operator, operator.post(at(endpoint, "remove")))
    assert acts()[-1] == "endpoint.removed"


def test_an_admin_of_another_organisation_reaches_none_of_it(endpoint):
    other = factories.make_customer(slug="other")
    elsewhere = browser(factories.make_member(other, Role.ADMIN))
    for place in (at(endpoint), at(endpoint).replace("/acme/", "/other/")):
        assert elsewhere.get(place).status_code == 404
        for verb in ("test", "events", "secret", "enable", "disable", "remove", "replay"):
            assert elsewhere.post(f"{place}{verb}/").status_code == 404


def test_what_is_done_is_never_done_by_reading(ada, endpoint):
    for verb in ("test", "events", "secret", "enable", "disable", "remove", "replay"):
        assert ada.get(at(endpoint, verb)).status_code == 405


def test_many_deliveries_take_no_more_statements(house, operator, endpoint, django_assert_max_num_queries):
    assigned(house.budget, 40)
    publish_due()
    with django_assert_max_num_queries(STATEMENTS):
        assert text(operator.get(at(endpoint))).count("assignment.allocated") >= 20

"""Requests of learners: who asks for more time, who declined, and the answer, which the learner is told."""

import pytest
from tests.db.verbs.steps import DAY, assigned, fresh, kinds, later, tick
from tests.pages.reading import Tags, words
from tests.pages.test_viewer import browser

from bursar.assignments import services
from bursar.assignments.models import LearnerReply
from bursar.assignments.services import Reply
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.people.models import Role
from bursar.testing import factories

pytestmark = pytest.mark.django_db
STATEMENTS = 10
LIST = "/admin-portal/acme/requests/"


def text(response):
    assert response.status_code == 200
    Tags(response.text)
    return words(response.text)


def ask(rows, **more):
    services.request_time_many([Reply(row.pk, **more) for row in rows], actor=CONSOLE)
    return list(LearnerReply.objects.filter(assignment__in=[row.pk for row in rows]).order_by("pk"))


@pytest.fixture
def row(house):
    (one,) = assigned(house.budget, ["ada@example.org"])
    return one


@pytest.fixture
def asked(row):
    (one,) = ask([row], words="I am away.", until=clock.now() + 120 * DAY)
    return one


def at(asked):
    return f"{LIST}{asked.pk}/"


def day(number):
    return (clock.now() + number * DAY).date().isoformat()


def test_who_waits_is_shown_with_their_words_and_counted_in_the_navigation(page, asked):
    shown = text(page.get(LIST))
    assert "ada@example.org" in shown
    assert "I am away." in shown
    assert "Requests 1" in shown
    assert "Requests 1" in text(page.get("/admin-portal/acme/"))


def test_nobody_waiting_is_said_and_not_counted(page, house):
    shown = text(page.get(LIST))
    assert "Nobody waits for an answer" in shown
    assert "Requests 0" not in shown


def test_who_declined_lately_is_shown_with_the_reason(house, page):
    first, second, third = assigned(house.budget, 3)
    services.decline_many([Reply(first.pk, reason="not_me", words="Wrong person.")], actor=CONSOLE)
    services.decline_many([Reply(second.pk, reason="no_time")], actor=CONSOLE)
    shown = text(page.get(LIST))
    assert "Not me" in shown
    assert "Wrong person." in shown
    assert "has no time for it" in shown
    assert third.learner_email not in shown
    with later(61 * DAY):
        assert "Wrong person." not in text(page.get(LIST))


def test_more_time_is_given_until_a_day_with_a_word(page, row, asked):
    tick()
    assert day(120) in page.get(at(asked)).text
    said = text(page.post(at(asked), {"verdict": "granted", "until": day(50), "why": "Gladly."}, follow=True))
    assert "They have more time" in said
    assert fresh(row).expires_at.date().isoformat() == day(50)
    assert kinds(row) == ["assigned", "time_granted"]
    assert "More time was granted" in text(page.get(at(asked)))


def test_a_request_is_refused_with_a_word(page, row, asked):
    tick()
    said = text(page.post(at(asked), {"verdict": "refused", "why": "The course begins."}, follow=True))
    assert "the deadline stays" in said
    assert fresh(row).expires_at == row.expires_at or fresh(row).personal_deadline is None
    assert kinds(row) == ["assigned", "time_refused"]
    assert "More time was refused" in text(page.get(f"/admin-portal/acme/assignments/{row.pk}/"))


def test_what_is_answered_is_not_answered_otherwise(page, asked):
    services.refuse_time_many([asked.pk], actor=CONSOLE)
    response = page.post(at(asked), {"verdict": "granted", "until": day(20)})
    assert response.status_code == 409
    assert "That was not possible" in words(response.text)


def test_what_has_ended_needs_no_answer(page, row, asked):
    services.cancel_many([row.pk], actor=CONSOLE)
    assert "nothing to answer" in text(page.get(at(asked)))
    assert "Nobody waits for an answer" in text(page.get(LIST))


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"verdict": "maybe"},
        {"verdict": "granted", "until": "never"},
        {"verdict": "granted", "until": "2001-01-01"},
        {"verdict": "refused", "why": "x" * 1001},
        {"verdict": "\0", "why": "\0"},
    ],
)
def test_a_forged_form_decides_nothing(page, asked, form):
    assert page.post(at(asked), form).status_code == 200
    assert LearnerReply.objects.get().state == "open"


def test_requests_of_others_are_not_found(page, house):
    other = factories.make_budget()
    (asked,) = ask(assigned(other, 1))
    assert page.get(at(asked)).status_code == 404
    assert page.post(at(asked), {"verdict": "granted"}).status_code == 404
    assert "Nobody waits" in text(page.get(LIST))
    assert page.get(f"{LIST}{house.customer.pk}/").status_code == 404


def test_a_learner_decides_nothing(house, asked):
    learner = browser(factories.make_member(house.customer, Role.LEARNER))
    assert learner.get(LIST).status_code == 403
    assert learner.post(at(asked), {"verdict": "granted"}).status_code == 403


@pytest.mark.parametrize("many", [1, 40])
@pytest.mark.parametrize("role", [Role.ADMIN, Role.OPERATOR])
def test_the_pages_cost_the_same_for_one_request_as_for_many(house, django_assert_max_num_queries, many, role):
    replies = ask(assigned(house.budget, many))
    client = browser(factories.make_member(house.customer if role == Role.ADMIN else None, role))
    for address in (LIST, f"{LIST}?page=2", at(replies[0])):
        with django_assert_max_num_queries(STATEMENTS):
            assert client.get(address).status_code == 200


def test_more_than_ninety_nine_are_counted_as_such(house, page):
    ask(assigned(house.budget, 101))
    shown = text(page.get(LIST))
    assert "Requests 99+" in shown
    assert "1–25 of 101" in shown

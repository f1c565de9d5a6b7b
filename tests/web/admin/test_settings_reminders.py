"""Reminders: the rules in a form, kept or tried; what would be sent and what is held back, in words."""

from datetime import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.db.verbs.reminding import remind_by
from tests.db.verbs.steps import DAY, assigned, later, nothing_written
from tests.web.admin.settings_steps import said, text

from bursar.assignments import services
from bursar.outbox.worker import drain

pytestmark = pytest.mark.django_db
HERE = "/admin-portal/acme/settings/reminders/"
RULES = {
    "after_days": "7, 30", "before_days": "1", "per_week": "2", "quiet_from": "20:00", "quiet_until": "08:00", "digest": "on",
}  # fmt: skip
ANY_TIME = {"quiet_from": "", "quiet_until": ""}


@pytest.fixture
def told(house):
    """Return a function that assigns, lets the invitations go out, and a day later goes on."""

    def assign(people):
        rows = assigned(house.budget, people)
        drain()
        return rows

    return assign


def test_rules_that_are_kept_switch_reminders_on(house, operator):
    page = said(operator, operator.post(HERE, RULES))
    assert "The rules are kept." in page
    row = services.policy_of(house.customer.pk)
    assert (row.enabled, row.after_days, row.before_days, row.per_week) == (True, [7, 30], [1], 2)
    assert (row.quiet_from, row.quiet_until, row.working_days_only, row.digest) == (time(20), time(8), False, True)


def test_the_form_shows_what_is_kept(house, operator):
    remind_by(house.customer, after_days=[3, 9], quiet=(time(22), time(6)))
    html = operator.get(HERE).text
    for value in ('value="3, 9"', 'value="22:00"', 'value="06:00"'):
        assert value in html


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"after_days": "seven"}, "after_days", "At most ten whole numbers"),
        ({"after_days": "400"}, None, "At most ten whole numbers"),
        ({"after_days": "", "before_days": ""}, "after_days", "reminds nobody"),
        ({"per_week": "8"}, "per_week", "7"),
        ({"per_week": ""}, "per_week", "required"),
        ({"quiet_until": ""}, "quiet_until", "Give both ends"),
        ({"quiet_until": "20:00"}, "quiet_from", "two different times"),
        ({"quiet_from": "25:99"}, "quiet_from", "valid time"),
        ({"before_days": "9" * 90}, "before_days", "At most ten whole numbers"),
    ],
)
def test_what_is_wrong_is_said_at_its_place(operator, change, field, words):
    response = operator.post(HERE, RULES | change)
    assert words in text(response, 422)
    assert field is None or f'id="id_{field}_error"' in response.text


def test_reminders_are_switched_off_and_the_rules_stay(house, operator):
    remind_by(house.customer)
    assert "Nobody is reminded automatically any more." in said(operator, operator.post(f"{HERE}off/"))
    row = services.policy_of(house.customer.pk)
    assert (row.enabled, row.after_days) == (False, [7])


def test_rules_are_tried_before_they_are_kept(operator, told):
    told(["ana@example.org", "bo@example.org"])
    with nothing_written():
        page = text(operator.post(f"{HERE}simulate/", RULES | ANY_TIME | {"after_days": "2"}))
    assert "What these rules would send in the next seven days" in page
    assert "Mails 2 People who get one 2 Held back 0" in page
    assert "ana@example.org" in page
    assert "2 days after being told" in page
    assert 'value="2"' in operator.post(f"{HERE}simulate/", RULES | {"after_days": "2"}).text


def test_what_is_held_back_says_why_and_until_when(operator, told):
    told(["ana@example.org"])
    rules = RULES | ANY_TIME | {"after_days": "2, 4", "per_week": "1"}
    page = text(operator.post(f"{HERE}simulate/", rules))
    assert "What is held back" in page
    assert "4 days after being told no more this week: the cap is reached" in page


def test_rules_that_cannot_be_tried_say_so(operator):
    page = text(operator.post(f"{HERE}simulate/", RULES | {"after_days": "", "before_days": ""}), 422)
    assert "These rules cannot be tried yet" in page


def test_htmx_gets_the_forecast_alone(operator, told):
    told(1)
    response = operator.post(f"{HERE}simulate/", RULES, headers={"HX-Request": "true"})
    assert response.text.lstrip().startswith('<section id="forecast"')
    assert "<html" not in response.text


def test_when_nothing_would_go_out_the_page_says_so(operator):
    assert "Nothing would go out" in text(operator.post(f"{HERE}simulate/", RULES))


def test_many_people_are_counted_and_the_first_are_listed(operator, told):
    told(60)
    page = text(operator.post(f"{HERE}simulate/", RULES | ANY_TIME | {"after_days": "2"}))
    assert "Mails 60" in page
    assert page.count("@example.org") == 50 + len(["who is signed in"])
    assert "and 10 more" in page


def test_a_forecast_of_many_takes_as_many_statements_as_one_of_few(operator, told):
    counts = []
    for people in (["first@example.org"], 40):
        told(people)
        with CaptureQueriesContext(connection) as found:
            operator.post(f"{HERE}simulate/", RULES | ANY_TIME | {"after_days": "2"})
        counts.append(len(found))
    assert counts[0] == counts[1]


def test_rules_just_kept_catch_up_with_those_who_waited(house, operator, told):
    told(["ana@example.org"])
    with later(10 * DAY):
        page = text(operator.post(f"{HERE}simulate/", RULES | ANY_TIME))
        assert "7 days after being told" in page


def test_an_admin_makes_the_rules_of_their_organisation(house, ada):
    ada.post(HERE, RULES | {"after_days": "9"})
    assert (services.policy_of(house.customer.pk).enabled, services.policy_of(house.customer.pk).after_days) == (
        True,
        [9],
    )
    ada.post(f"{HERE}off/")
    assert not services.policy_of(house.customer.pk).enabled

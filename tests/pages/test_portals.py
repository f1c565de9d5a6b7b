"""The first page of each portal: what it shows, to whom, in how many statements."""

from datetime import timedelta

import pytest
from django.test import Client
from tests.db.surroundings import _clean_books, _noon, _ports
from tests.db.verbs.steps import accept, assigned, in_state, later
from tests.pages.test_viewer import browser

from bursar.assignments import services
from bursar.budgets.phases import Phase, phase
from bursar.kernel import clock
from bursar.people.models import Role
from bursar.testing import factories

from .reading import Tags, words

pytestmark = pytest.mark.django_db
__all__ = ["_clean_books", "_noon", "_ports"]
DAY = timedelta(days=1)
STATEMENTS = 10


@pytest.fixture
def house():
    factories.make_course()
    return factories.make_house(slug="acme")


@pytest.fixture
def learner(house):
    return factories.make_member(house.customer, Role.LEARNER, email="learner1@example.org")


def text(response):
    assert response.status_code == 200
    Tags(response.text)
    return words(response.text)


def test_an_admin_sees_each_budget_with_what_is_left_of_it(house):
    assigned(house.budget, 2)
    page = text(browser(factories.make_member(house.customer)).get("/admin-portal/acme/"))
    assert "$4,902 available of $5,000" in page
    assert "Assigned $98" in page
    assert "Active" in page


def test_budgets_of_other_customers_are_not_shown(house):
    factories.make_budget(factories.make_fund(), display_name="Somebody else's")
    assert "Somebody" not in text(browser(factories.make_member(house.customer)).get("/admin-portal/acme/"))


def test_a_budget_that_is_nearly_used_up_says_so(house):
    accept(assigned(house.budget, 80))
    assert "78 % used" in text(browser(factories.make_member(house.customer)).get("/admin-portal/acme/"))


def test_without_budgets_the_page_says_who_makes_one():
    customer = factories.make_customer(slug="acme")
    assert "No budget yet" in text(browser(factories.make_member(customer)).get("/admin-portal/acme/"))


def test_a_hundred_budgets_take_no_more_statements_than_one(house, django_assert_max_num_queries):
    for number in range(20):
        factories.make_budget(house.fund, limit_cents=1_000, display_name=f"Budget {number}")
    client = browser(factories.make_member(None, Role.OPERATOR))
    with django_assert_max_num_queries(STATEMENTS):
        client.get("/admin-portal/acme/")


NOW = clock.now()


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, Phase.ACTIVE),
        ({"starts_at": NOW + DAY}, Phase.SCHEDULED),
        ({"expires_at": NOW + 121 * DAY}, Phase.ACTIVE),
        ({"expires_at": NOW + 120 * DAY}, Phase.EXPIRING),
        ({"expires_at": NOW}, Phase.EXPIRED),
        ({"expires_at": NOW - DAY, "retired": True}, Phase.RETIRED),
    ],
)
def test_the_phase_of_a_budget_follows_from_its_dates(facts, expected):
    assert phase(NOW, **{"retired": False, "starts_at": None, "expires_at": None, **facts}) == expected


# Learners


def test_a_learner_sees_their_own_courses_and_nobody_elses(house, learner):
    assigned(house.budget, ["learner1@example.org", "learner2@example.org"])
    page = text(browser(learner).get("/learn/acme/"))
    assert page.count("it costs you nothing") == 1
    assert "Accept it by" in page


def test_a_deadline_within_ten_days_is_marked(house, learner):
    assigned(house.budget, ["learner1@example.org"])
    assert "deadline is near" not in text(browser(learner).get("/learn/acme/"))
    with later(81 * DAY):
        assert "deadline is near" in text(browser(learner).get("/learn/acme/"))


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("accepted", "You accepted it on"),
        ("cancelled", "has cancelled it"),
        ("expired", "expired on"),
        ("errored", "to assign it again"),
        ("reversed", "was given back"),
    ],
)
def test_a_card_says_what_became_of_the_course(house, learner, state, said):
    in_state(state, house.budget, 1)
    assert said in text(browser(learner).get("/learn/acme/"))


def test_an_ending_that_was_dismissed_is_gone(house, learner):
    (row,) = in_state("cancelled", house.budget, 1)
    services.acknowledge_many(row.assignment_configuration_id, [row.pk], lms_user_id=learner.lms_user_id)
    assert "No course yet" in text(browser(learner).get("/learn/acme/"))


def test_many_courses_take_no_more_statements_than_one(house, learner, django_assert_max_num_queries):
    for number in range(12):
        factories.make_course(f"DemoX+{number}")
        assigned(house.budget, ["learner1@example.org"], f"DemoX+{number}")
    client = browser(learner)
    with django_assert_max_num_queries(STATEMENTS):
        assert text(client.get("/learn/acme/")).count("it costs you nothing") == 12


# Ways in


def test_the_ways_in_lead_to_the_first_customer(house, learner):
    assert browser(learner).get("/learn/")["Location"] == "/learn/acme/"
    assert (
        browser(factories.make_member(None, Role.OPERATOR)).get("/admin-portal/")["Location"] == "/admin-portal/acme/"
    )
    assert Client().get("/learn/")["Location"] == "/accounts/login/?next=/learn/"


def test_who_has_no_role_anywhere_is_told_what_to_do(house, learner):
    for address, who in (("/admin-portal/", learner), ("/learn/", None)):
        client = browser(who) if who else Client()
        if who is None:
            client.force_login(factories.make_user())
        response = client.get(address)
        assert response.status_code == 403
        assert "No organisation has given you a role here" in response.text


@pytest.mark.parametrize("address", ["/admin-portal/acme/", "/learn/acme/"])
def test_first_pages_are_read_and_nothing_else(house, learner, address):
    assert browser(learner).post(address).status_code == 405


def test_scripts_of_a_portal_are_ours_and_signed(house, learner):
    response = browser(learner).get("/learn/acme/")
    scripts = Tags(response.text).all("script")
    assert [script["src"] for script in scripts] == ["/static/django_htmx/htmx-2.min.js", "/static/pages/app.js"]
    assert all(f"'nonce-{script['nonce']}'" in response["Content-Security-Policy"] for script in scripts)

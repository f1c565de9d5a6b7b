"""The budgets of a customer and one of them: what is shown in which phase, what is warned of, what it costs and who may look."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from tests.db.verbs.steps import DAY, accept, assigned, in_state, later
from tests.pages.reading import Tags, words
from tests.pages.test_viewer import browser

from bursar.assignments.models import AssignmentCounts
from bursar.budgets.models import Budget
from bursar.kernel import clock
from bursar.people.models import Role
from bursar.testing import factories

pytestmark = pytest.mark.django_db
STATEMENTS = 10
LIST = "/admin-portal/acme/"


@pytest.fixture
def reader(house):
    return browser(factories.make_member(house.customer))


def at(budget):
    return f"{LIST}budgets/{budget.pk}/"


def text(response):
    assert response.status_code == 200
    Tags(response.text)
    return words(response.text)


def links(response):
    """Return where the cards of a list lead."""
    return [tag["href"] for tag in Tags(response.text).all("a") if "/budgets/" in tag["href"]]


def filters(response):
    """Return where the choices of status lead, and whether each is on."""
    chosen = [tag for tag in Tags(response.text).all("a") if "filter" in tag.get("class", "")]
    return {tag["href"]: "aria-current" in tag for tag in chosen}


@pytest.fixture
def phases(house):
    """A budget of every phase, by its name."""
    now = clock.now()
    soon = factories.make_fund(house.customer, starts_at=now + DAY)
    ending = factories.make_fund(house.customer, expires_at=now + 100 * DAY)
    past = factories.make_fund(house.customer, expires_at=now - DAY)
    made = {"Training": house.budget} | {
        name: factories.make_budget(fund, display_name=name)
        for name, fund in (("Soon", soon), ("Ending", ending), ("Past", past), ("Old", house.fund))
    }
    Budget.objects.filter(pk=made["Old"].pk).update(retired=True)
    return made


# The list


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("", {"Training", "Soon", "Ending"}),
        ("?status=expired", {"Past"}),
        ("?status=expired,retired", {"Past", "Old"}),
        ("?status=all", {"Training", "Soon", "Ending", "Past", "Old"}),
        ("?status=none", set()),
        ("?status=nonsense&page=99", {"Training", "Soon", "Ending"}),
        ("?status=%00&page=-3&sort=x", {"Training", "Soon", "Ending"}),
    ],
)
def test_budgets_that_are_not_over_are_shown_first_and_others_when_asked_for(reader, phases, asked, shown):
    response = reader.get(LIST + asked)
    page = text(response)
    assert {name for name, budget in phases.items() if at(budget) in links(response)} == shown
    assert ("No budget with such a status" in page) == (not shown)


def test_each_status_says_how_many_there_are_and_is_switched_by_its_link(reader, phases):
    response = reader.get(LIST)
    assert "Active 1 Scheduled 1 Expiring 1 Expired 1 Retired 1" in text(response)
    assert list(filters(response).values()) == [True, True, True, False, False]
    assert f"{LIST}?status=active,scheduled,expiring,expired" in filters(response)
    assert f"{LIST}?status=none" in filters(reader.get(f"{LIST}?status=active"))


def test_a_card_shows_what_matters_in_its_phase(reader, phases):
    accept(assigned(phases["Ending"], 2))
    shown = text(reader.get(f"{LIST}?status=expiring"))
    assert "$4,902 available of $5,000" in shown
    assert "Spent $98 Assigned $0 Available $4,902" in shown
    over = text(reader.get(f"{LIST}?status=expired"))
    assert "$0 spent" in over
    assert "available of" not in over
    assert "available of" not in text(reader.get(f"{LIST}?status=scheduled"))


@pytest.mark.parametrize(("people", "said"), [(76, "74 % used"), (77, "75 % used"), (101, "No balance")])
def test_from_three_quarters_used_a_card_says_how_much_and_at_a_hundred_dollars_that_nothing_is_left(
    reader, house, people, said
):
    assigned(house.budget, people)
    shown = text(reader.get(LIST))
    assert (said in shown) == (people > 76)


def test_a_budget_with_just_over_a_hundred_dollars_still_has_something(house, reader):
    assigned(factories.make_budget(house.fund, limit_cents=4_900 + 10_001, display_name="Small"), 1)
    assert "No balance" not in text(reader.get(LIST))
    assigned(factories.make_budget(house.fund, limit_cents=4_900 + 10_000, display_name="Smaller"), 1)
    assert "No balance" in text(reader.get(LIST))


def test_many_budgets_are_shown_page_by_page(house, reader):
    for number in range(24):
        factories.make_budget(house.fund, limit_cents=1_000, display_name=f"Budget {number:02}")
    assert len(links(reader.get(LIST))) == 24
    assert links(reader.get(f"{LIST}?page=2&status=all")) == [at(house.budget)]


# Funds that end


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (121, None),
        (120, "can be assigned and accepted until"),
        (89, "less than the usual 90 days"),
        (60, "Assign it soon"),
        (30, "Assign it soon"),
        (10, "These are the last days"),
        (0.2, "These are the last days"),
        (0, "nothing can be assigned or accepted"),
        (-29, "nothing can be assigned or accepted"),
        (-31, None),
    ],
)
def test_the_end_of_a_fund_is_told_by_the_newest_threshold_passed(house, reader, days, said):
    fund = factories.make_fund(house.customer, title="Grant", expires_at=clock.now() + timedelta(days=days))
    budget = factories.make_budget(fund, display_name="Data")
    for address in (LIST, at(budget)):
        response = reader.get(address)
        shown = text(response)
        assert ("“Grant”" in shown) == (said is not None)
        assert said is None or said in shown
        kept = [tag for tag in Tags(response.text).all("div") if "data-seen" in tag]
        assert len(kept) == (said is not None)


@pytest.mark.parametrize(
    ("days", "said"), [(30, "$49 waits to be accepted. Remind people"), (9, "$49 waits to be accepted")]
)
def test_what_is_about_to_expire_with_a_fund_is_named(house, reader, days, said):
    fund = factories.make_fund(house.customer, title="Grant", expires_at=clock.now() + timedelta(days=days))
    assigned(factories.make_budget(fund, display_name="Data"), 1)
    assert said in text(reader.get(LIST))


def test_what_a_reader_has_dismissed_is_news_again_at_the_next_threshold(house, reader):
    fund = factories.make_fund(house.customer, title="Grant", expires_at=clock.now() + 60 * DAY)
    factories.make_budget(fund, display_name="Data")
    kept = []
    for span in (0, 1, 30):
        with later(span * DAY):
            kept += [tag for tag in Tags(reader.get(LIST).text).all("div") if "data-seen" in tag]
    first, same, news = kept
    assert first == same
    assert first["data-seen"] == news["data-seen"]
    assert first["data-about"] != news["data-about"]


def test_the_end_of_a_fund_without_a_budget_in_use_is_no_news(house, reader):
    fund = factories.make_fund(house.customer, title="Grant", expires_at=clock.now() + DAY)
    Budget.objects.filter(pk=factories.make_budget(fund, display_name="Data").pk).update(retired=True)
    assert "Grant”" not in text(reader.get(f"{LIST}?status=all"))


# One budget


def test_a_budget_shows_its_figures_and_what_it_may_be_spent_on(house, reader):
    assigned(house.budget, 10)
    accept(assigned(house.budget, 3))
    Budget.objects.filter(pk=house.budget.pk).update(description="For <b>everybody</b>.")
    page = text(reader.get(at(house.budget)))
    assert "$4,510 available of $5,000 9 % spent or assigned" in page
    assert "Spent $147 Assigned $343 Available $4,510" in page
    assert "For &lt;b&gt;everybody&lt;/b&gt;." in page
    assert "Limit $5,000.00 Courses every course Fund Fund Period no end" in page
    assert "Not covered" not in page


def test_what_the_fund_does_not_cover_is_named(house, reader):
    wide = factories.make_budget(house.fund, limit_cents=1_500_000, display_name="Wide")
    page = text(reader.get(at(wide)))
    assert "Available $10,000 Not covered by the fund $5,000" in page
    assert "The limit would leave $5,000 more, but “Fund” does not have it." in page


def test_a_budget_without_a_past_says_that_it_cannot_tell_what_comes_back(house, reader):
    page = text(reader.get(at(house.budget)))
    assert "Nothing is assigned and waits to be accepted." in page
    assigned(house.budget, 2)
    page = text(reader.get(at(house.budget)))
    assert "$98 waits to be accepted. How much of it will come back cannot be said yet" in page
    assert "15 Feb $98" in page


@pytest.mark.usefixtures("unaudited")
def test_a_budget_with_a_past_says_how_much_will_come_back_and_why(house, reader):
    assigned(house.budget, 20)
    AssignmentCounts.objects.filter(pk=house.budget.assignment_configuration_id).update(accepted=15, expired=5)
    page = text(reader.get(at(house.budget)))
    assert "$980 waits to be accepted; about $245 of it will come back." in page
    assert "of 20 assignments that were accepted or expired, 15 were accepted" in page
    assert "15 Feb $735 $245" in page


@pytest.mark.parametrize(
    ("name", "said"),
    [("Soon", "Courses can be assigned from"), ("Old", "This budget is out of use"), ("Past", "What was spent")],
)
def test_a_budget_that_cannot_assign_says_why(reader, phases, name, said):
    page = text(reader.get(at(phases[name])))
    assert said in page
    assert ("What becomes of" in page) == (name == "Soon")


def test_an_expired_budget_shows_what_was_spent(house, reader):
    in_state("accepted", house.budget, 2)
    Budget.objects.filter(pk=house.budget.pk).update(retired=True)
    page = text(reader.get(at(house.budget)))
    assert "What was spent $98.00" in page
    assert "Available" not in page


# Who may, and what it costs


def test_a_budget_of_another_customer_or_of_nobody_is_not_there(reader):
    other = factories.make_budget()
    assert reader.get(at(other)).status_code == 404
    assert reader.get(f"{LIST}budgets/{uuid4()}/").status_code == 404
    assert reader.get(f"{LIST}budgets/nonsense/").status_code == 404
    assert reader.get(f"/admin-portal/{other.customer.slug}/budgets/{other.pk}/").status_code == 404


def test_only_those_who_manage_see_budgets_and_nobody_posts(house, reader):
    learner = browser(factories.make_member(house.customer, Role.LEARNER))
    for address in (LIST, at(house.budget)):
        assert learner.get(address).status_code == 403
        assert Client().get(address).status_code == 302
        assert reader.post(address).status_code == 405


def test_a_list_of_many_and_a_budget_of_many_take_as_many_statements(house, django_assert_max_num_queries):
    client = browser(factories.make_member(None, Role.OPERATOR))
    for number in range(30):
        factories.make_budget(house.fund, limit_cents=1_000, display_name=f"Budget {number}")
    assigned(house.budget, 60)
    for address in (LIST, at(house.budget)):
        with django_assert_max_num_queries(STATEMENTS):
            client.get(address)

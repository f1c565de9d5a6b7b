"""The reports: filters in the address, charts with their figures, lists and files of who has not accepted."""

import csv
import io
from datetime import timedelta

import pytest
from tests.db.verbs.steps import DAY, accept, accepted, assigned, in_state, later
from tests.pages.reading import Tags, words
from tests.pages.test_viewer import browser

from bursar.assignments.flows import privacy
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.people.models import Person, Role
from bursar.testing import factories

pytestmark = pytest.mark.django_db
STATEMENTS = 10
HOME = "/admin-portal/acme/reports/"
PAGES = ("", "time/", "spend/", "not-accepted/", "not-accepted/addresses/")
FILES = (
    "not-accepted/export.csv",
    *(f"tables/{name}.csv" for name in ("funnel", "states", "days", "months", "subjects", "partners", "departments")),
)


def text(response):
    assert response.status_code == 200
    Tags(response.text)
    return words(response.text)


def table(client, path):
    response = client.get(f"{HOME}{path}")
    assert response.status_code == 200
    return list(csv.reader(io.StringIO(b"".join(response).decode("utf-8-sig"), newline="")))


def test_the_funnel_says_how_many_people_came_how_far(house, page):
    accept(assigned(house.budget, 4)[:1])
    shown = text(page.get(HOME))
    assert "Assigned, 4, 100 %; Told by mail, 1, 25 %; Accepted, 1, 25 %" in shown.replace("\N{NO-BREAK SPACE}", " ")
    assert "Not answered yet" in shown


def test_time_to_accept_names_median_and_90th_percentile(house, page):
    rows = assigned(house.budget, 3)
    for row, days in zip(rows, (0, 2, 9), strict=True):
        with later(days * DAY):
            accept([row])
    shown = text(page.get(f"{HOME}time/"))
    assert "day 2 the median" in shown
    assert "day 9 the 90th percentile" in shown


def test_spend_names_what_has_no_department_and_no_subject(house, page):
    accepted(house.budget, 2)
    shown = text(page.get(f"{HOME}spend/"))
    assert "$98 2 courses" in shown
    assert "No department" in shown
    assert "No subject" in shown
    assert "DemoX" in shown


def test_budgets_of_two_currencies_are_shown_one_at_a_time(house, page):
    euros = factories.make_budget(factories.make_fund(house.customer, currency="EUR"))
    factories.make_course("DemoX+E1", price_cents=1_000, currency="EUR")
    accepted(house.budget, 1)
    accepted(euros, 1, "DemoX+E1")
    shown = {currency: text(page.get(f"{HOME}spend/", {"currency": currency})) for currency in ("EUR", "USD")}
    assert "€10" in shown["EUR"]
    assert "$49" not in shown["EUR"]
    assert "$49" in shown["USD"]


def test_who_did_not_accept_is_listed_with_manager_and_department(house, page):
    assigned(house.budget, ["ann@example.org"])
    Person.objects.update(name="Ann Bee", department="Sales", manager_email="boss@example.org")
    shown = text(page.get(f"{HOME}not-accepted/"))
    assert "Ann Bee ann@example.org Writing well Not answered yet" in shown
    assert "Sales boss@example.org" in shown


def test_a_forgotten_person_is_listed_without_a_name(house, page):
    in_state("cancelled", house.budget)
    with later(100 * DAY):
        privacy.scrub_due(actor=CONSOLE)
    shown = text(page.get(f"{HOME}not-accepted/"))
    assert "Email hidden" in shown
    assert "retired" not in shown


def test_addresses_are_there_to_copy_under_the_manager(house, page):
    assigned(house.budget, ["ann@example.org", "bob@example.org"])
    Person.objects.filter(email__startswith="ann").update(manager_email="boss@example.org")
    response = page.get(f"{HOME}not-accepted/addresses/")
    assert "boss@example.org 1 ann@example.org" in text(response)
    assert "No manager known 1 bob@example.org" in text(response)
    assert "mailto:" not in response.text


def test_the_state_that_is_picked_is_what_is_listed_copied_and_given_as_a_file(house, page):
    in_state("cancelled", house.budget)
    query = {"state": "allocated"}
    assert "Everybody has accepted" in text(page.get(f"{HOME}not-accepted/", query))
    assert "nobody to write to" in text(page.get(f"{HOME}not-accepted/addresses/", query))
    assert len(table(page, "not-accepted/export.csv?state=allocated")) == 1
    assert len(table(page, "not-accepted/export.csv?state=cancelled")) == 2


def test_the_file_of_who_did_not_accept_holds_no_formula(house, page):
    assigned(house.budget, ["ann@example.org"])
    Person.objects.update(name="=1+1", department="Sales")
    head, row = table(page, "not-accepted/export.csv")
    assert head[:4] == ["Address", "Name", "Course", "State"]
    assert row[0] == "ann@example.org"
    assert row[1] == "'=1+1"


def test_every_chart_can_be_taken_away_with_all_its_rows(house, page):
    for number in range(12):
        key = f"DemoX+S{number:02}"
        factories.make_course(key, subject=f"Subject {number:02}", price_cents=100 + number)
        accepted(house.budget, 1, key)
    assert "2 others" in text(page.get(f"{HOME}spend/"))
    rows = table(page, "tables/subjects.csv")
    assert len(rows) == 13
    assert rows[1] == ["Subject 11", "1.11", "0.00", "1.11", "1"]
    assert table(page, "tables/funnel.csv")[1] == ["Assigned", "1", "12"]


@pytest.mark.parametrize("path", [*PAGES, *FILES])
def test_reports_are_about_the_budget_period_and_department_that_are_asked_for(house, page, path):
    factories.make_budget(house.fund, display_name="Other")
    assigned(house.budget, 1)
    tomorrow = f"{clock.now() + 2 * DAY:%Y-%m-%d}"
    for query in ({"period": "days", "from": tomorrow}, {"department": "is:Sales"}, {"budget": str(house.budget.pk)}):
        assert page.get(f"{HOME}{path}", query).status_code == 200


def test_a_period_from_one_day_to_another_includes_both(house, page):
    assigned(house.budget, 1)
    today, yesterday = (f"{clock.now() - span:%Y-%m-%d}" for span in (timedelta(), DAY))
    assert "Told by mail" in text(page.get(HOME, {"period": "days", "from": today, "to": today}))
    assert "Nothing was assigned" in text(page.get(HOME, {"period": "days", "to": yesterday}))
    assert "Told by mail" in text(page.get(HOME, {"period": "days", "from": today, "to": yesterday}))


def test_last_years_assignments_are_in_all_the_time_and_not_in_this_year(house, page):
    assigned(house.budget, 1)
    with later(366 * DAY):
        assert "Nothing was assigned" in text(page.get(HOME))
        assert "Told by mail" in text(page.get(HOME, {"period": "all"}))


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    "query",
    [
        "?budget=nonsense&period=never&from=x&to=2026-99-01&department=%00&currency=XXX&state=lost&page=-1",
        "?period=days&from=0001-01-01&to=9999-12-31",
        "?department=is:&budget=00000000-0000-0000-0000-000000000000",
        "?department=is:%00%F0%9F%98%80&page=99999999999",
    ],
)
def test_nothing_in_an_address_makes_a_report_fail(house, page, path, query):
    assigned(house.budget, 1)
    assert page.get(f"{HOME}{path}{query}").status_code == 200


@pytest.mark.parametrize("path", ["tables/nonsense.csv", "tables/months.pdf", "not-accepted/export.exe"])
def test_files_that_there_are_not_are_not_found(page, path):
    assert page.get(f"{HOME}{path}").status_code == 404


@pytest.mark.parametrize("path", [*PAGES, *FILES])
def test_reports_are_for_those_who_manage_here(house, path):
    learner = browser(factories.make_member(house.customer, Role.LEARNER))
    stranger = browser(factories.make_member(factories.make_customer()))
    assert learner.get(f"{HOME}{path}").status_code == 403
    assert stranger.get(f"{HOME}{path}").status_code == 404


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("people", [1, 40])
def test_a_report_takes_at_most_ten_statements_however_many_people(house, path, people, django_assert_max_num_queries):
    accept(assigned(house.budget, people * 2)[:people])
    in_department = Person.objects.all()[:1].get()
    Person.objects.filter(pk=in_department.pk).update(department="Sales")
    client = browser(factories.make_member(None, Role.OPERATOR))
    with django_assert_max_num_queries(STATEMENTS):
        assert client.get(f"{HOME}{path}", {"department": "none"}).status_code == 200


def test_another_customers_budget_in_the_address_is_as_if_not_asked(house, page):
    other = factories.make_house()
    assigned(other.budget, 1)
    assigned(house.budget, 1)
    shown = text(page.get(HOME, {"budget": str(other.budget.pk)}))
    assert "Assigned, 1" in shown

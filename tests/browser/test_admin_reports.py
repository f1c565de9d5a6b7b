"""Reports in a browser: from one to the next with the filters kept, the figures behind a chart, addresses to copy."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect
from tests.browser.looking import LOOKS, assert_accessible, follow, shoot
from tests.db.verbs.steps import accept, assigned, keys

from bursar.assignments import services
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.people.models import Person
from bursar.testing import factories

pytestmark = pytest.mark.django_db(transaction=True)
HOME = "/admin-portal/lanternworks/reports/"
COURSES = [
    ("HarvardX+PH125.1x", "Data Science: R Basics", "Data Analysis & Statistics", 4_900),
    ("EdxX+HTLO100", "How to Learn Online", "Education & Teacher Training", 19_900),
    ("MITx+6.00.1x", "Introduction to Computer Science and Programming Using Python", "Computer Science", 14_900),
]
NAMES = ["marit.solberg", "olu.adeyemi", "chen.wei", "ines.duarte", "tomas.novak", "fatima.zahra", "jan.de.vries"]
PEOPLE = [f"{name}{number or ''}@lanternworks.example" for number in range(6) for name in NAMES]
DEPARTMENTS = ["Research", "Sales", "Workshop", ""]
TIMES = [0, 0, 1, 1, 2, 3, 5, 8, 12, 21, 34]


@pytest.fixture
def admin(transactional_db):
    """The admin of an organisation whose people have been assigned courses for months, and have taken most of them up."""
    money = {"deposit_cents": 6_000_000, "limit_cents": 3_000_000}
    house = factories.make_house(name="Lanternworks Cooperative", slug="lanternworks", **money)
    now = clock.now()
    for number, (key, title, subject, price) in enumerate(COURSES):
        course = factories.make_course(key, title=title, price_cents=price, subject=subject, partner=key.split("+")[0])
        factories.make_run(course, f"course-v1:{key}+R1", start=now + timedelta(days=30))
        start = now - timedelta(days=75 - 20 * number)
        with clock.at(start):
            rows = assigned(house.budget, PEOPLE[: 14 + 3 * number], key)
        for place, days in enumerate(TIMES):
            with clock.at(min(now, start + timedelta(days=days, hours=place))):
                accept(rows[place : place + 1])
        for row in rows[len(TIMES) : len(TIMES) + 2]:
            row.add_successful_notified_action()
        services.cancel_many(keys(rows[-1:]), actor=CONSOLE)
        services.reverse_many(keys(rows[:1]), actor=CONSOLE)
    for place, person in enumerate(Person.objects.order_by("email")):
        name = person.email.partition("@")[0].replace(".", " ").title()
        manager = f"lead{place % 2}@lanternworks.example" if place % 5 else ""
        Person.objects.filter(pk=person.pk).update(name=name, department=DEPARTMENTS[place % 4], manager_email=manager)
    return factories.make_member(house.customer, email="learning@lanternworks.example")


@pytest.mark.screenshots
@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_an_admin_goes_through_the_reports(visit, admin, size, scheme):
    page = visit(f"{HOME}?period=all", admin, size=size, scheme=scheme)
    for name, tab in (
        ("reach", ""),
        ("time", "Time to accept"),
        ("spend", "Spend"),
        ("open", "Who did not accept"),
        ("addresses", "Addresses to copy"),
    ):
        if tab:
            follow(page.get_by_role("link", name=tab, exact=True))
        expect(page.get_by_label("Period", exact=True)).to_have_value("all")
        assert_accessible(page)
        shoot(page, f"admin-reports-{name}-{size}-{scheme}")


def test_who_did_not_accept_is_read_without_scrolling_on_a_desktop(visit, admin):
    page = visit(f"{HOME}not-accepted/?period=all", admin)
    table = page.locator("main .scroll")
    assert table.evaluate("it => it.scrollWidth <= it.clientWidth")
    assert min(cell.bounding_box()["width"] for cell in page.locator("td.titled").all()) > 150


def test_filters_stay_from_one_report_to_the_next_without_scripts(visit, admin):
    page = visit(HOME, admin, scripts=False)
    page.get_by_label("Department", exact=True).select_option("Sales")
    page.get_by_label("Period", exact=True).select_option("From one day to another")
    page.get_by_label("From", exact=True).fill("2020-01-01")
    follow(page.get_by_role("button", name="Show"))
    expect(page.get_by_label("From", exact=True)).to_have_value("2020-01-01")
    follow(page.get_by_role("link", name="Spend"))
    expect(page.get_by_label("Department", exact=True)).to_have_value("is:Sales")
    expect(page.get_by_role("heading", name="Spend by department")).to_be_visible()
    with page.expect_download() as file:
        page.get_by_role("link", name="Spend by subject, CSV").click()
    assert file.value.suggested_filename.startswith("spend-by-subject-")


def test_days_are_asked_for_only_when_they_count(visit, admin):
    page = visit(HOME, admin)
    expect(page.get_by_label("From", exact=True)).to_be_hidden()
    page.get_by_label("Period", exact=True).select_option("From one day to another")
    expect(page.get_by_label("From", exact=True)).to_be_visible()

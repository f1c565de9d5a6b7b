"""Assigning in a browser: a list is checked while it is typed, and done by one button; on phone and desktop, without script too."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect
from tests.browser.looking import LOOKS, assert_accessible, follow, shoot
from tests.db.verbs.steps import assigned

from bursar.assignments.models import LearnerContentAssignment
from bursar.kernel import clock
from bursar.testing import factories

pytestmark = pytest.mark.django_db(transaction=True)
COURSES = [
    ("HarvardX+PH125.1x", "Data Science: R Basics", "HarvardX", 4_900),
    ("EdxX+HTLO100", "How to Learn Online", "edX", 19_900),
    ("MITx+6.00.1x", "Introduction to Computer Science and Programming Using Python", "MITx", 14_900),
    ("DelftX+ECO101", "Circular Economy: An Introduction", "DelftX", 9_900),
]
LIST = """marit.solberg@lanternworks.example
olu.adeyemi@lanternworks.example
MARIT.SOLBERG@lanternworks.example
chen.wei@gmial.com
not an address
ines.duarte@lanternworks.example"""


@pytest.fixture
def world(transactional_db):
    """An organisation with a budget and courses, one of them with runs; somebody has a course already."""
    customer = factories.make_customer("Lanternworks Cooperative", slug="lanternworks")
    now = clock.now()
    fund = factories.make_fund(customer, deposit_cents=6_000_000, expires_at=now + timedelta(days=300))
    budget = factories.make_budget(fund, limit_cents=2_500_000, display_name="Learning")
    for key, title, partner, price in COURSES:
        course = factories.make_course(key, title=title, partner=partner, price_cents=price)
        if key.startswith("MITx"):
            for number, days in enumerate((-30, 20, 70), start=1):
                start = now + timedelta(days=days)
                enroll_by = start + timedelta(days=7)
                factories.make_run(course, f"course-v1:{key}+{number}T2027", start=start, enroll_by=enroll_by)
    assigned(budget, ["ines.duarte@lanternworks.example"], "MITx+6.00.1x")
    return {"admin": factories.make_member(customer, email="learning@lanternworks.example"), "budget": budget}


def at(world):
    return f"/admin-portal/lanternworks/budgets/{world['budget'].pk}/assign/"


@pytest.mark.screenshots
@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_a_course_is_assigned_from_the_list_to_the_result(visit, world, size, scheme):
    page = visit(at(world), world["admin"], size=size, scheme=scheme)
    assert_accessible(page)
    shoot(page, f"admin-assign-courses-{size}-{scheme}")
    page.get_by_role("searchbox").fill("python")
    page.get_by_role("heading", name="How to Learn Online").wait_for(state="detached")
    follow(page.get_by_role("link", name="Choose", exact=True))
    page.get_by_label("People", exact=True).fill(LIST)
    page.get_by_text("did you mean gmail.com?").wait_for()
    expect(page.get_by_text("named again, first in line 1")).to_be_visible()
    assert_accessible(page)
    shoot(page, f"admin-assign-people-{size}-{scheme}")
    follow(page.get_by_role("button", name="See what would happen"))
    page.get_by_role("heading", name="This is what would happen").wait_for()
    expect(page.get_by_text("did you mean gmail.com?")).to_be_visible()
    assert {chip.bounding_box()["height"] < 30 for chip in page.locator("td .chip").all()} == {True}
    assert_accessible(page)
    shoot(page, f"admin-assign-plan-{size}-{scheme}")
    follow(page.get_by_role("button", name="Assign exactly this"))
    page.get_by_role("heading", name="Row by row").wait_for()
    for figure in page.locator(".stat dd").all():
        assert figure.bounding_box()["height"] < 50, figure.inner_text()
    assert LearnerContentAssignment.objects.count() == 4
    assert_accessible(page)
    shoot(page, f"admin-assign-result-{size}-{scheme}")


def test_it_works_without_script(visit, world):
    page = visit(f"{at(world)}people/?content=EdxX%2BHTLO100", world["admin"], scripts=False)
    page.get_by_label("People", exact=True).fill("ada@lanternworks.example")
    follow(page.get_by_role("button", name="See what would happen"))
    follow(page.get_by_role("button", name="Assign exactly this"))
    expect(page.get_by_text("ada@lanternworks.example")).to_be_visible()


def test_a_file_is_checked_as_soon_as_it_is_picked(visit, world):
    page = visit(f"{at(world)}people/?content=EdxX%2BHTLO100", world["admin"])
    file = {
        "name": "people.csv",
        "mimeType": "text/csv",
        "buffer": b"email,name\nada@lanternworks.example,Ada\nnobody,\n",
    }
    page.get_by_label("Or a file").set_input_files(file)
    page.get_by_text("Not an e-mail address.").wait_for()


def test_what_was_assigned_is_undone_after_a_question(visit, world):
    page = visit(f"{at(world)}people/?content=EdxX%2BHTLO100", world["admin"])
    page.get_by_label("People", exact=True).fill("ada@lanternworks.example")
    follow(page.get_by_role("button", name="See what would happen"))
    follow(page.get_by_role("button", name="Assign exactly this"))
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("dialog").get_by_role("button", name="Take it back")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Take it back").click()
    page.get_by_text("1 assignment was taken back.").wait_for()

"""The first page of each portal in a browser: light and dark, phone and desktop, without complaints."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from playwright.sync_api import expect
from tests.browser.looking import LOOKS, assert_accessible, shoot
from tests.db.verbs.steps import accept, allocate

from bursar.assignments.models import LearnerContentAssignment
from bursar.kernel import clock
from bursar.people.models import Role
from bursar.testing import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(transactional_db):
    """An organisation with budgets of every phase, an admin, and a learner with courses."""
    customer = factories.make_customer("Lanternworks Cooperative", slug="lanternworks")
    now = clock.now()
    fund = factories.make_fund(
        customer, deposit_cents=6_000_000, title="Learning and development", expires_at=now + timedelta(days=300)
    )
    ending = factories.make_fund(
        customer, deposit_cents=500_000, title="Grant of the city", expires_at=now + timedelta(days=40)
    )
    later = factories.make_fund(customer, deposit_cents=500_000, title="Next year", starts_at=now + timedelta(days=60))
    learning = factories.make_budget(
        fund, limit_cents=4_000_000, display_name="Learning", description="Courses for everybody who works here."
    )
    nearly = factories.make_budget(
        ending, limit_cents=500_000, display_name="Data skills", description="For the analysts."
    )
    factories.make_budget(later, limit_cents=100_000, display_name="Onboarding")
    courses = [
        ("HarvardX+PH125.1x", "Data Science: R Basics", 4_900),
        ("EdxX+HTLO100", "How to Learn Online", 19_900),
        ("MITx+6.00.1x", "Introduction to Computer Science and Programming Using Python", 14_900),
    ]
    for key, title, price in courses:
        factories.make_course(key, title=title, price_cents=price)
    learner = factories.make_member(customer, Role.LEARNER, email="marit.solberg@lanternworks.example")
    admin = factories.make_member(customer, Role.ADMIN, email="learning@lanternworks.example")
    for key, *_ in courses:
        allocate(learning, ["marit.solberg@lanternworks.example"], key)
    allocate(learning, 60, "EdxX+HTLO100")
    allocate(nearly, 28, "MITx+6.00.1x")
    accept(list(LearnerContentAssignment.objects.filter(content_key="EdxX+HTLO100")[:30]))
    return {"admin": admin, "learner": learner, "customer": customer}


@pytest.mark.screenshots
@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_the_admins_first_page_shows_the_budgets(visit, world, size, scheme):
    page = visit("/admin-portal/lanternworks/", world["admin"], size=size, scheme=scheme)
    expect(page.get_by_role("heading", level=1)).to_have_text("Budgets")
    expect(page.get_by_role("heading", name="Learning", exact=True)).to_be_visible()
    assert_accessible(page)
    shoot(page, f"admin-budgets-{size}-{scheme}")


@pytest.mark.screenshots
@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_the_learners_first_page_shows_their_courses(visit, world, size, scheme):
    page = visit("/learn/lanternworks/", world["learner"], size=size, scheme=scheme)
    expect(page.get_by_role("heading", level=1)).to_have_text("Your courses")
    assert_accessible(page)
    shoot(page, f"learner-courses-{size}-{scheme}")


@pytest.mark.screenshots
@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_the_start_page_leads_to_both_sides(visit, world, size, scheme):
    page = visit("/", size=size, scheme=scheme)
    assert_accessible(page)
    if size == "desktop":
        shoot(page, f"start-{scheme}")


@pytest.mark.screenshots
@pytest.mark.parametrize("language", ["de", "es"])
def test_the_first_pages_speak_the_readers_language(visit, world, language):
    for path, who, name in (
        ("/admin-portal/lanternworks/", world["admin"], "admin-budgets"),
        ("/learn/lanternworks/", world["learner"], "learner-courses"),
        ("/", None, "start"),
    ):
        page = visit(path, who, language=language)
        expect(page.locator("html")).to_have_attribute("lang", language)
        assert_accessible(page)
        shoot(page, f"{name}-{language}")


def test_the_organisation_is_switched_by_keyboard(visit, world):
    other = factories.make_customer("Aardvark School", slug="aardvark")
    user = get_user_model().objects.get(pk=world["admin"].user_id)
    factories.make_member(other, Role.ADMIN, user=user)
    page = visit("/admin-portal/lanternworks/", world["admin"])
    menu = page.locator(".customer-menu")
    menu.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(menu.get_by_role("link", name="Aardvark School")).to_be_visible()
    assert_accessible(page)
    page.keyboard.press("Escape")
    expect(menu.get_by_role("link", name="Aardvark School")).to_be_hidden()
    expect(menu.locator("summary")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin-portal/aardvark/")
    expect(page.get_by_text("No budget yet")).to_be_visible()
    assert_accessible(page)


def test_a_part_that_fails_is_said_in_words(visit, world):
    page = visit("/admin-portal/lanternworks/", world["admin"], forgive=["404"])
    page.evaluate("htmx.ajax('GET', '/nowhere', {target: 'main'})")
    page.locator("#toasts").get_by_text("That did not work").wait_for()
    expect(page.get_by_role("heading", name="Budgets")).to_be_visible()


@pytest.mark.screenshots
def test_where_one_may_not_be_or_nothing_is_a_page_says_so(visit, world):
    for path, who, name in (
        ("/admin-portal/lanternworks/", world["learner"], "no-permission"),
        ("/nowhere", None, "not-found"),
    ):
        page = visit(path, who, forgive=["status of 40"])
        assert_accessible(page)
        shoot(page, name)

"""The people who assign, in a browser: the table of a budget, reminding and cancelling, one assignment, and requests."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect
from tests.browser.looking import LOOKS, assert_accessible, follow, shoot
from tests.db.surroundings import configure
from tests.db.verbs.steps import accept, assigned, later, tick

from bursar.assignments import services
from bursar.assignments.constants import AssignmentActionErrors, AssignmentActions
from bursar.assignments.models import LearnerContentAssignment, LearnerContentAssignmentAction
from bursar.assignments.services import Reply
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.testing import factories

__all__ = ["configure"]
pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)
PEOPLE = [
    *("marit.solberg", "jonas.weber", "ines.carvalho", "tomas.novak", "aisha.rahman", "lena.fischer", "pablo.ortega"),
    *("yuki.tanaka", "noor.haddad", "emil.larsen", "sara.lindqvist", "diego.ramirez"),
]
COURSES = {"HarvardX+PH125.1x": "Data Science: R Basics", "DelftX+WW101": "Writing well"}
BUDGET = "/admin-portal/lanternworks/budgets"


def address(name):
    return f"{name}@lanternworks.example"


@pytest.fixture
def house(transactional_db):
    """A budget in which people wait, one is due soon, mails failed, one was reminded, one asks for time, one declined."""
    house = factories.make_house(name="Lanternworks Cooperative", slug="lanternworks", deposit_cents=6_000_000)
    for place, (key, title) in enumerate(COURSES.items()):
        factories.make_course(key, title=title, partner=key.split("+")[0], price_cents=9_900 + 5_000 * place)
    with later(-30 * DAY):
        told = assigned(house.budget, [address(name) for name in PEOPLE[:9]], "HarvardX+PH125.1x")
        accept(told[8:9])
        tick()
    fresh = assigned(house.budget, [address(name) for name in PEOPLE[9:]], "DelftX+WW101")
    LearnerContentAssignmentAction.objects.record_many(
        [row.pk for row in fresh[:2]], AssignmentActions.NOTIFIED, error=AssignmentActionErrors.EMAIL_ERROR
    )
    services.extend_many([told[1].pk], until=clock.now() + 6 * DAY, why="Wanted to begin soon", actor=CONSOLE)
    services.remind_many([told[2].pk], actor=CONSOLE)
    services.request_time_many([Reply(told[0].pk, words="I am on leave until the end of May.")], actor=CONSOLE)
    services.decline_many([Reply(told[7].pk, reason="not_me", words="You mean my colleague Yuka.")], actor=CONSOLE)
    return house


@pytest.fixture
def admin(house):
    return factories.make_member(house.customer, email="ada.brandt@lanternworks.example")


def first():
    return LearnerContentAssignment.objects.get(learner_email=address(PEOPLE[0]))


@pytest.mark.screenshots
@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_the_table_is_read_searched_and_explained(visit, house, admin, size, scheme):
    page = visit(f"{BUDGET}/{house.budget.pk}/assigned/", admin, size=size, scheme=scheme)
    assert_accessible(page)
    shoot(page, f"admin-assigned-{size}-{scheme}")
    page.get_by_role("button", name="Failed: Bad email").first.click()
    expect(page.get_by_text("Hand the course over to the right address")).to_be_visible()
    assert_accessible(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name=f"What to do with {address('jonas.weber')}").click()
    expect(page.get_by_role("link", name="Hand over")).to_be_visible()
    if (size, scheme) == LOOKS[0]:
        page.evaluate("scrollTo(0, 0)")
        shoot(page, "admin-assigned-row")
    page.keyboard.press("Escape")
    page.get_by_role("searchbox").fill("marit")
    page.get_by_text(address("jonas.weber"), exact=True).wait_for(state="detached")
    expect(page.get_by_text(address("marit.solberg"), exact=True)).to_be_visible()


def test_a_very_long_address_neither_widens_the_page_nor_hides_a_column(visit, house, admin):
    long = f"{'w' * 60}@{'sub.' * 20}example.org"
    assigned(house.budget, [long], "DelftX+WW101")
    page = visit(f"{BUDGET}/{house.budget.pk}/assigned/?q=wwww", admin)
    expect(page.get_by_role("button", name=f"What to do with {long}")).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), "too wide"


@pytest.mark.screenshots
@pytest.mark.parametrize("scripts", [True, False])
def test_rows_are_picked_and_cancelled_after_a_question(visit, house, admin, scripts):
    page = visit(f"{BUDGET}/{house.budget.pk}/assigned/", admin, scripts=scripts)
    for name in PEOPLE[3:5]:
        page.get_by_label(f"Pick {address(name)}").check()
    if scripts:
        page.evaluate("scrollTo(0, 0)")
        shoot(page, "admin-assigned-picked")
        expect(page.get_by_text("2 picked")).to_be_visible()
    follow(page.get_by_role("button", name="Cancel", exact=True))
    page.get_by_role("heading", name="Cancel 2 assignments?").wait_for()
    expect(page.get_by_text("$198.00 become free again")).to_be_visible()
    if scripts:
        assert_accessible(page)
        shoot(page, "admin-assigned-cancel")
    follow(page.get_by_role("button", name="Cancel them"))
    expect(page.get_by_text("2 assignments were cancelled")).to_be_visible()
    assert LearnerContentAssignment.objects.filter(state="cancelled").count() == 3


def test_all_that_match_are_reminded_in_parts_that_follow_by_themselves(visit, house, admin, monkeypatch, configure):
    configure(chunk_size=2)
    monkeypatch.setattr("bursar.admin_portal.assigned.views.AT_ONCE", 2)
    page = visit(f"{BUDGET}/{house.budget.pk}/assigned/?status=waiting", admin)
    page.get_by_role("button", name="Remind 7").click()
    page.get_by_role("button", name="Remind", exact=True).click()
    page.get_by_text("6 people are being reminded.").wait_for()
    page.wait_for_url("**/assigned/?status=waiting")
    expect(page.get_by_text("because it is being reminded already")).to_be_visible()


@pytest.mark.screenshots
@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_one_assignment_is_told_extended_and_handed_on(visit, house, admin, size, scheme):
    page = visit(f"/admin-portal/lanternworks/assignments/{first().pk}/", admin, size=size, scheme=scheme)
    assert_accessible(page)
    shoot(page, f"admin-assignment-{size}-{scheme}")
    follow(page.get_by_role("link", name="Another deadline"))
    assert_accessible(page)
    page.get_by_label("Until when?").fill(f"{clock.now() + 40 * DAY:%Y-%m-%d}")
    follow(page.get_by_role("button", name="Set the deadline"))
    page.get_by_text("The deadline is").wait_for()
    follow(page.get_by_role("link", name="Hand over"))
    assert_accessible(page)
    shoot(page, f"admin-hand-over-{size}-{scheme}")
    page.get_by_label("E-mail address").fill("eve@lanternworks.example")
    follow(page.get_by_role("button", name="Hand it over"))
    page.get_by_text("handed to eve@lanternworks.example").wait_for()
    assert first().state == "cancelled"


@pytest.mark.screenshots
@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_a_request_is_answered(visit, house, admin, size, scheme):
    page = visit("/admin-portal/lanternworks/requests/", admin, size=size, scheme=scheme)
    assert_accessible(page)
    shoot(page, f"admin-requests-{size}-{scheme}")
    follow(page.get_by_role("link", name="Answer"))
    assert_accessible(page)
    shoot(page, f"admin-request-{size}-{scheme}")
    follow(page.get_by_role("button", name="Give more time"))
    page.get_by_text("They have more time").wait_for()
    expect(page.get_by_text("Nobody waits for an answer")).to_be_visible()

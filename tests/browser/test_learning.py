"""A learner in a browser: from the list to accepting on a phone, by mail without an account, declining, the keyboard alone."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect
from tests.browser.looking import LOOKS, assert_accessible, follow, shoot
from tests.db.verbs.steps import accept, assigned, fresh

from bursar.assignments import services
from bursar.assignments.models import LearnerContentAssignment
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.people.answer_tokens import Purpose, answer_token
from bursar.people.models import Role
from bursar.testing import factories

pytestmark = pytest.mark.django_db(transaction=True)
MARIT = "marit.solberg@lanternworks.example"
COURSES = {
    "HarvardX+PH125.1x": "Data Science: R Basics",
    "EdxX+HTLO100": "How to Learn Online",
    "MITx+6.00.1x": "Introduction to Computer Science and Programming Using Python",
    "DelftX+WW101": "Writing well",
    "KyotoX+STAT1": "Statistics for everybody",
}


@pytest.fixture
def learner(transactional_db):
    """Marit, with a course that waits, one that is due soon, one accepted, one cancelled, and a request that waits."""
    house = factories.make_house(name="Lanternworks Cooperative", slug="lanternworks", deposit_cents=6_000_000)
    now = clock.now()
    for key, title in COURSES.items():
        course = factories.make_course(key, title=title, partner=key.split("+")[0])
        for number, name in enumerate(("spring", "summer"), start=1):
            start = now + timedelta(days=60 * number)
            factories.make_run(course, f"course-v1:{key}+{name}", start=start, enroll_by=start - timedelta(days=7))
    marit = factories.make_member(house.customer, Role.LEARNER, email=MARIT)
    rows = {key: assigned(house.budget, [MARIT], key)[0] for key in COURSES}
    accept([rows["EdxX+HTLO100"]])
    services.cancel_many([rows["DelftX+WW101"].pk], actor=CONSOLE)
    services.extend_many([rows["MITx+6.00.1x"].pk], until=now + timedelta(days=6), why="", actor=CONSOLE)
    asked = services.Reply(rows["KyotoX+STAT1"].pk, marit.lms_user_id, words="I am away in May.")
    services.request_time_many([asked], actor=marit)
    return marit


def waiting():
    return LearnerContentAssignment.objects.get(content_key="HarvardX+PH125.1x")


def link(purpose):
    row = waiting()
    until = clock.now() + timedelta(days=90)
    return f"/answer/{answer_token(purpose, row.pk, row.cycle, until, row.learner_email_key)}/"


@pytest.mark.screenshots
@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_a_learner_accepts_from_the_list_with_one_button(visit, learner, size, scheme):
    page = visit("/learn/lanternworks/", learner, size=size, scheme=scheme)
    assert_accessible(page)
    shoot(page, f"learner-waiting-{size}-{scheme}")
    follow(page.get_by_role("article", name=COURSES["HarvardX+PH125.1x"]).get_by_role("link", name="Go to enrolment"))
    assert_accessible(page)
    shoot(page, f"learner-course-{size}-{scheme}")
    page.get_by_label("summer").check()
    follow(page.get_by_role("button", name="Accept"))
    expect(page.get_by_role("heading", name="You are in")).to_be_visible()
    expect(page.get_by_role("link", name="Go to the course")).to_have_attribute("href", re.compile("summer$"))
    assert_accessible(page)
    shoot(page, f"learner-accepted-{size}-{scheme}")


@pytest.mark.screenshots
@pytest.mark.parametrize("scripts", [True, False])
def test_somebody_without_an_account_accepts_from_the_mail(visit, learner, scripts):
    page = visit(link(Purpose.ACCEPT), size="phone", scripts=scripts)
    if scripts:
        assert_accessible(page)
        shoot(page, "answer-accept-phone")
    follow(page.get_by_role("button", name="Accept"))
    expect(page.get_by_role("heading", name="You are in")).to_be_visible()
    assert fresh(waiting()).state == "accepted"


@pytest.mark.screenshots
def test_somebody_without_an_account_declines_or_asks_for_more_time(visit, learner):
    page = visit(link(Purpose.MORE_TIME), size="phone")
    assert_accessible(page)
    shoot(page, "answer-more-time-phone")
    follow(page.get_by_role("button", name="Ask", exact=True))
    expect(page.get_by_text("it has not been answered yet")).to_be_visible()
    page = visit(link(Purpose.DECLINE), size="phone")
    page.get_by_label("somebody else was meant").check()
    assert_accessible(page)
    shoot(page, "answer-decline-phone")
    follow(page.get_by_role("button", name="Decline the course"))
    expect(page.get_by_role("heading", name="You have declined it", level=1)).to_be_visible()
    assert_accessible(page)


def test_a_warning_that_was_dismissed_stays_away_and_the_keyboard_reaches_all(visit, learner):
    page = visit("/learn/lanternworks/", learner)
    news = page.locator("[data-seen]")
    news.get_by_role("button", name="Dismiss").focus()
    page.keyboard.press("Enter")
    expect(news).to_be_hidden()
    page.reload()
    expect(news).to_be_hidden()
    page.locator(".alert").get_by_role("button", name="Dismiss").first.focus()
    page.keyboard.press("Enter")
    page.get_by_text("is not assigned to you any more").wait_for(state="detached")


@pytest.mark.screenshots
def test_a_link_that_is_none_says_so(visit, transactional_db):
    page = visit("/answer/nothing/", forgive=["status of 404"])
    expect(page.get_by_role("heading", name="This link does not work")).to_be_visible()
    assert_accessible(page)

"""The walk of the start page in a browser: as Lou, by mail, as Marit, and back to the money."""

import pytest
from playwright.sync_api import expect
from tests.browser.looking import assert_accessible, follow, shoot
from tests.db.verbs.steps import assigned, tick

from bursar.assignments import flows
from bursar.assignments.models import LearnerContentAssignment
from bursar.people.demo_logins import LOGINS, SLUG
from bursar.people.models import Role
from bursar.people.services import set_staff
from bursar.testing import factories

pytestmark = pytest.mark.django_db(transaction=True)
COURSE = "HarvardX+PH125.1x"
MARIT = LOGINS[0].address


@pytest.fixture
def budget(transactional_db, settings, tmp_path):
    """The budget of a demonstration with its people."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.BURSAR = {
        **settings.BURSAR, "mode": "demo", "require_mfa": "no", "mail_port": "bursar.adapters.mail_django.DjangoMail",
        "mail_dir": str(tmp_path / "mail"), "enrolment_port": "bursar.adapters.enrolment_direct.DirectEnrolment",
    }  # fmt: skip
    settings.EMAIL_BACKEND, settings.EMAIL_FILE_PATH = "bursar.adapters.mail_files.FileBackend", str(tmp_path / "mail")
    factories.make_course(COURSE, title="Data Science: R Basics", partner="HarvardX", runs=[f"course-v1:{COURSE}+1"])
    house = factories.make_house(
        name="Lanternworks Cooperative", slug=SLUG, deposit_cents=6_000_000, limit_cents=4_000_000
    )
    for login in LOGINS:
        user = flows.create_account(login.address, password=login.password, name=login.name)
        factories.make_member(None if login.role == Role.OPERATOR else house.customer, login.role, user=user)
        set_staff(user, staff=login.role == Role.OPERATOR)
    return house.budget


def be(page, name, place=0):
    page.goto("/")
    page.locator("#walk").wait_for()
    follow(page.get_by_role("button", name=f"Sign in as {name}").nth(place))


def test_a_newcomer_walks_through_both_sides(visit, budget):
    page = visit("/")
    be(page, "Lou Adeyemi")
    page.get_by_role("heading", level=1).wait_for()
    assert f"/admin-portal/{SLUG}/" in page.url
    assigned(budget, [MARIT], COURSE)
    page.goto("/")
    follow(page.get_by_role("button", name="What is assigned"))
    page.get_by_text(MARIT).first.wait_for()
    tick()
    page.goto("/dev/mail/")
    follow(page.get_by_role("link", name=MARIT).first)
    page.frame_locator("iframe").get_by_text("Data Science: R Basics").first.wait_for()
    be(page, "Marit Solberg")
    page.get_by_role("article", name="Data Science: R Basics").get_by_role("link", name="Go to enrolment").click()
    follow(page.get_by_role("button", name="Accept"))
    page.get_by_role("link", name="Go to the course").first.wait_for()
    assert LearnerContentAssignment.objects.get().state == "accepted"
    be(page, "Lou Adeyemi", 1)
    page.get_by_role("heading", level=1).wait_for()
    expect(page.locator("main")).to_contain_text("$49")
    be(page, "Robin Castellan")
    page.get_by_text("For staff").first.wait_for()


@pytest.mark.screenshots
@pytest.mark.parametrize(("size", "scheme", "language"), [("desktop", "light", "en"), ("phone", "dark", "de")])
def test_the_start_page_can_be_used_by_everybody(visit, budget, size, scheme, language):
    page = visit("/", size=size, scheme=scheme, language=language)
    assert_accessible(page)
    page.locator("section[aria-labelledby=try]").evaluate(
        "section => section.remove()"
    )  # it names this machine's directories
    shoot(page, f"start-{size}-{scheme}-{language}")

"""Budgets in a browser: filtered, warned of and dismissed, one of them with its forecast, and what was spent from it."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect
from tests.browser.looking import LOOKS, assert_accessible, follow, shoot
from tests.db.verbs.steps import accept, assigned, keys

from bursar.assignments import services
from bursar.budgets.models import Budget, Transaction
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.testing import factories

pytestmark = pytest.mark.django_db(transaction=True)
COURSES = [
    ("HarvardX+PH125.1x", "Data Science: R Basics", 4_900),
    ("EdxX+HTLO100", "How to Learn Online", 19_900),
    ("MITx+6.00.1x", "Introduction to Computer Science and Programming Using Python", 14_900),
]
NAMES = ["marit.solberg", "olu.adeyemi", "chen.wei", "ines.duarte", "tomas.novak", "fatima.zahra", "jan.de.vries"]
PEOPLE = [f"{name}{number or ''}@lanternworks.example" for number in range(9) for name in NAMES]


@pytest.fixture
def world(transactional_db):
    """An organisation with budgets of every phase; the first has a past, and holds money over several weeks."""
    customer = factories.make_customer("Lanternworks Cooperative", slug="lanternworks")
    now = clock.now()
    funds = {
        title: factories.make_fund(customer, deposit_cents=cents, title=title, **dates)
        for title, cents, dates in (
            (
                "Learning and development",
                6_000_000,
                {"starts_at": now - timedelta(days=120), "expires_at": now + timedelta(days=300)},
            ),
            ("Grant of the city", 500_000, {"expires_at": now + timedelta(days=27)}),
            ("Next year", 500_000, {"starts_at": now + timedelta(days=60)}),
            ("Last year", 500_000, {"expires_at": now + timedelta(days=1)}),
        )
    }
    made = [
        factories.make_budget(funds[fund], limit_cents=limit, display_name=name, description=words)
        for fund, name, limit, words in (
            ("Learning and development", "Learning", 2_500_000, "Courses for everybody who works here."),
            ("Grant of the city", "Data skills", 500_000, "For the analysts."),
            ("Next year", "Onboarding", 100_000, ""),
            ("Last year", "Languages", 300_000, "Dutch and English."),
            ("Learning and development", "Leadership", 7_500, ""),
        )
    ]
    learning, data, _, languages, _ = made
    for key, title, price in COURSES:
        course = factories.make_course(key, title=title, price_cents=price)
        factories.make_run(course, f"course-v1:{key}+R1", start=now + timedelta(days=30))
    taken = []
    for number, (key, *_) in enumerate(COURSES):
        with clock.at(now - timedelta(days=60 - 9 * number)):
            taken += accept(assigned(learning, PEOPLE[:14], key))
    with clock.at(now - timedelta(days=92)):
        late = assigned(learning, PEOPLE[40:54], COURSES[0][0])
    services.expire_many(keys(late), actor=CONSOLE)
    for number, (key, *_) in enumerate(COURSES):
        with clock.at(now - timedelta(days=24 * number)):
            assigned(learning, PEOPLE[20 : 34 + 3 * number], key)
    with clock.at(now - timedelta(days=4)):
        services.reverse_many(keys(taken[-1:]), actor=CONSOLE)
    Transaction.objects.filter(assignment_uuid=taken[-3].pk).update(state="failed")
    Transaction.objects.filter(assignment_uuid=taken[-5].pk).update(state="pending")
    accept(assigned(data, PEOPLE[:20], COURSES[2][0]))
    assigned(data, PEOPLE[20:26], COURSES[2][0])
    accept(assigned(languages, PEOPLE[:4], COURSES[1][0]))
    Budget.objects.filter(pk=languages.pk).update(retired=True)
    admin = factories.make_member(customer, email="learning@lanternworks.example")
    return {"admin": admin, "learning": learning, "data": data, "languages": languages}


def place(budget, more=""):
    return f"/admin-portal/lanternworks/budgets/{budget.pk}/{more}"


@pytest.mark.screenshots
@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_an_admin_goes_from_all_budgets_to_one_and_to_what_was_spent(visit, world, size, scheme):
    page = visit("/admin-portal/lanternworks/", world["admin"], size=size, scheme=scheme)
    expect(page.get_by_role("heading", name="Onboarding")).to_be_visible()
    expect(page.get_by_role("heading", name="Languages")).to_have_count(0)
    follow(page.get_by_role("link", name="Retired"))
    expect(page.get_by_role("heading", name="Languages")).to_be_visible()
    assert_accessible(page)
    shoot(page, f"admin-budgets-all-{size}-{scheme}")
    follow(page.get_by_role("link", name="Learning", exact=True))
    page.get_by_text("The figures as a table").click()
    expect(page.get_by_role("region", name="Assigned money")).to_be_visible()
    assert_accessible(page)
    page.get_by_text("The figures as a table").click()
    page.evaluate("scrollTo(0, 0)")
    shoot(page, f"admin-budget-{size}-{scheme}")
    follow(page.get_by_role("navigation", name="Pages of").get_by_role("link", name="Spent"))
    page.get_by_text("Refunded on").first.wait_for()
    assert_accessible(page)
    shoot(page, f"admin-spent-{size}-{scheme}")


def test_a_search_replaces_the_table_while_typing_and_is_taken_away_as_a_file(visit, world):
    page = visit(place(world["learning"], "spent/"), world["admin"])
    page.get_by_role("searchbox").press_sequentially("chen")
    page.get_by_text("1–6 of 6").wait_for()
    expect(page).to_have_url(re.compile(r"\?q=chen$"))
    assert_accessible(page)
    with page.expect_download() as started:
        page.get_by_role("link", name="CSV").click()
    file = started.value
    assert file.suggested_filename.startswith("spent-learning-")
    assert "chen.wei@lanternworks.example" in file.path().read_text("utf-8-sig")
    page.get_by_role("searchbox").fill("nobody at all")
    page.get_by_text("Nothing found").wait_for()
    assert_accessible(page)


def test_what_was_dismissed_stays_away_until_it_is_news_again(visit, world):
    page = visit(place(world["data"]), world["admin"])
    news = page.locator("[data-seen]")
    news.get_by_role("button", name="Dismiss").focus()
    page.keyboard.press("Enter")
    expect(news).to_be_hidden()
    page.goto("/admin-portal/lanternworks/")
    expect(page.locator("[data-seen]")).to_be_hidden()
    page.evaluate(
        "for (const key of Object.keys(localStorage)) localStorage.setItem(key, '[\"an earlier threshold\"]')"
    )
    page.reload()
    expect(page.locator("[data-seen]")).to_be_visible()


@pytest.mark.screenshots
def test_a_budget_that_nearly_ends_and_one_that_is_over(visit, world):
    page = visit(place(world["data"]), world["admin"])
    expect(page.get_by_text("ends in 27 days").first).to_be_visible()
    assert_accessible(page)
    shoot(page, "admin-budget-ending")
    page.goto(place(world["languages"]))
    expect(page.get_by_text("This budget is out of use")).to_be_visible()
    assert_accessible(page)
    shoot(page, "admin-budget-retired")
    page.goto("/admin-portal/lanternworks/?status=expired")
    expect(page.get_by_text("No budget with such a status")).to_be_visible()
    assert_accessible(page)


def test_without_scripts_the_same_is_read_and_searched(visit, world):
    page = visit(place(world["learning"], "spent/"), world["admin"], scripts=False)
    page.get_by_role("searchbox").fill("olu")
    page.keyboard.press("Enter")
    page.get_by_text("1–6 of 6").wait_for()
    page.get_by_role("link", name="Amount").click()
    page.wait_for_url("**/spent/?q=olu&sort=-amount")
    expect(page.get_by_role("columnheader", name="Amount")).to_have_attribute("aria-sort", "descending")


@pytest.mark.screenshots
@pytest.mark.parametrize(
    ("language", "said"), [("de", "warten darauf, angenommen zu werden"), ("es", "esperan a ser aceptados")]
)
def test_a_budget_speaks_the_readers_language(visit, world, language, said):
    page = visit(place(world["learning"]), world["admin"], language=language)
    expect(page.get_by_text(said)).to_be_visible()
    assert_accessible(page)
    shoot(page, f"admin-budget-{language}")
    page.goto(place(world["learning"], "spent/"))
    assert_accessible(page)

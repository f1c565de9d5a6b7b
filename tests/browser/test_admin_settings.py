"""The settings in a browser: a text with its preview, rules that are tried before they are kept, roles, tokens, webhooks, audit."""

from datetime import timedelta

import pytest
from django.conf import settings as project
from playwright.sync_api import expect
from tests.browser.looking import LOOKS, assert_accessible, follow, shoot
from tests.db.verbs.reminding import remind_by
from tests.db.verbs.steps import assigned

from bursar.assignments import services
from bursar.assignments.models import LearnerContentAssignment, MessageText
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.people.models import ApiToken, Role
from bursar.people.services import add_member
from bursar.people.tokens import create_token
from bursar.testing import factories
from bursar.webhooks.models import Endpoint
from bursar.webhooks.services import add_endpoint

pytestmark = pytest.mark.django_db(transaction=True)
HERE = "/admin-portal/lanternworks/settings/"
BODY = (
    "Dear {{ name }},\n\nthe cooperative gives you {{ course_title }}, until {{ deadline }}.\n\nBegin here: {{ link }}"
)


@pytest.fixture
def house(transactional_db, settings):
    """An organisation with a policy, three people who wait, a text of its own, a token and a webhook."""
    settings.BURSAR = {**project.BURSAR, "webhook_port": "bursar.testing.fake_webhooks.FakeWebhooks"}
    found = factories.make_house(name="Lanternworks Cooperative", slug="lanternworks")
    for key, title in {"EdxX+HTLO100": "How to Learn Online", "DelftX+WW101": "Writing well"}.items():
        factories.make_course(key, title=title)
    remind_by(found.customer, after_days=[3, 5], per_week=1, digest=True)
    rows = assigned(found.budget, ["marit@example.org", "jose@example.org", "ana@example.org"], "EdxX+HTLO100")
    rows += assigned(found.budget, ["marit@example.org"], "DelftX+WW101")
    LearnerContentAssignment.objects.filter(pk__in=[row.pk for row in rows]).update(notified_at=clock.now())
    services.set_text(
        found.customer.pk, "assigned", "en", subject="For you: {{ course_title }}", body=BODY, actor=CONSOLE
    )
    add_member(found.customer.pk, "jonas@example.org", Role.ADMIN, actor=CONSOLE)
    until = clock.now() + timedelta(days=90)
    create_token("Nightly import", role=Role.ADMIN, customer=found.customer.pk, expires_at=until, actor=CONSOLE)
    add_endpoint(found.customer.pk, "https://hooks.example.org/bursar", types=["assignment.accepted"], actor=CONSOLE)
    return found


@pytest.fixture
def operator(house):
    return factories.make_member(None, Role.OPERATOR, email="olga@example.org")


@pytest.fixture
def admin(house):
    return factories.make_member(house.customer, email="ada@example.org")


@pytest.mark.screenshots
@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_every_page_is_for_everybody(visit, operator, size, scheme):
    endpoint = Endpoint.objects.get()
    pages = {
        "texts": "texts/", "text": "texts/assigned/en/", "reminders": "reminders/", "roles": "roles/", "tokens": "tokens/",
        "webhooks": "webhooks/", "webhook": f"webhooks/{endpoint.uuid}/", "audit": "audit/",
    }  # fmt: skip
    page = visit(HERE, operator, size=size, scheme=scheme)
    for name, place in pages.items():
        page.goto(HERE + place)
        assert_accessible(page)
        if (size, scheme) == ("desktop", "light") or name in {"texts", "reminders"}:
            shoot(page, f"admin-settings-{name}-{size}-{scheme}")


@pytest.mark.screenshots
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_rules_are_tried_in_place_before_they_are_kept(visit, operator, size):
    page = visit(f"{HERE}reminders/", operator, size=size)
    page.get_by_label("Days after somebody was told").fill("2, 4")
    page.get_by_role("button", name="What would go out this week?").click()
    page.get_by_role("heading", name="What these rules would send in the next seven days").wait_for()
    expect(page.locator("#forecast").get_by_role("row", name="ana@example.org").first).to_be_visible()
    expect(page.get_by_label("Days after somebody was told")).to_have_value("2, 4")
    assert_accessible(page)
    page.evaluate("scrollTo(0, 0)")
    shoot(page, f"admin-settings-forecast-{size}-light")
    follow(page.get_by_role("button", name="Keep", exact=True))
    expect(page.get_by_text("The rules are kept. They hold")).to_be_visible()


def test_rules_are_tried_without_scripts_too(visit, operator):
    page = visit(f"{HERE}reminders/", operator, scripts=False)
    page.get_by_role("button", name="What would go out this week?").click()
    expect(page.get_by_role("heading", name="What these rules would send in the next seven days")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_draft_is_seen_as_a_mail_before_it_is_kept(visit, operator, scripts):
    page = visit(f"{HERE}texts/assigned/en/", operator, scripts=scripts, forgive=["status of 422"])
    frame = page.frame_locator("iframe")
    frame.get_by_text("the cooperative gives you").first.wait_for()
    page.get_by_label("Text", exact=True).fill("A draft for {{ name }}: {{ link }}")
    page.get_by_role("button", name="Preview").click()
    frame.get_by_text("A draft for Ada Example").first.wait_for()
    assert MessageText.objects.get().body == BODY
    page.get_by_label("Text", exact=True).fill("No link")
    follow(page.get_by_role("button", name="Keep"))
    expect(page.get_by_text("This mail needs a placeholder that is missing")).to_be_visible()


@pytest.mark.screenshots
def test_a_token_is_made_copied_once_and_revoked_by_keyboard(visit, admin):
    page = visit(f"{HERE}tokens/", admin)
    page.get_by_label("Name").fill("Reports")
    follow(page.get_by_role("button", name="Make the token"))
    shown = page.get_by_role("status").filter(has_text="shown this once")
    expect(shown.get_by_role("button", name="Copy the token")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Revoke Reports").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    assert_accessible(page)
    follow(dialog.get_by_role("button", name="Revoke"))
    expect(page.get_by_text("The token is revoked.")).to_be_visible()
    assert ApiToken.objects.filter(revoked_at__isnull=False).count() == 1


def test_a_double_click_makes_one_token(visit, admin):
    page = visit(f"{HERE}tokens/", admin)
    page.get_by_label("Name").fill("Reports")
    page.get_by_role("button", name="Make the token").dblclick()
    page.get_by_text("shown this once").wait_for()
    assert ApiToken.objects.filter(name="Reports").count() == 1


@pytest.mark.parametrize("language", ["en", "de", "es"])
@pytest.mark.parametrize("name", ["reminders", "roles", "audit"])
def test_the_page_one_is_on_is_in_sight_among_the_tabs_of_a_phone(visit, admin, language, name):
    page = visit(f"{HERE}{name}/", admin, size="phone", language=language)
    for row in (".tabs", ".main-nav"):
        frame = page.locator(row).bounding_box()
        current = page.locator(f"{row} [aria-current]").bounding_box()
        assert current["x"] >= frame["x"] - 1
        assert current["x"] + current["width"] <= frame["x"] + frame["width"] + 1


@pytest.mark.screenshots
@pytest.mark.parametrize("language", ["de", "es"])
def test_the_settings_speak_the_language_of_the_reader(visit, operator, language):
    page = visit(f"{HERE}reminders/", operator, language=language)
    expect(page.locator("html")).to_have_attribute("lang", language)
    assert_accessible(page)
    shoot(page, f"admin-settings-reminders-{language}")

"""Every component in a browser: judged by axe in both themes, and what scripts add works with keyboard and mouse."""

import re

import pytest
from playwright.sync_api import expect
from tests.browser.looking import assert_accessible, shoot, violations

pytestmark = pytest.mark.django_db(transaction=True)
GALLERY = "/dev/pages/"
LOOKS = [("desktop", "light"), ("desktop", "dark"), ("phone", "light"), ("phone", "dark"), ("wide", "light")]


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
@pytest.mark.screenshots
def test_every_component_can_be_used_by_everybody(visit, size, scheme):
    page = visit(GALLERY, size=size, scheme=scheme)
    page.locator("details.behind").first.evaluate("it => it.open = true")
    assert_accessible(page)
    if size == "desktop":
        shoot(page, f"components-{scheme}")


def test_axe_would_notice(visit):
    page = visit(GALLERY)
    page.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=/static/pages/mark.svg>')")
    assert [rule for rule, _ in violations(page)] == ["image-alt"]


def test_the_theme_is_switched_without_loading_and_stays(visit):
    page = visit(GALLERY)
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_role("button", name="Dark").click()
    assert page.evaluate(ground) != light
    expect(page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.get_by_role("button", name="As the device says").click()
    assert page.evaluate(ground) == light


def test_without_scripts_language_and_theme_are_chosen_all_the_same(visit):
    page = visit(GALLERY, scripts=False)
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name="Deutsch").click()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page).to_have_url(re.compile(f"{GALLERY}$"))


def test_the_browsers_time_zone_reaches_the_server(visit):
    page = visit(GALLERY, zone="Asia/Tokyo")
    page.reload()
    expect(page.locator("footer")).to_contain_text("Times are in Asia/Tokyo")


def test_a_dialog_takes_the_focus_and_gives_it_back(visit):
    page = visit(GALLERY)
    opener = page.get_by_role("button", name="Ask a question")
    opener.focus()
    page.keyboard.press("Enter")
    question = page.get_by_role("dialog", name="Cancel 3 assignments?")
    expect(question).to_be_visible()
    assert_accessible(page)
    assert page.evaluate("document.activeElement.closest('dialog') !== null")
    page.keyboard.press("Escape")
    expect(question).to_be_hidden()
    expect(opener).to_be_focused()
    opener.click()
    question.get_by_role("button", name="Back").click()
    expect(question).to_be_hidden()


def test_picking_all_picks_the_page_and_says_how_many(visit):
    page = visit(GALLERY)
    everything = page.get_by_role("checkbox", name="Pick all on this page")
    everything.check()
    expect(page.locator(".picked-bar")).to_contain_text("3 picked")
    page.get_by_role("checkbox", name="Pick li.wei").uncheck()
    assert everything.evaluate("it => it.indeterminate")
    expect(page.locator("[data-picked-count]")).to_have_text("2")
    everything.click()
    everything.click()
    expect(page.locator(".picked-bar")).to_be_hidden()


def test_a_text_is_copied_and_that_is_said(visit):
    page = visit(GALLERY)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    page.locator("#toasts").get_by_text("Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == "8f14e45f-ceea-467f-a0e6-6b1d3d0c5a11"


def test_a_file_that_was_picked_is_named(visit, tmp_path):
    people = tmp_path / "people.csv"
    people.write_text("email\nann@example.org\n")
    page = visit(GALLERY)
    page.locator("input[type=file]").set_input_files(people)
    expect(page.locator(".field.file")).to_contain_text("people.csv")


def test_everything_is_reached_by_keyboard_in_the_order_of_the_page(visit):
    page = visit(GALLERY)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


def test_a_part_is_fetched_alone_and_what_it_brings_works(visit):
    page = visit(GALLERY)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Fetch a part").click()
    page.locator("#part").get_by_text("This part was fetched alone").wait_for()
    page.locator("#toasts").get_by_text("It came.").wait_for()
    page.locator("#part").get_by_role("button", name="Copy").wait_for()  # a script shows it
    assert_accessible(page)

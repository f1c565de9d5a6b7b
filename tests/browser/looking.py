"""What browser tests do with a page: go on to the next, ask whether everybody can use it, take a picture (`make screenshots`)."""

import os
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe

PICTURES = bool(os.environ.get("SCREENSHOTS"))
# Two looks have both sizes and both schemes in them; pictures are taken of all four.
LOOKS = [("desktop", "light"), ("phone", "dark"), *([("desktop", "dark"), ("phone", "light")] if PICTURES else [])]
IMAGES = Path(__file__).parents[2] / "docs" / "images"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page):
    """Return what axe finds against WCAG 2.2 AA and good practice: the rule and the elements."""
    options = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}  # what passed takes longest
    found = Axe().run(page, options=options).response["violations"]
    return [(one["id"], [node["html"] for node in one["nodes"]]) for one in found]


def assert_accessible(page):
    """Assert that axe finds nothing against WCAG 2.2 AA, and that the page does not scroll sideways."""
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), "too wide"


def follow(control):
    """Click on what leads to another page, and return once that page has come: a click alone does not wait for it."""
    with control.page.expect_navigation():
        control.click()


def shoot(page, name):
    """Write docs/images/<name>.png when pictures are asked for."""
    if PICTURES:
        IMAGES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=IMAGES / f"{name}.png", full_page=True, animations="disabled")

"""A real browser on a real server: logged-in pages, watched for what they load and complain of, judged by axe.

Needs Debian's Chromium (`make setup-browser`); without it every test here is skipped and says so. The helpers
that tests import are in `looking.py`.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client

os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright's loop runs in the thread that also prepares the rows

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
SIZES = {"desktop": (1280, 860), "phone": (390, 844), "wide": (1920, 1080)}


def pytest_collection_modifyitems(items):
    missing = pytest.mark.skip(reason=f"NO BROWSER: {CHROMIUM} is not there (make setup-browser)")
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")
            if not Path(CHROMIUM).exists():
                item.add_marker(missing)


@pytest.fixture(scope="session")
def chromium():
    """The browser, once for all tests of this process."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--force-color-profile=srgb"]
        )
        yield browser
        browser.close()


@dataclass
class Watch:
    """What a page complained of, and what it wanted from elsewhere."""

    origin: str
    forgive: tuple[str, ...]
    complaints: list = field(default_factory=list)
    elsewhere: list = field(default_factory=list)

    def on(self, page):
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._request)

    def _console(self, message):
        if message.type in {"error", "warning"} and not any(words in message.text for words in self.forgive):
            self.complaints.append(message.text)

    def _request(self, request):
        if urlsplit(request.url).scheme in {"http", "https", "ws", "wss"} and not request.url.startswith(self.origin):
            self.elsewhere.append(request.url)


@pytest.fixture
def visit(chromium, live_server):
    """Open a page as somebody (an Actor or a user; None: nobody). Afterwards no page has complained (of more than `forgive`) or asked elsewhere."""
    contexts, watches = [], []

    def open_page(
        path="/",
        who=None,
        *,
        size="desktop",
        scheme="light",
        language="en",
        scripts=True,
        zone="Europe/Berlin",
        forgive=(),
    ):
        width, height = SIZES[size]
        context = chromium.new_context(
            base_url=live_server.url,
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            locale={"en": "en-GB", "de": "de-DE", "es": "es-ES"}[language],
            timezone_id=zone,
            java_script_enabled=scripts,
            has_touch=size == "phone",
            reduced_motion="reduce",
            device_scale_factor=2 if size == "phone" else 1,
        )
        contexts.append(context)
        if who is not None:
            context.add_cookies([session_cookie(who, live_server.url)])
        page = context.new_page()
        watch = Watch(live_server.url, tuple(forgive))
        watch.on(page)
        watches.append(watch)
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [complaint for watch in watches for complaint in watch.complaints] == []
    assert [address for watch in watches for address in watch.elsewhere] == []


def session_cookie(who, url):
    """Return the cookie of a session of somebody who has logged in."""
    user = who if hasattr(who, "pk") else get_user_model().objects.get(pk=who.user_id)
    client = Client()
    client.force_login(user)
    return {
        "name": settings.SESSION_COOKIE_NAME,
        "value": client.cookies[settings.SESSION_COOKIE_NAME].value,
        "url": url,
    }

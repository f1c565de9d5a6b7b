"""The whole story against the real server, its worker and a mail server: from a CSV to acceptance, and to expiry months later."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress

import pytest
from playwright.sync_api import expect
from tests.browser.conftest import SIZES, Watch
from tests.browser.looking import assert_accessible, follow
from tests.processes import clean
from tests.smtp_server import smtp_server

LEARNER = "ines.duarte@lanternworks.example"
FORGETFUL = "kofi.mensah@lanternworks.example"
PEOPLE = f"E-mail;Name\n{LEARNER};Inês Duarte\n{FORGETFUL};Kofi Mensah\nnobody;Nobody\n{LEARNER};Inês again\n"
COURSE = "Data Science: R Basics"
FIRST_WORDS = {"en": "Budgets", "de": "Budgets", "es": "Presupuestos"}
LINK = re.compile(r"http://[0-9.:]+/answer/[\w=-]+/")


class Service:
    """`bursar run` on a directory of its own, with mails going to a server that keeps them."""

    def __init__(self, directory, mail):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.address = f"127.0.0.1:{probe.getsockname()[1]}"
        self.environment = clean() | {
            "BURSAR_MODE": "demo", "BURSAR_DATA_DIR": str(directory), "BURSAR_BIND": self.address, "BURSAR_WEB_WORKERS": "1",
            "BURSAR_TICK_EVERY": "1s", "BURSAR_SMTP_URL": f"smtp://127.0.0.1:{mail.port}",
            "BURSAR_BASE_URL": f"http://{self.address}",
        }  # fmt: skip

    @contextmanager
    def running(self, **changes):
        command = [sys.executable, "-m", "bursar.cli", "run"]
        process = subprocess.Popen(
            command,
            env=self.environment | changes,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            until(self.answers)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(30)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def answers(self):
        try:
            return urllib.request.urlopen(f"http://{self.address}/healthz", timeout=5).status == 200
        except OSError:
            return False


def until(holds, seconds=120):
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, "nothing came of it in time"
        time.sleep(0.1)
    return found


@pytest.fixture
def mails():
    with smtp_server() as server:
        yield server


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """A data directory with the demonstration in it, made once."""
    directory = tmp_path_factory.mktemp("story") / "var"
    environment = clean(BURSAR_MODE="demo", BURSAR_DATA_DIR=str(directory))
    subprocess.run([sys.executable, "-m", "bursar.cli", "demo"], env=environment, check=True, capture_output=True)
    return directory


@pytest.fixture
def service(loaded, tmp_path, mails):
    shutil.copytree(loaded, tmp_path / "var")
    return Service(tmp_path / "var", mails)


@pytest.fixture
def look(chromium, service):
    """Open the service in a browser of its own; afterwards no page may have complained or asked another host."""
    contexts, watches = [], []

    def open_browser(path, *, size, language):
        width, height = SIZES[size]
        context = chromium.new_context(
            base_url=f"http://{service.address}", viewport={"width": width, "height": height}, reduced_motion="reduce",
            locale={"en": "en-GB", "de": "de-DE", "es": "es-ES"}[language], has_touch=size == "phone",
        )  # fmt: skip
        contexts.append(context)
        page = context.new_page()
        watches.append(Watch(f"http://{service.address}", ()))
        watches[-1].on(page)
        page.goto(path)
        return page

    yield open_browser
    for context in contexts:
        context.close()
    assert [complaint for watch in watches for complaint in watch.complaints] == []
    assert [url for watch in watches for url in watch.elsewhere] == []


def told(mails, address, words):
    """Return the text of the first mail to an address that says something, once it has come."""

    def found():
        texts = [item.mail.get_body(("plain",)).get_content() for item in list(mails.taken) if item.to == address]
        return next((text for text in texts if words in text), None)

    return until(found)


@pytest.mark.parametrize(("size", "language"), [("desktop", "de"), ("phone", "es")])
def test_from_a_csv_to_acceptance_and_to_expiry(service, look, mails, size, language):
    with service.running():
        admin = look("/", size=size, language="en")
        follow(admin.get_by_role("button", name="Sign in as Lou Adeyemi").first)
        admin.get_by_role("heading", name="What is left").wait_for()
        admin.goto("/")
        follow(admin.get_by_role("button", name="Choose a course"))
        admin.get_by_role("searchbox").fill("R Basics")
        admin.get_by_role("searchbox").press("Enter")
        admin.get_by_role("article", name=COURSE).get_by_role("link", name="Choose").click()
        file = {"name": "people.csv", "mimeType": "text/csv", "buffer": PEOPLE.encode()}
        admin.get_by_label("Or a file").set_input_files(file)
        follow(admin.get_by_role("button", name="See what would happen"))
        assert_accessible(admin)
        follow(admin.get_by_role("button", name="Assign exactly this for $98"))
        admin.get_by_text(FORGETFUL).wait_for()

        letter = told(mails, LEARNER, COURSE)
        told(mails, FORGETFUL, COURSE)
        learner = look(LINK.search(letter)[0], size=size, language=language)
        expect(learner.locator("html")).to_have_attribute("lang", language)
        assert_accessible(learner)
        follow(learner.locator("main form button").last)
        learner.locator("main .chip, main h1").first.wait_for()

        first = look("/", size=size, language=language)
        expect(first.locator("html")).to_have_attribute("lang", language)
        follow(first.locator("form[action*=walk] button").first)
        follow(first.get_by_role("link", name=FIRST_WORDS[language], exact=True).first)
        expect(first.get_by_role("heading", level=1)).to_have_text(FIRST_WORDS[language])
        assert_accessible(first)

    with service.running(BURSAR_CLOCK_OFFSET="91d"):
        told(mails, FORGETFUL, "expire")
        admin = look("/", size=size, language="en")
        follow(admin.get_by_role("button", name="What is assigned"))
        admin.get_by_text("Expired", exact=False).first.wait_for()
        admin.goto(admin.url.replace("/assigned/", "/spent/"))
        expect(admin.get_by_text(LEARNER)).to_be_visible()
        expect(admin.get_by_text(FORGETFUL)).to_have_count(0)
        assert_accessible(admin)
    audit = [sys.executable, "-m", "bursar.cli", "audit"]
    assert subprocess.run(audit, env=service.environment, capture_output=True, check=False).returncode == 0

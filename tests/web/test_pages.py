"""The service's own pages: what anybody sees, what only a demonstration shows, and how failures are answered."""

import re
from datetime import UTC, datetime
from email.message import EmailMessage
from html.parser import HTMLParser
from http import HTTPStatus
from os import utime
from pathlib import Path
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import OperationalError, connection
from django.test import Client
from django.urls import path

from bursar import pages
from bursar.catalog.models import Course
from bursar.people.demo_logins import LOGINS, SLUG
from bursar.people.installation import mark_as_demo
from bursar.project import errors, urls
from bursar.project.mailbox import PAGE
from bursar.testing.factories import make_customer

pytestmark = pytest.mark.django_db
CSS = Path(pages.__file__).parent / "static" / "pages" / "site.css"


def fail(request):
    raise {"403": PermissionDenied, "400": SuspiciousOperation, "500": RuntimeError}[request.GET["with"]](
        "secret words"
    )


handler400, handler403, handler404, handler500 = urls.handler400, urls.handler403, urls.handler404, urls.handler500
urlpatterns = [*urls.urlpatterns, path("fail", fail), path("api/fail", fail), path("v1/fail", fail)]


@pytest.fixture
def mails(settings, tmp_path):
    """Keep mails under tmp_path; call it to write one."""
    settings.BURSAR = settings.BURSAR | {"mail_dir": str(tmp_path / "mail")}
    written = []

    def write(subject="Your course", *, to="José <jose@example.org>", text="Take it.", html=None, raw=None):
        assignment, message = uuid4(), uuid4()
        mail = EmailMessage()
        mail["To"], mail["Subject"], mail["Date"] = to, subject, datetime(2026, 3, 1, 12, tzinfo=UTC)
        mail.set_content(text)
        if html is not None:
            mail.add_alternative(html, subtype="html")
        file = tmp_path / "mail" / str(assignment) / f"{message}.eml"
        file.parent.mkdir(parents=True)
        file.write_bytes(mail.as_bytes() if raw is None else raw)
        written.append(file)
        utime(file, ns=(0, len(written) * 1_000_000))
        return f"/dev/mail/{assignment}/{message}/"

    return write


def mode(settings, name):
    settings.BURSAR = settings.BURSAR | {"mode": name}


def get(client, address, **options):
    response = client.get(address, **options)
    return response.status_code, response.content.decode()


# Start and health


def test_the_start_page_says_what_this_is_and_what_to_try(client):
    status, page = get(client, "/")
    assert status == 200
    assert "against a budget that cannot be overspent" in page
    for command in ("bursar allocate", "bursar tick", "bursar audit"):
        assert command in page
    assert 'href="/dev/mail/"' in page


def test_a_loaded_demonstration_says_who_one_can_be_and_nobody_else_does(client, settings):
    assert "marit.solberg" not in get(client, "/")[1]
    make_customer(slug=SLUG)
    page = get(client, "/")[1]
    for login in LOGINS:
        assert login.address in page
        assert login.password in page
    mode(settings, "production")
    assert "marit.solberg" not in get(client, "/")[1]


def test_in_production_the_start_page_leads_to_no_mails(client, settings):
    mode(settings, "production")
    status, page = get(client, "/")
    assert status == 200
    assert "/dev/mail/" not in page
    assert "bursar demo" not in page


def test_health_says_ok_while_the_database_answers(client):
    response = client.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert "no-store" in response["Cache-Control"]


def test_health_says_so_when_the_database_is_gone(client, monkeypatch):
    def refuse():
        raise OperationalError("connection refused to db.internal")

    monkeypatch.setattr(connection, "cursor", refuse)
    response = client.get("/healthz")
    assert response.status_code == 503
    assert response.json() == {"status": "unavailable", "code": "database_gone"}


@pytest.mark.parametrize("address", ["/", "/healthz", "/dev/mail/"])
def test_pages_are_read_and_nothing_else(client, address):
    assert client.post(address).status_code == 405
    assert client.head(address).status_code == 200


# Mails of a demonstration


def test_mails_are_listed_newest_first_and_read_one_by_one(client, mails):
    mails("Older")
    address = mails("Newer", text="Dear José,\ntake https://example.org/x now.")
    _, page = get(client, "/dev/mail/")
    assert page.index("Newer") < page.index("Older")
    assert "José &lt;jose@example.org&gt;" in page
    assert "1 Mar 2026, 12:00" in page
    assert f'href="{address}"' in page
    status, page = get(client, address)
    assert status == 200
    assert "Dear José" in page
    assert '<a href="https://example.org/x"' in page
    assert "<iframe" not in page
    assert get(client, f"{address}html")[0] == 404


def test_a_long_list_is_cut_into_pages(client, mails):
    for number in range(PAGE + 1):
        mails(f"Mail {number:03}")
    _, first = get(client, "/dev/mail/")
    assert "Mail 000" not in first
    assert first.count('<li><a href="/dev/mail/') == PAGE
    assert 'rel="next" href="?page=2"' in first
    assert 'rel="prev"' not in first
    _, second = get(client, "/dev/mail/?page=2")
    assert second.count('<li><a href="/dev/mail/') == 1
    assert "Mail 000" in second
    assert 'rel="next"' not in second
    assert 'rel="prev" href="?page=1"' in second


@pytest.mark.parametrize("page", ["0", "-1", "x", "", "1.5", "٣", "9" * 9, "%00", "1&page=x"])
def test_a_page_that_is_none_is_not_found(client, mails, page):
    assert get(client, f"/dev/mail/?page={page}")[0] == 404


def test_a_page_beyond_the_end_is_empty_and_says_so(client, mails):
    mails()
    status, page = get(client, "/dev/mail/?page=9")
    assert status == 200
    assert "no older mails" in page


def test_without_mails_the_list_says_how_to_get_some(client, mails):
    assert "bursar tick" in get(client, "/dev/mail/")[1]


def test_the_html_of_a_mail_is_shown_where_it_can_do_nothing(client, mails):
    address = mails(
        html="<html><head><title>x</title></head><body><script>alert(1)</script><a href='/x'>y</a></body></html>"
    )
    _, page = get(client, address)
    assert f'src="{address}html" sandbox="allow-popups allow-popups-to-escape-sandbox"' in page
    assert "alert(1)" not in page
    response = client.get(f"{address}html")
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert re.search(r"sandbox(?!.*allow-(scripts|same-origin|forms))", policy)
    assert response["X-Frame-Options"] == "SAMEORIGIN"
    assert b'<head><base target="_blank">' in response.content


def test_what_a_mail_says_is_text_and_never_markup(client, mails):
    address = mails("<b>Bold</b>", to='"<i>x</i>" <x@example.org>', text="<script>alert(1)</script>")
    for page in (get(client, "/dev/mail/")[1], get(client, address)[1]):
        assert "<b>Bold" not in page
        assert "<i>x" not in page
        assert "<script>" not in page


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\x00",
        b"Date: never\nContent-Type: text/plain; charset=nope\n\nx\xff",
        b"Content-Type: multipart/mixed\n\n",
    ],
)
def test_a_spoilt_mail_is_shown_as_far_as_it_can_be(client, mails, raw):
    address = mails(raw=raw)
    assert get(client, "/dev/mail/")[0] == 200
    assert get(client, address)[0] == 200


def test_other_files_beside_the_mails_are_not_listed(client, mails, settings):
    mails("The only one")
    directory = Path(settings.BURSAR["mail_dir"])
    (directory / "secret.eml").write_text("Subject: secret")
    (directory / "notes").mkdir()
    (directory / "notes" / f"{uuid4()}.eml").write_text("Subject: secret")
    inside = next(path for path in directory.iterdir() if path.is_dir() and path.name != "notes")
    (inside / "secret.eml").write_text("Subject: secret")
    (inside / f"{uuid4()}.txt").write_text("Subject: secret")
    (inside / f"{uuid4()}".upper()).with_suffix(".eml").write_text("Subject: secret")
    _, page = get(client, "/dev/mail/")
    assert page.count('<li><a href="/dev/mail/') == 1
    assert "secret" not in page


def test_a_mail_that_is_not_there_is_not_found(client, mails):
    mails()
    assert get(client, f"/dev/mail/{uuid4()}/{uuid4()}/")[0] == 404


@pytest.mark.parametrize(
    "address",
    [
        "/dev/mail/../../etc/passwd",
        "/dev/mail/%2e%2e/%2e%2e/",
        "/dev/mail/..%2f..%2fsecret-key/x/",
        "/dev/mail/{key}/..%2fsecret/",
        "/dev/mail/{key}/{key}%00/",
        "/dev/mail/{upper}/{upper}/",
        "/dev/mail/{key}/",
        "/dev/mail/{key}/{key}.eml/",
        "/dev/mail//{key}/",
    ],
)
def test_no_text_from_an_address_reaches_the_file_system(client, mails, settings, address):
    key = UUID("8f14e45f-ceea-467f-a0e6-6b1d3d0c5a11")
    directory = Path(settings.BURSAR["mail_dir"])
    (directory / str(key)).mkdir(parents=True)
    (directory / str(key) / f"{key}.eml").write_text("Subject: here")
    (directory / "secret.eml").write_text("Subject: secret")
    assert get(client, f"/dev/mail/{key}/{key}/")[0] == 200
    status, page = get(client, address.format(key=key, upper=str(key).upper()))
    assert status == 404
    assert "secret" not in page


@pytest.mark.parametrize("name", ["production", ""])
def test_mails_exist_only_in_a_demonstration(client, mails, settings, name):
    address = mails(html="<p>x</p>")
    assert get(client, address)[0] == 200
    mode(settings, name)
    for hidden in ("/dev/mail/", address, f"{address}html"):
        assert get(client, hidden)[0] == 404


def test_a_database_that_the_demo_filled_is_a_demonstration_unless_the_mode_says_otherwise(client, mails, settings):
    mode(settings, "")
    assert get(client, "/dev/mail/")[0] == 404
    mark_as_demo()
    assert get(client, "/dev/mail/")[0] == 200
    mode(settings, "production")
    assert get(client, "/dev/mail/")[0] == 404


def test_mails_are_kept_by_nobody_on_the_way(client, mails):
    address = mails(html="<p>x</p>")
    for page in ("/dev/mail/", address, f"{address}html"):
        assert "no-store" in client.get(page)["Cache-Control"]


# Failures


@pytest.mark.parametrize("address", ["/nowhere", "/dev", "/apis", "/healthz/"])
def test_people_get_a_page_when_nothing_is_there(client, address):
    status, page = get(client, address)
    assert status == 404
    assert "<h1>Not found</h1>" in page


@pytest.mark.urls(__name__)
@pytest.mark.parametrize(
    ("status", "title", "code"),
    [
        (400, "Bad request", "bad_request"),
        (403, "Not allowed", "forbidden"),
        (500, "Something went wrong", "server_error"),
    ],
)
def test_every_failure_is_answered_in_the_form_of_its_address_and_tells_nothing_of_the_inside(status, title, code):
    client = Client(raise_request_exception=False)
    page = client.get("/fail", {"with": status})
    openedx = client.get("/api/fail", {"with": status})
    own = client.get("/v1/fail", {"with": status})
    assert [response.status_code for response in (page, openedx, own)] == [status] * 3
    assert f"<h1>{title}</h1>" in page.content.decode()
    assert openedx.json() == {"detail": f"{title}."}
    assert own["Content-Type"] == "application/problem+json"
    body = own.json()
    assert body.pop("detail") in page.content.decode()
    assert body == {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "code": code}
    assert not [response for response in (page, openedx, own) if b"secret words" in response.content]


def test_programs_get_json_when_nothing_is_there(client):
    assert client.get("/api/v1/nowhere").json() == {"detail": "Not found."}
    assert client.get("/v1/nowhere").json()["code"] == "not_found"


def test_an_unknown_host_name_is_a_bad_request(client):
    response = client.get("/", headers={"host": "evil.example"})
    assert response.status_code == 400
    assert b"evil.example" not in response.content


def test_a_form_without_its_proof_is_told_to_reload(rf):
    response = errors.csrf_failure(rf.post("/"), "CSRF cookie not set.")
    assert response.status_code == 403
    assert b"reload" in response.content


# What holds for every page


class Outline(HTMLParser):
    """What a page is made of, as far as the rules below ask."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def all(self, name):
        return [attributes for tag, attributes in self.found if tag == name]


@pytest.fixture
def every_page(client, mails):
    address = mails(html="<p>x</p>")
    for _ in range(PAGE):
        mails()
    return [client.get(page) for page in ("/", "/dev/mail/", "/dev/mail/?page=2", address, "/nowhere")]


def test_every_page_runs_scripts_of_ours_alone_and_no_style_of_its_own(every_page):
    for response in every_page:
        outline = Outline(response.content.decode())
        policy = response["Content-Security-Policy"]
        (nonce,) = re.findall(r"'nonce-([\w-]{22,})'", policy)
        scripts = outline.all("script")
        assert [script["src"] for script in scripts] == ["/static/pages/app.js"]
        assert {script["nonce"] for script in scripts} == {nonce}
        assert not outline.all("style")
        for _, attributes in outline.found:
            assert not [name for name in attributes if name == "style" or name.startswith("on")]
        assert policy.startswith("default-src 'none'; script-src 'self' 'nonce-")
        assert "unsafe" not in policy
        assert "http" not in policy


def test_every_answer_has_a_nonce_of_its_own(client):
    policies = {client.get(page)["Content-Security-Policy"] for page in ("/", "/", "/nowhere", "/healthz")}
    assert len(policies) == 4


def test_every_answer_says_what_else_a_browser_must_not_do(client):
    response = client.get("/")
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"
    assert "camera=()" in response["Permissions-Policy"]


def test_every_page_can_be_read_without_eyes_and_without_a_mouse(every_page):
    for response in every_page:
        outline = Outline(response.content.decode())
        assert outline.all("html") == [{"lang": "en"}]
        assert len(outline.all("h1")) == len(outline.all("main")) == len(outline.all("title")) == 1
        assert all("alt" in image for image in outline.all("img"))
        assert all(frame.get("title") for frame in outline.all("iframe"))
        assert all(region.get("aria-label") for region in outline.all("nav"))
        labels = [section["aria-labelledby"] for section in outline.all("section")]
        assert set(labels) <= {attributes.get("id") for _, attributes in outline.found}
        assert outline.all("a")[0]["href"] == "#content"
        assert "width=device-width" in str(outline.all("meta"))


def test_the_stylesheet_the_scripts_and_the_icons_are_served_without_a_step_before(client):
    found = (("site.css", "text/css"), ("app.js", "text/javascript"), ("icons.svg", "image/svg+xml"))
    for name, kind in found:
        response = client.get(f"/static/pages/{name}")
        assert response.status_code == 200
        assert response["Content-Type"].startswith(kind)
        assert "Access-Control-Allow-Origin" not in response


def luminance(colour):
    digits = colour.lstrip("#")
    digits = digits if len(digits) == 6 else "".join(digit * 2 for digit in digits)
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


PAIRS = re.compile(r"--([\w-]+): light-dark\((#\w+), (#\w+)\);")


@pytest.fixture(params=["light", "dark"])
def colours(request):
    return {name: {"light": light, "dark": dark}[request.param] for name, light, dark in PAIRS.findall(CSS.read_text())}


def test_every_text_stands_out_from_its_ground(colours):
    grounds = [colours[name] for name in ("paper", "sheet", "sunk")]
    for text in ("ink", "quiet", "accent"):
        assert min(contrast(colours[text], ground) for ground in grounds) >= 4.5, text
    assert contrast(colours["accent-ink"], colours["accent"]) >= 4.5
    for tone in ("accent", "good", "warn", "bad", "info"):
        assert contrast(colours[tone], colours[f"{tone}-soft"]) >= 4.5, tone
    assert contrast(colours["ink"], colours["warn-soft"]) >= 4.5


def test_edges_of_fields_and_colours_of_charts_stand_out_from_their_ground(colours):
    assert contrast(colours["edge"], colours["sheet"]) >= 3
    for series in ("s1", "s3", "s4", "s5", "s6"):
        assert contrast(colours[series], colours["sheet"]) >= 3, series


@pytest.fixture
def course():
    known = Course.objects.create(key="LanternX+101", title="First <steps>", partner="Lantern")
    known.runs.create(key="course-v1:LanternX+101+1T2030", enroll_by=datetime(2030, 1, 31, tzinfo=UTC))
    return known


@pytest.mark.parametrize("key", ["LanternX+101", "course-v1:LanternX+101+1T2030"])
def test_the_link_of_a_demonstrations_mail_leads_to_the_course(client, course, key):
    page = client.get(f"/courses/{quote(key, safe='')}")
    assert page.status_code == 200
    assert "First &lt;steps&gt;" in page.text
    assert "31 Jan 2030</time>" in page.text


def test_a_course_that_is_not_in_the_catalog_is_not_found(client, course):
    assert client.get("/courses/LanternX+102").status_code == 404


def test_outside_a_demonstration_there_is_no_course_page(client, course, settings):
    settings.BURSAR = settings.BURSAR | {"mode": "production"}
    assert client.get("/courses/LanternX+101").status_code == 404

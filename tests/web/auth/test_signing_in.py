"""People sign in by password or by a code sent to them; strangers learn nothing, and nobody is led elsewhere."""

import re

import pytest
from django.contrib.auth import get_user_model
from django.core import mail as outbox
from django.core.cache import cache
from django.test import Client

from bursar.assignments.flows import AllocationRequest, allocate
from bursar.assignments.models import LearnerContentAssignment
from bursar.kernel.actor import CONSOLE
from bursar.people.verification import profile_says_so
from bursar.project.signin import mail
from bursar.testing import factories

pytestmark = pytest.mark.django_db

ADA = "ada@acme.example"
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def nothing_counted(settings):
    cache.clear()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # slowness is no part of these tests


@pytest.fixture
def user():
    return known()


def known(address=ADA, *, verified=True):
    user = factories.make_user(address, verified=verified)
    user.set_password(PASSWORD)
    user.save()
    return user


def log_in(client, address=ADA, password=PASSWORD, **query):
    path = "/accounts/login/" + (f"?next={query['next']}" if query else "")
    return client.post(path, {"login": address, "password": password} | query)


def ask_for_code(client, address=ADA):
    answer = client.post("/accounts/login/code/", {"email": address})
    mail.wait()
    return answer


def code():
    return re.search(r"^ {4}(\S+)$", outbox.outbox[-1].body, re.MULTILINE)[1]


def who(client):
    return client.session.get("_auth_user_id")


def words(answer):
    """Return what a page says, without what is new on each."""
    text = re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"|nonce="[^"]*"', "", answer.content.decode())
    return re.sub(r"\S+@\S+", "", text)


@pytest.mark.parametrize("spelled", [ADA, "ADA@acme.example", "  Ada@Acme.Example "])
def test_address_and_password_let_somebody_in_however_the_address_is_spelled(client, user, spelled):
    assert log_in(client, spelled)["Location"] == "/"
    assert who(client) == str(user.pk)
    assert outbox.outbox == []


def test_people_whose_addresses_only_look_alike_are_two(client):
    jose, accented = known("jose@acme.example"), known("josé@acme.example")
    get_user_model().objects.filter(pk=accented.pk).update(password="!")
    log_in(client, "josé@acme.example")
    assert who(client) is None
    log_in(client, "jose@acme.example")
    assert who(client) == str(jose.pk)


def test_a_code_goes_to_the_address_of_the_user_and_of_nobody_who_looks_alike(client, monkeypatch):
    sent = []
    monkeypatch.setattr(
        mail.flows, "send_now", lambda to, *_: sent.append(to) or "sent"
    )  # Django's takes no such address
    known("groß@acme.example")
    ask_for_code(client, "gross@acme.example")
    assert sent == []
    ask_for_code(Client(), "GROß@acme.example")
    assert sent == ["groß@acme.example"]


@pytest.mark.parametrize(
    ("address", "password"),
    [(ADA, "wrong"), (ADA, ""), ("nobody@acme.example", PASSWORD), ("nonsense", PASSWORD), ("", "")],
)
def test_nobody_else_comes_in(client, user, address, password):
    assert log_in(client, address, password).status_code == 200
    assert who(client) is None


def test_somebody_made_inactive_is_out_at_once_and_stays_out(client, user):
    log_in(client)
    get_user_model().objects.update(is_active=False)
    assert not client.get("/").wsgi_request.user.is_authenticated
    log_in(client)
    ask_for_code(client)
    assert outbox.outbox == []
    assert not client.get("/").wsgi_request.user.is_authenticated


def test_a_new_session_begins_with_signing_in(client, user):
    client.get("/accounts/login/code/")
    client.session["planted"] = 1
    session = client.session
    session["planted"] = 1
    session.save()
    client.cookies["bursar_sessionid"] = before = session.session_key
    log_in(client)
    assert client.cookies["bursar_sessionid"].value != before
    assert who(client) == str(user.pk)


def test_strangers_are_told_the_same_as_those_who_have_an_account(user):
    for path, field in (("/accounts/login/code/", "email"), ("/accounts/password/reset/", "email")):
        answers = [Client().post(path, {field: address}, follow=True) for address in (ADA, "nobody@acme.example")]
        assert words(answers[0]) == words(answers[1])
        assert answers[0].redirect_chain == answers[1].redirect_chain
    mail.wait()
    assert {message.to[0] for message in outbox.outbox} == {ADA}
    wrong = [log_in(Client(), address, "wrong") for address in (ADA, "nobody@acme.example")]
    assert words(wrong[0]) == words(wrong[1])


def test_a_mail_that_cannot_be_sent_tells_nobody_either(user, monkeypatch, settings):
    settings.EMAIL_BACKEND = "no.such.Backend"
    answers = [ask_for_code(Client(), address) for address in (ADA, "nobody@acme.example")]
    assert {(answer.status_code, answer["Location"]) for answer in answers} == {(302, "/accounts/login/code/confirm/")}


def test_the_code_of_a_mail_lets_in_and_proves_the_address(client):
    user = known(verified=False)
    budget = factories.make_budget()
    factories.make_course()
    allocate(AllocationRequest(budget, factories.COURSE), factories.make_people([ADA]), actor=CONSOLE)
    assert not profile_says_so(user)
    ask_for_code(client)
    assert client.post("/accounts/login/code/confirm/", {"code": code()}).status_code == 302
    assert who(client) == str(user.pk)
    assert profile_says_so(user)
    assert LearnerContentAssignment.objects.get().lms_user_id == user.bursar_profile.lms_user_id


def test_the_link_of_a_mail_fills_the_code_in_and_signs_nobody_in_before_the_button(client, user, settings):
    ask_for_code(client)
    mail.wait()
    link = re.search(r"https?://\S+\?code=\S+", outbox.outbox[-1].body)[0]
    assert link == f"{settings.BURSAR['base_url']}/accounts/login/code/confirm/?code={code()}"
    elsewhere = Client().get(link, follow=True)
    assert elsewhere.redirect_chain
    assert code() not in elsewhere.text
    assert f'value="{code()}"' in client.get(link).text
    assert who(client) is None
    client.post("/accounts/login/code/confirm/", {"code": code()})
    assert who(client) == str(user.pk)


def test_somebody_who_was_assigned_something_becomes_a_user_by_the_code(client):
    budget = factories.make_budget()
    factories.make_course()
    allocate(AllocationRequest(budget, factories.COURSE), factories.make_people(["Grace@acme.example"]), actor=CONSOLE)
    ask_for_code(client, "grace@acme.example")
    client.post("/accounts/login/code/confirm/", {"code": code()})
    user = get_user_model().objects.get()
    assert (who(client), user.get_username(), user.has_usable_password()) == (str(user.pk), "grace@acme.example", False)
    assert LearnerContentAssignment.objects.get().lms_user_id == user.bursar_profile.lms_user_id


def test_somebody_of_whom_nothing_is_known_does_not_become_one(client):
    ask_for_code(client, "stranger@acme.example")
    assert not get_user_model().objects.exists()
    assert outbox.outbox == []


def test_a_code_is_good_for_three_guesses(client, user):
    ask_for_code(client)
    for _ in range(3):
        client.post("/accounts/login/code/confirm/", {"code": "WRONG1"})
    client.post("/accounts/login/code/confirm/", {"code": code()})
    assert who(client) is None


def test_a_password_alone_does_not_prove_an_address(client):
    user = known(verified=False)
    log_in(client)
    mail.wait()
    assert who(client) is None
    assert not profile_says_so(user)
    client.post("/accounts/confirm-email/", {"code": code()})
    assert profile_says_so(user)
    assert who(client) == str(user.pk)


@pytest.mark.parametrize(
    ("language", "subject", "said"),
    [
        ("en", "Your code to sign in", "It is good for three minutes."),
        ("de", "Ihr Code zum Anmelden", "Er gilt drei Minuten."),
        ("es", "Su código para iniciar sesión", "Sirve durante tres minutos."),
    ],
)
def test_a_mail_of_signing_in_speaks_as_the_page_did(client, user, language, subject, said):
    client.post("/accounts/login/code/", {"email": ADA}, headers={"accept-language": language})
    mail.wait()
    sent = outbox.outbox[-1]
    assert sent.subject == subject
    assert said in sent.body


def test_a_link_for_a_new_password_leads_to_this_service_whatever_the_request_called_it(client, user, settings):
    settings.ALLOWED_HOSTS = ["*"]
    client.post("/accounts/password/reset/", {"email": ADA}, headers={"host": "evil.example"})
    mail.wait()
    link = re.search(r"https?://\S+", outbox.outbox[0].body)[0]
    assert link.startswith(settings.BURSAR["base_url"] + "/accounts/password/reset/key/")
    page = client.get(link, follow=True)
    assert page.status_code == 200
    client.post(
        page.redirect_chain[-1][0], {"password1": "another long password", "password2": "another long password"}
    )
    assert log_in(client, password="another long password")["Location"] == "/"
    assert client.get(link, follow=True).status_code == 200


def test_nobody_signs_up_by_themselves(client):
    for path in ("/accounts/signup/", "/accounts/social/signup/"):
        assert client.post(path, {"email": "x@acme.example", "password1": PASSWORD}).status_code in {301, 404}
    assert not get_user_model().objects.exists()


ELSEWHERE = [
    "//evil.example", "///evil.example", "////evil.example", "/\\evil.example", "\\\\evil.example", "\\/evil.example", "https:evil.example",
    "https:/evil.example", "https://evil.example", "http://evil.example", "HTTPS://evil.example", "https:///evil.example",
    "//evil.example/%2f..", "/%09/evil.example", "/\t/evil.example", "\t//evil.example", " //evil.example", "//evil.example@testserver",
    "//testserver@evil.example", "https://testserver@evil.example", "https://testserver.evil.example", "javascript:alert(1)",
    "JaVaScRiPt:alert(1)", "java\nscript:alert(1)", "data:text/html,x", "vbscript:x", "ftp://evil.example", "file:///etc/passwd",
    "//evil%E3%80%82example", "//evil。example", "/\n/evil.example", "/\r/evil.example", "http:\\\\evil.example", "http:///\\evil.example",
    "//[::1]", "//127.0.0.1", "//0x7f000001", "https://127.0.0.1", "@evil.example", ".evil.example", "evil.example", "?next=//evil.example",
    "//google.com/%2e%2e", "/\x00/evil.example", "\x0b//evil.example", "//;@evil.example", "http://testserver:80@evil.example",
    "https://testserver#@evil.example", "http://testserver/", "mailto:x@evil.example", "/\u2028/evil.example", "//\uff0fevil.example",
]  # fmt: skip


@pytest.mark.parametrize("following", ELSEWHERE)
def test_signing_in_leads_to_a_page_of_this_service_and_nowhere_else(client, user, following):
    answer = client.post("/accounts/login/", {"login": ADA, "password": PASSWORD, "next": following})
    assert answer.status_code == 302
    where = answer["Location"]
    assert re.match(r"/(?![/\\])[\x20-\x7e]*$", where), where
    assert client.get("/accounts/login/", {"next": following})["Location"].startswith("/")
    client.post("/accounts/logout/", {"next": following})
    assert len(ELSEWHERE) >= 50


def test_signing_in_leads_to_where_one_wanted_to_be(client, user):
    assert log_in(client, next="/courses/a?b=c")["Location"] == "/courses/a?b=c"


def test_signing_out_needs_a_form_of_ours(user):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(user)
    browser.get("/accounts/logout/")
    assert browser.post("/accounts/logout/").status_code == 403
    assert who(browser) == str(user.pk)


@pytest.mark.parametrize(
    "path",
    ["login/", "login/code/", "password/reset/", "password/reset/done/", "sso/", "inactive/", "3rdparty/login/error/"],
)
def test_a_page_brings_no_script_and_nothing_from_elsewhere(client, path):
    page = client.get(f"/accounts/{path}").content.decode()
    assert set(re.findall(r'<script[^>]* src="([^"]*)"', page)) == {"/static/pages/app.js"}
    assert page.count("<script") == 1
    assert not re.search(r'(?:src|href|action)="(?:https?:)?//', page)
    assert "style=" not in page
    assert "Skip to the content" in page


def test_too_many_tries_are_stopped_for_an_account_and_for_an_address(configure, user):
    configure(login_limit=3)
    tries = [log_in(Client(REMOTE_ADDR=f"198.51.100.{number}"), password="wrong").status_code for number in range(5)]
    assert tries == [200, 200, 200, 429, 429]
    tries = [log_in(Client(), f"x{number}@acme.example", "wrong").status_code for number in range(5)]
    assert tries == [200, 200, 200, 429, 429]
    assert "<h1>Too many attempts</h1>" in log_in(Client()).content.decode()

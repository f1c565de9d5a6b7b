"""Signing in, mails, courses and unsubscribing in a browser: usable by everybody, and led to where one wanted to go."""

from email.message import EmailMessage
from uuid import uuid4

import pytest
from playwright.sync_api import expect
from tests.browser.looking import assert_accessible, follow, shoot

from bursar.people.keys import key_of
from bursar.people.mail_tokens import link_token
from bursar.people.models import Role
from bursar.testing import factories

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "correct horse battery"
ADA = "ada@acme.example"


@pytest.fixture
def ada(settings):
    """A learner with a password."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    customer = factories.make_customer("Acme", slug="acme")
    user = factories.make_user(ADA)
    user.set_password(PASSWORD)
    user.save()
    factories.make_member(customer, Role.LEARNER, user=user)
    return user


@pytest.fixture
def letter(settings, tmp_path):
    """The address of a mail of the demonstration."""
    settings.BURSAR = settings.BURSAR | {"mail_dir": str(tmp_path / "mail"), "mode": "demo"}
    mail = EmailMessage()
    mail["To"], mail["Subject"], mail["Date"] = ADA, "Your course", "Sun, 01 Mar 2026 12:00:00 +0000"
    mail.set_content("Take it: https://example.org/x")
    mail.add_alternative("<html><head></head><body><p style='color:#123456'>Take it.</p></body></html>", subtype="html")
    assignment, message = uuid4(), uuid4()
    file = tmp_path / "mail" / str(assignment) / f"{message}.eml"
    file.parent.mkdir(parents=True)
    file.write_bytes(mail.as_bytes())
    return f"/dev/mail/{assignment}/{message}/"


@pytest.mark.screenshots
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_somebody_signs_in_and_comes_to_where_they_wanted_to_go(visit, ada, size):
    page = visit("/learn/acme/", size=size)
    assert "/accounts/login/" in page.url
    assert_accessible(page)
    shoot(page, f"sign-in-{size}")
    page.get_by_role("textbox", name="address").or_(page.locator("#id_login")).first.fill(ADA)
    page.locator("#id_password").fill("wrong")
    follow(page.get_by_role("button", name="Sign in"))
    expect(page.get_by_role("alert")).to_be_visible()
    assert_accessible(page)
    page.locator("#id_login").fill(ADA)
    page.locator("#id_password").fill(PASSWORD)
    follow(page.get_by_role("button", name="Sign in"))
    page.wait_for_url("**/learn/acme/")
    expect(page.get_by_text("No course yet")).to_be_visible()
    page.locator(".account-menu summary").click()
    follow(page.get_by_role("link", name="Log out"))
    assert_accessible(page)
    follow(page.locator("main form button"))
    page.wait_for_url(lambda url: "/learn/" not in url)


@pytest.mark.parametrize("path", ["login/code/", "password/reset/", "password/reset/done/", "sso/", "inactive/"])
@pytest.mark.parametrize("language", ["en", "de"])
def test_every_way_to_sign_in_can_be_used_by_everybody(visit, path, language):
    assert_accessible(visit(f"/accounts/{path}", language=language))


@pytest.mark.parametrize("path", ["2fa/", "2fa/totp/activate/", "password/change/"])
def test_what_belongs_to_an_account_can_be_used_by_everybody(visit, ada, path):
    assert_accessible(visit(f"/accounts/{path}", ada))


@pytest.mark.screenshots
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_mails_of_a_demonstration_are_read(visit, letter, scheme):
    page = visit("/dev/mail/", scheme=scheme)
    assert_accessible(page)
    follow(page.get_by_role("link", name="Your course"))
    expect(page.frame_locator("iframe").get_by_text("Take it.")).to_be_visible()
    assert_accessible(page)
    shoot(page, f"mail-{scheme}")


@pytest.mark.parametrize("language", ["en", "es"])
def test_reminders_are_stopped_and_wanted_again(visit, ada, language):
    customer = factories.make_customer("Lanternworks")
    page = visit(f"/unsubscribe/{link_token(customer.pk, key_of(ADA))}", language=language)
    for _ in range(2):
        assert_accessible(page)
        follow(page.locator("main form button"))

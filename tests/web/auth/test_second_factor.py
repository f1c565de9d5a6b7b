"""A second factor: what it guards, who must have one, and that it is kept as a secret."""

import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bursar.people.models import Role
from bursar.testing import factories

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"
ACTIVATE = "/accounts/2fa/totp/activate/"


@pytest.fixture(autouse=True)
def quick(settings):
    cache.clear()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # slowness is no part of these tests


@pytest.fixture
def required(configure):
    configure(require_mfa="yes")


@pytest.fixture
def customer():
    return factories.make_customer()


def somebody(role=None, customer=None, **flags):
    user = factories.make_user()
    user.set_password(PASSWORD)
    for name, value in flags.items():
        setattr(user, name, value)
    user.save()
    if role:
        factories.make_member(customer, role, user=user)
    return user


def log_in(client, user):
    return client.post("/accounts/login/", {"login": user.get_username(), "password": PASSWORD})


def code_for(secret):
    counter = next(iter(yield_hotp_counters_from_time()))
    return format_hotp_value(hotp_value(secret, counter))


def set_up(client):
    page = client.get(ACTIVATE)
    secret = page.context["form"].secret
    answer = client.post(ACTIVATE, {"code": code_for(secret)})
    assert answer.status_code == 302, answer.context["form"].errors
    cache.clear()  # a code is good once; the next one would have to be waited for
    return secret


@pytest.mark.usefixtures("required")
@pytest.mark.parametrize("role", [Role.ADMIN, Role.OPERATOR])
def test_who_may_do_more_than_learn_is_led_to_set_one_up_first(client, customer, role):
    log_in(client, somebody(role, customer))
    assert client.get("/")["Location"] == ACTIVATE
    set_up(client)
    assert client.get("/").status_code == 200


@pytest.mark.usefixtures("required")
def test_staff_of_the_service_too(client):
    log_in(client, somebody(is_staff=True))
    assert client.get("/")["Location"] == ACTIVATE


@pytest.mark.usefixtures("required")
def test_to_programs_they_are_nobody_until_then(client, customer, ask):
    log_in(client, somebody(Role.ADMIN, customer))
    assert ask().status_code == 401
    set_up(client)
    assert ask().status_code == 200


@pytest.mark.usefixtures("required")
def test_a_token_of_theirs_is_not_concerned(client, customer, ask):
    from bursar.people.tokens import create_token

    user = somebody(Role.ADMIN, customer)
    log_in(client, user)
    assert ask(Authorization=f"Bearer {create_token('t', user_id=user.pk).text}").status_code == 200


@pytest.mark.usefixtures("required")
def test_learners_need_none(client, customer):
    log_in(client, somebody(Role.LEARNER, customer))
    assert client.get("/").status_code == 200


@pytest.mark.usefixtures("required")
@pytest.mark.parametrize("path", ["/healthz", "/unsubscribe/nonsense", "/accounts/logout/"])
def test_what_is_open_to_everybody_stays_so(client, customer, path):
    log_in(client, somebody(Role.ADMIN, customer))
    assert client.get(path).status_code in {200, 404}


@pytest.mark.parametrize(
    ("wanted", "mode", "asked"),
    [("auto", "demo", 200), ("auto", "production", 302), ("no", "production", 200), ("yes", "demo", 302)],
)
def test_the_setting_decides_and_by_itself_spares_demonstrations_only(client, customer, configure, wanted, mode, asked):
    log_in(client, somebody(Role.ADMIN, customer))
    configure(require_mfa=wanted, mode=mode)
    assert client.get("/").status_code == asked


def test_a_password_alone_lets_nobody_in_who_has_one(client, customer):
    user = somebody(Role.LEARNER, customer)
    log_in(client, user)
    secret = set_up(client)
    other = Client()
    assert log_in(other, user)["Location"].startswith("/accounts/2fa/authenticate/")
    assert "_auth_user_id" not in other.session
    other.post("/accounts/2fa/authenticate/", {"code": "000000"})
    assert "_auth_user_id" not in other.session
    other.post("/accounts/2fa/authenticate/", {"code": code_for(secret)})
    assert other.session["_auth_user_id"] == str(user.pk)


@pytest.mark.usefixtures("required")
def test_a_session_from_before_has_not_shown_it(client, customer):
    user = somebody(Role.ADMIN, customer)
    earlier = Client()
    log_in(earlier, user)
    log_in(client, user)
    set_up(client)
    assert client.get("/").status_code == 200
    assert earlier.get("/").status_code == 302


def test_recovery_codes_let_somebody_in_who_has_lost_the_phone_once_each(client, customer):
    user = somebody()
    log_in(client, user)
    set_up(client)
    page = client.get("/accounts/2fa/recovery-codes/")
    code = page.context["unused_codes"][0]
    assert len(page.context["unused_codes"]) == 10
    for expected in (True, False):
        other = Client()
        log_in(other, user)
        other.post("/accounts/2fa/authenticate/", {"code": code})
        assert ("_auth_user_id" in other.session) is expected


def test_the_secrets_are_not_kept_as_they_are(client):
    user = somebody()
    log_in(client, user)
    secret = set_up(client)
    for authenticator in Authenticator.objects.all():
        assert secret not in str(authenticator.data)
    assert TOTP(Authenticator.objects.get(type="totp")).validate_code(code_for(secret))


def test_the_page_shows_the_secret_as_a_picture_of_its_own(client):
    log_in(client, somebody())
    page = client.get(ACTIVATE)
    text = page.content.decode()
    assert "<svg" in text
    assert "data:" not in text
    assert not re.search(r"<script(?! type=\"module\" src=\"/static/pages/)|style=", text)
    assert "img-src 'self'" in page["Content-Security-Policy"]


def test_a_session_costs_nothing_more_once_it_has_shown_it(client, customer, configure):
    log_in(client, somebody(Role.ADMIN, customer))
    set_up(client)
    counted = []
    for wanted in ("no", "yes"):
        configure(require_mfa=wanted)
        with CaptureQueriesContext(connection) as context:
            assert client.get("/").status_code == 200
        counted.append(len(context))
    assert counted[0] == counted[1]

"""The pair of JWT cookies of Open edX, the CSRF token that goes with it, and who wins where several are shown (row I-7)."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from tests.web.auth.probe import PATH

from bursar.api.auth import COOKIE_HEADER, HEAD_COOKIE, TAIL_COOKIE
from bursar.project.signin.conf import signin_settings
from bursar.testing import factories
from bursar.testing.jwts import Issuer, set_cookies

pytestmark = pytest.mark.django_db

LEARNER = 4711
ORIGIN = "https://admin.example.org"


@pytest.fixture
def browser(settings, believed):
    """A client that is asked for its CSRF token, as browsers are."""
    settings.ROOT_URLCONF = "tests.web.auth.probe"
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def cookies(browser, believed):
    return set_cookies(browser, believed.token(LEARNER))


def csrf(browser):
    return browser.get("/csrf/api/v1/token").json()["csrfToken"]


def test_both_halves_and_the_header_say_who_reads(browser, cookies):
    assert browser.get(PATH, headers=cookies).json()["lms_user_id"] == LEARNER


def test_a_change_needs_the_csrf_token(browser, cookies):
    assert browser.post(PATH, headers=cookies).status_code == 401
    token = csrf(browser)
    assert browser.post(PATH, headers=cookies | {"X-CSRFToken": token}).json()["lms_user_id"] == LEARNER
    assert browser.post(PATH, headers=cookies | {"X-CSRFToken": "x" * 64}).status_code == 401
    del browser.cookies["bursar_csrftoken"]
    assert browser.post(PATH, headers=cookies | {"X-CSRFToken": token}).status_code == 401


def test_the_cookies_of_an_lms_on_the_same_host_are_other_cookies(browser, cookies):
    token = csrf(browser)
    browser.cookies["csrftoken"], browser.cookies["sessionid"] = "b" * 32, "c" * 32
    assert browser.post(PATH, headers=cookies | {"X-CSRFToken": token}).status_code == 200


def test_cookies_over_https_are_of_this_host_alone():
    for is_secure, prefix in ((False, "bursar_"), (True, "__Host-bursar_")):
        named = signin_settings(is_secure=is_secure)
        assert (named["CSRF_COOKIE_NAME"], named["SESSION_COOKIE_NAME"]) == (f"{prefix}csrftoken", f"{prefix}sessionid")


def test_a_change_asked_for_by_a_page_of_another_origin_is_refused_unless_that_is_named(browser, cookies, settings):
    shown = cookies | {"X-CSRFToken": csrf(browser), "Origin": ORIGIN}
    assert browser.post(PATH, headers=shown).status_code == 401
    settings.CSRF_TRUSTED_ORIGINS = [ORIGIN]
    assert browser.post(PATH, headers=shown).status_code == 200
    assert browser.post(PATH, headers=shown | {"Origin": "null"}).status_code == 401


def test_json_sent_as_plain_text_by_a_form_is_a_change_too(browser, cookies):
    assert browser.post(PATH, "{}", content_type="text/plain", headers=cookies).status_code == 401


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "application/x-www-form-urlencoded"])
def test_a_body_that_calls_itself_a_form_is_left_to_the_operation(browser, believed, kind):
    cookies = set_cookies(browser, believed.token(LEARNER, ["enterprise_openedx_operator:*"]))
    token = csrf(browser)
    content = f'--x\r\nContent-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n{token}\r\n--x--\r\n'
    shown = cookies | {"X-CSRFToken": token}
    for path, said in (("/api/v1/assignment-configurations/", 400), ("/v1/assignments/remind", 415)):
        assert browser.post(path, content, content_type=kind, headers=shown).status_code == said
        assert browser.post(path, content, content_type=kind, headers=cookies).status_code == 401


@pytest.mark.parametrize("shown", ["false", "", "1", "truest"])
def test_without_the_header_the_cookies_are_not_looked_at(browser, cookies, shown):
    assert browser.get(PATH, headers={COOKIE_HEADER: shown}).status_code == 401


@pytest.mark.parametrize("missing", [HEAD_COOKIE, TAIL_COOKIE])
def test_half_a_token_is_none(browser, cookies, missing):
    del browser.cookies[missing]
    assert browser.get(PATH, headers=cookies).status_code == 401


def test_a_half_of_another_token_does_not_fit(browser, cookies, believed):
    for name, half in ((HEAD_COOKIE, believed.token(LEARNER + 1)), (TAIL_COOKIE, Issuer().token(LEARNER))):
        set_cookies(browser, believed.token(LEARNER))
        browser.cookies[name] = half.rpartition(".")[0 if name == HEAD_COOKIE else 2]
        assert browser.get(PATH, headers=cookies).status_code == 401


def test_cookies_of_somebody_made_inactive_are_nobody_s(browser, cookies):
    user = factories.make_user(lms_user_id=LEARNER)
    assert browser.get(PATH, headers=cookies).status_code == 200
    get_user_model().objects.filter(pk=user.pk).update(is_active=False)
    assert browser.get(PATH, headers=cookies).status_code == 401


def test_bad_cookies_are_not_made_good_by_a_session(browser, cookies):
    browser.force_login(factories.make_user())
    browser.cookies[TAIL_COOKIE] = "AAAA"
    assert browser.get(PATH, headers=cookies).status_code == 401


def test_with_the_header_and_no_such_cookie_a_session_speaks(browser):
    user = factories.make_user()
    browser.force_login(user)
    assert browser.get(PATH, headers={COOKIE_HEADER: "true"}).json()["user_id"] == user.pk


def test_a_token_in_the_authorization_header_goes_before_cookies_and_needs_no_csrf_token(browser, cookies, believed):
    other = believed.bearer(LEARNER + 1)
    assert browser.post(PATH, headers=cookies | other).json()["lms_user_id"] == LEARNER + 1
    assert browser.get(PATH, headers=cookies | {"Authorization": "Bearer nonsense"}).status_code == 401


def test_a_session_needs_the_csrf_token_to_change_anything(browser):
    browser.force_login(factories.make_user())
    assert browser.get(PATH).status_code == 200
    assert browser.post(PATH).status_code == 401
    assert browser.post(PATH, headers={"X-CSRFToken": csrf(browser)}).status_code == 200


def test_a_session_is_over_with_its_end_and_with_its_user(browser):
    user = factories.make_user()
    browser.force_login(user)
    stolen = browser.cookies["bursar_sessionid"].value
    browser.logout()
    browser.cookies["bursar_sessionid"] = stolen
    assert browser.get(PATH).status_code == 401
    browser.force_login(user)
    get_user_model().objects.filter(pk=user.pk).update(is_active=False)
    assert browser.get(PATH).status_code == 401


def test_the_csrf_token_is_had_by_anybody_and_kept_by_nobody_on_the_way(browser):
    answer = browser.get("/csrf/api/v1/token")
    assert answer.headers["Content-Type"] == "application/json"
    assert set(answer.json()) == {"csrfToken"}
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.cookies["bursar_csrftoken"]["samesite"] == "Lax"
    assert browser.post("/csrf/api/v1/token").status_code in {403, 405}

"""Who reaches the staff pages, what they may do there, and under which policy."""

import pytest
from django.contrib.auth.models import Permission as DjangoPermission
from django.test import Client
from tests.pages.test_viewer import browser

from bursar.people.models import Customer, Role
from bursar.project import csp
from bursar.staff.policy import HEADER, POLICY
from bursar.testing import factories

from .conftest import staff_client

pytestmark = pytest.mark.django_db
PAGES = ("/admin/", "/admin/bursar_people/customer/", "/admin/bursar_people/customer/new/add/", "/admin/nothing/")


@pytest.mark.parametrize("page", PAGES)
def test_who_is_not_signed_in_is_led_to_the_login_of_the_site(page, client):
    first = client.get(page)
    assert first["Location"].startswith("/admin/login/")
    assert client.get(first["Location"])["Location"].startswith("/accounts/login/?next=/admin/")


@pytest.mark.parametrize("role", [Role.LEARNER, Role.ADMIN, Role.OPERATOR])
def test_who_is_not_staff_is_refused(role):
    house = factories.make_house()
    page = browser(factories.make_member(None if role == Role.OPERATOR else house.customer, role))
    for there in PAGES:
        assert page.get(there, follow=True).status_code == 403


def test_a_login_form_of_its_own_takes_no_password(client):
    user = factories.make_user()
    user.set_password("a long enough password")
    user.is_staff = user.is_superuser = True
    user.save()
    client.post("/admin/login/", {"username": user.username, "password": "a long enough password"})
    assert "_auth_user_id" not in client.session


def test_staff_show_a_second_factor_first(staff, configure):
    configure(require_mfa="yes")
    assert staff.get("/admin/")["Location"] == "/accounts/2fa/totp/activate/"


def test_staff_without_permissions_see_no_table():
    nobody = staff_client()
    assert nobody.get("/admin/").status_code == 200
    assert nobody.get("/admin/bursar_people/customer/").status_code == 403


def allowed(client, *names):
    found = DjangoPermission.objects.filter(codename__in=names, content_type__app_label="bursar_people")
    client.user.user_permissions.set(found)
    return client


def test_looking_and_changing_are_two_permissions(house_of_one):
    looker = allowed(staff_client(), "view_customer")
    there = f"/admin/bursar_people/customer/{house_of_one.pk}/"
    assert looker.get(f"{there}change/").status_code == 200
    assert "Change details" not in looker.get(f"{there}change/").text
    assert looker.get(f"{there}do/change/").status_code == 403
    assert looker.post(f"{there}do/change/", {"name": "Other", "reason": "x"}).status_code == 403


def test_djangos_permission_alone_changes_nothing_an_operator_may_not(house_of_one):
    """What may be done at every customer is asked of `people.access`, like everywhere."""
    there = f"/admin/bursar_people/customer/{house_of_one.pk}/do/change/"
    clerk = allowed(staff_client(), "view_customer", "change_customer")
    assert clerk.get(there).status_code == 403
    factories.make_member(None, Role.OPERATOR, user=clerk.user)
    assert clerk.get(there).status_code == 200


@pytest.fixture
def house_of_one():
    return factories.make_customer("Acme", slug="acme")


def test_the_policy_of_these_pages_is_theirs_alone(staff, house_of_one):
    assert staff.get("/admin/")[HEADER] == POLICY
    elsewhere = staff.get("/")[csp.HEADER]
    assert "unsafe" not in elsewhere
    assert "unsafe-inline' 'unsafe-eval" not in POLICY
    assert "script-src 'self' 'unsafe-eval';" in POLICY
    assert "http" not in POLICY


def test_pages_are_in_english_whatever_the_browser_prefers(staff, house_of_one):
    page = staff.get("/admin/bursar_people/customer/", headers={"accept-language": "de"}).text
    assert '<html lang="en"' in page
    assert "Filters" in page


def test_a_form_from_elsewhere_does_nothing(house_of_one):
    staff = staff_client(is_superuser=True)
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = staff.cookies
    there = f"/admin/bursar_people/customer/{house_of_one.pk}/do/change/"
    assert strict.post(there, {"name": "Other", "reason": "x"}).status_code == 403
    assert Customer.objects.get(pk=house_of_one.pk).name == "Acme"


def test_signing_out_ends_the_session(staff):
    assert staff.post("/admin/logout/")["Location"] == "/"
    assert staff.get("/admin/").status_code == 302


@pytest.mark.parametrize("page", ["/admin/password_change/", "/admin/search/?s=x&page=x"])
def test_there_is_no_second_door(page, staff):
    assert staff.get(page).status_code == 404

"""The walk of the start page: its buttons sign one in as somebody of a demonstration, and nobody anywhere else."""

import pytest
from django.test import Client
from tests.pages.reading import words

from bursar.assignments import flows
from bursar.people.demo_logins import LOGINS, SLUG
from bursar.people.models import Role
from bursar.people.services import set_staff
from bursar.project.walk import STEPS
from bursar.testing import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def demonstration(settings):
    """The customer of the demonstration, with somebody for every role."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    house = factories.make_house(slug=SLUG)
    for login in LOGINS:
        user = flows.create_account(login.address, password=login.password, name=login.name)
        factories.make_member(None if login.role == Role.OPERATOR else house.customer, login.role, user=user)
        if login.role == Role.OPERATOR:
            set_staff(user, staff=True)
    return house


@pytest.fixture
def in_mode(settings):
    def change(mode):
        settings.BURSAR = {**settings.BURSAR, "mode": mode, "require_mfa": "no"}

    change("demo")
    return change


@pytest.mark.parametrize("name", STEPS)
def test_each_button_signs_in_its_person_and_leads_to_a_page_of_theirs(name, client, demonstration, in_mode):
    assert f'action="/dev/walk/{name}/"' in client.get("/").text
    led = client.post(f"/dev/walk/{name}/")
    assert client.session["_auth_user_id"]
    page = client.get(led["Location"], follow=True)
    assert page.status_code == 200
    assert page.wsgi_request.user.get_username() == STEPS[name].login.address


def test_the_first_step_shows_the_budget_and_the_second_where_to_assign(client, demonstration, in_mode):
    budget = f"/admin-portal/{SLUG}/budgets/{demonstration.budget.pk}/"
    assert client.post("/dev/walk/budget/")["Location"] == budget
    assert "What is left" in words(client.get(budget).text)
    assert client.post("/dev/walk/assign/")["Location"] == f"{budget}assign/"


def test_the_start_page_says_as_whom_one_is_signed_in(client, demonstration, in_mode):
    assert "You are signed in" not in words(client.get("/").text)
    client.post("/dev/walk/budget/")
    assert f"You are signed in as {STEPS['budget'].login.address}" in words(client.get("/").text)


def test_the_steps_are_there_in_three_languages(client, demonstration, in_mode):
    said = {
        language: words(client.get("/", headers={"accept-language": language}).text) for language in ("en", "de", "es")
    }
    assert "Both sides in two minutes" in said["en"]
    assert "Beide Seiten in zwei Minuten" in said["de"]
    assert "Los dos lados en dos minutos" in said["es"]


@pytest.mark.parametrize("name", STEPS)
def test_where_it_is_no_demonstration_there_are_no_buttons(name, client, demonstration, in_mode):
    in_mode("production")
    assert "/dev/walk/" not in client.get("/").text
    assert client.post(f"/dev/walk/{name}/").status_code == 404
    assert "_auth_user_id" not in client.session


def test_nobody_is_signed_in_whose_password_is_their_own(client, demonstration, in_mode):
    from django.contrib.auth import get_user_model

    for user in get_user_model().objects.all():
        user.set_password("their own, and long enough")
        user.save()
    assert client.post("/dev/walk/assign/").status_code == 404


def test_a_link_or_a_forged_form_signs_nobody_in(demonstration, in_mode):
    strict = Client(enforce_csrf_checks=True)
    assert strict.get("/dev/walk/assign/").status_code == 405
    assert strict.post("/dev/walk/assign/").status_code == 403
    assert strict.post("/dev/walk/assign/", headers={"origin": "https://elsewhere.example"}).status_code == 403
    assert "_auth_user_id" not in strict.session


def test_steps_that_there_are_not_are_not_found(client, in_mode, demonstration):
    assert client.post("/dev/walk/nowhere/").status_code == 404

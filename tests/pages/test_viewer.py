"""Who looks: customers and roles, guards before every page, language and time zone; and what that costs in statements."""

import pytest
from django.contrib.auth import get_user_model
from django.http import HttpResponse
from django.test import Client
from django.urls import include, path

from bursar.kernel.errors import NotFound, Unavailable
from bursar.pages.guards import admin_page, learner_page
from bursar.people.access import Permission, standing
from bursar.people.models import Person, Profile, Role
from bursar.project import urls
from bursar.testing.factories import make_customer, make_member, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
handler404, handler403, handler500 = urls.handler404, urls.handler403, urls.handler500


@admin_page(Permission.MANAGE)
def manage(request):
    viewer = request.viewer
    return HttpResponse(f"{viewer.customer.slug} {viewer.language} {viewer.zone} {viewer.actor.name}")


@admin_page(Permission.CONFIGURE)
def configure(request):
    return HttpResponse("configured")


@learner_page()
def learn(request):
    return HttpResponse(f"learner {request.viewer.actor.lms_user_id}")


@admin_page()
def fail(request, how):
    raise {"gone": NotFound, "busy": Unavailable}[how]("secret words")


portal = (
    [
        path("<slug:customer>/manage", manage),
        path("<slug:customer>/configure", configure),
        path("<slug:customer>/learn", learn),
        path("<slug:customer>/fail/<str:how>", fail),
    ],
    "test",
)
urlpatterns = [path("t/", include(portal)), *urls.urlpatterns]


@pytest.fixture
def here():
    return make_customer("Here", slug="here", language="de", time_zone="Europe/Amsterdam")


def browser(actor, **options):
    """Return a client that is logged in as an actor."""
    client = Client(**options)
    client.force_login(get_user_model().objects.get(pk=actor.user_id))
    return client


def test_who_is_not_logged_in_is_led_there_and_back(client, here):
    response = client.get("/t/here/manage?page=2")
    assert response.status_code == 302
    assert response["Location"] == "/accounts/login/?next=/t/here/manage%3Fpage%3D2"


def test_a_part_of_a_page_leads_the_whole_page_to_the_login(client, here):
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/t/here/manage?q=a"}
    response = client.get("/t/here/manage/rows", headers=headers)
    assert response.status_code == 404
    response = client.get("/t/here/manage", headers=headers)
    assert response["HX-Redirect"] == "/accounts/login/?next=/t/here/manage%3Fq%3Da"


def test_an_admin_sees_the_pages_of_their_customer_and_no_other_customer_exists(here):
    make_customer("There", slug="there")
    client = browser(make_member(here))
    assert client.get("/t/here/manage").status_code == 200
    for nowhere in ("/t/there/manage", "/t/nowhere/manage"):
        response = client.get(nowhere)
        assert response.status_code == 404
        assert "There" not in response.content.decode().replace("There is", "")


def test_a_role_without_the_permission_gets_a_page_that_says_so(here):
    response = browser(make_member(here, Role.LEARNER)).get("/t/here/manage", headers={"accept-language": "en"})
    assert response.status_code == 403
    assert "no permission" in response.text
    assert "/learn/here/" in response.text
    assert browser(make_member(here)).get("/t/here/configure").status_code == 403


def test_an_operator_is_everywhere(here):
    client = browser(make_member(None, Role.OPERATOR))
    assert client.get("/t/here/manage").status_code == 200
    assert client.get("/t/here/configure").text == "configured"
    assert client.get("/t/nowhere/manage").status_code == 404


def test_an_operator_reaches_customers_beyond_those_that_are_offered(here):
    for number in range(25):
        make_customer(f"Before {number}")
    operator = make_member(None, Role.OPERATOR)
    assert browser(operator).get("/t/here/manage").status_code == 200


def test_a_learner_is_known_by_the_id_of_their_platform_and_needs_one(here):
    actor = make_member(here, Role.LEARNER)
    assert browser(actor).get("/t/here/learn").text == f"learner {actor.lms_user_id}"
    Profile.objects.filter(user_id=actor.user_id).delete()
    assert browser(actor).get("/t/here/learn").status_code == 403


def test_what_a_verb_does_not_find_is_not_found_and_what_is_busy_says_so(here):
    client = browser(make_member(here))
    for how, status in (("gone", 404), ("busy", 503)):
        response = client.get(f"/t/here/fail/{how}")
        assert response.status_code == status
        assert "secret words" not in response.text


def test_pages_with_a_viewer_are_kept_by_nobody(here):
    assert "no-store" in browser(make_member(here)).get("/t/here/manage")["Cache-Control"]


# Language and time zone


def seen(client, **headers):
    _, language, zone, _ = client.get("/t/here/manage", headers=headers).text.split(" ", 3)
    return language, zone


def known(actor, here, **facts):
    user = get_user_model().objects.get(pk=actor.user_id)
    Person.objects.create(customer=here, email=user.email, **facts)


def test_without_a_wish_language_and_zone_are_the_customers(here):
    assert seen(browser(make_member(here))) == ("de", "Europe/Amsterdam")


def test_the_browsers_language_and_zone_come_before_the_customers(here):
    client = browser(make_member(here))
    client.cookies["bursar_zone"] = "Asia/Tokyo"
    assert seen(client, accept_language="es-MX,es;q=0.9") == ("es", "Asia/Tokyo")


def test_what_the_customer_noted_of_somebody_comes_before_the_browser(here):
    actor = make_member(here)
    known(actor, here, language="es", time_zone="America/Lima")
    client = browser(actor)
    client.cookies["bursar_zone"] = "Asia/Tokyo"
    assert seen(client, accept_language="de") == ("es", "America/Lima")


def test_what_somebody_chose_here_comes_first(here):
    actor = make_member(here)
    known(actor, here, language="es")
    client = browser(actor)
    client.post("/preferences/", {"language": "en"})
    assert seen(client, accept_language="de")[0] == "en"


@pytest.mark.parametrize(
    "zone", ["../../etc/passwd", "/etc/passwd", "Europe", "Nowhere/Town", "x" * 500, "Europe/Berl\x00in", "%00", "é"]
)
def test_a_zone_that_is_none_counts_for_nothing(here, zone):
    client = browser(make_member(here))
    client.cookies["bursar_zone"] = zone
    assert seen(client)[1] == "Europe/Amsterdam"


def test_one_readers_language_and_zone_do_not_reach_the_next(here, client):
    reader = browser(make_member(here))
    reader.cookies["bursar_zone"] = "Asia/Tokyo"
    seen(reader, accept_language="es")
    assert 'lang="en"' in client.get("/").text
    assert "Times are in UTC" in client.get("/").text


def test_programs_are_answered_in_english(client):
    assert client.get("/v1/nowhere", headers={"accept-language": "de"}).json()["title"] == "Not Found"
    assert client.get("/api/v1/nowhere", headers={"accept-language": "de"}).json() == {"detail": "Not found."}
    assert "Nicht gefunden" in client.get("/nowhere", headers={"accept-language": "de"}).text


# Choices of this browser


def test_language_and_theme_are_kept_and_lead_back(client):
    response = client.post("/preferences/", {"language": "de", "next": "/dev/mail/?page=2"})
    assert response["Location"] == "/dev/mail/?page=2"
    client.post("/preferences/", {"theme": "dark"})
    page = client.get("/").text
    assert '<html lang="de" data-theme="dark">' in page
    client.post("/preferences/", {"theme": "system"})
    assert "data-theme=" not in client.get("/").text


@pytest.mark.parametrize(
    "there", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "\\\\evil.example", ""]
)
def test_nobody_is_led_elsewhere(client, there):
    assert client.post("/preferences/", {"language": "de", "next": there})["Location"] == "/"


def test_a_choice_that_there_is_none_changes_nothing(client):
    response = client.post("/preferences/", {"language": "xx", "theme": '"><script>'})
    assert not response.cookies
    assert client.get("/preferences/").status_code == 405


# Statements


def test_a_viewer_takes_four_statements_and_an_operator_one_more(here, django_assert_num_queries):
    for actor, count in ((make_member(here), 4), (make_member(None, Role.OPERATOR), 5)):
        client = browser(actor)
        with django_assert_num_queries(count):
            assert client.get("/t/here/manage").status_code == 200


def test_a_standing_names_customers_by_name_and_adds_up_roles(here):
    first = make_customer("aardvark")
    user = make_user()
    make_member(here, Role.LEARNER, user=user)
    make_member(here, Role.ADMIN, user=user)
    make_member(first, Role.LEARNER, user=user)
    found = standing(user.pk)
    assert [row.name for row in found.customers] == ["aardvark", "Here"]
    assert Permission.MANAGE in found.permissions(here.pk)
    assert Permission.MANAGE not in found.permissions(first.pk)
    assert found.everywhere == frozenset()

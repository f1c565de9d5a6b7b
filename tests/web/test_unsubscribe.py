"""The page on which people unsubscribe: one POST does it, reading never does, and only with an unaltered link."""

from uuid import uuid4

import pytest
from django.test import Client

from bursar.kernel.errors import Unavailable
from bursar.people.keys import key_of
from bursar.people.mail_tokens import link_token
from bursar.people.models import Person, Unsubscription
from bursar.project import unsubscribe
from bursar.testing.factories import make_customer

pytestmark = pytest.mark.django_db
ANN = "ann@example.org"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def customer():
    made = make_customer("Acme & <b>Sons</b>")
    Person.objects.create(customer=made, email=ANN, name="Ann Example")
    return made


@pytest.fixture
def link(customer):
    return address_of(customer)


@pytest.fixture
def client():
    """A browser without cookies that proves nothing, and looks closely."""
    return Client(enforce_csrf_checks=True)


def address_of(customer, email=ANN):
    return f"/unsubscribe/{link_token(customer.pk, key_of(email))}"


def is_unsubscribed():
    return Unsubscription.objects.filter(address_key=key_of(ANN)).exists()


@pytest.mark.parametrize("ask", ["get", "head"])
def test_reading_the_page_never_unsubscribes(client, link, ask):
    for _ in range(3):
        assert getattr(client, ask)(link, {"List-Unsubscribe": "One-Click", "do": "unsubscribe"}).status_code == 200
    assert not is_unsubscribed()


def test_one_click_unsubscribes_without_cookies_and_can_be_repeated(client, link):
    for _ in range(3):
        response = client.post(link, ONE_CLICK)
        assert response.status_code == 200
        assert not response.cookies
    assert Unsubscription.objects.count() == 1
    assert is_unsubscribed()


def test_one_click_may_come_as_a_web_form_too(client, link):
    body = "List-Unsubscribe=One-Click"
    response = client.post(link, body, content_type="application/x-www-form-urlencoded")
    assert response.status_code == 200
    assert is_unsubscribed()


@pytest.mark.parametrize("body", [b"", b"x=1", b"\xff\xfe", b"List-Unsubscribe=One-Click&do=resubscribe"])
def test_whatever_is_posted_beside_it_unsubscribes(client, link, body):
    client.post(link, ONE_CLICK)
    response = client.post(link, body, content_type="application/x-www-form-urlencoded")
    assert response.status_code == 200
    assert is_unsubscribed()


def test_the_button_on_the_page_unsubscribes_and_the_next_one_undoes_it(client, link):
    page = client.get(link).content.decode()
    assert '<form method="post"><button type="submit"' in page
    assert "Nothing has changed yet" in page
    done = client.post(link).content.decode()
    assert "You are unsubscribed" in done
    assert '<input type="hidden" name="do" value="resubscribe">' in done
    assert is_unsubscribed()
    undone = client.post(link, {"do": "resubscribe"}).content.decode()
    assert "Nothing has changed yet" in undone
    assert not is_unsubscribed()


def test_the_page_shows_a_masked_address_and_nothing_else_of_the_person(client, link):
    page = client.get(link).content.decode()
    assert "a***@example.org" in page
    assert ANN not in page
    assert "Ann" not in page
    assert "Acme &amp; &lt;b&gt;Sons" in page


def test_the_page_is_kept_by_nobody_and_its_address_told_to_nobody(client, link):
    for response in (client.get(link), client.post(link)):
        assert "no-store" in response["Cache-Control"]
        assert response["Referrer-Policy"] == "no-referrer"
        assert response["X-Robots-Tag"] == "noindex"
        assert "http://" not in response.content.decode() + str(response.get("Link", ""))


def test_an_altered_link_is_not_found_and_does_nothing(client, customer, link):
    token = link.rpartition("/")[2]
    for place in range(len(token)):
        other = "A" if token[place] != "A" else "B"
        altered = f"/unsubscribe/{token[:place]}{other}{token[place + 1 :]}"
        assert client.post(altered, ONE_CLICK).status_code == 404, place
    assert not Unsubscription.objects.exists()


@pytest.mark.parametrize(
    "token",
    ["x", "A" * 86, "é" * 86, "-" * 86, "_" * 86, "%00" * 86, "A" * 10_000, "..%2f" * 10, "=" * 86, "A" * 85 + "="],
)
@pytest.mark.parametrize("ask", ["get", "post"])
def test_a_link_that_is_none_is_not_found(client, customer, token, ask):
    assert getattr(client, ask)(f"/unsubscribe/{token}").status_code == 404


def test_a_link_of_other_letters_that_decode_alike_is_not_found(client, link):
    assert client.get(f"{link}=").status_code == 404
    assert client.get(f"{link}%0A").status_code == 404
    assert client.get(f"{link}/").status_code == 404


def test_the_link_of_another_person_or_customer_does_nothing_here(client, customer, link):
    other = make_customer("Globex")
    client.post(address_of(customer, "bea@example.org"), ONE_CLICK)
    client.post(address_of(other), ONE_CLICK)
    assert not Unsubscription.objects.filter(customer=customer, address_key=key_of(ANN)).exists()
    assert client.post(f"/unsubscribe/{link_token(uuid4(), key_of(ANN))}", ONE_CLICK).status_code == 404


def test_somebody_who_is_not_known_any_more_can_still_unsubscribe(client, customer, link):
    Person.objects.all().delete()
    assert "***" not in client.get(link).content.decode()
    assert client.post(link, ONE_CLICK).status_code == 200
    assert is_unsubscribed()


def test_a_key_changed_since_still_knows_its_links_while_it_is_a_fallback(client, link, settings):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new key", [settings.SECRET_KEY]
    assert client.get(link).status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    assert client.get(link).status_code == 404


def test_other_ways_to_ask_are_refused(client, link):
    for ask in (client.put, client.delete, client.patch, client.options):
        assert ask(link).status_code == 405


def test_a_busy_database_is_said_so_that_the_provider_asks_again(client, link, monkeypatch):
    def refuse(*_):
        raise Unavailable("The database is busy; try again.")

    monkeypatch.setattr(unsubscribe, "unsubscribe", refuse)
    assert client.post(link, ONE_CLICK).status_code == 503


@pytest.mark.parametrize(
    ("address", "shown"),
    [("ann@example.org", "a***@example.org"), ("é@bücher.example", "é***@bücher.example"), ("", ""), ("nobody", "")],
)
def test_a_masked_address_has_its_first_letter_and_its_domain(address, shown):
    assert unsubscribe.masked(address) == shown

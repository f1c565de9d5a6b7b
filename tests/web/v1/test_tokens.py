"""Tokens over our own API: never good for more than whoever makes them."""

from datetime import timedelta

import pytest
from django.test import Client
from tests.web.v1.caller import Caller, code
from tests.web.v1.caller import admin as as_admin
from tests.web.v1.caller import operator as as_operator

from bursar.kernel import clock
from bursar.people.models import ApiToken
from bursar.people.tokens import create_token
from bursar.testing.factories import make_member, make_user

pytestmark = pytest.mark.django_db


def wish(customer, **terms):
    return {"name": "Import", "role": "admin", "customer": str(customer.pk)} | terms


def test_a_token_is_shown_once_and_works(admin, house):
    made = admin.post("tokens", wish(house.customer))
    assert made.status_code == 201
    text = made.json()["token"]
    assert text.startswith(made.json()["prefix"])
    assert Caller(text).items("funds")
    assert text not in str(admin.items("tokens"))


def test_a_token_taken_back_is_good_for_nothing(admin, house):
    made = admin.post("tokens", wish(house.customer)).json()
    first = admin.delete(f"tokens/{made['uuid']}").json()
    assert first["revoked_at"]
    assert admin.delete(f"tokens/{made['uuid']}").json() == first
    assert Caller(made["token"]).get("funds").status_code == 401
    assert [row["uuid"] for row in admin.items("tokens?revoked=true")] == [made["uuid"]]


@pytest.mark.parametrize(
    ("terms", "answer"),
    [
        ({"role": "operator"}, (403, "beyond_own_permissions")),
        ({"role": "operator", "customer": None}, (403, "forbidden")),
        ({"role": "admin", "customer": None}, (403, "forbidden")),
        ({"role": "king"}, (400, "unknown_role")),
        ({"scopes": ["everything"]}, (400, "unknown_scope")),
        ({"expires_at": "2020-01-01T00:00:00Z"}, (400, "invalid_dates")),
        ({"digest": "0"}, (400, "invalid_input")),
        ({"user": 1}, (400, "invalid_input")),
    ],
)
def test_an_admin_makes_no_token_that_is_more_than_an_admins(admin, house, terms, answer):
    before = ApiToken.objects.count()
    assert code(admin.post("tokens", wish(house.customer) | terms)) == answer
    assert ApiToken.objects.count() == before


def test_an_operators_role_confined_to_what_an_admin_has_is_no_more(admin, house):
    assert admin.post("tokens", wish(house.customer, role="operator", scopes=["customer.read"])).status_code == 201


def test_a_confined_token_makes_none_that_passes_its_scopes(house):
    confined = as_admin(house.customer, scopes=["customer.administer", "customer.read"])
    assert code(confined.post("tokens", wish(house.customer))) == (403, "beyond_own_permissions")
    assert confined.post("tokens", wish(house.customer, scopes=["customer.read"])).status_code == 201
    blind = as_admin(house.customer, scopes=["customer.read"])
    assert code(blind.post("tokens", wish(house.customer, scopes=["customer.read"]))) == (403, "forbidden")


def test_a_token_outlasts_none_that_it_makes(house):
    end = clock.now() + timedelta(days=1)
    short = as_admin(house.customer, expires_at=end)
    assert code(short.post("tokens", wish(house.customer))) == (403, "beyond_own_end")
    later = (end + timedelta(hours=1)).isoformat(timespec="seconds")
    assert code(short.post("tokens", wish(house.customer, expires_at=later))) == (403, "beyond_own_end")
    sooner = (end - timedelta(hours=1)).isoformat(timespec="seconds")
    assert short.post("tokens", wish(house.customer, expires_at=sooner)).status_code == 201


def test_tokens_of_other_customers_are_not_there(admin, stranger, house, elsewhere):
    made = admin.post("tokens", wish(house.customer)).json()
    assert code(stranger.post("tokens", wish(house.customer))) == (404, "not_found")
    assert code(stranger.delete(f"tokens/{made['uuid']}")) == (404, "not_found")
    assert str(house.customer.pk) not in str(stranger.items("tokens"))


def test_an_admin_takes_back_no_operators_token(admin, house):
    as_operator(house.customer)
    theirs = ApiToken.objects.get(role="operator")
    assert code(admin.delete(f"tokens/{theirs.pk}")) == (403, "beyond_own_permissions")


def test_somebody_signed_in_makes_a_token_for_themselves_and_sees_it(house):
    user = make_user()
    make_member(house.customer, "learner", user=user)
    client = Client()
    client.force_login(user)
    made = client.post("/v1/tokens", {"name": "Mine"}, content_type="application/json")
    assert (made.status_code, made.json()["user"]) == (201, user.pk)
    assert [row["uuid"] for row in client.get("/v1/tokens").json()["items"]] == [made.json()["uuid"]]
    assert Caller(made.json()["token"]).items("funds") == []
    assert client.delete(f"/v1/tokens/{made.json()['uuid']}").json()["revoked_at"]


def test_a_token_makes_none_for_its_user(house):
    user = make_user()
    make_member(house.customer, "admin", user=user)
    mine = Caller(create_token("mine", user_id=user.pk).text)
    assert code(mine.post("tokens", {"name": "Another"})) == (403, "not_a_person")
    assert mine.items("tokens") == []


def test_operators_see_every_token(operator, admin, house):
    assert len(operator.items("tokens")) == 2
    assert len(operator.items(f"tokens?customer={house.customer.pk}")) == 1

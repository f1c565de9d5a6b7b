"""Customers and their members over our own API."""

import pytest
from tests.web.v1.caller import admin as as_admin
from tests.web.v1.caller import code
from tests.web.v1.caller import learner as as_learner

from bursar.kernel.actor import Actor
from bursar.kernel.transactions import writes
from bursar.people.access import Permission, customers
from bursar.people.models import Customer, Membership, Person
from bursar.people.services import grant, link_user
from bursar.testing.factories import make_user

pytestmark = pytest.mark.django_db


def test_an_operator_makes_a_customer_and_finds_it_where_the_answer_says(operator):
    made = operator.post("customers", {"name": "Gull Rock Ferries", "time_zone": "Europe/Vienna", "show_price": True})
    assert made.status_code == 201
    assert made.json()["slug"] == "gull-rock-ferries"
    assert operator.get(made["Location"].removeprefix("/v1/")).json() == made.json()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": " "}, "missing_name"),
        ({"name": "A", "slug": "Not A Slug"}, "invalid_input"),
        ({"name": "A", "time_zone": "Nowhere/Land"}, "invalid_time_zone"),
        ({"name": "A", "language": "xx-"}, "invalid_language"),
        ({"name": "A", "brand_color": "red"}, "invalid_input"),
        ({"name": "A", "contact_email": "not an address"}, "invalid_input"),
        ({"name": "A", "logo_url": "javascript:alert(1)"}, "invalid_input"),
        ({"name": "A", "uuid": "6f0e3c9e-6d7a-4c55-9d52-0f3a3c3a7a10"}, "invalid_input"),
        ({"name": "A", "active": False}, "invalid_input"),
        ({"name": "A", "created": "2020-01-01T00:00:00Z"}, "invalid_input"),
    ],
)
def test_a_customer_is_refused_whole(operator, fields, said):
    assert code(operator.post("customers", fields)) == (400, said)
    assert Customer.objects.count() == 0


def test_a_slug_is_one_customers(operator, house):
    assert code(operator.post("customers", {"name": "A", "slug": house.customer.slug})) == (409, "slug_taken")


def test_everybody_sees_the_customers_that_are_theirs(operator, admin, learner, house, elsewhere):
    assert len(operator.items("customers")) == 2
    assert [row["uuid"] for row in admin.items("customers")] == [str(house.customer.pk)]
    assert learner.items("customers") == []
    assert len(operator.items(f"customers?slug={house.customer.slug}")) == 1
    assert operator.items("customers?active=false") == []


def test_an_admin_edits_the_look_and_nothing_of_the_operators(admin, house):
    path = f"customers/{house.customer.pk}"
    done = admin.patch(path, {"name": "Lantern", "brand_color": "#000000", "contact_email": "hi@example.org"})
    assert (done.json()["name"], done.json()["brand_color"]) == ("Lantern", "#000000")
    assert admin.patch(path, {"contact_email": ""}).json()["contact_email"] == ""
    for change in ({"slug": "other"}, {"active": False}, {"name": "Again", "active": False}):
        assert code(admin.patch(path, change)) == (403, "forbidden")
    assert Customer.objects.get(pk=house.customer.pk).name == "Lantern"


def test_an_operator_edits_slug_and_active(operator, house, elsewhere):
    path = f"customers/{house.customer.pk}"
    assert operator.patch(path, {"slug": "lantern-2", "active": False}).json()["active"] is False
    assert code(operator.patch(path, {"slug": elsewhere.customer.slug})) == (409, "slug_taken")


def test_the_history_of_a_customer_says_who_edited_it(house):
    user = make_user()
    grant(user.pk, "admin", house.customer.pk)
    from tests.web.v1.caller import Caller

    from bursar.people.tokens import create_token

    Caller(create_token("mine", user_id=user.pk).text).patch(f"customers/{house.customer.pk}", {"name": "Lantern"})
    newest = house.customer.history.latest("history_id")
    assert (newest.history_user_id, newest.name, newest.history_type) == (user.pk, "Lantern", "~")


def test_who_is_not_an_admin_there_does_not_find_the_customer(stranger, learner, house):
    path = f"customers/{house.customer.pk}"
    for caller in (stranger, learner):
        for response in (
            caller.get(path),
            caller.patch(path, {"name": "Mine"}, etag="*"),
            caller.get(f"{path}/members"),
        ):
            assert code(response) == (404, "not_found")


# Members


def test_somebody_without_an_account_is_a_member_to_be(admin, house):
    made = admin.post(f"customers/{house.customer.pk}/members", {"email": "Ada@Example.org", "role": "admin"})
    assert made.status_code == 201
    assert (made.json()["email"], made.json()["role"], made.json()["pending"]) == ("Ada@Example.org", "admin", True)
    user = make_user("ada@example.org")
    writes(lambda: link_user(user))()
    assert house.customer.pk in customers(Actor("person", "ada", user.pk), Permission.ADMINISTER)


def test_somebody_with_an_account_is_a_member_at_once(admin, house):
    user = make_user("bo@example.org")
    made = admin.post(f"customers/{house.customer.pk}/members", {"email": "BO@example.org", "role": "learner"}).json()
    assert (made["user"], made["pending"], made["person"]) == (user.pk, False, None)


def test_the_same_member_again_is_the_same(admin, house):
    for email in ("ada@example.org", "bo@example.org"):
        for role in ("learner", "admin"):
            path, body = f"customers/{house.customer.pk}/members", {"email": email, "role": role}
            assert admin.post(path, body).json() == admin.post(path, body).json()
    assert Membership.objects.filter(customer=house.customer).count() == 4
    assert Person.objects.filter(customer=house.customer).count() == 2


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"email": "nobody", "role": "admin"}, "invalid_address"),
        ({"email": "a@example.org", "role": "king"}, "unknown_role"),
    ],
)
def test_a_member_has_an_address_and_a_role_that_there_are(operator, house, fields, said):
    status, found = code(operator.post(f"customers/{house.customer.pk}/members", fields))
    assert status == 400
    assert found == said or found.startswith("invalid")


def test_nobody_gives_or_takes_a_role_that_is_more_than_their_own(admin, operator, house):
    path = f"customers/{house.customer.pk}/members"
    body = {"email": "ada@example.org", "role": "operator"}
    assert code(admin.post(path, body)) == (403, "beyond_own_permissions")
    made = operator.post(path, body).json()
    assert code(admin.delete(f"{path}/{made['uuid']}")) == (403, "beyond_own_permissions")
    assert operator.delete(f"{path}/{made['uuid']}").status_code == 204
    assert Membership.objects.count() == 0 or not Membership.objects.filter(role="operator").exists()


def test_a_confined_token_gives_no_role_that_passes_its_scopes(house):
    confined = as_admin(house.customer, scopes=["customer.administer", "customer.read"])
    path = f"customers/{house.customer.pk}/members"
    response = confined.post(path, {"email": "ada@example.org", "role": "admin"})
    assert code(response) == (403, "beyond_own_permissions")
    assert "assignments.allocate" in response.json()["facts"]["permissions"]


def test_the_last_admin_who_has_an_account_stays(operator, house):
    path = f"customers/{house.customer.pk}/members"
    for email in ("bo@example.org", "cy@example.org"):
        make_user(email)
        operator.post(path, {"email": email, "role": "admin"})
    operator.post(path, {"email": "to-come@example.org", "role": "admin"})
    first, last = operator.items(f"{path}?role=admin&pending=false")
    assert operator.delete(f"{path}/{first['uuid']}").status_code == 204
    assert code(operator.delete(f"{path}/{last['uuid']}")) == (409, "last_admin")
    assert [row["uuid"] for row in operator.items(f"{path}?pending=false")] == [last["uuid"]]


def test_members_are_listed_by_role_and_by_whether_they_have_come(admin, house):
    make_user("bo@example.org")
    for email, role in (("ada@example.org", "admin"), ("bo@example.org", "admin"), ("cy@example.org", "learner")):
        admin.post(f"customers/{house.customer.pk}/members", {"email": email, "role": role})
    path = f"customers/{house.customer.pk}/members"
    assert {row["email"] for row in admin.items(f"{path}?role=admin")} == {"ada@example.org", "bo@example.org"}
    assert {row["email"] for row in admin.items(f"{path}?pending=false")} == {"bo@example.org"}


def test_a_member_of_another_customer_is_not_found(operator, house, elsewhere):
    made = operator.post(
        f"customers/{elsewhere.customer.pk}/members", {"email": "a@example.org", "role": "admin"}
    ).json()
    assert operator.delete(f"customers/{house.customer.pk}/members/{made['uuid']}").status_code == 404
    assert as_learner(elsewhere.customer).get(f"customers/{elsewhere.customer.pk}/members").status_code == 404


def test_a_token_that_only_reads_sees_no_addresses_of_members(house):
    reader = as_admin(house.customer, scopes=["customer.read"])
    assert reader.get(f"customers/{house.customer.pk}").status_code == 200
    assert code(reader.get(f"customers/{house.customer.pk}/members")) == (403, "forbidden")

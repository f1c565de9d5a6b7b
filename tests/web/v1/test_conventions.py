"""What every address under /v1/ does: problems with codes, strict input, HEAD and Allow."""

import pytest
from django.test import Client
from tests.web.v1.caller import Caller, code

from bursar.budgets.models import Fund
from bursar.people.models import Role
from bursar.testing.factories import make_member, make_user

pytestmark = pytest.mark.django_db
NOBODYS = "6f0e3c9e-6d7a-4c55-9d52-0f3a3c3a7a10"


def test_who_does_not_say_who_they_are_is_told_how(house):
    response = Caller().get("funds")
    assert code(response) == (401, "unauthenticated")
    assert response["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["nowhere", "funds/nowhere", f"funds/{NOBODYS}", "funds/", f"transactions/{NOBODYS}"])
def test_what_is_not_there_is_a_problem_too(operator, path):
    assert code(operator.get(path)) == (404, "not_found")


def test_a_method_that_is_not_taken_is_answered_with_those_that_are(operator, house):
    response = operator.delete(f"funds/{house.fund.pk}")
    assert code(response) == (405, "method_not_allowed")
    assert response["Allow"] == "GET, PATCH, HEAD"
    assert operator.call("DELETE", "customers")["Allow"] == "GET, POST, HEAD"


def test_head_answers_as_get_without_the_body(operator, house):
    got, head = (operator.call(method, f"funds/{house.fund.pk}") for method in ("GET", "HEAD"))
    assert (head.status_code, head["ETag"], head.content) == (200, got["ETag"], b"")


def test_nothing_is_kept_by_caches(operator, house):
    assert operator.get("funds")["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("fnud=1", "unknown_parameter"),
        ("limit=1&limit=2", "repeated_parameter"),
        ("limit=0", "invalid_input"),
        ("limit=201", "invalid_input"),
        ("limit=ten", "invalid_input"),
        ("limit=1_0", "invalid_input"),
        ("customer=me", "invalid_input"),
        ("cursor=abc", "invalid_cursor"),
    ],
)
def test_a_parameter_that_is_wrong_is_refused_rather_than_passed_over(operator, query, said):
    assert code(operator.get(f"funds?{query}")) == (400, said)


def test_routes_without_parameters_take_none(operator, house):
    response = operator.get(f"funds/{house.fund.pk}?expand=all")
    assert code(response) == (400, "unknown_parameter")
    assert response.json()["facts"] == {"known": []}


@pytest.mark.parametrize(
    "body",
    [
        '{"amount_cents": 1',
        '{"amount_cents": NaN}',
        '{"amount_cents": 1, "reason": "\\ud800"}',
        b'{"amount_cents": 1, "reason": "\xff"}',
        "[" * 5000,
    ],
)
def test_a_body_that_is_no_json_is_refused_with_the_place(operator, house, body):
    response = operator.pay(f"funds/{house.fund.pk}/deposits", body)
    assert code(response) == (400, "malformed_body")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "[]",
        '"text"',
        "{}",
        '{"amount_cents": "100"}',
        '{"amount_cents": 1.5}',
        '{"amount_cents": 1e300}',
        '{"amount_cents": true}',
        '{"amount_cents": 0}',
        '{"amount_cents": -5}',
        '{"amount_cents": null}',
        '{"amount_cents": 99999999999999999999999999}',
        '{"amount_cents": 9223372036854775807}',
        '{"amount_cents": 1, "reason": 7}',
        '{"amount_cents": 1, "reason": "a\\u0000b"}',
        '{"amount_cents": 1, "reason": "two\\nlines"}',
        '{"amount_cents": 1, "kind": "adjustment"}',
    ],
)
def test_a_body_of_another_form_is_refused_whole(operator, house, body):
    response = operator.pay(f"funds/{house.fund.pk}/deposits", body)
    assert code(response) == (400, "invalid_input")
    assert all(fault["where"].startswith("body") for fault in response.json()["errors"])
    assert Fund.objects.get(pk=house.fund.pk).balance_cents == house.fund.balance_cents


def test_a_whole_number_may_be_written_with_a_point(operator, house):
    done = operator.pay(f"funds/{house.fund.pk}/deposits", '{"amount_cents": 500.0}')
    assert done.json()["amount_cents"] == 500


def test_a_fault_is_named_with_its_place_and_never_with_what_was_sent(operator, house):
    body = {"amount_cents": "secret@example.org"}
    response = operator.pay(f"funds/{house.fund.pk}/deposits", body)
    (fault,) = response.json()["errors"]
    assert (fault["where"], fault["code"]) == ("body/amount_cents", "int_type")
    assert b"secret" not in response.content


@pytest.mark.parametrize("moment", ["2027-01-31", "2027-01-31T00:00:00", 1800000000, "1800000000", "2027-02-30T00:00:00Z",
    "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00"])  # fmt: skip
def test_a_moment_is_a_date_and_time_with_its_zone(operator, house, moment):
    path = f"funds/{house.fund.pk}"
    assert code(operator.patch(path, {"expires_at": moment})) == (400, "invalid_input")


def test_times_are_told_in_utc_whatever_their_zone_was(operator, house):
    done = operator.patch(f"funds/{house.fund.pk}", {"expires_at": "2030-01-31T01:00:00+01:00"})
    assert done.json()["expires_at"] == "2030-01-31T00:00:00Z"


def test_a_body_of_another_type_is_not_read(operator, house):
    path = f"funds/{house.fund.pk}/deposits"
    for media in ("application/x-www-form-urlencoded", "text/plain", "application/xml"):
        response = operator.pay(path, "amount_cents=1", content_type=media)
        assert code(response) == (415, "unsupported_media_type")


@pytest.mark.parametrize("query", ["search=%00", "partner=%00", "search=%0A", "search=" + "x" * 256])
def test_text_that_no_database_takes_is_refused(operator, query):
    assert code(operator.get(f"courses?{query}")) == (400, "invalid_input")


def test_a_session_cookie_that_no_database_takes_is_no_session():
    response = Caller().get("funds", cookie='bursar_sessionid="\\000aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"')
    assert code(response) == (401, "unauthenticated")


def test_a_session_changes_nothing_without_proof_of_where_it_comes_from(house):
    user = make_user()
    make_member(house.customer, Role.OPERATOR, user=user)
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    path, body = f"/v1/funds/{house.fund.pk}/deposits", {"amount_cents": 1}
    assert client.get("/v1/funds").status_code == 200
    assert client.post(path, body, content_type="application/json", headers={"idempotency-key": "1"}).status_code == 401
    token = client.get("/v1/docs").context["csrf_token"]
    headers = {"idempotency-key": "1", "x-csrftoken": str(token)}
    assert client.post(path, body, content_type="application/json", headers=headers).status_code == 201

"""Who acts by an Open edX request: the caller, whatever the body says; and only with what proves it."""

import json

import pytest
from django.test import Client

from bursar.assignments.models import AssignmentConfiguration, LearnerContentAssignment
from bursar.kernel import transactions
from bursar.people.access import Permission
from bursar.people.tokens import create_token

BODY = {"content_key": "course-v1:AcmeX+C1+2027", "content_price_cents": 19900, "learner_emails": ["ann@acme.example"]}


def assign(world, client, **changes):
    address = world.fill("/api/v1/policy-allocation/{budget}/allocate/")
    return client.post(address, {**BODY, **changes}, content_type="application/json")


def assigned_by():
    return LearnerContentAssignment.objects.get().admin_lms_user_id


def by_token(**owner):
    return Client(headers={"Authorization": f"Bearer {create_token('T', **owner).text}"})


def test_a_method_that_is_not_taken_is_refused_in_the_words_that_clients_know(world):
    response = world.client("ada").put(world.fill("/api/v1/policy-allocation/{budget}/allocate/"))
    assert (response.status_code, response["Allow"]) == (405, "POST")
    assert response.json() == {"detail": 'Method "PUT" not allowed.'}


def test_an_admin_assigns_in_their_own_name_whatever_the_body_says(world):
    assert assign(world, world.client("ada"), admin_lms_user_id=99).status_code == 202
    assert assigned_by() == 11


def test_an_operator_assigns_for_the_admin_whom_they_name(world):
    assert assign(world, world.client("olga"), admin_lms_user_id=11).status_code == 202
    assert assigned_by() == 11


def test_an_operator_who_names_nobody_assigns_in_their_own_name(world):
    assert assign(world, world.client("olga")).status_code == 202
    assert assigned_by() == 13


def test_a_token_of_a_role_assigns_in_nobodys_name(world):
    client = by_token(customer=world.customer.pk, role="admin")
    assert assign(world, client, admin_lms_user_id=11).status_code == 202
    assert assigned_by() is None


@pytest.mark.parametrize("number", [0, -1, 2**31, 1.5, True, "x"])
def test_an_admin_who_cannot_be_is_refused(world, number):
    response = assign(world, world.client("olga"), admin_lms_user_id=number)
    assert response.status_code == 400
    assert list(response.json()) == ["admin_lms_user_id"]


def test_a_token_that_may_only_read_does_not_assign(world):
    client = by_token(user_id=world.users["ada"][0].pk, scopes=[Permission.READ_BUDGETS])
    assert client.get(world.fill("/api/v1/subsidy-access-policies/{budget}/")).status_code == 200
    assert assign(world, client).status_code == 403


def test_a_session_assigns_only_with_proof_against_forgery(world):
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.users["ada"][0])
    address = world.fill("/api/v1/policy-allocation/{budget}/allocate/")
    assert client.post(address, BODY, content_type="application/json").status_code == 401
    client.cookies["bursar_csrftoken"] = token = "a" * 32
    proven = client.post(address, BODY, content_type="application/json", headers={"X-CSRFToken": token})
    assert proven.status_code == 202
    assert assigned_by() == 11


def test_a_busy_database_is_the_lock_that_clients_know(world, monkeypatch):
    def busy(*_, **__):
        raise transactions.Unavailable("The database is busy; try again.", code="database_busy")

    monkeypatch.setattr("bursar.api.openedx.allocations.flows.allocate", busy)
    response = assign(world, world.client("ada"))
    assert response.status_code == 429
    assert response.json() == {"detail": "Enrollment currently locked for this subsidy access policy."}


def test_a_catalog_that_does_not_answer_is_no_lock(world, monkeypatch):
    def away(*_, **__):
        raise transactions.Unavailable("The catalog does not answer.", code="catalog_gone")

    monkeypatch.setattr("bursar.api.openedx.allocations.flows.allocate", away)
    assert assign(world, world.client("ada")).status_code == 503


def test_a_body_too_large_is_refused(world, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    assert assign(world, world.client("ada")).status_code == 413


@pytest.mark.parametrize("text", ["null", "1", '"x"', "[[]]", "{", '{"content_key": NaN}', "\udcff", '"\\ud800"'])
def test_what_is_no_request_is_refused(world, text):
    address = world.fill("/api/v1/policy-allocation/{budget}/allocate/")
    body = text.encode(errors="surrogateescape")
    response = world.client("ada").generic("POST", address, body, content_type="application/json")
    assert response.status_code == 400
    assert json.loads(response.content)


@pytest.mark.parametrize(
    "changes",
    [
        {"content_key": "x\0y"},
        {"content_key": "x" * 255},
        {"content_price_cents": 1e300},
        {"content_price_cents": "9" * 30},
        {"content_price_cents": "NaN"},
        {"content_price_cents": [1]},
        {"learner_emails": ["a\0b@acme.example"]},
        {"learner_emails": [["ann@acme.example"]]},
        {"learner_emails": {"0": "ann@acme.example"}},
    ],
    ids=str,
)
def test_strange_values_are_refused_and_nothing_is_written(world, changes):
    assert assign(world, world.client("ada"), **changes).status_code in {400, 422}
    assert not LearnerContentAssignment.objects.exists()


def test_who_switched_a_configuration_off_and_why_is_kept(world):
    address = world.fill("/api/v1/assignment-configurations/{configuration}/")
    assert world.client("olga").delete(address + "?reason=moved%20away").status_code == 200
    row = AssignmentConfiguration.objects.get(pk=world.budget.assignment_configuration_id)
    newest = row.history.order_by("-history_id").first()
    assert (newest.history_change_reason, newest.history_user_id) == ("moved away", world.users["olga"][0].pk)


@pytest.mark.parametrize(
    "query",
    ["search=%00", "learner_email=%00", "content_key=%00", "lms_user_id=9" + "9" * 40, "state=%00", "ordering=%00",
     "page=" + "9" * 5000, "page=%D9%A1", "page=-1", "page=0", "page=1.5", "learner_state__in=%2C%2C"],
)  # fmt: skip
def test_strange_questions_are_answered(world, query):
    world.allocate("ann@acme.example")
    address = world.fill("/api/v1/assignment-configurations/{configuration}/admin/assignments/?") + query
    assert world.client("ada").get(address).status_code in {200, 400, 404}


def test_the_last_page_can_be_asked_for_by_that_name(world):
    world.allocate("ann@acme.example", "bob@acme.example", "eve@acme.example")
    address = world.fill("/api/v1/assignment-configurations/{configuration}/admin/assignments/?page_size=2&page=last")
    answer = world.client("ada").get(address).json()
    assert (answer["current_page"], answer["start"], len(answer["results"]), answer["next"]) == (2, 2, 1, None)

"""Every list of the admin's half takes the same number of statements with 1 row and with 100; three of them say who asks."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

BUDGETS = "/api/v1/subsidy-access-policies/?enterprise_customer_uuid={customer}"
CONFIGURATIONS = "/api/v1/assignment-configurations/?enterprise_customer_uuid={customer}"
ASSIGNMENTS = "/api/v1/assignment-configurations/{configuration}/admin/assignments/"
OPEN = ASSIGNMENTS + "?page=1&page_size=100&state__in=allocated,errored"
HUNDRED = [f"learner{number}@acme.example" for number in range(100)]


def statements(ask):
    with CaptureQueriesContext(connection) as found:
        response = ask()
    assert response.status_code < 300, response.content.decode()
    return len([query for query in found if "SAVEPOINT" not in query["sql"]])


@pytest.fixture
def ada(world):
    return world.client("ada")


@pytest.mark.parametrize(
    ("address", "most"),
    [
        (OPEN, 9),
        (OPEN + "&learner_state__in=notifying,waiting", 10),
        (OPEN + "&ordering=learner_state_sort_order", 9),
        (OPEN + "&search=learner", 9),
        (OPEN + "&search=learner1@acme.example", 10),
        (OPEN + "&content_key__in=course-v1:AcmeX%2BC1%2B2027", 9),
        (ASSIGNMENTS, 10),
    ],
)
def test_a_list_of_assignments_takes_as_many_for_a_hundred_as_for_one(world, ada, address, most):
    world.limit(10_000_000)
    world.deposit(10_000_000)
    world.allocate("learner1@acme.example")
    one = statements(lambda: ada.get(world.fill(address)))
    world.allocate(*HUNDRED)
    assert statements(lambda: ada.get(world.fill(address))) == one <= most


@pytest.mark.parametrize(("address", "most"), [(BUDGETS, 7), (CONFIGURATIONS, 6)])
def test_a_list_of_budgets_takes_as_many_for_a_hundred_as_for_one(world, ada, address, most):
    one = statements(lambda: ada.get(world.fill(address)))
    world.budgets(100)
    response = ada.get(world.fill(address))
    assert len(response.json()["results"]) == 100
    assert statements(lambda: ada.get(world.fill(address))) == one <= most


@pytest.mark.parametrize("again", [False, True])
def test_an_allocation_takes_as_many_for_a_hundred_as_for_two(world, ada, again):
    world.limit(10_000_000)
    world.deposit(10_000_000)
    world.allocate("first@acme.example", *(HUNDRED if again else ()))

    def assign(emails):
        body = {"content_key": "course-v1:AcmeX+C1+2027", "content_price_cents": 19900, "learner_emails": emails}
        address = world.fill("/api/v1/policy-allocation/{budget}/allocate/")
        return statements(lambda: ada.post(address, body, content_type="application/json"))

    few = assign(HUNDRED[:2])
    assert assign(HUNDRED[2:]) == few


@pytest.mark.parametrize("verb", ["cancel", "remind"])
def test_acting_on_a_hundred_takes_as_many_as_on_one(world, ada, verb):
    world.limit(10_000_000)
    world.deposit(10_000_000)
    world.allocate(*HUNDRED)

    def act(people):
        body = {"assignment_uuids": [str(world.people[email.split("@")[0]]) for email in people]}
        return statements(lambda: ada.post(world.fill(ASSIGNMENTS + f"{verb}/"), body, content_type="application/json"))

    assert act(HUNDRED[:1]) == act(HUNDRED[1:])

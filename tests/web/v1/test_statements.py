"""A list of assigning takes as many statements for many rows as for one: none for each row."""

import pytest
from tests.db.verbs.steps import tick
from tests.web.v1.assigning import batch, wanted

from bursar.kernel.actor import CONSOLE
from bursar.testing.factories import make_course
from bursar.webhooks.services import add_endpoint

pytestmark = pytest.mark.django_db
MOST = 14


@pytest.fixture
def endpoint(house):
    return add_endpoint(house.customer.pk, "https://hooks.example.org/1", actor=CONSOLE).endpoint.uuid


class Growing:
    """A customer with one, then many of everything."""

    def __init__(self, operator, house):
        self.operator, self.house = operator, house

    def one(self, number=1):
        for round_ in range(number):
            made = batch(
                self.operator, self.house, *(f"n{number}r{round_}p{place}@example.org" for place in range(number))
            )
            plan = self.operator.post(
                "plans", wanted(self.house, *(f"x{place}@example.org" for place in range(number)))
            )
        if number == 1:
            self.batch, self.plan = made["uuid"], plan.json()["uuid"]
        tick()


@pytest.mark.parametrize("path", [
    "assignments", "assignments?state=allocated", "batches", "plans", "people", "messages?state=sent", "webhooks",
    "events?customer={customer}", "webhooks/{endpoint}/deliveries", "assignments?budget={budget}",
    "assignments?budget={budget}&search=example", "assignments?expiring_before=2099-01-01T00:00:00Z",
])  # fmt: skip
def test_a_list(operator, house, endpoint, settings, path, django_assert_max_num_queries):
    ports = {
        "mail_port": "bursar.testing.fake_mail.FakeMail",
        "webhook_port": "bursar.testing.fake_webhooks.FakeWebhooks",
    }
    settings.BURSAR = {**settings.BURSAR, **ports}
    make_course()
    growing = Growing(operator, house)
    at = path.format(customer=house.customer.pk, budget=house.budget.pk, endpoint=endpoint)
    counted = []
    for number in (1, 6):
        growing.one(number)
        with django_assert_max_num_queries(MOST) as seen:
            assert operator.get(at).status_code == 200
        counted.append(len(seen))
    assert counted[0] == counted[1]


@pytest.mark.parametrize("what", ["batches", "plans"])
def test_rows_of_an_allocation_or_a_plan(operator, house, what, django_assert_max_num_queries):
    make_course()
    counted = []
    for number in (1, 80):
        people = [f"n{number}p{place}@example.org" for place in range(number)]
        send = operator.pay if what == "batches" else operator.post
        key = send(what, wanted(house, *people)).json()["uuid"]
        with django_assert_max_num_queries(MOST) as seen:
            assert len(operator.items(f"{what}/{key}/rows?limit=200")) == number
        counted.append(len(seen))
    assert counted[0] == counted[1]

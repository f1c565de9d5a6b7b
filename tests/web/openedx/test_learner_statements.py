"""The learner's routes cost the same for one row as for a hundred: at most twelve statements, the caller's token included."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.db.verbs.steps import accept, assigned
from tests.web.openedx.learning import EMAIL, Caller

from bursar.budgets.models import Budget
from bursar.catalog.models import Catalog
from bursar.people.models import Role
from bursar.testing.factories import make_course, make_house
from bursar.testing.jwts import Issuer, set_cookies

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unaudited")]
MOST = 12


def course_key(number):
    return f"DemoX+N{number}"


def run_key(number):
    return f"course-v1:{course_key(number)}+R1"


class School:
    """A customer of whom lee has been assigned so many courses."""

    def __init__(self, size):
        self.house = make_house(deposit_cents=10**9, limit_cents=10**9)
        catalog = Catalog.objects.create(title="All", rule="query", partners=["DemoX"])
        Budget.objects.filter(pk=self.house.budget.pk).update(catalog=catalog)
        self.lee = Caller(self.house.customer)
        self.ada = Caller(self.house.customer, Role.ADMIN, email="ada@acme.example", number=11)
        self.runs = [run_key(number) for number in range(size)]
        self.rows = []
        for number in range(size):
            make_course(course_key(number), runs=[run_key(number)])
            self.rows += assigned(self.house.budget, [EMAIL], course_key(number), run=run_key(number))


def counted(ask):
    with CaptureQueriesContext(connection) as found:
        answer = ask()
    assert answer.status_code == 200, answer.content
    return len([query for query in found if "SAVEPOINT" not in query["sql"]]), answer.json()


@pytest.mark.parametrize("size", [1, 100])
def test_credits_and_what_can_be_redeemed(size):
    school = School(size)
    cost, answer = counted(school.lee.credits)
    assert len(answer[0]["learner_content_assignments"]) == size
    assert cost == 9
    cost, answer = counted(lambda: school.lee.can_redeem(*school.runs))
    assert [item["can_redeem"] for item in answer] == [True] * size
    assert cost == 11
    accept(school.rows)
    make_course("DemoX+Z", runs=["course-v1:DemoX+Z+R1"])
    cost, answer = counted(lambda: school.lee.can_redeem(*school.runs, "course-v1:DemoX+Z+R1"))
    assert [len(item["redemptions"]) for item in answer] == [1] * size + [0]
    assert answer[-1]["display_reason"]["reason"] == "reason_learner_not_assigned_content"
    assert cost == MOST
    cost, answer = counted(lambda: school.ada.credits(school.lee.number))
    assert len(answer[0]["learner_content_assignments"]) == size
    assert cost <= MOST


def test_the_learner_portal_with_its_cookies_and_a_count_of_its_requests(configure):
    issuer = Issuer()
    configure(**issuer.settings(), rate_limit=600)
    school = School(1)
    customer = school.house.customer.pk
    headers = set_cookies(
        school.lee.client, issuer.token(school.lee.number, [f"enterprise_learner:{customer}"], email=EMAIL)
    )
    del school.lee.client.defaults["HTTP_AUTHORIZATION"]
    school.lee.client.defaults |= {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    make_course("DemoX+Z", runs=["course-v1:DemoX+Z+R1"])
    cost, answer = counted(school.lee.credits)
    assert len(answer[0]["learner_content_assignments"]) == 1
    assert cost <= MOST
    cost, answer = counted(lambda: school.lee.can_redeem(*school.runs, "course-v1:DemoX+Z+R1"))
    assert [item["can_redeem"] for item in answer] == [True, False]
    assert cost <= MOST


@pytest.mark.parametrize("size", [1, 100])
def test_lists(size):
    school = School(size)
    accept(school.rows)
    fund, configuration = school.house.fund.pk, school.house.budget.assignment_configuration_id
    cost, answer = counted(
        lambda: school.lee.get(f"/api/v1/assignment-configurations/{configuration}/assignments/", page_size=100)
    )
    assert (len(answer["results"]), cost) == (size, 7)
    cost, answer = counted(
        lambda: school.ada.get(f"/api/v2/subsidies/{fund}/admin/transactions/", page_size=100, state="committed")
    )
    assert (answer["count"], cost) == (size + 1, 6)
    cost, answer = counted(
        lambda: school.ada.get(
            f"/api/v2/subsidies/{fund}/admin/transactions/", page_size=100, ordering="user_email,-course_title",
            include_aggregates="true", subsidy_access_policy_uuid=school.house.budget.pk, search="lee@",
        )
    )  # fmt: skip
    assert (len(answer["results"]), answer["total_quantity"], cost) == (size, -4900 * size, 7)
    cost, answer = counted(
        lambda: school.ada.get("/api/v1/subsidies/", enterprise_customer_uuid=school.house.customer.pk)
    )
    assert (answer["count"], cost) == (1, 8)

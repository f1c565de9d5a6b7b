"""Lists by cursor: nothing skipped, nothing twice, and a cursor is good for its own list alone."""

from datetime import timedelta
from itertools import pairwise
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.web.v1.caller import admin as as_admin
from tests.web.v1.caller import code, description
from tests.web.v1.caller import operator as as_operator

from bursar.assignments.models import (
    AllocationBatch,
    AllocationChunk,
    AllocationPlan,
    LearnerContentAssignment,
    MessageText,
    PlanPart,
)
from bursar.budgets.models import Fund, LedgerEntry, Transaction
from bursar.catalog.services import create_catalog
from bursar.kernel import clock
from bursar.outbox.models import Message
from bursar.people.models import AuditEntry, Person
from bursar.people.services import add_member
from bursar.testing.factories import make_budget, make_course, make_customer, make_fund
from bursar.webhooks.models import Endpoint, Event

pytestmark = pytest.mark.django_db


def walk(caller, path):
    """Return the pages of a list."""
    found, cursor, mark = [], "", "&" if "?" in path else "?"
    while True:
        page = caller.get(path + (f"{mark}cursor={cursor}" if cursor else "")).json()
        found.append(page["items"])
        cursor = page["next"]
        if cursor is None:
            return found


def test_pages_hold_every_row_once_in_order(operator, house):
    for _ in range(6):
        make_fund(house.customer, deposit_cents=0)
    pages = walk(operator, "funds?limit=3")
    assert [len(page) for page in pages] == [3, 3, 1]
    flat = [row["uuid"] for page in pages for row in page]
    assert flat == [str(key) for key in Fund.objects.order_by("created", "uuid").values_list("pk", flat=True)]


def test_rows_of_one_moment_are_told_apart_by_their_key(operator, house):
    with clock.at(clock.now()):
        for _ in range(5):
            make_fund(house.customer, deposit_cents=0)
    pages = walk(operator, "funds?limit=2")
    keys = [row["uuid"] for page in pages for row in page]
    assert len(keys) == len(set(keys)) == 6


def test_the_last_full_page_leads_nowhere(operator, house):
    make_fund(house.customer)
    assert [len(page) for page in walk(operator, "funds?limit=2")] == [2]


def test_a_row_that_appears_or_goes_between_two_pages_moves_no_other(operator, house):
    for _ in range(4):
        make_fund(house.customer, deposit_cents=0)
    wanted = [str(key) for key in Fund.objects.order_by("created", "uuid").values_list("pk", flat=True)[2:4]]
    first = operator.get("funds?limit=2").json()
    with clock.at(clock.now() - timedelta(days=1)):
        make_fund(house.customer, deposit_cents=0)
    Fund.objects.filter(pk=first["items"][1]["uuid"]).delete()
    assert [row["uuid"] for row in operator.items(f"funds?limit=2&cursor={first['next']}")] == wanted


def test_newest_first_goes_back_in_time(operator, house):
    for cents in range(1, 6):
        operator.pay(f"funds/{house.fund.pk}/deposits", {"amount_cents": cents})
    numbers = [row["sequence"] for page in walk(operator, f"funds/{house.fund.pk}/ledger?limit=2") for row in page]
    assert numbers == [6, 5, 4, 3, 2, 1]


def test_two_columns_of_which_both_go_back(operator, house):
    with clock.at(clock.now()):
        Transaction.objects.bulk_create(transaction(house, number) for number in range(5))
    pages = walk(operator, f"funds/{house.fund.pk}/transactions?limit=2")
    order = [(row["created"], row["uuid"]) for page in pages for row in page]
    assert len(order) == 5
    assert all(one > other for one, other in pairwise(order))


def transaction(house, number):
    return Transaction(
        fund=house.fund, budget=house.budget, idempotency_key=str(number), assignment_uuid=house.fund.pk,
        lms_user_id=number, content_key="X", quantity=-number,
    )  # fmt: skip


def test_a_cursor_of_another_list_another_filter_or_nobody_is_refused(operator, house, elsewhere):
    make_fund(house.customer)
    make_course("A+1")
    make_course("A+2")
    funds, courses = (operator.get(f"{path}?limit=1").json()["next"] for path in ("funds", "courses"))
    for path in (
        f"funds?cursor={courses}",
        f"budgets?cursor={funds}",
        f"funds?customer={house.customer.pk}&cursor={funds}",
        f"funds?cursor={funds[:-1]}",
        f"funds?cursor={funds}x",
        "funds?cursor=WyIx:x",
        f"funds?cursor={'a' * 1000}",
    ):
        assert code(operator.get(path)) == (400, "invalid_cursor"), path
    assert operator.get(f"funds?limit=2&cursor={funds}").status_code == 200  # the size of a page may change


def test_a_cursor_shows_nobody_more_than_they_may_see(operator, house, elsewhere):
    make_fund(house.customer)
    cursor = operator.get("funds?limit=1").json()["next"]
    seen = as_admin(house.customer).get(f"funds?cursor={cursor}").json()["items"]
    assert {row["customer"] for row in seen} <= {str(house.customer.pk)}


def entry(house, number):
    LedgerEntry.objects.create(fund=house.fund, sequence=number + 2, kind="deposit", amount_cents=1, currency="USD",
        idempotency_key=f"{number}", hash="")  # fmt: skip


def catalog(house, number):
    create_catalog(f"Catalog {number}", customer_uuid=house.customer.pk)


def member(house, number):
    add_member(house.customer.pk, f"person{number}@example.org", "admin" if number % 2 else "learner")


def act(house, number):
    AuditEntry.objects.create(customer_uuid=house.customer.pk, act="member.added", actor_kind="console")


def text(house, number):
    customer = house.customer.pk
    MessageText.objects.create(customer_uuid=customer, kind="assigned", language=f"x{number}", subject="S", body="B")


def assignment(house, number):
    LearnerContentAssignment.objects.create(
        assignment_configuration_id=house.budget.assignment_configuration_id, learner_email=f"a{number}@example.org",
        content_key="X", content_quantity=-1,
    )  # fmt: skip


def offer(house):
    return {
        "customer": str(house.customer.pk), "budget": str(house.budget.pk), "content_key": "X", "title": "X",
        "configuration": str(house.budget.assignment_configuration_id), "run_key": None, "price_cents": 1,
        "parent_content_key": None, "is_course_run": False, "enroll_by": None, "fund_ends_at": None,
    }  # fmt: skip


def batch(house, number):
    return AllocationBatch.objects.create(
        configuration_id=house.budget.assignment_configuration_id, state="done", terms={"offer": offer(house)}
    )


def plan(house, number):
    return AllocationPlan.objects.create(
        configuration_id=house.budget.assignment_configuration_id, terms={"offer": offer(house)}, digest="0",
        lapses_at=clock.now(),
    )  # fmt: skip


def batch_row(house, number):
    made = AllocationBatch.objects.first() or batch(house, 0)
    results = {"created": [[number, str(uuid4())]]}
    AllocationChunk.objects.create(batch=made, position=number, results=results)


def plan_row(house, number):
    made = AllocationPlan.objects.first() or plan(house, 0)
    row = {"line": number, "outcome": "refused", "cost_cents": 0, "code": "invalid_address", "message": "No."}
    PlanPart.objects.create(plan=made, position=number, rows=[row])


def endpoint(house, number):
    return Endpoint.objects.create(customer_uuid=house.customer.pk, url=f"https://x{number}.example.org", seed="0")


def message(house, number, *, subject=None, ordinal=1, topic="mail"):
    Message.objects.create(
        key=f"{topic} {number}", topic=topic, kind="assigned", customer_uuid=house.customer.pk, cycle=1, ordinal=ordinal,
        subject_uuid=subject or uuid4(), due_at=clock.now(), state="failed",
    )  # fmt: skip


def delivery(house, number):
    receiver = Endpoint.objects.first() or endpoint(house, 0)
    event = Event.objects.create(
        customer_uuid=house.customer.pk, type="x", subject_uuid=house.fund.pk, position=number + 1
    )
    message(house, number, subject=event.uuid, ordinal=receiver.pk, topic="webhook")


def person(house, number):
    Person.objects.create(customer=house.customer, email=f"p{number}@example.org")


def first(model):
    row = model.objects.first()
    return getattr(row, "uuid", None)


BY_OPERATORS = {"customers", "webhooks", "webhooks/{endpoint}/deliveries"}
LISTS = {
    "assignments": assignment,
    "batches": batch,
    "batches/{batch}/rows": batch_row,
    "plans": plan,
    "plans/{plan}/rows": plan_row,
    "webhooks": endpoint,
    "webhooks/{endpoint}/deliveries": delivery,
    "messages": message,
    "people": person,
    "customers/{customer}/acts": act,
    "customers/{customer}/texts": text,
    "customers": lambda house, number: make_customer(),
    "funds": lambda house, number: make_fund(house.customer, deposit_cents=0),
    "funds/{fund}/ledger": entry,
    "funds/{fund}/transactions": lambda house, number: transaction(house, number).save(),
    "courses": lambda house, number: make_course(f"X+{number}", runs=(f"R+{number}",)),
    "budgets": lambda house, number: make_budget(house.fund),
    "catalogs": catalog,
    "tokens": lambda house, number: as_admin(house.customer),
    "customers/{customer}/members": member,
}


@pytest.mark.parametrize("path", LISTS)
def test_a_list_of_a_hundred_takes_as_many_statements_as_a_list_of_one(house, path):
    caller = as_operator() if path in BY_OPERATORS else as_admin(house.customer)
    LISTS[path](house, 0)
    place = path.format(
        fund=house.fund.pk, customer=house.customer.pk, batch=first(AllocationBatch), plan=first(AllocationPlan),
        endpoint=first(Endpoint),
    )  # fmt: skip
    place += "?limit=150"
    with CaptureQueriesContext(connection) as one:
        few = caller.items(place)
    for number in range(1, 100):
        LISTS[path](house, number)
    with CaptureQueriesContext(connection) as hundred:
        many = caller.items(place)
    assert len(few) < 10
    assert len(many) >= 100
    assert len(hundred) == len(one) <= 6, [query["sql"] for query in hundred]


def test_every_list_is_asked_for_its_statements():
    lists = {
        path.removeprefix("/v1/")
        for path, operations in description()["paths"].items()
        if "Page" in str(operations.get("get", {}).get("responses", {}).get("200"))
    }
    assert lists == set(LISTS)

"""What was paid from one budget: every transaction whatever its state, found by address or title, in the order asked for."""

from datetime import UTC, datetime

import pytest
from tests.db.verbs.steps import DAY, accept, assigned, in_state, keys, later, statements

from bursar.assignments import services
from bursar.assignments.payments import (
    Payment,
    PaymentFilter,
    in_order,
    of_budget,
    of_fund,
    page_of_budget,
    walk_budget,
)
from bursar.kernel.actor import CONSOLE
from bursar.testing import factories

pytestmark = pytest.mark.django_db
START = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.fixture
def payments(house):
    """Four payments on four days: one of a course without a run's date, one given back."""
    for day, (title, price, start) in enumerate(
        [("Ärger", 100, START), ("Botany", 400, None), ("chess", 300, START + DAY), ("Dutch", 200, START - DAY)]
    ):
        key = f"DemoX+{day}"
        course = factories.make_course(key, title=title, price_cents=price)
        factories.make_run(course, f"course-v1:{key}+R", start=start)
        with later(day * DAY):
            rows = accept(assigned(house.budget, [f"{day}@example.org"], key))
    services.reverse_many(keys(rows), actor=CONSOLE)
    return house.budget


def titles(budget, *names, search="", start=0, size=25):
    return [item.content_title for item in page_of_budget(of_budget(budget.pk, search), names, start=start, size=size)]


def test_the_newest_come_first(payments):
    assert titles(payments) == ["Dutch", "chess", "Botany", "Ärger"]
    assert titles(payments, start=1, size=2) == ["chess", "Botany"]
    assert [item.content_title for item in walk_budget(of_budget(payments.pk), ())] == titles(payments)


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("created", ["Ärger", "Botany", "chess", "Dutch"]),
        ("quantity", ["Botany", "chess", "Dutch", "Ärger"]),
        ("-quantity", ["Ärger", "Dutch", "chess", "Botany"]),
        ("course_run_start_date", ["Dutch", "Ärger", "chess", "Botany"]),
        ("-course_run_start_date", ["chess", "Ärger", "Dutch", "Botany"]),
    ],
)
def test_what_has_no_value_comes_last_whichever_way_it_is_sorted(payments, name, order):
    assert titles(payments, name) == order
    assert [item.content_title for item in walk_budget(of_budget(payments.pk), (name,))] == order
    on_the_wire = in_order(of_fund(payments.fund_id, PaymentFilter(budget=payments.pk)), (name,))
    assert [Payment(*row).content_title for row in on_the_wire] == order


@pytest.mark.parametrize(
    ("search", "found"),
    [("BOT", ["Botany"]), ("ärg", ["Ärger"]), ("2@example", ["chess"]), ("3@EXAMPLE.org", ["Dutch"]), ("\x00", [])],
)
def test_a_part_of_a_title_or_an_address_finds_them(payments, search, found):
    assert titles(payments, search=search) == found


def test_a_reversal_is_told_with_its_transaction(payments):
    last, *others = page_of_budget(of_budget(payments.pk), (), start=0, size=25)
    assert (last.quantity, last.reversal_quantity) == (-200, 200)
    assert not any(item.reversal for item in others)


def test_what_failed_is_there_and_other_budgets_are_not(house, course):
    in_state("errored", house.budget, 1)
    in_state("accepted", factories.make_budget(house.fund), 2)
    assert [item.state for item in walk_budget(of_budget(house.budget.pk), ())] == ["failed"]


def test_a_page_takes_two_statements_and_a_whole_list_one(payments):
    rows = of_budget(payments.pk, "example")
    assert statements(page_of_budget, rows, (), start=0, size=25) == 2
    assert statements(lambda: list(walk_budget(rows, ()))) == 1

"""What reports say: how far assignments come, how long people take, what was spent, and who has not accepted."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from bursar.assignments import reports, services
from bursar.assignments.flows import privacy
from bursar.assignments.reports import Question, Spent
from bursar.assignments.states import State
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.people.models import Person
from bursar.testing import factories

from .steps import DAY, HOUR, accept, accepted, assigned, in_state, keys, later, statements

pytestmark = pytest.mark.django_db
OTHER = "DemoX+D102"
PRICE = factories.PRICE_CENTS


@pytest.fixture
def house():
    factories.make_course(title="Writing well", subject="Writing")
    factories.make_course(OTHER, title="Counting", subject="Mathematics", partner="OtherX", price_cents=1_000)
    return factories.make_house()


@pytest.fixture
def all_of_it(house):
    return Question(house.customer.pk)


def of(house, **narrower):
    return Question(house.customer.pk, **narrower)


def told(rows):
    for row in rows:
        row.add_successful_notified_action()
    return rows


def in_department(name, *addresses, manager=""):
    for address in addresses:
        Person.objects.filter(email=address).update(department=name, manager_email=manager)


# How far it comes


def test_the_funnel_counts_those_assigned_told_and_accepted(house, all_of_it):
    rows = assigned(house.budget, 5)
    told(rows[:3])
    accept(rows[:2])
    found = reports.funnel(all_of_it)
    reached = [(step.assignments, step.people) for step in (found.assigned, found.told, found.accepted)]
    assert reached == [(5, 5), (3, 3), (2, 2)]


def test_somebody_with_two_courses_is_one_person(house, all_of_it):
    first = assigned(house.budget, ["a@example.org"])
    assigned(house.budget, ["a@example.org"], OTHER)
    accept(first)
    found = reports.funnel(all_of_it)
    assert (found.assigned.assignments, found.assigned.people) == (2, 1)
    assert (found.accepted.assignments, found.accepted.people) == (1, 1)


def test_who_accepts_without_a_mail_knew_of_it(house, all_of_it):
    accepted(house.budget, 1)
    assert reports.funnel(all_of_it).told.people == 1


def test_being_told_of_an_earlier_cycle_is_not_being_told(house, all_of_it):
    told(in_state("cancelled", house.budget))
    with later(DAY):
        assigned(house.budget, 1)
    assert reports.funnel(all_of_it).told.people == 0


def test_what_was_given_back_was_accepted(house, all_of_it):
    in_state("reversed", house.budget, 2)
    found = reports.funnel(all_of_it)
    assert found.accepted.people == 2
    assert found.states[State.REVERSED] == 2


def test_an_assignment_belongs_to_the_moment_of_its_present_cycle(house):
    now = clock.now()
    assigned(house.budget, 1)
    assert reports.funnel(of(house, since=now, until=now + HOUR)).assigned.assignments == 1
    assert reports.funnel(of(house, until=now)).assigned.assignments == 0
    assert reports.funnel(of(house, since=now + HOUR)).assigned.assignments == 0


def test_other_budgets_and_other_customers_are_not_counted(house):
    other = factories.make_budget(house.fund)
    assigned(house.budget, 2)
    assigned(other, 1)
    assigned(factories.make_house().budget, 1)
    assert reports.funnel(of(house)).assigned.assignments == 3
    assert reports.funnel(of(house, budget=other.pk)).assigned.assignments == 1


def test_reports_can_be_about_a_department_and_about_those_without_one(house):
    assigned(house.budget, ["a@example.org", "b@example.org", "c@example.org"])
    in_department("Sales", "a@example.org", "b@example.org")
    assert reports.funnel(of(house, department="Sales")).assigned.people == 2
    assert reports.funnel(of(house, department="")).assigned.people == 1
    assert reports.funnel(of(house, department="Nobody's")).assigned.people == 0


def test_forgotten_people_are_counted(house):
    row = in_state("cancelled", house.budget)[0]
    in_department("Sales", row.learner_email)
    with later(100 * DAY):
        privacy.scrub_due(actor=CONSOLE)
        assert reports.funnel(of(house)).assigned.people == 1
        assert reports.funnel(of(house, department="")).assigned.people == 1


# How long people take


def test_days_are_counted_in_24_hours_from_the_assignment(house, all_of_it):
    rows = assigned(house.budget, 4)
    for row, span in zip(rows, (HOUR, DAY - HOUR, DAY, 3 * DAY + HOUR), strict=True):
        with later(span):
            accept([row])
    assert reports.days_to_accept(all_of_it) == {0: 2, 1: 1, 3: 1}


def test_a_new_assignment_starts_the_days_anew(house, all_of_it):
    in_state("cancelled", house.budget)
    with later(10 * DAY):
        rows = assigned(house.budget, 1)
    with later(12 * DAY):
        accept(rows)
    assert reports.days_to_accept(all_of_it) == {2: 1}


@pytest.mark.parametrize(
    ("days", "half", "most"),
    [
        ({}, None, None),
        ({4: 1}, 4, 4),
        ({0: 1, 9: 1}, 0, 9),
        ({0: 5, 1: 4, 30: 1}, 0, 1),
        ({0: 4, 1: 4, 30: 2}, 1, 30),
    ],
)
def test_a_percentile_is_the_first_day_by_whose_end_that_share_had_accepted(days, half, most):
    assert reports.percentile(days, reports.HALF) == half
    assert reports.percentile(days, reports.MOST) == most


# What was spent


def test_spending_is_by_month_of_the_readers_zone(house, all_of_it):
    with clock.at(datetime(2026, 7, 31, 23, 30, tzinfo=UTC)):
        accepted(house.budget, 1)
    berlin = ZoneInfo("Europe/Berlin")
    months, _ = reports.spending_by_month(all_of_it, "USD", UTC)
    assert [(month.month, spent.net) for month, spent in months.items()] == [(7, PRICE)]
    months, _ = reports.spending_by_month(all_of_it, "USD", berlin)
    assert [(month.month, spent.net) for month, spent in months.items()] == [(8, PRICE)]


def test_what_was_given_back_is_taken_off_the_month_in_which_it_was_spent(house, all_of_it):
    rows = accepted(house.budget, 2)
    with later(62 * DAY):
        services.reverse_many(keys(rows[:1]), actor=CONSOLE)
    months, departments = reports.spending_by_month(all_of_it, "USD", UTC)
    assert list(months.values()) == [Spent(2 * PRICE, PRICE, 1)]
    assert departments == {"": Spent(2 * PRICE, PRICE, 1)}
    assert reports.total(months.values()).net == PRICE


def test_spending_is_by_subject_and_partner_and_what_has_none_is_named_so(house, all_of_it):
    accepted(house.budget, 1)
    accepted(house.budget, 1, OTHER)
    factories.make_course("DemoX+D103", price_cents=500, partner="")
    accepted(house.budget, 1, "DemoX+D103")
    subjects, partners = reports.spending_by_course(all_of_it, "USD")
    assert {name: spent.net for name, spent in subjects.items()} == {"Writing": PRICE, "Mathematics": 1_000, "": 500}
    assert {name: spent.net for name, spent in partners.items()} == {"DemoX": PRICE, "OtherX": 1_000, "": 500}


def test_a_run_counts_for_its_course(house, all_of_it):
    course = factories.make_course("DemoX+D104", subject="Dance")
    factories.make_run(course, "course-v1:DemoX+D104+spring", start=clock.now() + DAY)
    accepted(house.budget, 1, "DemoX+D104", run="course-v1:DemoX+D104+spring")
    assert reports.spending_by_course(all_of_it, "USD")[0].keys() == {"Dance"}


def test_spending_is_by_department(house, all_of_it):
    accepted(house.budget, ["a@example.org", "b@example.org", "c@example.org"])
    in_department("Sales", "a@example.org", "b@example.org")
    _, departments = reports.spending_by_month(all_of_it, "USD", UTC)
    assert departments == {"Sales": Spent(2 * PRICE, 0, 2), "": Spent(PRICE, 0, 1)}
    months, _ = reports.spending_by_month(of(house, department="Sales"), "USD", UTC)
    assert reports.total(months.values()).courses == 2


def test_currencies_are_never_added_up(house, all_of_it):
    accepted(house.budget, 1)
    assert reports.spending_by_month(all_of_it, "EUR", UTC) == ({}, {})


def test_what_did_not_work_was_not_spent(house, all_of_it):
    in_state("errored", house.budget)
    assert reports.spending_by_month(all_of_it, "USD", UTC) == ({}, {})


# Who has not accepted


def test_those_who_did_not_accept_are_listed_with_what_is_known_of_them(house, all_of_it):
    rows = assigned(house.budget, ["a@example.org", "b@example.org"])
    in_department("Sales", "a@example.org", manager="boss@example.org")
    accept(rows[1:])
    (one,) = reports.read(reports.not_accepted(all_of_it), house.customer.pk)
    assert (one.email, one.course, one.person.department) == ("a@example.org", "Writing well", "Sales")
    assert one.person.manager == "boss@example.org"
    assert one.assigned_at == clock.now()
    assert one.deadline == rows[0].expires_at


def test_states_are_counted_and_can_be_picked(house, all_of_it):
    in_state("cancelled", house.budget, 2)
    assigned(house.budget, 1, OTHER)
    assert reports.count_by_state(all_of_it) == {"allocated": 1, "expired": 0, "cancelled": 2, "errored": 0}
    assert reports.not_accepted(all_of_it, ["cancelled"]).count() == 2
    assert reports.not_accepted(all_of_it, ["accepted"]).count() == 0


def test_forgotten_people_are_listed_without_a_name_and_have_no_address_to_write_to(house, all_of_it):
    in_state("cancelled", house.budget)
    with later(100 * DAY):
        privacy.scrub_due(actor=CONSOLE)
    rows = reports.not_accepted(all_of_it)
    (one,) = reports.read(rows, house.customer.pk)
    assert one.email is None
    assert reports.addresses_by_manager(rows, house.customer.pk, 10) == ({}, False)


def test_addresses_are_grouped_by_manager_each_once(house, all_of_it):
    people = ["a@example.org", "b@example.org", "c@example.org"]
    assigned(house.budget, people)
    assigned(house.budget, people[:1], OTHER)
    in_department("Sales", *people[:2], manager="boss@example.org")
    rows = reports.not_accepted(all_of_it)
    groups, more = reports.addresses_by_manager(rows, house.customer.pk, 10)
    assert groups == {"boss@example.org": people[:2], "": people[2:]}
    assert not more
    few, more = reports.addresses_by_manager(rows, house.customer.pk, 2)
    assert sum(map(len, few.values())) == 2
    assert more


def test_walking_all_of_them_gives_what_reading_them_gives(house, all_of_it, monkeypatch):
    assigned(house.budget, 5)
    monkeypatch.setattr(reports, "AT_ONCE", 2)
    rows = reports.not_accepted(all_of_it)
    assert list(reports.walk(rows, house.customer.pk)) == reports.read(rows, house.customer.pk)


def test_reports_take_the_same_statements_for_many_as_for_one(house, all_of_it):
    assigned(house.budget, 30)
    accepted(house.budget, 30, OTHER)
    alone = (reports.funnel, reports.days_to_accept, reports.count_by_state)
    assert [statements(report, all_of_it) for report in alone] == [1, 1, 1]
    assert statements(reports.spending_by_course, all_of_it, "USD") == 2
    assert statements(reports.spending_by_month, all_of_it, "USD", UTC) == 1
    assert statements(reports.read, reports.not_accepted(all_of_it), house.customer.pk) == 2

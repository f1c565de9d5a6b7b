"""What becomes of the money that a budget holds: by week of expiry, and what past acceptance says will come back."""

from datetime import UTC, date, timedelta
from zoneinfo import ZoneInfo

import pytest
from tests.db.verbs.steps import DAY, accept, assigned, in_state, keys, later, statements

from bursar.assignments import services
from bursar.assignments.forecasts import ENOUGH_ENDED, Basis, forecast
from bursar.assignments.models import AssignmentCounts
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.testing import factories
from bursar.testing.factories import reload

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("course")]
PRICE = factories.PRICE_CENTS
BERLIN = ZoneInfo("Europe/Berlin")


def of(budget, zone=UTC):
    return forecast(reload(budget), zone)


def past(budget, *, accepted=0, expired=0, **other):
    """Let as many have ended before."""
    AssignmentCounts.objects.update_or_create(
        configuration_id=budget.assignment_configuration_id,
        defaults={"accepted": accepted, "expired": expired, **other},
    )


def due(rows, *ends):
    for row, end in zip(rows, ends, strict=True):
        services.extend_many([row.pk], until=end, why="", actor=CONSOLE)


def shown(found):
    return [(week.begins, week.people, week.held_cents) for week in found.weeks if week.people]


def test_what_is_held_is_told_by_the_week_in_which_it_expires(house):
    rows = assigned(house.budget, 4)
    now = clock.now()  # Sunday, 22 November 2026
    due(rows, now + timedelta(hours=1), now + DAY, now + 7 * DAY, now + 200 * DAY)
    found = of(house.budget)
    assert shown(found) == [
        (date(2026, 11, 16), 1, PRICE),
        (date(2026, 11, 23), 2, 2 * PRICE),
        (None, 1, PRICE),
    ]
    assert len(found.weeks) == 15
    assert found.held_cents == reload(house.budget).held_cents == 4 * PRICE


def test_a_week_begins_at_the_midnight_of_the_reader(house):
    (row,) = assigned(house.budget, 1)
    due([row], clock.now().replace(hour=23, minute=30))  # Sunday in UTC, Monday in Berlin
    assert shown(of(house.budget))[0][0] == date(2026, 11, 16)
    assert shown(of(house.budget, BERLIN))[0][0] == date(2026, 11, 23)


def test_weeks_end_with_the_last_in_which_something_expires(house):
    (row,) = assigned(house.budget, 1)
    due([row], clock.now() + 8 * DAY)
    assert [week.people for week in of(house.budget).weeks] == [0, 0, 1]
    assert of(factories.make_budget(house.fund)).weeks == []


def test_what_a_late_sweep_has_left_counts_for_the_running_week(house):
    assigned(house.budget, 1)
    with later(95 * DAY):
        assert [week.people for week in of(house.budget).weeks] == [1]


@pytest.mark.parametrize("state", ["accepted", "cancelled", "errored", "expired", "reversed"])
def test_only_open_assignments_hold_money(house, state):
    in_state(state, house.budget, 2)
    assert of(house.budget).weeks == []


@pytest.mark.usefixtures("unaudited")
def test_what_comes_back_follows_from_how_many_expired(house):
    assigned(house.budget, 10)
    past(house.budget, accepted=15, expired=5, cancelled=300, errored=7)
    found = of(house.budget)
    assert (found.past.basis, found.past.ended, found.back_cents) == (Basis.BUDGET, 20, 12_250)


@pytest.mark.usefixtures("unaudited")
def test_what_was_accepted_and_given_back_was_accepted(house):
    assigned(house.budget, 10)
    past(house.budget, accepted=10, reversed=5, expired=5)
    assert of(house.budget).back_cents == 12_250


@pytest.mark.usefixtures("unaudited")
def test_with_too_few_of_its_own_the_customers_past_is_taken_and_nobody_elses(house):
    assigned(house.budget, 10)
    past(house.budget, accepted=0, expired=ENOUGH_ENDED - 1)
    past(factories.make_budget(), accepted=0, expired=1_000)
    assert (of(house.budget).past.basis, of(house.budget).back_cents) == (Basis.NOTHING, None)
    past(factories.make_budget(house.fund), accepted=19, expired=0)
    found = of(house.budget)
    assert (found.past.basis, found.past.ended, found.back_cents) == (Basis.CUSTOMER, 38, 24_500)


@pytest.mark.usefixtures("unaudited")
def test_the_weeks_add_up_to_the_whole_to_the_cent(house):
    rows = assigned(house.budget, 7)
    due(rows, *(clock.now() + number * 7 * DAY for number in range(1, 8)))
    past(house.budget, accepted=19, expired=11)
    found = of(house.budget)
    assert found.back_cents == 7 * PRICE * 11 // 30 == sum(week.back_cents for week in found.weeks)
    assert all(0 <= week.back_cents <= week.held_cents for week in found.weeks)


def test_the_past_is_what_the_verbs_have_counted(house):
    accept(assigned(house.budget, 15))
    late = assigned(house.budget, [f"late{number}@example.org" for number in range(5)])
    with later(91 * DAY):
        services.expire_many(keys(late), actor=CONSOLE)
    assert (of(house.budget).past.accepted, of(house.budget).past.expired) == (15, 5)


def test_a_budget_that_does_not_assign_holds_nothing(house):
    house.budget.assignment_configuration = None
    assert forecast(house.budget, UTC).weeks == []


def test_it_takes_two_statements_however_many_there_are(house):
    assigned(house.budget, 30)
    assert statements(forecast, reload(house.budget), UTC) == 2

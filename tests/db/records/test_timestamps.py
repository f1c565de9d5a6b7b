"""The timestamps of each state, through the verbs: set on entering it, nulled as the contract says; one row for ever."""

from datetime import UTC, datetime

import pytest
from tests.db.records.rows import DAY, NOON, kept, recounted

from bursar.assignments import flows, services
from bursar.assignments.flows import AllocationRequest
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.services import RedemptionRequest
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.ports.enrolment import EnrolmentAnswer
from bursar.testing.factories import COURSE, make_course, make_house, make_people, reload

pytestmark = pytest.mark.django_db
STAMPS = ("allocated_at", "accepted_at", "cancelled_at", "expired_at", "errored_at", "reversed_at")
ALL = {
    f"{state}_at": NOON - days * DAY
    for days, state in enumerate(["accepted", "cancelled", "expired", "errored", "reversed"], 1)
}


class Refusing:
    """A learning platform that refuses everybody for good."""

    def enrol_many(self, requests):
        return [EnrolmentAnswer(request.key, "refused", code="closed") for request in requests]

    find_many = enrol_many


@pytest.fixture
def house():
    make_course(runs=["course-v1:DemoX+D101+2026"])
    return make_house()


def allocate(house, at=NOON):
    with clock.at(at):
        flows.allocate(AllocationRequest(reload(house.budget), COURSE), make_people(), actor=CONSOLE)
    return only(house)


def only(house):
    """Return the one assignment of the house."""
    return LearnerContentAssignment.objects.get(assignment_configuration=house.budget.assignment_configuration_id)


def in_state(house, state, **stamps):
    """Return an assignment in a state with timestamps of its past, as earlier cycles may have left them."""
    record = allocate(house, NOON - 30 * DAY)
    LearnerContentAssignment.objects.filter(pk=record.pk).update(state=state, **stamps)
    return only(house)


def stamps(record):
    return {name: getattr(record, name) for name in STAMPS if getattr(record, name) is not None}


def redeem(record, at):
    with clock.at(at):
        return flows.redeem_many([RedemptionRequest(record.pk)], actor=CONSOLE)


def test_allocating_sets_its_own_and_nothing_else(house):
    assert stamps(allocate(house)) == {"allocated_at": NOON}


@pytest.mark.parametrize("state", ["cancelled", "expired", "errored", "reversed"])
def test_allocating_again_nulls_every_other(house, state):
    before = in_state(house, state, **ALL)
    after = allocate(house, NOON + DAY)
    assert stamps(after) == {"allocated_at": NOON + DAY}
    assert (after.pk, after.state, after.cycle, after.created) == (before.pk, "allocated", 2, before.created)


def test_accepting_sets_its_own_and_nulls_all_but_the_allocation(house):
    record = in_state(house, "allocated", **ALL)
    redeem(record, NOON)
    assert only(house).state == "accepted"
    assert stamps(only(house)) == {"allocated_at": NOON - 30 * DAY, "accepted_at": NOON}


def test_cancelling_sets_its_own_and_touches_no_other(house):
    record = in_state(house, "allocated", **ALL)
    with clock.at(NOON):
        services.cancel_many([record.pk], actor=CONSOLE)
    assert only(house).state == "cancelled"
    assert stamps(only(house)) == {"allocated_at": NOON - 30 * DAY, **ALL, "cancelled_at": NOON}


def test_expiring_sets_its_own_and_touches_no_other(house):
    record = in_state(house, "allocated", **ALL)
    with clock.at(NOON + 90 * DAY):
        services.expire_many([record.pk], actor=CONSOLE)
    assert only(house).state == "expired"
    assert stamps(only(house)) == {"allocated_at": NOON - 30 * DAY, **ALL, "expired_at": NOON + 90 * DAY}


def test_failing_sets_its_own_and_touches_no_other(house, settings):
    settings.BURSAR = {**settings.BURSAR, "enrolment_port": f"{__name__}.Refusing"}
    record = in_state(house, "allocated", **ALL)
    redeem(record, NOON)
    assert only(house).state == "errored"
    assert stamps(only(house)) == {"allocated_at": NOON - 30 * DAY, **ALL, "errored_at": NOON}


def test_reversing_sets_its_own_and_touches_no_other(house):
    record = allocate(house)
    redeem(record, NOON + DAY)
    past = {name: ALL[name] for name in ("cancelled_at", "expired_at", "errored_at", "reversed_at")}
    LearnerContentAssignment.objects.filter(pk=record.pk).update(**past)
    with clock.at(NOON + 2 * DAY):
        services.reverse_many([record.pk], actor=CONSOLE)
    assert only(house).state == "reversed"
    expected = {"allocated_at": NOON, "accepted_at": NOON + DAY, **past, "reversed_at": NOON + 2 * DAY}
    assert stamps(only(house)) == expected


def test_one_row_lives_through_every_state_and_history_tells_when(house):
    record = allocate(house, NOON)
    with clock.at(NOON + DAY):
        services.cancel_many([record.pk], actor=CONSOLE)
    allocate(house, NOON + 2 * DAY)
    redeem(record, NOON + 3 * DAY)
    assert LearnerContentAssignment.objects.count() == 1
    rows = record.history.order_by("history_id").values_list("state", "history_date", "history_type", "cycle")
    assert list(rows) == [
        ("allocated", NOON, "+", 1),
        ("cancelled", NOON + DAY, "~", 1),
        ("allocated", NOON + 2 * DAY, "~", 2),
        ("accepted", NOON + 3 * DAY, "~", 2),
    ]
    assert all(reason for reason in record.history.values_list("history_change_reason", flat=True))


def test_every_step_moves_modified(house):
    record = allocate(house, NOON)
    assert record.modified == NOON
    with clock.at(NOON + DAY):
        services.cancel_many([record.pk], actor=CONSOLE)
    assert only(house).modified == NOON + DAY


def test_the_verbs_keep_the_counts(house):
    configuration = house.budget.assignment_configuration
    record = allocate(house)
    assert kept(configuration) == recounted(configuration) == {("allocated", "notifying"): 1}
    redeem(record, NOON + DAY)
    assert kept(configuration) == recounted(configuration) == {("accepted", None): 1}
    services.reverse_many([record.pk], actor=CONSOLE)
    assert kept(configuration) == recounted(configuration) == {("reversed", None): 1}
    allocate(house, NOON + 4 * DAY)
    with clock.at(NOON + 200 * DAY):
        services.expire_many([record.pk], actor=CONSOLE)
    assert kept(configuration) == recounted(configuration) == {("expired", "expired"): 1}
    allocate(house, NOON + 201 * DAY)
    services.cancel_many([record.pk], actor=CONSOLE)
    assert kept(configuration) == recounted(configuration) == {("cancelled", None): 1}


def test_moments_are_aware_and_in_utc(house):
    record = allocate(house)
    for moment in (record.allocated_at, record.created, record.modified):
        assert isinstance(moment, datetime)
        assert moment.tzinfo is UTC

"""Handing an assignment to somebody else: one commit, the same money, the right mails; or nothing at all."""

import pytest
from tests.db.verbs.steps import (
    DAY,
    accept,
    assigned,
    books,
    code_of,
    counts,
    fresh,
    history,
    in_state,
    kinds,
    last_reason,
    later,
    messages,
    nothing_written,
    tick,
)

from bursar.assignments import flows, services
from bursar.assignments.models import AllocationBatch, LearnerContentAssignment
from bursar.assignments.replies import time_requests
from bursar.assignments.services import Reply
from bursar.budgets.models import Budget
from bursar.catalog.models import Course
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.kernel.errors import NotFound, Refused
from bursar.people.models import Role
from bursar.testing.factories import COURSE, make_budget, make_customer, make_member, make_person, make_run
from bursar.webhooks.models import Event

ANN, BOB = "ann@example.org", "bob@example.org"


@pytest.fixture
def row(house, course):
    (one,) = assigned(house.budget, [ANN])
    return one


def hand(row, to=BOB, *, actor=CONSOLE, **known):
    done = flows.hand_over(row.pk, make_person(to, **known), actor=actor)
    assert done.ended == row.pk
    return LearnerContentAssignment.objects.get(pk=done.begun)


def refused(row, to=BOB):
    return code_of(flows.hand_over, row.pk, make_person(to), actor=CONSOLE)


def test_the_first_ends_and_the_second_begins_with_the_same_course_price_and_budget(house, row):
    admin = make_member(house.customer)
    before = books(house.budget)
    new = hand(row, actor=admin, name="Bob")
    old = fresh(row)
    assert (old.state, new.state, new.learner_email) == ("cancelled", "allocated", BOB)
    assert (new.content_key, new.content_quantity) == (old.content_key, old.content_quantity)
    assert new.assignment_configuration_id == old.assignment_configuration_id
    assert books(house.budget) == before
    assert last_reason(old) == ("handed to somebody else", admin.user_id)
    assert history(new)[0][1:3] == ("allocated", admin.user_id)
    assert counts(house.budget) == {("allocated", "notifying"): 1, ("cancelled", None): 1}


def test_other_systems_hear_of_an_end_and_a_beginning(row):
    hand(row)
    told = [(event.type, event.data.get("reason")) for event in Event.objects.order_by("pk")][-2:]
    assert sorted(told) == [("assignment.allocated", None), ("assignment.cancelled", "handed to somebody else")]


def test_a_budget_that_has_nothing_left_can_still_hand_on(house, row):
    Budget.objects.filter(pk=house.budget.pk).update(limit_cents=4_900)
    assert hand(row).state == "allocated"
    assert books(house.budget)[0] == 4_900


def test_the_price_stays_whatever_the_catalog_asks_now(row):
    Course.objects.update(price_cents=20_000)
    assert hand(row).content_quantity == -4_900


def test_a_preferred_run_goes_along(house, course):
    make_run(course, "run-1")
    (row,) = assigned(house.budget, [ANN], run="run-1")
    assert hand(row).preferred_course_run_key == "run-1"


def test_who_was_told_is_told_of_the_end_and_the_new_one_is_invited(row, mail):
    tick()
    new = hand(row)
    assert kinds(new) == ["assigned"]
    tick()
    assert [(one.to, one.reference) for one in mail.sent] == [(ANN, row.pk), (BOB, new.pk), (ANN, row.pk)]
    assert kinds(row) == ["assigned", "cancelled"]


def test_who_was_not_told_yet_hears_nothing_at_all(row, mail):
    hand(row)
    assert [(kind, state) for kind, _, _, state in messages(row)] == [("assigned", "dropped")]
    tick()
    assert [one.to for one in mail.sent] == [BOB]


def test_a_wrong_address_that_refused_the_mail_gets_no_second_one(row, mail):
    mail.script(ANN, "reject")
    tick()
    hand(row)
    assert kinds(row) == ["assigned"]


def test_who_may_have_been_told_is_told(row, mail):
    mail.script(ANN, "lose_answer")
    tick()
    hand(row)
    assert "cancelled" in kinds(row)


def test_reminders_that_wait_are_withdrawn(row):
    tick()
    services.remind_many([row.pk], actor=CONSOLE)
    hand(row)
    assert ("reminded", 1, 1, "dropped") in messages(row)


def test_an_ended_assignment_of_the_new_one_is_renewed(house, row):
    (before,) = assigned(house.budget, [BOB])
    services.cancel_many([before.pk], actor=CONSOLE)
    new = hand(row)
    assert (new.pk, new.cycle, new.state) == (before.pk, 2, "allocated")
    assert books(house.budget)[0] == 4_900


def test_it_can_be_handed_back(row):
    new = hand(row)
    again = hand(new, ANN)
    assert (again.pk, again.cycle) == (row.pk, 2)


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("accepted", "already_accepted"),
        ("cancelled", "reason_learner_assignment_cancelled"),
        ("expired", "reason_learner_assignment_expired"),
        ("errored", "reason_learner_assignment_failed"),
        ("reversed", "reason_learner_assignment_reversed"),
    ],
)
def test_only_what_is_open_is_handed_on(house, course, state, code):
    (row,) = in_state(state, house.budget)
    assert refused(row) == code


def test_what_is_being_accepted_stays_with_its_learner(row, platform):
    platform.script(ANN, "lose")
    accept([row])
    assert fresh(row).redemption_uuid is not None
    assert refused(row) == "redemption_in_progress"


@pytest.mark.parametrize("ends_with", ["allocated", "accepted"])
def test_who_has_the_course_already_is_refused_and_the_first_keeps_it(house, row, ends_with):
    rows = assigned(house.budget, [BOB])
    if ends_with == "accepted":
        accept(rows)
    assert refused(row) == "already_assigned"
    assert fresh(row).state == "allocated"


def test_nobody_hands_a_course_to_its_own_learner(house, row):
    assert refused(row, "ANN@example.org") == "already_assigned"


def test_another_address_of_the_same_learner_is_the_same_learner(house, course, unaudited):
    ann = make_member(house.customer, Role.LEARNER, email=ANN)
    (row,) = assigned(house.budget, [BOB])
    LearnerContentAssignment.objects.filter(pk=row.pk).update(lms_user_id=ann.lms_user_id)
    assert refused(row, ANN) == "already_assigned"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda house: Budget.objects.filter(pk=house.budget.pk).update(retired=True), "policy_expired"),
        (lambda _: Course.objects.update(active=False), "content_not_in_catalog"),
    ],
)
def test_a_course_that_cannot_be_assigned_any_more_stays_where_it_is(house, row, change, code):
    change(house)
    assert refused(row) == code
    assert fresh(row).state == "allocated"


def test_a_course_whose_enrolment_has_closed_stays_where_it_is(house, course):
    make_run(course, "run-1", enroll_by=clock.now() + DAY)
    (row,) = assigned(house.budget, [ANN], run="run-1")
    with later(2 * DAY), pytest.raises(Refused) as error:
        hand(row)
    assert error.value.code == "beyond_enrollment_deadline"
    assert fresh(row).state == "allocated"


def test_nobody_hands_on_what_they_do_not_manage(house, row):
    learner = make_member(house.customer, Role.LEARNER)
    for actor in (learner, make_member(make_customer())):
        with nothing_written(), pytest.raises(NotFound):
            flows.hand_over(row.pk, make_person(BOB), actor=actor)


def test_an_offer_of_something_else_is_refused(house, row):
    make_budget(house.fund)
    request = flows.AllocationRequest(house.budget, COURSE, None, 5_000)
    offer = flows.allocations.make_offer(request, actor=CONSOLE)
    (recipient,) = flows.allocations.recipients([make_person(BOB)])
    assert code_of(services.hand_over, row.pk, offer, recipient, actor=CONSOLE) == "wrong_state"


def test_the_new_one_can_be_undone_as_an_allocation_of_its_own(house, row):
    new = hand(row)
    batch = AllocationBatch.objects.get(pk=new.allocation_batch_id)
    assert (batch.people, batch.created_count, batch.charged_cents) == (1, 1, 0)
    services.undo_batch(batch.pk, actor=CONSOLE)
    assert books(house.budget)[0] == 0


def test_a_request_for_more_time_ends_with_the_assignment(house, course):
    ann = make_member(house.customer, Role.LEARNER, email=ANN)
    (row,) = assigned(house.budget, [ANN])
    services.request_time_many([Reply(row.pk, ann.lms_user_id)], actor=ann)
    assert time_requests(CONSOLE).count() == 1
    hand(row)
    assert time_requests(CONSOLE).count() == 0

"""Allocating: who is new, renewed, completed or unchanged, and everything that is written with it."""

from datetime import timedelta

import pytest
from tests.db.verbs.steps import (
    COURSE,
    DAY,
    accept,
    actions,
    allocate,
    assigned,
    books,
    counts,
    emails,
    fresh,
    history,
    in_state,
    keys,
    later,
    messages,
    nothing_written,
    tick,
)

from bursar.assignments.models import AllocationBatch, LearnerContentAssignment
from bursar.assignments.services import Placed, cancel_many, expire_many, extend_many, retire_many
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.outbox.models import Message
from bursar.people.models import Membership, Person, Profile
from bursar.testing.factories import make_course, make_house, make_member, make_people, make_person, make_run, make_user

RUN = "course-v1:DemoX+D101+R1"


class TestNew:
    def test_everybody_gets_an_assignment_and_the_money_is_held(self, house, course):
        done = allocate(house.budget, 3)
        assert emails(done.created) == ["learner1@example.org", "learner2@example.org", "learner3@example.org"]
        assert (done.updated, done.unchanged, done.refused) == ([], [], [])
        assert done.charged_cents == 3 * 4900
        assert books(house.budget) == (14700, 0, 1_000_000, 14700)
        assert counts(house.budget) == {("allocated", "notifying"): 3}

    def test_the_record_says_what_was_assigned_by_whom_and_for_how_much(self, house, course):
        admin = make_member(house.customer, lms_user_id=77)
        done = allocate(house.budget, 1, actor=admin)
        (row,) = LearnerContentAssignment.objects.all()
        assert row.assignment_configuration_id == house.budget.assignment_configuration_id
        assert (row.learner_email, row.lms_user_id, row.state) == ("learner1@example.org", None, "allocated")
        assert (row.content_key, row.content_title, row.content_quantity) == (COURSE, f"Course {COURSE}", -4900)
        assert (row.parent_content_key, row.is_assigned_course_run, row.preferred_course_run_key) == (None, False, None)
        assert (row.admin_lms_user_id, row.allocation_batch_id, row.cycle) == (77, done.batch, 1)
        assert row.allocated_at == row.created == row.modified == clock.now()
        assert (row.learner_state, row.recent_action, row.listed) == ("notifying", "assigned", True)

    def test_the_history_names_the_reason_and_the_user(self, house, course):
        admin = make_member(house.customer)
        (row,) = assigned(house.budget, 1, actor=admin)
        assert history(row) == [("+", "allocated", admin.user_id, "allocated")]

    def test_a_message_waits_in_the_outbox_and_the_link_is_on_the_timeline(self, house, course):
        for row in assigned(house.budget, 2):
            assert messages(row) == [("assigned", 1, 1, "pending")]
            assert actions(row) == [("learner_linked", None)]

    def test_the_message_names_the_customer_and_goes_before_all_others(self, house, course):
        (row,) = assigned(house.budget)
        message = Message.objects.get(subject_uuid=row.pk)
        assert (message.customer_uuid, message.priority, message.due_at) == (house.customer.pk, 10, clock.now())

    def test_the_customer_knows_the_person_and_what_was_said_of_them(self, house, course):
        allocate(
            house.budget,
            [make_person("ana@example.org", name="Ana", department="Sales", language="pt-br", time_zone="Europe/Lisbon",
                         manager_email="boss@example.org")],
        )  # fmt: skip
        person = Person.objects.get()
        assert (person.customer_id, person.email, person.name, person.department) == (
            house.customer.pk, "ana@example.org", "Ana", "Sales",
        )  # fmt: skip
        assert (person.language, person.time_zone, person.manager_email) == (
            "pt-br", "Europe/Lisbon", "boss@example.org",
        )  # fmt: skip
        membership = Membership.objects.get()
        assert (membership.person_id, membership.role, membership.pending) == (person.pk, "learner", True)

    def test_details_given_later_complete_the_person_and_blanks_take_nothing_away(self, house, course):
        allocate(house.budget, [make_person("ana@example.org", name="Ana", department="Sales")])
        allocate(house.budget, [make_person("ana@example.org", department="Law")])
        person = Person.objects.get()
        assert (person.name, person.department) == ("Ana", "Law")
        assert Membership.objects.count() == 1

    def test_a_course_that_is_free_is_assigned_and_costs_nothing(self, house):
        make_course("DemoX+FREE", price_cents=0)
        allocate(house.budget, 2, "DemoX+FREE")
        assert books(house.budget) == (0, 0, 1_000_000, 0)
        assert counts(house.budget) == {("allocated", "notifying"): 2}

    def test_a_free_course_can_be_assigned_from_an_empty_budget(self):
        house = make_house(limit_cents=0)
        make_course("DemoX+FREE", price_cents=0)
        assert len(allocate(house.budget, 2, "DemoX+FREE").created) == 2

    def test_a_run_can_be_assigned(self, house):
        make_course(runs=[RUN, "course-v1:DemoX+D101+R2"])
        (row,) = assigned(house.budget, 1, RUN)
        assert (row.content_key, row.parent_content_key, row.is_assigned_course_run) == (RUN, COURSE, True)
        assert row.preferred_course_run_key == RUN

    def test_a_course_can_be_assigned_with_a_preferred_run(self, house):
        make_course(runs=[RUN, "course-v1:DemoX+D101+R2"])
        (row,) = assigned(house.budget, 1, run=RUN)
        assert (row.content_key, row.parent_content_key, row.is_assigned_course_run) == (COURSE, None, False)
        assert row.preferred_course_run_key == RUN

    def test_a_course_and_its_run_are_two_contents(self, house):
        make_course(runs=[RUN])
        allocate(house.budget, 1)
        assert len(allocate(house.budget, 1, RUN).created) == 1
        assert books(house.budget)[0] == 2 * 4900

    def test_the_same_person_can_have_the_same_course_from_two_budgets(self, house, course):
        other = make_house()
        allocate(house.budget, 1)
        assert len(allocate(other.budget, 1).created) == 1

    def test_nobody_at_all_is_no_error(self, house, course):
        done = allocate(house.budget, [])
        assert (done.created, done.updated, done.unchanged, done.refused, done.charged_cents) == ([], [], [], [], 0)
        assert not LearnerContentAssignment.objects.exists()

    def test_a_title_longer_than_the_column_is_cut(self, house):
        make_course("DemoX+LONG", title="x" * 255)
        (row,) = assigned(house.budget, 1, "DemoX+LONG")
        assert row.content_title == "x" * 255

    def test_the_call_is_kept_with_what_it_did_and_without_an_address(self, house, course):
        assigned(house.budget, 2)
        done = allocate(house.budget, 3)
        batch = AllocationBatch.objects.get(pk=done.batch)
        assert (batch.state, batch.people, batch.hold_cents, batch.charged_cents) == ("done", 3, 0, 4900)
        assert (batch.created_count, batch.updated_count, batch.unchanged_count, batch.refused_count) == (1, 0, 2, 0)
        assert "@" not in str(batch.terms)

    def test_progress_is_told_once_for_everybody(self, house, course):
        told = []
        allocate(house.budget, 3, progress=told.append)
        assert told == [3]


class TestAgain:
    def test_the_same_call_again_changes_and_charges_nothing(self, house, course):
        first = allocate(house.budget, 3)
        with later(timedelta(hours=1)), nothing_written():
            again = allocate(house.budget, 3)
        assert [item.assignment for item in again.unchanged] == [item.assignment for item in first.created]
        assert (again.created, again.updated, again.refused, again.charged_cents) == ([], [], [], 0)
        assert (first.batch is None, again.batch) == (False, None)

    def test_other_spellings_of_an_address_are_the_same_person(self, house, course):
        allocate(house.budget, [make_person("Ana@Example.org")])
        done = allocate(house.budget, [make_person("ana@example.ORG")])
        assert (len(done.created), len(done.unchanged)) == (0, 1)
        assert LearnerContentAssignment.objects.get().learner_email == "Ana@Example.org"

    def test_one_address_twice_in_a_call_is_one_person(self, house, course):
        twins = [make_person("ana@example.org", line=1), make_person("ANA@example.org", line=2)]
        done = allocate(house.budget, twins)
        assert (len(done.created), done.unchanged, done.charged_cents) == (1, [], 4900)

    def test_an_accepted_assignment_stays_as_it_is(self, house, course):
        (row,) = in_state("accepted", house.budget)
        done = allocate(house.budget, 1)
        assert [item.assignment for item in done.unchanged] == [row.pk]
        assert fresh(row).state == "accepted"

    def test_the_price_of_what_is_allocated_never_changes(self, house, course):
        (row,) = assigned(house.budget)
        done = allocate(house.budget, 1, price=5000)
        assert (len(done.unchanged), fresh(row).content_quantity) == (1, -4900)


class TestRenewed:
    @pytest.mark.parametrize("state", ["cancelled", "expired", "errored", "reversed"])
    def test_what_has_ended_begins_a_new_cycle_under_the_same_uuid(self, house, course, state):
        (row,) = in_state(state, house.budget)
        before, known = books(house.budget), actions(row)
        with later(100 * DAY):
            done = allocate(house.budget, 1, price=5000)
            assert [item.assignment for item in done.updated] == [row.pk]
            assert (done.created, done.unchanged, done.charged_cents) == ([], [], 5000)
            row = fresh(row)
            assert (row.state, row.cycle, row.content_quantity) == ("allocated", 2, -5000)
            assert row.allocated_at == row.modified == clock.now()
            assert row.expires_at == clock.now() + 90 * DAY
        assert row.allocation_batch_id == done.batch
        assert (row.cancelled_at, row.expired_at, row.errored_at, row.reversed_at, row.accepted_at) == (None,) * 5
        assert row.learner_state == "notifying"
        assert actions(row) == [*known, ("learner_linked", None)]
        assert history(row)[-1][:2] == ("~", "renewed")
        assert messages(row)[-1] == ("assigned", 2, 1, "pending")
        assert books(house.budget)[0] == before[0] + 5000
        assert counts(house.budget) == {("allocated", "notifying"): 1}

    def test_the_transaction_of_a_reversed_assignment_stays_on_it(self, house, course):
        (row,) = in_state("reversed", house.budget)
        allocate(house.budget, 1)
        assert fresh(row).transaction_uuid == row.transaction_uuid is not None

    def test_the_run_of_the_new_offer_replaces_the_old_one(self, house):
        make_course(runs=[RUN, "course-v1:DemoX+D101+R2"])
        (row,) = assigned(house.budget, 1, run=RUN)
        cancel_many(keys([row]), actor=CONSOLE)
        allocate(house.budget, 1, run="course-v1:DemoX+D101+R2")
        assert fresh(row).preferred_course_run_key == "course-v1:DemoX+D101+R2"
        cancel_many(keys([row]), actor=CONSOLE)
        allocate(house.budget, 1)
        assert fresh(row).preferred_course_run_key is None

    def test_a_renewed_learner_waits_to_be_told_again(self, house, course, mail):
        (row,) = assigned(house.budget)
        tick()
        assert fresh(row).learner_state == "waiting"
        with later(DAY):
            cancel_many(keys([row]), actor=CONSOLE)
            allocate(house.budget, 1)
            assert fresh(row).learner_state == "notifying"
            assert counts(house.budget) == {("allocated", "notifying"): 1}
            tick()
            assert fresh(row).learner_state == "waiting"
            assert fresh(row).expires_at == clock.now() + 90 * DAY
        assert [item.to for item in mail.sent].count("learner1@example.org") == 2

    def test_a_personal_deadline_ends_with_its_cycle(self, house, course):
        (row,) = assigned(house.budget)
        extend_many([row.pk], until=clock.now() + 200 * DAY, why="", actor=CONSOLE)
        cancel_many([row.pk], actor=CONSOLE)
        allocate(house.budget, 1)
        assert fresh(row).personal_deadline is None
        assert fresh(row).expires_at == clock.now() + 90 * DAY

    def test_renewing_reaches_exactly_the_people_asked_for(self, house, course):
        first, second = in_state("cancelled", house.budget, 2)
        allocate(house.budget, ["learner2@example.org"])
        assert (fresh(first).state, fresh(second).state) == ("cancelled", "allocated")
        assert books(house.budget)[0] == 4900

    def test_a_scrubbed_person_found_by_user_id_gets_the_address_back(self, house, course):
        make_user("learner1@example.org", lms_user_id=42)
        (row,) = assigned(house.budget)
        assert row.lms_user_id == 42
        with later(91 * DAY):
            expire_many([row.pk], actor=CONSOLE)
            retire_many([row.pk], actor=CONSOLE)
            assert fresh(row).learner_email.endswith("@retired.invalid")
            done = allocate(house.budget, 1)
            assert [item.assignment for item in done.updated] == [row.pk]
            row = fresh(row)
            assert (row.learner_email, row.lms_user_id, row.address_scrubbed_at) == ("learner1@example.org", 42, None)
            assert (row.state, row.cycle) == ("allocated", 2)
        assert row.history.latest("history_id").learner_email == "learner1@example.org"
        assert LearnerContentAssignment.objects.count() == 1

    def test_a_scrubbed_person_without_a_user_is_somebody_new(self, house, course):
        (row,) = in_state("cancelled", house.budget)
        retire_many([row.pk], actor=CONSOLE)
        done = allocate(house.budget, 1)
        assert len(done.created) == 1
        assert fresh(row).state == "cancelled"


class TestCompleted:
    """Ruling 20: an allocated row that lacked something is `updated`, with no new cycle and no second mail."""

    def test_a_run_is_filled_in(self, house):
        course = make_course(runs=["course-v1:DemoX+D101+R0"])
        make_run(course, RUN, enroll_by=clock.now() + 9 * DAY)
        (row,) = assigned(house.budget)
        with later(timedelta(hours=1)):
            done = allocate(house.budget, 1, run=RUN)
            row = fresh(row)
            assert row.modified == clock.now()
        assert ([item.assignment for item in done.updated], done.charged_cents) == ([row.pk], 0)
        assert (row.preferred_course_run_key, row.cycle, row.state) == (RUN, 1, "allocated")
        assert (row.expires_at, row.expires_reason) == (clock.now() + 9 * DAY, "ENROLLMENT_DATE_PASSED")
        assert row.allocated_at == clock.now()
        assert messages(row) == [("assigned", 1, 1, "pending")]
        assert history(row)[-1][:2] == ("~", "details filled in")
        assert row.history.latest("history_id").preferred_course_run_key == RUN
        assert books(house.budget)[0] == 4900

    def test_another_run_replaces_the_preferred_one(self, house):
        make_course(runs=[RUN, "course-v1:DemoX+D101+R2"])
        (row,) = assigned(house.budget, 1, run=RUN)
        assert len(allocate(house.budget, 1, run="course-v1:DemoX+D101+R2").updated) == 1
        assert fresh(row).preferred_course_run_key == "course-v1:DemoX+D101+R2"

    def test_no_run_takes_no_run_away(self, house):
        make_course(runs=[RUN])
        (row,) = assigned(house.budget, 1, run=RUN)
        assert len(allocate(house.budget, 1).unchanged) == 1
        assert fresh(row).preferred_course_run_key == RUN

    def test_a_user_id_is_filled_in(self, house, course):
        (row,) = assigned(house.budget)
        user = make_user("somebody.else@example.org", lms_user_id=42)
        profile = Profile.objects.filter(user=user)
        profile.update(verified_key=row.learner_email_key)  # proven without the save that would have linked them
        done = allocate(house.budget, 1)
        row = fresh(row)
        assert ([item.assignment for item in done.updated], done.charged_cents) == ([row.pk], 0)
        assert (row.lms_user_id, row.cycle, messages(row)) == (42, 1, [("assigned", 1, 1, "pending")])
        assert row.history.latest("history_id").lms_user_id == 42

    def test_only_the_incomplete_ones_are_touched(self, house):
        make_course(runs=[RUN])
        (first,) = assigned(house.budget, 1)
        assigned(house.budget, ["learner2@example.org"], run=RUN)
        done = allocate(house.budget, 2, run=RUN)
        assert ([item.assignment for item in done.updated], len(done.unchanged)) == ([first.pk], 1)
        assert len(history(first)) == 2

    def test_somebody_in_the_middle_of_accepting_is_left_alone(self, house, platform):
        make_course(runs=[RUN, "course-v1:DemoX+D101+R2"])
        (row,) = assigned(house.budget, 1, run=RUN)
        platform.script(row.learner_email, "unclear")
        accept([row])
        done = allocate(house.budget, 1, run="course-v1:DemoX+D101+R2")
        assert len(done.unchanged) == 1
        assert fresh(row).preferred_course_run_key == RUN


class TestAnswer:
    def test_everybody_is_answered_once_in_the_order_given(self, house):
        make_course(runs=[RUN])
        assigned(house.budget, ["old1@example.org", "old2@example.org"], run=RUN)
        assigned(house.budget, ["bare@example.org"])
        (gone,) = assigned(house.budget, ["gone@example.org"])
        cancel_many([gone.pk], actor=CONSOLE)
        people = ["new2@example.org", "old2@example.org", "gone@example.org", "new1@example.org", "bare@example.org",
                  "old1@example.org"]  # fmt: skip
        done = allocate(house.budget, people, run=RUN)
        assert emails(done.created) == ["new2@example.org", "new1@example.org"]
        assert emails(done.updated) == ["gone@example.org", "bare@example.org"]
        assert emails(done.unchanged) == ["old2@example.org", "old1@example.org"]
        assert [item.position for item in done.created] == [1, 4]
        for item in [*done.created, *done.updated, *done.unchanged]:
            assert LearnerContentAssignment.objects.get(pk=item.assignment).learner_email == item.email
        assert done.charged_cents == 3 * 4900

    def test_an_answer_shows_no_address_when_it_is_logged(self):
        assert "ana@" not in repr(Placed(1, "ana@example.org"))
        assert "ana@" not in repr(make_people(["ana@example.org"]))

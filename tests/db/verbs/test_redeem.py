"""Accepting: who may, by which run, until when, and everything that is written when it succeeds at once."""

import pytest
from django.contrib.auth import get_user_model
from tests.db.verbs.steps import (
    COURSE,
    DAY,
    MINUTE,
    accept,
    accepted,
    actions,
    allocate,
    assigned,
    books,
    counts,
    fresh,
    in_state,
    keys,
    last_reason,
    later,
    ledger,
    nothing_written,
    redeem,
    transactions,
)

from bursar.assignments.flows import judge_redemptions, link_user, redeem_many, verify_address
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.services import RedemptionRequest, cancel_many, extend_many, retire_many, reverse_many
from bursar.budgets.models import Budget, Fund, LedgerEntry
from bursar.catalog.models import Course, Run
from bursar.catalog.services import create_catalog
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.people.keys import key_of
from bursar.people.models import Person, Profile, Role
from bursar.testing.factories import make_course, make_customer, make_house, make_member, make_run, make_user

R1, R2 = "run-1", "run-2"


class TestAccepted:
    def test_state_date_money_counts_action_and_history_go_together(self, house, course):
        first, _ = assigned(house.budget, 2)
        learner = make_member(house.customer, Role.LEARNER)
        with later(DAY):
            transaction = redeem(first, actor=learner)
            row = fresh(first)
            assert (row.state, row.accepted_at, row.modified) == ("accepted", clock.now(), clock.now())
        assert (row.transaction_uuid, row.redemption_uuid, row.learner_state) == (transaction.pk, None, None)
        assert books(house.budget) == (4900, 4900, 995_100, 4900)
        assert counts(house.budget) == {("allocated", "notifying"): 1, ("accepted", None): 1}
        assert actions(row)[-1] == ("redeemed", None)
        assert last_reason(row) == ("accepted", learner.user_id)
        assert ledger(house.budget)[1:] == [("redemption", -4900)]

    def test_the_transaction_says_what_was_bought_and_for_whom(self, house):
        make_run(make_course(), R1, start=clock.now() + 20 * DAY)
        make_user("learner1@example.org", lms_user_id=42)
        (row,) = assigned(house.budget)
        transaction = redeem(row)
        assert (transaction.state, transaction.quantity, transaction.lms_user_id) == ("committed", -4900, 42)
        assert (transaction.content_key, transaction.parent_content_key) == (R1, COURSE)
        assert (transaction.content_title, transaction.course_run_start_date) == (
            row.content_title,
            clock.now() + 20 * DAY,
        )
        assert (transaction.budget_id, transaction.fund_id) == (house.budget.pk, house.fund.pk)
        assert transaction.fulfillment_identifier == f"enrolment-{transaction.pk}"
        assert transaction.courseware_url == f"https://learn.example.org/{transaction.pk}"
        assert (transaction.attempts, transaction.due_at, transaction.error_code) == (1, None, "")
        assert LedgerEntry.objects.get(kind="redemption").transaction_id == transaction.pk

    def test_a_free_course_is_accepted_without_an_entry(self, house):
        make_course("DemoX+FREE", price_cents=0)
        (row,) = assigned(house.budget, 1, "DemoX+FREE")
        assert redeem(row).state == "committed"
        assert books(house.budget) == (0, 0, 1_000_000, 0)
        assert ledger(house.budget) == [("deposit", 1_000_000)]

    def test_a_course_without_runs_is_enrolled_in_by_its_own_key(self, house, platform):
        make_course()
        (row,) = assigned(house.budget)
        transaction = redeem(row)
        assert (transaction.content_key, transaction.parent_content_key) == (COURSE, COURSE)
        assert [request.run_key for _, request in platform.asked] == [COURSE]

    def test_many_are_accepted_by_chunks(self, house, course, configure):
        rows = assigned(house.budget, 5)
        configure(chunk_size=2)
        answer = redeem_many([RedemptionRequest(row.pk) for row in rows], actor=CONSOLE)
        assert {item.state for item in answer.done.values()} == {"committed"}
        assert answer.done.keys() == set(keys(rows))
        assert books(house.budget) == (0, 5 * 4900, 1_000_000 - 5 * 4900, 0)

    def test_asking_again_answers_with_the_same_transaction_and_enrols_nobody(self, house, course, platform):
        (row,) = assigned(house.budget)
        first = redeem(row)
        with nothing_written():
            assert redeem(row) == first
        assert len(platform.asked) == 1

    def test_a_new_cycle_is_a_new_transaction(self, house, course, platform):
        (row,) = accepted(house.budget)
        reverse_many([row.pk], actor=CONSOLE)
        allocate(house.budget, 1)
        redeem(row)
        first, second = transactions(row)
        assert first.idempotency_key != second.idempotency_key
        assert fresh(row).transaction_uuid in (first.pk, second.pk)
        assert fresh(row).transaction_uuid != row.transaction_uuid
        assert len(platform.enrolments) == 2


class TestWhichRun:
    @pytest.fixture
    def runs(self):
        course = make_course()
        make_run(course, "closed", start=clock.now() - 5 * DAY, enroll_by=clock.now() - DAY)
        make_run(course, "withdrawn", start=clock.now() + DAY, active=False)
        make_run(course, R2, start=clock.now() + 9 * DAY)
        make_run(course, R1, start=clock.now() + 5 * DAY)
        make_course("DemoX+OTHER", runs=["other-run"])
        return course

    def test_of_a_course_any_of_its_open_runs_may_be_chosen(self, house, runs):
        (row,) = assigned(house.budget)
        assert redeem(row, run=R2).content_key == R2

    def test_without_a_choice_it_is_the_open_one_that_starts_first(self, house, runs):
        (row,) = assigned(house.budget)
        assert redeem(row).content_key == R1

    def test_the_key_of_the_course_is_no_choice(self, house, runs):
        (row,) = assigned(house.budget)
        assert redeem(row, run=COURSE).content_key == R1

    def test_the_preferred_run_is_taken_unless_another_is_named(self, house, runs):
        first, second = assigned(house.budget, 2, run=R2)
        assert redeem(first).content_key == R2
        assert redeem(second, run=R1).content_key == R1

    @pytest.mark.parametrize("run", ["other-run", "no-such-run", "DemoX+OTHER", "RUN-1", "a\0b"])
    def test_what_is_no_run_of_the_course_is_refused(self, house, runs, run):
        (row,) = assigned(house.budget)
        with nothing_written():
            assert redeem(row, run=run) == "wrong_run"

    def test_an_assigned_run_is_taken_up_by_itself_alone(self, house, runs):
        first, second = assigned(house.budget, 2, R1)
        with nothing_written():
            assert redeem(first, run=R2) == "wrong_run"
        assert redeem(first).content_key == R1
        assert redeem(second, run=R1).content_key == R1

    @pytest.mark.parametrize("run", ["closed", "withdrawn"])
    def test_a_run_that_is_not_open_is_refused_though_others_are(self, house, runs, run):
        (row,) = assigned(house.budget)
        with nothing_written():
            assert redeem(row, run=run) == "beyond_enrollment_deadline"


class TestUntilWhen:
    """Ruling 18: the state decides, with enrol-by and the fund's end; a passed expiry date alone refuses nobody."""

    def test_a_passed_expiry_date_that_the_sweep_has_not_reached_does_not_refuse(self, house, course):
        (row,) = assigned(house.budget)
        with later(95 * DAY):
            assert fresh(row).expires_at < clock.now()
            assert redeem(row).state == "committed"

    def test_a_passed_enrol_by_date_does(self, house):
        make_run(make_course(), R1, enroll_by=clock.now() + 5 * DAY)
        rows = assigned(house.budget, 2)
        with later(5 * DAY - MINUTE):
            assert redeem(rows[0]).state == "committed"
        with later(5 * DAY), nothing_written():
            assert redeem(rows[1]) == "beyond_enrollment_deadline"

    def test_the_end_of_the_fund_does(self, house, course):
        Fund.objects.update(expires_at=clock.now() + 5 * DAY)
        rows = assigned(house.budget, 2)
        with later(5 * DAY - MINUTE):
            assert redeem(rows[0]).state == "committed"
        with later(5 * DAY), nothing_written():
            assert redeem(rows[1]) == "subsidy_expired"

    def test_late_redemption_opens_what_is_closed_until_its_own_date(self, house):
        make_run(make_course(), R1, enroll_by=clock.now() + 5 * DAY)
        rows = assigned(house.budget, 2, R1)
        Budget.objects.update(late_redemption_allowed_until=clock.now() + 20 * DAY)
        with later(20 * DAY - MINUTE):
            assert redeem(rows[0]).state == "committed"
        with later(20 * DAY), nothing_written():
            assert redeem(rows[1]) == "beyond_enrollment_deadline"

    def test_late_redemption_does_not_outlive_the_fund(self, house):
        make_run(make_course(), R1, enroll_by=clock.now() + 5 * DAY)
        (row,) = assigned(house.budget, 1, R1)
        Budget.objects.update(late_redemption_allowed_until=clock.now() + 20 * DAY)
        Fund.objects.update(expires_at=clock.now() + 10 * DAY)
        with later(11 * DAY), nothing_written():
            assert redeem(row) == "subsidy_expired"

    def test_a_personal_deadline_is_an_expiry_date_and_refuses_nobody_by_itself(self, house, course):
        (row,) = assigned(house.budget)
        extend_many([row.pk], until=clock.now() + DAY, why="", actor=CONSOLE)
        with later(2 * DAY):
            assert redeem(row).state == "committed"


class TestRefusedByRule:
    def test_an_inactive_budget_refuses_and_a_retired_one_keeps_its_word(self, house, course):
        first, second = assigned(house.budget, 2)
        Budget.objects.update(active=False)
        with nothing_written():
            assert redeem(first) == "policy_expired"
        Budget.objects.update(active=True, retired=True)
        assert redeem(second).state == "committed"

    def test_an_assignment_without_a_budget_is_refused(self, house, course, unaudited):
        (row,) = assigned(house.budget)
        Budget.objects.update(assignment_configuration=None)
        assert redeem(row) == "policy_expired"

    @pytest.mark.parametrize("change", ["withdrawn", "outside the catalog", "gone"])
    def test_a_course_that_is_no_longer_offered_is_refused(self, house, course, change):
        (row,) = assigned(house.budget)
        if change == "withdrawn":
            Course.objects.update(active=False)
        elif change == "gone":
            Run.objects.all().delete()
            Course.objects.all().delete()
        else:
            Budget.objects.update(catalog=create_catalog("Other", rule="keys", keys=["DemoX+OTHER"]).pk)
        with nothing_written():
            assert redeem(row) == "content_not_in_catalog"

    def test_two_budgets_with_catalogs_of_their_own_are_asked_for_each(self, house, course):
        other = make_house()
        (mine,), (theirs,) = assigned(house.budget), assigned(other.budget)
        Budget.objects.filter(pk=other.budget.pk).update(catalog=create_catalog("Other", rule="keys", keys=["x"]).pk)
        answer = redeem_many([RedemptionRequest(mine.pk), RedemptionRequest(theirs.pk)], actor=CONSOLE)
        assert answer.done.keys() == {mine.pk}
        assert answer.refused[theirs.pk].code == "content_not_in_catalog"

    def test_the_order_of_the_refusals_is_the_contracts(self, house):
        run = make_run(make_course(), R1, enroll_by=clock.now() + 5 * DAY)
        (row,) = assigned(house.budget)
        cancel_many([row.pk], actor=CONSOLE)
        Budget.objects.update(active=False)
        Course.objects.update(active=False)
        with later(6 * DAY):
            Fund.objects.update(expires_at=clock.now())
            assert redeem(row, run="nothing") == "policy_expired"
            Budget.objects.update(active=True)
            assert redeem(row, run="nothing") == "content_not_in_catalog"
            Course.objects.update(active=True)
            assert redeem(row, run="nothing") == "wrong_run"
            assert redeem(row) == "beyond_enrollment_deadline"
            Run.objects.filter(pk=run.pk).update(enroll_by=None)
            assert redeem(row) == "subsidy_expired"
            Fund.objects.update(expires_at=None)
            assert redeem(row) == "reason_learner_assignment_cancelled"


class TestWho:
    def test_the_learner_it_is_assigned_to_may(self, house, course):
        make_user("learner1@example.org", lms_user_id=42)
        (row,) = assigned(house.budget)
        assert redeem(row, by=42).lms_user_id == 42

    def test_another_learner_may_not(self, house, course):
        make_user("learner1@example.org", lms_user_id=42)
        (row,) = assigned(house.budget)
        with nothing_written():
            assert redeem(row, by=43) == "reason_learner_not_assigned_content"

    def test_another_learner_does_not_see_what_somebody_has_accepted(self, house, course, platform):
        make_user("learner1@example.org", lms_user_id=42)
        make_user("learner2@example.org", lms_user_id=44)
        done, pending = assigned(house.budget, 2)
        platform.script("learner2@example.org", "unclear")
        accept([done, pending])
        with nothing_written():
            assert redeem(done, by=43) == "reason_learner_not_assigned_content"
            assert redeem(pending, by=43) == "reason_learner_not_assigned_content"

    def test_a_learner_of_another_customer_does_not_find_it(self, house, course):
        (row,) = assigned(house.budget)
        stranger = make_member(make_customer(), Role.LEARNER)
        with nothing_written():
            assert redeem(row, actor=stranger) == "not_found"

    def test_a_learner_may_not_take_what_is_linked_to_nobody(self, house, course):
        (row,) = assigned(house.budget)
        with nothing_written():
            assert redeem(row, by=43) == "reason_learner_not_assigned_content"

    def test_somebody_without_a_user_gets_a_number_of_our_own_and_keeps_it(self, house, course):
        make_course("DemoX+OTHER")
        (row,) = assigned(house.budget)
        transaction = redeem(row)
        assert transaction.lms_user_id > 1_000_000_000
        assert fresh(row).lms_user_id is None, "an assignment is linked to users alone"
        assert Person.objects.get(email="learner1@example.org").lms_user_id == transaction.lms_user_id
        (other,) = assigned(house.budget, 1, "DemoX+OTHER")
        assert redeem(other).lms_user_id == transaction.lms_user_id

    def test_the_user_who_appears_later_takes_that_number_over(self, house, course):
        (row,) = assigned(house.budget)
        transaction = redeem(row)
        user = get_user_model().objects.create(username="learner1@example.org", email="learner1@example.org")
        assert link_user(user) == 0, "the address is not proven yet"
        assert verify_address(user) == 1
        assert fresh(row).lms_user_id == user.bursar_profile.lms_user_id == transaction.lms_user_id

    def test_an_account_made_later_takes_that_number_over(self, house, course):
        (row,) = assigned(house.budget)
        transaction = redeem(row)
        make_user("learner1@example.org")
        assert fresh(row).lms_user_id == transaction.lms_user_id

    def test_an_account_that_proves_nothing_takes_no_number_over(self, house, course):
        (row,) = assigned(house.budget)
        transaction = redeem(row)
        user = make_user("learner1@example.org", verified=False)
        assert user.bursar_profile.lms_user_id != transaction.lms_user_id
        assert fresh(row).lms_user_id is None

    def test_two_people_without_a_user_have_a_number_each(self, house, course):
        rows = assigned(house.budget, 2)
        assert redeem(rows[0]).lms_user_id != redeem(rows[1]).lms_user_id

    def test_two_addresses_of_one_user_never_clash(self, house, course):
        """The second stays unlinked (ruling 7); who speaks for it enrols the user whom the address belongs to."""
        user = make_user("old@example.org", lms_user_id=42)
        first, second = assigned(house.budget, ["old@example.org", "new@example.org"])
        Profile.objects.filter(user=user).update(verified_key=key_of("new@example.org"))
        Person.objects.filter(email="new@example.org").update(lms_user_id=42)
        answer = redeem_many([RedemptionRequest(row.pk) for row in (second, first)], actor=CONSOLE)
        assert {item.lms_user_id for item in answer.done.values()} == {42}
        assert (fresh(first).lms_user_id, fresh(second).lms_user_id) == (42, None)
        with nothing_written():
            assert redeem(second, by=42) == "reason_learner_not_assigned_content"

    def test_a_scrubbed_person_can_still_be_accepted_for(self, house, course):
        (row,) = assigned(house.budget)
        retire_many([row.pk], actor=CONSOLE)
        assert redeem(row).state == "committed"
        assert LearnerContentAssignment.objects.get().learner_email.endswith("@retired.invalid")


class TestJudged:
    """Asking whether somebody could accept says what accepting would answer, and changes nothing."""

    @pytest.mark.parametrize("state", ["allocated", "cancelled", "expired", "errored", "reversed"])
    def test_every_state_is_judged_as_it_would_be_answered(self, house, course, state):
        (row,) = in_state(state, house.budget)
        with nothing_written():
            judged = judge_redemptions([RedemptionRequest(row.pk)], actor=CONSOLE)
        answer = redeem(row)
        assert judged.keys() == {row.pk}
        assert (judged[row.pk].code if judged[row.pk] else answer.state) == (answer if judged[row.pk] else "committed")

    def test_what_is_accepted_already_cannot_be_accepted(self, house, course):
        (row,) = accepted(house.budget)
        assert judge_redemptions([RedemptionRequest(row.pk)], actor=CONSOLE)[row.pk].code == "already_accepted"

    def test_what_is_under_way_is_said_to_be(self, house, course, platform):
        (row,) = assigned(house.budget)
        platform.script(row.learner_email, "unclear")
        redeem(row)
        judged = judge_redemptions([RedemptionRequest(row.pk)], actor=CONSOLE)
        assert judged[row.pk].code == "redemption_in_progress"

    def test_of_many_each_is_judged_by_chunks(self, house, course, configure):
        rows = assigned(house.budget, 5)
        cancel_many([rows[2].pk], actor=CONSOLE)
        configure(chunk_size=2)
        judged = judge_redemptions([RedemptionRequest(row.pk) for row in rows], actor=CONSOLE)
        assert {key for key, why in judged.items() if why} == {rows[2].pk}
        assert judged.keys() == set(keys(rows))

    def test_strangers_and_other_learners_are_refused(self, house, course):
        (row,) = assigned(house.budget)
        stranger = make_member(make_customer(), Role.LEARNER)
        assert judge_redemptions([RedemptionRequest(row.pk)], actor=stranger)[row.pk].code == "not_found"
        other = judge_redemptions([RedemptionRequest(row.pk, None, 43)], actor=CONSOLE)
        assert other[row.pk].code == "reason_learner_not_assigned_content"

    def test_without_a_budget_nothing_can_be_accepted(self, house, course, unaudited):
        (row,) = assigned(house.budget)
        LearnerContentAssignment.objects.update(assignment_configuration=None)
        assert judge_redemptions([RedemptionRequest(row.pk)], actor=CONSOLE)[row.pk].code == "policy_expired"

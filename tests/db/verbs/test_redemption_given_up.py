"""Enrolments that nobody can tell about: given up after a day by asking who is enrolled; and what is left lying about."""

import pytest
from tests.db.verbs.steps import (
    HOUR,
    MINUTE,
    accept,
    actions,
    allocate,
    assigned,
    books,
    fresh,
    history,
    keys,
    later,
    nothing_written,
    redeem,
    tick,
    transactions,
)
from tests.db.verbs.test_redemption_saga import SOON, assert_accepted, assert_errored

from bursar.assignments import services
from bursar.assignments.flows import redemptions, resume_redemptions
from bursar.assignments.models import LearnerContentAssignment
from bursar.budgets.models import Transaction
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.kernel.backends import backend


class TestGivenUpAfterADay:
    def pending_for(self, hours, row):
        for hour in range(1, hours):
            with later(hour * HOUR):
                tick()
            assert fresh(row).redemption_uuid is not None

    def test_whoever_is_not_enrolled_then_errs_and_the_money_is_free(self, house, course, platform):
        (row,) = assigned(house.budget)
        platform.script(row.learner_email, *["unclear"] * 100)
        accept([row])
        self.pending_for(24, row)
        with later(24 * HOUR):
            tick()
            assert fresh(row).errored_at == clock.now()
        assert platform.asked[-1][0] == "find_many"
        assert_errored(house, row, platform, "closed")
        assert actions(row)[-1] == ("redeemed", "enrollment_error")
        assert history(row)[-1][1] == "enrolment failed"

    def test_whoever_turns_out_to_be_enrolled_is_accepted(self, house, course, platform):
        (row,) = assigned(house.budget)
        platform.script(row.learner_email, *["lose"] * 100)
        accept([row])
        self.pending_for(24, row)
        with later(24 * HOUR):
            tick()
        assert platform.asked[-1][0] == "find_many"
        assert_accepted(house, row, platform)

    @pytest.mark.parametrize("finding", ["unclear", "omit", "raise"])
    def test_when_nobody_can_tell_even_then_it_is_given_up(self, house, course, platform, finding):
        (row,) = assigned(house.budget)
        platform.script(row.learner_email, *["unclear"] * 100)
        platform.script_find(row.learner_email, finding)
        accept([row])
        with later(24 * HOUR):
            tick()
        assert_errored(house, row, platform, "given_up")

    def test_nobody_is_newly_enrolled_by_the_last_question(self, house, course, platform):
        (row,) = assigned(house.budget)
        platform.script(row.learner_email, "unclear")
        accept([row])
        with later(25 * HOUR):
            tick()
        assert platform.enrolments == {}
        assert_errored(house, row, platform, "closed")

    def test_how_long_is_a_setting(self, house, course, configure):
        configure(redemption_give_up=HOUR)
        (row,) = assigned(house.budget)
        backend("enrolment_port").script(row.learner_email, *["unclear"] * 100)
        accept([row])
        with later(HOUR):
            tick()
        assert fresh(row).state == "errored"

    def test_what_has_erred_can_be_assigned_and_accepted_anew(self, house, course, platform):
        (row,) = assigned(house.budget)
        platform.script(row.learner_email, "refuse")
        accept([row])
        allocate(house.budget, 1)
        assert redeem(row).state == "committed"
        assert [item.state for item in transactions(row)] == ["failed", "committed"]
        assert books(house.budget) == (0, 4900, 995_100, 0)
        assert len(platform.enrolments) == 1


class TestOddEnds:
    def test_a_tick_ends_though_an_assignment_under_way_was_deleted(
        self, house, course, platform, monkeypatch, unaudited
    ):
        rows = assigned(house.budget, 2)
        for row in rows:
            platform.script(row.learner_email, "unclear")
        accept(rows)
        fresh(rows[0]).delete()
        looks = []
        real = services.pending_redemptions
        monkeypatch.setattr(
            services, "pending_redemptions", lambda limit: real(limit) if looks.append(limit) or len(looks) < 5 else []
        )
        with later(SOON):
            assert resume_redemptions() == 2
        assert len(looks) == 2, "it would have looked for ever"
        assert fresh(rows[1]).state == "accepted"

    def test_the_ones_due_longest_are_taken_up_first_and_all_of_them(self, house, course, platform, monkeypatch):
        monkeypatch.setattr(redemptions, "RESUMED_AT_ONCE", 2)
        rows = assigned(house.budget, 5)
        for minutes, row in enumerate(rows):
            platform.script(row.learner_email, "unclear")
            with later(minutes * MINUTE):
                accept([row])
        del platform.asked[:]
        with later(HOUR):
            assert resume_redemptions() == 5
        assert [request.email for _, request in platform.asked] == [row.learner_email for row in rows]

    def test_settling_what_is_settled_changes_nothing(self, house, course):
        (row,) = assigned(house.budget)
        transaction = redeem(row)
        with nothing_written():
            answer = services.finish_redemptions(
                [services.Enrolled(transaction.pk, "refused", code="late")], actor=CONSOLE
            )
        assert answer.done == {}

    def test_nothing_pending_asks_nobody(self, house, course, platform):
        assert resume_redemptions() == 0
        redemptions.ask([], actor=CONSOLE)
        assert platform.asked == []
        assert not Transaction.objects.exists()
        assert keys(LearnerContentAssignment.objects.all()) == []

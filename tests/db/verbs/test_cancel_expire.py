"""Cancelling and expiring: state, dates, money, message and history in one commit, whatever becomes of the message."""

import pytest
from tests.db.records.rows import make_assignment
from tests.db.verbs.steps import (
    DAY,
    MINUTE,
    accept,
    assigned,
    books,
    codes,
    counts,
    fresh,
    history,
    in_state,
    keys,
    kinds,
    last_reason,
    later,
    ledger,
    messages,
    nothing_written,
    tick,
)

from bursar.assignments import jobs
from bursar.assignments.events import HistoryReason
from bursar.assignments.jobs import expire_due
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.services import cancel, cancel_many, expire_many, remind_many
from bursar.budgets.models import Budget, Fund, Transaction
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.kernel.backends import backend
from bursar.testing.factories import make_budget, make_course, make_house, make_member, make_run
from bursar.testing.fake_mail import Died


class TestCancel:
    def test_state_date_money_counts_message_and_history_go_together(self, house, course):
        first, second = assigned(house.budget, 2)
        admin = make_member(house.customer)
        with later(DAY):
            cancel_many([first.pk], actor=admin)
            row = fresh(first)
            assert (row.state, row.cancelled_at, row.modified) == ("cancelled", clock.now(), clock.now())
        assert row.allocated_at == first.allocated_at
        assert row.learner_state is None
        assert books(house.budget) == (4900, 0, 1_000_000, 4900)
        assert counts(house.budget) == {("allocated", "notifying"): 1, ("cancelled", None): 1}
        assert messages(row)[-1] == ("cancelled", 1, 1, "pending")
        assert last_reason(row) == ("cancelled by an admin", admin.user_id)
        assert fresh(second).state == "allocated"
        assert ledger(house.budget) == [("deposit", 1_000_000)], "a hold is no entry"

    @pytest.mark.parametrize("reason", [HistoryReason.DECLINED_BY_LEARNER, HistoryReason.HANDED_OVER])
    def test_why_it_was_cancelled_is_told_by_the_history(self, house, course, reason):
        (row,) = assigned(house.budget)
        cancel_many([row.pk], actor=CONSOLE, reason=reason)
        assert last_reason(row) == (str(reason), None)

    def test_without_telling_no_message_is_left(self, house, course):
        (row,) = assigned(house.budget)
        cancel_many([row.pk], actor=CONSOLE, tell=False)
        assert kinds(row) == ["assigned"]
        assert fresh(row).state == "cancelled"

    def test_an_errored_assignment_is_cancelled_and_releases_nothing(self, house, course):
        (row,) = in_state("errored", house.budget)
        before = books(house.budget)
        assert before == (0, 0, 1_000_000, 0)
        cancel_many([row.pk], actor=CONSOLE)
        row = fresh(row)
        assert (row.state, row.errored_at is None) == ("cancelled", False)
        assert books(house.budget) == before
        assert counts(house.budget) == {("cancelled", None): 1}

    def test_errored_and_allocated_ones_in_one_call_release_what_the_allocated_hold(self, house, course):
        (errored,) = in_state("errored", house.budget, ["errored@example.org"])
        allocated = assigned(house.budget, 3)
        cancel_many([errored.pk, *keys(allocated[:2])], actor=CONSOLE)
        assert books(house.budget)[0] == 4900

    def test_one_call_reaches_budgets_of_several_customers(self, course):
        first, second = make_house(), make_house()
        rows = [*assigned(first.budget, 3), *assigned(second.budget, 2)]
        cancel_many(keys(rows), actor=CONSOLE)
        assert (books(first.budget)[0], books(second.budget)[0]) == (0, 0)
        assert (counts(first.budget), counts(second.budget)) == ({("cancelled", None): 3}, {("cancelled", None): 2})

    def test_two_budgets_on_one_fund_both_give_back(self, house, course):
        second = make_budget(house.fund)
        rows = [*assigned(house.budget, 3), *assigned(second, 2)]
        cancel_many(keys(rows[1:4]), actor=CONSOLE)
        assert books(house.budget) == (4900, 0, 1_000_000, 2 * 4900)
        assert books(second)[0] == 4900

    def test_what_expired_a_moment_ago_by_date_can_still_be_cancelled(self, house, course):
        (row,) = assigned(house.budget)
        with later(91 * DAY):
            cancel_many([row.pk], actor=CONSOLE)
        assert fresh(row).state == "cancelled"

    def test_the_budget_may_be_retired_and_the_fund_over(self, house, course):
        (row,) = assigned(house.budget)
        Budget.objects.update(retired=True, active=False)
        Fund.objects.update(expires_at=clock.now())
        cancel_many([row.pk], actor=CONSOLE)
        assert books(house.budget) == (0, 0, 1_000_000, 0)

    def test_a_free_assignment_is_cancelled_and_moves_no_money(self, house):
        make_course("DemoX+FREE", price_cents=0)
        (row,) = assigned(house.budget, 1, "DemoX+FREE")
        cancel_many([row.pk], actor=CONSOLE)
        assert fresh(row).state == "cancelled"
        assert books(house.budget) == (0, 0, 1_000_000, 0)

    def test_while_somebody_accepts_it_is_refused(self, house, course, platform):
        (row,) = assigned(house.budget)
        platform.script(row.learner_email, "unclear")
        accept([row])
        with nothing_written():
            outcome = cancel_many([row.pk], actor=CONSOLE)
        assert codes(outcome) == {row.pk: "redemption_in_progress"}

    def test_a_refusal_says_which_states_would_do(self, house, course):
        (row,) = in_state("accepted", house.budget)
        facts = cancel_many([row.pk], actor=CONSOLE).refused[row.pk].facts
        assert facts == {"state": "accepted", "allowed": ["allocated", "errored"]}

    def test_a_crash_in_a_later_chunk_leaves_the_earlier_ones_done_and_calling_again_does_the_rest(
        self, house, course, configure, monkeypatch
    ):
        rows = assigned(house.budget, 5)
        configure(chunk_size=2)
        real, calls = cancel.moves.move_many, []

        def die_in_the_second(*args):
            calls.append(args)
            if len(calls) == 2:
                raise Died
            real(*args)

        with monkeypatch.context() as killed, pytest.raises(Died):
            killed.setattr(cancel.moves, "move_many", die_in_the_second)
            cancel_many(keys(rows), actor=CONSOLE)
        assert [row.state for row in fresh(rows)].count("cancelled") == 2
        assert books(house.budget)[0] == 3 * 4900
        again = cancel_many(keys(rows), actor=CONSOLE)
        assert sorted(again.done.values()) == ["cancelled"] * 3 + ["unchanged"] * 2
        assert books(house.budget)[0] == 0


class TestExpire:
    def test_state_date_money_counts_message_and_history_go_together(self, house, course):
        first, second = assigned(house.budget, 2)
        with later(90 * DAY):
            outcome = expire_many([first.pk], actor=CONSOLE)
            row = fresh(first)
            assert (row.state, row.expired_at) == ("expired", clock.now())
        assert outcome.done == {row.pk: "expired"}
        assert (row.expires_at, row.expires_reason) == (clock.now() + 90 * DAY, "NINETY_DAYS_PASSED")
        assert row.learner_state == "expired"
        assert books(house.budget) == (4900, 0, 1_000_000, 4900)
        assert counts(house.budget) == {("allocated", "notifying"): 1, ("expired", "expired"): 1}
        assert messages(row)[-1] == ("expired", 1, 1, "pending")
        assert last_reason(row) == ("expired", None)
        assert fresh(second).state == "allocated"

    def test_a_moment_before_its_date_it_is_refused(self, house, course):
        (row,) = assigned(house.budget)
        with later(90 * DAY - MINUTE), nothing_written():
            outcome = expire_many([row.pk], actor=CONSOLE)
        assert codes(outcome) == {row.pk: "not_yet_due"}

    def test_while_somebody_accepts_it_is_refused(self, house, course, platform):
        (row,) = assigned(house.budget)
        with later(90 * DAY - MINUTE):
            platform.script(row.learner_email, "unclear")
            accept([row])
        with later(90 * DAY), nothing_written():
            outcome = expire_many([row.pk], actor=CONSOLE)
        assert codes(outcome) == {row.pk: "redemption_in_progress"}

    def test_a_notification_puts_the_ninety_days_off_and_a_reminder_does_not(self, house, course):
        (row,) = assigned(house.budget)
        with later(DAY):
            tick()
            assert fresh(row).expires_at == clock.now() + 90 * DAY
        with later(5 * DAY):
            remind_many([row.pk], actor=CONSOLE)
            tick()
            assert fresh(row).recent_action == "reminded"
        assert fresh(row).expires_at == clock.now() + 91 * DAY


class TestExpireDue:
    def test_it_finds_everything_whose_date_has_come_and_nothing_else(self, house):
        course = make_course()
        make_run(course, "soon", enroll_by=clock.now() + 5 * DAY)
        make_run(course, "late", enroll_by=clock.now() + 50 * DAY)
        (soon,) = assigned(house.budget, 1, "soon")
        (late,) = assigned(house.budget, 1, "late")
        with later(5 * DAY - MINUTE):
            assert expire_due() == 0
        with later(5 * DAY):
            assert expire_due() == 1
            assert expire_due() == 0
        assert (fresh(soon).state, fresh(late).state) == ("expired", "allocated")

    def test_it_goes_by_chunks_until_nothing_is_due(self, house, course, configure):
        assigned(house.budget, 7)
        configure(chunk_size=2)
        told = []
        with later(91 * DAY):
            assert expire_due(progress=told.append) == 7
        assert told == [2, 2, 2, 1]
        assert books(house.budget)[0] == 0

    def test_those_in_the_middle_of_accepting_are_passed_over_and_stop_nobody(self, house, course, configure, platform):
        first, second, third = assigned(house.budget, 3)
        configure(chunk_size=1)
        with later(90 * DAY - MINUTE):
            backend("enrolment_port").script(first.learner_email, "unclear")
            accept([first])
        with later(91 * DAY):
            assert expire_due() == 2
        assert [row.state for row in fresh([first, second, third])] == ["allocated", "expired", "expired"]

    def test_it_stops_when_others_have_taken_what_it_saw(self, house, course, monkeypatch):
        """A sweep that finds rows due which the verb then refuses must not look for them for ever."""
        rows = assigned(house.budget, 2)
        monkeypatch.setattr(jobs, "_due", lambda limit: keys(rows))
        assert expire_due() == 0

    def test_an_assignment_without_a_configuration_expires_without_money(self, house, course, unaudited):
        (row,) = assigned(house.budget)
        LearnerContentAssignment.objects.filter(pk=row.pk).update(assignment_configuration=None)
        with later(91 * DAY):
            assert expire_due() == 1
        assert fresh(row).state == "expired"
        assert history(row)[-1][1] == "expired"
        assert books(house.budget)[0] == 4900, "nobody knows any more whose money that was; the audit says so"


class TestRowsWrittenPastTheVerbs:
    """Nothing was ever held for them: they can be ended and taken up like any other, and give nothing back."""

    @staticmethod
    def imported(house, number=1, **facts):
        configuration = house.budget.assignment_configuration
        people = [f"imported{place}@example.org" for place in range(number)]
        return [make_assignment(configuration, learner_email=person, **facts) for person in people]

    def test_they_are_cancelled_and_the_books_agree(self, house, course, caplog):
        (row,) = self.imported(house)
        cancel_many([row.pk], actor=CONSOLE)
        assert (fresh(row).state, books(house.budget)) == ("cancelled", (0, 0, 1_000_000, 0))
        assert f"budget {house.budget.pk} holds 0 cents, less than the 4900" in caplog.text

    def test_they_do_not_stop_the_sweep(self, house, course):
        rows = [*assigned(house.budget), *self.imported(house, 2)]
        with later(91 * DAY):
            assert tick().expired == 3
        assert ({row.state for row in fresh(rows)}, books(house.budget)) == ({"expired"}, (0, 0, 1_000_000, 0))

    def test_they_are_accepted_within_the_limit(self, house, course):
        (row,) = self.imported(house)
        accept([row])
        assert (fresh(row).state, books(house.budget)) == ("accepted", (0, 4900, 995_100, 0))

    def test_beyond_the_limit_they_leave_others_pending_and_stop_no_tick(self, course, unaudited):
        house = make_house(limit_cents=2 * 4900)
        first, second = assigned(house.budget, 2)
        accept(self.imported(house))
        accept([first, second])
        assert sorted(row.state for row in fresh([first, second])) == ["accepted", "allocated"]
        with later(DAY + MINUTE):
            tick()
        (pending,) = Transaction.objects.filter(state="pending")
        assert (pending.error_code, pending.due_at > clock.now()) == ("over_budget", True)
        assert books(house.budget)[1] == 2 * 4900

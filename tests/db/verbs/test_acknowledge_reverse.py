"""Acknowledging what has ended, and reversing what was paid: each once, and for the one it concerns."""

import pytest
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from tests.db.verbs.steps import (
    DAY,
    accepted,
    actions,
    allocate,
    assigned,
    books,
    codes,
    counts,
    fresh,
    in_state,
    keys,
    last_reason,
    later,
    ledger,
    messages,
    nothing_written,
    tick,
    transactions,
)

from bursar.assignments.services import acknowledge_many, cancel_many, expire_many, reverse_many
from bursar.budgets.models import Budget, Fund, LedgerEntry, Reversal, Transaction
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.kernel.errors import NotFound
from bursar.testing.factories import make_budget, make_course, make_house, make_member, make_user


class TestAcknowledge:
    @pytest.fixture
    def learner(self):
        return make_user("learner1@example.org", lms_user_id=42)

    def acknowledge(self, house, rows, lms_user_id=42):
        return acknowledge_many(house.budget.assignment_configuration_id, keys(rows), lms_user_id=lms_user_id)

    @pytest.mark.parametrize("verb", [cancel_many, expire_many])
    def test_what_has_ended_is_acknowledged_once_it_has_been_told(self, house, course, learner, verb):
        (row,) = assigned(house.budget)
        with later(91 * DAY):
            verb([row.pk], actor=CONSOLE)
            tick()
            assert fresh(row).learner_acknowledged is False
            assert [len(part) for part in self.acknowledge(house, [row])] == [1, 0, 0]
            assert fresh(row).learner_acknowledged is True
            assert [len(part) for part in self.acknowledge(house, [row])] == [0, 1, 0]
        assert actions(row)[-1][0].endswith("_acknowledged")

    def test_what_is_open_cannot_be_acknowledged(self, house, course, learner, caplog):
        (row,) = assigned(house.budget)
        with nothing_written():
            assert [keys(part) for part in self.acknowledge(house, [row])] == [[], [], [row.pk]]
        assert "cannot be acknowledged" in caplog.text

    def test_after_a_new_cycle_it_is_acknowledged_anew(self, house, course, learner):
        (row,) = assigned(house.budget)
        cancel_many([row.pk], actor=CONSOLE)
        tick()
        self.acknowledge(house, [row])
        with later(DAY):
            allocate(house.budget, 1)
            cancel_many([row.pk], actor=CONSOLE)
            tick()
            assert [len(part) for part in self.acknowledge(house, [row])] == [1, 0, 0]

    def test_nobody_acknowledges_for_another(self, house, course, learner):
        (row,) = in_state("cancelled", house.budget)
        with nothing_written(), pytest.raises(ValidationError, match="lms_user_id=43"):
            self.acknowledge(house, [row], lms_user_id=43)

    def test_of_another_configuration_nothing_is_found(self, house, course, learner):
        (row,) = in_state("cancelled", make_house().budget)
        with nothing_written(), pytest.raises(ValidationError):
            self.acknowledge(house, [row])

    def test_an_unknown_configuration_is_not_found(self, house, course, learner):
        with pytest.raises(NotFound):
            acknowledge_many(house.customer.pk, [], lms_user_id=42)


class TestReverse:
    def test_the_whole_amount_comes_back_in_every_book(self, house, course):
        first, _ = accepted(house.budget, 2)
        admin = make_member(house.customer)
        assert books(house.budget) == (0, 9800, 990_200, 0)
        with later(DAY):
            assert reverse_many([first.pk], actor=admin, why="moved away").done == {first.pk: "reversed"}
            row = fresh(first)
            assert (row.state, row.reversed_at, row.accepted_at) == ("reversed", clock.now(), first.accepted_at)
        assert books(house.budget) == (0, 4900, 995_100, 0)
        assert counts(house.budget) == {("accepted", None): 1, ("reversed", None): 1}
        assert last_reason(row) == ("reversed", admin.user_id)
        assert actions(row)[-1] == ("reversed", None)
        assert messages(row) == [("assigned", 1, 1, "pending")], "no message is owed"

    def test_the_reversal_and_its_entry_name_what_they_reverse(self, house, course):
        (row,) = accepted(house.budget)
        (transaction,) = transactions(row)
        reverse_many([row.pk], actor=CONSOLE, why="moved away")
        reversal = Reversal.objects.get()
        assert (reversal.transaction_id, reversal.quantity, reversal.reason) == (transaction.pk, 4900, "moved away")
        assert ledger(house.budget)[1:] == [("redemption", -4900), ("reversal", 4900)]
        entry = LedgerEntry.objects.get(kind="reversal")
        assert entry.reverses == LedgerEntry.objects.get(kind="redemption")
        assert (entry.transaction_id, entry.budget_id) == (transaction.pk, house.budget.pk)

    def test_it_happens_once(self, house, course):
        (row,) = accepted(house.budget)
        reverse_many([row.pk], actor=CONSOLE)
        with nothing_written():
            assert reverse_many([row.pk], actor=CONSOLE).done == {row.pk: "unchanged"}

    def test_what_was_accepted_anew_can_be_reversed_anew(self, house, course):
        (row,) = accepted(house.budget)
        reverse_many([row.pk], actor=CONSOLE)
        accepted(house.budget)
        assert reverse_many([row.pk], actor=CONSOLE).done == {row.pk: "reversed"}
        assert Reversal.objects.count() == 2
        assert books(house.budget) == (0, 0, 1_000_000, 0)

    def test_a_free_course_is_reversed_without_an_entry(self, house):
        make_course("DemoX+FREE", price_cents=0)
        (row,) = accepted(house.budget, 1, "DemoX+FREE")
        assert row.state == "accepted"
        assert reverse_many([row.pk], actor=CONSOLE).done == {row.pk: "reversed"}
        assert ledger(house.budget) == [("deposit", 1_000_000)]
        assert Reversal.objects.get().quantity == 0

    def test_what_no_transaction_pays_for_is_refused(self, house, course, unaudited):
        paid, unpaid = accepted(house.budget, 2)
        Transaction.objects.filter(assignment_uuid=unpaid.pk).update(state="failed")
        outcome = reverse_many([paid.pk, unpaid.pk], actor=CONSOLE)
        assert (outcome.done, codes(outcome)) == ({paid.pk: "reversed"}, {unpaid.pk: "not_paid"})
        assert fresh(unpaid).state == "accepted"

    def test_what_was_given_back_once_is_not_given_back_again(self, house, course, unaudited):
        """A row that says accepted although its money is back (an import wrote it so) gives back nothing."""
        (row,) = accepted(house.budget)
        reverse_many([row.pk], actor=CONSOLE)
        QuerySet(type(row)).filter(pk=row.pk).update(state="accepted")
        with nothing_written():
            assert codes(reverse_many([row.pk], actor=CONSOLE)) == {row.pk: "not_paid"}

    def test_money_that_came_back_can_be_promised_to_somebody_else(self, course):
        house = make_house(limit_cents=4900, deposit_cents=4900)
        (row,) = accepted(house.budget)
        reverse_many([row.pk], actor=CONSOLE)
        assert len(allocate(house.budget, ["other@example.org"]).created) == 1

    def test_a_retired_budget_and_a_fund_that_is_over_take_money_back(self, house, course):
        (row,) = accepted(house.budget)
        Budget.objects.update(retired=True)
        Fund.objects.update(expires_at=clock.now())
        assert reverse_many([row.pk], actor=CONSOLE).done == {row.pk: "reversed"}

    def test_a_long_reason_is_cut_to_what_the_column_takes(self, house, course):
        (row,) = accepted(house.budget)
        reverse_many([row.pk], actor=CONSOLE, why="x" * 300)
        assert Reversal.objects.get().reason == "x" * 255

    def test_reversals_of_two_budgets_on_one_fund_are_one_chain(self, house, course):
        second = make_budget(house.fund)
        rows = [*accepted(house.budget, 2), *accepted(second, 2)]
        reverse_many(keys(rows), actor=CONSOLE)
        assert books(house.budget) == (0, 0, 1_000_000, 0)
        assert [kind for kind, _ in ledger(house.budget)] == ["deposit"] + ["redemption"] * 4 + ["reversal"] * 4

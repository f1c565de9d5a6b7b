"""The one path that moves a state: whole or not at all, and what each effect does to money."""

from types import SimpleNamespace

import pytest
from django.db.transaction import TransactionManagementError
from tests.db.verbs.steps import accepted, assigned, books, fresh, in_state, keys, nothing_written

from bursar.assignments import moves
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.moves import How, LostRaceError
from bursar.assignments.states import STEPS, Money, State, Verb
from bursar.budgets.models import Budget, EntryKind
from bursar.budgets.services import Entry
from bursar.kernel import clock, transactions
from bursar.kernel.actor import CONSOLE
from bursar.kernel.transactions import writes
from bursar.people.access import Permission
from bursar.testing.factories import make_house


@writes
def locked(rows):
    return list(moves.lock(keys(rows), CONSOLE, Permission.MANAGE).values())


@writes
def move(verb, rows, **how):
    moves.move_many(verb, rows, How(CONSOLE, clock.now(), "test", **how))


@writes
def pay(effect, rows, entries=None):
    moves.pay(effect, rows, entries=entries)


class TestMove:
    def test_nobody_to_move_is_nothing_done(self, house, course):
        with nothing_written():
            move(Verb.CANCEL, [])

    @pytest.mark.parametrize("verb", [Verb.REMIND, Verb.NUDGE])
    def test_a_verb_that_moves_no_state_is_no_move(self, house, course, verb):
        rows = locked(assigned(house.budget))
        with nothing_written(), pytest.raises(ValueError, match="does not move"):
            move(verb, rows)

    @pytest.mark.parametrize(("verb", "state"), [
        (Verb.CANCEL, "accepted"), (Verb.EXPIRE, "errored"), (Verb.REDEEM, "cancelled"), (Verb.REVERSE, "allocated"),
    ])  # fmt: skip
    def test_one_row_in_the_wrong_state_and_nothing_is_committed(self, house, course, verb, state):
        right = {Verb.CANCEL: "allocated", Verb.EXPIRE: "allocated", Verb.REDEEM: "allocated", Verb.REVERSE: "accepted"}
        rows = locked([
            *in_state(right[verb], house.budget, ["right@example.org"]),
            *in_state(state, house.budget, ["wrong@example.org"]),
        ])  # fmt: skip
        with nothing_written(), pytest.raises(LostRaceError, match=f"1 of 2 assignments could not {verb}"):
            move(verb, rows)

    def test_outside_a_transaction_nothing_moves(self, house, course, monkeypatch):
        rows = locked(assigned(house.budget))
        with nothing_written(), monkeypatch.context() as outside:
            outside.setattr(transactions, "connection", SimpleNamespace(in_atomic_block=False))
            with pytest.raises(TransactionManagementError):
                moves.move_many(Verb.CANCEL, rows, How(CONSOLE, clock.now(), "test"))
            with pytest.raises(TransactionManagementError):
                moves.lock(keys([]), CONSOLE, Permission.MANAGE)

    @pytest.mark.parametrize("verb", [Verb.CANCEL, Verb.EXPIRE, Verb.REDEEM])
    def test_every_move_goes_where_the_table_says(self, house, course, verb, unaudited):
        (row,) = assigned(house.budget)
        move(verb, locked([row]))
        assert fresh(row).state == STEPS[verb].succeeded

    def test_a_failed_redemption_goes_where_the_table_says_and_gives_back(self, house, course):
        (row,) = assigned(house.budget)
        move(Verb.REDEEM, locked([row]), succeeded=False)
        assert fresh(row).state == State.ERRORED == STEPS[Verb.REDEEM].failed
        assert books(house.budget)[0] == 0


class TestPay:
    """What the effects of the table do to a budget, for a row that holds money and for one that does not."""

    @pytest.mark.parametrize(("effect", "held", "spent"), [
        (Money.NONE, 4900, 0), (Money.HOLD, 9800, 0), (Money.RELEASE, 0, 0), (Money.SPEND, 0, 4900),
    ])  # fmt: skip
    def test_of_an_allocated_row(self, house, course, unaudited, effect, held, spent):
        rows = locked(assigned(house.budget))
        pay(effect, rows, {rows[0].uuid: redemption(rows[0])} if effect is Money.SPEND else None)
        assert books(house.budget)[:2] == (held, spent)

    def test_of_an_accepted_row(self, house, course, unaudited):
        rows = locked(accepted(house.budget))
        pay(Money.REFUND, rows)
        assert books(house.budget)[:2] == (0, 0)

    @pytest.mark.parametrize("effect", [Money.NONE, Money.RELEASE])
    def test_of_an_errored_row_nothing_is_given_back(self, house, course, effect):
        assigned(house.budget, ["other@example.org"])
        rows = locked(in_state("errored", house.budget))
        with nothing_written():
            pay(effect, rows)

    def test_rows_of_several_budgets_pay_each_their_own(self, course, unaudited):
        first, second = make_house(), make_house()
        rows = locked([*assigned(first.budget, 3), *assigned(second.budget, 2)])
        pay(Money.RELEASE, rows)
        assert (books(first.budget)[0], books(second.budget)[0]) == (0, 0)

    def test_a_row_without_a_budget_pays_nobody(self, house, course, unaudited):
        rows = assigned(house.budget)
        Budget.objects.update(assignment_configuration=None)
        with nothing_written():
            pay(Money.RELEASE, locked(rows))
        LearnerContentAssignment.objects.update(assignment_configuration=None)
        with nothing_written():
            pay(Money.RELEASE, locked(rows))


def redemption(row):
    return Entry(EntryKind.REDEMPTION, row.quantity, f"{row.uuid}:redemption")

"""The saga of accepting, killed at every step: never enrolled without being paid, never paid without being enrolled."""

from itertools import pairwise

import pytest
from tests.db.verbs.steps import (
    DAY,
    HOUR,
    MINUTE,
    accept,
    actions,
    allocate,
    assigned,
    books,
    codes,
    counts,
    fresh,
    later,
    ledger,
    nothing_written,
    redeem,
    tick,
    transactions,
)

from bursar.assignments import moves
from bursar.assignments.audit import run_audit
from bursar.assignments.flows import redemptions, resume_redemptions
from bursar.assignments.services import cancel_many, expire_many, remind_many
from bursar.assignments.services import redeem as verb
from bursar.kernel.actor import CONSOLE
from bursar.kernel.transactions import refuse_transaction
from bursar.testing.fake_mail import Died

SOON = 3 * MINUTE  # when a transaction that nobody has settled is due


def die(*_args, **_kwargs):
    raise Died


class Kill:
    """Ends the process at one place, once."""

    def __init__(self, monkeypatch):
        self.monkeypatch = monkeypatch

    def during(self, rows, *, at):
        owner, name = at
        with self.monkeypatch.context() as killed, pytest.raises(Died):
            killed.setattr(owner, name, die)
            accept(rows)


@pytest.fixture
def kill(monkeypatch):
    return Kill(monkeypatch)


def assert_under_way(house, row, held=4900):
    """Publicly nothing has happened: allocated, its money held, the books in order."""
    row = fresh(row)
    (transaction,) = transactions(row)
    assert (row.state, row.redemption_uuid, row.transaction_uuid) == ("allocated", transaction.pk, None)
    assert transaction.state == "pending"
    assert books(house.budget) == (held, 0, 1_000_000, held)
    assert ledger(house.budget) == [("deposit", 1_000_000)]
    assert run_audit() == []


def assert_accepted(house, row, platform):
    """Enrolled once, paid once."""
    row = fresh(row)
    (transaction,) = transactions(row)
    assert (row.state, row.redemption_uuid, row.transaction_uuid) == ("accepted", None, transaction.pk)
    assert (transaction.state, transaction.due_at) == ("committed", None)
    assert platform.enrolments.keys() == {transaction.pk}
    assert books(house.budget) == (0, 4900, 995_100, 0)
    assert ledger(house.budget)[1:] == [("redemption", -4900)]
    assert [action for action, _ in actions(row)].count("redeemed") == 1
    assert counts(house.budget) == {("accepted", None): 1}


def assert_errored(house, row, platform, code):
    """Enrolled nowhere, nothing paid, nothing held."""
    row = fresh(row)
    (transaction,) = transactions(row)
    assert (row.state, row.redemption_uuid, row.transaction_uuid) == ("errored", None, None)
    assert (transaction.state, transaction.error_code, transaction.due_at) == ("failed", code, None)
    assert platform.enrolments == {}
    assert books(house.budget) == (0, 0, 1_000_000, 0)
    assert ledger(house.budget) == [("deposit", 1_000_000)]
    assert counts(house.budget) == {("errored", "failed"): 1}


BEGINNING = [(verb.Transaction.objects.__class__, "bulk_create"), (verb, "_user_ids")]
BEFORE_THE_PLATFORM = [(redemptions, "ask"), (redemptions, "_requests"), (redemptions, "_ask_port")]
AFTER_THE_PLATFORM = [(redemptions, "_settle"), (redemptions.services, "finish_redemptions")]
SETTLING = [(verb, "_commit"), (moves, "_write_state"), (moves, "record_history"), (moves, "shift_counts"), (moves, "pay"),
            (moves, "move_money")]  # fmt: skip


def named(places):
    return pytest.mark.parametrize("place", places, ids=lambda place: place[1])


class TestKilled:
    @named(BEGINNING)
    def test_while_it_begins_nothing_has_happened(self, house, course, platform, kill, place):
        (row,) = assigned(house.budget)
        with nothing_written():
            kill.during([row], at=place)
        assert platform.asked == []
        assert redeem(row).state == "committed"

    @named(BEFORE_THE_PLATFORM)
    def test_before_the_platform_is_asked_it_is_asked_later_and_once(self, house, course, platform, kill, place):
        (row,) = assigned(house.budget)
        kill.during([row], at=place)
        assert_under_way(house, row)
        assert platform.asked == []
        with later(SOON):
            assert resume_redemptions() == 1
            assert resume_redemptions() == 0
        assert_accepted(house, row, platform)
        assert len(platform.asked) == 1

    @pytest.mark.parametrize("step", ["die_before", "die_after"])
    def test_while_the_platform_is_asked_the_same_key_is_asked_again(self, house, course, platform, step):
        (row,) = assigned(house.budget)
        platform.script(row.learner_email, step)
        with pytest.raises(Died):
            accept([row])
        assert len(platform.enrolments) == (step == "die_after")
        assert_under_way(house, row)
        with later(SOON):
            tick()
        assert_accepted(house, row, platform)
        assert len({request.key for _, request in platform.asked}) == 1

    @named(AFTER_THE_PLATFORM)
    def test_after_the_platform_enrolled_and_before_anything_is_written(self, house, course, platform, kill, place):
        (row,) = assigned(house.budget)
        kill.during([row], at=place)
        assert len(platform.enrolments) == 1
        assert_under_way(house, row)
        with later(SOON):
            tick()
        assert_accepted(house, row, platform)

    @named(SETTLING)
    def test_in_the_middle_of_settling_nothing_of_it_stays(self, house, course, platform, kill, place):
        (row,) = assigned(house.budget)
        kill.during([row], at=place)
        assert len(platform.enrolments) == 1
        assert_under_way(house, row)
        with later(SOON):
            tick()
        assert_accepted(house, row, platform)

    @named([(verb, "_fail"), (moves, "_write_state"), (moves, "record_history"), (moves, "move_money")])
    def test_in_the_middle_of_settling_a_refusal_nothing_of_it_stays(self, house, course, platform, kill, place):
        (row,) = assigned(house.budget)
        platform.script(row.learner_email, "refuse", "refuse")
        kill.during([row], at=place)
        assert_under_way(house, row)
        with later(SOON):
            tick()
        assert_errored(house, row, platform, "closed")

    @named([*BEFORE_THE_PLATFORM, *AFTER_THE_PLATFORM, *SETTLING])
    def test_killed_again_by_every_resumption_it_still_ends_right(
        self, house, course, platform, kill, monkeypatch, place
    ):
        (row,) = assigned(house.budget)
        kill.during([row], at=place)
        for hours in range(1, 4):
            with monkeypatch.context() as killed, pytest.raises(Died), later(hours * HOUR):
                killed.setattr(*place, die)
                resume_redemptions()
            assert_under_way(house, row)
        with later(5 * HOUR):
            tick()
        assert_accepted(house, row, platform)

    def test_the_learner_who_asks_again_before_the_tick_is_answered_by_the_same_key(
        self, house, course, platform, kill
    ):
        (row,) = assigned(house.budget)
        kill.during([row], at=(redemptions.services, "finish_redemptions"))
        assert redeem(row).state == "committed"
        assert_accepted(house, row, platform)

    def test_of_many_each_ends_right(self, house, course, platform, kill):
        rows = assigned(house.budget, 5)
        platform.script(rows[0].learner_email, "enrol", "enrol")
        platform.script(rows[1].learner_email, "refuse", "refuse")
        platform.script(rows[2].learner_email, "lose", "lose", "enrol")
        platform.script(rows[3].learner_email, "unclear", "unclear", "refuse")
        kill.during(rows, at=(redemptions.services, "finish_redemptions"))
        for hours in (1, 2, 3):
            with later(hours * HOUR):
                tick()
        states = [row.state for row in fresh(rows)]
        assert states == ["accepted", "errored", "accepted", "errored", "accepted"]
        enrolled = {request.email for request in platform.enrolments.values()}
        assert enrolled == {row.learner_email for row in fresh(rows) if row.state == "accepted"}
        assert books(house.budget) == (0, 3 * 4900, 1_000_000 - 3 * 4900, 0)


class TestWhileItIsUnderWay:
    @pytest.fixture
    def pending(self, house, course, platform):
        (row,) = assigned(house.budget)
        platform.script(row.learner_email, *["unclear"] * 100)
        accept([row])
        return row

    @pytest.mark.parametrize("act", [cancel_many, expire_many, remind_many])
    def test_nobody_may_end_it_or_remind_of_it(self, pending, act):
        with later(91 * DAY), nothing_written():
            assert codes(act([pending.pk], actor=CONSOLE)) == {pending.pk: "redemption_in_progress"}

    def test_somebody_else_acting_while_the_platform_is_slow_is_refused(self, house, course, platform):
        (row,) = assigned(house.budget)
        seen = []

        def meanwhile(_request):
            seen.append(codes(cancel_many([row.pk], actor=CONSOLE)))
            assert_under_way(house, row)

        platform.slowness = meanwhile
        assert redeem(row).state == "committed"
        assert seen == [{row.pk: "redemption_in_progress"}]
        assert_accepted(house, row, platform)

    def test_the_platform_is_asked_outside_any_transaction(self, house, course, platform):
        platform.slowness = lambda _request: refuse_transaction()
        (row,) = assigned(house.budget)
        assert redeem(row).state == "committed"

    def test_a_second_request_during_the_first_enrols_nobody_twice(self, house, course, platform):
        (row,) = assigned(house.budget)
        inner = []

        def ask_too(_request):
            platform.slowness = None
            inner.append(redeem(row))

        platform.slowness = ask_too
        outer = redeem(row)
        assert inner == [outer]
        assert outer.state == "committed"
        assert_accepted(house, row, platform)

    def test_a_second_caller_who_refused_it_meanwhile_is_not_overruled(self, house, course, platform):
        (row,) = assigned(house.budget)
        platform.script(row.learner_email, "refuse", "unclear")  # the inner question comes first

        def ask_too(_request):
            platform.slowness = None
            redemptions.ask(transactions(row), actor=CONSOLE)

        platform.slowness = ask_too
        assert redeem(row).state == "failed"
        assert_errored(house, row, platform, "closed")

    def test_allocating_again_changes_nothing(self, house, pending):
        assert len(allocate(house.budget, 1).unchanged) == 1
        assert_under_way(house, pending)

    def test_asking_again_answers_pending_without_asking_the_platform(self, pending, platform):
        with nothing_written():
            assert redeem(pending).state == "pending"
        assert len(platform.asked) == 1

    def test_it_is_asked_again_ever_more_rarely(self, pending, platform):
        """2, 4, 8, 16, 32 minutes, then every hour: the first pause counts from the beginning."""
        asked = [0]
        for minutes in range(1, 24 * 60):
            with later(minutes * MINUTE):
                if resume_redemptions():
                    asked.append(minutes)
        pauses = [after - before for before, after in pairwise(asked)]
        assert pauses == [2, 4, 8, 16, 32, *[60] * (len(pauses) - 5)]
        assert len(pauses) == 5 + 22

    def test_its_mail_is_still_sent_but_no_reminder(self, pending, mail):
        tick()
        assert [item.subject.split(":")[0] for item in mail.sent] == ["Acme has assigned you a course"]

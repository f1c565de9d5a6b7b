"""The tick does all that is due: at any interval, twice in a row, after a week of outage, after a kill anywhere."""

import pytest
from tests.db.verbs.steps import (
    COURSE,
    DAY,
    HOUR,
    MINUTE,
    accept,
    accepted,
    actions,
    allocate,
    assigned,
    books,
    counts,
    everything,
    fresh,
    in_state,
    keys,
    kinds,
    later,
    nothing_written,
    tick,
)
from tests.db.verbs.test_batches import open_batch

from bursar.assignments import jobs
from bursar.assignments.jobs import Ticked
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.services import cancel_many, extend_many
from bursar.catalog.services import flag_changed
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.kernel.backends import backend
from bursar.kernel.transactions import writes
from bursar.outbox.services import Delivered
from bursar.testing.factories import make_course, make_run
from bursar.testing.fake_mail import Died

NOTHING = Ticked(**{name: Delivered() if name == "mail" else 0 for name in Ticked.__dataclass_fields__})


@pytest.fixture
def busy(house, configure):
    """Leave something of every kind for a tick ninety-one days later."""
    configure(inline_limit=3, chunk_size=3)
    course = make_course()
    make_run(course, "soon", start=clock.now() + 100 * DAY)
    make_run(course, "moved", enroll_by=clock.now() + 85 * DAY)
    end = clock.now() + 95 * DAY
    assigned(house.budget, ["expires@example.org"])
    accepted(house.budget, ["nudged@example.org"], "soon")
    in_state("cancelled", house.budget, ["forgotten@example.org"])
    with later(80 * DAY):
        assigned(house.budget, ["moved@example.org"], "moved")
        course.runs.filter(key="moved").update(enroll_by=end)
        writes(flag_changed)([COURSE])  # as an import does that is killed then
    with later(90 * DAY + 12 * HOUR):
        (pending,) = assigned(house.budget, ["pending@example.org"])
        backend("enrolment_port").script("pending@example.org", "unclear")
        accept([pending])
        open_batch(house.budget, 5)


def test_everything_that_is_due_is_done(house, busy, mail):
    with later(91 * DAY):
        done = tick()
    assert (done.batches_resumed, done.redemptions_resumed, done.rescheduled) == (1, 1, 1)
    assert done.expired == 1, "the one that was moved has a later date by now"
    assert done.nudged == 1
    assert done.scrubbed == 2
    assert {row.learner_email: row.state for row in LearnerContentAssignment.objects.filter(address_scrubbed_at=None)} == {
        "nudged@example.org": "accepted", "moved@example.org": "allocated", "pending@example.org": "accepted",
        **{f"learner{number}@example.org": "allocated" for number in range(1, 6)},
    }  # fmt: skip


def test_twice_in_a_row_the_second_one_does_nothing_and_writes_nothing(house, busy, mail):
    with later(91 * DAY):
        tick()
        with nothing_written():
            assert tick() == NOTHING


def test_with_nothing_due_nothing_is_written(house, course, mail):
    accepted(house.budget, 2)
    tick()
    with nothing_written():
        assert tick() == NOTHING


def test_an_empty_installation_has_nothing_to_do(db):
    assert tick() == NOTHING


@pytest.mark.parametrize("interval", [3 * DAY, 10 * DAY, 100 * DAY])
def test_at_any_interval_it_comes_to_the_same(house, course, mail, interval):
    allocate(
        house.budget, ["expires@example.org", "accepts@example.org", "cancelled@example.org", "extended@example.org"]
    )
    rows = {row.learner_email.partition("@")[0]: row for row in LearnerContentAssignment.objects.all()}
    tick()
    accept([rows["accepts"]])
    cancel_many([rows["cancelled"].pk], actor=CONSOLE)
    extend_many([rows["extended"].pk], until=clock.now() + 300 * DAY, why="", actor=CONSOLE)
    passed = interval
    while passed < 200 * DAY:
        with later(passed):
            tick()
        passed += interval
    with later(200 * DAY):
        tick()
    assert {name: row.state for name, row in zip(rows, fresh(rows.values()), strict=True)} == {
        "expires": "expired", "accepts": "accepted", "cancelled": "cancelled", "extended": "allocated",
    }  # fmt: skip
    assert books(house.budget) == (4900, 4900, 995_100, 4900)
    assert {name: kinds(row) for name, row in rows.items()} == {
        "expires": ["assigned", "expired"], "accepts": ["assigned"], "cancelled": ["assigned", "cancelled"],
        "extended": ["assigned"],
    }  # fmt: skip
    kept = {row.learner_email for row in fresh(rows.values()) if row.address_scrubbed_at is None}
    assert kept == {"accepts@example.org", "extended@example.org"}
    assert counts(house.budget) == {
        ("expired", "expired"): 1, ("accepted", None): 1, ("cancelled", None): 1, ("allocated", "waiting"): 1,
    }  # fmt: skip
    for name, row in rows.items():
        assert len(actions(row)) == {"expires": 3, "accepts": 3, "cancelled": 3, "extended": 2}[name]


STEPS = ["recover", "flows.resume_batches", "flows.resume_redemptions", "flows.reschedule_changed", "expire_due",
         "flows.nudge_due", "flows.warn_due", "flows.digest_due", "drain", "flows.scrub_due"]  # fmt: skip


@pytest.mark.parametrize("step", STEPS)
def test_killed_before_any_of_its_parts_the_next_one_does_the_rest(house, busy, mail, monkeypatch, step):
    with later(91 * DAY):
        with monkeypatch.context() as killed, pytest.raises(Died):
            owner, _, name = step.rpartition(".")
            killed.setattr(jobs.flows if owner else jobs, name, die)
            tick()
        tick()
        with nothing_written():
            assert tick() == NOTHING
    assert books(house.budget) == (6 * 4900, 2 * 4900, 1_000_000 - 2 * 4900, 6 * 4900)
    assert counts(house.budget) == {
        ("allocated", "waiting"): 6, ("accepted", None): 2, ("expired", "expired"): 1, ("cancelled", None): 1,
    }  # fmt: skip


def die(*_args, **_kwargs):
    raise Died


def test_expiry_comes_before_the_mail_so_that_one_tick_tells_and_forgets(house, course, mail):
    assigned(house.budget, ["ana.secret@example.org"])
    tick()
    with later(91 * DAY):
        done = tick()
    assert (done.expired, done.mail, done.scrubbed) == (1, Delivered(sent=1), 1)
    assert "secret" not in str(everything())


def test_progress_is_told_by_the_parts_that_take_long(house, course, mail, configure):
    configure(chunk_size=2)
    assigned(house.budget, 5)
    tick()
    told = []
    with later(91 * DAY):
        jobs.tick(progress=told.append)
    assert told == [2, 2, 1, 5]


def test_what_a_dead_worker_held_is_taken_up(house, course, mail):
    (row,) = assigned(house.budget)
    mail.script(row.learner_email, "die_before")
    with pytest.raises(Died):
        tick()
    with later(HOUR):
        assert tick().mail == Delivered(sent=1)
    assert fresh(row).learner_state == "waiting"


def test_after_ninety_one_days_the_money_of_everybody_who_did_not_accept_is_back(house, course, mail):
    rows = assigned(house.budget, 6)
    tick()
    accept(rows[:2])
    cancel_many(keys(rows[2:3]), actor=CONSOLE)
    with later(91 * DAY):
        tick()
    assert books(house.budget) == (0, 2 * 4900, 1_000_000 - 2 * 4900, 0)
    assert sorted(row.state for row in fresh(rows)) == ["accepted"] * 2 + ["cancelled"] + ["expired"] * 3
    with later(91 * DAY + MINUTE):
        assert tick() == NOTHING

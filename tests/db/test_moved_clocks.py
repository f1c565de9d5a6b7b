"""Slots and signs of life once the clock has been moved, and what a tick that is killed holds up."""

from datetime import UTC, datetime, timedelta

import pytest

from bursar.assignments import jobs, tasks
from bursar.kernel import clock
from bursar.outbox import engine, pulses
from bursar.outbox.health import health
from bursar.outbox.worker import drain

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
YEAR = timedelta(days=365)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def at_noon():
    with clock.at(NOON):
        yield


def test_a_tick_in_the_future_holds_no_slot_up_in_the_present(monkeypatch):
    pruned = []
    monkeypatch.setattr(jobs, "prune", lambda: pruned.append(clock.now()) or 0)
    with clock.at(NOON + YEAR):
        jobs.tick()
        assert tasks.schedule_tick()
    jobs.tick()
    assert pruned == [NOON + YEAR, NOON]
    assert tasks.schedule_tick()


def test_a_clock_that_is_a_little_behind_takes_no_slot_that_somebody_has():
    assert pulses.take("slot", lasting=MINUTE)
    with clock.at(NOON - 4 * MINUTE):
        assert not pulses.take("slot", lasting=MINUTE)


def test_a_clock_that_is_set_back_by_an_hour_does_not_cost_an_hour_of_ticks():
    assert tasks.schedule_tick()
    tasks.run_tick.func()
    with clock.at(NOON - 60 * MINUTE):
        assert tasks.schedule_tick()
        tasks.run_tick.func()
    assert pulses.beats()[pulses.TICK] == NOON - 60 * MINUTE


def test_a_sign_of_life_from_the_future_gives_way_to_the_next_one():
    with clock.at(NOON + YEAR):
        pulses.beat(pulses.TICK)
    with clock.at(NOON + MINUTE):
        pulses.beat(pulses.TICK)
    assert pulses.beats() == {pulses.TICK: NOON + MINUTE}


def test_a_tick_whose_worker_was_killed_holds_the_next_one_up_for_minutes_not_an_hour(monkeypatch):
    assert tasks.schedule_tick()
    with monkeypatch.context() as killed:
        killed.setattr(jobs, "tick", lambda **_: (_ for _ in ()).throw(SystemExit))
        killed.setattr(pulses, "free", lambda _: None)
        with pytest.raises(SystemExit):
            tasks.run_tick.func()
    with clock.at(NOON + 4 * MINUTE):
        assert not tasks.schedule_tick()
    with clock.at(NOON + 6 * MINUTE):
        assert tasks.schedule_tick()


def test_a_long_tick_keeps_its_slot(monkeypatch):
    def lasts(*, progress, **_):
        with clock.at(NOON + 4 * MINUTE):
            progress(1000)
        raise tasks.StoppedError

    assert tasks.schedule_tick()
    with monkeypatch.context() as running:
        running.setattr(jobs, "tick", lasts)
        running.setattr(pulses, "free", lambda _: None)
        tasks.run_tick.func()
    with clock.at(NOON + 8 * MINUTE):
        assert not tasks.schedule_tick()


def test_an_idle_worker_of_any_engine_is_not_called_silent():
    """Where no loop of ours runs tasks, and no mail is due, ticks alone show that somebody does."""
    pulses.beat(pulses.WORKER)
    with clock.at(NOON + 30 * MINUTE):
        tasks.run_tick.func()
        assert health().problems == ()


def test_a_tick_run_as_a_task_leaves_a_long_drain_to_the_drains(monkeypatch):
    asked = []
    monkeypatch.setattr(jobs, "drain", lambda **given: asked.append(given.get("lasting")) or drain(limit_batches=0))
    tasks.run_tick.func()
    jobs.tick()
    assert asked == [10 * SECOND, None]
    assert engine.kind() == "database"

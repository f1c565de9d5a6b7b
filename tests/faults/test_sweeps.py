"""Sweeps twice at once, killed half-way, days late: each thing is done once, and by whoever is left."""

import time
from collections import Counter
from functools import partial

import pytest
from django.db import connection
from tests.faults.figures import size
from tests.faults.killer import Process, end, together, until
from tests.faults.steps import DAY, accept_all, assigned, later, mails, told_already
from tests.race import post
from tests.race.crowd import blindly

from bursar.assignments import flows, jobs, moves
from bursar.assignments.audit import run_audit
from bursar.assignments.events import HistoryReason
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.services import cancel_many, nudge_many
from bursar.kernel import clock, failpoints, transactions
from bursar.kernel.actor import CONSOLE, TICK
from bursar.kernel.failpoints import fail_point
from bursar.outbox import worker
from bursar.testing import factories

DUE = size(full=10_000, short=200)
SWEEPERS = 4
MANY_DUE = size(full=100_000, short=1_500)
CHUNK = size(full=1000, short=50)
KILLS = size(full=20, short=4)
PAUSE = size(full=(0.1, 0.8), short=(0.02, 0.2))
LONGEST_LOCK_SECONDS = 1
NUDGED = size(full=200, short=20)
COURSE, START_DAYS = "DemoX+D200", 100
tell = moves.tell


@pytest.fixture
def going(house):
    """A course that starts in a hundred days."""
    factories.make_run(factories.make_course(COURSE), "D200-run", start=clock.now() + START_DAYS * DAY)
    return house


@pytest.fixture(autouse=True)
def chunks(settings):
    settings.BURSAR = settings.BURSAR | {"chunk_size": CHUNK, "inline_limit": CHUNK}


def reasons(why):
    """Count for each assignment how often its history says so."""
    past = LearnerContentAssignment.history.model.objects.filter(history_change_reason=why)
    return Counter(past.values_list("uuid", flat=True))


def told(kind):
    return Counter(mails().filter(kind=kind).values_list("subject_uuid", flat=True))


# E1


def scrub():
    return flows.scrub_due(actor=TICK)


def much_that_is_due(house):
    """Leave people to expire, to nudge and to forget; returns their assignments by the sweep that is for them."""
    expiring = assigned(house, DUE, prefix="late")
    nudged = assigned(house, DUE, prefix="going", content=COURSE)
    accept_all(nudged)
    forgotten = assigned(house, DUE, prefix="gone")
    cancel_many(forgotten, actor=CONSOLE)
    told_already()
    return {jobs.expire_due: expiring, flows.nudge_due: nudged, scrub: forgotten}


def test_control_e1_sweeps_that_lock_and_compare_nothing_act_on_the_same_people(going, monkeypatch, row):
    much_that_is_due(going)
    blindly(monkeypatch)
    monkeypatch.setattr(moves, "tell", lambda *_, **__: None)  # whose unique key is a net of its own
    monkeypatch.setattr(moves, "move_money", lambda *_: None)  # and so are the guards of the money
    with later(91 * DAY):
        done = sum(together(*[jobs.expire_due] * SWEEPERS))
    row.shows(due=DUE, sweeps_at_once=SWEEPERS, expiries=done)
    assert done > DUE


def test_e1_the_same_sweep_by_four_at_once_acts_on_each_once(going, row):
    due = much_that_is_due(going)
    with later(91 * DAY):
        done = {sweep: sum(together(*[sweep] * SWEEPERS)) for sweep in due}
    expiring, nudged, forgotten = due.values()
    assert done[jobs.expire_due] == done[flows.nudge_due] == DUE
    assert reasons(HistoryReason.EXPIRED) == told("expired") == dict.fromkeys(expiring, 1)
    assert told("nudged") == dict.fromkeys(nudged, 1)
    assert reasons(HistoryReason.SCRUBBED) == dict.fromkeys(forgotten, 1)
    assert run_audit() == []
    row.shows(due=3 * DUE, sweeps_at_once=SWEEPERS, acted_on=len(expiring) + len(nudged) + len(forgotten), twice=0)


# E2


def watch_locks(journal):
    """Note how long transactions last, whenever one is longer than those before."""
    longest = 0.0
    running = (
        "SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    with connection.cursor() as cursor:
        while True:
            cursor.execute(running)
            seconds = float(cursor.fetchone()[0])
            if seconds > longest:
                longest = seconds
                journal.note(f"{seconds:.3f}")
            time.sleep(0.01)


def sweep_until_killed(point):
    if point:
        failpoints.arm(point)
    jobs.expire_due()


def kill_again_and_again(rng, points):
    """Start the sweep and kill it, so many times, at random and at named points; returns how often."""
    kills = 0
    for number in range(KILLS * 3):
        process = Process(sweep_until_killed, rng.choice(points) if number % 2 else "")
        until(lambda process=process: not process.is_alive, seconds=rng.uniform(*PAUSE))
        process.kill()
        kills += process.code == -9
        if kills == KILLS or process.code == 0:
            break
    return kills


POINTS = [f"{point}:kill9:0.2" for point in ("before_guard", "after_guard", "before_commit", "after_commit")]


def test_control_e2_a_sweep_that_writes_its_messages_in_a_second_commit_forgets_some(
    house, monkeypatch, settings, rng, row
):
    @transactions.writes
    def write(*arguments, **options):
        tell(*arguments, **options)

    def hook(*arguments, **options):
        fail_point("after_commit")
        write(*arguments, **options)

    expiring = assigned(house, size(full=20_000, short=MANY_DUE))
    told_already()
    with later(91 * DAY), monkeypatch.context() as patch:
        patch.setattr(moves, "tell", lambda *a, **o: transactions.after_commit(partial(hook, *a, **o)))
        kills = kill_again_and_again(rng, ["after_commit:kill9:0.5"])
        Process(jobs.expire_due).answer()
    forgotten = len(expiring) - len(told("expired"))
    row.shows(
        due=len(expiring), kills=kills, expired=len(reasons(HistoryReason.EXPIRED)), without_their_message=forgotten
    )
    assert forgotten


@pytest.mark.budget(900)
def test_e2_a_sweep_killed_again_and_again_does_each_once_and_holds_no_lock_for_long(house, rng, journal, row):
    expiring = assigned(house, MANY_DUE)
    told_already()
    watcher = Process(watch_locks, journal)
    try:
        with later(91 * DAY):
            kills = kill_again_and_again(rng, POINTS)
            rest = Process(jobs.expire_due).answer()
    finally:
        end([watcher])
    assert kills == KILLS
    assert reasons(HistoryReason.EXPIRED) == told("expired") == dict.fromkeys(expiring, 1)
    assert run_audit() == []
    longest = float(journal.lines()[-1])
    row.shows(
        due=len(expiring), kills=kills, left_for_the_last=rest, twice=0, forgotten=0, longest_lock_seconds=longest
    )
    assert longest <= LONGEST_LOCK_SECONDS


# E3


def nobody_ticked_for(days, going, settings):
    """Accept, then let the day of the nudge and some more go by."""
    settings.BURSAR = settings.BURSAR | {"mail_port": "tests.race.post.CountingMail"}
    post.sent.clear()
    keys = assigned(going, NUDGED, content=COURSE)
    accept_all(keys)
    told_already()
    return keys, [(START_DAYS - 14 + day) * DAY for day in range(days + 1)]


def test_control_e3_a_nudge_named_by_the_day_is_sent_for_every_missed_day(going, settings, row):
    keys, missed = nobody_ticked_for(3, going, settings)
    with later(missed[-1]):
        for days in range(len(missed) - 1):
            nudge_many(keys, days=14 - days, actor=TICK)
        worker.drain()
    row.shows(days_missed=3, people=NUDGED, nudges=post.sent.total())
    assert post.sent.total() == 3 * NUDGED


@pytest.mark.parametrize("days", [3, 7])
def test_e3_after_days_without_a_tick_everybody_is_nudged_once(going, days, settings, row):
    keys, missed = nobody_ticked_for(days, going, settings)
    for moment in (missed[-1], missed[-1], missed[-1] + DAY, missed[-1] + 3 * DAY):
        with later(moment):
            jobs.tick()
    row.shows(days_missed=days, people=NUDGED, nudges=post.sent.total())
    assert told("nudged") == dict.fromkeys(keys, 1)
    assert post.sent.total() == NUDGED

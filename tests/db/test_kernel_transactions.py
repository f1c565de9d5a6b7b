"""A write transaction is run again on what that can cure, on nothing else, and never inside another one."""

import sqlite3
import threading
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Group
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, connection, transaction
from django.db.transaction import TransactionManagementError

from bursar.kernel import transactions
from bursar.kernel.errors import Refused, Unavailable
from bursar.kernel.transactions import (
    after_commit,
    is_unique_clash,
    one_commit,
    refuse_transaction,
    require_transaction,
    snapshot,
    writes,
)

pytestmark = pytest.mark.django_db


class DriverError(Exception):
    """What psycopg raises: an error with an SQLSTATE."""

    def __init__(self, sqlstate):
        super().__init__("from the driver")
        self.sqlstate = sqlstate


@pytest.fixture(autouse=True)
def naps(monkeypatch):
    taken = []
    monkeypatch.setattr(transactions, "time", SimpleNamespace(sleep=taken.append, monotonic=lambda: 0))
    return taken


@pytest.fixture
def slow(monkeypatch):
    """Let half a minute pass between any two looks at the clock."""
    hands = iter(range(0, 3000, 30))
    monkeypatch.setattr(transactions, "time", SimpleNamespace(sleep=lambda _: None, monotonic=lambda: next(hands)))


def failing(*errors):
    """Return a write that meets these errors one after the other, then succeeds; and what it left behind each time."""
    left = iter(errors)
    seen = []

    @writes
    def write(name):
        seen.append(Group.objects.count())
        Group.objects.create(name=f"{name} {len(seen)}")
        error = next(left, None)
        if error is not None:
            raise error
        return "done"

    return write, seen


def conflict(cause):
    error = OperationalError("a conflict")
    error.__cause__ = cause
    return error


CONFLICTS = {
    "serialization failure": lambda: conflict(DriverError("40001")),
    "deadlock": lambda: conflict(DriverError("40P01")),
    "lock timeout": lambda: conflict(DriverError("55P03")),
    "MariaDB deadlock": lambda: conflict(Exception(1213, "Deadlock found")),
    "MariaDB lock timeout": lambda: conflict(Exception(1205, "Lock wait timeout exceeded")),
    "MariaDB changed row": lambda: OperationalError(1020, "Record has changed since last read"),
    "unique key": lambda: conflict(DriverError("23505")),
}


@pytest.mark.parametrize("make", CONFLICTS.values(), ids=CONFLICTS)
def test_a_conflict_is_undone_and_run_again(make, naps):
    write, seen = failing(make(), make())
    assert write("group") == "done"
    assert seen == [0, 0, 0]
    assert list(Group.objects.values_list("name", flat=True)) == ["group 3"]
    assert len(naps) == 2


def test_a_busy_sqlite_is_tried_again_and_on_another_database_its_words_mean_nothing():
    write, seen = failing(OperationalError("database is locked"))
    if connection.vendor == "sqlite":
        assert write("group") == "done"
        assert len(seen) == 2
    else:
        with pytest.raises(OperationalError, match="database is locked"):
            write("group")
        assert len(seen) == 1


def test_a_conflict_that_does_not_end_is_given_up_with_nothing_written(settings, naps):
    settings.BURSAR = {"retry_limit": 3}
    write, seen = failing(*[CONFLICTS["deadlock"]() for _ in range(9)])
    with pytest.raises(Unavailable) as refusal:
        write("group")
    assert refusal.value.code == "database_busy"
    assert len(seen) == 3
    assert len(naps) == 2
    assert not Group.objects.exists()


def test_a_lock_that_was_waited_for_long_enough_is_not_waited_for_again(slow):
    locked = OperationalError("database is locked") if connection.vendor == "sqlite" else CONFLICTS["lock timeout"]()
    write, seen = failing(locked)
    with pytest.raises(Unavailable) as refusal:
        write("group")
    assert refusal.value.code == "database_busy"
    assert len(seen) == 1


def test_any_other_conflict_is_run_again_however_long_the_write_took(slow):
    write, seen = failing(CONFLICTS["deadlock"]())
    assert write("group") == "done"
    assert len(seen) == 2


def test_waiting_grows_with_every_attempt_and_stays_short(settings, naps, monkeypatch):
    settings.BURSAR = {"retry_limit": 4}
    monkeypatch.setattr(transactions, "random", SimpleNamespace(uniform=lambda _, most: most))
    write, _ = failing(*[CONFLICTS["deadlock"]() for _ in range(3)])
    write("group")
    assert naps == sorted(naps)
    assert naps[0] < naps[-1] < 1


def test_a_unique_key_that_clashes_every_time_is_no_race_and_shows_itself(settings):
    settings.BURSAR = {"retry_limit": 2}
    Group.objects.create(name="taken")

    @writes
    def take():
        Group.objects.create(name="taken")

    with pytest.raises(IntegrityError) as clash:
        take()
    assert is_unique_clash(clash.value)


def test_a_lost_connection_is_never_run_again(monkeypatch):
    monkeypatch.setattr(connection, "is_usable", lambda: False)
    write, seen = failing(conflict(DriverError(None)))
    with pytest.raises(Unavailable) as refusal:
        write("group")
    assert refusal.value.code == "database_gone"
    assert len(seen) == 1


def test_a_connection_closed_under_our_hands_is_reported_as_gone():
    write, seen = failing(InterfaceError("connection already closed"))
    with pytest.raises(Unavailable) as refusal:
        write("group")
    assert refusal.value.code == "database_gone"
    assert len(seen) == 1


@pytest.mark.parametrize("error", [OperationalError("disk full"), DatabaseError("no such column"), ValueError("ours")])
def test_any_other_error_passes_as_it_is_and_is_not_run_again(error):
    write, seen = failing(error)
    with pytest.raises(type(error), match=str(error)):
        write("group")
    assert len(seen) == 1
    assert not Group.objects.exists()


def test_a_refusal_undoes_what_was_written_before_it():
    write, seen = failing(Refused("No."))
    with pytest.raises(Refused):
        write("group")
    assert len(seen) == 1
    assert not Group.objects.exists()


def test_a_write_keeps_its_name_arguments_and_answer():
    @writes
    def add(first, *, second):
        """Add."""
        return first + second

    assert add(1, second=2) == 3
    assert (add.__name__, add.__doc__) == ("add", "Add.")


@pytest.mark.django_db(transaction=True)
def test_a_write_inside_another_one_is_a_fault_of_ours():
    write, seen = failing()
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        write("group")
    assert not seen


@pytest.mark.django_db(transaction=True)
def test_what_belongs_to_a_commit_refuses_to_run_without_one():
    with pytest.raises(TransactionManagementError, match="caller's transaction"):
        require_transaction()
    with transaction.atomic():
        require_transaction()


@pytest.mark.django_db(transaction=True)
def test_nothing_outside_is_asked_inside_a_transaction():
    refuse_transaction()
    with transaction.atomic(), pytest.raises(TransactionManagementError, match="nothing outside"):
        refuse_transaction()
    refuse_transaction()


def test_the_transaction_that_a_test_wraps_around_everything_does_not_count():
    refuse_transaction()
    with transaction.atomic(), pytest.raises(TransactionManagementError, match="nothing outside"):
        refuse_transaction()


@pytest.mark.django_db(transaction=True)
def test_a_hint_after_the_commit_comes_after_it_and_not_at_all_without_one():
    heard = []

    @writes
    def write(error=None):
        after_commit(lambda: heard.append(connection.in_atomic_block))
        assert not heard
        if error:
            raise error

    with pytest.raises(ValueError, match="ours"):
        write(ValueError("ours"))
    assert not heard
    write()
    assert heard == [False]


@pytest.mark.django_db(transaction=True)
def test_a_hint_that_fails_does_not_make_a_committed_write_look_failed(caplog):
    @writes
    def write():
        Group.objects.create(name="kept")
        after_commit(lambda: 1 / 0)
        return "done"

    assert write() == "done"
    assert Group.objects.filter(name="kept").exists()
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's whole-file lock; the others have tests/race")
def test_sqlite_held_by_another_writer_is_waited_for(monkeypatch):
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 10")
    attempts = []
    monkeypatch.setattr(transactions.time, "sleep", lambda _: attempts.append(other.rollback()))
    write, seen = failing()
    try:
        assert write("group") == "done"
    finally:
        other.close()
        connection.close()
    assert (len(attempts), seen) == (1, [0])


# Reading at one moment, and committing as one


def meanwhile(function):
    """Run `function` to its end on a connection of its own."""

    def run():
        try:
            function()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(30)


def names():
    return sorted(Group.objects.values_list("name", flat=True))


@pytest.mark.django_db(transaction=True)
def test_a_snapshot_is_of_one_moment_and_holds_no_writer_up():
    Group.objects.create(name="before")
    with snapshot():
        assert names() == ["before"]
        meanwhile(lambda: Group.objects.create(name="after"))
        assert names() == ["before"]
    assert names() == ["after", "before"]


@pytest.mark.django_db(transaction=True)
def test_control_without_a_snapshot_two_reads_differ():
    assert names() == []
    meanwhile(lambda: Group.objects.create(name="after"))
    assert names() == ["after"]


@pytest.mark.django_db(transaction=True)
def test_after_a_snapshot_that_failed_the_connection_writes_again():
    with pytest.raises(ValueError, match="ours"), snapshot():
        names()
        raise ValueError("ours")
    Group.objects.create(name="after")
    assert names() == ["after"]


@pytest.mark.django_db(transaction=True)
def test_inside_a_transaction_a_snapshot_is_what_that_transaction_sees():
    with transaction.atomic():
        Group.objects.create(name="mine")
        with snapshot():
            assert names() == ["mine"]
        Group.objects.create(name="mine too")
    assert names() == ["mine", "mine too"]


@pytest.mark.django_db(transaction=True)
def test_one_commit_is_all_or_nothing():
    with pytest.raises(ValueError, match="ours"), one_commit():
        Group.objects.create(name="undone")
        raise ValueError("ours")
    with one_commit():
        Group.objects.create(name="kept")
        require_transaction()
    assert names() == ["kept"]


@pytest.mark.django_db(transaction=True)
def test_one_commit_inside_another_transaction_is_part_of_it():
    with pytest.raises(ValueError, match="ours"), transaction.atomic():
        with one_commit():
            Group.objects.create(name="undone")
        raise ValueError("ours")
    assert names() == []

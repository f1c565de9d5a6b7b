"""Real conflicts between real callers: with `writes` both succeed; the control without it shows that one would not."""

import threading

import pytest
from django.contrib.auth.models import Group
from django.db import OperationalError, connection, transaction

from bursar.kernel.errors import Unavailable
from bursar.kernel.transactions import writes

pytestmark = pytest.mark.django_db(transaction=True)


def rename_crosswise(wrap):
    """Rename two rows from two callers in opposite order, each holding one before asking for the other."""
    Group.objects.bulk_create([Group(name="one"), Group(name="two")])
    both_hold_one = threading.Barrier(2)
    first_round = threading.local()
    outcomes = []

    def caller(mine, other):
        def rename():
            Group.objects.filter(name__startswith=mine).update(name=f"{mine}{mine}")
            if not getattr(first_round, "over", False):
                first_round.over = True
                both_hold_one.wait(10)
            Group.objects.filter(name__startswith=other).update(name=f"{other}{other}")

        try:
            wrap(rename)()
            outcomes.append("done")
        except OperationalError as error:
            outcomes.append(error.__cause__.sqlstate)
        finally:
            connection.close()

    threads = [threading.Thread(target=caller, args=names) for names in (("one", "two"), ("two", "one"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return sorted(outcomes)


def test_control_two_callers_that_cross_deadlock_and_one_is_lost():
    assert rename_crosswise(transaction.atomic) == ["40P01", "done"]


def test_two_callers_that_cross_both_succeed():
    assert rename_crosswise(writes) == ["done", "done"]


def end_own_connection():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


def test_a_connection_that_the_server_ends_is_reported_and_never_run_again():
    runs = []

    @writes
    def write():
        runs.append(Group.objects.create(name="lost"))
        end_own_connection()

    with pytest.raises(Unavailable) as refusal:
        write()
    assert refusal.value.code == "database_gone"
    assert len(runs) == 1
    connection.close()
    assert not Group.objects.exists()


def test_a_lock_that_is_held_too_long_ends_as_busy_and_writes_nothing(settings):
    settings.BURSAR = {"retry_limit": 2}
    Group.objects.create(name="held")
    held, done = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            Group.objects.select_for_update().get(name="held")
            held.set()
            done.wait(30)
        connection.close()

    @writes
    def write():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '50ms'")
        Group.objects.filter(name="held").update(name="mine")

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    try:
        with pytest.raises(Unavailable) as refusal:
            write()
    finally:
        done.set()
        thread.join(30)
    assert refusal.value.code == "database_busy"
    assert Group.objects.get().name == "held"

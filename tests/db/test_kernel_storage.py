"""What was deleted does not stay readable in the files of the database."""

from pathlib import Path
from random import Random
from uuid import UUID

import pytest
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from bursar.kernel.storage import purge_residue

SECRET = "somebody-who-wants-to-be-forgotten"


def is_in_the_files():
    file = Path(connection.settings_dict["NAME"])
    return any(SECRET.encode() in path.read_bytes() for path in file.parent.glob(f"{file.name}*"))


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="the files of a server are not ours to read")
def test_what_was_overwritten_is_gone_from_the_files():
    group = Group.objects.create(name=SECRET)
    assert is_in_the_files()
    Group.objects.filter(pk=group.pk).update(name="retired")
    assert is_in_the_files(), "the log still has it, which is why there is something to purge"
    purge_residue([Group])
    assert not is_in_the_files()
    assert Group.objects.get().name == "retired"


@pytest.fixture
def places():
    """Make a table whose index is worked over in random order, as that of addresses is."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE places (id text PRIMARY KEY, name text)")
        cursor.execute("CREATE INDEX places_by_name ON places (name)")
        yield cursor
        cursor.execute("DROP TABLE places")


def retire_in_random_order(cursor, chance):
    """Write secrets and overwrite each of them."""
    keys = [UUID(int=chance.getrandbits(128)).hex for _ in range(1500)]
    rows = [(key, f"{SECRET}{'x' * chance.randrange(60)}") for key in keys]
    chance.shuffle(keys)
    with transaction.atomic():
        cursor.execute("DELETE FROM places")
        cursor.executemany("INSERT INTO places VALUES (%s, %s)", rows)
    with transaction.atomic():
        cursor.executemany(
            "UPDATE places SET name = %s WHERE id = %s", [(f"retired{key}@invalid", key) for key in keys]
        )


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="the files of a server are not ours to read")
def test_what_entries_left_behind_when_they_were_moved_is_gone_when_the_file_is_rewritten(places):
    for seed in range(60):
        retire_in_random_order(places, Random(seed))
        purge_residue([Group], rewrite=False)
        if is_in_the_files():
            break
    assert is_in_the_files(), "the control: without a rewrite something stays, or this test shows nothing"
    purge_residue([Group])
    assert not is_in_the_files()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL keeps old versions of rows in their table")
def test_old_versions_of_rows_are_dropped():
    group = Group.objects.create(name=SECRET)
    Group.objects.filter(pk=group.pk).update(name="retired")
    with CaptureQueriesContext(connection) as queries:
        purge_residue([Group])
    assert [query["sql"] for query in queries] == ['VACUUM "auth_group"']
    assert Group.objects.get().name == "retired"


@pytest.mark.django_db
def test_nothing_is_done_while_a_transaction_is_open(django_assert_num_queries):
    with django_assert_num_queries(0):
        purge_residue([Group])

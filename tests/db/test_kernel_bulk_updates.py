"""Values of their own for many rows in one statement: the same whichever way the database takes them."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, User
from django.db import DataError, IntegrityError, connection, transaction
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from bursar.catalog.models import Catalog, CatalogRule, Course
from bursar.kernel.bulk import insert_records, update_records, update_rows
from bursar.outbox.models import Message, State

NOON = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
TEXTS = ["", "plain", "two\nlines\r\n", "back\\slash", 'qu\'ote "s"', "{a,b}", "NULL", "José 😀", " padded ", "50 %s"]


@pytest.fixture(params=["as this database likes it", "as any database takes it"], autouse=True)
def way(request, monkeypatch):
    """Write once in the database's own way, and once in the portable one, which must be its twin."""
    if request.param == "as any database takes it":
        monkeypatch.setattr("bursar.kernel.bulk.connection", Portable())


class Portable:
    """The connection, not telling which database it is."""

    vendor = "any"

    def __getattr__(self, name):
        return getattr(connection, name)


def users(count):
    return User.objects.bulk_create(User(username=f"user{number}", first_name="before") for number in range(count))


@pytest.mark.django_db
def test_every_row_gets_its_own_values_and_the_others_keep_theirs():
    found = users(len(TEXTS) + 1)
    rows = [
        (user.pk, text, NOON if number % 2 else None, number % 3 == 0)
        for number, (user, text) in enumerate(zip(found, TEXTS, strict=False))
    ]
    with transaction.atomic():
        assert update_rows(User, ("first_name", "last_login", "is_staff"), reversed(rows)) == len(TEXTS)
    written = list(User.objects.order_by("pk").values_list("pk", "first_name", "last_login", "is_staff"))
    assert written == [*rows, (found[-1].pk, "before", None, False)]


@pytest.mark.django_db
def test_records_are_written_as_they_are_in_memory_but_only_in_the_fields_named():
    catalogs = Catalog.objects.bulk_create(Catalog(title=f"catalog {number}") for number in range(3))
    for number, catalog in enumerate(catalogs):
        catalog.rule, catalog.keys, catalog.title = CatalogRule.KEYS, ["a", {"b": number}], "not this"
    catalogs[0].rule = "keys"
    with transaction.atomic():
        assert update_records(catalogs, ["rule", "keys"]) == 3
    written = Catalog.objects.order_by("title").values_list("title", "rule", "keys")
    assert list(written) == [(f"catalog {number}", "keys", ["a", {"b": number}]) for number in range(3)]


@pytest.mark.django_db
def test_numbers_and_their_absence_are_written():
    courses = Course.objects.bulk_create(Course(key=f"c{number}", title="T", price_cents=1) for number in range(3))
    with transaction.atomic():
        update_rows(Course, ["price_cents", "weeks"], [(courses[0].pk, 2**60, 7), (courses[1].pk, None, None)])
    written = list(Course.objects.order_by("key").values_list("price_cents", "weeks"))
    assert written == [(2**60, 7), (None, None), (1, None)]


@pytest.mark.django_db
def test_rows_are_found_by_another_field_if_one_is_named():
    users(3)
    with transaction.atomic():
        update_rows(User, ["last_name"], [("user0", "zero"), ("user2", "two")], key="username")
    assert list(User.objects.order_by("username").values_list("last_name", flat=True)) == ["zero", "", "two"]


@pytest.mark.django_db
def test_rows_that_are_not_there_are_not_counted():
    (user,) = users(1)
    with transaction.atomic():
        assert update_rows(User, ["last_name"], [(user.pk, "a"), (user.pk + 1, "b")]) == 1


@pytest.mark.django_db
def test_however_many_rows_are_one_statement():
    found = users(1500)
    for user in found:
        user.last_name = f"Number {user.pk}"
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        update_records(found, ["last_name"])
    assert len([query for query in queries if "UPDATE" in query["sql"]]) == 1
    assert {user.last_name for user in User.objects.all()} == {f"Number {user.pk}" for user in found}


@pytest.mark.django_db
def test_no_rows_are_no_statement():
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        assert update_records([], ["last_name"]) == update_rows(User, ["last_name"], []) == 0
        insert_records([])
    assert not [query for query in queries if "UPDATE" in query["sql"]]


@pytest.mark.django_db(transaction=True)
def test_a_violated_constraint_leaves_all_rows_as_they_were():
    first, second = users(2)
    with pytest.raises(IntegrityError), transaction.atomic():
        update_rows(User, ["username"], [(first.pk, "other"), (second.pk, "other")])
    assert set(User.objects.values_list("username", flat=True)) == {"user0", "user1"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite knows no longest text")
def test_text_too_long_for_its_column_is_refused_and_not_cut_off():
    (user,) = users(1)
    with pytest.raises(DataError), transaction.atomic():
        update_rows(User, ["first_name"], [(user.pk, "x" * 151)])


@pytest.mark.django_db(transaction=True)
def test_rows_are_written_only_inside_the_callers_transaction():
    (user,) = users(1)
    for write in (
        lambda: update_rows(User, ["last_name"], [(user.pk, "a")]),
        lambda: update_records([user], ["last_name"]),
        lambda: insert_records([Group(pk=1, name="g")]),
    ):
        with pytest.raises(TransactionManagementError):
            write()


@pytest.mark.django_db
def test_new_records_are_inserted_as_they_are():
    messages = [
        Message(key=f"k{number}", topic="t", kind="k", subject_uuid=uuid4(), cycle=number, due_at=NOON, state=state)
        for number, state in enumerate([State.PENDING, State.SENT])
    ]
    with transaction.atomic():
        insert_records(messages)
    assert list(Message.objects.order_by("key").values()) == [
        {field.attname: getattr(message, field.attname) for field in Message._meta.concrete_fields}
        for message in messages
    ]
    messages[0].save()
    assert Message.objects.count() == 2, "what was inserted is known to be there"

"""Many rows in one statement are the same rows, whichever way the database takes them."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import Group, User
from django.db import IntegrityError, connection, transaction
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from bursar.kernel.bulk import insert_rows
from bursar.people.models import Customer

NOON = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
TEXTS = [
    "",
    "plain",
    "two\nlines\r\n",
    "tab\there",
    "back\\slash \\N \\.",
    'qu\'ote "s"',
    "José 😀 日本",
    "%s %(x)s ${x}",
    " padded ",
]


@pytest.fixture(params=["as this database likes it", "as any database takes it"])
def way(request, monkeypatch):
    """Write once in the database's own way, and once in the portable one, which must be its twin."""
    if request.param == "as any database takes it":
        monkeypatch.setattr("bursar.kernel.bulk.connection", Portable())
    return request.param


class Portable:
    """The connection, not telling which database it is."""

    vendor = "any"

    def __getattr__(self, name):
        return getattr(connection, name)


def user_row(number, text):
    return (f"user{number}", text, text, NOON + timedelta(days=number) if number % 2 else None, number % 3 == 0)


NAMES = ("username", "first_name", "email", "last_login", "is_staff")


@pytest.mark.django_db
def test_both_ways_write_the_rows_that_the_orm_writes(way):
    rows = [user_row(number, text) for number, text in enumerate(TEXTS)]
    with transaction.atomic():
        insert_rows(User, NAMES, iter(rows), {"last_name": "Same", "date_joined": NOON})
    written = list(User.objects.order_by("pk").values())
    User.objects.all().delete()
    User.objects.bulk_create(
        [User(**dict(zip(NAMES, row, strict=True)), last_name="Same", date_joined=NOON) for row in rows]
    )
    expected = list(User.objects.order_by("pk").values())
    assert [{**row, "id": 0} for row in written] == [{**row, "id": 0} for row in expected]
    assert len({row["id"] for row in written}) == len(rows)


@pytest.mark.django_db
def test_both_ways_write_keys_zones_and_defaults(way):
    keys = [uuid4(), UUID(int=0)]
    abroad = NOON.astimezone(timezone(timedelta(hours=-5)))
    with transaction.atomic():
        insert_rows(Customer, ("uuid", "slug", "name"), [(keys[0], "a", "A"), (keys[1], "b", "B")], {"created": abroad})
    first, second = Customer.objects.order_by("slug")
    assert [first.pk, second.pk] == keys
    assert first.created == second.created == NOON
    assert (first.language, first.active, first.show_price) == ("en", True, False)
    assert first.modified.tzinfo is not None


@pytest.mark.django_db
def test_a_constant_may_be_named_by_its_column(way):
    group = Group.objects.create(name="g")
    user = User.objects.create(username="u")
    with transaction.atomic():
        insert_rows(User.groups.through, ["user"], [(user.pk,)], {"group_id": group.pk})
    assert list(user.groups.all()) == [group]


@pytest.mark.django_db(transaction=True)
def test_a_violated_constraint_leaves_none_of_the_rows(way):
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_rows(Group, ["name"], [("a",), ("b",), ("a",)])
    assert not Group.objects.exists()


@pytest.mark.django_db
def test_no_rows_are_no_statement(way, django_assert_num_queries):
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        insert_rows(Group, ["name"], [])
    assert not [query for query in queries if "INSERT" in query["sql"] or "COPY" in query["sql"]]


@pytest.mark.django_db
def test_a_row_of_another_length_is_a_fault_of_ours(way):
    with pytest.raises(ValueError, match="zip"), transaction.atomic():
        insert_rows(Group, ["name"], [("a", "b")])


@pytest.mark.django_db(transaction=True)
def test_rows_are_written_only_inside_the_callers_transaction(way):
    with pytest.raises(TransactionManagementError):
        insert_rows(Group, ["name"], [("a",)])
    assert not Group.objects.exists()

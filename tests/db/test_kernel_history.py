"""Every write leaves history, bulk ones by one statement; times come from our own clock."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from bursar.kernel import clock
from bursar.kernel.history import record_history
from bursar.people.models import Customer

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db
COPIED = [field.attname for field in Customer._meta.concrete_fields]


def customers(count):
    made = [Customer(name=f"Customer {number}", slug=f"c{number}") for number in range(count)]
    return Customer.objects.bulk_create(made)


def test_a_single_write_is_dated_by_our_own_clock():
    with clock.at(NOON):
        customer = Customer.objects.create(name="Acme", slug="acme")
    with clock.at(NOON + timedelta(days=1)):
        customer.name = "Acme Ltd"
        customer.save()
    kinds = Customer.history.order_by("history_id").values_list("history_type", "history_date", "name")
    assert list(kinds) == [("+", NOON, "Acme"), ("~", NOON + timedelta(days=1), "Acme Ltd")]


def test_a_date_that_the_writer_gives_is_kept():
    customer = Customer(name="Acme", slug="acme")
    customer._history_date = NOON
    customer.save()
    assert Customer.history.get().history_date == NOON
    assert customer._history_date == NOON


def test_many_rows_are_recorded_as_they_stand():
    first, _, third = customers(3)
    with transaction.atomic():
        record_history(Customer, [first.pk, third.pk], "~", reason="moved " * 100, user_id=7, at=NOON)
    recorded = {row["uuid"]: row for row in Customer.history.values()}
    assert set(recorded) == {first.pk, third.pk}
    for customer in (first, third):
        row = recorded[customer.pk]
        assert [row[name] for name in COPIED] == [getattr(customer, name) for name in COPIED]
        assert (row["history_type"], row["history_date"], row["history_user_id"]) == ("~", NOON, 7)
        assert row["history_change_reason"] == "moved " * 100


def test_many_rows_are_recorded_without_reason_and_now():
    (customer,) = customers(1)
    with transaction.atomic(), clock.at(NOON):
        record_history(Customer, [customer.pk], "+")
    row = Customer.history.get()
    assert (row.history_change_reason, row.history_user_id, row.history_date) == (None, None, NOON)


def test_many_rows_cost_one_statement():
    keys = [customer.pk for customer in customers(20)]
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        record_history(Customer, keys, "+")
    assert len([query for query in queries if "INSERT" in query["sql"]]) == 1
    assert Customer.history.count() == 20


def test_nothing_to_record_is_nothing_written():
    with transaction.atomic():
        record_history(Customer, [], "+")
    assert not Customer.history.exists()


@pytest.mark.django_db(transaction=True)
def test_history_is_part_of_the_commit_that_it_tells_of():
    keys = [customer.pk for customer in customers(1)]
    with pytest.raises(TransactionManagementError):
        record_history(Customer, keys, "+")
    with pytest.raises(ValueError, match="undone"), transaction.atomic():
        record_history(Customer, keys, "+")
        raise ValueError("undone")
    assert not Customer.history.exists()


def test_the_history_table_has_one_index_beside_its_key_and_ids_that_do_not_run_out():
    meta = Customer.history.model._meta
    assert meta.pk.get_internal_type() == "BigAutoField"
    assert [index.fields for index in meta.indexes] == [["uuid", "history_date"]]
    assert not [field.name for field in meta.concrete_fields if field.db_index and field.name in COPIED]
    assert Customer._meta.get_field("slug").db_index


def test_a_row_is_made_and_changed_by_our_own_clock():
    with clock.at(NOON):
        customer = Customer.objects.create(name="Acme", slug="acme")
    with clock.at(NOON + timedelta(hours=1)):
        customer.save()
    customer.refresh_from_db()
    assert (customer.created, customer.modified) == (NOON, NOON + timedelta(hours=1))


def test_a_new_row_may_bring_its_own_times():
    long_ago = NOON - timedelta(days=400)
    customer = Customer.objects.create(name="Acme", slug="acme", created=long_ago, modified=long_ago)
    customer.refresh_from_db()
    assert (customer.created, customer.modified) == (long_ago, long_ago)


def test_a_new_row_without_a_time_gets_one():
    with clock.at(NOON):
        customer = Customer.objects.create(name="Acme", slug="acme", modified=None)
    assert customer.modified == NOON

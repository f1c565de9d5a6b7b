"""Money, dates and uuids as they are typed, and as they are shown."""

import contextlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.cli import output, values
from bursar.kernel.errors import BadInput


@given(st.integers(0, 10**15 - 1))
def test_what_is_shown_as_money_is_read_back_to_the_cent(amount):
    assert values.cents(values.money(amount).replace(",", "")) == amount


@pytest.mark.parametrize(
    ("text", "amount"), [("40000", 4_000_000), ("49.00", 4900), ("49.5", 4950), (" 7 ", 700), ("+1", 100), ("0", 0)]
)
def test_whole_units_with_at_most_two_decimals_are_money(text, amount):
    assert values.cents(text) == amount


@given(st.text(max_size=12))
def test_whatever_is_typed_as_money_is_read_or_refused(text):
    amount = None
    with contextlib.suppress(BadInput):
        amount = values.cents(text, signed=True)
    if amount is not None:
        assert values.cents(values.money(amount).replace(",", ""), signed=True) == amount


def test_a_minus_counts_only_where_it_may_stand():
    assert values.cents("-1.05", signed=True) == -105
    with pytest.raises(BadInput, match="below zero"):
        values.cents("-1.05")


@pytest.mark.parametrize("text", ["10000000000000", "9" * 30, "9" * 9000, "99999999999999.99"])
def test_what_no_database_could_count_is_said_to_be_too_large(text):
    with pytest.raises(BadInput, match="too large"):
        values.cents(text)
    assert values.cents("000000000000000049") == 4900


def test_amounts_are_shown_with_thousands_and_sign():
    assert values.money(4_000_000, "USD") == "40,000.00 USD"
    assert values.money(-5) == "-0.05"


def test_a_moment_may_be_given_as_a_span_from_now():
    now = datetime(2026, 11, 28, 10, tzinfo=UTC)
    assert values.moment_or_span("+91d", "it", now=now) == now + timedelta(days=91)
    assert values.moment_or_span("2027-02-21", "it", now=now) == datetime(2027, 2, 21, tzinfo=UTC)
    for text in ("+", "+soon", "+91y", "+99999999d", "91d"):
        with pytest.raises(BadInput) as refusal:
            values.moment_or_span(text, "it", now=now)
        assert refusal.value.code == "invalid_date"


def test_a_date_without_a_zone_is_utc():
    assert values.moment("2027-02-21", "it") == datetime(2027, 2, 21, tzinfo=UTC)
    assert values.moment("2027-02-21T10:00:00+02:00", "it") == datetime(2027, 2, 21, 8, tzinfo=UTC)
    assert values.moment("2027-02-21T10:00:00Z", "it") == datetime(2027, 2, 21, 10, tzinfo=UTC)


def test_a_deadline_that_is_a_day_is_all_of_it():
    assert values.deadline("2027-02-21", "it") == datetime(2027, 2, 21, 23, 59, tzinfo=UTC)
    assert values.deadline(" 2027-02-21T10:00:00Z ", "it") == datetime(2027, 2, 21, 10, tzinfo=UTC)
    with pytest.raises(BadInput, match="it must be a date"):
        values.deadline("9999-12-31", "it")


@pytest.mark.parametrize(
    "text", ["", "soon", "2027-02-30", "0001-01-01", "9999-12-31", "2027-13-01", "9999-12-31T23:59:59-14:00"]
)
def test_what_is_no_date_of_our_time_is_refused_by_name(text):
    with pytest.raises(BadInput, match="--until must be a date") as caught:
        values.moment(text, "--until")
    assert caught.value.code == "invalid_date"


def test_moments_are_shown_in_utc():
    at = datetime(2027, 2, 21, 10, 0, 5, tzinfo=timezone(timedelta(hours=2)))
    assert values.date_text(at) == "2027-02-21 08:00 UTC"
    assert values.second_text(at) == "2027-02-21 08:00:05 UTC"
    assert values.date_text(None) == "never"
    assert output.plain(at) == "2027-02-21T08:00:05Z"


@given(st.text())
def test_what_is_printed_cannot_steer_a_terminal(text):
    assert all(character.isprintable() or character == "\n" for character in output.clean(text))

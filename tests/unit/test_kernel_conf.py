"""How one setting is read from text, and where its value comes from."""

from datetime import UTC, datetime, timedelta

import pytest

from bursar.kernel.conf import (
    BY_NAME,
    SETTINGS,
    at_least,
    duration,
    numbers,
    one_of,
    positive_duration,
    read_environment,
    setting,
    text,
    words,
    yes_or_no,
)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("24 h", timedelta(hours=24)),
        ("+91d", timedelta(days=91)),
        ("-2d", timedelta(days=-2)),
        ("2w", timedelta(weeks=2)),
        (" 7 ", timedelta(seconds=7)),
        ("0", timedelta(0)),
    ],
)
def test_a_span_of_time_is_a_number_and_a_unit(given, expected):
    assert duration(given) == expected


@pytest.mark.parametrize("given", ["", "d", "1.5d", "1y", "one day", "1d2h", "--1d", "12345678901"])
def test_anything_else_is_no_span_of_time(given):
    with pytest.raises(ValueError, match="a span of time such as"):
        duration(given)


@pytest.mark.parametrize("given", ["36501d", "5215w", "-876001h", "999999999d"])
def test_a_span_by_which_dates_would_end_is_refused(given):
    with pytest.raises(ValueError, match="at most 36500 days"):
        duration(given)
    assert datetime.now(UTC) + duration("36500d") > datetime.now(UTC) + duration("-36500d")


@pytest.mark.parametrize("given", ["0", "0d", "-1s"])
def test_a_span_that_must_last_is_longer_than_nothing(given):
    with pytest.raises(ValueError, match="above zero"):
        positive_duration(given)
    assert positive_duration("1s") == timedelta(seconds=1)


@pytest.mark.parametrize("given", ["yes", "TRUE", " on ", "1"])
def test_yes_has_four_spellings(given):
    assert yes_or_no(given) is True


@pytest.mark.parametrize("given", ["no", "False", "off", "0"])
def test_no_has_four_spellings(given):
    assert yes_or_no(given) is False


def test_anything_else_is_neither():
    with pytest.raises(ValueError, match="yes or no"):
        yes_or_no("maybe")


def test_words_are_separated_by_commas_and_blanks_do_not_count():
    assert words(" a, b ,,c ") == ("a", "b", "c")
    assert words("") == ()


def test_numbers_are_separated_by_commas_above_zero_and_no_more_than_dates_and_ports_can_be():
    assert numbers(" 14, 3 ,1") == (14, 3, 1)
    assert numbers("") == ()
    for given in ("0", "3,-1", "3;1", "1.5", "65536"):
        with pytest.raises(ValueError, match="whole numbers from 1 to 65535"):
            numbers(given)


def test_a_choice_is_one_of_its_words_exactly():
    read = one_of("", "demo", "test")
    assert read("") == ""
    assert read("demo") == "demo"
    with pytest.raises(ValueError, match="one of demo, test"):
        read("Demo")


def test_a_number_has_a_least_value_and_one_that_databases_can_count_to():
    read = at_least(2)
    assert read("2") == 2
    for given in ("1", "1000000000001", "many", "", "2.5"):
        with pytest.raises(ValueError, match="a whole number from 2"):
            read(given)


def test_text_is_kept_as_it_is():
    assert text(" a ") == " a "


def test_every_setting_has_one_name_a_meaning_and_a_variable():
    assert len(BY_NAME) == len(SETTINGS)
    for item in SETTINGS:
        assert item.variable == f"BURSAR_{item.name.upper()}"
        assert item.meaning.endswith(".")


def test_a_value_is_the_hosts_or_else_the_default(settings):
    settings.BURSAR = {"chunk_size": 7}
    assert setting("chunk_size") == 7
    assert setting("retry_limit") == BY_NAME["retry_limit"].default
    del settings.BURSAR
    assert setting("chunk_size") == 1000


def test_a_setting_that_does_not_exist_is_a_fault_of_ours():
    with pytest.raises(KeyError):
        setting("no_such_setting")


def test_an_empty_environment_gives_every_default():
    assert read_environment({}) == {item.name: item.default for item in SETTINGS}

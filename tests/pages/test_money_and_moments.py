"""Money and dates as the reader writes them, in the reader's time zone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone, translation

from bursar.kernel import clock
from bursar.pages.moments import day, days_until, moment, relative
from bursar.pages.money import money, whole

from .reading import render, words

SPACE = "\N{NO-BREAK SPACE}"
EVENING = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "cents", "currency", "written"),
    [
        ("en", 123_450, "USD", "$1,234.50"),
        ("en", -19_900, "USD", "\N{MINUS SIGN}$199.00"),
        ("en", 123_450, "CHF", f"CHF{SPACE}1,234.50"),
        ("de", 123_450, "EUR", f"1.234,50{SPACE}€"),
        ("de", -5, "USD", f"\N{MINUS SIGN}0,05{SPACE}$"),
        ("es", 123_450_067, "EUR", f"1{SPACE}234{SPACE}500,67{SPACE}€"),
    ],
)
def test_money_is_written_as_in_the_readers_language(language, cents, currency, written):
    with translation.override(language):
        assert money(cents, currency) == written


def test_brief_money_leaves_out_no_cents_but_zero_ones():
    assert money(400_000, "USD", brief=True) == "$4,000"
    assert money(400_001, "USD", brief=True) == "$4,000.01"


def test_money_that_floats_could_not_hold_keeps_every_cent():
    assert money(9_007_199_254_740_993, "USD") == "$90,071,992,547,409.93"


def test_counts_have_separators():
    with translation.override("de"):
        assert whole(1_234_567) == "1.234.567"


def test_a_template_writes_money_with_its_currency_and_nothing_as_a_dash():
    assert render("{{ cents|money:'USD' }} {{ none|money:'USD' }}", cents=4_900, none=None) == "$49.00 –"


@pytest.mark.parametrize(
    ("language", "zone", "written"),
    [
        ("en", "UTC", "1 Mar 2026, 23:30"),
        ("en", "Europe/Berlin", "2 Mar 2026, 00:30"),
        ("de", "America/New_York", "1. März 2026, 18:30"),
        ("es", "Asia/Tokyo", "2 mar 2026, 08:30"),
    ],
)
def test_a_moment_is_in_the_readers_zone_and_language_and_in_utc_for_machines(language, zone, written):
    with translation.override(language), timezone.override(ZoneInfo(zone)):
        element = moment(EVENING)
        assert words(element) == written
        assert 'datetime="2026-03-01T23:30:00Z"' in element
        assert words(day(EVENING)) == written.split(",")[0]


def test_no_moment_is_a_dash():
    assert moment(None) == day(None) == relative(None) == "–"


@pytest.mark.parametrize(
    ("days", "english", "german"),
    [
        (0, "today", "heute"),
        (1, "tomorrow", "morgen"),
        (-1, "yesterday", "gestern"),
        (9, "in 9 days", "in 9 Tagen"),
        (-9, "9 days ago", "vor 9 Tagen"),
        (20, "in 2 weeks", "in 2 Wochen"),
        (-91, "3 months ago", "vor 3 Monaten"),
    ],
)
def test_distances_are_in_days_of_the_readers_calendar(days, english, german):
    with clock.at(EVENING):
        for language, written in (("en", english), ("de", german)):
            with translation.override(language):
                assert words(relative(EVENING + timedelta(days=days))) == written


def test_midnight_is_the_readers():
    with clock.at(EVENING):
        assert days_until(EVENING + timedelta(minutes=45)) == 1
        with timezone.override(ZoneInfo("Europe/Berlin")):
            assert days_until(EVENING + timedelta(minutes=45)) == 0

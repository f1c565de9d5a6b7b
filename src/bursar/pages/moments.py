"""How moments are written for the reader: in the active language and time zone, always as a `<time>` element."""

from datetime import UTC, date, datetime
from typing import Final

from django.utils import dateformat
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import get_current_timezone, localtime
from django.utils.translation import get_language, gettext, gettext_noop, ngettext

from bursar.kernel import clock

NOTHING: Final = "\N{EN DASH}"
DAYS: Final = {"de": "j. N Y", "es": "j b Y"}
DAY_OTHERWISE: Final = "j M Y"
SHORT: Final = {"de": "j. N", "es": "j b"}
SHORT_OTHERWISE: Final = "j M"
FULL: Final = {"de": "l, j. F Y, H:i T", "es": r"l j \d\e F \d\e Y, H:i T"}
FULL_OTHERWISE: Final = "l, j F Y, H:i T"
WEEKS_FROM_DAYS: Final = 14
MONTHS_FROM_DAYS: Final = 61
NEAR: Final = {0: gettext_noop("today"), 1: gettext_noop("tomorrow"), -1: gettext_noop("yesterday")}


def day(value: datetime | None) -> SafeString:
    """Return the date of a moment (aware): 12 Mar 2026."""
    return _element(value, day_text(value) if value else "")


def moment(value: datetime | None) -> SafeString:
    """Return date and time of a moment (aware): 12 Mar 2026, 14:05."""
    return _element(value, f"{day_text(value)}, {localtime(value):%H:%M}" if value else "")


def relative(value: datetime | None) -> SafeString:
    """Return how far away a moment (aware) is, in days of the reader's calendar: in 9 days, yesterday."""
    return _element(value, distance(value) if value else "")


def day_text(value: datetime) -> str:
    """Return the date of a moment (aware) as text alone."""
    return _formatted(value, DAYS.get(_language(), DAY_OTHERWISE))


def short_day(value: date) -> str:
    """Return a day without its year: 12 Mar; for places as narrow as the foot of a chart."""
    return dateformat.format(value, SHORT.get(_language(), SHORT_OTHERWISE))


def days_until(value: datetime) -> int:
    """Return how many midnights of the reader lie between now and a moment (aware); below 0 once it has passed."""
    zone = get_current_timezone()
    return (value.astimezone(zone).date() - clock.now().astimezone(zone).date()).days


def distance(value: datetime) -> str:
    """Return how far away a moment (aware) is, as text alone."""
    days = days_until(value)
    if days in NEAR:
        return gettext(NEAR[days])
    number, words = _units(abs(days))
    return (gettext("in %(span)s") if days > 0 else gettext("%(span)s ago")) % {"span": words % {"count": number}}


def _units(days: int) -> tuple[int, str]:
    if days < WEEKS_FROM_DAYS:
        return days, ngettext("%(count)d day", "%(count)d days", days)
    if days < MONTHS_FROM_DAYS:
        weeks = days // 7
        return weeks, ngettext("%(count)d week", "%(count)d weeks", weeks)
    months = days // 30
    return months, ngettext("%(count)d month", "%(count)d months", months)


def _element(value: datetime | None, text: str) -> SafeString:
    if value is None:
        return SafeString(NOTHING)
    stamp = f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        stamp,
        _formatted(value, FULL.get(_language(), FULL_OTHERWISE)),
        text,
    )


def _formatted(value: datetime, style: str) -> str:
    return dateformat.format(localtime(value), style)


def _language() -> str:
    return (get_language() or "en").split("-")[0]

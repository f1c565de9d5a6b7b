"""Which span of time a report is about: this month, quarter or year of the reader, all, or from one day to another."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Final

from django.utils.translation import gettext, gettext_lazy

from bursar.kernel import clock
from bursar.pages.moments import day_text

MONTHS_OF_A_QUARTER: Final = 3
EARLIEST: Final = date(2000, 1, 1)
LATEST: Final = date(2999, 12, 31)


class Span(StrEnum):
    """The periods that are offered."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    ALL = "all"
    DAYS = "days"


LABELS: Final = {
    Span.MONTH: gettext_lazy("This month"),
    Span.QUARTER: gettext_lazy("This quarter"),
    Span.YEAR: gettext_lazy("This year"),
    Span.ALL: gettext_lazy("All time"),
    Span.DAYS: gettext_lazy("From one day to another"),
}


@dataclass(frozen=True, slots=True)
class Period:
    """A span of time in the reader's zone; `first` and `last` are days, both included (None: no bound)."""

    span: Span
    first: date | None
    last: date | None
    zone: tzinfo

    @property
    def since(self) -> datetime | None:
        """The moment at which it begins."""
        return self._midnight(self.first) if self.first else None

    @property
    def until(self) -> datetime | None:
        """The moment at which it is over."""
        return self._midnight(self.last + timedelta(days=1)) if self.last else None

    @property
    def words(self) -> str:
        """The period as people say it."""
        if self.span != Span.DAYS:
            return str(LABELS[self.span])
        named = {"first": self._named(self.first), "last": self._named(self.last)}
        if self.first and self.last:
            return gettext("%(first)s to %(last)s") % named
        return (gettext("from %(first)s on") if self.first else gettext("until %(last)s")) % named

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.zone)

    def _named(self, day: date | None) -> str:
        return day_text(self._midnight(day)) if day else ""


def period(span: str, first: str, last: str, zone: tzinfo) -> Period:
    """Return the period that is asked for; what cannot be read is this year. Days the wrong way round are turned."""
    asked = Span(span) if span in set(Span) else Span.YEAR
    days = sorted(filter(None, (_day(first), _day(last)))) if _day(first) and _day(last) else [_day(first), _day(last)]
    if asked == Span.DAYS and any(days):
        return Period(asked, days[0], days[1], zone)
    today = clock.now().astimezone(zone).date()
    return _of_today(Span.YEAR if asked == Span.DAYS else asked, today, zone)


def _of_today(span: Span, today: date, zone: tzinfo) -> Period:
    if span == Span.ALL:
        return Period(span, None, None, zone)
    month = {Span.MONTH: today.month, Span.QUARTER: today.month - (today.month - 1) % MONTHS_OF_A_QUARTER}
    return Period(span, date(today.year, month.get(span, 1), 1), None, zone)


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if EARLIEST <= day <= LATEST else None

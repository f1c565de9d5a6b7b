"""The forecast of a budget as a reader sees it: a chart by week, and in words what it rests on."""

from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Final

from django.utils.translation import gettext

from bursar.assignments.forecasts import Basis, Forecast, Week
from bursar.pages.charts import Chart, Column, stacked_chart
from bursar.pages.moments import short_day
from bursar.pages.money import money

WHOLE: Final = 100


@dataclass(frozen=True, slots=True)
class Outlook:
    """What becomes of what a budget holds: the chart, cents that come back (None: unknown), and from whose past."""

    chart: Chart
    held_cents: int
    back_cents: int | None
    basis: Basis
    accepted: int
    ended: int
    filling_cents: int

    @property
    def about_cents(self) -> int | None:
        """What comes back as one says it, without the cents that nobody knows; below a whole one as it is."""
        back = self.back_cents
        return back if back is None or back < WHOLE else back // WHOLE * WHOLE

    @property
    def is_own(self) -> bool:
        """Whether the estimate rests on the past of this budget."""
        return self.basis == Basis.BUDGET


def outlook(found: Forecast, held_cents: int, currency: str) -> Outlook:
    """Return a forecast drawn; what the budget holds beyond it belongs to allocations that are still being made."""
    chart = _chart(found, currency)
    past = found.past
    filling = max(0, held_cents - found.held_cents)
    return Outlook(chart, found.held_cents, found.back_cents, past.basis, past.accepted, past.ended, filling)


def _chart(found: Forecast, currency: str) -> Chart:
    known = found.back_cents is not None
    series = (gettext("Will be accepted"), gettext("Will come back")) if known else (gettext("Assigned"),)
    columns = [Column(_label(week.begins), _parts(week, known=known)) for week in found.weeks]
    title = gettext("Assigned money by the week in which it expires")
    return stacked_chart(
        "outlook", title, columns, series=series, heading=gettext("Week from"),
        write=partial(money, currency=currency, brief=True),
    )  # fmt: skip


def _parts(week: Week, *, known: bool) -> tuple[int, ...]:
    return (week.held_cents - week.back_cents, week.back_cents) if known else (week.held_cents,)


def _label(begins: date | None) -> str:
    return gettext("later") if begins is None else short_day(begins)

"""The tables of the reports: each is drawn as a chart and given as a file from the same rows."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils import dateformat
from django.utils.translation import gettext, gettext_lazy

from bursar.assignments.reports import NOTHING_SPENT, Funnel, Spending, Spent
from bursar.assignments.states import State
from bursar.pages.charts import Chart, Column, Point, bar_chart, funnel, histogram, stacked_chart
from bursar.pages.exports import Row, amount
from bursar.pages.money import money

DRAWN: Final = 10
SPANS: Final = 14
WEEK: Final = 7
FOUR_WEEKS: Final = 28
STATES: Final = {
    State.ALLOCATED: gettext_lazy("Not answered yet"),
    State.ACCEPTED: gettext_lazy("Accepted"),
    State.EXPIRED: gettext_lazy("Expired"),
    State.CANCELLED: gettext_lazy("Cancelled or declined"),
    State.ERRORED: gettext_lazy("Failed"),
    State.REVERSED: gettext_lazy("Given back after accepting"),
}


@dataclass(frozen=True, slots=True)
class Table:
    """A report's figures: the name in addresses, the title, the drawing, and all rows for a file."""

    name: str
    title: str
    chart: Chart
    headings: Sequence[str]
    rows: Sequence[Row]


def funnel_table(found: Funnel) -> Table:
    """Return how many people came how far, with the assignments beside them."""
    title = gettext("People, from assigned to accepted")
    steps = [
        (gettext("Assigned"), found.assigned),
        (gettext("Told by mail"), found.told),
        (gettext("Accepted"), found.accepted),
    ]
    points = [Point(label, reach.people) for label, reach in steps]
    drawn = funnel("funnel", title, points if found.assigned.people else [], heading=gettext("Step"))
    rows = [(label, reach.people, reach.assignments) for label, reach in steps]
    return Table("funnel", title, drawn, (gettext("Step"), gettext("People"), gettext("Assignments")), rows)


def states_table(found: Funnel) -> Table:
    """Return in which state the assignments are now."""
    title = gettext("What became of the assignments")
    rows = [(str(STATES[state]), found.states[state]) for state in STATES]
    points = [Point(label, number) for label, number in rows if number]
    drawn = bar_chart("states", title, points, heading=gettext("State"))
    return Table("states", title, drawn, (gettext("State"), gettext("Assignments")), rows)


def days_table(days: dict[int, int]) -> Table:
    """Return after how many days people accepted: a bar for each day, or for 7 or 28 where a day each would be too many."""
    title = gettext("Days from assignment to acceptance")
    width = _width(max(days, default=0))
    points = [
        Point(_span(first, width), sum(days.get(day, 0) for day in range(first, first + width)))
        for first in (range(0, max(days) + 1, width) if days else ())
    ]
    drawn = histogram("days", title, points, heading=gettext("Days"), series=gettext("Accepted"))
    rows = [(day, days[day]) for day in sorted(days)]
    return Table("days", title, drawn, (gettext("Days"), gettext("Accepted")), rows)


def months_table(months: dict[datetime, Spent], currency: str) -> Table:
    """Return what was spent in each month from the first to the last with spending, those without any among them."""
    title = gettext("Spend by month")
    filled = [(month, months.get(month, NOTHING_SPENT)) for month in _months(sorted(months))]
    columns = [Column(dateformat.format(month, "M Y"), (spent.net,)) for month, spent in filled]
    drawn = stacked_chart(
        "months", title, columns, series=(gettext("Spent"),), heading=gettext("Month"), write=_write(currency)
    )
    rows = [(f"{month:%Y-%m}", *_figures(spent)) for month, spent in filled]
    return Table("months", title, drawn, _headings(gettext("Month"), currency), rows)


def groups_table(name: str, found: Spending, currency: str) -> Table:
    """Return what was spent on each subject, partner or department: the ten largest drawn, all of them in the file."""
    title, heading, nameless = (str(words) for words in GROUPS[name])
    ranked = sorted(found.items(), key=lambda item: (-item[1].net, item[0]))
    points = [Point(label or nameless, spent.net) for label, spent in ranked[:DRAWN]]
    if len(ranked) > DRAWN:
        others = sum(spent.net for _, spent in ranked[DRAWN:])
        points.append(Point(gettext("%(number)d others") % {"number": len(ranked) - DRAWN}, others))
    drawn = bar_chart(name, title, points, heading=heading, write=_write(currency))
    rows = [(label or nameless, *_figures(spent)) for label, spent in ranked]
    return Table(name, title, drawn, _headings(heading, currency), rows)


GROUPS: Final = {
    "subjects": (gettext_lazy("Spend by subject"), gettext_lazy("Subject"), gettext_lazy("No subject")),
    "partners": (gettext_lazy("Spend by partner"), gettext_lazy("Partner"), gettext_lazy("No partner")),
    "departments": (gettext_lazy("Spend by department"), gettext_lazy("Department"), gettext_lazy("No department")),
}


def _headings(first: str, currency: str) -> tuple[str, ...]:
    return (
        *(first, f"{gettext('Spent')} ({currency})", f"{gettext('Given back')} ({currency})"),
        *(f"{gettext('Net')} ({currency})", gettext("Courses")),
    )


def _figures(spent: Spent) -> Row:
    return amount(spent.gross), amount(spent.back), amount(spent.net), spent.courses


def _write(currency: str) -> Callable[[int], str]:
    return lambda cents: money(cents, currency, brief=True)


def _width(last: int) -> int:
    return next((width for width in (1, WEEK, FOUR_WEEKS) if last < SPANS * width), -(-(last + 1) // SPANS))


def _span(first: int, width: int) -> str:
    return str(first) if width == 1 else f"{first}\N{EN DASH}{first + width - 1}"


def _months(known: Sequence[datetime]) -> Iterator[datetime]:
    month = known[0] if known else None
    while month is not None and month <= known[-1]:
        yield month
        month = month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)

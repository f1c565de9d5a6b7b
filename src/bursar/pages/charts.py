"""Charts as SVG drawn on the server: places in percent and sizes in pixels, so that text keeps its size on a phone.

Colours are classes of the stylesheet (`s1`, `s2`, …), chosen to differ in lightness too. Every chart brings its figures
as a table. Values are whole numbers; `write` turns one into the reader's words.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import floor, log10
from typing import Final

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from bursar.pages.moments import NOTHING
from bursar.pages.money import whole

Write = Callable[[int], str]
ROW: Final = 46
PLOT: Final = 200
TOP: Final = 18
FOOT: Final = 26
SHORT: Final = 32
LABELS: Final = 6
SERIES: Final = 6
STEPS: Final = (1, 2, 5, 10)
GRID_LINES: Final = 4
GUTTER: Final = 15


@dataclass(frozen=True, slots=True)
class Point:
    """One bar: its label and its value, and what is said beside it if that is more than the value."""

    label: str
    value: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """One stack of a chart over time: its label, and a value for each series from the bottom up."""

    label: str
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing, the same in a table, and which colour stands for what."""

    name: str
    title: str
    svg: SafeString
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    legend: tuple[tuple[str, str], ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not self.rows


def bar_chart(name: str, title: str, points: Sequence[Point], *, heading: str, write: Write = whole) -> Chart:
    """Return lying bars, one for each point, longest possible for the largest value."""
    largest = max((point.value for point in points), default=0)
    rows = [(point.label, write(point.value), point.note) for point in points]
    parts = [
        _lying(place, *row, point.value, largest) for place, (row, point) in enumerate(zip(rows, points, strict=True))
    ]
    svg = _svg(name, title, _says(rows), ROW * len(points), SafeString("").join(parts))
    return Chart(name, title, svg, (heading, gettext("Value")), tuple((label, value) for label, value, _ in rows))


def funnel(name: str, title: str, points: Sequence[Point], *, heading: str, write: Write = whole) -> Chart:
    """Return lying bars of steps that follow each other, each with its share of the first."""
    first = points[0].value if points else 0
    shared = [Point(point.label, point.value, _share(point.value, first)) for point in points]
    drawn = bar_chart(name, title, shared, heading=heading, write=write)
    rows = tuple((*row, point.note) for row, point in zip(drawn.rows, shared, strict=True))
    return Chart(name, title, drawn.svg, (*drawn.headings, gettext("Share")), rows)


def stacked_chart(
    name: str, title: str, columns: Sequence[Column], *, series: Sequence[str], heading: str, write: Write = whole
) -> Chart:
    """Return standing bars side by side, such as weeks or months, each cut into the same series."""
    top = nice_top(max((sum(column.values) for column in columns), default=0))
    parts = [*_grid(top, write), *_stacks(columns, series, top, write), *_feet([column.label for column in columns])]
    rows = tuple((column.label, *map(write, column.values)) for column in columns)
    svg = _svg(name, title, _says(rows), TOP + PLOT + FOOT, SafeString("").join(parts))
    legend = tuple((f"s{place % SERIES + 1}", label) for place, label in enumerate(series)) if len(series) > 1 else ()
    return Chart(name, title, svg, (heading, *series), rows, legend)


def histogram(
    name: str, title: str, points: Sequence[Point], *, heading: str, series: str, write: Write = whole
) -> Chart:
    """Return standing bars of how often something fell into each span."""
    columns = [Column(point.label, (point.value,)) for point in points]
    return stacked_chart(name, title, columns, series=(series,), heading=heading, write=write)


def nice_top(largest: int) -> int:
    """Return where an axis ends: a round number that the grid divides, not below `largest`."""
    if largest <= GRID_LINES:
        return GRID_LINES
    unit: int = 10 ** floor(log10(largest / GRID_LINES))
    step = next(unit * times for times in STEPS if unit * times * GRID_LINES >= largest)
    return step * GRID_LINES


def _lying(place: int, label: str, value: str, note: str, amount: int, largest: int) -> SafeString:
    y = place * ROW
    return format_html(
        '<g><title>{}: {}</title><text class="label" x="0" y="{}">{}</text>'
        '<text class="figure" x="100%" y="{}" text-anchor="end">{}</text>'
        '<rect class="track" x="0" y="{}" width="100%" height="14" rx="4"/>'
        '<rect class="s1" x="0" y="{}" width="{}%" height="14" rx="4"/></g>',
        label, value, y + 16, _short(label), y + 16, f"{value} · {note}" if note else value, y + 24, y + 24,
        _percent(amount, largest),
    )  # fmt: skip


def _short(label: str) -> str:
    """Return what of a label leaves room for the figure on a phone; all of it is in the table."""
    return label if len(label) <= SHORT else f"{label[: SHORT - 1].rstrip()}\N{HORIZONTAL ELLIPSIS}"


def _grid(top: int, write: Write) -> Iterator[SafeString]:
    for line in range(GRID_LINES + 1):
        y = TOP + PLOT - PLOT * line // GRID_LINES
        yield format_html(
            '<line x1="{}%" x2="100%" y1="{}" y2="{}"/><text class="axis" x="0" y="{}">{}</text>',
            GUTTER, y, y, y + 4, write(top * line // GRID_LINES),
        )  # fmt: skip


def _stacks(columns: Sequence[Column], series: Sequence[str], top: int, write: Write) -> Iterator[SafeString]:
    wide = (100 - GUTTER) / max(1, len(columns))
    for place, column in enumerate(columns):
        y = float(TOP + PLOT)
        for number, (label, value) in enumerate(zip(series, column.values, strict=True)):
            high = PLOT * value / top
            y -= high
            yield format_html(
                '<rect class="s{}" x="{}%" y="{}" width="{}%" height="{}"><title>{}, {}: {}</title></rect>',
                number % SERIES + 1, f"{GUTTER + wide * (place + 0.14):.2f}", f"{y:.2f}", f"{wide * 0.72:.2f}", f"{high:.2f}",
                column.label, label, write(value),
            )  # fmt: skip


def _feet(labels: Sequence[str]) -> Iterator[SafeString]:
    every = max(1, -(-len(labels) // LABELS))
    wide = (100 - GUTTER) / max(1, len(labels))
    for place, label in enumerate(labels):
        if place % every == 0:
            yield format_html(
                '<text class="axis" x="{}%" y="{}" text-anchor="middle">{}</text>',
                f"{GUTTER + wide * (place + 0.5):.2f}", TOP + PLOT + FOOT - 8, label,
            )  # fmt: skip


def _svg(name: str, title: str, says: str, height: int, parts: SafeString | str) -> SafeString:
    return format_html(
        '<svg class="chart" role="img" aria-labelledby="{0}-title {0}-desc" width="100%" height="{1}">'
        '<title id="{0}-title">{2}</title><desc id="{0}-desc">{3}</desc>{4}</svg>',
        name, height, title, says, SafeString(parts),
    )  # fmt: skip


def _says(rows: Sequence[tuple[str, ...]]) -> str:
    return "; ".join(", ".join(filter(None, row)) for row in rows)


def _percent(value: int, largest: int) -> str:
    return f"{100 * value / largest:.2f}" if largest > 0 else "0"


def _share(value: int, first: int) -> str:
    return f"{100 * value // first}\N{NO-BREAK SPACE}%" if first > 0 else NOTHING

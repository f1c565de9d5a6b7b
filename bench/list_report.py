"""The figures of lists as Markdown: each against raw queries, and the largest against the smallest."""

from collections.abc import Iterator, Mapping
from statistics import median
from typing import Any

from bench.tables import median_ratio, table
from bench.targets import LIST_GROWTH, LIST_RATIO

Lists = Mapping[str, Mapping[str, Mapping[str, Any]]]

YARDSTICK = """\
One page of 25 assignments of the Open edX admin list, with actions and counts, in one process: ours from the request to
the bytes of the answer, who is asking included; by hand the counts, the page and the actions of its rows, each by the
index that has it."""
HEAD = ("assignments", "list", "ours, ms", "raw, ms", "ratio", "at most", "statements", "")


def section(found: Lists) -> list[str]:
    """Return the part of the report about lists."""
    rows = [_row(size, name, one) for size, names in found.items() for name, one in names.items()]
    growth = [
        f"- {name}: {ratio:.1f} times the time at the smallest size (at most {LIST_GROWTH:g})."
        for name, ratio in _growth(found)
    ]
    return ["", "### Lists", "", YARDSTICK, "", *table(HEAD, rows), "", *growth]


def missed(found: Lists) -> Iterator[str]:
    """Name what is slower than it may be, or grows more with the past."""
    for size, names in found.items():
        yield from (f"{name} at {size}" for name, one in names.items() if median_ratio(one) > LIST_RATIO)
    yield from (f"{name} grows" for name, ratio in _growth(found) if ratio > LIST_GROWTH)


def _row(size: str, name: str, one: Mapping[str, Any]) -> tuple[str, ...]:
    ratio = median_ratio(one)
    verdict = "kept" if ratio <= LIST_RATIO else "MISSED"
    times = (f"{median(one[side]) * 1000:.1f}" for side in ("ours", "raw"))
    label = f"{int(size):,}" if size.isdigit() else size
    return (label, name, *times, f"{ratio:.2f}", f"{LIST_RATIO:g}", str(one["statements"]), verdict)


def _growth(found: Lists) -> Iterator[tuple[str, float]]:
    sizes = sorted(int(size) for size in found if size.isdigit())
    if len(sizes) > 1:
        small, large = found[str(sizes[0])], found[str(sizes[-1])]
        for name in small:
            yield name, median(large[name]["ours"]) / median(small[name]["ours"])

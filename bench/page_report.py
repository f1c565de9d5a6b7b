"""The figures of pages as Markdown: each against the time and the statements that it may take."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from bench.tables import table
from bench.targets import PAGE_MILLISECONDS, PAGE_STATEMENTS

Pages = Mapping[str, Mapping[str, Any]]

YARDSTICK: Final = """\
Every page and file of both portals that answers a GET, on the demonstration with 200 assigned people, SQLite, in one
process: from the request to the last byte, session and permissions included; the median."""
HEAD: Final = ("page", "ms", "at most", "statements", "at most", "")


def section(found: Pages) -> list[str]:
    """Return the part of the report about pages."""
    rows = [
        (
            name, f"{one['seconds'] * 1000:.0f}", str(PAGE_MILLISECONDS), str(one["statements"]), str(PAGE_STATEMENTS),
            "kept" if _kept(one) else "MISSED",
        )
        for name, one in sorted(found.items())
    ]  # fmt: skip
    return ["", "### Pages", "", YARDSTICK, "", *table(HEAD, rows)]


def missed(found: Pages) -> Iterator[str]:
    """Name what is slower than it may be, or asks the database more often."""
    yield from (name for name, one in found.items() if not _kept(one))


def _kept(one: Mapping[str, Any]) -> bool:
    return one["seconds"] * 1000 <= PAGE_MILLISECONDS and one["statements"] <= PAGE_STATEMENTS

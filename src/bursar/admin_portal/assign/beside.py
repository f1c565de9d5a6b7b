"""What became of rows beside the rows themselves: a file is given back only with the results of its own rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext

from bursar.admin_portal.assign.rows import LABELS, ShownRow
from bursar.kernel.errors import BadInput
from bursar.kernel.tables import Table
from bursar.pages.exports import Cell
from bursar.people.addresses import BadAddress, normal_form

OTHER_FILE: Final = "other_file"
Given = tuple[int, list[str]]


@dataclass(frozen=True, slots=True)
class Laid:
    """A file as it came, each row with what became of it behind its own cells."""

    header: Sequence[str]
    rows: Iterator[Sequence[Cell]]


def beside_rows(table: Table, results: Sequence[ShownRow]) -> Laid:
    """Return the rows of a file with their results, found by line.

    Raises `BadInput` (`other_file`, with the line) where a row names somebody else than was assigned from that line:
    nobody shall read of one person what became of another. What names nobody any more is believed.
    """
    header, *rows = table.as_given()
    _refuse_others(dict(rows), results)
    width = len(header[1])
    outcomes = {item.line: result_cells(item) for item in results}
    return Laid(header[1], (_wide(cells, width) + outcomes.get(line, []) for line, cells in rows))


def result_cells(item: ShownRow) -> list[Cell]:
    """Return what became of a row, in words."""
    named_first = gettext("first in line %(line)s") % {"line": item.of_line} if item.of_line else ""
    return [str(LABELS[item.outcome]), item.why or named_first]


def _wide(cells: Sequence[str], width: int) -> list[Cell]:
    return [*cells[:width], *[""] * (width - len(cells))]


def _refuse_others(given: dict[int, list[str]], results: Sequence[ShownRow]) -> None:
    for item in results:
        if item.email and not _names(given.get(item.line, []), item.email):
            raise BadInput("A row names somebody else than was assigned from it.", code=OTHER_FILE, line=item.line)


def _names(cells: Sequence[str], email: str) -> bool:
    """Tell whether one of the cells is an address, however it is spelt."""
    return email in cells or any(_normal(cell) == normal_form(email) for cell in cells)


def _normal(cell: str) -> str:
    try:
        return normal_form(cell)
    except BadAddress:
        return ""

"""People as somebody types or pastes them: an address on each line, or the columns of a spreadsheet with their headings."""

import io
import re
from collections.abc import Iterator
from typing import Final

from bursar.kernel.errors import BadInput
from bursar.kernel.tables import RowFault
from bursar.people.files import (
    NOTHING_IN_IT,
    PeopleFile,
    PersonRow,
    at_most_allowed,
    distinct,
    read_people,
    read_person,
)

SEPARATORS: Final = re.compile(r"[\t;,]")
BRACKETED: Final = re.compile(r".*<\s*([^<>]+?)\s*>\s*")


def read_pasted(text: str) -> PeopleFile:
    """Return the people of a text; `line` is the line of the text.

    With headings in its first line it is read as a file (`read_people`, whose faults it raises). Otherwise each line
    names one person, or several with commas or semicolons between them; `Ada Example <ada@example.org>` is Ada; of the
    cells of a row without a heading the one with an address counts. Raises `BadInput` (`no_rows`, `too_many_people`).
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _has_headings(text):
        return read_people(io.BytesIO(text.encode()), limited=True)
    found = distinct(at_most_allowed(_people(text)))
    if not found.people and not found.refused:
        raise BadInput(NOTHING_IN_IT, code="no_rows")
    return found


def _has_headings(text: str) -> bool:
    first = next((line for line in text.split("\n") if line.strip()), "")
    return "@" not in first and SEPARATORS.search(first) is not None


def _people(text: str) -> Iterator[PersonRow | RowFault]:
    for number, line in enumerate(text.split("\n"), start=1):
        for address in _addresses(line):
            yield read_person(number, {"email": address})


def _addresses(line: str) -> list[str]:
    """Return the addresses of a line; of a line without any, all of it, to be refused by name."""
    if not line.strip():
        return []
    cells = [cell.strip() for cell in SEPARATORS.split(line)]
    with_address = [_bare(cell) for cell in cells if "@" in cell]
    return with_address or [line.strip()]


def _bare(cell: str) -> str:
    bracketed = BRACKETED.fullmatch(cell)
    return bracketed[1] if bracketed else cell

"""People as JSON names them: a list of records, or one record on each line, read as a stream with bounded memory."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Protocol

from bursar.kernel.conf import setting
from bursar.kernel.errors import BadInput
from bursar.kernel.tables import SURROGATE, RowFault
from bursar.kernel.text import storable
from bursar.people.files import COLUMNS, NOTHING_IN_IT, PeopleFile, PersonRow, at_most_allowed, distinct, read_person

LONGEST_LINE: Final = 16_384  # bytes; more than every column at its longest
MARK: Final = b"\xef\xbb\xbf"


class Lines(Protocol):
    """A stream of bytes that gives lines."""

    def readline(self, size: int = -1, /) -> bytes:
        """Return the next line with its end, or at most `size` bytes of it; nothing at the end."""


def read_json_lines(source: Lines) -> PeopleFile:
    """Read a JSON object for each line, with the members that columns of a CSV file have; blank lines are passed over.

    Raises `BadInput` for a fault of the whole (`file_too_large`, `wrong_encoding` with the line, `too_many_people`,
    `no_rows`). A line that is no such object refuses itself: `malformed_row`, and the codes of `read_people`. No more
    than one line is held beside the people.
    """
    return _counted(_row(line, text) for line, text in _lines(source))


def people_from_records(records: Iterable[Mapping[str, Any]]) -> PeopleFile:
    """Return the people of a list of records; `line` is the place in the list, from 1. Otherwise as `read_json_lines`."""
    return _counted(_record(place, record) for place, record in enumerate(records, start=1))


def read_one(record: Mapping[str, Any]) -> PersonRow:
    """Return the one person of a record; raises `BadInput` with the code of what is wrong with it."""
    found = _record(1, record)
    if isinstance(found, RowFault):
        raise BadInput(found.message, code=found.code)
    return found


def _counted(rows: Iterator[PersonRow | RowFault]) -> PeopleFile:
    found = distinct(at_most_allowed(rows))
    if not found.people and not found.refused:
        raise BadInput(NOTHING_IN_IT, code="no_rows")
    return found


def _lines(source: Lines) -> Iterator[tuple[int, bytes | None]]:
    """Yield every line that is not blank with its number; None for one that is too long to be a person."""
    limit, seen, number = setting("file_limit_bytes"), 0, 0
    while line := source.readline(LONGEST_LINE + 1):
        number += 1
        seen += len(line)
        is_long = len(line) > LONGEST_LINE
        while line and not line.endswith(b"\n") and is_long and seen <= limit:
            line = source.readline(LONGEST_LINE)
            seen += len(line)
        if seen > limit:
            raise BadInput(f"The file is larger than {limit:,} bytes.", code="file_too_large", limit=limit)
        text = line.removeprefix(MARK) if number == 1 else line
        if is_long or text.strip():
            yield number, None if is_long else text


def _row(line: int, text: bytes | None) -> PersonRow | RowFault:
    if text is None:
        return RowFault(line, "", "malformed_row", f"The line is longer than {LONGEST_LINE:,} bytes.")
    try:
        record = json.loads(text.decode())
    except UnicodeDecodeError:
        raise BadInput(f"Line {line} of the file is not UTF-8.", code="wrong_encoding", line=line) from None
    except (ValueError, RecursionError):
        return RowFault(line, "", "malformed_row", "The line is not JSON.")
    if not isinstance(record, dict):
        return RowFault(line, "", "malformed_row", "The line is not a JSON object.")
    return _record(line, record)


def _record(line: int, record: Mapping[str, Any]) -> PersonRow | RowFault:
    """Read one record; blank, null and missing are the same."""
    cells = {name: "" if (value := record.get(name)) is None else value for name in COLUMNS}
    given = cells["email"] if isinstance(cells["email"], str) else ""
    if any(not isinstance(cell, str) or SURROGATE.search(cell) for cell in cells.values()):
        return RowFault(line, storable(given), "malformed_row", "Every member must be text.")
    if not record.keys() <= cells.keys():
        return RowFault(line, given, "malformed_row", f"The members of a person are {', '.join(COLUMNS)}.")
    return read_person(line, cells)

"""Tables that people send as CSV: what refuses the whole file, and each row with its first physical line."""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO, Final, NoReturn

from bursar.kernel.conf import setting
from bursar.kernel.errors import BadInput

Names = Mapping[str, Collection[str]]

DELIMITERS: Final = (",", ";", "\t", "|")
# UTF-32 before UTF-16, because the little-endian mark of the one begins with that of the other.
MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
MARK: Final = "\ufeff"
SURROGATE: Final = re.compile("[\ud800-\udfff]")
NOT_LETTERS: Final = re.compile(r"[\s_.-]+")
SHOWN: Final = 40
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True, slots=True)
class RowFault:
    """Why one row was refused: its first physical line from 1, what was given there, a stable code and words."""

    line: int
    input: str = field(repr=False)
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row: its first physical line from 1, and every column asked for, "" where the row has no such cell.

    Cells are as given, blanks around them included. With a `fault` the row is to be refused as it says.
    """

    line: int
    cells: dict[str, str] = field(repr=False)
    fault: RowFault | None = None


class Table:
    """The rows of a file that has passed every check of the whole file; may be walked again, and knows its length."""

    def __init__(self, data: bytes, encoding: str, *, required: Names, optional: Names) -> None:
        self._data = data
        self._encoding = encoding
        by_heading = _by_heading({**optional, **required})
        self._delimiter, header = _read_header(data, encoding, by_heading)
        self.names = (*required, *optional)
        self.columns = _match(header, by_heading, required)
        self._length = sum(1 for _ in self._records())

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[TableRow]:
        for line, cells in self._records():
            yield self._row(line, cells)

    def as_given(self) -> Iterator[tuple[int, list[str]]]:
        """Yield every row with its first physical line and its cells as they are, the header too."""
        return _records(self._data, self._encoding, self._delimiter)

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        records = _records(self._data, self._encoding, self._delimiter)
        next(records)
        return records

    def _row(self, line: int, given: list[str]) -> TableRow:
        cells = dict.fromkeys(self.names, "")
        surplus = any(cell.strip() for cell in given[len(self.columns) :])
        for name, cell in zip(self.columns, given, strict=False):
            if name is not None:
                cells[name] = cell
            elif cell.strip():
                surplus = True
        if not surplus:
            return TableRow(line, cells)
        text = self._delimiter.join(given)
        return TableRow(line, cells, RowFault(line, text, "too_many_cells", "The row has more cells than the header."))


def open_table(source: Path | BinaryIO, *, encoding: str | None = None, required: Names, optional: Names) -> Table:
    """Return the rows of a CSV file, to be walked as often as wanted; its length is their number.

    `required` and `optional` map each column's name to further headings it goes by; capitals, blanks, hyphens, dots
    and underscores in a heading do not count. Without `encoding` the file is UTF-8, or what its byte order mark says.
    Separators are comma, semicolon, tab or bar. Blank lines are passed over.

    The whole file is checked here, before any row is given. Raises `BadInput` with one of the codes
    `file_unreadable`, `file_too_large` (setting `file_limit_bytes`), `empty_file`, `wrong_encoding`, `nul_bytes`,
    `no_header`, `unknown_columns`, `duplicate_columns`, `missing_columns`, `malformed_csv`; the fact `line` where
    there is one. A stream is read from where it stands, and not closed.
    """
    data = _read(source)
    return Table(data, _encoding_of(data, encoding), required=required, optional=optional)


def csv_line(cells: Iterable[object]) -> str:
    """Return one line of a CSV file: numbers as they are, everything else `harmless`, and nothing for None."""
    text = io.StringIO()
    csv.writer(text).writerow([_written(cell) for cell in cells])
    return text.getvalue()


def _written(cell: object) -> str:
    if isinstance(cell, int | Decimal):
        return str(cell)
    return "" if cell is None else harmless(str(cell))


def harmless(cell: str) -> str:
    """Return a text that no spreadsheet takes for a formula: one that begins like one gets a quotation mark before it."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _read(source: Path | BinaryIO) -> bytes:
    limit = setting("file_limit_bytes")
    try:
        if not isinstance(source, Path):
            return _read_at_most(source, limit)
        if source.stat().st_size > limit:
            _refuse_large(limit)
        with source.open("rb") as file:
            return _read_at_most(file, limit)
    except (OSError, ValueError) as error:  # a path with a NUL in it is a ValueError
        reason = getattr(error, "strerror", None) or "not a file"
        raise BadInput(f"The file cannot be read: {reason}.", code="file_unreadable") from None


def _read_at_most(file: BinaryIO, limit: int) -> bytes:
    """Read to the end without ever holding more than a byte above the limit; devices and pipes tell no size."""
    data = bytearray()
    while part := file.read(min(limit + 1 - len(data), 1 << 20)):
        data += part
        if len(data) > limit:
            _refuse_large(limit)
    return bytes(data)


def _encoding_of(data: bytes, named: str | None) -> str:
    """Return the encoding to read by: the one named, unless the mark at the start of the file says otherwise."""
    marked = next((name for mark, name in MARKS if data.startswith(mark)), None)
    if named is None:
        return marked or "utf-8"
    try:
        known = codecs.lookup(named)
        io.TextIOWrapper(io.BytesIO(), encoding=named)  # refuses codecs that are not of text, such as base64
    except (LookupError, ValueError):
        raise BadInput("The encoding named is not known.", code="wrong_encoding") from None
    if marked and not known.name.startswith(marked):
        raise BadInput(f"The file says that it is {marked.upper()}, not {known.name}.", code="wrong_encoding")
    return known.name


def _records(data: bytes, encoding: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield every row that is not a blank line, the header too, with its first physical line."""
    reader = csv.reader(_lines(data, encoding), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise BadInput(
                f"The file cannot be read as CSV from line {line} on; a quotation mark may be left open or unpaired.",
                code="malformed_csv",
                line=line,
            ) from None
        if len(cells) > 1 or any(cell.strip() for cell in cells):
            yield line, cells


def _lines(data: bytes, encoding: str) -> Iterator[str]:
    text = io.TextIOWrapper(io.BytesIO(data), encoding=encoding, newline="")
    number = 0
    try:
        for number, line in enumerate(text, start=1):
            if "\0" in line:
                _refuse_nul(number)
            if not line.isascii() and SURROGATE.search(line):
                _refuse_encoding(encoding, number)
            yield line.removeprefix(MARK) if number == 1 else line
    except UnicodeError:
        _refuse_encoding(encoding, _line_of_decoding_error(data, encoding, number + 1))


def _line_of_decoding_error(data: bytes, encoding: str, otherwise: int) -> int:
    """Return the line of the first bytes that cannot be decoded: the stream above has read ahead of its lines."""
    with suppress(UnicodeError):  # some codecs tell no place, nor decode a part
        try:
            data.decode(encoding)
        except UnicodeDecodeError as error:
            return data[: error.start].decode(encoding).count("\n") + 1
    return otherwise


def _read_header(data: bytes, encoding: str, known: Collection[str]) -> tuple[str, list[str]]:
    """Return the separator that makes the most known headings of the first row, and that row."""
    rows = {delimiter: _first_row(data, encoding, delimiter) for delimiter in DELIMITERS}
    found = {delimiter: sum(_plain(cell) in known for cell in cells) for delimiter, cells in rows.items()}
    best = max(DELIMITERS, key=found.__getitem__)
    if not found[best]:
        raise BadInput("The first row of the file names no column that is known here.", code="no_header", line=1)
    return best, rows[best]


def _first_row(data: bytes, encoding: str, delimiter: str) -> list[str]:
    """Return the first row cut at `delimiter`: none where quotation marks make that impossible."""
    try:
        first = next(_records(data, encoding, delimiter), None)
    except BadInput as error:
        if error.code != "malformed_csv":
            raise
        return []
    if first is None:
        raise BadInput("The file is empty.", code="empty_file")
    return first[1]


def _match(header: Sequence[str], by_heading: Mapping[str, str], required: Collection[str]) -> tuple[str | None, ...]:
    """Return which of our columns stands at each place; None under a blank heading."""
    unknown = [cell.strip()[:SHOWN] for cell in header if cell.strip() and _plain(cell) not in by_heading]
    if unknown:
        _refuse_columns("unknown_columns", "The file has columns that are not known here", unknown)
    columns = tuple(by_heading.get(_plain(cell)) for cell in header)
    named = Counter(name for name in columns if name is not None)
    if twice := [name for name, number in named.items() if number > 1]:
        _refuse_columns("duplicate_columns", "The file has columns twice", twice)
    if missing := [name for name in required if name not in named]:
        _refuse_columns("missing_columns", "The file lacks columns", missing)
    return columns


def _by_heading(names: Names) -> dict[str, str]:
    return {_plain(heading): name for name, headings in names.items() for heading in (name, *headings)}


def _plain(heading: str) -> str:
    return NOT_LETTERS.sub("", heading).casefold()


def _refuse_columns(code: str, words: str, names: Sequence[str]) -> NoReturn:
    shown = ", ".join(names[:10]) + (", …" if len(names) > len(names[:10]) else "")
    raise BadInput(f"{words}: {shown}.", code=code, line=1, columns=list(names))


def _refuse_large(limit: int) -> NoReturn:
    raise BadInput(f"The file is larger than {limit:,} bytes.", code="file_too_large", limit=limit)


def _refuse_nul(line: int) -> NoReturn:
    raise BadInput(
        f"Line {line} of the file has NUL bytes; if it is UTF-16 without a byte order mark, name its encoding.",
        code="nul_bytes",
        line=line,
    )


def _refuse_encoding(encoding: str, line: int) -> NoReturn:
    raise BadInput(
        f"Line {line} of the file is not {encoding.upper()}; save it as UTF-8 or name its encoding, such as latin-1.",
        code="wrong_encoding",
        line=line,
    )

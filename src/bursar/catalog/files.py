"""Files of courses and of runs: which columns they have, and what refuses a row."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final, Generic, TypeVar
from urllib.parse import urlsplit

from bursar.kernel.errors import BadInput
from bursar.kernel.tables import RowFault, Table, TableRow, open_table

R = TypeVar("R", "CourseRow", "RunRow")

COURSE_REQUIRED: Final = ("key", "title", "price_usd")
COURSE_OPTIONAL: Final = ("partner", "pacing", "weeks", "level", "subject", "language", "course_type", "url")
RUN_REQUIRED: Final = ("run_key", "course_key")
RUN_OPTIONAL: Final = ("start", "end", "enroll_by")
FIELDS: Final = {"price_usd": "price_cents", "run_key": "key"}

TEXT_LENGTH: Final = 255
URL_LENGTH: Final = 2048
MOST_CENTS: Final = 1_000_000_000
PRICE: Final = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,2}))?")
WEEKS: Final = re.compile(r"[0-9]{1,3}")
# Other years are slips of the keyboard, and those at the ends of the calendar overflow when a term is added.
YEARS: Final = range(1900, 9999)
BLANKS: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
SHOWN: Final = 80


@dataclass(frozen=True, slots=True)
class CourseRow:
    """A course as a row gives it; the price in cents, None where the cell is blank."""

    line: int
    key: str
    title: str
    partner: str
    price_cents: int | None
    pacing: str
    weeks: int | None
    level: str
    subject: str
    language: str
    course_type: str
    url: str
    currency: str = "USD"


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as a row gives it; dates in aware UTC, None where the cell is blank."""

    line: int
    key: str
    course_key: str
    start: datetime | None
    end: datetime | None
    enroll_by: datetime | None


@dataclass(frozen=True, slots=True)
class Reading(Generic[R]):
    """A file that has passed every check of the whole file; walking it gives each row, or why it is refused."""

    table: Table
    parse: Callable[[TableRow], R]

    @property
    def fields(self) -> frozenset[str]:
        """The fields of a row that the file has columns for; the others are blank in every row."""
        return frozenset(FIELDS.get(name, name) for name in self.table.columns if name is not None)

    def __len__(self) -> int:
        return len(self.table)

    def __iter__(self) -> Iterator[R | RowFault]:
        first_lines: dict[str, int] = {}
        for row in self.table:
            yield row.fault or self._read(row, first_lines)

    def _read(self, row: TableRow, first_lines: dict[str, int]) -> R | RowFault:
        try:
            read = self.parse(row)
        except BadInput as error:
            return RowFault(row.line, error.facts["given"][:SHOWN], error.code, error.message)
        first = first_lines.setdefault(read.key, row.line)
        if first != row.line:
            return RowFault(row.line, read.key, "duplicate_key", f"The key already stands in line {first}.")
        return read


def read_courses(source: Path | BinaryIO, *, encoding: str | None = None) -> Reading[CourseRow]:
    """Return the rows of a file of courses: key, title and price_usd, and whichever of the optional columns.

    Raises `BadInput` for a fault of the whole file (`kernel.tables.open_table`). A row is refused with
    `missing_key`, `invalid_key`, `missing_title`, `invalid_price`, `invalid_weeks`, `invalid_url`, `too_long`,
    `too_many_cells`, or `duplicate_key` when an earlier row that was read has the same key.
    """
    return Reading(_open(source, encoding, COURSE_REQUIRED, COURSE_OPTIONAL), _course)


def read_runs(source: Path | BinaryIO, *, encoding: str | None = None) -> Reading[RunRow]:
    """Return the rows of a file of runs: run_key and course_key, and whichever of start, end and enroll_by.

    Raises `BadInput` for a fault of the whole file (`kernel.tables.open_table`). A row is refused with
    `missing_key`, `invalid_key`, `invalid_date`, `too_long`, `too_many_cells`, or `duplicate_key` when an earlier
    row that was read has the same key.
    """
    return Reading(_open(source, encoding, RUN_REQUIRED, RUN_OPTIONAL), _run)


def _open(source: Path | BinaryIO, encoding: str | None, required: tuple[str, ...], optional: tuple[str, ...]) -> Table:
    return open_table(
        source, encoding=encoding, required=dict.fromkeys(required, ()), optional=dict.fromkeys(optional, ())
    )


def _course(row: TableRow) -> CourseRow:
    cells = row.cells
    return CourseRow(
        line=row.line,
        key=_key(cells, "key"),
        title=_title(cells["title"]),
        partner=_text(cells, "partner"),
        price_cents=_price(cells["price_usd"].strip()),
        pacing=_text(cells, "pacing"),
        weeks=_weeks(cells["weeks"].strip()),
        level=_text(cells, "level"),
        subject=_text(cells, "subject"),
        language=_text(cells, "language"),
        course_type=_text(cells, "course_type"),
        url=_url(cells["url"].strip()),
    )


def _run(row: TableRow) -> RunRow:
    cells = row.cells
    return RunRow(
        line=row.line,
        key=_key(cells, "run_key"),
        course_key=_key(cells, "course_key"),
        start=_date(cells, "start"),
        end=_date(cells, "end"),
        enroll_by=_date(cells, "enroll_by"),
    )


def _key(cells: dict[str, str], name: str) -> str:
    key = cells[name].strip()
    if not key:
        raise BadInput(f"The {name} is missing.", code="missing_key", given=cells[name])
    if not is_key(key):
        _refuse_long(name, key, TEXT_LENGTH)
        raise BadInput(f"The {name} has blanks or unprintable characters in it.", code="invalid_key", given=key)
    return key


def is_key(text: str) -> bool:
    """Tell whether `text` can be the key of a course or run at all: short enough, printable, without blanks."""
    return 0 < len(text) <= TEXT_LENGTH and text.isprintable() and " " not in text


def one_line(text: str) -> str:
    """Return `text` without control characters, with single blanks and none at the ends."""
    return BLANKS.sub(" ", text).strip()


def _text(cells: dict[str, str], name: str) -> str:
    text = one_line(cells[name])
    _refuse_long(name, text, TEXT_LENGTH)
    return text


def _title(cell: str) -> str:
    title = _text({"title": cell}, "title")
    if not title:
        raise BadInput("The title is missing.", code="missing_title", given=cell)
    return title


def _price(cell: str) -> int | None:
    if not cell:
        return None
    match = PRICE.fullmatch(cell)
    cents = int(match[1]) * 100 + int((match[2] or "0").ljust(2, "0")) if match else -1
    if not 0 <= cents <= MOST_CENTS:
        raise BadInput(
            "The price must be dollars from 0 to 10000000 with at most two decimals, such as 49.00.",
            code="invalid_price",
            given=cell,
        )
    return cents


def _weeks(cell: str) -> int | None:
    if not cell:
        return None
    if not WEEKS.fullmatch(cell):
        raise BadInput("The weeks must be a whole number from 0 to 999.", code="invalid_weeks", given=cell)
    return int(cell)


def _date(cells: dict[str, str], name: str) -> datetime | None:
    cell = cells[name].strip()
    if not cell:
        return None
    try:
        moment = datetime.fromisoformat(cell)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or moment.year not in YEARS:
        raise BadInput(
            f"The {name} must be an ISO 8601 date and time with its zone, such as 2027-01-31T00:00:00Z.",
            code="invalid_date",
            given=cell,
        )
    return moment.astimezone(UTC)


def _url(cell: str) -> str:
    _refuse_long("url", cell, URL_LENGTH)
    if cell and not _is_web_address(cell):
        raise BadInput("The url must begin with https:// or http:// and name a host.", code="invalid_url", given=cell)
    return cell


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and text.isprintable() and " " not in text
    except ValueError:
        return False


def _refuse_long(name: str, text: str, limit: int) -> None:
    if len(text) > limit:
        raise BadInput(f"The {name} has more than {limit} characters.", code="too_long", given=text)

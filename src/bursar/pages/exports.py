"""Tables that people download, as CSV or XLSX: figures as numbers, and no cell that a spreadsheet takes for a formula."""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import IO, Final, NamedTuple

import xlsxwriter
from django.http import FileResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone, translation
from django.utils.http import content_disposition_header
from django.utils.text import slugify
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from bursar.kernel import clock
from bursar.kernel.batching import chunks
from bursar.kernel.errors import NotFound
from bursar.kernel.tables import MARK, csv_line, harmless

Cell = str | int | Decimal | datetime | None
Row = Sequence[Cell]

ROWS_OF_A_SHEET: Final = 1_000_000  # a spreadsheet has 1,048,576, its heading among them
LINES_AT_ONCE: Final = 500
LONGEST_NAME: Final = 80
WIDTH: Final = 22
AMOUNT: Final = "#,##0.00"
WHEN: Final = "yyyy-mm-dd hh:mm"


class Kind(StrEnum):
    """The files that a table can become."""

    CSV = "csv"
    XLSX = "xlsx"


TYPES: Final = {
    Kind.CSV: "text/csv; charset=utf-8",
    Kind.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class Looks(NamedTuple):
    """How cells of a workbook look."""

    heading: Format
    amount: Format
    moment: Format


def kind_of(name: str) -> Kind | None:
    """Return the kind of file that is asked for, or None where there is no such kind."""
    return Kind(name) if name in set(Kind) else None


def kind_asked_for(name: str) -> Kind:
    """Return the same for a page; raises `NotFound` where there is no such kind."""
    kind = kind_of(name)
    if kind is None:
        raise NotFound("There is no such kind of file.")
    return kind


def amount(cents: int) -> Decimal:
    """Return cents as the number that a spreadsheet adds up."""
    return Decimal(cents).scaleb(-2)


def table_file(kind: Kind, about: str, headings: Sequence[str], rows: Iterable[Row]) -> HttpResponseBase:
    """Return a table as a file to keep, named after what it is `about` and the reader's day.

    Numbers stay numbers, moments (aware) are written in the reader's zone, and texts that begin like a formula get a
    quotation mark before them. `rows` are taken one by one, in the language of the reader: a CSV file is sent while
    they come, so that a failure among them breaks it off; an XLSX file is put together on disk first, and goes on a
    further sheet after each million rows.
    """
    made = _csv(headings, rows) if kind == Kind.CSV else _xlsx(headings, rows)
    made["Content-Type"] = TYPES[kind]
    made["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=_file_name(about, kind))
    return made


def _file_name(about: str, kind: Kind) -> str:
    name = slugify(about, allow_unicode=True)[:LONGEST_NAME].strip("-_")
    today = timezone.localtime(clock.now()).date()
    return "-".join(filter(None, (name, f"{today:%Y-%m-%d}"))) + f".{kind}"


def _csv(headings: Sequence[str], rows: Iterable[Row]) -> HttpResponseBase:
    return StreamingHttpResponse(_as_now(_lines(headings, rows)))


def _lines(headings: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    yield MARK + csv_line(headings)
    for part in chunks(rows, LINES_AT_ONCE):
        yield "".join(csv_line(map(_plain, row)) for row in part)


def _plain(cell: Cell) -> Cell:
    return f"{_local(cell):%Y-%m-%d %H:%M}" if isinstance(cell, datetime) else cell


def _local(moment: datetime) -> datetime:
    return timezone.make_naive(moment)


def _as_now(parts: Iterator[str]) -> Iterator[str]:
    """Return the parts, each made in the language and zone of now; they are sent when those are no longer active."""
    language, zone = translation.get_language(), timezone.get_current_timezone()

    def spoken() -> Iterator[str]:
        while True:
            with translation.override(language), timezone.override(zone):
                part = next(parts, "")
            if not part:
                return
            yield part

    return spoken()


def _xlsx(headings: Sequence[str], rows: Iterable[Row]) -> HttpResponseBase:
    file = tempfile.TemporaryFile()  # noqa: SIM115  the response closes it
    try:
        _write(file, headings, rows)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return FileResponse(file)


def _write(file: IO[bytes], headings: Sequence[str], rows: Iterable[Row]) -> None:
    with xlsxwriter.Workbook(file, {"constant_memory": True}) as book:
        looks = Looks(
            *(book.add_format(look) for look in ({"bold": True}, {"num_format": AMOUNT}, {"num_format": WHEN}))
        )
        sheet = _sheet(book, headings, looks)
        for place, row in enumerate(rows):
            number = place % ROWS_OF_A_SHEET + 1
            if number == 1 and place:
                sheet = _sheet(book, headings, looks)
            for column, cell in enumerate(row):
                _put(sheet, (number, column), cell, looks)


def _put(sheet: Worksheet, where: tuple[int, int], cell: Cell, looks: Looks) -> None:
    match cell:
        case None:
            pass
        case datetime():
            sheet.write_datetime(*where, _local(cell), looks.moment)
        case Decimal():
            sheet.write_number(*where, cell, looks.amount)
        case int():
            sheet.write_number(*where, cell)
        case _:
            sheet.write_string(*where, harmless(cell))


def _sheet(book: xlsxwriter.Workbook, headings: Sequence[str], looks: Looks) -> Worksheet:
    sheet = book.add_worksheet()
    sheet.set_column(0, max(0, len(headings) - 1), WIDTH)
    sheet.freeze_panes(1, 0)
    for column, heading in enumerate(headings):
        sheet.write_string(0, column, harmless(heading), looks.heading)
    return sheet

"""Workbooks (XLSX) as the CSV files that they could have been: the first sheet, within the limits of a file."""

import csv
import io
import zipfile
from collections.abc import Iterable
from datetime import date, datetime
from typing import BinaryIO, Final

from python_calamine import CalamineError, CalamineWorkbook

from bursar.kernel.conf import setting
from bursar.kernel.errors import BadInput

MARK: Final = b"PK\x03\x04"
UNPACKED_AT_MOST: Final = 4  # times the limit of a file: a sheet of text packs no better than that by honest means


def is_workbook(source: BinaryIO) -> bool:
    """Tell whether a stream begins as a workbook does; it stands where it stood afterwards."""
    place = source.tell()
    found = source.read(len(MARK)) == MARK
    source.seek(place)
    return found


def csv_of_workbook(source: BinaryIO) -> io.BytesIO:
    """Return the first sheet of a workbook as CSV in UTF-8, a line for each of its rows, blank ones too.

    Raises `BadInput`: `file_too_large` (also for what it unpacks to), `file_unreadable` for what is no workbook.
    """
    data = source.read(setting("file_limit_bytes") + 1)
    _refuse_large(data)
    try:
        rows = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python(skip_empty_area=False)
    except (CalamineError, IndexError, OSError, ValueError):
        raise BadInput("The file cannot be read: it is no workbook.", code="file_unreadable") from None
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerows(_cells(row) for row in rows)
    return io.BytesIO(text.getvalue().encode())


def _refuse_large(data: bytes) -> None:
    limit = setting("file_limit_bytes")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            unpacked = sum(item.file_size for item in packed.infolist())
    except zipfile.BadZipFile:
        unpacked = 0  # what reads workbooks will say so
    if len(data) > limit or unpacked > limit * UNPACKED_AT_MOST:
        raise BadInput(f"The file is larger than {limit:,} bytes.", code="file_too_large", limit=limit)


def _cells(row: Iterable[object]) -> list[str]:
    """Return the cells of a row, each on one line, such that rows of the sheet are lines of the file."""
    return [" ".join(_text(cell).split()) for cell in row]


def _text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return cell.isoformat() if isinstance(cell, date | datetime) else str(cell)

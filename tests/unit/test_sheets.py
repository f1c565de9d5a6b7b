"""Workbooks read as the CSV files that they could have been."""

import io
import zipfile

import pytest
import xlsxwriter

from bursar.kernel.errors import BadInput
from bursar.kernel.sheets import csv_of_workbook, is_workbook
from bursar.people.files import read_people


def workbook(*rows):
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    file.seek(0)
    return file


def test_the_first_sheet_is_read_line_by_line():
    file = workbook(["E-mail", "Name"], ["ada@example.org", "Ada\nExample"], [], ["grace@example.org", ""])
    assert is_workbook(file)
    people = read_people(csv_of_workbook(file)).people
    assert [(person.line, person.email, person.name) for person in people] == [
        (2, "ada@example.org", "Ada Example"),
        (4, "grace@example.org", ""),
    ]


def test_numbers_are_written_as_people_read_them():
    assert csv_of_workbook(workbook([12.0, 1.5, "x"])).getvalue() == b"12,1.5,x\r\n"


@pytest.mark.parametrize("data", [b"", b"email\nada@example.org\n", b"PK\x03\x04 and nothing more"])
def test_what_is_no_workbook_is_refused(data):
    with pytest.raises(BadInput) as refused:
        csv_of_workbook(io.BytesIO(data))
    assert refused.value.code == "file_unreadable"


def test_a_small_file_that_unpacks_to_a_large_one_is_refused(settings):
    settings.BURSAR = settings.BURSAR | {"file_limit_bytes": 100_000}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", b" " * 1_000_000)
    file.seek(0)
    with pytest.raises(BadInput) as refused:
        csv_of_workbook(file)
    assert refused.value.code == "file_too_large"

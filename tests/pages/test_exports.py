"""Tables as files: the same cells in CSV and XLSX, harmless to spreadsheets, whole whatever their length."""

import csv
import io
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone, translation
from django.utils.translation import gettext
from python_calamine import CalamineWorkbook

from bursar.kernel import clock
from bursar.pages import exports
from bursar.pages.exports import Kind, amount, kind_of, table_file

pytestmark = pytest.mark.django_db  # the end of an answer looks after the connections
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
HEADINGS = ("Who", "Cents", "Pieces", "When")
ROWS = [("ann@example.org", amount(-4900), 3, NOON), ("Ünal", amount(5), -1, None)]


def body(response):
    content = b"".join(response)
    for close in response._resource_closers:  # not `close`, which ends a request and with it the database's connections
        close()
    return content


def as_csv(headings, rows):
    text = body(table_file(Kind.CSV, "x", headings, rows)).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline="")))


def as_xlsx(headings, rows):
    content = body(table_file(Kind.XLSX, "x", headings, rows))
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    return [book.get_sheet_by_name(name).to_python() for name in book.sheet_names]


def test_a_csv_file_holds_the_table_with_its_figures_as_numbers():
    with timezone.override(BERLIN):
        assert as_csv(HEADINGS, ROWS) == [
            ["Who", "Cents", "Pieces", "When"],
            ["ann@example.org", "-49.00", "3", "2026-11-22 13:00"],
            ["Ünal", "0.05", "-1", ""],
        ]


def test_an_xlsx_file_holds_the_same_with_numbers_and_moments_of_its_own_kind():
    with timezone.override(BERLIN):
        (sheet,) = as_xlsx(HEADINGS, ROWS)
    assert sheet == [
        ["Who", "Cents", "Pieces", "When"],
        ["ann@example.org", -49.0, 3, datetime(2026, 11, 22, 13)],
        ["Ünal", 0.05, -1, ""],
    ]


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_a_text_that_begins_like_a_formula_is_marked_as_text(begin):
    evil = f"{begin}1+cmd|' /C calc'!A0"
    assert as_csv((evil,), [(evil,)]) == [[f"'{evil}"], [f"'{evil}"]]
    (sheet,) = as_xlsx((evil,), [(evil,)])
    assert all(row[0].startswith("'") and row[0].endswith("A0") for row in sheet)


def test_a_spreadsheet_opens_a_csv_file_as_utf_8():
    assert body(table_file(Kind.CSV, "x", HEADINGS, ())).startswith(b"\xef\xbb\xbf")


def test_rows_beyond_one_sheet_go_on_the_next(monkeypatch):
    monkeypatch.setattr(exports, "ROWS_OF_A_SHEET", 2)
    sheets = as_xlsx(("N",), ((number,) for number in range(5)))
    assert sheets == [[["N"], [0], [1]], [["N"], [2], [3]], [["N"], [4]]]


def test_a_csv_file_is_made_while_it_is_sent():
    taken = []

    def rows():
        for number in range(5_000):
            taken.append(number)
            yield (number,)

    parts = iter(table_file(Kind.CSV, "x", ("N",), rows()))
    next(parts)
    next(parts)
    assert 0 < len(taken) < 5_000


def test_what_is_made_while_it_is_sent_is_in_the_language_and_zone_of_the_reader():
    with timezone.override(BERLIN), translation.override("de"):
        response = table_file(Kind.CSV, "x", ("N",), ((gettext("Active"), NOON) for _ in range(1)))
    with translation.override("en"):
        assert body(response).decode().splitlines()[1] == "Aktiv,2026-11-22 13:00"
        assert gettext("Active") == "Active"


def test_a_file_is_kept_under_what_it_is_about_and_the_day_of_the_reader():
    with clock.at(NOON + timedelta(hours=11.5)), timezone.override(BERLIN):
        named = table_file(Kind.XLSX, "Spent: R&D \r\n../x", HEADINGS, ())["Content-Disposition"]
        assert named == 'attachment; filename="spent-rd-x-2026-11-23.xlsx"'
        assert "2026-11-23.csv" in table_file(Kind.CSV, "???", HEADINGS, ())["Content-Disposition"]
        assert (
            "utf-8''weiterbildung-m%C3%BCnchen"
            in table_file(Kind.CSV, "Weiterbildung München", HEADINGS, ())["Content-Disposition"]
        )


def test_no_other_kind_of_file_is_known():
    assert [kind_of(name) for name in ("csv", "xlsx", "exe", "", "CSV")] == [Kind.CSV, Kind.XLSX, None, None, None]

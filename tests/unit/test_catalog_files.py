"""Files of courses and runs: what each row gives, and why a row is refused."""

import io
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.catalog.files import CourseRow, RunRow, is_key, read_courses, read_runs
from bursar.kernel.errors import BadInput
from bursar.kernel.tables import RowFault

COURSES = "key,title,partner,price_usd,pacing,weeks,level,subject,language,course_type,url"
RUNS = "run_key,course_key,start,end,enroll_by"


def courses(*rows: str, header: str = COURSES) -> list[CourseRow | RowFault]:
    return list(read_courses(io.BytesIO("\n".join([header, *rows]).encode())))


def runs(*rows: str, header: str = RUNS) -> list[RunRow | RowFault]:
    return list(read_runs(io.BytesIO("\n".join([header, *rows]).encode())))


def priced(price: str) -> CourseRow | RowFault:
    return courses(f'D+1,One,DX,"{price}"')[0]


def dated(date: str) -> RunRow | RowFault:
    return runs(f"R+1,D+1,{date}")[0]


def fault(rows: list) -> SimpleNamespace:
    (only,) = [row for row in rows if isinstance(row, RowFault)]
    return only


def test_a_row_gives_a_course_with_its_price_in_cents():
    row = courses(' D+1 ,"Money,\n and  more",DX,49.90,self_paced,7,Introductory,Law,English,audit,https://x.org/d1')[0]
    assert row == CourseRow(
        line=2,
        key="D+1",
        title="Money, and more",
        partner="DX",
        price_cents=4990,
        pacing="self_paced",
        weeks=7,
        level="Introductory",
        subject="Law",
        language="English",
        course_type="audit",
        url="https://x.org/d1",
        currency="USD",
    )


def test_columns_that_a_file_may_lack_are_blank():
    row = courses("One,D+1,", header="Title,Key,Price USD")[0]
    assert (row.key, row.title, row.price_cents, row.weeks, row.url) == ("D+1", "One", None, None, "")


def test_a_file_says_which_fields_it_gives():
    assert read_courses(io.BytesIO(b"key,title,price_usd,weeks\n")).fields == {"key", "title", "price_cents", "weeks"}
    assert read_runs(io.BytesIO(b"run_key,course_key,end\n")).fields == {"key", "course_key", "end"}


@pytest.mark.parametrize(
    ("price", "cents"),
    [
        ("0", 0),
        ("0.00", 0),
        ("49", 4900),
        ("49.5", 4950),
        ("49.05", 4905),
        (" 7.10 ", 710),
        ("10000000", 1_000_000_000),
    ],
)
def test_a_price_is_read_to_the_cent(price, cents):
    assert priced(price).price_cents == cents


@pytest.mark.parametrize("price", ["", "  "])
def test_a_blank_price_is_unknown_not_free(price):
    assert priced(price).price_cents is None


@pytest.mark.parametrize(
    "price",
    [
        "-1",
        "-0.01",
        "1.234",
        "1.",
        ".5",
        "NaN",
        "inf",
        "-Infinity",
        "1e3",
        "1_000",
        "1,000.00",
        "$5",
        "free",
        "٤٩",
        "10000000.01",
        "9" * 40,
        "0x10",
    ],
)
def test_what_is_no_price_refuses_the_row(price):
    refused = priced(price)
    assert (refused.line, refused.code, refused.input) == (2, "invalid_price", price)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (",One,DX,1", "missing_key"),
        (" ,One,DX,1", "missing_key"),
        ("D 1,One,DX,1", "invalid_key"),
        ("D\u20281,One,DX,1", "invalid_key"),
        ("D+1,,DX,1", "missing_title"),
        ("D+1, \t ,DX,1", "missing_title"),
        ("k" * 256 + ",One,DX,1", "too_long"),
        ("D+1," + "t" * 256 + ",DX,1", "too_long"),
        ("D+1,One," + "p" * 256 + ",1", "too_long"),
        ("D+1,One,DX,1,,,,,,,https://x.org/" + "u" * 2048, "too_long"),
        ("D+1,One,DX,1,,four", "invalid_weeks"),
        ("D+1,One,DX,1,,-4", "invalid_weeks"),
        ("D+1,One,DX,1,,40000", "invalid_weeks"),
        ("D+1,One,DX,1,,,,,,,javascript:alert(1)", "invalid_url"),
        ("D+1,One,DX,1,,,,,,,https://", "invalid_url"),
        ("D+1,One,DX,1,,,,,,,https://[x", "invalid_url"),
        ("D+1,One,DX,1,,,,,,,https://x.org/a b", "invalid_url"),
        ("D+1,One,DX,1,,,,,,,,surplus", "too_many_cells"),
    ],
)
def test_a_course_that_cannot_be_is_refused_alone(row, code):
    good = "D+2,Two,DX,2"
    rows = courses(row, good)
    assert (fault(rows).line, fault(rows).code) == (2, code)
    assert [other.key for other in rows if isinstance(other, CourseRow)] == ["D+2"]


def test_texts_of_the_greatest_length_are_taken():
    row = courses("k" * 255 + "," + "t" * 255 + ",DX,1")[0]
    assert (len(row.key), len(row.title)) == (255, 255)


def test_a_key_that_comes_twice_is_refused_the_second_time_and_says_where_it_was():
    rows = courses("D+1,One,DX,1", "D+2,Two,DX,1", "D+1,One again,DX,2")
    assert [row.title for row in rows[:2]] == ["One", "Two"]
    assert (fault(rows).line, fault(rows).code, fault(rows).input) == (4, "duplicate_key", "D+1")
    assert "line 2" in fault(rows).message


def test_a_row_that_was_refused_does_not_take_the_key():
    rows = courses("D+1,One,DX,-1", "D+1,One,DX,1")
    assert rows[1].price_cents == 100


def test_keys_that_differ_in_capitals_are_two():
    assert [row.key for row in courses("D+1,One,DX,1", "d+1,Two,DX,1")] == ["D+1", "d+1"]


def test_a_refusal_names_the_first_physical_line_of_its_row():
    rows = courses('D+1,"One\nand\nonly",DX,1', "", ',"Two\nlines",DX,1')
    assert fault(rows).line == 6


def test_a_run_has_its_dates_in_utc():
    row = dated("2026-12-16T01:00:00+01:00,2027-03-01T00:00:00Z,")
    moment = datetime(2026, 12, 16, tzinfo=UTC)
    assert row == RunRow(2, "R+1", "D+1", moment, datetime(2027, 3, 1, tzinfo=UTC), None)
    assert row.start.tzinfo is UTC


@pytest.mark.parametrize(
    "date",
    [
        "2026-12-16",
        "2026-12-16T00:00:00",
        "2026-02-30T00:00:00Z",
        "16.12.2026",
        "tomorrow",
        "1",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-12-16T00:00:00+25:00",
    ],
)
@pytest.mark.parametrize("place", [",", ",,", ",,,"])
def test_a_date_without_a_zone_or_that_is_none_refuses_the_run(date, place):
    refused = runs(f"R+1,D+1{place}{date}")[0]
    assert (refused.code, refused.input) == ("invalid_date", date)


@pytest.mark.parametrize("row", [",D+1", "R+1,"])
def test_a_run_needs_its_own_key_and_its_course(row):
    assert fault(runs(row)).code == "missing_key"


def test_a_run_that_comes_twice_is_refused_the_second_time():
    assert fault(runs("R+1,D+1", "R+2,D+1", "R+1,D+2")).code == "duplicate_key"


def test_a_file_of_runs_is_no_file_of_courses():
    with pytest.raises(BadInput) as caught:
        courses(header=RUNS)
    assert caught.value.code == "no_header"


def test_a_file_without_prices_is_no_file_of_courses():
    with pytest.raises(BadInput) as caught:
        courses(header="key,title")
    assert (caught.value.code, caught.value.facts["columns"]) == ("missing_columns", ["price_usd"])


def test_what_a_refused_cell_held_is_told_in_part_only():
    assert len(priced("9" * 5000).input) == 80


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters='\0"'), max_size=20), max_size=12))
def test_no_row_makes_an_error_of_another_kind(cells):
    line = ",".join(f'"{cell}"' for cell in cells)
    for row in (*courses(line), *runs(line)):
        assert isinstance(row, RowFault) or is_key(row.key)

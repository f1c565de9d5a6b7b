"""What refuses a whole file, and which line a row is told by."""

import codecs
import encodings.aliases
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bursar.kernel.errors import BadInput
from bursar.kernel.tables import Table, open_table

REQUIRED = {"email": ("mail", "e-mail address")}
OPTIONAL = {"name": (), "department": ("dept",)}


def table(content: bytes | str, encoding: str | None = None) -> Table:
    data = content.encode() if isinstance(content, str) else content
    return open_table(io.BytesIO(data), encoding=encoding, required=REQUIRED, optional=OPTIONAL)


def refusal(content: bytes | str | Path, encoding: str | None = None) -> BadInput:
    read = open_path if isinstance(content, Path) else table
    with pytest.raises(BadInput) as caught:
        read(content, encoding)
    return caught.value


def open_path(path: Path, encoding: str | None = None) -> Table:
    return open_table(path, encoding=encoding, required=REQUIRED, optional=OPTIONAL)


def emails(rows: Table) -> list[str]:
    return [row.cells["email"] for row in rows]


def test_every_column_asked_for_is_in_every_row():
    rows = list(table("Name,E-mail\nAnn,a@x.org\nBob\n"))
    assert [row.cells for row in rows] == [
        {"email": "a@x.org", "name": "Ann", "department": ""},
        {"email": "", "name": "Bob", "department": ""},
    ]
    assert [row.fault for row in rows] == [None, None]


@pytest.mark.parametrize("heading", ["email", "E-Mail", " e_mail ", "MAIL", "E-mail Address", "e.mail"])
def test_a_heading_is_known_by_any_of_its_spellings(heading):
    assert emails(table(f"{heading}\na@x.org\n")) == ["a@x.org"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_the_separator_is_found_from_the_header(delimiter, quote):
    header = delimiter.join(f"{quote}{name}{quote}" for name in ("Name", "E-mail", "Dept"))
    rows = list(table(header + f'\n"Lee, Ann; Dr"{delimiter}a@x.org{delimiter}Ops\n'))
    assert rows[0].cells == {"name": "Lee, Ann; Dr", "email": "a@x.org", "department": "Ops"}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_row_is_told_by_its_first_physical_line(end):
    content = end.join(["", "email,name", 'a@x.org,"one', "two", 'three"', "", "b@x.org,Bob", "  ", '"c', 'd",e', ""])
    rows = list(table(content))
    assert [row.line for row in rows] == [3, 7, 9]
    assert rows[0].cells["name"] == f"one{end}two{end}three"


def test_a_table_knows_its_length_and_can_be_walked_twice():
    rows = table("email\na@x.org\n\nb@x.org\n")
    assert len(rows) == 2
    assert emails(rows) == emails(rows) == ["a@x.org", "b@x.org"]


def test_a_header_without_rows_is_a_table_of_none():
    assert len(table("email,name\n")) == 0


def test_a_row_of_empty_cells_is_a_row():
    assert [row.line for row in table("email,name\n,\n")] == [2]


def test_a_row_with_more_cells_than_the_header_is_at_fault_alone():
    rows = list(table("email,name\na@x.org,Lee, Ann\nb@x.org,Bob,,\n"))
    assert rows[0].fault is not None
    assert (rows[0].fault.line, rows[0].fault.code, rows[0].fault.input) == (2, "too_many_cells", "a@x.org,Lee, Ann")
    assert rows[1].fault is None


def test_something_under_a_blank_heading_is_one_cell_too_many():
    rows = list(table("email,,name\na@x.org,,Ann\nb@x.org,?,Bob\n"))
    assert [row.fault and row.fault.code for row in rows] == [None, "too_many_cells"]
    assert rows[0].cells["name"] == "Ann"


def test_what_a_row_held_is_kept_out_of_its_printed_form():
    row = next(iter(table("email,name\na@x.org,Lee, Ann\n")))
    assert "x.org" not in repr(row)


@pytest.mark.parametrize(
    ("encoding", "named"),
    [
        ("utf-8", None),
        ("utf-8-sig", None),
        ("utf-16", None),
        ("utf-32", None),
        ("utf-8-sig", "utf-8"),
        ("utf-8", "UTF8"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "UTF-16BE"),
        ("latin-1", "latin-1"),
        ("cp1252", "windows-1252"),
    ],
)
def test_a_file_is_read_in_its_encoding(encoding, named):
    assert emails(table("email,name\njosé@x.org,José\n".encode(encoding), named)) == ["josé@x.org"]


def test_a_marked_file_may_be_named_without_its_byte_order():
    marked = codecs.BOM_UTF16_LE + "email\na@x.org\n".encode("utf-16-le")
    assert emails(table(marked, "utf-16-le")) == ["a@x.org"]


@pytest.mark.parametrize(
    ("content", "encoding", "code", "line"),
    [
        (b"", None, "empty_file", None),
        (b" \r\n \n", None, "empty_file", None),
        (codecs.BOM_UTF8, None, "empty_file", None),
        ("\n".encode("utf-16"), None, "empty_file", None),
        ("email\na@x.org\njosé@x.org\n".encode("latin-1"), None, "wrong_encoding", 3),
        (b"email\n" + b"a@x.org\n" * 5000 + b"\xff\n", None, "wrong_encoding", 5002),
        ("email\na@x.org\n".encode("utf-16-le"), None, "nul_bytes", 1),
        (b"email\na\0@x.org\n", None, "nul_bytes", 2),
        (b"email\na@x.org\n", "klingon", "wrong_encoding", None),
        (b"email\na@x.org\n", "base64", "wrong_encoding", None),
        (b"email\na@x.org\n", "a\0b", "wrong_encoding", None),
        (codecs.BOM_UTF8 + b"email\na@x.org\n", "latin-1", "wrong_encoding", None),
        (b"email\n\\ud800@x.org\n", "unicode-escape", "wrong_encoding", 2),
        (b"a@x.org,Ann\nb@x.org,Bob\n", None, "no_header", 1),
        (b"email,salary,name,rank\n", None, "unknown_columns", 1),
        (b"email,name,E-mail\n", None, "duplicate_columns", 1),
        (b"name,department\nAnn,Ops\n", None, "missing_columns", 1),
        (b'email,name\na@x.org,Ann\n"b@x.org,Bob\nc@x.org,Cy\n', None, "malformed_csv", 3),
        (b'email,name\n"a" b@x.org,Ann\n', None, "malformed_csv", 2),
        (b"email,name\n" + b"a" * 200_000 + b",Ann\n", None, "malformed_csv", 2),
    ],
)
def test_a_fault_of_the_whole_file_refuses_it_before_any_row(content, encoding, code, line):
    refused = refusal(content, encoding)
    assert (refused.code, refused.facts.get("line")) == (code, line)


def test_unknown_columns_are_named():
    assert refusal("email,salary,name,rank\n").facts["columns"] == ["salary", "rank"]


def test_a_header_that_is_none_is_not_repeated():
    assert "x.org" not in str(refusal("a@x.org,Ann\n"))


def test_a_file_of_the_largest_size_is_read_and_one_byte_more_is_not(settings, tmp_path):
    content = b"email\na@x.org\n"
    path = tmp_path / "people.csv"
    path.write_bytes(content)
    settings.BURSAR = {"file_limit_bytes": len(content)}
    assert len(table(content)) == 1
    settings.BURSAR = {"file_limit_bytes": len(content) - 1}
    assert refusal(content).code == "file_too_large"
    assert refusal(path).code == "file_too_large"


def test_a_file_that_is_too_large_is_not_even_opened(settings, tmp_path, monkeypatch):
    path = tmp_path / "people.csv"
    path.write_bytes(b"email\na@x.org\n")
    settings.BURSAR = {"file_limit_bytes": 4}
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("opened"))
    assert refusal(path).code == "file_too_large"


def test_no_more_than_the_limit_is_read_of_a_stream_without_end(settings):
    settings.BURSAR = {"file_limit_bytes": 100_000}

    class Endless(io.RawIOBase):
        given = 0

        def read(self, size=-1):
            self.given += size
            return b"a" * size

    stream = Endless()
    with pytest.raises(BadInput) as caught:
        open_table(stream, required=REQUIRED, optional=OPTIONAL)
    assert caught.value.code == "file_too_large"
    assert stream.given == 100_001


@pytest.mark.parametrize("name", ["nothing.csv", ".", "a\0b"])
def test_a_path_that_is_no_readable_file_is_told_as_such(tmp_path, name):
    refused = refusal(tmp_path / name)
    assert refused.code == "file_unreadable"
    assert str(tmp_path) not in str(refused)


def test_a_path_is_read_as_a_stream_is(tmp_path):
    path = tmp_path / "people.csv"
    path.write_bytes(b"email\na@x.org\n")
    assert emails(open_table(path, required=REQUIRED, optional=OPTIONAL)) == ["a@x.org"]


def read_all(content: bytes, encoding: str | None) -> None:
    try:
        for row in table(content, encoding):
            "".join(row.cells.values()).encode()
    except BadInput:
        pass


@pytest.mark.parametrize("encoding", sorted({*encodings.aliases.aliases.values(), "idna", "punycode", "undefined"}))
def test_no_encoding_that_python_knows_makes_an_error_of_another_kind(encoding):
    for content in (b"email\na@x.org\n", b"email\n\xff\xfe\x00\n", b"email\n\\ud800,+2AA-\n", bytes(range(256))):
        read_all(content, encoding)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from([b"email", b",", b'"', b"\n", b"\r", b";", b"\xff", b"\xc3\xa9", b"\0", b" ", b"x"])),
    st.sampled_from([None, "utf-8", "utf-16", "latin-1", "utf-7"]),
)
def test_no_bytes_make_an_error_of_another_kind(parts, encoding):
    read_all(b"email,name\n" + b"".join(parts), encoding)

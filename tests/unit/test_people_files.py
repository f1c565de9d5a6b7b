"""What a file of people says row by row, and which fault refuses a row and which the file (ruling 31)."""

import codecs
import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.kernel.errors import BadInput
from bursar.kernel.tables import RowFault
from bursar.people.addresses import BadAddress, normal_form
from bursar.people.files import PeopleFile, PersonRow, Twin, distinct, people_from_addresses, read_people

ALL_COLUMNS = "Name;E-mail;Department;Language;Time zone;Manager\n"


def people(content: bytes | str, encoding: str | None = None) -> PeopleFile:
    data = content.encode() if isinstance(content, str) else content
    return read_people(io.BytesIO(data), encoding=encoding)


def refusal(content: bytes | str, encoding: str | None = None) -> BadInput:
    with pytest.raises(BadInput) as caught:
        people(content, encoding)
    return caught.value


def faults(found: PeopleFile) -> list[tuple[int, str, str]]:
    return [(fault.line, fault.input, fault.code) for fault in found.refused]


def test_a_row_gives_all_that_it_says_of_a_person():
    found = people(ALL_COLUMNS + " Ann  Lee ; Ann@Bücher.example ;Ops;pt_BR;europe/lisbon; Boss@Example.org \n")
    assert found == PeopleFile(
        people=[
            PersonRow(
                line=2,
                email="Ann@Bücher.example",
                normal="ann@xn--bcher-kva.example",
                name="Ann Lee",
                department="Ops",
                language="pt-br",
                time_zone="Europe/Lisbon",
                manager_email="Boss@Example.org",
            )
        ]
    )


def test_what_a_row_does_not_say_is_empty():
    expected = [PersonRow(2, "a@x.org", "a@x.org"), PersonRow(3, "b@x.org", "b@x.org")]
    assert people("Manager,Email,Name,Department,Language,Timezone\n,a@x.org,,,,\n,b@x.org\n").people == expected


@pytest.mark.parametrize(
    "heading",
    ["e-mail", "EMAIL", "Mail", "E-Mail Address", "email address", "learner_email", "Address"],
)
def test_the_column_of_addresses_goes_by_many_names(heading):
    assert [row.normal for row in people(f"name,{heading}\nAnn,a@x.org\n").people] == ["a@x.org"]


@pytest.mark.parametrize(
    "headings",
    [
        "E-Mail-Adresse,Name,Abteilung,Sprache,Zeitzone,Führungskraft",
        "Correo electrónico,Nombre,Departamento,Idioma,Zona horaria,Responsable",
    ],
)
def test_columns_have_german_and_spanish_names_too(headings):
    found = people(f"{headings}\na@x.org,Ann,Ops,de,Europe/Berlin,b@x.org\n").people
    assert found == [PersonRow(2, "a@x.org", "a@x.org", "Ann", "Ops", "de", "Europe/Berlin", "b@x.org")]


@pytest.mark.parametrize("heading", ["time zone", "TimeZone", "time_zone"])
def test_the_column_of_time_zones_goes_by_many_names(heading):
    assert people(f"email,{heading}\na@x.org,Asia/Tokyo\n").people[0].time_zone == "Asia/Tokyo"


@pytest.mark.parametrize("heading", ["manager", "Manager_email", "manager e-mail", "Manager address"])
def test_the_column_of_managers_goes_by_many_names(heading):
    assert people(f"email,{heading}\na@x.org,b@x.org\n").people[0].manager_email == "b@x.org"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_separator_is_found_from_the_header(delimiter):
    found = people(f'Name{delimiter}E-mail\n"Lee, Ann; Dr\tB"{delimiter}a@x.org\n')
    assert [(row.name, row.normal) for row in found.people] == [("Lee, Ann; Dr B", "a@x.org")]


def test_a_row_is_told_by_its_first_physical_line_and_blank_lines_count():
    found = people('\nname,email\n\n"Ann\nLee",a@x.org\n"Bob\n\n",nobody\n,\n  \nCy,c@x.org\nAnn,A@X.org\n')
    assert [(row.line, row.name) for row in found.people] == [(4, "Ann Lee"), (11, "Cy")]
    assert faults(found) == [(6, "nobody", "invalid_address")]
    assert found.twins == [Twin(12, "A@X.org", 4)]


def test_spellings_of_one_address_are_twins_of_the_first():
    rows = ["jürgen@bücher.example", "a@x.org", " JÜRGEN@xn--bcher-kva.example ", "\uff41@X.ORG", "A@x.org"]
    found = people("email\n" + "\n".join(rows) + "\n")
    assert [row.line for row in found.people] == [2, 3]
    assert [(twin.line, twin.of_line) for twin in found.twins] == [(4, 2), (5, 3), (6, 3)]
    assert found.twins[0].email == "JÜRGEN@xn--bcher-kva.example"


def test_people_told_apart_by_an_accent_are_two():
    assert len(people("email\njose@x.org\njosé@x.org\n").people) == 2


def test_a_refused_row_has_no_twin():
    found = people("email,language\na@x.org,klingon\na@x.org,en\n")
    assert [row.line for row in found.people] == [3]
    assert found.twins == []
    assert faults(found) == [(2, "a@x.org", "invalid_language")]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("Ann;nobody;;;;", "invalid_address"),
        ("Ann;;Ops;;;", "invalid_address"),
        ('Ann;"a@x.org, b@x.org";;;;', "invalid_address"),
        ('Ann;"line\nbreak@x.org";;;;', "invalid_address"),
        ("N" * 256 + ";a@x.org;;;;", "invalid_name"),
        ("Ann;a@x.org;" + "D" * 256 + ";;;", "invalid_department"),
        ("Ann;a@x.org;;English;;", "invalid_language"),
        ("Ann;a@x.org;;e;;", "invalid_language"),
        ("Ann;a@x.org;;;Berlin;", "invalid_time_zone"),
        ("Ann;a@x.org;;;../etc/passwd;", "invalid_time_zone"),
        ("Ann;a@x.org;;;;the boss", "invalid_manager_address"),
        ("Ann;a@x.org;;;;;;?", "malformed_row"),
    ],
)
def test_a_fault_of_a_row_refuses_that_row_alone(row, code):
    found = people(f"{ALL_COLUMNS}Bob;b@x.org;;;;\n{row}\nCy;c@x.org;;;;\n")
    assert [person.name for person in found.people] == ["Bob", "Cy"]
    assert [(fault.line, fault.code) for fault in found.refused] == [(3, code)]


def test_a_refused_row_gives_back_the_address_as_it_stands():
    found = people('email,name\n" Line\nBreak@x.org ",Ann\n')
    assert faults(found) == [(2, " Line\nBreak@x.org ", "invalid_address")]


def test_a_refused_manager_is_told_from_a_refused_person():
    assert "manager" in people("email,manager\na@x.org,b@@x.org\n").refused[0].message


@pytest.mark.parametrize("language", ["en", "DE", "pt-br", "zh-Hans", "zh_Hant_TW", "es-419", "fil"])
def test_codes_of_languages_are_read_with_either_sign_between(language):
    found = people(f"email,language\na@x.org,{language}\n")
    assert found.people[0].language == language.lower().replace("_", "-")


def test_a_name_is_one_line_without_control_characters():
    assert people('email,name\na@x.org," Ann\r\n\tBcc:\x1b[2J\x85\u2028Lee "\n').people[0].name == "Ann Bcc:[2J Lee"


def test_the_longest_name_is_read():
    assert people("email,name\na@x.org," + "é" * 255 + "\n").people[0].name == "é" * 255


@pytest.mark.parametrize(
    ("encoding", "named"),
    [
        ("utf-8", None),
        ("utf-8-sig", None),
        ("utf-16", None),
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-16-le", "utf-16-le"),
        ("latin-1", "latin-1"),
        ("cp1252", "cp1252"),
    ],
)
def test_a_file_is_read_in_its_encoding(encoding, named):
    found = people("Name,E-mail\nJosé,josé@x.org\n".encode(encoding), named)
    assert [(row.name, row.email) for row in found.people] == [("José", "josé@x.org")]


@pytest.mark.parametrize(
    ("content", "encoding", "code", "line"),
    [
        (b"", None, "empty_file", None),
        (codecs.BOM_UTF8 + b"\r\n \r\n", None, "empty_file", None),
        (b"Name,E-mail\n", None, "no_rows", None),
        (b"Name,E-mail\n\n,\n , \n", None, "no_rows", None),
        (b"Ann,a@x.org\nBob,b@x.org\n", None, "no_header", 1),
        (b"a@x.org\nb@x.org\n", None, "no_header", 1),
        (b"Name,Department\nAnn,Ops\n", None, "no_address_column", 1),
        (b"Name,E-mail,Salary,Rank\nAnn,a@x.org,1,2\n", None, "unknown_columns", 1),
        (b"E-mail,Name,Mail\na@x.org,Ann,b@x.org\n", None, "duplicate_columns", 1),
        ("email\na@x.org\njosé@x.org\n".encode("latin-1"), None, "wrong_encoding", 3),
        ("email\na@x.org\n".encode("utf-16")[:-1], None, "wrong_encoding", 2),
        (b"email\na@x.org\n", "klingon", "wrong_encoding", None),
        ("email\na@x.org\n".encode("utf-16-le"), None, "nul_bytes", 1),
        (b"email\na@x.org\nb@\0x.org\n", None, "nul_bytes", 3),
        (b'email,name\na@x.org,Ann\nb@x.org,"Bob\nc@x.org,Cy\n', None, "malformed_csv", 3),
        (b"email,name\na@x.org," + b"N" * 200_000 + b"\n", None, "malformed_csv", 2),
    ],
)
def test_a_fault_of_the_whole_file_refuses_the_file(content, encoding, code, line):
    error = refusal(content, encoding)
    assert (error.code, error.facts.get("line")) == (code, line)


def test_unknown_columns_are_named():
    error = refusal("Name,E-mail,Salary,Rank\nAnn,a@x.org,1,2\n")
    assert error.facts["columns"] == ["Salary", "Rank"]
    assert "Salary, Rank" in error.message


@pytest.mark.parametrize(
    "content", ["a@x.org\nb@x.org\n", "Ann,a@x.org\n", "E-mail-Konto\na@x.org\n", "E-mail,Rank\na@x.org,2\n"]
)
def test_who_has_other_columns_is_told_which_there_may_be(content):
    assert "One must be headed E-mail; others may be Name, Department" in refusal(content).message


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"Canary,canary@x.org\n", "no_header"),
        (b"Name,canary@x.org\n", "no_header"),
        (b"Canary,canary@x.org,Mail\n", "no_header"),
        (b"email\ncanary@x.org\ncanary\xff@x.org\n", "wrong_encoding"),
        (b"email\ncanary\0@x.org\n", "nul_bytes"),
        (b'email\n"canary@x.org\n', "malformed_csv"),
    ],
)
def test_a_refused_file_is_not_quoted(content, code):
    error = refusal(content)
    assert error.code == code
    assert "canary" not in f"{error} {error.facts}".lower()


def test_a_file_of_fifty_megabytes_is_refused_without_being_read(tmp_path, monkeypatch):
    path = tmp_path / "people.csv"
    path.write_bytes(b"email\na@x.org\n")
    os.truncate(path, 50_000_000)
    monkeypatch.setattr("pathlib.Path.open", lambda *_, **__: pytest.fail("the file was opened"))
    with pytest.raises(BadInput) as caught:
        read_people(path)
    assert caught.value.code == "file_too_large"


def test_the_largest_file_is_a_setting(settings):
    content = b"email\na@x.org\n"
    settings.BURSAR = {"file_limit_bytes": len(content)}
    assert len(people(content).people) == 1
    settings.BURSAR = {"file_limit_bytes": len(content) - 1}
    assert refusal(content).code == "file_too_large"


@pytest.mark.parametrize("name", ["nothing.csv", "", "a\0b", "\ud800"])
@pytest.mark.parametrize("kind", [str, None])
def test_what_is_no_readable_file_is_told_as_such(tmp_path, name, kind):
    path = tmp_path / name
    with pytest.raises(BadInput) as caught:
        read_people(str(path) if kind else path)
    assert caught.value.code == "file_unreadable"


def test_a_path_may_be_text(tmp_path):
    path = tmp_path / "people.csv"
    path.write_bytes(b"email\na@x.org\n")
    assert read_people(str(path)) == read_people(path) == people(b"email\na@x.org\n")


def test_a_stream_is_left_open():
    stream = io.BytesIO(b"email\na@x.org\n")
    read_people(stream)
    assert not stream.closed


def test_addresses_without_a_file_are_told_by_their_place():
    found = people_from_addresses(["a@x.org", "nobody", " A@X.org", "", "b@x.org"])
    assert found == PeopleFile(
        people=[PersonRow(1, "a@x.org", "a@x.org"), PersonRow(5, "b@x.org", "b@x.org")],
        twins=[Twin(3, "A@X.org", 1)],
        refused=[
            RowFault(2, "nobody", "invalid_address", "There is no @ in it."),
            RowFault(4, "", "invalid_address", "There is no address."),
        ],
    )


def test_a_list_of_no_addresses_has_no_people():
    assert people_from_addresses([]) == distinct([]) == PeopleFile()


def test_no_row_shows_a_person_when_printed():
    found = people(ALL_COLUMNS + "Canary;canary@x.org;canary;;;canary@x.org\n;CANARY@x.org;;;;\n;canary;;;;\n")
    assert (len(found.people), len(found.twins), len(found.refused)) == (1, 1, 1)
    assert "canary" not in repr(found).lower()


PARTS = st.sampled_from(
    [
        b"a@x.org",
        b"A@X.org",
        b"b@x.org",
        b"nobody",
        b",",
        b'"',
        b"\n",
        b"\r",
        b";",
        b"\xff",
        b"\xc3\xa9",
        b"\0",
        b" ",
        b"en",
        b"UTC",
    ]
)


@given(
    st.sampled_from([b"email,name\n", b"email;language;time zone\n", b"", codecs.BOM_UTF16_LE, codecs.BOM_UTF8]),
    st.lists(PARTS, max_size=30).map(b"".join) | st.binary(max_size=60),
    st.sampled_from([None, None, "utf-8", "utf-16", "latin-1"]),
)
def test_no_bytes_make_an_error_of_another_kind(header, body, encoding):
    try:
        found = people(header + body, encoding)
    except BadInput:
        return
    assert found.people or found.refused


@given(
    st.lists(
        st.sampled_from(["a@x.org", " A@x.org", "b@x.org", "é@x.org", "nobody", "x@y", "@", ""]) | st.text(max_size=9)
    )
)
def test_every_address_of_a_list_is_told_exactly_once_and_in_order(addresses):
    found = people_from_addresses(addresses)
    places = [[row.line for row in rows] for rows in (found.people, found.twins, found.refused)]
    assert all(part == sorted(part) for part in places)
    assert sorted(places[0] + places[1] + places[2]) == list(range(1, len(addresses) + 1))
    assert len({row.normal for row in found.people}) == len(found.people)
    by_line = {row.line: row.normal for row in found.people}
    assert all(normal_form(twin.email) == by_line[twin.of_line] and twin.of_line < twin.line for twin in found.twins)
    for fault in found.refused:
        with pytest.raises(BadAddress):
            normal_form(fault.input)

"""People on lines of JSON and in lists of records: the same rules as for a CSV file, one line in memory at a time."""

import json
from io import BytesIO

import pytest
from django.conf import settings

from bursar.kernel.errors import BadInput
from bursar.people.records import LONGEST_LINE, people_from_records, read_json_lines


def read(*lines):
    return read_json_lines(BytesIO(b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines)))


def row(**members):
    return json.dumps(members)


def refused(found):
    return [(fault.line, fault.code) for fault in found.refused]


def test_people_twins_and_refused_rows_are_told_apart_by_line():
    found = read(row(email="Ann@example.org", name="Ann"), "", row(email="ann@EXAMPLE.org"), row(email="nobody"))
    assert [(person.line, person.email, person.name) for person in found.people] == [(1, "Ann@example.org", "Ann")]
    assert [(twin.line, twin.of_line) for twin in found.twins] == [(3, 1)]
    assert refused(found) == [(4, "invalid_address")]


@pytest.mark.parametrize("line", [
    "{", "[]", '"ann@example.org"', "null", row(email=5), row(email="a@example.org", name=["x"]),
    row(email="a@example.org", nickname="x"), '{"email": "a@example.org", "name": "\\ud800"}', "[" * 100_000,
])  # fmt: skip
def test_a_line_that_is_no_person_refuses_itself(line):
    found = read(line, row(email="ann@example.org"))
    assert refused(found) == [(1, "malformed_row")]
    assert [person.line for person in found.people] == [2]


def test_null_and_missing_and_blank_members_are_the_same():
    found = read(row(email="a@example.org", name=None, department=""))
    assert (found.people[0].name, found.people[0].department) == ("", "")


def test_a_line_that_is_too_long_is_passed_over_to_its_end():
    found = read(row(email="a@example.org", name="x" * 3 * LONGEST_LINE), row(email="b@example.org"))
    assert refused(found) == [(1, "malformed_row")]
    assert [person.line for person in found.people] == [2]


@pytest.mark.parametrize(("content", "code"), [
    (b"", "no_rows"), (b"\n \n", "no_rows"), (b'{"email": "\xff@example.org"}', "wrong_encoding"),
])  # fmt: skip
def test_a_fault_of_the_whole_refuses_the_whole(content, code):
    with pytest.raises(BadInput) as caught:
        read_json_lines(BytesIO(content))
    assert caught.value.code == code


def test_a_mark_at_the_start_is_none_of_the_text():
    assert read(b"\xef\xbb\xbf" + row(email="a@example.org").encode()).people[0].email == "a@example.org"


def limits(monkeypatch, **values):
    monkeypatch.setattr(settings, "BURSAR", settings.BURSAR | values)


def test_too_many_rows_and_too_many_bytes_are_refused(monkeypatch):
    limits(monkeypatch, people_limit=2)
    with pytest.raises(BadInput, match="more than 2"):
        people_from_records([{"email": "a@example.org"}] * 3)
    limits(monkeypatch, file_limit_bytes=60)
    for line in (row(email="a@example.org") + "\n", "x" * 100):
        with pytest.raises(BadInput) as caught:
            read(line * 3)
        assert caught.value.code == "file_too_large"


class Endless:
    """A stream that counts how much of it was read at once."""

    def __init__(self):
        self.most = 0

    def readline(self, size=-1):
        self.most = max(self.most, size)
        return b"x" * size


def test_no_line_is_ever_read_whole():
    stream = Endless()
    with pytest.raises(BadInput):
        read_json_lines(stream)
    assert 0 < stream.most <= LONGEST_LINE + 1

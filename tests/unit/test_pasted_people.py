"""People typed or pasted into a field."""

import pytest

from bursar.kernel.errors import BadInput
from bursar.people.pasted import read_pasted


def lines(found):
    return [(person.line, person.email) for person in found.people]


def test_each_line_names_a_person():
    found = read_pasted("ada@example.org\r\n\r\n  grace@example.org  \n")
    assert lines(found) == [(1, "ada@example.org"), (3, "grace@example.org")]


def test_several_on_a_line_are_parted_by_commas_or_semicolons():
    found = read_pasted("ada@example.org, grace@example.org; joan@example.org")
    assert lines(found) == [(1, "ada@example.org"), (1, "grace@example.org"), (1, "joan@example.org")]


def test_names_around_addresses_are_left_out():
    assert lines(read_pasted("Ada Example <ada@example.org>")) == [(1, "ada@example.org")]


def test_of_a_row_without_headings_the_address_counts():
    assert lines(read_pasted("Ada Example\tada@example.org\tFinance")) == [(1, "ada@example.org")]


def test_headings_make_it_a_table():
    (ada,) = read_pasted("E-mail\tName\nada@example.org\tAda Example\n").people
    assert (ada.line, ada.email, ada.name) == (2, "ada@example.org", "Ada Example")


def test_who_is_nobody_and_who_is_named_again_is_told_by_line():
    found = read_pasted("nobody\nada@example.org\nADA@example.org")
    assert [(fault.line, fault.input, fault.code) for fault in found.refused] == [(1, "nobody", "invalid_address")]
    assert [(twin.line, twin.of_line) for twin in found.twins] == [(3, 2)]


@pytest.mark.parametrize("text", ["", " \n\t\n"])
def test_without_anybody_it_is_refused(text):
    with pytest.raises(BadInput) as refused:
        read_pasted(text)
    assert refused.value.code == "no_rows"

"""Domains that somebody has mistyped."""

import pytest

from bursar.people.typos import is_one_slip, meant_domain


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("gmial.com", "gmail.com"),
        ("gmail.co", "gmail.com"),
        ("gmaill.com", "gmail.com"),
        ("Hotmial.com", "hotmail.com"),
        ("gmail.com", None),
        ("example.org", None),
        ("gmx.at", None),
    ],
)
def test_a_domain_one_slip_from_a_well_known_one_is_taken_for_it(written, meant):
    assert meant_domain(written) == meant


def test_the_domains_of_an_organisation_count_as_well_known():
    assert meant_domain("lanternwroks.example", ["lanternworks.example"]) == "lanternworks.example"
    assert meant_domain("lanternworks.example", ["lanternworks.example"]) is None


@pytest.mark.parametrize(
    ("one", "other", "slip"),
    [("abc", "abc", False), ("abc", "ab", True), ("ab", "abc", True), ("abc", "axc", True), ("abc", "acb", True),
     ("abc", "bca", False), ("abcd", "badc", False), ("abc", "xabc", True)],
)  # fmt: skip
def test_a_slip_is_one_letter_or_two_changed_about(one, other, slip):
    assert is_one_slip(one, other) is slip

"""What a list is asked for by its address: what cannot be read is as if it had not been asked."""

import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from bursar.pages.listing import Listing

SORTS = {"recent": ("recent_action_time", "uuid"), "amount": ("-content_quantity", "uuid")}
STATES = ("waiting", "failed", "notifying")


def listing(**asked):
    request = RequestFactory().get("/list/", asked)
    return Listing(request, sorts=SORTS, default="-recent", filters=("state",))


def test_without_a_wish_a_list_is_in_its_own_order_from_the_beginning():
    plain = listing()
    assert plain.ordering == ("-recent_action_time", "-uuid")
    assert (plain.number, plain.search, plain.url()) == (1, "", "/list/")


def test_a_sort_may_be_turned_around_whatever_the_field_behind_it():
    assert listing(sort="-amount").ordering == ("content_quantity", "-uuid")
    assert listing(sort="amount").ordering == ("-content_quantity", "uuid")
    assert listing(sort="password").ordering == listing().ordering
    assert listing(sort="--amount").ordering == listing().ordering


def test_links_keep_search_order_and_filters_and_begin_at_the_first_page():
    asked = listing(q=" ann  lee ", sort="amount", state="waiting", page="7", other="x")
    assert asked.url(page=2) == "/list/?q=ann%20lee&sort=amount&state=waiting&page=2"
    assert asked.url(state=None) == "/list/?q=ann%20lee&sort=amount"
    assert asked.toggle("state", "failed", STATES) == "/list/?q=ann%20lee&sort=amount&state=waiting,failed"
    assert asked.toggle("state", "waiting", STATES) == "/list/?q=ann%20lee&sort=amount"


def test_only_values_that_there_are_can_be_chosen():
    assert listing(state="failed,waiting,x").chosen("state", STATES) == ("waiting", "failed")
    assert listing().chosen("state", STATES) == ()


@pytest.mark.parametrize("page", ["0", "-1", "x", "", "1.5", "٣", "9" * 9, "\0"])
def test_a_page_that_is_none_is_the_first(page):
    assert listing(page=page).number == 1


def test_beyond_the_last_page_is_the_last():
    pager = listing(page="999").pager(60)
    assert (pager.number, pager.first_row, pager.last_row) == (3, 51, 60)


def test_a_long_list_offers_its_ends_and_what_is_near():
    numbers = [number for number, _ in listing(page="50").pager(25 * 100).numbers]
    assert numbers == [1, 0, 48, 49, 50, 51, 52, 0, 100]


@given(st.dictionaries(st.sampled_from(["q", "sort", "state", "page"]), st.text()))
def test_no_address_breaks_a_list(asked):
    found = listing(**asked)
    assert "\0" not in found.search + found.url()
    assert found.number >= 1
    assert len(found.search) <= 200
    found.pager(1000)
    found.heading("amount")
    found.toggle("state", "failed", STATES)

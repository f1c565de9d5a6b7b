"""Return paths and links: known again when they are ours, and when they are not or altered, never."""

from base64 import b32decode
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.people.addresses import LONGEST_LOCAL_PART
from bursar.people.bounces import marks_in
from bursar.people.mail_tokens import link_token, message_of, owner_of, return_path

KEY = "0123456789abcdef" * 4
LONGEST_LOCAL = "bounces-of-acme-learn"


@pytest.fixture(autouse=True)
def _mailbox(settings):
    settings.BURSAR = settings.BURSAR | {"bounce_address": f"{LONGEST_LOCAL}@mail.example.org"}


def mark_of(message):
    (mark,) = marks_in(return_path(message))
    return mark


def test_a_message_is_known_again_by_its_return_path_in_any_case():
    message = uuid4()
    for mark in (mark_of(message), mark_of(message).upper(), mark_of(message).title()):
        assert message_of(["other", mark]) == message


def test_a_return_path_is_an_address_that_every_server_takes():
    path = return_path(uuid4())
    local, _, domain = path.rpartition("@")
    assert (domain, len(local)) == ("mail.example.org", LONGEST_LOCAL_PART)
    assert path == path.lower()
    assert path.isascii()


def test_without_a_mailbox_for_it_nothing_comes_back(settings):
    settings.BURSAR = settings.BURSAR | {"bounce_address": ""}
    assert return_path(uuid4()) == ""


def test_an_altered_mark_is_not_ours():
    mark = mark_of(uuid4())
    letters = "abcdefghijklmnopqrstuvwxyz234567"
    for place in range(len(mark)):
        for letter in letters:
            if letter != mark[place]:
                assert message_of([mark[:place] + letter + mark[place + 1 :]]) is None


def test_a_mark_made_up_for_a_message_is_not_ours():
    message = UUID(int=7)
    mark = mark_of(message)
    assert b32decode(mark.upper() + "======")[:16] == message.bytes, "the message is in it for everybody to read"
    assert message_of([mark[:26] + "a" * 16]) is None


@given(st.text(max_size=50) | st.text("abcdefghijklmnopqrstuvwxyz234567=", min_size=42, max_size=42))
def test_any_text_is_looked_at_and_is_not_ours(text):
    assert message_of([text]) is None
    assert owner_of(text) is None


@given(st.text("ABCDEFabcdef0123-_=é", min_size=86, max_size=86))
def test_any_text_of_the_right_length_is_no_link(text):
    assert owner_of(text) is None


def test_a_link_names_its_customer_and_address():
    customer = uuid4()
    assert owner_of(link_token(customer, KEY)) == (customer, KEY)


def test_a_link_is_plain_in_an_address():
    token = link_token(uuid4(), KEY)
    assert token.replace("-", "a").replace("_", "a").isalnum()
    assert len(token) == 86


def test_links_and_return_paths_are_sealed_apart_and_under_the_secret_key(settings):
    message = uuid4()
    path, link = return_path(message), link_token(message, KEY)
    settings.SECRET_KEY = "another key that only tests use"
    assert return_path(message) != path
    assert link_token(message, KEY) != link
    assert message_of(marks_in(path)) is None
    assert owner_of(link) is None

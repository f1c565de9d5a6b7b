"""Keys, sums and registrations of the outbox, without Django."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from bursar.outbox import registry
from bursar.outbox.claims import Claim, Delivered, Item, natural_keys

SUBJECT = UUID("11111111-2222-4333-8444-555555555555")
CLAIM = Claim(
    SUBJECT, "key", "mail", "notify", SUBJECT, 1, 1, None, datetime(2026, 9, 14, tzinfo=UTC), attempts=0, fence=1
)


def test_a_key_names_topic_kind_subject_cycle_and_ordinal():
    keys = natural_keys("mail", "remind", [Item(SUBJECT, 1), Item(SUBJECT, 2, 3)])
    assert keys == [f"mail:remind:{SUBJECT}:1:1", f"mail:remind:{SUBJECT}:2:3"]


@pytest.mark.parametrize(("topic", "kind"), [("ma:il", "a"), ("mail", "a:b"), ("", "a"), ("mail", ""), ("m" * 41, "a")])
def test_words_that_would_make_keys_ambiguous_are_refused(topic, kind):
    with pytest.raises(ValueError, match="without a colon"):
        natural_keys(topic, kind, [])


def test_the_longest_key_fits_its_column():
    (key,) = natural_keys("m" * 40, "k" * 40, [Item(SUBJECT, 2**31 - 1, 2**31 - 1)])
    assert len(key) <= 200


def test_what_was_delivered_adds_up():
    assert Delivered(1, 2, 3, 4) + Delivered(sent=10, retried=1) == Delivered(11, 2, 3, 5)


def test_a_claim_knows_when_a_retry_would_be_its_end():
    assert not replace(CLAIM, attempts=5).is_last_attempt
    assert replace(CLAIM, attempts=6).is_last_attempt


def nothing(claims):
    return Delivered()


def never_again(kind):
    return False


def test_a_topic_has_one_handler_and_registering_it_again_changes_nothing(monkeypatch):
    monkeypatch.setattr(registry, "_topics", {})
    registry.register("mail", nothing, resend_unknown=never_again)
    registry.register("mail", nothing, resend_unknown=never_again)
    with pytest.raises(ValueError, match="'mail' has a handler already"):
        registry.register("mail", lambda claims: Delivered(), resend_unknown=never_again)
    assert registry.find("mail").handler is nothing
    assert registry.find("webhook") is None

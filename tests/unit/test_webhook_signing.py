"""Signatures, verified by the library that receivers use: every one valid, none after a flipped bit (row D2)."""

import base64
import random
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from bursar.webhooks import signing

SEED, NEXT = "5e" * 32, "a7" * 32


def now():
    return datetime.now(UTC)


def signed(body, *, seeds=(SEED,), at=None, message="8d0b9a3e-0000-4000-8000-000000000001"):
    return signing.headers(message, body, at=at or now(), keys=signing.secrets_of(seeds))


def is_valid(body, headers, seed=SEED):
    try:
        Webhook(signing.secret_of(seed)).verify(body, headers, json_parse=False)
    except WebhookVerificationError:
        return False
    return True


def test_a_secret_is_thirty_two_bytes_marked_as_a_webhook_secret():
    secret = signing.secret_of(SEED)
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
    assert secret == signing.secret_of(SEED) != signing.secret_of(NEXT)


def test_seeds_never_repeat():
    assert len({signing.new_seed() for _ in range(1000)}) == 1000


def test_a_thousand_signatures_are_all_valid():
    bodies = [f'{{"number":{number},"title":"Zürich ☕"}}'.encode() for number in range(1000)]
    assert sum(is_valid(body, signed(body)) for body in bodies) == 1000


def test_no_flipped_bit_is_valid():
    body = b'{"data":{"assignment":"8d0b9a3e"},"type":"assignment.accepted"}'
    headers = signed(body)
    for _ in range(200):
        place, bit = random.randrange(len(body)), 1 << random.randrange(7)
        flipped = body[:place] + bytes([body[place] ^ bit]) + body[place + 1 :]
        assert not is_valid(flipped, headers)
    assert not is_valid(body, {**headers, "webhook-id": headers["webhook-id"][:-1] + "2"})
    assert not is_valid(body, {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) - 1)})
    assert not is_valid(body, headers, seed=NEXT)


def test_while_a_secret_is_changed_both_receivers_are_served():
    headers = signed(b"{}", seeds=(NEXT, SEED))
    assert is_valid(b"{}", headers, seed=SEED)
    assert is_valid(b"{}", headers, seed=NEXT)
    assert not is_valid(b"{}", signed(b"{}", seeds=(NEXT,)), seed=SEED)


def test_a_new_secret_key_of_the_service_serves_receivers_while_the_old_one_is_a_fallback(settings):
    old_secret, old_key = signing.secret_of(SEED), settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new key of the service", [old_key]
    headers = signed(b"{}")
    Webhook(old_secret).verify("{}", headers)
    Webhook(signing.secret_of(SEED)).verify("{}", headers)
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(WebhookVerificationError):
        Webhook(old_secret).verify("{}", signed(b"{}"))


def test_each_try_has_its_own_time_and_the_same_id():
    first, second = signed(b"{}", at=now() - timedelta(minutes=4)), signed(b"{}")
    assert first["webhook-id"] == second["webhook-id"]
    assert first["webhook-timestamp"] < second["webhook-timestamp"]
    assert is_valid(b"{}", first)
    assert not is_valid(b"{}", signed(b"{}", at=now() - timedelta(minutes=6)))

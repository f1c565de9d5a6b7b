"""The keys of those who sign: read once, again when old or when one is new, and never more than once a minute."""

import json
import logging

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from bursar.kernel.errors import Unavailable
from bursar.people import flows
from bursar.people.flows import REFRESH_SECONDS, RETRY_SECONDS, STALE_SECONDS, KeyRing
from bursar.people.keysets import MOST_KEYS, read_jwks, read_pem

URL = "https://lms.example.org/jwks.json"


class Publisher:
    """Stands for the issuer's address: `keys` are what is there, None is nothing."""

    def __init__(self):
        self.keys, self.asked = [], 0

    def publish(self, kid):
        self.keys.append(ECKey.generate_key("P-256").as_dict(private=False, kid=kid))

    def fetch(self, url):
        assert url == URL
        self.asked += 1
        if self.keys is None:
            raise OSError("no answer")
        return json.dumps({"keys": self.keys}).encode()


@pytest.fixture
def publisher(monkeypatch):
    found = Publisher()
    found.publish("a")
    monkeypatch.setattr(flows, "backend", lambda _: found)
    return found


@pytest.fixture
def later(monkeypatch):
    """Return a function that lets seconds pass."""
    passed = [1_000_000.0]
    monkeypatch.setattr(flows.time, "monotonic", lambda: passed[0])

    def wait(seconds):
        passed[0] += seconds

    return wait


@pytest.fixture
def keys():
    return KeyRing("", URL)


def test_keys_are_fetched_once_and_then_known(publisher, later, keys):
    assert [len(keys.keys_for("ES256", "a")) for _ in range(5)] == [1] * 5
    assert publisher.asked == 1


def test_a_new_key_is_found_at_most_a_minute_later_however_many_unknown_ones_are_asked_for(publisher, later, keys):
    keys.keys_for("ES256", "a")
    publisher.publish("b")
    assert [keys.keys_for("ES256", f"junk-{number}") for number in range(50)] == [()] * 50
    later(RETRY_SECONDS)
    assert len(keys.keys_for("ES256", "b")) == 1
    assert publisher.asked == 2


def test_a_key_that_was_taken_back_is_unknown_within_the_hour(publisher, later, keys):
    keys.keys_for("ES256", "a")
    publisher.keys = []
    publisher.publish("b")
    later(REFRESH_SECONDS + 1)
    assert keys.keys_for("ES256", "a") == ()


def test_known_keys_serve_for_a_day_while_the_issuer_is_away(publisher, later, keys, caplog):
    keys.keys_for("ES256", "a")
    publisher.keys = None
    later(REFRESH_SECONDS + 1)
    with caplog.at_level(logging.WARNING):
        assert len(keys.keys_for("ES256", "a")) == 1
    assert "cannot be read" in caplog.text
    later(STALE_SECONDS)
    with pytest.raises(Unavailable):
        keys.keys_for("ES256", "a")


def test_an_issuer_that_never_answered_is_asked_once_a_minute(publisher, later, keys):
    publisher.keys = None
    for _ in range(10):
        with pytest.raises(Unavailable) as refusal:
            keys.keys_for("ES256", "a")
        assert refusal.value.code == "keys_unavailable"
    assert publisher.asked == 1
    later(RETRY_SECONDS)
    publisher.keys = []
    publisher.publish("a")
    assert len(keys.keys_for("ES256", "a")) == 1


def test_nobody_waits_for_keys_who_has_the_right_one(publisher, later, keys):
    keys.keys_for("ES256", "a")
    later(REFRESH_SECONDS + 1)
    with keys.lock:  # another thread is fetching
        assert len(keys.keys_for("ES256", "a")) == 1


def test_a_pinned_key_serves_beside_published_ones(publisher, later):
    pinned = ECKey.generate_key("P-256").as_pem(private=False).decode()
    ring = KeyRing(pinned, URL)
    assert len(ring.keys_for("ES256", "a")) == 2
    assert len(ring.keys_for("ES256", "unknown")) == 1
    assert ring.keys_for("RS256", "a") == ()


def ec(**other):
    return ECKey.generate_key("P-256").as_dict(private=False) | other


@pytest.mark.parametrize(
    "unfit",
    [
        {"use": "enc"}, {"key_ops": ["sign"]}, {"key_ops": "verify"}, {"kid": 7}, {"alg": ["ES256"]}, {"x": "AAAA"}, {"x": 7},
        {"crv": "P-384"}, {"kty": "OKP"}, {"kty": "RSA"}, {"kty": None}, {"d": "AAAA"},
    ],
)  # fmt: skip
def test_keys_that_are_no_public_ones_for_signatures_are_passed_over(unfit):
    found = read_jwks(json.dumps({"keys": [ec(kid="bad") | unfit, ec(kid="good"), 7, "key", None]}).encode())
    assert [key.kid for key in found] == ["good"]


def test_a_shared_secret_is_no_public_key():
    secret = OctKey.import_key("a secret of at least thirty-two characters").as_dict(private=True)
    assert read_jwks(json.dumps({"keys": [secret]}).encode()) == ()


def test_a_key_confined_to_an_algorithm_verifies_no_other():
    rsa = RSAKey.generate_key(2048).as_dict(private=False)
    (key,) = read_jwks(json.dumps({"keys": [rsa | {"alg": "RS256", "kid": "a"}]}).encode())
    assert (key.fits("RS256", "a"), key.fits("RS512", "a"), key.fits("ES256", "a")) == (True, False, False)
    assert (key.fits("RS256", None), key.fits("RS256", "b")) == (True, False)


def test_short_rsa_keys_are_none():
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    short = generate_private_key(65537, 1024).public_key()
    pem = short.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    with pytest.raises(ValueError, match="2048 bits"):
        read_pem(pem)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"7", b'{"keys": {}}', b'{"keys": null}', b"\xff", b"[" * 5000])
def test_what_is_no_set_of_keys_is_refused(content):
    with pytest.raises(ValueError):
        read_jwks(content)


def test_a_set_of_too_many_keys_is_refused():
    with pytest.raises(ValueError):
        read_jwks(json.dumps({"keys": [{}] * (MOST_KEYS + 1)}).encode())

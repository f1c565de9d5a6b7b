"""Secrets and signatures by Standard Webhooks. No secret is stored: each follows from a seed in its row and SECRET_KEY.

A copy of the database alone signs nothing. While an old key stands in SECRET_KEY_FALLBACKS, what follows from it signs too.
"""

import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from django.conf import settings
from django.utils.crypto import salted_hmac
from standardwebhooks import Webhook

PREFIX: Final = "whsec_"
PURPOSE: Final = "bursar.webhooks.secret"
SEED_BYTES: Final = 32


def new_seed() -> str:
    """Return a seed that no other secret has."""
    return secrets.token_hex(SEED_BYTES)


def secret_of(seed: str) -> str:
    """Return the secret (32 bytes as `whsec_` and base64) that follows from a seed under the present SECRET_KEY."""
    return _secret(seed, settings.SECRET_KEY)


def secrets_of(seeds: Iterable[str]) -> list[str]:
    """Return the secrets that sign now: of each seed, under the present key and those that it replaces."""
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return [_secret(seed, key) for seed in seeds for key in keys]


def headers(message: str, body: bytes, *, at: datetime, keys: Iterable[str]) -> dict[str, str]:
    """Return the three headers of one try: the id, the same at every try, this moment, and a signature by each secret."""
    text = body.decode()
    signed = [Webhook(b64decode(key.removeprefix(PREFIX))).sign(message, at, text) for key in keys]
    return {
        "webhook-id": message,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signed),
    }


def _secret(seed: str, key: str | bytes) -> str:
    return PREFIX + b64encode(salted_hmac(PURPOSE, seed, secret=key, algorithm="sha256").digest()).decode()

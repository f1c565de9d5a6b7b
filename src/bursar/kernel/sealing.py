"""Secrets that must be readable again: encrypted under SECRET_KEY, so that a copy of the database alone tells none."""

from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.crypto import salted_hmac

from bursar.kernel.errors import Unavailable


def seal(text: str, purpose: str) -> str:
    """Return `text` sealed for one `purpose`; nothing sealed for another one opens with it."""
    return _box(purpose).encrypt(text.encode()).decode()


def unseal(sealed: str, purpose: str) -> str:
    """Return what was sealed under the present SECRET_KEY or one in SECRET_KEY_FALLBACKS.

    Raises `Unavailable` (`secret_lost`) when neither opens it.
    """
    try:
        return _box(purpose).decrypt(sealed.encode()).decode()
    except (InvalidToken, UnicodeError) as error:
        raise Unavailable(
            "A secret cannot be read: it was kept under another SECRET_KEY.", code="secret_lost"
        ) from error


def _box(purpose: str) -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    digests = [salted_hmac("bursar.sealing", purpose, secret=key, algorithm="sha256").digest() for key in keys]
    return MultiFernet([Fernet(urlsafe_b64encode(digest)) for digest in digests])

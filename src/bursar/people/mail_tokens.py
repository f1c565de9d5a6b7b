"""Marks in mails by which we know our own: the return path of a message, and the link by which somebody unsubscribes.

Both are ids and a seal under the secret key (or one of its fallbacks), compared whole and in constant time. Return paths
are read in any case, as mail servers may fold it, and fit into the 64 octets of a local part.
"""

from base64 import b32decode, b32encode, urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as BadDigits
from collections.abc import Iterable, Iterator
from typing import Final
from uuid import UUID

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from bursar.kernel.conf import setting

RETURN_PATH: Final = "bursar.return-path"
UNSUBSCRIBE: Final = "bursar.unsubscribe"
UUID_OCTETS: Final = 16
KEY_OCTETS: Final = 32
RETURN_SEAL: Final = 10
LINK_SEAL: Final = 16
MARK_LENGTH: Final = 42
LINK_LENGTH: Final = 86


def return_path(message: UUID) -> str:
    """Return where a message is sent back to, by which it is known again; "" unless the setting `bounce_address` is set."""
    local, _, domain = setting("bounce_address").rpartition("@")
    return f"{local}+{_mark(message, settings.SECRET_KEY)}@{domain}" if local else ""


def message_of(marks: Iterable[str]) -> UUID | None:
    """Return the message whose return path bore one of these marks; None if none of them is ours and unaltered."""
    return next(filter(None, map(_message, marks)), None)


def link_token(customer: UUID, address_key: str) -> str:
    """Return the token of the link by which the owner of an address unsubscribes from a customer's reminders."""
    return _link(customer, bytes.fromhex(address_key), settings.SECRET_KEY)


def owner_of(token: str) -> tuple[UUID, str] | None:
    """Return the customer and the address key in the token of a link; None if it is not ours, or altered."""
    if len(token) != LINK_LENGTH or not token.isascii():
        return None
    try:
        octets = urlsafe_b64decode(token + "==")
        customer, key = UUID(bytes=octets[:UUID_OCTETS]), octets[UUID_OCTETS : UUID_OCTETS + KEY_OCTETS]
    except (BadDigits, ValueError):
        return None
    return (customer, key.hex()) if _is_one_of(token, (_link(customer, key, secret) for secret in _secrets())) else None


def seal_of(purpose: str, value: bytes, octets: int) -> bytes:
    """Return the seal of a value under the secret key, so many octets of it: for tokens of other modules."""
    return _seal(purpose, value, settings.SECRET_KEY)[:octets]


def is_sealed(purpose: str, value: bytes, seal: bytes, octets: int) -> bool:
    """Tell whether a seal is that of a value, all its octets, under the secret key or one of its fallbacks."""
    return any(constant_time_compare(seal, _seal(purpose, value, secret)[:octets]) for secret in _secrets())


def _message(mark: str) -> UUID | None:
    folded = mark.lower()
    if len(folded) != MARK_LENGTH or not folded.isascii():
        return None
    try:
        message = UUID(bytes=b32decode(folded.upper() + "======")[:UUID_OCTETS])
    except (BadDigits, ValueError):
        return None
    return message if _is_one_of(folded, (_mark(message, secret) for secret in _secrets())) else None


def _is_one_of(given: str, true: Iterable[str]) -> bool:
    return any(constant_time_compare(given, kept) for kept in true)


def _mark(message: UUID, secret: str) -> str:
    seal = _seal(RETURN_PATH, message.bytes, secret)[:RETURN_SEAL]
    return b32encode(message.bytes + seal).decode().rstrip("=").lower()


def _link(customer: UUID, key: bytes, secret: str) -> str:
    seal = _seal(UNSUBSCRIBE, customer.bytes + key, secret)[:LINK_SEAL]
    return urlsafe_b64encode(customer.bytes + key + seal).decode().rstrip("=")


def _seal(purpose: str, value: bytes, secret: str) -> bytes:
    return salted_hmac(purpose, value.hex(), secret=secret, algorithm="sha256").digest()


def _secrets() -> Iterator[str]:
    yield settings.SECRET_KEY
    yield from map(str, settings.SECRET_KEY_FALLBACKS)

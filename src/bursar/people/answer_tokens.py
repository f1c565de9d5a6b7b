"""Tokens by which somebody does one thing with one assignment without an account: what they may, for which cycle, until when.

Ids, a date and a seal; nothing of the person. The seal is also over the key of the address, which is not in the token:
whoever reads one can tell nothing from it, and once the key has changed or is gone, none made for it opens anything.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as BadDigits
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from struct import Struct
from typing import Final
from uuid import UUID

from bursar.people.mail_tokens import is_sealed, seal_of

ANSWER: Final = "bursar.answer"
LAYOUT: Final = Struct(">B16sIQ")
SEAL: Final = 16
LENGTH: Final = 60


class Purpose(IntEnum):
    """The one thing that a token is good for."""

    SEE = 1
    ACCEPT = 2
    DECLINE = 3
    MORE_TIME = 4


@dataclass(frozen=True, slots=True)
class Claim:
    """What a token says of itself; `proves` tells whether that is true. `until` is aware UTC."""

    purpose: Purpose
    assignment: UUID
    cycle: int
    until: datetime
    value: bytes
    seal: bytes

    def proves(self, address_key: str) -> bool:
        """Tell whether the token was made by us for the owner of this address."""
        return bool(address_key) and is_sealed(ANSWER, self.value + address_key.encode(), self.seal, SEAL)


def answer_token(purpose: Purpose, assignment: UUID, cycle: int, until: datetime, address_key: str) -> str:
    """Return the token by which the owner of an address does one thing with an assignment, until a moment (aware)."""
    value = LAYOUT.pack(purpose, assignment.bytes, cycle, int(until.timestamp()))
    return urlsafe_b64encode(value + seal_of(ANSWER, value + address_key.encode(), SEAL)).decode()


def claim_of(token: str) -> Claim | None:
    """Return what a token says of itself, not proven; None for anything that is no token."""
    if len(token) != LENGTH or not token.isascii():
        return None
    try:
        octets = urlsafe_b64decode(token)
        value, seal = octets[: LAYOUT.size], octets[LAYOUT.size :]
        purpose, assignment, cycle, until = LAYOUT.unpack(value)
        claim = Claim(Purpose(purpose), UUID(bytes=assignment), cycle, datetime.fromtimestamp(until, UTC), value, seal)
    except (BadDigits, ValueError, OverflowError, OSError):
        return None
    return claim if urlsafe_b64encode(octets).decode() == token else None

"""Text from outside, made such that every database takes it, and that it names nobody."""

import re
from collections.abc import Iterable
from typing import Final

ADDRESS: Final = re.compile(r"[^\s<>\"'(),;:\[\]]+@[^\s<>\"'(),;:\[\]]+")
MASK: Final = "[address]"


def storable(text: object) -> str:
    """Return the text without NUL, which PostgreSQL refuses, and halves of characters, which UTF-8 cannot write."""
    return str(text).replace("\0", "").encode(errors="replace").decode()


def findable(words: Iterable[str]) -> list[str]:
    """Return the words that a row can hold: PostgreSQL refuses one with NUL in it, in a question too."""
    return [word for word in words if "\0" not in word]


def mask(text: str) -> str:
    """Return the text with everything that looks like an address taken out."""
    return ADDRESS.sub(MASK, text) if "@" in text else text

"""Text from outside, made such that every database takes it, and that it names nobody."""

import re
from typing import Final

ADDRESS: Final = re.compile(r"[^\s<>\"'(),;:\[\]]+@[^\s<>\"'(),;:\[\]]+")
MASK: Final = "[address]"


def storable(text: object) -> str:
    """Return the text without NUL, which PostgreSQL refuses, and halves of characters, which UTF-8 cannot write."""
    return str(text).replace("\0", "").encode(errors="replace").decode()


def mask(text: str) -> str:
    """Return the text with everything that looks like an address taken out."""
    return ADDRESS.sub(MASK, text) if "@" in text else text

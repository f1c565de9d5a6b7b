"""What an audit finds: one difference between what is kept and what follows from the records."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that should be otherwise: a stable code, the row (never an address), words, and both values."""

    code: str
    subject: str
    message: str
    expected: Any
    found: Any

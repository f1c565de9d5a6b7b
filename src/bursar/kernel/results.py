"""What a bulk verb answers: for every key either what was done, or a refusal with a code and words."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from bursar.kernel.errors import BursarError

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one item of a bulk call was left as it was."""

    code: str
    message: str
    facts: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, error: BursarError) -> "Refusal":
        """Return the refusal that says what `error` says."""
        return cls(error.code, error.message, dict(error.facts))


@dataclass(slots=True)
class BulkResult(Generic[K, T]):
    """Every key of the call, exactly once: in `done` with its outcome or in `refused` with the reason."""

    done: dict[K, T] = field(default_factory=dict)
    refused: dict[K, Refusal] = field(default_factory=dict)

    def merge(self, other: "BulkResult[K, T]") -> None:
        """Take over what another part of the same call did."""
        self.done.update(other.done)
        self.refused.update(other.refused)

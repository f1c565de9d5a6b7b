"""The words of the outbox: what is enqueued, what a worker holds, how it ends. No Django."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from bursar.outbox.retries import MAIL, Waits, is_last

Outcome = Literal["sent", "dropped", "failed", "retry", "unknown"]
WORD_LENGTH: Final = 40


@dataclass(frozen=True, slots=True)
class Item:
    """One message to enqueue: its subject, the subject's cycle and the how-manieth of its kind in that cycle (from 1)."""

    subject: UUID
    cycle: int
    ordinal: int = 1


@dataclass(frozen=True, slots=True)
class Claim:
    """A message as one worker holds it; `fence` is this holding's own number, `attempts` the tries before it.

    What must be the same at every try hangs on `owed_at` (aware), when it was written, and not on the time of a try.
    `waits` are those of its topic, between one try and the next.
    """

    uuid: UUID
    key: str
    topic: str
    kind: str
    subject: UUID
    cycle: int
    ordinal: int
    customer: UUID | None
    owed_at: datetime
    attempts: int
    fence: int
    waits: Waits = MAIL

    @property
    def is_last_attempt(self) -> bool:
        """Whether a `retry` of this claim ends as failed."""
        return is_last(self.attempts + 1, self.waits)


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a held message ends: `reason` and `error_code` are short fixed words, never personal data.

    `retry` waits for its next turn (not before `retry_after`, where the other side has asked for that), or fails after
    the last one. `unknown`: it may have left, nobody can tell.
    """

    claim: Claim
    outcome: Outcome
    error_code: str = ""
    reason: str = ""
    retry_after: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Delivered:
    """How many messages ended in which way; a retried one is waiting again."""

    sent: int = 0
    dropped: int = 0
    failed: int = 0
    retried: int = 0

    def __add__(self, other: "Delivered") -> "Delivered":
        return Delivered(
            self.sent + other.sent,
            self.dropped + other.dropped,
            self.failed + other.failed,
            self.retried + other.retried,
        )


def natural_keys(topic: str, kind: str, items: Iterable[Item]) -> list[str]:
    """Return the keys that make messages unique; raises ValueError for words that would make them ambiguous."""
    for word in (topic, kind):
        if not word or ":" in word or len(word) > WORD_LENGTH:
            raise ValueError(f"topic and kind are 1 to {WORD_LENGTH} characters without a colon")
    return [f"{topic}:{kind}:{item.subject}:{item.cycle}:{item.ordinal}" for item in items]

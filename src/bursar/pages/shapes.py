"""The values that components are drawn from. They hold what is said; how it looks is in `templates/pages/parts/`."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from django.utils.translation import gettext

from bursar.pages.money import money

PARTS: Final = 1000


class Tone(StrEnum):
    """What a chip or an alert feels like; every tone has an icon of its own, so that no meaning hangs on colour."""

    NEUTRAL = "neutral"
    INFO = "info"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Chip:
    """A word about the state of something."""

    text: str
    tone: Tone = Tone.NEUTRAL
    icon: str = ""


@dataclass(frozen=True, slots=True)
class Tab:
    """One of several pages about the same thing."""

    label: str
    url: str
    current: bool = False
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing on a timeline: when (aware), what, and if there is more to say, who and why."""

    at: datetime | None
    title: str
    who: str = ""
    why: str = ""
    tone: Tone = Tone.NEUTRAL
    icon: str = "dot"


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a bar: its name, cents, and place and width in thousandths."""

    kind: str
    label: str
    cents: int
    start: int
    width: int

    @property
    def x(self) -> str:
        """Where it begins, for SVG."""
        return f"{self.start / 10:.1f}%"

    @property
    def w(self) -> str:
        """How wide it is, for SVG."""
        return f"{self.width / 10:.1f}%"


@dataclass(frozen=True, slots=True)
class Bar:
    """A budget at a glance, in cents of one currency: spent, assigned, available, and what the fund does not cover."""

    limit: int
    spent: int
    held: int
    available: int
    currency: str

    @property
    def uncovered(self) -> int:
        """What the limit would leave and the fund does not have."""
        return max(0, self.limit - self.spent - self.held - self.available)

    @property
    def used_percent(self) -> int:
        """How much of the limit is spent or assigned, rounded down: 100 only when nothing is left."""
        return 100 * (self.spent + self.held) // self.limit if self.limit > 0 else 100

    @property
    def segments(self) -> list[Segment]:
        """The parts from left to right, empty ones too."""
        return list(self._segments())

    @property
    def words(self) -> str:
        """The whole bar for those who cannot see it."""
        said = ", ".join(f"{label} {money(cents, self.currency)}" for _, label, cents in self._parts())
        return f"{said}. {gettext('Limit')} {money(self.limit, self.currency)}."

    def _parts(self) -> list[tuple[str, str, int]]:
        parts = [
            ("spent", gettext("Spent"), self.spent),
            ("held", gettext("Assigned"), self.held),
            ("available", gettext("Available"), self.available),
        ]
        return parts + ([("uncovered", gettext("Not covered by the fund"), self.uncovered)] if self.uncovered else [])

    def _segments(self) -> Iterator[Segment]:
        total, before = max(1, self.limit), 0
        for kind, label, cents in self._parts():
            start, end = (min(PARTS, PARTS * place // total) for place in (before, before + cents))
            yield Segment(kind, label, cents, start, end - start)
            before += cents

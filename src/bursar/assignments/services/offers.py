"""What an allocation is made of: the offer, the same for everybody; the recipients; and what became of each."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from bursar.assignments.expiry import Due, Terms, due
from bursar.kernel.results import Refusal
from bursar.people.services import Known


@dataclass(frozen=True, slots=True)
class Offer:
    """What is assigned, from which budget, at which price (cents), and the dates that end it (aware UTC)."""

    budget: UUID
    configuration: UUID
    customer: UUID
    content_key: str
    price_cents: int
    title: str
    parent_content_key: str | None = None
    is_course_run: bool = False
    run_key: str | None = None
    enroll_by: datetime | None = None
    fund_ends_at: datetime | None = None

    def expiry(self, now: datetime) -> Due:
        """Return when an assignment made now expires."""
        return due(Terms(now, now, None, self.enroll_by, self.fund_ends_at))

    def as_json(self) -> dict[str, Any]:
        """Return the offer as JSON keeps it."""
        return {
            name: value if isinstance(value, bool | int | None) else str(value) for name, value in asdict(self).items()
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Offer":
        """Return the offer that `as_json` wrote."""
        known = {item.name: data[item.name] for item in fields(cls)}
        for name in ("budget", "configuration", "customer"):
            known[name] = UUID(known[name])
        for name in ("enroll_by", "fund_ends_at"):
            known[name] = known[name] and datetime.fromisoformat(known[name])
        return cls(**known)


@dataclass(frozen=True, slots=True)
class Planned:
    """What a plan says is to be done for somebody, and the assignment that they had by then."""

    action: str
    assignment: UUID | None = None


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who is to get the offer: their place in the file or list, what is known of them, and what was planned."""

    position: int
    known: Known = field(repr=False)
    planned: Planned | None = None

    @property
    def key(self) -> str:
        """The key of the address."""
        return self.known.key


@dataclass(frozen=True, slots=True)
class Placed:
    """A recipient and the assignment that they have now (None in a plan, for one not made yet)."""

    position: int
    email: str = field(repr=False)
    assignment: UUID | None = None


@dataclass(slots=True)
class Allocation:
    """What an allocation did (or would do): everybody exactly once, in the order given; `charged_cents` in all."""

    batch: UUID | None = None
    created: list[Placed] = field(default_factory=list)
    updated: list[Placed] = field(default_factory=list)
    unchanged: list[Placed] = field(default_factory=list)
    refused: list[tuple[Placed, Refusal]] = field(default_factory=list)
    charged_cents: int = 0

    def merge(self, other: "Allocation") -> None:
        """Take over what another part of the same call did."""
        self.created += other.created
        self.updated += other.updated
        self.unchanged += other.unchanged
        self.refused += other.refused
        self.charged_cents += other.charged_cents


@dataclass(frozen=True, slots=True)
class Rest:
    """The rows of a file beside its people.

    Those that name somebody again (line, line of the first), and those that name nobody (line, code, words).
    """

    twins: Sequence[tuple[int, int]] = ()
    rejected: Sequence[tuple[int, str, str]] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """What an allocation owes its caller beside being done.

    With `rest` the result of every row is kept, without addresses; with `plan` it is done as that open plan says or
    not at all; `later` leaves what is too large for one transaction to a worker.
    """

    rest: Rest | None = None
    plan: UUID | None = None
    later: bool = False


PLAIN: Final = Call()


def distinct(recipients: Sequence[Recipient]) -> list[Recipient]:
    """Keep the first recipient of each address."""
    first: dict[str, Recipient] = {}
    for recipient in recipients:
        first.setdefault(recipient.key, recipient)
    return list(first.values())

"""Who acts: one frozen value handed down to every verb, instead of five optional arguments."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

ActorKind = Literal["person", "client", "job", "system", "console"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. `user_id` is the host's user, `lms_user_id` the learning platform's; neither is an address.

    `console` is whoever may run the `bursar` command, and so reads the database anyway. `roles` are what a signed
    token of the caller grants beside the memberships kept here, such as `admin:<customer>` or `operator:*`.
    """

    kind: ActorKind
    name: str
    user_id: int | None = None
    lms_user_id: int | None = None
    roles: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the actor that `as_json` wrote."""
        return cls(**{**data, "roles": tuple(data.get("roles", ()))})

    def as_json(self) -> dict[str, Any]:
        """Return the actor as JSON keeps it."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


SYSTEM = Actor("system", "bursar")
TICK = Actor("job", "tick")
WORKER = Actor("job", "worker")
CONSOLE = Actor("console", "command line")

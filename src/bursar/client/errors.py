"""What can go wrong: a problem that the service names, or no answer at all."""

from collections.abc import Mapping, Sequence
from typing import Any


class ClientError(Exception):
    """Anything that keeps a call from being answered as asked."""


class Problem(ClientError):
    """The service said no: `code` is stable, `detail` is for people, `facts` prove it, `errors` name faults of the input."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        self.status = status
        self.code: str = str(body.get("code", "unknown"))
        self.detail: str = str(body.get("detail") or body.get("title") or "")
        self.facts: Mapping[str, Any] = body.get("facts") or {}
        self.errors: Sequence[Mapping[str, str]] = body.get("errors") or ()
        super().__init__(f"{status} {self.code}: {self.detail}")


class NotFound(Problem):
    """Nothing is there, or nothing that this caller may see."""


class Refused(Problem):
    """A rule says no; nothing was changed."""


class Stale(Problem):
    """It has been changed since it was read."""


class Busy(Problem):
    """Too many requests, or a busy service, and still so after every retry; nothing was done."""


class Unreachable(ClientError):
    """No answer came. Whether anything was done is unknown: call again with the same key."""


class Unreadable(ClientError):
    """What answered is no Bursar, or a newer one than this client reads."""


BY_STATUS: Mapping[int, type[Problem]] = {404: NotFound, 409: Refused, 412: Stale, 429: Busy, 503: Busy}


def problem_of(status: int, body: Any) -> Problem:
    """Return the problem that an answer tells of."""
    facts = body if isinstance(body, Mapping) else {}
    return BY_STATUS.get(status, Problem)(status, facts)

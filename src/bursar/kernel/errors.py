"""The tree of domain errors: a stable code, words for people and facts for machines; no HTTP, no exit codes."""

import traceback
from typing import Any, ClassVar

from bursar.kernel.text import storable


class BursarError(Exception):
    """Anything the product refuses or cannot do. `code` is stable, `message` is for people, `facts` for machines."""

    default_code: ClassVar[str] = "error"

    def __init__(self, message: str, *, code: str | None = None, **facts: Any) -> None:
        super().__init__(message)
        self.code = code or self.default_code
        self.message = message
        self.facts = facts


class Refused(BursarError):
    """A rule says no; nothing was changed."""

    default_code = "refused"


class BadInput(BursarError):
    """What was given cannot be read as what was asked for; nothing was changed."""

    default_code = "bad_input"


class NotFound(BadInput):
    """No such thing, or none that this actor may see."""

    default_code = "not_found"


class Unavailable(BursarError):
    """A server that we need does not answer; nothing was changed and trying again later may work."""

    default_code = "unavailable"


class Misconfigured(BursarError):
    """A setting is unknown, malformed or contradicts another; the message names it."""

    default_code = "misconfigured"


def format_traceback(exc: BaseException) -> str:
    """Return the exception's message, then its stack, as text for operators."""
    stack = "".join(traceback.format_exception(type(exc), exc, exc.__traceback__))
    return storable(f"{exc}\n{stack}")

"""Which error ends a command with which exit code, and in which words (ruling 32)."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import DatabaseError, InterfaceError, OperationalError

from bursar.cli.output import complain, write_json
from bursar.cli.values import money
from bursar.kernel.errors import BadInput, BursarError, Misconfigured, NotFound, Refused, Unavailable

DONE: Final = 0
DIFFERS: Final = 1
USAGE: Final = 2
REFUSED: Final = 3
BAD_INPUT: Final = 4
UNAVAILABLE: Final = 5
OWN_FAULT: Final = 70  # none of ruling 32's: an error that nobody foresaw is none of the caller's

NO_TABLE: Final = frozenset({"42P01", "42703", 1146, 1054})
SQLITE_NO_TABLE: Final = ("no such table", "no such column")
SQLITE_BUSY: Final = ("database is locked", "database table is locked")
SQLITE_UNUSABLE: Final = ("unable to open", "not a database", "readonly", "disk", "permission")


@dataclass(frozen=True, slots=True)
class Failure:
    """How a command fails: its exit code, what kind of failure that is in words, the stable code, message and facts."""

    exit_code: int
    kind: str
    code: str
    message: str
    facts: dict[str, Any] = field(default_factory=dict)


KINDS: Final[tuple[tuple[type[BursarError], int, str], ...]] = (
    (Misconfigured, USAGE, "Settings"),
    (NotFound, BAD_INPUT, "Not found"),
    (BadInput, BAD_INPUT, "Bad input"),
    (Unavailable, UNAVAILABLE, "Unavailable"),
    (Refused, REFUSED, "Refused"),
    (BursarError, REFUSED, "Refused"),
)


def report(error: Exception, *, as_json: bool, debug: bool) -> int:
    """Say why a command failed, in words on standard error and for `--json` on standard output; returns the exit code.

    No stack is shown unless `debug`, and no words of an error that may quote data.
    """
    if debug:
        traceback.print_exception(error)
    failure = failure_of(error)
    if as_json:
        write_json({"error": {"code": failure.code, "message": failure.message, **failure.facts}})
    complain(f"{failure.kind}: {failure.message} ({failure.code})")
    for line in _money_lines(failure.facts):
        complain(line)
    return failure.exit_code


@contextmanager
def amounts_in(currency: str) -> Iterator[None]:
    """Let a refusal inside the block say in which currency its amounts are."""
    try:
        yield
    except Refused as error:
        error.facts.setdefault("currency", currency)
        raise


def failure_of(error: Exception) -> Failure:
    """Return how a command that met `error` fails."""
    if isinstance(error, BursarError):
        exit_code, kind = next((code, kind) for cls, code, kind in KINDS if isinstance(error, cls))
        return Failure(exit_code, kind, error.code, error.message, error.facts)
    if isinstance(error, ImproperlyConfigured):
        return Failure(USAGE, "Settings", "misconfigured", str(error))
    if isinstance(error, ValidationError):
        return Failure(BAD_INPUT, "Bad input", "invalid_value", " ".join(error.messages))
    if isinstance(error, DatabaseError | InterfaceError):
        return _database_failure(error)
    if isinstance(error, OSError):
        return Failure(
            UNAVAILABLE, "Unavailable", "system_error", f"The system refused: {error.strerror or 'no reason given'}."
        )
    message = f"Bursar met a fault of its own, {type(error).__name__}; `bursar --debug …` shows where."
    return Failure(OWN_FAULT, "Fault", "internal_error", message)


def _database_failure(error: DatabaseError | InterfaceError) -> Failure:
    cause = error.__cause__ or error
    marks = {getattr(cause, "sqlstate", None), next(iter(getattr(cause, "args", ())), None)}
    words = str(cause).strip().partition("\n")[0]
    if marks & NO_TABLE or words.startswith(SQLITE_NO_TABLE):
        return _unavailable("not_migrated", "The database is not prepared for this version; run `bursar migrate`.")
    if words in SQLITE_BUSY:
        return _unavailable("database_busy", "Another process has locked the database; try again.")
    if any(word in words.lower() for word in SQLITE_UNUSABLE):
        return _unavailable("database_unusable", f"The database cannot be used: {words}.")
    if isinstance(error, OperationalError | InterfaceError):
        return _unavailable("database_gone", f"The database does not answer: {words}.")
    return _unavailable(
        "database_error", f"The database refused, with {type(error).__name__}; `bursar --debug …` shows why."
    )


def _unavailable(code: str, message: str) -> Failure:
    return Failure(UNAVAILABLE, "Unavailable", code, message)


def _money_lines(facts: dict[str, Any]) -> list[str]:
    """Return the amounts among the facts as people read them, under each other; where money is missing, nothing was done."""
    currency = str(facts.get("currency", ""))
    amounts = {name: value for name, value in facts.items() if name.endswith("_cents") and isinstance(value, int)}
    shown = {name.removesuffix("_cents").replace("_", " "): money(value, currency) for name, value in amounts.items()}
    width = max(map(len, shown), default=0)
    lines = [f"  {name:<{width}}  {value:>16}" for name, value in shown.items()]
    return [*lines, "Nothing was changed."] if "missing" in shown else lines

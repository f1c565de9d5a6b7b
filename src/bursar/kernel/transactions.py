"""The only opener of write transactions: durable, retried on what a retry can cure, and a check for code inside one.

Lock order, everywhere: assignments by key, then history, actions, outbox, list counts, budgets, funds. Counters come
last because they are hot: taken first they deadlock (docs/decisions/0003).
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, ParamSpec, Protocol, TypeVar

from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction

from bursar.kernel.conf import setting
from bursar.kernel.errors import Unavailable
from bursar.kernel.failpoints import fail_point

P = ParamSpec("P")
R = TypeVar("R")

# PostgreSQL SQLSTATEs and MariaDB error numbers of conflicts that vanish when the transaction is run again.
RETRYABLE: Final[frozenset[str | int]] = frozenset({"40001", "40P01", "55P03", 1213, 1205, 1020})
# A unique key that clashes after we looked: somebody else wrote the row in between, and a second look will see it.
UNIQUE_CLASH: Final[frozenset[str | int]] = frozenset({"23505", 1062, 1586})
SNAPSHOT_STATEMENTS: Final = {
    "postgresql": ("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY", "SET LOCAL statement_timeout = 0"),
}
# The connection is lost or refused, beside SQLSTATE class 08 and what libpq says itself, without any SQLSTATE.
GONE: Final[frozenset[str | int]] = frozenset({"57P01", "57P02", "57P03", 2002, 2003, 2006, 2013, 2055})
SQLITE_GONE: Final = ("unable to open database file", "disk I/O error")
SQLITE_BUSY: Final = ("database is locked", "database table is locked")
# Among them, a lock that somebody held for as long as we may wait for one; SQLite's texts above say the same.
LOCK_TIMEOUTS: Final[frozenset[str | int]] = frozenset({"55P03", 1205})
LONGEST_WAIT_SECONDS: Final = 20


class Companion(Protocol):
    """What a caller adds to a verb's own commit: a row that says it was done, or a look at what must not have changed.

    Both run inside the transaction and run again with it on a conflict, so they keep nothing but what they write.
    """

    def begin(self) -> None:
        """Come first; what is raised here rolls back and reaches the caller."""

    def finish(self, done: Any) -> None:
        """Come last, with what the verb's transaction returns."""


@dataclass(slots=True)
class Company:
    """A companion and whether a transaction has taken it along."""

    companion: Companion
    committed: bool = False


_company: ContextVar[Company | None] = ContextVar("bursar_company", default=None)


@contextmanager
def accompanied(companion: Companion) -> Iterator[Company]:
    """Let the first transaction that commits in this block commit what `companion` writes too; later ones go alone.

    A verb of several transactions reserves or decides in its first, so that is the one to join. When the block ends
    without a commit, `committed` of what is yielded stays False.
    """
    company = Company(companion)
    before = _company.set(company)
    try:
        yield company
    finally:
        _company.reset(before)


def is_conflict(error: BaseException) -> bool:
    """Tell whether running the same transaction again can succeed; the database has rolled it back."""
    return _is_one_of(error, RETRYABLE, SQLITE_BUSY) or is_unique_clash(error)


def is_unique_clash(error: BaseException) -> bool:
    """Tell whether a unique key was violated."""
    return _is_one_of(error, UNIQUE_CLASH, ("UNIQUE constraint failed",))


def is_lock_timeout(error: BaseException) -> bool:
    """Tell whether somebody else held a lock for longer than one may wait for it."""
    return _is_one_of(error, LOCK_TIMEOUTS, SQLITE_BUSY)


def _is_one_of(error: BaseException, codes: frozenset[str | int], sqlite_texts: tuple[str, ...]) -> bool:
    cause = error.__cause__ or error
    arguments = getattr(cause, "args", ())
    if getattr(cause, "sqlstate", None) in codes or (arguments and arguments[0] in codes):
        return True
    return connection.vendor == "sqlite" and any(text in str(cause) for text in sqlite_texts)


def writes(function: Callable[P, R]) -> Callable[P, R]:
    """Run `function` as one durable transaction, again on a conflict, at most `retry_limit` times.

    A lock that is still held after 20 seconds of that is not waited for again. Raises `Unavailable` when the conflict does not end or the database is gone. A lost connection is never retried:
    whether the commit arrived is then unknown, and only the caller's idempotency key can tell.
    """

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        attempts, begun = setting("retry_limit"), time.monotonic()
        company = _waiting()
        for attempt in range(1, attempts + 1):
            try:
                with transaction.atomic(durable=True):
                    if company:
                        company.companion.begin()
                    done = function(*args, **kwargs)
                    if company:
                        company.companion.finish(done)
                    fail_point("before_commit")
                if company:
                    company.committed = True
                fail_point("after_commit")
                return done  # noqa: TRY300  the block above is what is tried
            except (DatabaseError, InterfaceError) as error:
                if not is_conflict(error):
                    raise_if_gone(error)
                    raise
                if attempt == attempts and is_unique_clash(error):
                    raise  # not a race any more: a rule of ours is wrong
                waited = time.monotonic() - begun
                if attempt == attempts or (waited > LONGEST_WAIT_SECONDS and is_lock_timeout(error)):
                    raise Unavailable("The database is busy; try again.", code="database_busy") from error
                time.sleep(random.uniform(0.005, 0.2) * attempt)  # jitter only, no secret depends on it
        raise AssertionError("unreachable: the loop returns or raises")

    return run


def _waiting() -> Company | None:
    """Return the companion that no transaction has taken along yet."""
    company = _company.get()
    return None if company is None or company.committed else company


def is_gone(error: BaseException) -> bool:
    """Tell whether the connection was lost or refused. The error says it: Django may have opened a new one since."""
    if not isinstance(error, OperationalError):
        return isinstance(error, InterfaceError)
    state = getattr(error.__cause__, "sqlstate", "")
    return state is None or str(state).startswith("08") or _is_one_of(error, GONE, SQLITE_GONE)


def raise_if_gone(error: BaseException) -> None:
    """Turn a lost or refused connection into `Unavailable`; leave every other error alone."""
    if is_gone(error):
        raise Unavailable("The database does not answer.", code="database_gone") from error


def one_commit() -> transaction.Atomic:
    """Open a transaction for a record's own method, or join the caller's: all of the block commits, or none of it.

    Verbs use `writes`; this is for methods that host projects call wherever they like. Never retried.
    """
    return transaction.atomic(savepoint=False)


def require_transaction() -> None:
    """Raise unless a transaction is open: for functions that must be part of their caller's commit."""
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("this function writes only inside its caller's transaction")


def refuse_transaction() -> None:
    """Raise if a transaction of ours is open: for functions that talk to the outside world."""
    if any(not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks):
        raise transaction.TransactionManagementError("nothing outside is asked while a transaction is open")


def after_commit(function: Callable[[], Any]) -> None:
    """Run `function` once the transaction has committed: a hint such as a wake-up, never the effect itself."""
    transaction.on_commit(function, robust=True)


@contextmanager
def snapshot() -> Iterator[None]:
    """Let everything read inside the block be of one moment, without holding writers up; nothing may be written.

    Inside a transaction that is open already, that transaction's view is what there is.
    """
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")  # Django would take the write lock
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")
    else:
        with transaction.atomic(), connection.cursor() as cursor:
            for statement in SNAPSHOT_STATEMENTS.get(connection.vendor, ()):
                cursor.execute(statement)
            yield

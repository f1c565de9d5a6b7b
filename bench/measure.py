"""Everything that is measured on one database, in an order in which nothing disturbs what comes after."""

import sys
from typing import Any

from django.db import connection

from bench import figures, house
from bench.rounds import Rounds


def measure(present: int, people: int, rounds: int) -> dict[str, Any]:
    """Return the seconds of every turn by verb and side, and the other figures."""
    house.build()
    name = server()
    say(f"{name}: {present:,} assignments are put there")
    turns = Rounds(present, people)
    turns.seed()
    audited = figures.audit_seconds()
    for number in range(1, rounds + 1):
        say(f"{name}: round {number} of {rounds}")
        turns.one(number)
    say(f"{name}: audit, statements, mails, memory")
    figures.audit_seconds()  # what raw SQL wrote must be right, too, or it was no yardstick
    return {
        "database": name,
        "seconds": turns.seconds,
        "statements": figures.statements(),
        "mails_per_second": figures.mails_per_second(),
        "audit": audited,
    }


def say(what: str) -> None:
    """Tell whoever waits how far it is."""
    print(what, file=sys.stderr, flush=True)


def server() -> str:
    """Return the name and version of the database."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT sqlite_version()")
            return f"SQLite {cursor.fetchone()[0]}"
        cursor.execute("SELECT version()")
        return " ".join(cursor.fetchone()[0].split()[:2])

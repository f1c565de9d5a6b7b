"""What is kept once per database: the pepper of the address keys, and whether it is a demonstration, where time may move."""

import secrets
from typing import Any

from django.apps import apps
from django.db import DatabaseError

from bursar.kernel.conf import setting
from bursar.kernel.errors import Refused
from bursar.kernel.transactions import writes


def _rows() -> Any:
    """Return the model's manager by name: the fields of other models need the pepper while models are still loading."""
    return apps.get_model("bursar_people", "Installation").objects


def pepper() -> bytes:
    """Return the secret under which addresses are keyed: made at first need, then the same for ever."""
    row = _rows().filter(pk=1).first()
    if row is None:
        _rows().bulk_create([_rows().model(pk=1, pepper=secrets.token_hex(32))], ignore_conflicts=True)
        row = _rows().get(pk=1)
    return bytes.fromhex(row.pepper)


def is_demo() -> bool:
    """Tell whether `bursar demo` has filled this database; a database without our tables has not been."""
    try:
        found: bool = _rows().filter(pk=1, demo=True).exists()
    except DatabaseError:
        return False
    return found


@writes
def mark_as_demo() -> None:
    """Let the clock be moved here from now on; there is no way back."""
    pepper()
    _rows().filter(pk=1).update(demo=True)


def is_demonstration() -> bool:
    """Tell whether the setting `mode` says demo or test or, saying nothing, `bursar demo` has filled this database."""
    mode = setting("mode")
    return mode in {"demo", "test"} or (mode == "" and is_demo())


def require_movable_clock() -> None:
    """Raise `Refused` (`clock_not_movable`) anywhere but in a demonstration or a test."""
    if not is_demonstration():
        raise Refused(
            "Time is moved in demonstrations and tests only: set BURSAR_MODE=demo, or fill the database with `bursar demo`.",
            code="clock_not_movable",
        )


def check_clock_offset() -> None:
    """Raise `Refused` (`clock_not_movable`) when the setting `clock_offset` moves the clock where it must not."""
    if setting("clock_offset"):
        require_movable_clock()

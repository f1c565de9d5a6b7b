"""The history of a row as staff read it: who changed what, when and why, and what staff did to it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType

from bursar.kernel.text import storable
from bursar.staff.columns import NOTHING

SHOWN: Final = 100
KINDS: Final = {"+": "made", "~": "changed", "-": "deleted"}
LONGEST_VALUE: Final = 200


@dataclass(frozen=True, slots=True)
class Change:
    """One field that a write changed."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Happening:
    """One write to the row, or one deed of staff."""

    at: datetime
    who: str
    what: str
    why: str
    changes: Sequence[Change] = field(default=())


def history_of(row: Any, hidden: Collection[str]) -> list[Happening]:
    """Return the newest of what happened to a row, newest first; fields in `hidden` are left out. Three statements."""
    entries = LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(row), object_id=str(row.pk))
    told = [
        Happening(entry.action_time, entry.user.get_username(), "staff", storable(entry.get_change_message()))
        for entry in entries.select_related("user").order_by("-action_time")[:SHOWN]
    ]
    written = _written(row, hidden) if hasattr(row, "history") else []
    return sorted([*told, *written], key=attrgetter("at"), reverse=True)[:SHOWN]


def _written(row: Any, hidden: Collection[str]) -> list[Happening]:
    records = list(row.history.order_by("-history_date", "-history_id")[: SHOWN + 1])
    users = get_user_model()._default_manager.in_bulk({one.history_user_id for one in records if one.history_user_id})
    names = [
        one.attname for one in row.history.model.tracked_fields if one.name not in hidden and one.name != "modified"
    ]
    found = []
    for record, older in zip(records, [*records[1:], None], strict=True):
        user: Any = users.get(record.history_user_id)
        found.append(
            Happening(
                record.history_date,
                user.get_username() if user else "",
                KINDS.get(record.history_type, record.history_type),
                storable(record.history_change_reason or ""),
                [] if older is None else _differences(names, older, record),
            )
        )
    return found[:SHOWN]


def _differences(names: Sequence[str], before: Any, after: Any) -> list[Change]:
    pairs = [(name, getattr(before, name), getattr(after, name)) for name in names]
    return [Change(name, _shown(old), _shown(new)) for name, old, new in pairs if old != new]


def _shown(value: Any) -> str:
    return NOTHING if value in (None, "") else str(value)[:LONGEST_VALUE]

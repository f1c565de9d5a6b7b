"""Writes `expires_at` and its reason where the terms on the row give another date than the stored one."""

from typing import Any

from django.db import models

from bursar.assignments import expiry
from bursar.assignments.reminders import LOOK_AT_ONCE
from bursar.kernel.bulk import update_records


def schedule(record: Any) -> None:
    """Fill in the expiry of a record that is about to be inserted, unless its writer has given one."""
    if record.expires_at is None:
        due = expiry.due(record.terms())
        record.expires_at, record.expires_reason = due.at, due.reason.value


def reschedule(records: "models.QuerySet[Any]") -> int:
    """Recompute the expiry of these assignments from their stored terms; returns how many moved.

    Inside the caller's transaction; two statements, the second only if something moved. The expiry has no history and leaves `modified` alone.
    """
    moved = []
    for record in records.order_by("pk"):
        due = expiry.due(record.terms())
        if (record.expires_at, record.expires_reason) != (due.at, due.reason.value):
            record.expires_at, record.expires_reason = due.at, due.reason.value
            record.next_reminder_at = LOOK_AT_ONCE  # its steps before the deadline have moved too
            moved.append(record)
    update_records(moved, ["expires_at", "expires_reason", "next_reminder_at"])
    return len(moved)

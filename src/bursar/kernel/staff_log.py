"""What staff gave as their reasons, in Django's own log of its admin: it may name people, and goes with them."""

from collections.abc import Iterable
from typing import Any, Final

from django.apps import apps

REMOVED: Final = "Removed with the personal data."


def forget_reasons(keys: Iterable[Any]) -> int:
    """Empty what was written about the rows with these primary keys; returns how many entries had words.

    One statement, in the caller's transaction; none where a host project has no admin. The keys of our records are random,
    so that they name a row whatever its table is.
    """
    if not apps.is_installed("django.contrib.admin"):
        return 0
    entries = apps.get_model("admin", "LogEntry")._default_manager.filter(object_id__in=[str(key) for key in keys])
    return entries.update(change_message=REMOVED)

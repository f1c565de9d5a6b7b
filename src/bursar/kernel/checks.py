"""What Django's system check says of a host project's settings before anything of ours runs."""

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning
from django.db.models import IntegerField

from bursar.kernel.conf import BY_NAME


def check_settings(**_: Any) -> list[CheckMessage]:
    """Name what the setting BURSAR holds that is not one of ours."""
    unknown = sorted(set(getattr(settings, "BURSAR", {})) - set(BY_NAME))
    return [
        Error(f"BURSAR[{name!r}] is not a setting of Bursar.", hint="See docs/reference/settings.md.", id="bursar.E001")
        for name in unknown
    ]


def check_database(**_: Any) -> list[CheckMessage]:
    """Warn of a SQLite database whose transactions take the write lock too late."""
    database = settings.DATABASES.get("default", {})
    if not str(database.get("ENGINE", "")).endswith("sqlite3"):
        return []
    if str(database.get("OPTIONS", {}).get("transaction_mode", "")).upper() == "IMMEDIATE":
        return []
    return [
        CheckWarning(
            "SQLite transactions are not IMMEDIATE: two writers at once meet «database is locked».",
            hint='Set OPTIONS["transaction_mode"] = "IMMEDIATE" (bursar.project.databases.database does).',
            id="bursar.W001",
        )
    ]


def check_user_model(**_: Any) -> list[CheckMessage]:
    """Warn of a user model whose keys are no integers: what is written down of acts and replies holds integers."""
    model = get_user_model()
    key: Any = model._meta.pk
    while key.remote_field:
        key = key.target_field
    if isinstance(key, IntegerField):
        return []
    return [
        CheckWarning(
            f"The primary key of {model._meta.label} is no integer: its users can have no roles and do nothing themselves.",
            hint="Bursar takes user models whose primary key is an integer; see docs/guides/in-your-project.md.",
            id="bursar.W002",
        )
    ]

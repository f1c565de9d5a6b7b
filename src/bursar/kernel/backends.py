"""Objects named by settings: each port has one, made once and made anew when a setting changes."""

from functools import cache
from typing import Any

from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from bursar.kernel.conf import BY_NAME, setting
from bursar.kernel.errors import Misconfigured


@cache
def backend(name: str) -> Any:
    """Return the object (a class is called, a function kept) that the setting `name` points at.

    Raises `Misconfigured`, naming the setting, when nothing can be imported from there.
    """
    path = setting(name)
    try:
        found = import_string(path)
    except ImportError as error:
        raise Misconfigured(
            f"{BY_NAME[name].variable} names {path!r}, which cannot be imported.", setting=name
        ) from error
    return found() if isinstance(found, type) else found


def forget_backends(**_: Any) -> None:
    """Make every backend anew at its next use."""
    backend.cache_clear()


setting_changed.connect(forget_backends)

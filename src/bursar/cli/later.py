"""Loads what needs Django when it is first used, so that `bursar --help` is quick and writes nothing."""

import os
from importlib import import_module
from typing import Any, Final

import django
from django.apps import apps

SETTINGS: Final = "bursar.project.settings"


def set_up() -> None:
    """Load the settings of the service (or those that DJANGO_SETTINGS_MODULE names) and the apps; raises `Misconfigured`."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", SETTINGS)  # noqa: TID251  Django is told where the settings are
    if not apps.ready:  # setting up twice would take the loggers of whoever calls us apart
        django.setup()


class Later:
    """A module that is imported at the first look into it; whoever looks has called `set_up` if it needs Django."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self._path), name)

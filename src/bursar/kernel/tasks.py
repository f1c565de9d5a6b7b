"""The one place that names the Tasks API: Django's own where Django has it, else the package that brought it."""

from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING or not find_spec("django.tasks"):
    from django_tasks import task, task_backends
else:
    from django.tasks import task, task_backends

__all__ = ["task", "task_backends"]

"""The settings of the service with one app more: a topic whose messages are counted instead of sent."""

from bursar.project.settings import *  # noqa: F403
from bursar.project.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.e2e.fleet_app.Fleet"]

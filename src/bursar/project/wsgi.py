"""The WSGI entry point of the ready-made service."""

import os
import sys

from django.core.wsgi import get_wsgi_application

from bursar.kernel.errors import Misconfigured
from bursar.project.demonstration import check_clock

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bursar.project.settings")

try:
    application = get_wsgi_application()
    check_clock()
except Misconfigured as error:
    sys.exit(f"bursar: {error.message}")

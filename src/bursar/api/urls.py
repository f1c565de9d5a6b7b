"""Where the two APIs live: Open edX's under /api/, ours under /v1/; and the route that clients ask for a CSRF token."""

from typing import Final

from django.urls import URLPattern, URLResolver, path

from bursar.api import csrf
from bursar.api.openedx.api import api as openedx
from bursar.api.v1.api import api as v1

urlpatterns: Final[list[URLPattern | URLResolver]] = [
    path("api/", openedx.urls),
    path("v1/", v1.urls),
    path("csrf/api/v1/token", csrf.token, name="csrf-token"),
]

"""Where this service is reached from outside: the addresses that answers name follow the request, or a setting."""

from django.http import HttpRequest
from django.urls import reverse

from bursar.kernel.conf import setting


def absolute(request: HttpRequest, path: str) -> str:
    """Return the address of a path of this service as whoever asks can use it."""
    base: str = setting("public_api_url")
    return f"{base}{path}" if base else request.build_absolute_uri(path)


def openedx_root(request: HttpRequest) -> str:
    """Return the address under which the Open edX routes lie, with a slash at its end."""
    return absolute(request, reverse("openedx:api-root"))

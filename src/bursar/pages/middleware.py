"""Sets the reader's time zone for every page, and takes it back afterwards; a guard may set a better one."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from bursar.pages.zones import reader_zone


class ReadersZone:
    """Makes the time zone of the reader's browser the active one during a request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, in the reader's time zone."""
        with timezone.override(reader_zone(request)):
            return self.get_response(request)

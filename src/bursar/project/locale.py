"""Pages are in the reader's language; what programs read is in English, whatever their Accept-Language says."""

from typing import Final, cast

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils import translation

from bursar.project.errors import OPENEDX, OWN

FOR_PROGRAMS: Final = (OPENEDX, OWN)


class PagesInTheReadersLanguage(LocaleMiddleware):
    """Django's LocaleMiddleware for pages alone; what it made active does not outlive the request."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, in the reader's language."""
        with translation.override(settings.LANGUAGE_CODE):
            return cast("HttpResponseBase", super().__call__(request))

    def process_request(self, request: HttpRequest) -> None:
        """Make the reader's language the active one."""
        if request.path_info.startswith(FOR_PROGRAMS):
            return
        super().process_request(request)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Say which language it is."""
        if request.path_info.startswith(FOR_PROGRAMS):
            return response
        return super().process_response(request, response)

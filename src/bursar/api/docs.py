"""The pages that explain an API: its description, drawn by Swagger UI from files that this service itself serves."""

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from ninja import NinjaAPI
from ninja.openapi.docs import DocsBase

# Swagger UI draws with style attributes and with pictures inside its style sheet; every script is a file of ours.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
SETTINGS: Final = {"layout": "BaseLayout", "deepLinking": True, "validatorUrl": None}


class Pages(DocsBase):
    """Renders the page of an API, with a policy that lets it talk to this service and to nobody else."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        """Return the page."""
        settings = {**SETTINGS, "url": self.get_openapi_url(api, kwargs)}
        page = render(request, "bursar_api/docs.html", {"title": api.title, "settings": settings})
        page["Content-Security-Policy"] = POLICY
        return page

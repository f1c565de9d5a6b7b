"""What every template may use: the viewer, theme, languages, and the nonce that lets our scripts run."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.timezone import get_current_timezone_name

from bursar.pages.preferences import theme_of


def page(request: HttpRequest) -> dict[str, Any]:
    """Return what the shell is drawn from; `csp_nonce` is None where the host project sets no policy."""
    return {
        "viewer": getattr(request, "viewer", None),
        "portal": getattr(request, "portal", ""),
        "theme": theme_of(request),
        "csp_nonce": getattr(request, "csp_nonce", None),
        "page_languages": settings.LANGUAGES,
        "page_address": request.get_full_path(),
        "page_zone": get_current_timezone_name(),
    }

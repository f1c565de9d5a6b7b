"""What a reader chooses for this browser: language and theme, each kept in a cookie that names nobody."""

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

THEME_COOKIE: Final = "bursar_theme"
THEMES: Final = ("light", "dark")
KEPT: Final = timedelta(days=365)


@csrf_exempt  # the form stands on pages that set no cookie; forging it could change a colour or a language
@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Keep the language or the theme that was chosen, and go back; what is unknown changes nothing."""
    there = request.POST.get("next", "")
    here = url_has_allowed_host_and_scheme(there, {request.get_host()}, require_https=request.is_secure())
    response = redirect(there if here else "/")
    language, theme = request.POST.get("language"), request.POST.get("theme")
    if language in dict(settings.LANGUAGES):
        _keep(response, settings.LANGUAGE_COOKIE_NAME, str(language))
    if theme in THEMES:
        _keep(response, THEME_COOKIE, str(theme))
    elif theme == "system":
        response.delete_cookie(THEME_COOKIE, samesite="Lax")
    return response


def theme_of(request: HttpRequest) -> str:
    """Return light or dark where the reader has chosen one; "" leaves it to the device."""
    chosen = request.COOKIES.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else ""


def _keep(response: HttpResponse, cookie: str, value: str) -> None:
    response.set_cookie(cookie, value, max_age=KEPT, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE)

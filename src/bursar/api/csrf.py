"""The token against forged requests, for pages of other origins that call the APIs with cookies (wire contract, 0)."""

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from bursar.api.rendering import dump


@never_cache
@require_GET
def token(request: HttpRequest) -> HttpResponse:
    """Answer with the token, and set the cookie that goes with it."""
    return HttpResponse(dump({"csrfToken": get_token(request)}), content_type="application/json")

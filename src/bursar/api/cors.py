"""Which pages of other origins may call the APIs with cookies (CORS): those that the setting names, never all."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from bursar.kernel.conf import setting

PATHS: Final = ("/api/", "/v1/", "/csrf/")
METHODS: Final = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
ALLOWED: Final = "authorization, content-type, idempotency-key, if-match, if-none-match, use-jwt-cookie, x-csrftoken"
EXPOSED: Final = (
    "ETag, Link, Location, Content-Disposition, Idempotent-Replayed, Retry-After, RateLimit, RateLimit-Policy"
)
REMEMBERED_SECONDS: Final = "600"


class CrossOrigin:
    """Answers browsers that ask first (preflight), and marks every other answer of the APIs."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, with what a browser wants to read before it shows the answer to a page."""
        origins = setting("cors_origins")
        if not origins or not request.path_info.startswith(PATHS):
            return self.get_response(request)
        asks_first = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        response = HttpResponse(status=HTTPStatus.NO_CONTENT) if asks_first else self.get_response(request)
        patch_vary_headers(response, ["Origin"])
        origin = request.headers.get("Origin", "")
        if origin in origins:
            _permit(response, origin, asks_first=asks_first)
        return response


def _permit(response: HttpResponse, origin: str, *, asks_first: bool) -> None:
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Allow-Credentials"] = "true"
    if asks_first:
        response.headers["Access-Control-Allow-Methods"] = METHODS
        response.headers["Access-Control-Allow-Headers"] = ALLOWED
        response.headers["Access-Control-Max-Age"] = REMEMBERED_SECONDS
    else:
        response.headers["Access-Control-Expose-Headers"] = EXPOSED

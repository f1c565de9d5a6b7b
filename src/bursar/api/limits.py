"""How often a caller of the APIs may ask, told in the headers of every answer; who is nobody counts by their address."""

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse
from ninja.throttling import BaseThrottle

from bursar.api.auth import actor_of
from bursar.kernel.conf import setting
from bursar.kernel.errors import Unavailable
from bursar.people.limits import SLOT_SECONDS, Allowance, ask, household

ALLOWANCE: Final = "_bursar_allowance"


class PerCaller(BaseThrottle):
    """Counts the requests of whoever has been recognised: one statement, or none where the limit is 0."""

    def allow_request(self, request: HttpRequest) -> bool:
        """Tell whether the caller may go on."""
        actor = actor_of(request)
        return _may(request, f"{actor.kind} {actor.name}", setting("rate_limit"))


def stranger_may(request: HttpRequest) -> bool:
    """Count a request of nobody in particular by its client address, and tell whether it may go on."""
    return _may(request, f"address {household(request.META.get('REMOTE_ADDR', ''))}", setting("rate_limit_anonymous"))


def _may(request: HttpRequest, who: str, limit: int) -> bool:
    if not limit:
        return True
    try:
        allowance = ask(who, limit)
    except Unavailable:
        return True  # a database too busy to count says so itself to whatever is asked of it next
    setattr(request, ALLOWANCE, allowance)
    return allowance.passed


class RateHeaders:
    """Tells what is left, as draft-ietf-httpapi-ratelimit-headers has it, and when to come back after a refusal."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, with the headers if the request was counted."""
        response = self.get_response(request)
        allowance: Allowance | None = getattr(request, ALLOWANCE, None)
        if allowance is not None:
            response.headers["RateLimit-Policy"] = f'"caller";q={allowance.limit};w={SLOT_SECONDS}'
            response.headers["RateLimit"] = f'"caller";r={allowance.left};t={allowance.seconds}'
            if not allowance.passed:
                response.headers["Retry-After"] = str(allowance.seconds)
        return response

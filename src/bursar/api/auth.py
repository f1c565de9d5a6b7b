"""Who is asking: a request becomes an Actor, or nobody. What an actor may do is asked of `people.access` alone.

A request that shows something to be known by is known by that alone: a bad token is not made good by a session.
"""

from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, QueryDict
from ninja.security.base import AuthBase
from ninja.utils import check_csrf

from bursar.assignments.flows import welcome
from bursar.kernel.actor import Actor
from bursar.kernel.conf import setting
from bursar.people import jwts
from bursar.people.flows import jwt_claims
from bursar.people.models import Profile
from bursar.people.tokens import MARK, token_owner

SCHEMES: Final = frozenset({"bearer", "jwt"})  # Open edX's own programs say JWT
COOKIE_HEADER: Final = "USE-JWT-COOKIE"
HEAD_COOKIE: Final = "edx-jwt-cookie-header-payload"
TAIL_COOKIE: Final = "edx-jwt-cookie-signature"


class BearerToken(AuthBase):
    """An API token, or a JWT, in the Authorization header."""

    openapi_type: str = "http"
    openapi_scheme: str = "bearer"
    openapi_description: str = "An API token (`bursar token create`), or a JWT of the issuer that is set up."

    def __call__(self, request: HttpRequest) -> Actor | None:
        """Return who speaks by the token, or None."""
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() not in SCHEMES:
            return None
        text = text.strip()
        return token_owner(text) if text.startswith(MARK) else _by_jwt(text)


class JwtCookies(AuthBase):
    """The two halves of a JWT that an Open edX LMS keeps as cookies; what changes anything needs the CSRF token too."""

    openapi_type: str = "apiKey"
    openapi_in: str = "cookie"
    openapi_name: str = HEAD_COOKIE
    openapi_description: str = (
        f"Beside it the cookie `{TAIL_COOKIE}` and the header `{COOKIE_HEADER}: true`; for POST, PUT, PATCH and DELETE "
        "the header `X-CSRFToken` with the answer of `GET /csrf/api/v1/token`, too."
    )

    def __call__(self, request: HttpRequest) -> Actor | None:
        """Return whom the cookies speak of, or None; without proof against forgery too."""
        if "Authorization" in request.headers or not uses_jwt_cookies(request) or _may_be_forged(request):
            return None
        return _by_jwt(f"{request.COOKIES.get(HEAD_COOKIE, '')}.{request.COOKIES.get(TAIL_COOKIE, '')}")


class SessionCookie(AuthBase):
    """A session of the portals; what changes anything must also prove that it comes from a page of ours."""

    openapi_type: str = "apiKey"
    openapi_in: str = "cookie"
    openapi_description: str = (
        "A session of the portals; POST, PUT, PATCH and DELETE need the header `X-CSRFToken` too."
    )

    @property
    def openapi_name(self) -> str:
        """Return what the cookie is called here."""
        return settings.SESSION_COOKIE_NAME

    def __call__(self, request: HttpRequest) -> Actor | None:
        """Return the user of the session, or None; without proof against forgery too."""
        if "Authorization" in request.headers or uses_jwt_cookies(request):
            return None
        user: Any = request.user
        if not user.is_authenticated or not user.is_active or _may_be_forged(request):
            return None
        number = Profile.objects.filter(user_id=user.pk).values_list("lms_user_id", flat=True).first()
        return Actor("person", f"user {user.pk}", user.pk, number)


def _may_be_forged(request: HttpRequest) -> bool:
    """Tell whether what cookies ask for may come from somebody else's page. The token is looked for in the header alone.

    Django would read a form for it first, and leave nothing of a body that calls itself one to the operation.
    """
    request.POST = QueryDict()  # no operation takes a form
    return check_csrf(request) is not None


def _by_jwt(text: str) -> Actor | None:
    """Return who speaks by a JWT; whoever comes for the first time, with a proven address, has an account from now on."""
    claims = jwt_claims(text)
    actor = None if claims is None else jwts.actor_of(claims)
    if claims is None or actor is None or not setting("jwt_accounts"):
        return actor
    newcomer = jwts.newcomer_of(claims, actor)
    if newcomer is None:
        return actor
    welcome(newcomer)
    return jwts.actor_of(claims)


CALLERS: Final = (BearerToken(), JwtCookies(), SessionCookie())


def uses_jwt_cookies(request: HttpRequest) -> bool:
    """Tell whether a request asks to be known by its JWT cookies, and has any."""
    asked = request.headers.get(COOKIE_HEADER, "").strip().lower() == "true"
    return asked and bool(request.COOKIES.keys() & {HEAD_COOKIE, TAIL_COOKIE})


def actor_of(request: HttpRequest) -> Actor:
    """Return who asks, as one of `CALLERS` has established."""
    actor: Actor = request.auth  # type: ignore[attr-defined]  # set by ninja
    return actor

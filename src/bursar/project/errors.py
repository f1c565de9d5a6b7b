"""How a request that fails is answered: a page for people, JSON under the addresses that programs use."""

import json
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as later

from bursar.api.v1 import problems
from bursar.pages.preferences import theme_of

OPENEDX: Final = "/api/"
OWN: Final = "/v1/"


@dataclass(frozen=True, slots=True)
class Failure:
    """One way to fail: its status, its stable code, its name, and what it means to the person who meets it.

    Programs get the name as it is, people both in their language.
    """

    status: int
    code: str
    title: str
    words: str


BAD_REQUEST: Final = Failure(
    400,
    "bad_request",
    later("Bad request"),
    later("The browser sent something that cannot be read as a request to this service."),
)
FORBIDDEN: Final = Failure(403, "forbidden", later("Not allowed"), later("This page is not open to you."))
STALE_FORM: Final = Failure(
    403,
    "csrf_failed",
    later("The form is too old"),
    later(
        "It was not sent from a page of this service, or that page has been open too long. Go back, reload it and send it again."
    ),
)
NOT_FOUND: Final = Failure(
    404,
    "not_found",
    later("Not found"),
    later("Nothing lives at this address. It may have moved, or the link may be broken."),
)
LENGTH_REQUIRED: Final = Failure(
    411,
    "length_required",
    later("Length required"),
    later("Say how long what you send is (Content-Length): in chunks without a length it is not read here."),
)
TOO_LARGE: Final = Failure(
    413, "too_large", later("Too large"), later("What was sent is larger than this service takes.")
)
TOO_MANY: Final = Failure(
    429,
    "too_many_requests",
    later("Too many attempts"),
    later("This was tried very often just now. Wait a minute, then try again."),
)
UNAVAILABLE: Final = Failure(
    503,
    "unavailable",
    later("Try again in a moment"),
    later("The service is busy, and what you asked for was not done."),
)
SERVER_ERROR: Final = Failure(
    500,
    "server_error",
    later("Something went wrong"),
    later(
        "The fault is ours and has been written to the log. What you asked for may not have been done; look before you try again."
    ),
)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 400."""
    return answer(request, BAD_REQUEST)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 403."""
    return answer(request, FORBIDDEN)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer 403 to a form that does not prove where it came from."""
    return answer(request, STALE_FORM)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 404."""
    return answer(request, NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500; needs neither the database nor a session."""
    return answer(request, SERVER_ERROR)


def answer(request: HttpRequest, failure: Failure) -> HttpResponse:
    """Answer with `failure` in the form of the address asked: Open edX's body, problem+json, or a page."""
    if request.path_info.startswith(OPENEDX):
        body: dict[str, object] = {"detail": f"{failure.title}."}
        return HttpResponse(json.dumps(body), status=failure.status, content_type="application/json")
    if request.path_info.startswith(OWN):
        return problems.problem(failure.status, failure.code, failure.words)
    return HttpResponse(render_to_string("pages/error.html", _facts(request, failure)), status=failure.status)


def _facts(request: HttpRequest, failure: Failure) -> dict[str, object]:
    """Return what the page is made of without asking the database, which may be what failed."""
    return {
        "status": failure.status,
        "title": gettext(failure.title),
        "words": gettext(failure.words),
        "theme": theme_of(request),
        "csp_nonce": getattr(request, "csp_nonce", None),
    }

"""How our own API refuses: problem+json (RFC 9457) with a stable code, once for every kind of error."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from django.core.exceptions import ValidationError as InvalidRecord
from django.http import HttpRequest, HttpResponse
from ninja.errors import AuthenticationError, HttpError, ValidationError

from bursar.api.idempotency import KeyReused
from bursar.api.rendering import dump
from bursar.api.v1.errors import Forbidden, LengthRequired, Stale, TooLarge, Unconditional, UnsupportedMedia
from bursar.kernel.errors import BadInput, BursarError, NotFound, Refused, Unavailable

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_SECONDS: Final = 1
STATUSES: Final[tuple[tuple[type[BursarError], int], ...]] = (
    (NotFound, 404),
    (UnsupportedMedia, 415),
    (LengthRequired, 411),
    (TooLarge, 413),
    (BadInput, 400),
    (Forbidden, 403),
    (Unconditional, 428),
    (Stale, 412),
    (KeyReused, 422),
    (Unavailable, 503),
    (Refused, 409),
)
CODES: Final = {
    400: "bad_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    429: "too_many_requests",
}

SCHEMA: Final = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string", "description": "`about:blank`: the code says it all."},
        "title": {"type": "string", "description": "The name of the status."},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable; for machines.", "examples": ["over_budget"]},
        "detail": {"type": "string", "description": "For people."},
        "facts": {"type": "object", "description": "What proves it, such as the amount that is missing."},
        "errors": {
            "type": "array",
            "description": "Every fault of an input that cannot be read.",
            "items": {
                "type": "object",
                "required": ["where", "code", "message"],
                "properties": {
                    "where": {"type": "string", "examples": ["body/amount_cents"]},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
    },
}
WORDS: Final = {
    400: "The request cannot be read.",
    401: "Nobody knows who is asking.",
    403: "This caller may look, but not do this.",
    404: "Nothing is there, or nothing that this caller may see.",
    409: "A rule says no; nothing was changed.",
    411: "A body without its length (Content-Length) is not read.",
    412: "It has been changed since it was read (`stale`).",
    413: "The request is too large.",
    415: "The body is of a type that is not read here.",
    422: "The Idempotency-Key was used for another request.",
    428: "An edit needs If-Match.",
    429: "Too many requests.",
    503: "The service is busy; nothing was done.",
}


REFERENCE: Final = "#/components/schemas/Problem"


def documented(*statuses: int) -> dict[int, Any]:
    """Return how OpenAPI describes these answers."""
    return {
        status: {"description": WORDS[status], "content": {MEDIA_TYPE: {"schema": {"$ref": REFERENCE}}}}
        for status in statuses
    }


DOCUMENTED: Final = {
    str(status): answer for status, answer in documented(400, 401, 403, 404, 409, 411, 413, 415, 429, 503).items()
}


def content(status: int, code: str, detail: str = "", **facts: Any) -> dict[str, Any]:
    """Return the body of a problem."""
    title = HTTPStatus(status).phrase
    return {"type": "about:blank", "title": title, "status": status, "code": code, "detail": detail or title, **facts}


def problem(status: int, code: str, detail: str = "", **facts: Any) -> HttpResponse:
    """Return an answer that says what is wrong: `code` for machines, `detail` for people, and the facts that prove it."""
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    body = dump(content(status, code, detail, **facts))
    return HttpResponse(body, status=status, content_type=MEDIA_TYPE, headers=headers)


def unauthenticated(_: HttpRequest, __: AuthenticationError) -> HttpResponse:
    """Answer 401."""
    return problem(401, "unauthenticated", "Say who you are: an API token, a JWT or a session.")


def http_error(_: HttpRequest, error: HttpError) -> HttpResponse:
    """Answer with the status that the framework gives; for a body that cannot be parsed, with the reason."""
    if isinstance(error.__cause__, BursarError):
        return refused(_, error.__cause__)
    code = "malformed_body" if error.status_code == HTTPStatus.BAD_REQUEST else CODES.get(error.status_code, "refused")
    return problem(error.status_code, code, error.message)


def invalid(_: HttpRequest, error: ValidationError) -> HttpResponse:
    """Answer 400 with every fault of the request, each with its place."""
    return _invalid(
        [
            {"where": "/".join(_place(error["loc"])), "code": str(error["type"]), "message": str(error["msg"])}
            for error in error.errors
        ]
    )


def invalid_record(_: HttpRequest, error: InvalidRecord) -> HttpResponse:
    """Answer 400 to what the fields of a record do not take."""
    return _invalid(
        [
            {"where": f"body/{name}", "code": str(fault.code), "message": " ".join(fault.messages)}
            for name, faults in error.error_dict.items()
            for fault in faults
        ]
    )


def refused(_: HttpRequest, error: BursarError) -> HttpResponse:
    """Answer with the status that the kind of error has."""
    return problem(status_of(error), error.code, error.message, facts=error.facts)


def status_of(error: BursarError) -> int:
    """Return the status with which an error is answered."""
    return next((status for kind, status in STATUSES if isinstance(error, kind)), 409)


def _invalid(faults: Sequence[Mapping[str, str]]) -> HttpResponse:
    return problem(400, "invalid_input", "The request cannot be read as what is asked for.", errors=faults)


def _place(loc: Sequence[Any]) -> list[str]:
    """Return where a fault is, without the name that the view gives to the body or the filters."""
    where, *rest = map(str, loc)
    return [where, *(part for part in rest if part not in OF_THE_VIEW)]


OF_THE_VIEW: Final = frozenset({"payload", "filters", "paging"})

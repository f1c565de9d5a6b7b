"""How the Open edX routes refuse: bodies as the services they stand in for send them (ruling 30)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from ninja.errors import AuthenticationError, HttpError, ValidationError

from bursar.api.rendering import dump
from bursar.kernel.errors import BadInput, BursarError, NotFound, Refused, Unavailable

UNAUTHENTICATED: Final = "Authentication credentials were not provided."
NOWHERE: Final = "Not found."
NOT_NULL: Final = "This field may not be null."
WORDS: Final = {
    "missing": "This field is required.",
    "uuid_parsing": "Must be a valid UUID.",
    "uuid_type": "Must be a valid UUID.",
    "int_type": "A valid integer is required.",
    "int_parsing": "A valid integer is required.",
    "int_from_float": "A valid integer is required.",
    "list_type": 'Expected a list of items but got type "{}".',
    "too_short": "This list may not be empty.",
    "too_long": "Ensure this field has no more than {max_length} elements.",
    "model_type": "Invalid data. Expected a dictionary, but got {}.",
    "string_too_long": "Ensure this field has no more than {max_length} characters.",
    "greater_than_equal": "Ensure this value is greater than or equal to {ge}.",
    "less_than_equal": "Ensure this value is less than or equal to {le}.",
    "string_type": "Not a valid string.",
    "string_too_short": "This field may not be blank.",
    "string_pattern_mismatch": "Enter whole numbers separated by commas.",
    "bool_parsing": "Must be a valid boolean.",
}

DOCUMENTED: Final = {
    str(status): {"description": words, "content": {"application/json": {"schema": {}}}}
    for status, words in {
        400: "The request cannot be read: what is wrong, by field.",
        401: "Nobody knows who is asking.",
        403: "Not for this caller, or not there at all.",
        404: "Nothing is there.",
        411: "The body comes without its length (Content-Length).",
        413: "The body is too large.",
        422: "A rule says no.",
        429: "Too much at once; try again.",
        503: "The service is busy; nothing was done.",
    }.items()
}


class Denied(BursarError):
    """Not for this caller, or not there at all: both are answered with 403, so that ids cannot be probed."""

    default_code = "denied"

    def __init__(self, permission: str) -> None:
        super().__init__(permission)


def body(data: Any, status: int) -> HttpResponse:
    """Return an answer with a JSON body, or with none at all for None."""
    if data is not None:
        return HttpResponse(dump(data), status=status, content_type="application/json")
    empty = HttpResponse(status=status)
    del empty["Content-Type"]
    return empty


def denied(_: HttpRequest, error: Denied) -> HttpResponse:
    """Answer 403, naming the permission in the words that clients know."""
    return body({"detail": error.message}, 403)


def unauthenticated(_: HttpRequest, __: AuthenticationError) -> HttpResponse:
    """Answer 401."""
    answer = body({"detail": UNAUTHENTICATED}, 401)
    answer["WWW-Authenticate"] = "Bearer"
    return answer


def http_error(_: HttpRequest, error: HttpError) -> HttpResponse:
    """Answer with the status that the framework gives, such as 400 for a body that is no JSON."""
    return body({"detail": error.message}, error.status_code)


def invalid(_: HttpRequest, error: ValidationError) -> HttpResponse:
    """Answer 400 with what is wrong, field by field, and within lists by place; a malformed id in the path names nothing."""
    if all(fault["loc"][0] == "path" for fault in error.errors):
        return body({"detail": NOWHERE}, 404)
    return body(_by_field(error.errors), 400)


def refused(_: HttpRequest, error: BursarError) -> HttpResponse:
    """Answer what no view has answered in its own way."""
    statuses = ((NotFound, 403), (BadInput, 400), (Unavailable, 503), (Refused, 422))
    status = next((status for kind, status in statuses if isinstance(error, kind)), 422)
    return body({"detail": error.message, "code": error.code}, status)


def _by_field(errors: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for error in errors:
        place = [part for part in error["loc"][1:] if part not in {"payload", "query"}] or ["non_field_errors"]
        field, *inner = map(str, place)
        if inner and inner[0].isdigit():
            found.setdefault(field, {}).setdefault(inner[0], []).append(_words(error))
        else:
            found.setdefault(field, []).append(_words(error))
    return found


def _words(error: Mapping[str, Any]) -> str:
    if error["type"] != "missing" and error.get("input", "") is None:
        return NOT_NULL
    if error["type"] not in WORDS:
        return str(error["msg"])
    return WORDS[error["type"]].format(type(error.get("input")).__name__, **error.get("ctx", {}))

"""JSON as both APIs write it: orjson, with instants in UTC and a Z."""

from typing import Any, Final

import orjson
from django.http import HttpRequest, HttpResponse
from ninja.renderers import BaseRenderer
from pydantic import BaseModel

JSON: Final = "application/json; charset=utf-8"
OPTIONS: Final = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC


class OrjsonRenderer(BaseRenderer):
    """Renders what a view returns."""

    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:  # noqa: ARG002  ninja calls it so
        """Return `data` as bytes of JSON."""
        return dump(data)


def dump(data: Any) -> bytes:
    """Return `data` as bytes of JSON; models as what they serialise to."""
    return orjson.dumps(data, default=_plain, option=OPTIONS)


def answer(body: Any, status: int = 200) -> HttpResponse:
    """Return an answer with `body` as JSON: what a view gives that has shaped its rows itself, without a second reading."""
    return HttpResponse(dump(body), status=status, content_type=JSON)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump()
    raise TypeError(f"{type(value).__name__} is no JSON")

"""Idempotency-Key: which requests need one, what one may be, and how the answer shows that it was given before."""

import json
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from bursar.api import idempotency
from bursar.api.auth import actor_of
from bursar.api.idempotency import Kept, Reply, Slot
from bursar.api.rendering import JSON, dump
from bursar.api.v1 import problems
from bursar.kernel.errors import BadInput, Refused
from bursar.people.keys import keyed_hash

HEADER: Final = "Idempotency-Key"
KEY: Final = re.compile(r"[\x20-\x7e]{1,255}")
PARAMETER: Final = {
    "in": "header",
    "name": HEADER,
    "required": True,
    "description": "1 to 255 printable ASCII characters, new for each thing that you want done: a UUID. "
    "The same key with the same request gives the same answer and does nothing again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]{1,255}$"},
    "example": "0d9bd6a4-55c1-4f0b-8a6c-4a6f5b7f9d1e",
}
KEYED: Final = {"parameters": [PARAMETER], "responses": problems.documented(422)}
KEYABLE: Final = {"parameters": [PARAMETER | {"required": False}], "responses": problems.documented(422)}


def once(
    request: HttpRequest,
    customer: UUID | None,
    call: Callable[[], Any],
    keep: Callable[[Any], Reply],
    *,
    show: Callable[[Any], Any] | None = None,
    asked: Sequence[bytes] | None = None,
) -> HttpResponse:
    """Answer a money-moving POST: do `call` once for its key, however often it is asked.

    `call` runs one verb; `keep` makes the reply of what the verb's first transaction returns, inside it. A reply with
    personal data keeps ids instead, and `show` makes the body of them, the first time too. `asked` is what makes the
    request another one, where its body was read as a stream. Raises `BadInput`
    (`idempotency_key_missing`, `invalid_idempotency_key`) and what `idempotency.once` raises.
    """
    slot = Slot.of(actor_of(request), customer, _route(request), key_of(request), asked or _asked(request))
    kept = idempotency.once(slot, call, keep, _refusal)
    return _answer(kept, show)


def once_if_keyed(
    request: HttpRequest, customer: UUID | None, call: Callable[[], Any], keep: Callable[[Any], Reply]
) -> HttpResponse:
    """Answer a POST that moves no money, and so may come without a key."""
    if HEADER in request.headers:
        return once(request, customer, call, keep)
    reply = keep(call())
    return _answer(Kept(reply.status, dump(reply.body), reply.location), None)


def made(body: Any, view: str, **key: Any) -> Reply:
    """Return the reply to having made something that `view` shows."""
    return Reply(201, body, reverse(f"v1:{view}", kwargs=key))


def effect_key(request: HttpRequest) -> str:
    """Return what the effect itself is kept under, for good: a second net behind the key, which is kept for a while."""
    actor = actor_of(request)
    return keyed_hash("effect", actor.kind, actor.name, _route(request), key_of(request))


def key_of(request: HttpRequest) -> str:
    """Return the key of a request; raises `BadInput` (`idempotency_key_missing`, `invalid_idempotency_key`)."""
    key = request.headers.get(HEADER, "")
    if not key:
        raise BadInput(f"This moves money: send a new {HEADER} with it.", code="idempotency_key_missing")
    if not KEY.fullmatch(key):
        raise BadInput(f"An {HEADER} is 1 to 255 printable ASCII characters.", code="invalid_idempotency_key")
    return key


def _route(request: HttpRequest) -> str:
    match = request.resolver_match
    return f"{request.method} {match.route if match else request.path}"


def _asked(request: HttpRequest) -> tuple[bytes, bytes, bytes]:
    """Return what makes two requests the same: method, path, and the body in one canonical form (JSON) or as it is.

    An operation that takes no body has read none, so one that calls itself JSON need not be any, or may be empty.
    """
    body = request.body
    if request.content_type == "application/json":
        with suppress(ValueError, RecursionError):
            body = json.dumps(json.loads(body), sort_keys=True, separators=(",", ":")).encode()
    return (request.method or "").encode(), request.path.encode(), body


def _refusal(error: Refused) -> Reply:
    return Reply(
        problems.status_of(error),
        problems.content(problems.status_of(error), error.code, error.message, facts=error.facts),
    )


def _answer(kept: Kept, show: Callable[[Any], Any] | None) -> HttpResponse:
    failed = kept.status >= 400  # noqa: PLR2004  HTTP's line between done and not
    content = kept.content if failed or show is None else dump(show(kept.body))
    media = problems.MEDIA_TYPE if failed else JSON
    response = HttpResponse(content, status=kept.status, content_type=media)
    if kept.location:
        response["Location"] = kept.location
    if kept.replayed:
        response["Idempotent-Replayed"] = "true"
    return response

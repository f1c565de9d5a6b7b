"""Bodies about many assignments, and answers that name each: done with its outcome, or refused with a code."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final
from uuid import UUID

from django.http import HttpResponse
from pydantic import Field

from bursar.api.idempotency import Reply
from bursar.api.rendering import answer
from bursar.api.v1.errors import TooLarge
from bursar.api.v1.schemas import Id, In, Out
from bursar.assignments.policy import WORDS, Code
from bursar.kernel.conf import setting
from bursar.kernel.results import BulkResult, Refusal

MOST: Final = 1000


class ManyIn(In):
    """Some assignments."""

    assignments: Annotated[list[Id], Field(min_length=1, max_length=MOST)]


class DoneOut(Out):
    """What was done with one."""

    assignment: UUID
    result: str = Field(description="What it came to; `unchanged` where it was so before.", examples=["cancelled"])


class RefusedOut(Out):
    """Why one was left as it is."""

    assignment: UUID
    code: str = Field(examples=["wrong_state"])
    message: str
    facts: dict[str, Any]


class ManyOut(Out):
    """Every assignment of the call once: done or refused."""

    done: list[DoneOut]
    refused: list[RefusedOut]


def keys_of(payload: ManyIn) -> list[UUID]:
    """Return the assignments meant, each once; raises `TooLarge` for more than one transaction takes."""
    keys = list(dict.fromkeys(payload.assignments))
    most = min(MOST, setting("chunk_size"))
    if len(keys) > most:
        raise TooLarge(f"At most {most} assignments at once.", code="too_many_items", limit=most)
    return keys


def told(outcome: BulkResult[UUID, str]) -> HttpResponse:
    """Answer with what became of each."""
    return answer(shape(outcome))


def kept(outcome: BulkResult[UUID, str]) -> Reply:
    """Return the same as a reply that is kept under a key."""
    return Reply(200, shape(outcome))


def shape(outcome: BulkResult[UUID, str]) -> dict[str, Any]:
    """Return an outcome as JSON."""
    done = [{"assignment": key, "result": str(result)} for key, result in outcome.done.items()]
    return {"done": done, "refused": refusals(outcome.refused)}


def refusals(refused: Mapping[UUID, Refusal]) -> list[dict[str, Any]]:
    """Return refusals as JSON."""
    return [
        {"assignment": key, "code": why.code, "message": why.message, "facts": why.facts}
        for key, why in refused.items()
    ]


def unknown(keys: Iterable[UUID], known: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the refusals of those that are not among the `known`: they do not exist for this caller."""
    named = {str(item["assignment"]) for item in known}
    code = Code.NOT_FOUND
    return [
        {"assignment": key, "code": str(code), "message": WORDS[code], "facts": {}}
        for key in keys
        if str(key) not in named
    ]

"""The webhook port: post signed bodies to one receiver, one after the other, without following it anywhere."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Call:
    """One request to make: `message` names this delivery, `headers` are already signed for this try."""

    message: UUID
    url: str = field(repr=False)
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one request: the receiver's status, or None with the `fault` that kept an answer from coming.

    `fault` is a fixed word: forbidden_address, unresolved, unreachable, tls_failed, timeout, broken_answer, or why the
    URL is refused. `retry_after` is the receiver's header as it came.
    """

    message: UUID
    status: int | None
    fault: str = ""
    retry_after: str = ""


class WebhookPort(Protocol):
    """What Bursar needs to reach other people's systems."""

    def post_many(self, calls: Iterable[Call], *, intent: Callable[[UUID], bool]) -> Iterator[Answer]:
        """Post `calls` in order, taking the next one only when the answer before has been yielded.

        `intent(message)` is called immediately before the request can leave, and at most once; if it answers False the
        request is passed over without an answer. Each request is over, for good or ill, within the setting
        `webhook_timeout`; of an answer no more is read than its first 64 KiB. Nothing is raised for what a receiver does.
        """
        ...

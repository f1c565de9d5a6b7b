"""Who delivers which topic: filled by other apps when Django starts (`AppConfig.ready`)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from bursar.outbox import retries
from bursar.outbox.claims import Claim, Delivered, Settlement

Handler = Callable[[Sequence[Claim]], Delivered]
Settle = Callable[[Sequence[Settlement]], object]
Find = Callable[[Sequence[Claim]], Mapping[UUID, bool]]


@dataclass(frozen=True, slots=True)
class Topic:
    """How the messages of one topic are delivered, and what is done about those that may have left."""

    handler: Handler
    resend_unknown: Callable[[str], bool]
    settle: Settle | None
    find: Find | None
    waits: retries.Waits


@dataclass(frozen=True, slots=True)
class Source:
    """Something that turns into messages only after its commit: whether any waits, and what makes messages of it."""

    is_waiting: Callable[[], bool]
    publish: Callable[[], object]


_topics: Final[dict[str, Topic]] = {}
_sources: Final[dict[str, Source]] = {}


def register(
    topic: str,
    handler: Handler,
    *,
    resend_unknown: Callable[[str], bool],
    settle: Settle | None = None,
    find: Find | None = None,
    waits: retries.Waits = retries.MAIL,
) -> None:
    """Make `handler` deliver `topic`; raises ValueError if another one does already.

    The handler gets claims of this topic, outside any transaction. It checks again whether each is still needed,
    renders, calls `commit_intent` just before the point of no return, sends, and settles through `settle_many` in the
    same transaction as its own records. What it leaves unsettled is taken over when the lease ends.

    For messages that may have left when their worker stopped, `find` is asked first: it says by uuid which have left
    and which have not, and leaves out those of which nobody can tell. For these `resend_unknown(kind)` says whether
    they are sent again, else they end as unknown. `settle` opens a transaction of its own and does for given
    settlements what the handler does; the outbox calls it for messages which it must settle itself (handler errors,
    found or unknown ones). Without it only the outbox knows of those. `waits` are the times between tries.
    """
    entry = Topic(handler, resend_unknown, settle, find, waits)
    if _topics.setdefault(topic, entry) != entry:
        raise ValueError(f"the topic {topic!r} has a handler already")


def find(topic: str) -> Topic | None:
    """Return how `topic` is delivered, or None if no app of this process does."""
    return _topics.get(topic)


def waits(topic: str) -> retries.Waits:
    """Return the times between the tries of a message of `topic`."""
    owner = find(topic)
    return owner.waits if owner else retries.MAIL


def register_source(name: str, source: Source) -> None:
    """Let every poll ask `source` for messages; raises ValueError if another one has this name already."""
    if _sources.setdefault(name, source) != source:
        raise ValueError(f"there is a source {name!r} already")


def sources() -> list[Source]:
    """Return everything that turns into messages after its commit."""
    return list(_sources.values())

"""Doing what a key stands for once: the row that says so commits with the effect (docs/decisions/0014).

An answer is final under its key whether it says done or refused by a rule; what could not be read, was not found or met
a busy database is not kept. Kept is the answer itself, byte for byte, where it names nobody; an answer with addresses
is kept as ids and made again by the caller's `show`, for the first caller as for the next.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson

from bursar.api.models import IdempotencyKey
from bursar.api.rendering import dump
from bursar.kernel import clock
from bursar.kernel.actor import Actor
from bursar.kernel.batching import chunks
from bursar.kernel.conf import setting
from bursar.kernel.errors import Refused
from bursar.kernel.transactions import accompanied, writes
from bursar.people.keys import keyed_hash

PURPOSE: Final = "idempotency"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its status, its body as JSON (without personal data), and where what was made is found."""

    status: int
    body: Any
    location: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it is kept: `content` is JSON. `replayed` when an earlier request has brought it about."""

    status: int
    content: bytes
    location: str = ""
    replayed: bool = False

    @property
    def body(self) -> Any:
        """The content, read."""
        return orjson.loads(self.content)


class KeyReused(Refused):
    """The key was used for another request; nothing was done."""

    default_code = "idempotency_key_reused"


class _Done(Exception):
    """An earlier request with the key has committed."""

    def __init__(self, row: IdempotencyKey) -> None:
        super().__init__("done already")
        self.row = row


@dataclass(frozen=True, slots=True)
class Slot:
    """One key of one caller for one route at one customer, and what the request asks for."""

    tenant: str
    principal: str
    route: str
    key: str
    fingerprint: str

    @classmethod
    def of(cls, actor: Actor, customer: UUID | None, route: str, key: str, request: Sequence[bytes]) -> "Slot":
        """Return the slot of a request; `request` is all that makes it another one: method, path and canonical body."""
        return cls(
            tenant="" if customer is None else str(customer),
            principal=keyed_hash(PURPOSE, actor.kind, actor.name),
            route=route,
            key=keyed_hash(PURPOSE, key),
            fingerprint=keyed_hash(PURPOSE, *request),
        )

    def find(self) -> IdempotencyKey | None:
        """Return the row of an earlier request with this key, committed."""
        rows = IdempotencyKey.objects.filter(tenant=self.tenant, principal=self.principal, route=self.route)
        return rows.filter(key=self.key).first()

    def new_row(self) -> IdempotencyKey:
        """Return a row for this request, not written yet."""
        return IdempotencyKey(
            tenant=self.tenant, principal=self.principal, route=self.route, key=self.key, fingerprint=self.fingerprint
        )


class _Writing:
    """Writes the key first, so that a twin waits for us at its index, and the answer last, in the verb's transaction."""

    def __init__(self, slot: Slot, keep: Callable[[Any], Reply]) -> None:
        self.slot, self.keep = slot, keep

    def begin(self) -> None:
        done = self.slot.find()
        if done is not None:
            raise _Done(done)
        self.row = self.slot.new_row()
        self.row.save(force_insert=True)

    def finish(self, done: Any) -> None:
        reply = self.keep(done)
        self.row.status, self.row.location = reply.status, reply.location
        self.row.kept = dump(reply.body).decode()
        self.row.save(update_fields=["status", "kept", "location"])


def once(slot: Slot, call: Callable[[], Any], keep: Callable[[Any], Reply], refuse: Callable[[Refused], Reply]) -> Kept:
    """Do `call`, which runs one verb, unless the slot's key has been used; returns the answer, now or from then.

    `keep` makes the answer of what the verb's first transaction returns, inside it; `refuse` makes it of a refusal.
    Raises `KeyReused` when the key stands for another request, and whatever else `call` raises: then nothing is kept,
    or (`Unavailable` after a commit whose acknowledgement was lost) the next request with the key will tell.
    """
    done = slot.find()
    if done is not None:
        return _again(slot, done)
    writing = _Writing(slot, keep)
    try:
        with accompanied(writing) as company:
            result = call()
    except _Done as error:
        return _again(slot, error.row)
    except Refused as error:
        if not company.committed:
            return _keep(slot, refuse(error))
    else:
        if not company.committed:
            return _keep(slot, keep(result))
    return Kept(writing.row.status, writing.row.kept.encode(), writing.row.location)


def _again(slot: Slot, row: IdempotencyKey) -> Kept:
    if row.fingerprint != slot.fingerprint:
        raise KeyReused("This Idempotency-Key was used for another request; make a new one for this.")
    return Kept(row.status, row.kept.encode(), row.location, replayed=True)


def _keep(slot: Slot, reply: Reply) -> Kept:
    """Keep an answer that came without a transaction: a refusal, unless a twin has brought something else about."""
    writing = _Writing(slot, lambda _: reply)
    try:
        _write_alone(writing)
    except _Done as error:
        return _again(slot, error.row)
    return Kept(writing.row.status, writing.row.kept.encode(), writing.row.location)


@writes
def _write_alone(writing: _Writing) -> None:
    writing.begin()
    writing.finish(None)


def prune_keys() -> int:
    """Remove the answers older than `keep_idempotency_keys`, in short transactions; returns how many."""
    old = IdempotencyKey.objects.filter(created__lt=clock.now() - setting("keep_idempotency_keys"))
    return sum(_remove(part) for part in chunks(list(old.order_by("pk").values_list("pk", flat=True))))


@writes
def _remove(keys: Sequence[int]) -> int:
    return IdempotencyKey.objects.filter(pk__in=keys).delete()[0]

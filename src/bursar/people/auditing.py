"""Writing down who did what at a customer, in the commit that does it, and reading it again, the latest first."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import Q

from bursar.kernel.actor import Actor
from bursar.kernel.lookup import as_uuid
from bursar.kernel.transactions import require_transaction
from bursar.people.models import ApiToken, AuditEntry, Person, Profile
from bursar.people.selectors import address_of

ACTORS: Final = ("person", "client", "console", "job", "system")


class Act(StrEnum):
    """What is written down of people; other apps name what is done in them."""

    MEMBER_ADDED = "member.added"
    MEMBER_REMOVED = "member.removed"
    TOKEN_MADE = "token.made"  # noqa: S105  the name of an act
    TOKEN_REVOKED = "token.revoked"  # noqa: S105  the name of an act
    CUSTOMER_CHANGED = "customer.changed"


class About(NamedTuple):
    """What was done something to: a row by its uuid, or a user of the host project."""

    subject: UUID | None = None
    user_id: int | None = None


NOTHING: Final = About()


def record_act(
    actor: Actor, act: str, customer: UUID | None, about: About = NOTHING, *, reason: str = "", **facts: Any
) -> None:
    """Write down that `actor` did something; inside the caller's transaction, one statement.

    `facts` are ids, codes and numbers: what names people or is theirs to word does not belong here.
    """
    require_transaction()
    AuditEntry.objects.create(
        customer_uuid=customer, act=act, actor_kind=actor.kind, user_id=actor.user_id,
        actor_name="" if actor.kind == "person" else actor.name, reason=reason,
        subject_uuid=about.subject, subject_user_id=about.user_id, facts=facts,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries: of these kinds of actors, by or about whoever has an address, from `begin` until before `end` (aware)."""

    kinds: Collection[str] = ()
    address_key: str | None = None
    begin: datetime | None = None
    end: datetime | None = None

    def condition(self, customer: UUID) -> Q:
        """Return the condition; the proven address of a user counts, and the address by which a person is known here."""
        found = Q(customer_uuid=customer)
        if self.kinds:
            found &= Q(actor_kind__in=self.kinds)
        if self.address_key is not None:
            users = Profile.objects.filter(verified_key=self.address_key).values("user_id")
            persons = Person.objects.filter(customer=customer, address_key=self.address_key).values("pk")
            found &= Q(user_id__in=users) | Q(subject_user_id__in=users) | Q(subject_uuid__in=persons)
        found &= Q(created__gte=self.begin) if self.begin else Q()
        return found & (Q(created__lt=self.end) if self.end else Q())


EVERYTHING: Final = Wanted()


@dataclass(frozen=True, slots=True)
class Acts:
    """A page of entries, the latest first, and whether there are earlier ones."""

    entries: list[AuditEntry]
    more: bool


def acts_at(customer: UUID, *, wanted: Wanted = EVERYTHING, before: int | None = None, limit: int = 25) -> Acts:
    """Return what was done at a customer, the latest first, before the entry with the number `before`; one statement."""
    rows = AuditEntry.objects.filter(wanted.condition(customer)).order_by("-id")
    found = list((rows if before is None else rows.filter(id__lt=before))[: limit + 1])
    return Acts(found[:limit], len(found) > limit)


@dataclass(frozen=True, slots=True)
class Names:
    """Who and what entries speak of, as far as it is still known: addresses of users and persons, names of tokens."""

    users: Mapping[int, str] = field(repr=False)
    persons: Mapping[UUID, str] = field(repr=False)
    tokens: Mapping[UUID, str] = field(repr=False)


def names_in(entries: Collection[AuditEntry]) -> Names:
    """Return the names for a page of entries; at most three statements."""
    users = {key for row in entries for key in (row.user_id, row.subject_user_id) if key is not None}
    subjects = {row.subject_uuid for row in entries if row.subject_uuid is not None}
    tokens = {key for row in entries if row.actor_kind == "client" and (key := as_uuid(row.actor_name))} | subjects
    found = get_user_model()._default_manager.filter(pk__in=users) if users else ()
    persons = Person.objects.filter(pk__in=subjects, erased_at=None) if subjects else Person.objects.none()
    named = ApiToken.objects.filter(pk__in=tokens) if tokens else ApiToken.objects.none()
    return Names(
        {user.pk: address_of(user) for user in found},
        dict(persons.values_list("pk", "email")),
        dict(named.values_list("pk", "name")),
    )

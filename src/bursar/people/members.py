"""Lists of members: who has which role at a customer, by role or by address, page by page."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Q

from bursar.kernel.errors import NotFound
from bursar.people.models import Membership, Profile, Role

WHO_ASSIGNS: Final = (Role.ADMIN, Role.OPERATOR)


@dataclass(frozen=True, slots=True)
class Members:
    """A page of members, and whether there are more behind it."""

    rows: list[Membership]
    more: bool


def members_at(
    customer: UUID,
    roles: Collection[str] = (),
    *,
    address_key: str | None = None,
    after: UUID | None = None,
    limit: int = 25,
) -> Members:
    """Return the members of a customer with these roles (none: any), behind the one with the key `after`; one statement.

    With `address_key` only those of whoever is known here by the address, or has proven that it is theirs.
    """
    rows = Membership.objects.filter(customer=customer).select_related("person", "user")
    rows = rows.filter(role__in=roles) if roles else rows
    if address_key is not None:
        users = Profile.objects.filter(verified_key=address_key).values("user_id")
        rows = rows.filter(Q(person__address_key=address_key) | Q(user__in=users))
    rows = rows if after is None else rows.filter(uuid__gt=after)
    found = list(rows.order_by("uuid")[: limit + 1])
    return Members(found[:limit], len(found) > limit)


def member_at(customer: UUID, member: UUID) -> Membership:
    """Return one member of a customer; raises `NotFound`."""
    row = Membership.objects.filter(pk=member, customer=customer).select_related("person", "user").first()
    if row is None:
        raise NotFound("There is no such member.")
    return row

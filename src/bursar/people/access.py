"""The only answer to "may this actor do this here". Unknown actors may nothing; other customers do not exist for them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet

from bursar.kernel import clock
from bursar.kernel.actor import Actor
from bursar.kernel.errors import NotFound
from bursar.kernel.lookup import as_uuid
from bursar.people.models import ApiToken, Customer, Membership, Role

M = TypeVar("M", bound=Model)


class Permission(StrEnum):
    """What can be asked for."""

    READ_BUDGETS = "budgets.read"
    WRITE_BUDGETS = "budgets.write"
    ALLOCATE = "assignments.allocate"
    MANAGE = "assignments.manage"
    LEARN = "assignments.learn"
    CONFIGURE = "configuration.write"
    NOTIFY = "notifications.write"  # what people and other systems are told: texts, reminders, webhooks
    ADMINISTER = "customer.administer"
    READ_CUSTOMER = "customer.read"  # what those who assign may look at: money, catalog, members, messages


GRANTS: Final[dict[str, frozenset[Permission]]] = {
    Role.LEARNER: frozenset({Permission.READ_BUDGETS, Permission.LEARN}),
    Role.ADMIN: frozenset(
        {
            Permission.READ_BUDGETS,
            Permission.ALLOCATE,
            Permission.MANAGE,
            Permission.LEARN,
            Permission.NOTIFY,
            Permission.ADMINISTER,
            Permission.READ_CUSTOMER,
        }
    ),
    Role.OPERATOR: frozenset(Permission),
}


def customers(actor: Actor, permission: Permission) -> frozenset[UUID] | None:
    """Return the customers where `actor` has `permission`; None stands for all of them.

    The system, its jobs and the command line (whose user reads the database anyway) have every permission everywhere;
    clients have what their token has (`people.tokens`).
    """
    if actor.kind in ("system", "job", "console"):
        return None
    if actor.kind == "client":
        return _by_token(actor.name, permission)
    claimed = _by_claims(actor.roles, permission)
    known = frozenset[UUID]() if actor.user_id is None else _by_membership(actor.user_id, permission)
    return None if claimed is None or known is None else claimed | known


def _by_claims(roles: Iterable[str], permission: Permission) -> frozenset[UUID] | None:
    """Return where the roles of a signed token have `permission`; an issuer may give any role everywhere (`*`)."""
    found: set[UUID] = set()
    for claim in roles:
        role, _, where = claim.partition(":")
        if permission not in GRANTS.get(role, ()):
            continue
        if where == "*":
            return None
        customer = as_uuid(where)
        if customer is not None:
            found.add(customer)
    return frozenset(found)


def _by_membership(user_id: int, permission: Permission) -> frozenset[UUID] | None:
    roles = [role for role, granted in GRANTS.items() if permission in granted]
    found = set(Membership.objects.filter(user_id=user_id, role__in=roles).values_list("customer_id", flat=True))
    return None if None in found else frozenset(customer for customer in found if customer is not None)


def _by_token(name: str, permission: Permission) -> frozenset[UUID] | None:
    """Return where the token that a client is named after has `permission`; nowhere once it is revoked or over."""
    key = as_uuid(name)
    token = ApiToken.objects.filter(pk=key).first() if key else None
    if token is None or not token.is_live(clock.now()) or (token.scopes and permission not in token.scopes):
        return frozenset()
    if token.user_id is not None:
        return _by_membership(token.user_id, permission)
    if permission not in GRANTS[token.role]:
        return frozenset()
    return None if token.customer_id is None else frozenset({token.customer_id})


def visible(
    rows: QuerySet[M], actor: Actor, permission: Permission, *, customer_field: str = "customer_id"
) -> QuerySet[M]:
    """Return only the rows of customers where `actor` has `permission`."""
    allowed = customers(actor, permission)
    return rows if allowed is None else rows.filter(**{f"{customer_field}__in": allowed})


def require(actor: Actor, permission: Permission, customer: UUID) -> None:
    """Raise `NotFound` (a stranger learns nothing, not even that it exists) unless `actor` has `permission` there."""
    if not _has(actor, permission, customer):
        raise NotFound("There is no such thing here.")


def lacked(actor: Actor, role: str, scopes: Iterable[str], customer: UUID | None) -> list[Permission]:
    """Return what a role (confined to `scopes`, if any) permits at a customer (None: everywhere) and `actor` does not.

    Nobody hands on more than they have: neither by a membership nor by a token.
    """
    return sorted(permission for permission in handed(role, scopes) if not _has(actor, permission, customer))


def handed(role: str, scopes: Iterable[str] = ()) -> frozenset[Permission]:
    """Return what whoever gets a role, confined to `scopes` (if any), may do with it."""
    return GRANTS.get(role, frozenset()) & frozenset(scopes or Permission)


def _has(actor: Actor, permission: Permission, customer: UUID | None) -> bool:
    allowed = customers(actor, permission)
    return allowed is None or customer in allowed


@dataclass(frozen=True, slots=True)
class Standing:
    """What a user may do: everywhere (which only operators can), and at each customer they belong to, by its key."""

    everywhere: frozenset[Permission] = frozenset()
    at: Mapping[UUID, frozenset[Permission]] = field(default_factory=dict)
    customers: tuple[Customer, ...] = ()

    def permissions(self, customer: UUID) -> frozenset[Permission]:
        """Return what they may do at one customer; nothing where they do not belong."""
        return self.everywhere | self.at.get(customer, frozenset())


def standing(user_id: int) -> Standing:
    """Return what a user of the host project may do, with the customers they belong to, by name; one statement."""
    at: defaultdict[UUID | None, frozenset[Permission]] = defaultdict(frozenset)
    customers: dict[UUID, Customer] = {}
    for held in Membership.objects.filter(user_id=user_id).select_related("customer"):
        at[held.customer_id] |= GRANTS[held.role]
        if held.customer is not None:
            customers[held.customer.pk] = held.customer
    everywhere = at.pop(None, frozenset())
    by_name = sorted(customers.values(), key=lambda customer: (customer.name.lower(), str(customer.pk)))
    return Standing(everywhere, {key: allowed for key, allowed in at.items() if key}, tuple(by_name))

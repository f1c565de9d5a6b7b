"""Which rows a caller may see and change: asked of `people.access`, and answered with 404 or, where they may look, 403."""

from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from bursar.api.auth import actor_of
from bursar.api.v1.errors import Forbidden
from bursar.kernel.errors import NotFound
from bursar.people.access import Permission, customers, visible
from bursar.people.models import Customer

M = TypeVar("M", bound=Model)


def found(
    request: HttpRequest,
    rows: QuerySet[M],
    key: Any,
    permission: Permission = Permission.READ_CUSTOMER,
    *,
    customer_field: str = "customer_id",
) -> M:
    """Return the row with this key where the caller has `permission`; raises `NotFound` for all others alike."""
    row = visible(rows, actor_of(request), permission, customer_field=customer_field).filter(pk=key).first()
    if row is None:
        raise NotFound("There is no such thing here.")
    return row


def require(request: HttpRequest, permission: Permission, customer: UUID | None) -> None:
    """Raise `Forbidden` unless the caller has `permission` at a customer they may see (None: at every customer)."""
    allowed = customers(actor_of(request), permission)
    if allowed is not None and customer not in allowed:
        raise Forbidden(f"This takes the permission {permission}, which you do not have here.", permission=permission)


def require_at(request: HttpRequest, permission: Permission, customer: UUID | None) -> None:
    """As `require`, for a customer that the body names: `NotFound` when the caller may not even look at it."""
    if customer is not None:
        found(request, Customer.objects.all(), customer, customer_field="pk")
    require(request, permission, customer)


def require_anywhere(request: HttpRequest, permission: Permission) -> None:
    """Raise `Forbidden` unless the caller has `permission` at some customer: for what belongs to no customer."""
    allowed = customers(actor_of(request), permission)
    if allowed is not None and not allowed:
        raise Forbidden(f"This takes the permission {permission}, which you have nowhere.", permission=permission)

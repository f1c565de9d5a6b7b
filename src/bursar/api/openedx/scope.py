"""Whose budget or configuration an Open edX request names, and whether the caller may: 403 for strangers and for unknown ids.

Only who may everywhere gets 404 for what is not there (wire A2, section 5, 2). The wire counts in dollars: budgets on
funds of another currency do not exist here (ruling 27).
"""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from django.db.models import Q
from ninja.errors import HttpError

from bursar.api.openedx.errors import NOWHERE, Denied
from bursar.assignments.models import AssignmentConfiguration
from bursar.budgets.models import Budget
from bursar.kernel.actor import Actor
from bursar.people.access import Permission, customers

CURRENCY: Final = "USD"
ON_THE_WIRE: Final = Q(subsidy_access_policy__isnull=True) | Q(subsidy_access_policy__fund__currency=CURRENCY)

READ_BUDGETS: Final = "Missing: subsidy_access_policy.has_read_access"
ALLOCATE: Final = "MISSING: subsidy_access_policy.has_allocation_access"
READ_ASSIGNMENTS: Final = "Missing: content_assignment.has_admin_read_access"
CANCEL: Final = "Missing: content_assignment.has_admin_cancel_access"
REMIND: Final = "Missing: content_assignment.has_admin_remind_access"
READ_CONFIGURATIONS: Final = "Missing: content_assignment_configuration.has_read_access"
WRITE_CONFIGURATIONS: Final = "Missing: content_assignment_configuration.has_write_access"


def require(actor: Actor, permission: Permission, customer: UUID | None, missing: str) -> None:
    """Answer 403 with `missing` unless the actor may at this customer; None, which is nowhere, is 404 for who may everywhere."""
    allowed = customers(actor, permission)
    if allowed is not None and customer not in allowed:
        raise Denied(missing)
    if customer is None:
        raise HttpError(404, NOWHERE)


def budget_row(
    actor: Actor, key: UUID, columns: Sequence[str], *, permission: Permission, missing: str
) -> dict[str, Any]:
    """Return the columns (and `customer_id`) of a budget where the actor has the permission; answers 403 or 404."""
    row: dict[str, Any] | None = (
        Budget.objects.filter(pk=key, fund__currency=CURRENCY).values("customer_id", *columns).first()
    )
    require(actor, permission, row["customer_id"] if row else None, missing)
    assert row is not None  # answered above
    return row


def configuration_row(
    actor: Actor, key: UUID, columns: Sequence[str] = (), *, permission: Permission, missing: str
) -> dict[str, Any]:
    """Return the columns of a configuration, as `budget_row` does, with `enterprise_customer_uuid`."""
    found = AssignmentConfiguration.objects.filter(ON_THE_WIRE, pk=key)
    row: dict[str, Any] | None = found.values(*{"enterprise_customer_uuid", *columns}).first()
    require(actor, permission, row["enterprise_customer_uuid"] if row else None, missing)
    assert row is not None  # answered above
    return row

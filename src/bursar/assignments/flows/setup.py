"""Setting a budget up: it and the configuration of its assignments are made in one commit; configurations by themselves."""

from uuid import UUID

from bursar.assignments.models import AssignmentConfiguration
from bursar.budgets.models import Budget, Fund
from bursar.budgets.services import attach_configuration, insert_budget
from bursar.kernel.actor import Actor
from bursar.kernel.errors import NotFound
from bursar.kernel.text import storable
from bursar.kernel.transactions import writes
from bursar.people.models import Customer


@writes
def create_assignable_budget(
    fund: UUID, *, display_name: str, limit_cents: int, catalog: UUID | None = None, description: str = ""
) -> Budget:
    """Make a budget that assigns: on a fund, up to `limit_cents`, for the courses of a catalog (None: all)."""
    row = Fund.objects.filter(pk=fund).first()
    if row is None:
        raise NotFound("There is no such fund.")
    configuration = AssignmentConfiguration.objects.create(enterprise_customer_uuid=row.customer_id)
    return insert_budget(
        row, display_name=display_name, limit_cents=limit_cents, configuration=configuration.pk, catalog=catalog,
        description=description,
    )  # fmt: skip


@writes
def create_configuration(customer: UUID, *, budget: UUID | None, active: bool, actor: Actor) -> UUID:
    """Make a configuration, for a budget of the customer that has none if one is given; returns its uuid.

    Raises `NotFound` for an unknown customer or budget, or `Refused` (`already_assigns`).
    """
    if not Customer.objects.filter(pk=customer).exists():
        raise NotFound("There is no such customer.")
    made = AssignmentConfiguration(enterprise_customer_uuid=customer, active=active)
    vars(made)["_history_user_id"] = actor.user_id
    made.save(force_insert=True)
    if budget is not None:
        attach_configuration(budget, made.pk, customer, actor_user_id=actor.user_id)
    return made.pk


@writes
def switch_configuration(configuration: UUID, *, active: bool, actor: Actor, reason: str = "") -> None:
    """Switch a configuration on or off, for a reason that its history keeps; as it is already, nothing is written."""
    row = AssignmentConfiguration.objects.select_for_update().filter(pk=configuration).first()
    if row is None:
        raise NotFound("There is no such configuration.")
    vars(row)["_history_user_id"] = actor.user_id
    if not active:
        row.delete(reason=storable(reason) or None)
    elif not row.active:
        row.active = True
        row.save(update_fields=["active", "modified"])

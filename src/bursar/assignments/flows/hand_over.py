"""Handing an assignment to somebody else: the catalog is asked whether the course can still be taken, the price stays."""

from uuid import UUID

from bursar.assignments import moves, services
from bursar.assignments.flows.allocations import AllocationRequest, make_offer, recipients
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.moves import COLUMNS, Row
from bursar.assignments.services import HandedOver
from bursar.budgets.models import Budget
from bursar.kernel.actor import Actor
from bursar.kernel.errors import NotFound, Refused
from bursar.people.access import Permission
from bursar.people.files import PersonRow


def hand_over(key: UUID, person: PersonRow, *, actor: Actor) -> HandedOver:
    """Hand an open assignment to somebody else: same course, run, price and budget, whatever the catalog asks for now.

    Raises `NotFound` for one that the actor does not manage, and `Refused` as `services.hand_over` or, where the course
    cannot be assigned from the budget any more, as `allocate`.
    """
    row, run = _find(key, actor)
    why = services.refuse_hand_over(row)
    if why is not None:
        raise Refused(why.message, code=why.code, **why.facts)
    budget = Budget.objects.select_related("fund", "customer").get(assignment_configuration=row.configuration)
    wanted = AllocationRequest(budget, row.content_key, run, -row.quantity)
    offer = make_offer(wanted, actor=actor, price_agreed=True)
    (recipient,) = recipients([person])
    return services.hand_over(key, offer, recipient, actor=actor)


def _find(key: UUID, actor: Actor) -> tuple[Row, str | None]:
    rows = LearnerContentAssignment.objects.filter(
        pk=key, assignment_configuration__subsidy_access_policy__isnull=False
    )
    found = moves.visible(rows, actor, Permission.MANAGE).values_list(*COLUMNS, "preferred_course_run_key").first()
    if found is None:
        raise NotFound("There is no such assignment.")
    return Row(*found[:-1]), found[-1]

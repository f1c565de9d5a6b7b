"""Doing exactly what was planned: the plan that is taken and used up, and people for whom something else is to be done now."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from bursar.assignments.models import AllocationPlan, PlanPart, PlanState
from bursar.assignments.policy import WORDS, Code, refusal
from bursar.assignments.services.offers import Planned
from bursar.assignments.services.survey import Found, Survey
from bursar.kernel import clock
from bursar.kernel.errors import Refused
from bursar.kernel.results import Refusal
from bursar.kernel.transactions import require_transaction

NAMED: Final = 25


def take_plan(plan: UUID | None) -> None:
    """Lock a plan, if there is one, and raise `Refused` unless it can be used (`plan_used`, `plan_lapsed`)."""
    require_transaction()
    if plan is not None:
        refuse_over(AllocationPlan.objects.select_for_update().get(pk=plan))


def refuse_over(row: AllocationPlan) -> None:
    """Raise `Refused` for a plan that was used, whose time is over, or whose people were forgotten."""
    if row.state == PlanState.USED:
        raise Refused("This plan was applied already.", code="plan_used", batch=str(row.batch_uuid))
    if row.state != PlanState.OPEN or row.lapses_at <= clock.now():
        raise Refused("This plan is over; make a new one.", code="plan_lapsed")


def use_plan(plan: UUID | None, batch: UUID) -> None:
    """Note what a plan has become, and forget its people; in the commit that does what it says."""
    if plan is not None:
        close_plans([plan], PlanState.USED, batch=batch)


def close_plans(plans: Sequence[UUID], state: PlanState, *, batch: UUID | None = None) -> int:
    """End these plans if they are open, and forget their people; returns how many. Inside the caller's transaction."""
    require_transaction()
    mine = AllocationPlan.objects.filter(pk__in=plans, state=PlanState.OPEN)
    ended = mine.update(state=state, batch_uuid=batch, modified=clock.now())
    PlanPart.objects.filter(plan__in=plans).update(rows=None)
    return ended


def refuse_strays(found: Sequence[Found]) -> None:
    """Raise `Refused` (`plan_changed`) if for anybody something else is to be done than planned; names the lines."""
    strays = [item for item in found if is_stray(item)]
    if strays:
        lines = [
            {"line": item.recipient.position, "planned": _word(item.recipient.planned), "now": str(item.action)}
            for item in strays[:NAMED]
        ]
        raise Refused(WORDS[Code.PLAN_CHANGED], code=Code.PLAN_CHANGED, changed=len(strays), rows=lines)


def drop_strays(seen: Survey) -> list[tuple[int, Refusal]]:
    """Leave out whoever changed after everybody had been looked at, with those who are the same person."""
    strays = [item for item in seen.found if is_stray(item)]
    gone = {item.recipient.key for item in strays}
    strays += [item for item in seen.found if item.same_person_as in gone and item not in strays]
    if strays:
        seen.found = [item for item in seen.found if item not in strays]
    return [(item.recipient.position, refusal(Code.PLAN_CHANGED)) for item in strays]


def is_stray(item: Found) -> bool:
    """Tell whether something else is to be done than was planned, or for another assignment."""
    planned = item.recipient.planned
    return planned is not None and planned != planned_of(item)


def planned_of(item: Found) -> Planned:
    """Return what is to be done now, as a plan keeps it."""
    return Planned(str(item.action), item.existing.row.uuid if item.existing else None)


def _word(planned: Planned | None) -> str:
    return planned.action if planned else ""

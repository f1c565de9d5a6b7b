"""Plans that are kept: made without writing anything else, read back by whoever may allocate, ended in time."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid4

from django.db.models import QuerySet

from bursar.assignments.models import AllocationPlan, AssignmentConfiguration, PlanPart, PlanState
from bursar.assignments.moves import Row
from bursar.assignments.policy import refuse_amount
from bursar.assignments.services.allocate import money_left
from bursar.assignments.services.offers import Offer, Planned, Recipient, Rest, distinct
from bursar.assignments.services.planned import close_plans, planned_of
from bursar.assignments.services.survey import CHARGED, Action, Found, Met, survey
from bursar.budgets.models import Budget
from bursar.budgets.selectors import balance
from bursar.kernel import clock
from bursar.kernel.actor import Actor
from bursar.kernel.batching import chunks
from bursar.kernel.bulk import insert_rows
from bursar.kernel.conf import setting
from bursar.kernel.errors import BadInput, NotFound
from bursar.kernel.transactions import writes
from bursar.people.access import Permission, customers, require
from bursar.people.services import DETAILS, Known

OUTCOMES: Final[dict[str, str]] = {
    Action.CREATE: "created",
    Action.RENEW: "updated",
    Action.COMPLETE: "updated",
    Action.UNCHANGED: "unchanged",
}
TWIN: Final = "twin"
REFUSED: Final = "refused"
ENDED_AT_ONCE: Final = 100

PlanRow = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What somebody wants to assign, to whom, and what was asked for in their own words (`terms`)."""

    offer: Offer
    people: Sequence[Recipient]
    rest: Rest
    terms: Mapping[str, Any]


def keep_plan(request: PlanRequest, *, actor: Actor) -> AllocationPlan:
    """Keep what allocating would do now to everybody, for the setting `plan_kept_for`; nothing else is written.

    Whether the money would suffice is kept too and stops nothing. Raises `NotFound` without the permission. Five
    statements for each chunk of people, and a fixed number for the plan.
    """
    offer = request.offer
    require(actor, Permission.ALLOCATE, offer.customer)
    rows = sorted([*_people_rows(request), *_rest_rows(request.rest)], key=lambda row: row["line"])
    charged = sum(row["cost_cents"] for row in rows)
    why = refuse_amount(money_left(offer.budget), charged)
    counts = {name: sum(row["outcome"] == name for row in rows) for name in (*OUTCOMES.values(), TWIN, REFUSED)}
    plan = AllocationPlan(
        uuid=uuid4(), configuration_id=offer.configuration, digest=_digest(offer, rows),
        terms={"request": dict(request.terms), "offer": offer.as_json()}, people=len(rows) - counts[TWIN] - counts[REFUSED],
        created_count=counts["created"], updated_count=counts["updated"], unchanged_count=counts["unchanged"],
        twin_count=counts[TWIN], refused_count=counts[REFUSED], charged_cents=charged,
        available_cents=balance(Budget.objects.select_related("fund").get(pk=offer.budget)).available_cents,
        refusal=why and {"code": why.code, "message": why.message, **why.facts},
        lapses_at=clock.now() + setting("plan_kept_for"),
    )  # fmt: skip
    _write(plan, rows)
    return plan


def _people_rows(request: PlanRequest) -> Iterator[PlanRow]:
    met = Met()
    for part in chunks(distinct(request.people)):
        for item in survey(request.offer, part, lock=False, met=met).found:
            yield _row(item, request.offer.price_cents)


def _row(item: Found, price_cents: int) -> PlanRow:
    known, planned = item.recipient.known, planned_of(item)
    details = {name: value for name in DETAILS if (value := getattr(known, name))}
    return {
        "line": item.recipient.position,
        "outcome": OUTCOMES[item.action],
        "action": planned.action,
        "assignment": planned.assignment and str(planned.assignment),
        "was": _state_of(item.existing.row) if item.existing else None,
        "cost_cents": price_cents if item.action in CHARGED else 0,
        "email": known.email,
        "key": known.key,
        "details": details,
    }


def _state_of(row: Row) -> str:
    return str(row.state)


def _rest_rows(rest: Rest) -> Iterator[PlanRow]:
    for line, first in rest.twins:
        yield {"line": line, "outcome": TWIN, "cost_cents": 0, "of_line": first}
    for line, code, words in rest.rejected:
        yield {"line": line, "outcome": REFUSED, "cost_cents": 0, "code": code, "message": words}


def _digest(offer: Offer, rows: Sequence[PlanRow]) -> str:
    """Return what stands for the whole plan; addresses are in it by their keys."""
    digest = hashlib.sha256(json.dumps(offer.as_json(), sort_keys=True).encode())
    for row in rows:
        digest.update(json.dumps({**row, "email": ""}, sort_keys=True).encode())
    return digest.hexdigest()


@writes
def _write(plan: AllocationPlan, rows: Sequence[PlanRow]) -> None:
    plan.save(force_insert=True)
    parts = [(place, list(part)) for place, part in enumerate(chunks(rows))]
    insert_rows(PlanPart, ("position", "rows"), parts, {"plan_id": plan.pk})


def plans(actor: Actor) -> "QuerySet[AllocationPlan]":
    """Return the plans that `actor` may look at and apply, newest first."""
    allowed = customers(actor, Permission.ALLOCATE)
    rows = AllocationPlan.objects.order_by("-created", "-uuid")
    if allowed is None:
        return rows
    mine = AssignmentConfiguration.objects.filter(enterprise_customer_uuid__in=allowed)
    return rows.filter(configuration__in=mine.values("pk"))


def find_plan(plan: UUID, *, actor: Actor) -> AllocationPlan:
    """Return one plan; raises `NotFound` when there is none that `actor` may apply."""
    row = plans(actor).filter(pk=plan).first()
    if row is None:
        raise NotFound("There is no such plan.")
    return row


def check_digest(row: AllocationPlan, digest: str) -> None:
    """Raise `BadInput` (`wrong_digest`) when somebody names another plan than this one."""
    if digest != row.digest:
        raise BadInput("The digest is not that of this plan.", code="wrong_digest")


@dataclass(frozen=True, slots=True)
class PlacedRow:
    """A row of a plan, and where it is kept, in the order of the file."""

    place: tuple[int, int]
    row: PlanRow


def placed_rows(row: AllocationPlan, *, after: tuple[int, int] = (-1, -1)) -> Iterator[PlacedRow]:
    """Yield the rows of an open plan behind a place; one part in memory at a time."""
    parts = row.parts.filter(rows__isnull=False, position__gte=max(after[0], 0)).order_by("position")
    for part in parts.iterator(1):
        for number, item in enumerate(part.rows or ()):
            if (part.position, number) > after:
                yield PlacedRow((part.position, number), item)


def recipients_of(row: AllocationPlan) -> tuple[list[Recipient], Rest]:
    """Return the people of a plan with what is to be done for each, and the rest of its rows."""
    people: list[Recipient] = []
    twins: list[tuple[int, int]] = []
    rejected: list[tuple[int, str, str]] = []
    for item in (placed.row for placed in placed_rows(row)):
        if item["outcome"] == TWIN:
            twins.append((item["line"], item["of_line"]))
        elif item["outcome"] == REFUSED:
            rejected.append((item["line"], item["code"], item["message"]))
        else:
            people.append(_recipient(item))
    return people, Rest(twins, rejected)


def _recipient(item: PlanRow) -> Recipient:
    assignment = item["assignment"] and UUID(item["assignment"])
    known = Known(item["email"], item["key"], **item["details"])
    return Recipient(item["line"], known, Planned(item["action"], assignment))


def lapse_plans() -> int:
    """Forget the people of plans whose time is over, in short transactions; returns how many plans."""
    lapsed = 0
    while done := _lapse():
        lapsed += done
    return lapsed


@writes
def _lapse() -> int:
    over = AllocationPlan.objects.filter(state=PlanState.OPEN, lapses_at__lte=clock.now()).order_by("lapses_at")
    return close_plans(list(over.values_list("pk", flat=True)[:ENDED_AT_ONCE]), PlanState.LAPSED)


@writes
def discard_plan(plan: UUID, *, actor: Actor) -> None:
    """End an open plan, and forget its people; raises `NotFound` when there is none that `actor` may apply."""
    find_plan(plan, actor=actor)
    close_plans([plan], PlanState.WITHDRAWN)


@writes
def withdraw_plans(customer: UUID) -> int:
    """End every open plan of a customer, one of whose people is to be forgotten now; returns how many.

    All of them: a row that named nobody, or a manager, may hold the address as well.
    """
    mine = AssignmentConfiguration.objects.filter(enterprise_customer_uuid=customer)
    held = AllocationPlan.objects.filter(state=PlanState.OPEN, configuration__in=mine.values("pk"))
    return close_plans(list(held.order_by("pk").values_list("pk", flat=True)), PlanState.WITHDRAWN)

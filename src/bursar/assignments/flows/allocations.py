"""Allocating: what the catalog says of the content decides first whether anybody can get it; then who."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from bursar.assignments import services
from bursar.assignments.flows import contents
from bursar.assignments.models import AllocationPlan
from bursar.assignments.policy import AllocationFacts, Code, refusal, refuse_allocation
from bursar.assignments.services import Allocation, Call, Offer, Recipient, Rest
from bursar.assignments.services.chunked import Progress
from bursar.assignments.services.offers import PLAIN
from bursar.budgets.models import Budget
from bursar.budgets.selectors import find_budget
from bursar.kernel import clock
from bursar.kernel.actor import Actor
from bursar.kernel.conf import setting
from bursar.kernel.errors import BadInput, Refused
from bursar.kernel.results import Refusal
from bursar.outbox.services import Claim, Delivered, release_many
from bursar.outbox.worker import stopping
from bursar.people.access import Permission, require
from bursar.people.files import PeopleFile, PersonRow
from bursar.people.keys import keys_of
from bursar.people.services import Known
from bursar.ports.catalog import Content

LARGEST_PRICE_CENTS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class AllocationRequest:
    """One course (or run) for many people, from one budget; `price_cents` None takes the catalog's price."""

    budget: Budget
    content_key: str
    run_key: str | None = None
    price_cents: int | None = None


def allocate(
    request: AllocationRequest,
    people: Sequence[PersonRow],
    *,
    actor: Actor,
    progress: Progress | None = None,
    call: Call = PLAIN,
) -> Allocation:
    """Assign a course to people: to all of them, or, when a rule or the money says no, to nobody (raises `Refused`)."""
    offer = make_offer(request, actor=actor)
    return services.allocate_many(offer, recipients(people), actor=actor, progress=progress, call=call)


def allocate_file(request: AllocationRequest, found: PeopleFile, *, actor: Actor) -> UUID:
    """Assign a course to the people of a file, and keep the result of every row; returns the batch.

    What is too large for one transaction is reserved now and filled by a worker. Raises as `allocate`.
    """
    done = allocate(request, found.people, actor=actor, call=Call(rest=rest_of(found), later=True))
    assert done.batch is not None  # kept whenever results are
    return done.batch


def make_plan(request: AllocationRequest, found: PeopleFile, *, actor: Actor) -> AllocationPlan:
    """Keep, row by row, what `allocate_file` would do now; raises as it would, but for lack of money."""
    terms = {
        "budget": str(request.budget.pk), "content_key": request.content_key, "run_key": request.run_key,
        "price_cents": request.price_cents,
    }  # fmt: skip
    offer = make_offer(request, actor=actor)
    wanted = services.PlanRequest(offer, recipients(found.people), rest_of(found), terms)
    return services.keep_plan(wanted, actor=actor)


def apply_plan(plan: UUID, *, digest: str, actor: Actor) -> UUID:
    """Do exactly what an open plan says, or nothing; returns the batch.

    Raises `NotFound`, `BadInput` (`wrong_digest`), `Refused` (`plan_used`, `plan_lapsed`; `plan_changed` with what
    would be otherwise now; else as `allocate`). In a large one, people who change after all were looked at are left
    out by name.
    """
    row = services.find_plan(plan, actor=actor)
    services.check_digest(row, digest)
    services.refuse_over(row)
    asked = row.terms["request"]
    request = AllocationRequest(
        find_budget(UUID(asked["budget"]), None), asked["content_key"], asked["run_key"], asked["price_cents"]
    )
    offer = make_offer(request, actor=actor)
    _refuse_other_terms(row.terms["offer"], offer.as_json())
    people, rest = services.recipients_of(row)
    done = services.allocate_many(offer, people, actor=actor, call=Call(rest=rest, plan=row.pk, later=True))
    assert done.batch is not None  # kept whenever results are
    return done.batch


def _refuse_other_terms(planned: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raise `Refused` when price, run or dates are not what was planned; a course may change its title."""
    changed = {
        name: {"planned": planned.get(name), "now": value}
        for name, value in now.items()
        if value != planned.get(name) and name != "title"
    }
    if changed:
        why = refusal(Code.PLAN_CHANGED)
        raise Refused(why.message, code=why.code, terms=changed)


def rest_of(found: PeopleFile) -> Rest:
    """Return the rows of a file that are nobody's own, without what was written in them."""
    return Rest(
        [(twin.line, twin.of_line) for twin in found.twins],
        [(fault.line, fault.code, fault.message) for fault in found.refused],
    )


def plan(request: AllocationRequest, people: Sequence[PersonRow], *, actor: Actor) -> tuple[Allocation, Refusal | None]:
    """Return what `allocate` would do and why it would refuse for lack of money; writes nothing, raises as it would."""
    return services.plan_many(make_offer(request, actor=actor), recipients(people), actor=actor)


def recipients(people: Sequence[PersonRow]) -> list[Recipient]:
    """Return people read from a file or a list as recipients, with the keys of their addresses."""
    keys = keys_of([person.normal for person in people])
    return [
        Recipient(
            person.line,
            Known(
                person.email,
                key,
                person.name,
                person.department,
                person.language,
                person.time_zone,
                person.manager_email,
            ),
        )
        for key, person in zip(keys, people, strict=True)
    ]


def make_offer(request: AllocationRequest, *, actor: Actor, price_agreed: bool = False) -> Offer:
    """Return what the request offers, checked in the contract's order; a price that is agreed may differ from the catalog's.

    Raises `NotFound` for a budget that the actor may not use, `BadInput` for an amount that is none, `Refused` with the
    code of the first rule that says no.
    """
    budget = request.budget
    require(actor, Permission.ALLOCATE, budget.customer_id)
    _check_price(request.price_cents)
    now = clock.now()
    content = contents.describe([request.content_key]).get(request.content_key)
    price = request.price_cents if request.price_cents is not None or content is None else content.price_cents
    why = refuse_allocation(_facts(request, content, price, agreed=price_agreed)) or _refuse_run(request, content)
    if why is not None:
        raise Refused(why.message, code=why.code, **why.facts)
    if budget.assignment_configuration_id is None:
        raise Refused("This budget is not one that assigns.", code=Code.POLICY_EXPIRED)
    assert content is not None  # unknown content is refused above
    assert price is not None  # so is a missing price
    is_run = content.run is not None
    return Offer(
        budget=budget.pk,
        configuration=budget.assignment_configuration_id,
        customer=budget.customer_id,
        content_key=content.key,
        price_cents=price,
        title=content.title,
        parent_content_key=content.course_key if is_run else None,
        is_course_run=is_run,
        run_key=content.key if is_run else request.run_key,
        enroll_by=contents.enroll_by(content, request.run_key, now),
        fund_ends_at=budget.fund.expires_at,
    )


def _check_price(cents: int | None) -> None:
    if cents is None:
        return
    if isinstance(cents, bool) or not isinstance(cents, int):
        raise BadInput("A price is a whole number of cents.", code="invalid_price")
    if not 0 <= cents <= LARGEST_PRICE_CENTS:
        raise BadInput("A price is between 0 and ten million.", code="invalid_price")


def _facts(request: AllocationRequest, content: Content | None, price: int | None, *, agreed: bool) -> AllocationFacts:
    now, budget = clock.now(), request.budget
    return AllocationFacts(
        known_content=content is not None,
        price_cents=price,
        catalog_price_cents=content.price_cents if content and not agreed else None,
        tolerance_percent=setting("price_tolerance_percent"),
        budget_active=budget.usable,
        in_catalog=content is not None and contents.offers(budget.catalog_id, content.key),
        enrolment_open=content is not None and contents.is_open(content, request.run_key, now),
        same_currency=content is not None and content.currency == budget.fund.currency,
        fund_active=budget.fund.is_active(now),
    )


def _refuse_run(request: AllocationRequest, content: Content | None) -> Refusal | None:
    """Refuse a preferred run that is not one of the course's (or not the assigned one)."""
    if content is None or request.run_key is None:
        return None
    allowed = {content.key} if content.run else {run.key for run in content.runs}
    return None if request.run_key in allowed else refusal(Code.WRONG_RUN)


def resume_batches() -> int:
    """Fill the large allocations that a process left behind; returns how many."""
    batches = services.unfinished_batches()
    for batch in batches:
        services.fill_batch(batch)
    return len(batches)


def fill_waiting(claims: Sequence[Claim]) -> Delivered:
    """Fill the large allocations that were left to a worker: what the outbox calls for the topic `fill`.

    One that a stopping worker has begun waits again at once; what is filled stays filled.
    """
    filled = 0
    for claim in claims:
        try:
            services.fill_batch(claim.subject, progress=_unless_stopping)
        except _StoppedError:
            release_many(claims)
            break
        filled += services.settle_filled(claim)
    return Delivered(sent=filled)


class _StoppedError(Exception):
    """The worker was told to stop between two chunks."""


def _unless_stopping(_: int) -> None:
    if stopping():
        raise _StoppedError
